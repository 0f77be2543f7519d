"""How time and memory grow with rows, features, hidden units, depth and batch size: writes ``docs/scaling.md``."""

import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from .cells import OURS, PEER, contenders, make
from .measure import describe, duration, machine, peak_of, put_between_markers, seconds

N_COLS = 3  # panels side by side
BASE = {"rows": 20_000, "features": 30, "units": 100, "depth": 1, "batch": 200}


@dataclass(frozen=True)
class Sweep:
    """One quantity varies; what is not listed is as in ``BASE``. Memory is shown where it grows beyond a few MB."""

    title: str
    what: str
    values: tuple
    solver: str = "adam"
    note: str = ""
    with_memory: bool = False


SWEEPS = [
    Sweep(
        "Rows, minibatches",
        "rows",
        (1_000, 10_000, 100_000, 1_000_000),
        note="An epoch is one pass: a straight line.",
        with_memory=True,
    ),
    Sweep(
        "Rows, full batch",
        "rows",
        (1_000, 10_000, 100_000, 1_000_000),
        solver="gd",
        note="In row chunks that fit the cache: a straight line, at memory that does not grow with rows × units.",
        with_memory=True,
    ),
    Sweep(
        "Features",
        "features",
        (10, 100, 1_000),
        note="The first layer's products grow with the features.",
        with_memory=True,
    ),
    Sweep("Hidden units", "units", (10, 100, 1_000), note="So do all layers with the units; a few cost little."),
    Sweep("Depth", "depth", (1, 2, 4, 8), note="Each further hidden layer adds units² weights, the first only a few."),
    Sweep("Batch size", "batch", (20, 200, 2_000), note="Small steps pay for each call of numpy, large ones do not."),
]


def run(options):
    write_page(Path(__file__).parents[1] / "docs")


def write_page(folder):
    """Measure all sweeps and write the page with its picture."""
    found = {sweep.title: [_point(sweep, value) for value in sweep.values] for sweep in SWEEPS}
    _draw(found, folder / "images" / "scaling.png")
    put_between_markers(folder / "scaling.md", _page(found))


def _point(sweep, value):
    shape = BASE | {sweep.what: value}
    point = {"value": value}
    for name in (OURS, PEER):
        # In a process of its own: memory that an earlier run gave back would hide what this one takes.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            point[name] = fresh.submit(_measure, name, shape, sweep.solver).result()
    print(f"{sweep.title}: {value}", *(f"{name} {point[name][0]:.3f} s" for name in (OURS, PEER)), flush=True)
    return point


def _measure(name, shape, solver):
    """Median seconds of an epoch of fit, and peak memory beyond X in MB."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((shape["rows"], shape["features"]), dtype=np.float32)
    y = (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)
    params = {
        "hidden_layer_sizes": (shape["units"],) * shape["depth"],
        "solver": solver,
        "batch_size": min(shape["batch"] if solver == "adam" else shape["rows"], shape["rows"]),
        "max_iter": 1,
    }
    model = make(contenders(quiet=True)[name], params)
    seconds(lambda: make(type(model), params | {"batch_size": 200}).fit(X[:1000], y[:1000]))  # loads and starts all
    memory = peak_of(lambda: model.fit(X, y))
    runs = []
    while len(runs) < 3 or sum(runs) < 0.5:  # a short one is easily disturbed
        runs.append(seconds(lambda: model.fit(X, y)))
    return statistics.median(runs), memory


def _shows_memory(sweep, points):
    return sweep.with_memory and points[0][OURS][1] is not None


def _page(found):
    """The page in Markdown: a table a sweep."""
    shape = ", ".join(f"{what} {value:,}".replace(",", " ") for what, value in BASE.items())
    lines = [
        "One epoch of `ScratchMLPClassifier` and of `MLPClassifier`, float32, relu. One quantity",
        f"varies, the others stay at {shape}. Memory is the peak beyond X,",
        "shown where it grows beyond a few MB.",
        "`python -m benchmarks scaling` writes this section.",
        "",
        describe(machine()),
        "",
        "![Time and memory against each quantity](images/scaling.png)",
    ]
    for sweep in SWEEPS:
        lines += ["", f"### {sweep.title}", "", sweep.note, ""]
        with_memory = _shows_memory(sweep, found[sweep.title])
        head = ["time", "scikit-learn", "ratio", *(["MB", "scikit-learn"] if with_memory else [])]
        lines += [f"| {sweep.what} | {' | '.join(head)} |", "|--:" * (1 + len(head)) + "|"]
        for point in found[sweep.title]:
            (ours, ours_mb), (peer, peer_mb) = point[OURS], point[PEER]
            memory = f" {ours_mb:.1f} | {peer_mb:.1f} |" if with_memory else ""
            value = f"{point['value']:,}".replace(",", " ")
            lines.append(f"| {value} | {duration(ours)} | {duration(peer)} | {peer / ours:.2f} |{memory}")
    return "\n".join(lines)


def _draw(found, path):
    """First the times, then memory, a panel a sweep; on logarithmic axes a line of slope 1 is linear growth."""
    from matplotlib.figure import Figure

    panels = [(sweep, 0) for sweep in SWEEPS]
    panels += [(sweep, 1) for sweep in SWEEPS if _shows_memory(sweep, found[sweep.title])]
    n_rows = -(-len(panels) // N_COLS)
    figure = Figure(figsize=(3.6 * N_COLS, 2.9 * n_rows), layout="constrained")
    first = {}
    for i, (sweep, quantity) in enumerate(panels):
        ax = figure.add_subplot(n_rows, N_COLS, i + 1, sharey=first.get(quantity))
        first.setdefault(quantity, ax)
        _draw_panel(ax, sweep, found[sweep.title], quantity)
        if i % N_COLS == 0:
            ax.set_ylabel(("seconds per epoch", "peak memory beyond X, MB")[quantity])
    first[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def _draw_panel(ax, sweep, points, quantity):
    values = [point["value"] for point in points]
    for name, style in ((OURS, "o-"), (PEER, "s--")):
        ax.plot(values, [point[name][quantity] for point in points], style, label=name)
    ax.set(title=sweep.title, xlabel=sweep.what, xscale="log")
    if quantity == 0:
        ax.set_yscale("log")
    else:  # below 1 MB memory is pages and what was left over: a linear piece down to 0 shows it without stretching it
        ax.set_yscale("symlog", linthresh=1)
    ax.set_xticks(values, [f"{value:,}".replace(",", " ") for value in values], minor=False)
    ax.set_xticks([], minor=True)
    ax.grid(alpha=0.3)

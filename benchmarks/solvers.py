"""Training loss against seconds for every solver, on five data sets that ship with scikit-learn.

    python -m benchmarks solvers --output docs/images/solvers.png

draws the picture and prints how long each solver needs. Every solver minimizes the same objective from the same
weights. What is counted is processor time with one thread, so that other programs disturb it little; the
evaluations that record the loss are not counted.
"""

import time
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import SGD
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

DATA = ("iris", "wine", "diabetes", "breast_cancer", "digits")
HIDDEN, ALPHA = 50, 0.1
ENDLESS = 10**6  # iterations: the clock ends every run

# One learning rate a solver for all data sets: the best power of ten that diverges on none.
NESTEROV = SGD(momentum=0.9, nesterov=True)
SOLVERS = {
    "lbfgs": ScipyMinimize("L-BFGS-B", max_iter=ENDLESS, options={"maxfun": ENDLESS}),
    "bfgs": ScipyMinimize("BFGS", max_iter=ENDLESS),
    "cg": ScipyMinimize("CG", max_iter=ENDLESS),
    "gd": GradientDescent(NESTEROV, learning_rate=0.1, max_iter=ENDLESS),
    "sgd": GradientDescent(NESTEROV, learning_rate=0.1, batch_size=32, max_iter=ENDLESS),
    "adam": GradientDescent("adam", learning_rate=0.01, batch_size=32, max_iter=ENDLESS),
    "adamw": GradientDescent("adamw", learning_rate=0.01, batch_size=32, max_iter=ENDLESS),
    "rmsprop": GradientDescent("rmsprop", learning_rate=0.01, batch_size=32, max_iter=ENDLESS),
    "adagrad": GradientDescent("adagrad", learning_rate=0.1, batch_size=32, max_iter=ENDLESS),
}


class Clock:
    """Callback that records seconds and loss, and stops when the time is up; its own work is not counted."""

    def __init__(self, objective, limit):
        self.objective, self.limit = objective, limit
        self.seconds, self.losses = [], []
        self.start = time.process_time()

    def __call__(self, step):
        now = time.process_time()
        if self.seconds and now - self.start < 1.02 * self.seconds[-1]:
            return  # 35 points for each doubling of the time are enough
        self.seconds.append(now - self.start)
        self.losses.append(self.objective.loss_and_grad(step.x)[0])
        self.start += time.process_time() - now
        if self.seconds[-1] > self.limit:
            raise StopIteration


def make_objective(name):
    """One hidden layer of tanh on standardized features; a continuous target is standardized, too."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    n_classes = 0 if y.dtype.kind == "f" else len(np.unique(y))
    network = Network([Dense(X.shape[1], HIDDEN), Activation("tanh"), Dense(HIDDEN, n_classes if n_classes > 2 else 1)])
    if n_classes:
        return Objective(network, "log_loss", X, y, alpha=ALPHA)
    return Objective(network, "squared_error", X, (y - y.mean()) / y.std(), alpha=ALPHA)


def measure(objective, limit):
    """Run every solver for ``limit`` seconds; name -> (seconds, lowest loss so far)."""
    params = objective.network.init(np.random.RandomState(0))
    curves = {}
    for name, solver in SOLVERS.items():
        clock = Clock(objective, limit)
        solver.minimize(objective, params, callback=clock, rng=np.random.RandomState(0))
        curves[name] = np.array(clock.seconds), np.minimum.accumulate(clock.losses)
    return curves


def targets(objective, curves):
    """A coarse loss, half-way down on a logarithmic scale, and a fine one, a tenth above the lowest."""
    start = objective.loss_and_grad(objective.network.init(np.random.RandomState(0)))[0]
    lowest = min(losses[-1] for _, losses in curves.values())
    return np.sqrt(start * lowest), 1.1 * lowest


def seconds_until(curve, level):
    """Seconds until the loss was at most ``level``; nan if it never was."""
    seconds, losses = curve
    return seconds[np.argmax(losses <= level)] if losses[-1] <= level else np.nan


def print_table(results):
    """Seconds to the coarse and to the fine loss."""
    print("processor seconds to a coarse / fine loss; - is never within the limit")
    print(f"{'':10s}" + "".join(f"{name:>18s}" for name in results))
    for solver in SOLVERS:
        cells = []
        for objective, curves in results.values():
            pair = [seconds_until(curves[solver], level) for level in targets(objective, curves)]
            cells.append(" / ".join(f"{'-' if np.isnan(s) else f'{s:.3f}':>6s}" for s in pair))
        print(f"{solver:10s}" + "".join(f"{cell:>18s}" for cell in cells))


def draw(results, limit):
    """One panel a data set, and the legend in the place of the sixth."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(10.5, 6), layout="constrained")
    for ax, (name, (objective, curves)) in zip(axes.flat, results.items(), strict=False):
        n_samples, n_features = objective.X.shape
        draw_panel(ax, curves)
        ax.set_title(f"{name}: {n_samples} × {n_features}", fontsize="medium")
        ax.set_xlim(1e-3, limit)
    axes.flat[-1].set_axis_off()
    handles = axes.flat[0].get_legend_handles_labels()
    axes.flat[-1].legend(*handles, loc="center", ncols=2, title="solver", handlelength=3.5)
    figure.supxlabel("processor seconds")
    figure.supylabel("lowest training loss so far")
    return figure


def draw_panel(ax, curves):
    """Full batch solid, minibatches dashed; the first solvers lie on top."""
    from matplotlib.ticker import LogLocator, NullFormatter

    from skmlp_scratch.plotting import COLORS, MARKERS

    for i, (solver, (seconds, losses)) in enumerate(curves.items()):
        full_batch = getattr(SOLVERS[solver], "batch_size", None) is None
        style = {"color": COLORS[i], "marker": MARKERS[i], "linestyle": "-" if full_batch else "--"}
        marks = np.searchsorted(seconds, np.geomspace(seconds[0], seconds[-1], 6)).clip(max=len(seconds) - 1)
        ax.loglog(seconds, losses, markevery=marks.tolist(), markersize=5, zorder=20 - i, label=solver, **style)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.grid(alpha=0.3)


def add_options(parser):
    parser.add_argument("--seconds", type=float, default=1.0, help="for every solver on every data set (default: 1)")
    parser.add_argument("--output", type=Path, default=Path("solvers.png"), help="the picture (default: solvers.png)")


def run(options):
    results = {}
    with threadpool_limits(1):
        for name in DATA:
            objective = make_objective(name)
            results[name] = objective, measure(objective, options.seconds)
    print_table(results)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    draw(results, options.seconds).savefig(options.output, dpi=90)
    print(f"picture: {options.output}")

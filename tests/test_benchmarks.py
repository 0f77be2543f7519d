"""The benchmark's code works: no figure is asserted that depends on the clock."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import containers, quality, scaling, testing
from benchmarks.__main__ import COMMANDS, main
from benchmarks.cells import CELLS, make
from benchmarks.measure import put_between_markers
from benchmarks.plain_loop import PlainLoop
from skmlp_scratch import ScratchMLPClassifier

CELL = {cell.name: cell for cell in CELLS}
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # A cell's parameters are for all contenders.
    pytest.mark.filterwarnings("ignore:.*has no effect with solver:UserWarning"),
]


def test_quick_run_prints_a_table(capsys):
    main(["--quick", "--cells", "tiny"])
    printed = capsys.readouterr().out
    assert "| tiny | moons 200×2, f64 | 3 tanh | gd, 20 epochs |" in printed
    assert "scikit-learn" in printed


def test_an_unknown_cell_is_refused():
    with pytest.raises(SystemExit, match="tiny"):
        main(["--cells", "nosuch"])


def losses_of_both(name, **changes):
    cell = CELL[name].quick()
    X, y = (array[:2000] for array in cell.arrays())
    params = {**cell.params, **changes}
    return [make(contender, params).fit(X, y).loss_curve_ for contender in (ScratchMLPClassifier, PlainLoop)]


@pytest.mark.parametrize("name", ["tiny", "overhead", "digits", "tabular-f64-32", "images-small-f64-200", "sparse"])
def test_plain_loop_does_the_same_work(name):
    ours, plain = losses_of_both(name)
    assert len(ours) == CELL[name].quick().params["max_iter"]
    np.testing.assert_allclose(ours, plain, rtol=1e-10)


def test_plain_loop_minimizes_the_same_function():
    cell = CELL["full-batch-f64"].quick()
    X, y = cell.arrays()
    ours, plain = (make(contender, cell.params).fit(X, y) for contender in (ScratchMLPClassifier, PlainLoop))
    np.testing.assert_allclose(ours.predict_proba(X), plain.predict_proba(X), rtol=1e-6)


def test_pytorch_does_the_same_work():
    pytest.importorskip("torch")
    from benchmarks.torch_net import TorchNet

    cell = CELL["tiny"].quick()
    X, y = cell.arrays()
    params = {**cell.params, "alpha": 0.0}  # PyTorch's decays the biases, too
    ours, torch = (make(contender, params).fit(X, y) for contender in (ScratchMLPClassifier, TorchNet))
    np.testing.assert_allclose(ours.loss_curve_, torch.loss_curve_, rtol=1e-10)


@pytest.fixture
def found():
    """Made-up figures of the sweeps: seconds and MB."""
    ours, peer = (0.002, 0.04), (0.004, 1234.56)
    return {
        sweep.title: [{"value": value, scaling.OURS: ours, scaling.PEER: peer} for value in sweep.values]
        for sweep in scaling.SWEEPS
    }


def sections(page):
    """Title -> rows of the table, as lists of cells."""
    parts = [part.splitlines() for part in page.split("\n### ")[1:]]
    return {title: [line.split(" | ") for line in lines if line.startswith("| ")] for title, *lines in parts}


def test_scaling_page_has_memory_where_it_moves(found):
    tables = sections(scaling._page(found))
    assert list(tables) == list(found)
    with_memory = {title for title, (head, *_) in tables.items() if "MB" in head}
    assert with_memory == {"Rows, minibatches", "Rows, full batch", "Features"}
    assert tables["Features"][1] == ["| 10", "2 ms", "4 ms", "2.00", "0.0", "1234.6 |"]
    assert tables["Depth"][1] == ["| 1", "2 ms", "4 ms", "2.00 |"]


def test_scaling_page_without_known_memory(found):
    for points in found.values():
        for point in points:
            point.update({name: (point[name][0], None) for name in (scaling.OURS, scaling.PEER)})
    assert not any("MB" in head for head, *_ in sections(scaling._page(found)).values())


def test_scaling_picture_has_no_empty_panel(found, tmp_path, monkeypatch):
    figures = []
    figure = pytest.importorskip("matplotlib.figure").Figure
    monkeypatch.setattr(figure, "savefig", lambda self, path, **kwargs: figures.append(self))
    scaling._draw(found, tmp_path / "images" / "scaling.png")
    panels = figures[0].axes
    assert [ax.get_title() for ax in panels] == [*found, "Rows, minibatches", "Rows, full batch", "Features"]
    for ax in panels:
        low, high = ax.get_ylim()
        assert [len(line.get_xdata()) for line in ax.lines] == [len(found[ax.get_title()])] * 2
        assert all(low <= y <= high for line in ax.lines for y in line.get_ydata())


def test_table_goes_between_the_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- benchmarks:start -->\nold\n<!-- benchmarks:end -->\nafter\n")
    put_between_markers(page, "new")
    assert page.read_text() == "before\n<!-- benchmarks:start -->\nnew\n<!-- benchmarks:end -->\nafter\n"


def test_quality_prints_each_part_of_the_recipe_with_mean_and_spread(monkeypatch, capsys):
    small = {"hidden_layer_sizes": 4, "max_iter": 2}
    variants = [replace(variant, parameters=variant.parameters | small) for variant in quality.VARIANTS]
    monkeypatch.setattr(quality, "VARIANTS", variants)
    monkeypatch.setattr(quality, "OTHERS", ["linear", "linear, encoded"])
    quality.main(tables=("wine", "diabetes"), seeds=(0, 1))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    names = [line.split("|")[1].strip() for line in lines]
    assert names == ["", "---", *[variant.name for variant in variants], "", "---", "linear", "linear, encoded"]
    assert all(line.count("±") == 2 for line in lines if line.split("|")[1].strip() not in ("", "---"))
    assert lines[2].endswith("| +0.0 % | +0.0 % |")


def test_quality_goes_on_from_the_losses_measured_so_far(tmp_path, monkeypatch, capsys):
    path, fits = tmp_path / "losses.json", []
    whole = replace(quality.WHOLE, parameters={"hidden_layer_sizes": 4, "max_iter": 2})
    monkeypatch.setattr(quality, "VARIANTS", [whole])
    measure = quality.loss_of
    monkeypatch.setattr(quality, "loss_of", lambda model, *where: fits.append(where) or measure(model, *where))
    chosen = {"tables": ("wine",), "only": ["whole", "boosting"], "path": path}
    quality.main(seeds=(0,), **chosen)
    assert fits == [("wine", 0)] * 2
    quality.main(seeds=(0, 1), **chosen)
    assert fits == [("wine", 0)] * 2 + [("wine", 1)] * 2
    capsys.readouterr()
    quality.main(seeds=(0, 1), **chosen)
    lines = capsys.readouterr().out.splitlines()
    assert len(fits) == 4
    assert [line.split("|")[1].strip() for line in lines if "±" in line] == [whole.name, "gradient boosting"]


def test_quality_refuses_an_unknown_row():
    with pytest.raises(SystemExit, match="no such row; choose from whole recipe"):
        main(["quality", "--only", "nosuch"])


# The command line


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(f"\n    {name}" in printed for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert COMMANDS[command].__doc__.splitlines()[0] in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--repeats", "0"], ["containers", "--rows", "many"], ["toolbox", "--seeds", "1"]])
def test_a_number_that_is_too_small_is_refused(wrong, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert "whole number of at least" in capsys.readouterr().err


# Containers


def test_containers_are_compared_with_the_array_and_the_peer(capsys):
    pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    main(["containers", "--rows", "60", "--repeats", "1"])
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [line[0].removeprefix("| ") for line in lines[1:]] == list(containers.CONTAINERS)
    assert lines[1][-1] == "1.00 |"


def test_medians_of_the_ratios_in_each_round():
    times = {(containers.ARRAY, containers.OURS): [1.0, 2.0, 4.0], (containers.ARRAY, containers.PEER): [2.0, 8.0, 8.0]}
    times |= {("list", containers.OURS): [3.0, 2.0, 12.0], ("list", containers.PEER): [3.0, 2.0, 12.0]}
    assert containers.table(times).splitlines()[2:] == [
        "| C-ordered array | 2 s | 8 s | 2.00 | 1.00 |",
        "| list | 3 s | 3 s | 1.00 | 3.00 |",
    ]


# Figures of the tests


def test_tests_are_counted_by_kind():
    names = [
        "skmlp_scratch/losses.py::skmlp_scratch.losses",
        "tests/test_parity.py::test_x",
        "tests/a/test_b.py::test_its_gradient[1]",
    ]
    lines = testing.counts(names).splitlines()
    assert lines[2] == "| all | 3 |"
    assert "| doctests | 1 |" in lines
    assert "| same seed, same result as scikit-learn's | 1 |" in lines
    assert "| gradients and slopes | 1 |" in lines


def test_every_file_of_the_kernels_is_there():
    assert all((testing.ROOT / path).exists() for path in testing.SENSITIVE)


@pytest.mark.parametrize(
    "line, cell",
    [
        ("4114 passed, 3 skipped, 2 xfailed in 197.44s (0:03:17)", "4114 passed"),
        ("1 failed, 12 passed in 3.00s", "1 failed, 12 passed"),
    ],
)
def test_the_outcome_is_what_passed_and_failed(line, cell):
    assert testing.outcome(line) == cell

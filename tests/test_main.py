"""The command line: the table, the picture, and one line for whatever is wrong with the input."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
from matplotlib.image import imread
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons

import skmlp_scratch.__main__ as command
from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.__main__ import main
from skmlp_scratch.comparison import _models, compare_with_baselines
from skmlp_scratch.tables import DroppedColumnWarning, as_matrix, read_csv

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def quick(monkeypatch):
    """Two small sizes on two folds in place of the full comparison."""
    for kind in ("Classifier", "Regressor"):
        trees, tabular = f"HistGradientBoosting{kind}", f"ScratchTabular{kind}"
        monkeypatch.setattr(_models, trees, partial(getattr(_models, trees), max_iter=5))
        if getattr(_models, tabular) is not None:
            monkeypatch.setattr(_models, tabular, partial(getattr(_models, tabular), max_iter=2, n_members=1))
    compare = partial(compare_with_baselines, hidden_layer_sizes=[1, 3], cv=2)
    monkeypatch.setattr(command, "compare_with_baselines", compare)


@pytest.fixture
def never(monkeypatch):
    """No comparison may begin."""

    def compare(X, y, scoring):
        raise AssertionError("the comparison has begun")

    monkeypatch.setattr(command, "compare_with_baselines", compare)


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn."""
    drawn, draw = [], command._draw

    def spy(*args):
        drawn.append(draw(*args))
        return drawn[-1]

    monkeypatch.setattr(command, "_draw", spy)
    return drawn


class Absent:
    """An importer that finds none of some packages."""

    def __init__(self, packages):
        self.packages = packages

    def find_spec(self, name, *_):
        if name.partition(".")[0] in self.packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def uninstall(monkeypatch, *packages):
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(packages), *sys.meta_path])


def write(text, name="table.csv", encoding="utf-8"):
    Path(name).write_bytes(text.encode(encoding))
    return name


def panels(figure):
    return [ax.get_title() for ax in figure.axes if ax.get_title()]


def files():
    return sorted(path.name for path in Path().iterdir())


def test_default_run(capsys, figures):
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[1] == "200 rows, 2 features, 2 classes; 5 folds, the same for every row"
    rows = {
        tuple(line.split()[:2]): line.split()[2] for line in lines[4:] if "Classifier" in line or "Logistic" in line
    }
    sizes = ["1", "2", "3", "4", "5", "20", "50"]
    assert {("HistGradientBoostingClassifier", "-"), ("DummyClassifier", "-")} <= set(rows)
    ours = [rows["ScratchMLPClassifier", size] for size in sizes]
    linear, chosen = rows["LogisticRegression", "-"], rows["ScratchMLPClassifier", "chosen"]
    assert float(linear) < 0.88 < 0.93 < float(chosen)
    assert float(ours[0]) < float(chosen)
    assert lines[-1] == "Picture: skmlp_scratch_moons.png"
    assert files() == ["skmlp_scratch_moons.png"]
    assert imread("skmlp_scratch_moons.png").std() > 0.05
    (figure,) = figures
    titles = ["LogisticRegression", "1 hidden unit", *(f"{n} hidden units" for n in sizes[1:])]
    accuracies = [linear, *ours]
    assert panels(figure) == [f"{title}\naccuracy {value}" for title, value in zip(titles, accuracies, strict=True)]


def test_module_is_a_command():
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-W", "error", "-m", "skmlp_scratch", "--csv", "none.csv", "--target", "a"]
    run = subprocess.run(call, env=environment, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "skmlp_scratch: none.csv: No such file or directory\n"


def test_help(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    data = f"--data {{{','.join(command.DATA)}}}"
    options = ("--csv FILE", "--target COLUMN", data, "--scoring NAME", "--output PICTURE", "--save MODEL")
    for option in (*options, "--predict FILE"):
        assert option in shown


@pytest.mark.parametrize(
    "name, extent",
    [
        ("iris", "150 rows, 4 features, 3 classes"),
        ("diabetes", "442 rows, 10 features, a continuous target"),
    ],
)
def test_data_set_by_name(name, extent, quick, figures, capsys):
    assert main(["--data", name]) == 0
    out, err = capsys.readouterr()
    assert extent in out
    assert err == ""
    assert files() == [f"skmlp_scratch_{name}.png"]
    # More than two features have no plane to draw.
    scores, seconds, curves, columns = figures[0].axes
    assert [label.get_text() for label in scores.get_xticklabels()] == ["1", "3", "chosen"]
    assert seconds.get_ylabel() == "seconds per fit"
    assert curves.get_xlabel() == "training rows"
    sizes = [text.get_text() for text in curves.get_xticklabels()]
    assert sizes[0] == "50"
    assert sizes[-1] == {"iris": "120", "diabetes": "353"}[name]
    drawn = [container.lines[0] for container in curves.containers]
    assert 2 <= len(drawn) <= 3
    assert all(np.isfinite(line.get_ydata()).all() and len(line.get_ydata()) == len(sizes) for line in drawn)
    assert columns.get_xlabel().startswith({"iris": "rise of log loss", "diabetes": "drop in r2"}[name])
    names = [label.get_text() for label in columns.get_yticklabels()]
    assert 1 <= len(names) <= 10
    assert set(names) <= set(command._load(name).feature_names)


@pytest.mark.parametrize("name", command.DATA)
def test_every_data_set_loads(name):
    data = command._load(name)
    assert data.X.shape == (len(data.y), len(data.feature_names))


def test_mixed_table_with_missing_cells(quick, capsys):
    rng = np.random.default_rng(0)
    lines = ["size,color,kind"]
    for i in range(60):
        size, color = rng.normal(), rng.choice(["red", "blue"])
        kind = "yes" if (size > 0) ^ (color == "red") else "no"
        lines.append(f"{'' if i % 10 == 0 else size},{'NA' if i % 11 == 0 else color},{kind}")
    assert main(["--csv", write("\n".join(lines)), "--target", "kind"]) == 0
    out, _ = capsys.readouterr()
    assert "60 rows, 2 features, 2 classes" in out
    assert files() == ["skmlp_scratch_table.png", "table.csv"]
    rows = [line.split() for line in out.splitlines() if line.startswith(("Scratch", "Logistic"))]
    score = {(row[0], row[1]): float(row[2]) for row in rows}
    assert score["ScratchMLPClassifier", "3"] > score["LogisticRegression", "-"]


def test_two_columns_of_numbers_are_drawn_as_a_surface(quick, figures):
    X, y = make_moons(60, noise=0.2, random_state=0)
    lines = ["width,height,moon", *(f"{a},{b},{'AB'[label]}" for (a, b), label in zip(X, y, strict=True))]
    assert main(["--csv", write("\n".join(lines)), "--target", "moon", "--output", "moon.svg"]) == 0
    assert files() == ["moon.svg", "table.csv"]
    assert "<svg" in Path("moon.svg").read_text()
    (figure,) = figures
    assert [title.splitlines()[0] for title in panels(figure)] == [
        "LogisticRegression",
        "1 hidden unit",
        "3 hidden units",
    ]
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("width", "height")


def test_two_columns_with_a_gap_are_no_surface(quick, figures):
    X, y = make_moons(60, noise=0.2, random_state=0)
    lines = ["width,height,moon", *(f"{a},{b},{label}" for (a, b), label in zip(X, y, strict=True)), "?,0.1,1"]
    assert main(["--csv", write("\n".join(lines)), "--target", "moon"]) == 0
    assert figures[0].axes[1].get_ylabel() == "seconds per fit"


def test_without_matplotlib_the_table_is_printed(quick, capsys, monkeypatch):
    uninstall(monkeypatch, "matplotlib")
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert "ScratchMLPClassifier" in out
    assert out.splitlines()[-1] == 'No picture without matplotlib: pip install "skmlp_scratch[plot]"'
    assert err == ""
    assert files() == []


def test_without_pandas_and_rich(quick, capsys, monkeypatch):
    uninstall(monkeypatch, "pandas", "polars", "rich")
    iris = load_iris()
    rows = zip(iris.data.astype(str), iris.target_names[iris.target], strict=True)
    lines = ["a,b,c,d,kind", *(f"{','.join(cells)},{kind}" for cells, kind in rows)]
    assert main(["--csv", write("\n".join(lines)), "--target", "kind"]) == 0
    assert "150 rows, 4 features, 3 classes" in capsys.readouterr().out


# Dates and identifiers, scores, saved models, predictions


def customers(n=80):
    """Lines of a file: a key, a date, numbers with gaps, categories, and a target that depends on most of them."""
    rng = np.random.default_rng(0)
    lines = ["key,start,size,color,kind"]
    for i in range(n):
        day, size, color = rng.integers(1, 29), rng.normal(), rng.choice(["red", "blue"])
        kind = "yes" if (day > 14) ^ (color == "red") else "no"
        lines.append(f"key {i},2024-02-{day:02},{'' if i % 9 == 0 else round(size, 3)},{color},{kind}")
    return lines


@pytest.fixture(params=[True, False], ids=["pandas", "no pandas"])
def with_and_without_pandas(request, monkeypatch):
    if not request.param:
        uninstall(monkeypatch, "pandas", "polars")


def test_identifiers_and_dates_are_said(quick, with_and_without_pandas, capsys):
    assert main(["--csv", write("\n".join(customers())), "--target", "kind"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "columns: 1 identifier, 1 date, 1 number, 1 category" in out
    assert "identifier dropped, nearly all values differ" in out
    assert "date as days, weekday" in out


def test_scoring_by_name(quick, capsys):
    assert main(["--data", "iris", "--scoring", "balanced_accuracy", "log_loss"]) == 0
    head = capsys.readouterr().out.splitlines()[3]
    assert head.split("  ")[0] == "model"
    assert "balanced accuracy" in head
    assert "log loss" in head
    assert "ROC" not in head


def test_unknown_score(capsys):
    assert main(["--scoring", "speed"]) == 2
    assert "scoring='speed' is unknown" in capsys.readouterr().err


def test_predictions_of_new_rows(quick, with_and_without_pandas, capsys):
    header, *rows = customers()
    write("\n".join([header, *rows]))
    # Columns in another order, one more, a new key, an unknown color, gaps, and no target.
    new = ["color,extra,size,start,key", "red,1,0.5,2024-02-03,key 900", "green,2,,,", "blue,3,1,2024-02-03,key 901"]
    write("\n".join(new), "new.csv")
    assert main(["--csv", "table.csv", "--target", "kind", "--predict", "new.csv"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Predictions: new_predicted.csv"
    head, *lines = Path("new_predicted.csv").read_text().splitlines()
    assert head == "kind,probability of no,probability of yes"
    assert len(lines) == 3
    for line in lines:
        label, no, yes = line.split(",")
        assert label == ("yes" if float(yes) > float(no) else "no")
        assert float(no) + float(yes) == pytest.approx(1, abs=1e-5)


def test_predictions_of_numbers(quick, capsys):
    rng = np.random.default_rng(0)
    lines = ["a,b,y", *(f"{a:.3f},{b:.3f},{1e5 + 1e4 * a:.1f}" for a, b in rng.normal(size=(60, 2)))]
    write("\n".join(lines))
    write("a,b\n0.5,1\n-0.5,1\n", "new.csv")
    assert main(["--csv", "table.csv", "--target", "y", "--predict", "new.csv"]) == 0
    head, *values = Path("new_predicted.csv").read_text().splitlines()
    assert head == "y"
    np.testing.assert_allclose([float(value) for value in values], [105_000, 95_000], rtol=0.02)


@pytest.mark.parametrize("suffix", [".joblib", ".skops"])
def test_saved_model_predicts_as_the_winner_fitted_on_all_rows(suffix, quick, capsys):
    name = f"model{suffix}"
    if suffix == ".skops":
        skops = pytest.importorskip("skops.io")
    assert main(["--csv", write("\n".join(customers())), "--target", "kind", "--save", name]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == f"Model: {name}"
    if suffix == ".skops":
        model = skops.load(name, trusted=skops.get_untrusted_types(file=name))
    else:
        model = joblib.load(name)
    columns, y = read_csv("table.csv", "kind")
    X = as_matrix(columns)
    with pytest.warns(DroppedColumnWarning):
        again = clone(command.compare_with_baselines(X, y).winner.estimator).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))


def test_saving_without_skops(never, monkeypatch, capsys):
    uninstall(monkeypatch, "skops")
    assert main(["--save", "model.skops"]) == 2
    assert "skops is not installed: pip install skops" in capsys.readouterr().err


def test_columns_of_new_rows_are_checked_before_the_work(never, capsys):
    write("\n".join(customers()))
    for text, message in (
        ("key,start,size\nk,2024-01-01,1\n", "new.csv: there is no column 'color'"),
        (
            "key,start,size,color\nk,2024-01-01,big,red\n",
            "line 2, column 'size': 'big' is not a finite number",
        ),
        ("key,start,size,color\nk,Monday,1,red\n", "new.csv, line 2, column 'start': 'Monday' is not a date"),
    ):
        write(text, "new.csv")
        assert main(["--csv", "table.csv", "--target", "kind", "--predict", "new.csv"]) == 2
        assert message in capsys.readouterr().err


GOOD = "".join(f"{i},{i},{'ab'[i % 2]}\n" for i in range(20))


@pytest.mark.parametrize(
    "text, target, message",
    [
        (GOOD, "y", "there is no column 'y'; the columns are 0, 0, a"),
        (f"a,b,y\n{GOOD}", None, "--csv needs --target COLUMN; the columns are a, b, y"),
        (f"a,b,y\n{GOOD}", "z", "there is no column 'z'; the columns are a, b, y"),
        (f"a,a,y\n{GOOD}", "y", "line 1: 2 columns are called 'a'"),
        (f"a,b,y\n{GOOD}1,2\n", "y", "line 22: 2 cells, but the header has 3"),
        (f"a,b,y\n{GOOD}1,2,3,4\n", "y", "line 22: 4 cells, but the header has 3"),
        (f"a,b,y\n{GOOD}1,2,\n", "y", "line 22, column 'y': the target is missing"),
        (f"a,b,y\n{GOOD}\n\n1,1.2.3,a\n", "y", "line 24, column 'b': '1.2.3' is not a finite number, though 20 of"),
        (f"a,b,y\ninf,1,a\n{GOOD}", "y", "line 2, column 'a': 'inf' is not a finite number"),
        (f"a,b,y\n1,1e999,a\n{GOOD}", "y", "line 2, column 'b': '1e999' is not a finite number"),
        (f'a,b,y\n{GOOD}1,"2,a\n', "y", "line 22: unexpected end of data"),
        (f"a,b,y\n{GOOD}1,2,caf\udce9\n", "y", "line 22, column 'y': not UTF-8 text"),
        ("", "y", "there is no row below a header"),
        ("a,b,y\n", "y", "there is no row below a header"),
        ("y\n1\n2\n", "y", "there is no column besides the target 'y'"),
        (f"a,b,y\n{GOOD}1,1,c\n", "y", "class 'c' of y has 1 rows, too few for cv=5 folds"),
        ("a,b,y\n1,2,a\n2,3,a\n", "y", "y has one value only, 'a'"),
    ],
)
def test_bad_table_gets_one_line(text, target, message, capsys):
    Path("table.csv").write_bytes(text.encode(errors="surrogateescape"))
    if text == GOOD:
        text = write(GOOD.replace("0,0,a", "0,00,a", 1))
        message = message.replace("0, 0, a", "0, 00, a")
    assert main(["--csv", "table.csv", *([] if target is None else ["--target", target])]) == 2
    _, err = capsys.readouterr()
    assert err.startswith("skmlp_scratch: ")
    assert message in err
    assert err.count("\n") == 1
    if "class" not in message and "value" not in message:
        assert err.startswith("skmlp_scratch: table.csv")
    assert files() == ["table.csv"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--csv", "none.csv", "--target", "y"], "none.csv: No such file or directory"),
        (["--csv", ".", "--target", "y"], ".: Is a directory"),
        (["--target", "y"], "--target is about a CSV file"),
        (["--output", "no/such/folder.png"], "--output no/such/folder.png: there is no directory no/such"),
        (["--output", "picture.xyz"], "--output picture.xyz: the name must end in one of ."),
        (["--output", "picture"], "--output picture: the name must end in one of"),
        (["--save", "model.pkl"], "--save model.pkl: the name must end in .skops or .joblib"),
        (["--save", "no/such/model.joblib"], "--save no/such/model.joblib: there is no directory no/such"),
        (["--predict", "new.csv"], "--predict is about a CSV file"),
    ],
)
def test_bad_arguments_get_one_line(arguments, message, never, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"skmlp_scratch: {message}")
    assert files() == []


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--data", "mnist"], "argument --data: invalid choice: 'mnist'"),
        (["--data", "iris", "--csv", "a.csv"], "argument --csv: not allowed with argument --data"),
        (["--dat", "iris"], "unrecognized arguments: --dat iris"),
        (["table.csv"], "unrecognized arguments: table.csv"),
        (["--csv"], "argument --csv: expected one argument"),
    ],
)
def test_unknown_arguments_get_one_line(arguments, message, never, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"skmlp_scratch: {message}")


def test_picture_that_cannot_be_written(quick, capsys):
    Path("taken.png").mkdir()
    assert main(["--output", "taken.png"]) == 2
    out, err = capsys.readouterr()
    assert "ScratchMLPClassifier" in out
    assert err == "skmlp_scratch: taken.png: Is a directory\n"


def test_interrupt_is_one_line(monkeypatch, capsys):
    def compare(X, y, scoring):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "compare_with_baselines", compare)
    assert main([]) == 130
    assert capsys.readouterr().err == "skmlp_scratch: interrupted\n"


def test_interrupt_shows_what_was_measured(quick, monkeypatch, capsys):
    def fit(self, X, y):
        raise KeyboardInterrupt

    monkeypatch.setattr(ScratchMLPClassifier, "fit", fit)
    assert main([]) == 130
    out, err = capsys.readouterr()
    assert err == ""
    assert "LogisticRegression" in out
    assert "Interrupted: the table is partial" in out
    assert files() == []

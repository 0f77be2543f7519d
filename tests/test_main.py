"""The command line: the table, the picture, and one line for whatever is wrong with the input."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from sklearn.datasets import load_iris, make_moons

import skmlp_scratch.__main__ as command
from skmlp_scratch.__main__ import main, read_csv
from skmlp_scratch.comparison import compare_with_baselines

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def quick(monkeypatch):
    """Two small sizes on two folds in place of the full comparison."""
    monkeypatch.setattr(command, "compare_with_baselines", lambda X, y: compare_with_baselines(X, y, [1, 3], cv=2))


@pytest.fixture
def never(monkeypatch):
    """No comparison may begin."""

    def compare(X, y):
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
    rows = [line.split() for line in lines if line.startswith(("ScratchMLPClassifier ", "LogisticRegression"))]
    assert [row[1] for row in rows] == ["-", "1", "2", "3", "4", "5", "20", "50", "chosen"]
    linear, one, *_, chosen = (float(row[2]) for row in rows)
    assert linear < 0.88 < 0.93 < chosen
    assert one < chosen
    assert lines[-1] == "Picture: skmlp_scratch_moons.png"
    assert files() == ["skmlp_scratch_moons.png"]
    assert imread("skmlp_scratch_moons.png").std() > 0.05
    (figure,) = figures
    assert panels(figure) == [
        f"{name}\naccuracy {row[2]}"
        for name, row in zip(
            ["LogisticRegression", "1 hidden unit", *(f"{n} hidden units" for n in (2, 3, 4, 5, 20, 50))],
            rows,
            strict=False,
        )
    ]


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
    for option in ("--csv FILE", "--target COLUMN", f"--data {{{','.join(command.DATA)}}}", "--output PICTURE"):
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
    scores, seconds = figures[0].axes
    assert [label.get_text() for label in scores.get_xticklabels()] == ["1", "3", "chosen"]
    assert seconds.get_ylabel() == "seconds per fit"


@pytest.mark.parametrize("name", command.DATA)
def test_every_data_set_loads(name):
    X, y, feature_names = command._load(name)
    assert X.shape == (len(y), len(feature_names))


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
    score = {tuple(line.split()[:2]): float(line.split()[2]) for line in out.splitlines()[5:13]}
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


# Reading tables


def test_read_numbers():
    X, y, names = read_csv(write("a,b,y\n1,2.5,3\n-1e3,NaN,4\n\n ,0,5\n"), "y")
    np.testing.assert_array_equal(X, [[1, 2.5], [-1000, np.nan], [np.nan, 0]])
    assert X.dtype == y.dtype == float
    np.testing.assert_array_equal(y, [3, 4, 5])
    assert names == ["a", "b"]


@pytest.mark.parametrize(
    "text", ["a;b;y\n1,5;x;2\n2.5;z;3\n", "a\tb\ty\n1.5\tx\t2\n2.5\tz\t3\n", "a,b,y\n1.5, x,2\n2.5,z ,3"]
)
def test_read_other_delimiters(text):
    X, y, _ = read_csv(write(text), "y")
    assert X.tolist() == [[1.5, "x"], [2.5, "z"]]
    assert y.tolist() == [2, 3]


def test_read_quotes_and_byte_order_mark():
    X, y, names = read_csv(write('﻿"a, b",c,y\n"x ""y"", z",1,u\n"two\nlines",2,v\n'), "y")
    assert names == ["a, b", "c"]
    assert X.tolist() == [['x "y", z', 1.0], ["two\nlines", 2.0]]
    assert y.tolist() == ["u", "v"]


@pytest.mark.parametrize("cell", ["", "?", "NA", "n/a", "nan", "NULL", "None", "  "])
def test_read_missing_cells(cell):
    X, _, _ = read_csv(write(f"a,b,y\n{cell},{cell},1\n2,x,3\n"), "y")
    assert X[0, 0] != X[0, 0]
    assert X[0, 1] != X[0, 1]
    assert X[1].tolist() == [2, "x"]


def test_column_with_few_numbers_holds_strings():
    X, _, _ = read_csv(write("a,y\n1,0\n2,0\n3,1\nx,1\n"), "y")
    assert X[:, 0].tolist() == ["1", "2", "3", "x"]


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
        (["--target", "y"], "--target names a column of a CSV file"),
        (["--output", "no/such/folder.png"], "--output no/such/folder.png: there is no directory no/such"),
        (["--output", "picture.xyz"], "--output picture.xyz: the name must end in one of ."),
        (["--output", "picture"], "--output picture: the name must end in one of"),
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
    def compare(X, y):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "compare_with_baselines", compare)
    assert main([]) == 130
    assert capsys.readouterr().err == "skmlp_scratch: interrupted\n"

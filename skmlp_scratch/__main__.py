"""The command line: ``python -m skmlp_scratch`` compares the network with baselines and draws the result.

Without arguments it runs on two interleaving half moons, with ``--data NAME`` on a data set that ships with
scikit-learn, with ``--csv FILE --target COLUMN`` on a custom table. The table of scores goes to standard output, the
picture to a file; ``--save`` keeps the best model, and ``--predict`` applies it to new rows.
"""

import argparse
import csv
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from sklearn.model_selection import (
    LearningCurveDisplay,
    ShuffleSplit,
    StratifiedShuffleSplit,
    learning_curve,
    train_test_split,
)
from threadpoolctl import threadpool_limits

from .comparison import compare_with_baselines, progress
from .plotting import ComparisonDisplay, DecisionSurfaceDisplay, ImportanceDisplay
from .stopping import InterruptedFit
from .tables import DroppedColumnWarning, InputError, as_matrix, format_number, read_csv, read_csv_like

DESCRIPTION = "Compare a neural network with baselines on a table, on the same folds, and draw the result."
DATA = ("iris", "wine", "breast_cancer", "digits", "diabetes", "moons")
FORMATS = (".skops", ".joblib")
# The importance of the columns is measured on this share of the rows, and on no more rows than this.
HELD_OUT, MOST_ROWS = 0.2, 2000
N_COLUMNS, N_REPEATS = 10, 5
# Learning curves: splits, numbers of training rows, and the smallest of these numbers.
N_SPLITS, N_SIZES, FEWEST_ROWS = 3, 4, 50


class _Data(NamedTuple):
    """A table to learn from."""

    name: str
    X: object
    y: np.ndarray
    feature_names: list
    columns: list  # of a file, to read others like it; empty for data sets of scikit-learn's


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        """Say it in one line, where argparse would print the usage as well."""
        self.exit(2, f"skmlp_scratch: {message}\n")


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, default=None
        The arguments; None takes those of the process.

    Returns
    -------
    status : int
        0; 2 after bad input, which is described in one line on standard error; 130 after an interrupt.
    """
    options = _parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            for category in (InterruptedFit, DroppedColumnWarning):
                warnings.simplefilter("ignore", category)  # the table says it
            return _run(options)
    except (ValueError, OSError) as error:
        print(f"skmlp_scratch: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("skmlp_scratch: interrupted", file=sys.stderr)
        return 130


def _parser():
    parser = _Parser(prog="python -m skmlp_scratch", description=DESCRIPTION, allow_abbrev=False)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--csv", metavar="FILE", type=Path, help="a table with a header, of numbers, strings and dates")
    source.add_argument("--data", choices=DATA, default="moons", help="a data set that ships with scikit-learn")
    parser.add_argument("--target", metavar="COLUMN", help="the column of FILE to predict")
    parser.add_argument(
        "--scoring", metavar="NAME", nargs="+", help="scores by scikit-learn's names; the first ranks the models"
    )
    parser.add_argument(
        "--output", metavar="PICTURE", type=Path, help="where to write the picture, by default a PNG here"
    )
    parser.add_argument(
        "--save", metavar="MODEL", type=Path, help="where to keep the best model: a name ending in .skops or .joblib"
    )
    parser.add_argument(
        "--predict", metavar="FILE", type=Path, help="rows to predict with the best model, into FILE_predicted.csv here"
    )
    return parser


def _one_line(error):
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _run(options):
    data = _data(options)
    output = options.output or Path(f"skmlp_scratch_{data.name}.png")
    drawable = _check_output(output)
    save = _saver(options.save)
    new = None if options.predict is None else as_matrix(read_csv_like(options.predict, data.columns))
    print(f"{data.name}: comparing models ...", flush=True)
    table = compare_with_baselines(data.X, data.y, scoring=options.scoring)
    print(table)
    if table.interrupted:
        return 130
    if drawable:
        _draw(table, data).savefig(output, dpi=150)
        print(f"Picture: {output}")
    else:
        print('No picture without matplotlib: pip install "skmlp_scratch[plot]"')
    if save or new is not None:
        _use(table.winner, data, options, save, new)
    return 0


def _data(options):
    """Return the data, in one piece."""
    if options.csv is None:
        for option in ("target", "predict"):
            if getattr(options, option) is not None:
                raise InputError(f"--{option} is about a CSV file: pass --csv FILE as well.")
        return _load(options.data)
    columns, y = read_csv(options.csv, options.target)
    return _Data(options.csv.stem, as_matrix(columns), y, [column.name for column in columns], columns)


def _load(name):
    """Return a data set of scikit-learn's."""
    if name == "moons":
        return _Data(name, *datasets.make_moons(200, noise=0.20, random_state=0), ["x0", "x1"], [])
    bunch = getattr(datasets, f"load_{name}")()
    return _Data(name, bunch.data, bunch.target, list(bunch.feature_names), [])


def _check_output(path):
    """Whether a picture can be drawn; a path it cannot be written to is an error before the work begins."""
    _check_folder("--output", path)
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        return False
    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in formats:
        raise InputError(f"--output {path}: the name must end in one of .{', .'.join(sorted(formats))}.")
    return True


def _check_folder(option, path):
    if not path.parent.is_dir():
        raise InputError(f"{option} {path}: there is no directory {path.parent}.")


def _saver(path):
    """Return the function that writes a model to the path, None without a path."""
    if path is None:
        return None
    _check_folder("--save", path)
    if path.suffix not in FORMATS:
        raise InputError(f"--save {path}: the name must end in {' or '.join(FORMATS)}.")
    if path.suffix == ".joblib":
        from joblib import dump
    else:
        try:
            from skops.io import dump
        except ImportError:
            raise InputError(f"--save {path}: skops is not installed: pip install skops, or save as .joblib.") from None
    return dump


def _draw(table, data):
    """Return a figure: every size's surface beside the linear model's; without a plane to draw, what is known."""
    import matplotlib

    matplotlib.use("Agg")
    X = np.asarray(data.X)
    if X.shape[1] == 2 and X.dtype.kind == "f" and np.isfinite(X).all():
        return _draw_surfaces(table, data)
    from matplotlib.pyplot import figure

    picture = figure(figsize=(12, 8.8), layout="constrained")
    axes = picture.subplots(2, 2).ravel()
    display = ComparisonDisplay.from_comparison(table, ax=axes[:2])
    _draw_learning_curves(table, data, display, axes[2])
    _draw_importance(table, data, axes[3])
    axes[1].get_legend().remove()  # below all panels there is more room
    handles = [*display.baselines_.values(), *display.scores_.values()]
    picture.legend(handles=handles, loc="outside lower center", frameon=False, ncols=3)
    return picture


def _draw_surfaces(table, data):
    linear = [row for row in table.rows if row.kind == "linear"]
    sizes = [row for row in table.rows if row.model.startswith("Scratch") and isinstance(row.hidden_layer_sizes, int)]
    rows = linear + sorted(sizes, key=lambda row: row.hidden_layer_sizes)
    names = [f"{_title(row)}\n{table.score_text(row)}" for row in rows]
    X = np.asarray(data.X)
    with threadpool_limits(1):  # as in the comparison of so few columns
        fitted = [clone(row.estimator).fit(X, data.y) for row in rows]
    return DecisionSurfaceDisplay.from_estimator(
        fitted, X, data.y, names=names, feature_names=data.feature_names
    ).figure_


def _draw_learning_curves(table, data, display, ax):
    """Draw how the best model, the best network of ours and the linear model would do with fewer rows."""
    kinds = [table.winner, *(row for row in table.rows if row.model.startswith("ScratchMLP") and not row.chosen)]
    kinds = [*kinds[:2], *(row for row in table.rows if row.kind == "linear")]
    rows = list({row.model: row for row in reversed(kinds)}.values())
    folds = ShuffleSplit if table.largest_class is None else StratifiedShuffleSplit
    folds = folds(N_SPLITS, test_size=HELD_OUT, random_state=0)
    most = int((1 - HELD_OUT) * len(data.y))
    sizes = np.unique(np.geomspace(min(FEWEST_ROWS, most), most, N_SIZES).astype(int))
    negative = table.metric.startswith("neg_")
    name = table.metric.removeprefix("neg_").replace("_", " ")
    with progress("learning curves", len(rows)) as advance, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where a few rows lack a class, a curve has a gap
        for row in rows:
            found = learning_curve(
                clone(row.estimator), data.X, data.y, train_sizes=sizes, cv=folds, scoring=table.metric
            )
            curve = LearningCurveDisplay(
                train_sizes=found[0], train_scores=found[1], test_scores=found[2], score_name=name
            )
            drawn = display.scores_[row.model].lines[0] if row.kind == "network" else display.baselines_[row.model]
            style = {"color": drawn.get_color(), "linestyle": drawn.get_linestyle(), "capsize": 2}
            style["linestyle"] = "-" if row.kind == "network" else style["linestyle"]
            curve.plot(ax, negate_score=negative, score_type="test", std_display_style="errorbar", errorbar_kw=style)
            advance()
    ax.get_legend().remove()
    ax.set(xscale="log", xlabel="training rows", ylabel=f"{name},\nmean and standard deviation")
    ax.set_xticks(sizes, map(str, sizes), minor=False)
    ax.minorticks_off()
    ax.grid(axis="y", alpha=0.3)
    ax.set_title("with fewer rows", fontsize="medium")


def _draw_importance(table, data, ax):
    """Draw the columns that the best model needs most, measured on rows that it was not fitted on."""
    classes = None if table.largest_class is None else data.y
    X, X_new, y, y_new = train_test_split(data.X, data.y, test_size=HELD_OUT, random_state=0, stratify=classes)
    X_new, y_new = X_new[:MOST_ROWS], y_new[:MOST_ROWS]
    model = clone(table.winner.estimator).fit(X, y)
    # Accuracy changes only where a row changes sides: log loss tells more, where it was measured.
    metric = "neg_log_loss" if table.metric == "accuracy" and "neg_log_loss" in table.metrics else table.metric
    with progress("columns", 1 + N_REPEATS * X.shape[1]) as advance:
        ImportanceDisplay.from_estimator(
            model,
            X_new,
            y_new,
            scoring=metric,
            n_columns=N_COLUMNS,
            n_repeats=N_REPEATS,
            feature_names=data.feature_names,
            after_each=advance,
            ax=ax,
        )
    ax.set_title(f"{table.winner.model}: what it needs", fontsize="medium")


def _title(row):
    if row.hidden_layer_sizes is None:
        return row.model
    return f"{row.size} hidden unit{'' if row.size == '1' else 's'}"


def _use(winner, data, options, save, new):
    """Fit the best model on all rows; keep it, and predict new rows with it."""
    print(f"{winner.model}: fitting all rows ...", flush=True)
    model = clone(winner.estimator).fit(data.X, data.y)
    if save is not None:
        save(model, options.save)
        print(f"Model: {options.save}")
    if new is not None:
        path = Path(f"{options.predict.stem}_predicted.csv")
        _write_predictions(path, model, new, options.target)
        print(f"Predictions: {path}")


def _write_predictions(path, model, X, target):
    """Write one row per row of X: the prediction, and for classes the probability of each."""
    header, columns = [target], [model.predict(X)]
    if hasattr(model, "predict_proba"):
        header += [f"probability of {format_number(label)}" for label in model.classes_]
        columns += list(model.predict_proba(X).T)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([format_number(cell) for cell in row] for row in zip(*columns, strict=True))


if __name__ == "__main__":
    sys.exit(main())

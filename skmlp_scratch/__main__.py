"""The command line: ``python -m skmlp_scratch`` compares the network with baselines and draws the result.

Without arguments it runs on two interleaving half moons, with ``--data NAME`` on a data set that ships with
scikit-learn, with ``--csv FILE --target COLUMN`` on a table of one's own. The result goes to standard output, the
picture to a file.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from .comparison import compare_with_baselines
from .plotting import ComparisonDisplay, DecisionSurfaceDisplay
from .tables import InputError, read_csv

DATA = ("iris", "wine", "breast_cancer", "digits", "diabetes", "moons")


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
        _run(options)
    except (ValueError, OSError) as error:
        print(f"skmlp_scratch: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("skmlp_scratch: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = _Parser(prog="python -m skmlp_scratch", description=__doc__.replace("``", ""), allow_abbrev=False)
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--csv", metavar="FILE", type=Path, help="a table with a header, of numbers and strings")
    source.add_argument("--data", choices=DATA, default="moons", help="a data set that ships with scikit-learn")
    parser.add_argument("--target", metavar="COLUMN", help="the column of FILE to predict")
    parser.add_argument(
        "--output", metavar="PICTURE", type=Path, help="where to write the picture, by default a PNG here"
    )
    return parser


def _one_line(error):
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def _run(options):
    if options.csv is None and options.target is not None:
        raise InputError("--target names a column of a CSV file: pass --csv FILE as well.")
    if options.csv is None:
        name, (X, y, feature_names) = options.data, _load(options.data)
    else:
        name, (X, y, feature_names) = options.csv.stem, read_csv(options.csv, options.target)
    output = options.output or Path(f"skmlp_scratch_{name}.png")
    drawable = _check_output(output)
    print(f"{name}: comparing hidden sizes ...", flush=True)
    table = compare_with_baselines(X, y)
    print(table)
    if drawable:
        _draw(table, X, y, feature_names).savefig(output, dpi=150)
        print(f"Picture: {output}")
    else:
        print('No picture without matplotlib: pip install "skmlp_scratch[plot]"')


def _load(name):
    """Return X, y and the features' names of a data set of scikit-learn's."""
    if name == "moons":
        return *datasets.make_moons(200, noise=0.20, random_state=0), ["x0", "x1"]
    bunch = getattr(datasets, f"load_{name}")()
    return bunch.data, bunch.target, list(bunch.feature_names)


def _check_output(path):
    """Whether a picture can be drawn; a path it cannot be written to is an error before the work begins."""
    if not path.parent.is_dir():
        raise InputError(f"--output {path}: there is no directory {path.parent}.")
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        return False
    formats = FigureCanvasBase.get_supported_filetypes()
    if path.suffix[1:].lower() not in formats:
        raise InputError(f"--output {path}: the name must end in one of .{', .'.join(sorted(formats))}.")
    return True


def _draw(table, X, y, feature_names):
    """Return a figure: the surfaces of every size beside the linear model's, or without a plane to draw, the scores."""
    import matplotlib

    matplotlib.use("Agg")
    if X.shape[1] != 2 or X.dtype.kind != "f" or not np.isfinite(X).all():
        return ComparisonDisplay.from_comparison(table).figure_
    ours = table.rows[-1].model
    rows = [table.rows[1]] + [row for row in table.rows if row.model == ours and not row.chosen]
    names = [f"{_title(row)}\n{table.metric} {row.mean_score:.3f}" for row in rows]
    with threadpool_limits(limits=1, user_api="blas"):  # as in the comparison of so few columns
        fitted = [clone(row.estimator).fit(X, y) for row in rows]
    display = DecisionSurfaceDisplay.from_estimator(fitted, X, y, names=names, feature_names=feature_names)
    return display.figure_


def _title(row):
    if row.hidden_layer_sizes is None:
        return row.model
    return f"{row.size} hidden unit{'' if row.size == '1' else 's'}"


if __name__ == "__main__":
    sys.exit(main())

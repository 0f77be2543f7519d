"""The command line: ``python -m skmlp_scratch`` compares the network with baselines and draws the result.

Without arguments it runs on two interleaving half moons, with ``--data NAME`` on a data set that ships with
scikit-learn, with ``--csv FILE --target COLUMN`` on a table of one's own. The result goes to standard output, the
picture to a file.
"""

import argparse
import csv
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn import datasets
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from .comparison import compare_with_baselines
from .plotting import ComparisonDisplay, DecisionSurfaceDisplay

DATA = ("iris", "wine", "breast_cancer", "digits", "diabetes", "moons")
MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})
# With at least this share of numbers a column is meant to be numeric, and its other cells are mistakes.
NUMERIC_SHARE = 0.8


class InputError(ValueError):
    """What is wrong with the user's input, and where."""


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


def read_csv(path, target):
    r"""Read a table with a header line.

    The cells are separated by commas, by tabs, or by semicolons, in which case numbers have a decimal comma or point.
    Empty cells, ``?``, ``NA``, ``N/A``, ``nan``, ``null`` and ``none`` are missing. A column is numeric if all its
    other cells are numbers; if at least 80 % of them are but not all, the rest is taken for mistakes.

    Parameters
    ----------
    path : path-like
        The file, in UTF-8.
    target : str or None
        Name of the column to predict.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        Of floats, or if some columns hold strings, of objects.
    y : ndarray of shape (n_samples,)
        The target.
    feature_names : list of str
        The header without the target.

    Raises
    ------
    InputError
        If the file has no such column or a cell cannot be used; the message says where.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skmlp_scratch.__main__ import read_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     _ = path.write_text("size,color,kind\n1.5,red,a\n,blue,b\n")
    ...     X, y, names = read_csv(path, "kind")
    >>> X
    array([[1.5, 'red'],
           [nan, 'blue']], dtype=object)
    >>> y, names
    (array(['a', 'b'], dtype=object), ['size', 'color'])
    """
    header, lines, decimal = _read_lines(path)
    if target not in header:
        problem = "--csv needs --target COLUMN" if target is None else f"there is no column {target!r}"
        raise InputError(f"{path}: {problem}; the columns are {', '.join(header)}.")
    numbers, rows = zip(*lines, strict=True)
    columns = {
        name: _column(path, name, numbers, cells, decimal)
        for name, cells in zip(header, zip(*rows, strict=True), strict=True)
    }
    y = columns.pop(target)
    missing = [n for n, cell in zip(numbers, y, strict=True) if cell != cell]
    if missing:
        raise InputError(f"{path}, line {missing[0]}, column {target!r}: the target is missing.")
    if not columns:
        raise InputError(f"{path}: there is no column besides the target {target!r}.")
    numeric = all(column.dtype.kind == "f" for column in columns.values())
    return np.column_stack([c if numeric else c.astype(object) for c in columns.values()]), y, list(columns)


def _read_lines(path):
    """Return the header, each further line's number and cells, and the decimal sign."""
    with open(path, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=first.count)
        reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)
        try:
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
        except csv.Error as error:
            raise InputError(f"{path}, line {reader.line_num}: {error}.") from error
    if len(lines) < 2:
        raise InputError(f"{path}: there is no row below a header.")
    _check_lines(path, lines)
    (_, header), *rows = lines
    return header, rows, "," if delimiter == ";" else "."


def _check_lines(path, lines):
    first, header = lines[0]
    for name, count in Counter(header).items():
        if count > 1:
            raise InputError(f"{path}, line {first}: {count} columns are called {name!r}.")
    for n, row in lines:
        if len(row) != len(header):
            raise InputError(f"{path}, line {n}: {len(row)} cells, but the header has {len(header)}.")
        for name, cell in zip(header, row, strict=True):
            # This is how errors="surrogateescape" reads a byte that is not UTF-8.
            if not cell.isascii() and any("\udc80" <= character <= "\udcff" for character in cell):
                raise InputError(f"{path}, line {n}, column {name!r}: not UTF-8 text; save the file as UTF-8.")


def _column(path, name, lines, cells, decimal):
    """Return a column as floats, or as strings with nan for the missing ones."""
    numbers = [_number(cell, decimal) for cell in cells]
    text = [i for i, number in enumerate(numbers) if number is None]
    if not text:
        return np.array(numbers, dtype=float)
    n_present = sum(cell.lower() not in MISSING for cell in cells)
    n_numbers = n_present - len(text)
    if n_numbers >= NUMERIC_SHARE * n_present:
        first = f"{path}, line {lines[text[0]]}, column {name!r}: {cells[text[0]]!r} is not a finite number"
        raise InputError(f"{first}, though {n_numbers} of the column's {n_present} cells are.")
    return np.array([np.nan if cell.lower() in MISSING else cell for cell in cells], dtype=object)


def _number(cell, decimal):
    """Return a cell's number, nan if it is missing, None if it is something else."""
    if cell.lower() in MISSING:
        return math.nan
    try:
        number = float(cell.replace(decimal, "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


if __name__ == "__main__":
    sys.exit(main())

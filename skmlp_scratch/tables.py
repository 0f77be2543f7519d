"""What a column is and what missing means: for the encoder, the comparison and the command line.

A table is read once, into columns of four kinds: numbers, booleans, dates and categories. Whatever stood for a missing
cell, it is ``nan`` in a column of numbers or booleans, ``NaT`` in one of dates and ``None`` in one of categories.
Frames of every library (pandas with numpy, nullable or Arrow types, polars, pyarrow) are read through narwhals.
"""

import csv
import math
from collections import Counter
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import NamedTuple

import narwhals as nw
import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

# The texts of what stands for a missing cell in an array of objects, besides None.
MISSING_OBJECTS = frozenset({"nan", "NaN", "NaT", "<NA>"})
# What stands for a missing cell in a text file, in lower case.
MISSING_TEXTS = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})
# With at least this share of numbers a column of a text file is meant to be numeric, and its other cells are mistakes.
NUMERIC_SHARE = 0.8
# With at least this share of distinct cells, and more of them than the second number, texts identify their rows.
IDENTIFIER_SHARE, IDENTIFIER_LEAST = 0.9, 20

# The range of float32, which the encoded numbers have.
LARGEST = float(np.finfo(np.float32).max)

# The kinds of single cells, by type; the first match counts (a bool is an int, a datetime is a date).
CELL_KINDS = (
    ("boolean", bool | np.bool_),
    ("duration", timedelta | np.timedelta64),
    ("number", Real | Decimal),
    ("category", str),
    ("date", date | np.datetime64),
    ("time", time),
)

# How the cells of a text file are stored; None becomes nan and NaT.
PARSED_TYPES = {"number": np.float64, "date": "datetime64[us]"}


class InputError(ValueError):
    """What is wrong with the user's input, and where."""


class DroppedColumnWarning(UserWarning):
    """A column names the rows instead of describing them, and was left out."""


class Column(NamedTuple):
    """One column of a table.

    Parameters
    ----------
    name : str or int
        The column's name in a frame, its position in an array.
    kind : {"number", "boolean", "category", "date"}
        What the cells are. Durations and times of day are numbers, in seconds.
    values : ndarray of shape (n_samples,)
        Floats for numbers and booleans (0 and 1), ``datetime64`` for dates, objects (str or None) for categories.
    """

    name: object
    kind: str
    values: np.ndarray

    @property
    def missing(self):
        """Boolean array that marks the missing cells."""
        if self.kind == "category":
            return np.equal(self.values, None).astype(bool)
        return np.isnat(self.values) if self.kind == "date" else np.isnan(self.values)

    def n_distinct(self):
        """Count the distinct values up to three, those of missing cells left out.

        Returns
        -------
        n_distinct : {0, 1, 2, 3}
            Their number, or 3 for more.
        """
        present = self.values[~self.missing]
        if len(present) == 0:
            return 0
        different = present[present != present[0]]
        return 1 if len(different) == 0 else 2 if (different == different[0]).all() else 3

    def is_identifier(self):
        """Tell whether nearly all cells are different texts, which name the rows instead of describing them.

        Returns
        -------
        is_identifier : bool
            Whether they do.
        """
        if self.kind != "category":
            return False
        present = self.values[~self.missing]
        return len(set(present)) > max(IDENTIFIER_LEAST, IDENTIFIER_SHARE * len(present))


class EncodedColumn(NamedTuple):
    """What became of one column of a table.

    Parameters
    ----------
    name : str or int
        The column's name, its position in an array.
    kind : {"number", "boolean", "category", "date", "identifier", "constant"}
        What the column is.
    what : str
        How it is encoded.
    n_out : int
        Number of columns that it became.
    """

    name: object
    kind: str
    what: str
    n_out: int


class EncodedColumns(list):
    """A list of :class:`EncodedColumn` that prints as a table.

    Parameters
    ----------
    iterable : iterable of EncodedColumn, default=()
        The columns.
    """

    def __str__(self):
        """Aligned columns of text."""
        return align([EncodedColumn._fields, *(tuple(map(str, column)) for column in self)], left=3)

    __repr__ = __str__


def as_frame(X):
    """Return a data frame as narwhals', or None if ``X`` is not one.

    Parameters
    ----------
    X : object
        What may be a data frame of any library that narwhals knows.

    Returns
    -------
    frame : narwhals.DataFrame or None

    Raises
    ------
    ValueError, TypeError
        If two columns have one name, or the frame is lazy.
    """
    if isinstance(X, np.ndarray):  # most often, and narwhals would ask at length
        return None
    try:
        frame = nw.from_native(X, pass_through=True)
    except nw.exceptions.DuplicateError:
        name, count = Counter(X.columns).most_common(1)[0]
        raise ValueError(f"X: {count} columns are called {name!r}; names must differ.") from None
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(f"X is a {type(X).__name__}, which holds no rows yet: pass X.collect().")
    return frame if isinstance(frame, nw.DataFrame) else None


def as_table(X):
    """Return ``X`` if it is a frame, else a two-dimensional array of at least one row and one column.

    Parameters
    ----------
    X : dataframe or array-like
        The table. Nested lists keep the types of their cells.

    Returns
    -------
    X : dataframe or ndarray of shape (n_samples, n_features)

    Raises
    ------
    ValueError, TypeError
        If it is sparse, complex, empty, or not two-dimensional.
    """
    if issparse(X):
        raise TypeError("X is sparse, and scaling would make it dense: pass X.toarray() if memory allows.")
    if as_frame(X) is None:
        cells = X if hasattr(X, "dtype") else np.array(X, dtype=object)
        cells = cells.astype(object).filled(None) if np.ma.isMaskedArray(cells) else cells
        return check_array(cells, dtype=None, ensure_all_finite=False)
    if 0 in X.shape:
        what = "sample(s)" if X.shape[0] == 0 else "feature(s)"
        raise ValueError(f"Found a frame with 0 {what} (shape={X.shape}) while a minimum of 1 is required.")
    return X


def read_columns(X, names=None):
    """Read a table into columns.

    Parameters
    ----------
    X : dataframe or ndarray of shape (n_samples, n_features)
        The table, as :func:`as_table` returns it.
    names : sequence, default=None
        Names of the columns to read, in this order; None reads all of them. Arrays are read whole.

    Returns
    -------
    columns : list of Column

    Raises
    ------
    ValueError
        If a column is absent, or holds what is no number, text, boolean or date; the message names the column.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch.tables import read_columns
    >>> for column in read_columns(np.array([[1.5, "red"], [None, "blue"]], dtype=object)):
    ...     print(column.kind, column.values)
    number [1.5 nan]
    category ['red' 'blue']
    """
    frame = as_frame(X)
    if frame is None:
        return [_column(i, X[:, i]) for i in range(X.shape[1])]
    names = frame.columns if names is None else list(names)
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise ValueError(f"X lacks columns that were there in fit: {', '.join(map(repr, absent))}.")
    series = dict(zip(frame.columns, frame.iter_columns(), strict=True))
    return [_series(name, series[name]) for name in names]


def _series(name, series):
    """Return the column of a frame's series."""
    if series.dtype in (nw.String, nw.Categorical, nw.Enum):
        missing = series.is_null().to_numpy()
        return Column(name, "category", _texts(series.to_numpy(), missing))
    if series.dtype.is_nested():
        raise TypeError(f"X: column {name!r} holds several values per row, {series.dtype}: give each a column.")
    if series.dtype in (nw.Int128, nw.UInt128):  # which numpy lacks
        series = series.cast(nw.Float64)
    if series.dtype == nw.Datetime and series.dtype.time_zone is not None:
        # The hour and the weekday of an event are those of its place.
        series = series.dt.replace_time_zone(None)
    return _column(name, series.to_numpy())


def _column(name, values):
    """Return the column of an array of any type."""
    kind = values.dtype.kind
    if kind == "b":
        return Column(name, "boolean", values.astype(np.float32))
    if kind in "iuf":
        return Column(name, "number", _floats(name, values))
    if kind == "M":
        return Column(name, "date", values)
    if kind == "m":
        return Column(name, "number", values / np.timedelta64(1, "s"))
    if kind == "c":
        raise ValueError(f"Complex data not supported: column {name!r} of X.")
    return _objects(name, _decoded(name, values).astype(object) if kind in "SU" else values)


def _decoded(name, values):
    """Return an array of strings, of bytes or strings."""
    try:
        return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    except UnicodeDecodeError as error:
        raise ValueError(f"X: column {name!r} holds bytes that are no UTF-8 text: {error}.") from error


def _floats(name, values):
    values = values.astype(np.float32 if values.dtype == np.float16 else np.result_type(values, np.float32), copy=False)
    values = values if values.dtype.itemsize <= 8 else values.astype(np.float64)
    beyond = np.abs(values) > LARGEST
    if beyond.any():
        raise _too_large(name, values[beyond][0])
    return values


def _too_large(name, cell):
    return ValueError(f"X: column {name!r} holds {str(cell)[:40]}, and numbers end at {LARGEST:.1e}; a gap is nan.")


def _float(name, cell):
    try:
        return float(cell)
    except OverflowError:
        raise _too_large(name, cell) from None


def _objects(name, cells):
    """Return the column of an array of objects, by what they are."""
    missing = np.array([is_missing(cell) for cell in cells], dtype=bool)
    present = cells[~missing]
    kinds = {_cell_kind(name, kind, present) for kind in set(map(type, present))}
    if kinds == {"date"}:
        return Column(name, "date", _filled(missing, map(_date, present), "datetime64[us]", np.datetime64("NaT")))
    if kinds == {"duration"}:
        seconds = (np.timedelta64(cell) / np.timedelta64(1, "s") for cell in present)
        return Column(name, "number", _filled(missing, seconds, float, np.nan))
    if kinds == {"time"}:
        seconds = (cell.hour * 3600 + cell.minute * 60 + cell.second + cell.microsecond / 1e6 for cell in present)
        return Column(name, "number", _filled(missing, seconds, float, np.nan))
    if kinds and kinds <= {"number", "boolean"}:
        floats = _floats(name, _filled(missing, (_float(name, cell) for cell in present), float, np.nan))
        return Column(name, "boolean" if kinds == {"boolean"} else "number", floats)
    return Column(name, "category", _texts(cells, missing))


def _cell_kind(name, cell_type, cells):
    for kind, types in CELL_KINDS:
        if issubclass(cell_type, types):
            return kind
    example = next(cell for cell in cells if type(cell) is cell_type)
    raise TypeError(
        f"X: column {name!r} holds a {cell_type.__name__}, {str(example)[:40]}; every cell of the argument must be "
        "a string, a number, a boolean or a date."
    )


def _filled(missing, present, dtype, filler):
    """Return an array of ``present`` values with ``filler`` where cells are missing."""
    values = np.full(len(missing), filler, dtype=dtype)
    values[~missing] = list(present)
    return values


def _date(cell):
    return np.datetime64(cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell, "us")


def _texts(cells, missing):
    texts = np.full(len(cells), None, dtype=object)
    texts[~missing] = [cell if type(cell) is str else _text(cell) for cell in cells[~missing]]
    return texts


def _text(cell):
    """Return a category as text: the whole number 3 is "3", also where missing cells beside it made it 3.0."""
    whole = isinstance(cell, Real) and not isinstance(cell, bool | np.bool_) and float(cell).is_integer()
    return str(int(cell)) if whole else str(cell)


def format_number(cell):
    """Return a cell as text, whole numbers without a point and other numbers with six digits.

    Parameters
    ----------
    cell : object
        The cell.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skmlp_scratch.tables import format_number
    >>> format_number(3.0), format_number(0.123456789), format_number("red")
    ('3', '0.123457', 'red')
    """
    text = _text(cell)
    return f"{cell:.6g}" if isinstance(cell, float | np.floating) and text == str(cell) else text


def is_missing(cell):
    """Tell whether a cell stands for a missing value: None, nan, NaT, ``pandas.NA``, or one of these as text.

    Parameters
    ----------
    cell : object
        The cell.

    Returns
    -------
    is_missing : bool
        Whether it does.
    """
    # pandas.NA refuses to be compared, so missing values are told by their text.
    return cell is None or str(cell) in MISSING_OBJECTS


def as_kind(column, kind):
    """Return a column as one of another kind, as the same column may have another type in a later table.

    Parameters
    ----------
    column : Column
        The column as it was read.
    kind : {"number", "boolean", "category", "date"}
        The kind wanted.

    Returns
    -------
    column : Column

    Raises
    ------
    ValueError
        If a cell cannot be of that kind; the message names the column and the cell.
    """
    numbers = {"number", "boolean"}
    if column.kind == kind or {column.kind, kind} <= numbers:
        return Column(column.name, kind, column.values)
    missing = column.missing
    if missing.all():
        fillers = {"category": None, "date": np.datetime64("NaT", "us")}
        return Column(column.name, kind, np.full(len(missing), fillers.get(kind, np.nan)))
    if kind == "category":
        return Column(column.name, kind, _texts(_cells(column), missing))
    if kind in numbers and column.kind == "category":
        numbers = [math.nan if cell is None else parse_number(cell) for cell in column.values]
        if None not in numbers:
            return Column(column.name, kind, np.array(numbers))
    example = column.values[~missing][0]
    raise ValueError(f"X: column {column.name!r} held {kind} values in fit, and now holds {str(example)!r}.")


def _cells(column):
    """Return the cells as Python objects, booleans as such."""
    return column.values.astype(bool if column.kind == "boolean" else object).astype(object)


def date_parts(values):
    """Return what a model can use of dates, as floats.

    Parameters
    ----------
    values : ndarray of datetime64
        The dates; missing ones are NaT.

    Returns
    -------
    parts : dict of str -> ndarray
        ``""``: days since 1970, ``"month"``: 1 to 12, ``"weekday"``: Monday is 0, ``"hour"``: 0 to 23.
    """
    day = values.astype("datetime64[D]")
    number = day.astype(np.int64)
    parts = {
        "": (values - np.datetime64(0, "D")) / np.timedelta64(1, "D"),
        "month": values.astype("datetime64[M]").astype(np.int64) % 12 + 1,
        "weekday": (number + 3) % 7,
        "hour": (values.astype("datetime64[h]") - day).astype(np.int64),
    }
    return {part: np.where(np.isnat(values), np.nan, numbers) for part, numbers in parts.items()}


def unique_names(names):
    """Return the names, with a number behind those that occur again.

    Parameters
    ----------
    names : iterable of str
        Names.

    Returns
    -------
    unique : list of str
        As many names, all different.

    Examples
    --------
    >>> from skmlp_scratch.tables import unique_names
    >>> unique_names(["a", "b", "a"])
    ['a', 'b', 'a_2']
    """
    seen = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


def align(lines, left=1):
    """Return lines of cells as text in columns.

    Parameters
    ----------
    lines : list of tuple of str
        The cells; the first line is the header.
    left : int, default=1
        Number of columns aligned on the left; the others are aligned on the right.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skmlp_scratch.tables import align
    >>> print(align([("model", "score"), ("Ridge", "0.5")]))
    model  score
    -----  -----
    Ridge    0.5
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines = [lines[0], tuple("-" * width for width in widths), *lines[1:]]
    pads = [str.ljust] * left + [str.rjust] * (len(widths) - left)
    rows = ["  ".join(pad(c, w) for pad, c, w in zip(pads, cells, widths, strict=True)) for cells in lines]
    return "\n".join(row.rstrip() for row in rows)


def read_csv(path, target):
    r"""Read a table with a header line.

    The cells are separated by commas, by tabs, or by semicolons, in which case numbers have a decimal comma or point.
    Empty cells, ``?``, ``NA``, ``N/A``, ``nan``, ``null`` and ``none`` are missing. A column is numeric if all its
    other cells are numbers, and holds dates if they are dates such as ``2024-01-31`` or ``2024-01-31 12:30``; if at
    least 80 % of them are but not all, the rest is taken for mistakes.

    Parameters
    ----------
    path : path-like
        The file, in UTF-8.
    target : str or None
        Name of the column to predict.

    Returns
    -------
    columns : list of Column
        The other columns.
    y : ndarray of shape (n_samples,)
        The target.

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
    >>> from skmlp_scratch.tables import read_csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     _ = path.write_text("size,color,kind\n1.5,red,a\n,blue,b\n")
    ...     columns, y = read_csv(path, "kind")
    >>> columns[0].values, columns[1].values, y
    (array([1.5, nan]), array(['red', 'blue'], dtype=object), array(['a', 'b'], dtype=object))
    """
    header, lines, decimal = _read_lines(path)
    if target not in header:
        problem = "--csv needs --target COLUMN" if target is None else f"there is no column {target!r}"
        raise InputError(f"{path}: {problem}; the columns are {', '.join(header)}.")
    numbers, rows = zip(*lines, strict=True)
    columns = {
        name: _csv_column(path, name, numbers, cells, decimal)
        for name, cells in zip(header, zip(*rows, strict=True), strict=True)
    }
    y = columns.pop(target)
    if y.missing.any():
        raise InputError(f"{path}, line {numbers[np.argmax(y.missing)]}, column {target!r}: the target is missing.")
    if not columns:
        raise InputError(f"{path}: there is no column besides the target {target!r}.")
    return list(columns.values()), y.values


def read_csv_like(path, columns):
    """Read the columns of another table from a file, each as the kind that it has there.

    Parameters
    ----------
    path : path-like
        The file, as :func:`read_csv` takes it. Its other columns are ignored.
    columns : list of Column
        Columns of the other table.

    Returns
    -------
    columns : list of Column
        The same columns, with the cells of the file.

    Raises
    ------
    InputError
        If a column is absent or a cell is of another kind; the message says where.
    OSError
        If the file cannot be read.
    """
    header, lines, decimal = _read_lines(path)
    numbers, rows = zip(*lines, strict=True)
    cells = dict(zip(header, zip(*rows, strict=True), strict=True))
    absent = [column.name for column in columns if column.name not in cells]
    if absent:
        raise InputError(f"{path}: there is no column {absent[0]!r}; the columns are {', '.join(header)}.")
    return [_csv_column(path, c.name, numbers, cells[c.name], decimal, c.kind) for c in columns]


def as_matrix(columns):
    """Put columns together as a table that estimators take.

    Parameters
    ----------
    columns : list of Column
        The columns.

    Returns
    -------
    X : pandas.DataFrame or ndarray of shape (n_samples, n_features)
        Without pandas an array, of floats, or of objects if not all columns are numbers.
    """
    try:
        import pandas as pd
    except ImportError:
        numeric = all(column.kind == "number" for column in columns)
        return np.column_stack([c.values if numeric else c.values.astype(object) for c in columns])
    return pd.DataFrame({column.name: column.values for column in columns})


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


def _csv_column(path, name, lines, cells, decimal, kind=None):
    """Return a column of a file as the kind that nearly all of its cells are, or as the one wanted."""
    present = [i for i, cell in enumerate(cells) if cell.lower() not in MISSING_TEXTS]
    parsers = {"number": (lambda cell: parse_number(cell, decimal), "a finite number"), "date": (_parse_date, "a date")}
    for parsed, (parse, what) in parsers.items():
        if kind not in (None, parsed):
            continue
        values = {i: parse(cells[i]) for i in present}
        wrong = [i for i in present if values[i] is None]
        n_right = len(present) - len(wrong)
        if wrong and (kind is not None or n_right >= NUMERIC_SHARE * len(present)):
            first = f"{path}, line {lines[wrong[0]]}, column {name!r}: {cells[wrong[0]]!r} is not {what}"
            raise InputError(f"{first}, though {n_right} of the column's {len(present)} cells are.")
        if not wrong:
            return _column(name, np.array([values.get(i) for i in range(len(cells))], dtype=PARSED_TYPES[parsed]))
    return Column(name, "category", np.array([None if c.lower() in MISSING_TEXTS else c for c in cells], dtype=object))


def _parse_date(cell):
    """Return the date or time in a text such as 2024-01-31 or 2024/01/31 12:30, None if it is something else."""
    try:
        return _date(datetime.fromisoformat(cell.replace("/", "-")))
    except ValueError:
        return None


def parse_number(cell, decimal="."):
    """Return the number in a text, nan if the text stands for a missing one, None if it is something else.

    Parameters
    ----------
    cell : str
        The text.
    decimal : str, default="."
        The decimal sign; a point is understood in any case.

    Returns
    -------
    number : float or None

    Examples
    --------
    >>> from skmlp_scratch.tables import parse_number
    >>> parse_number("1.5"), parse_number("?"), parse_number("red")
    (1.5, nan, None)
    """
    if cell.lower() in MISSING_TEXTS:
        return math.nan
    try:
        number = float(cell.replace(decimal, "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None

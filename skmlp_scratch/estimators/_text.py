"""Text: strings, dates and other objects among the numbers, which numpy would quietly convert or stumble over."""

import datetime

import numpy as np
from scipy import sparse


def without_text(data, name):
    """Return the data if it holds numbers only, lists as arrays, lazy collections computed.

    Parameters
    ----------
    data : {array-like, sparse matrix, DataFrame}
        Inputs, or targets of a regression.
    name : str
        What the error calls them.

    Returns
    -------
    data : object

    Raises
    ------
    ValueError
        If there are strings, dates or other objects; it names the first column and value.
    """
    if type(data) is np.ndarray and data.dtype.kind in "biufc":
        return data
    if hasattr(data, "dask") and hasattr(data, "compute"):
        data = data.compute()
    if isinstance(data, (list, tuple)):
        data = np.asarray(data)
    if hasattr(data, "iloc") and hasattr(data, "columns"):
        data = _sparse_bits_as_floats(data)
    for column, cells in _columns_to_look_at(data):
        found = _first_text_or_date(cells)
        if found is not None:
            where, cells = ("", name) if column is None else (f" in column {column!r}", f"{name}[{column!r}]")
            if isinstance(found, (str, bytes)):
                what, cure = "text", f"text that is a number with {cells}.astype(float)"
                cure += ", categories with OneHotEncoder" if name.startswith("X") else ""
            else:
                what, cure = "dates, times or intervals", "elapsed time, for example"
            raise ValueError(f"{name} holds {what}{where}, such as {found!r}: convert it to numbers first, {cure}.")
    return data


def _sparse_bits_as_floats(frame):
    """A pandas frame; one of sparse booleans, which scikit-learn would make dense, as one of sparse floats."""
    dtypes = set(frame.dtypes)
    if len(dtypes) == 1 and hasattr(next(iter(dtypes)), "fill_value") and next(iter(dtypes)).kind == "b":
        return frame.astype(type(dtypes.pop())(np.float64, 0.0))
    return frame


def _columns_to_look_at(data):
    """Yield name and cells of what may hold text or dates, judged by dtype: numbers are not walked through."""
    if sparse.issparse(data) or data is None:
        return
    if hasattr(data, "columns") and hasattr(data, "dtypes"):  # a frame
        for i, column in enumerate(data.columns):
            series = data[:, i] if not hasattr(data, "iloc") else data.iloc[:, i]
            if not _is_numeric(series.dtype):
                yield column, series.to_numpy() if hasattr(data, "iloc") else np.array(series.to_list(), dtype=object)
    elif hasattr(data, "dtype") and not _is_numeric(data.dtype):
        yield None, np.asarray(data).ravel()


def _is_numeric(dtype):
    """Whether a numpy, pandas or polars dtype is one of numbers or booleans."""
    if hasattr(dtype, "is_numeric"):  # polars
        return dtype.is_numeric() or str(dtype) in ("Boolean", "Null")
    if hasattr(dtype, "categories"):
        dtype = dtype.categories.dtype
    return getattr(dtype, "kind", "O") in "biufc"


def _first_text_or_date(cells):
    """Return the first cell that is text, or a moment or stretch of time, or None; other objects are scikit-learn's."""
    if cells.dtype.kind in "mMSU":
        return cells[0] if len(cells) else None
    kinds = (str, bytes, datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
    found = {
        t for t in set(map(type, cells)) if issubclass(t, kinds) or t.__name__ in ("Period", "Interval", "NaTType")
    }
    return next((cell for cell in cells if type(cell) in found), None)

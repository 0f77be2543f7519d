"""Text: strings, dates and other objects among the numbers, which numpy would quietly convert or stumble over."""

from numbers import Number
from types import NoneType

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
    if hasattr(data, "dask") and hasattr(data, "compute"):
        data = data.compute()
    if isinstance(data, (list, tuple)):
        data = np.asarray(data)
    for column, cells in _columns_to_look_at(data):
        found = _first_not_a_number(cells)
        if found is not None:
            where, cells = ("", name) if column is None else (f" in column {column!r}", f"{name}[{column!r}]")
            raise ValueError(
                f"{name} holds strings or dates{where}, such as {found!r}: convert it to numbers first, text with "
                f"{cells}.astype(float), dates to elapsed time"
                + (", categories with OneHotEncoder." if name.startswith("X") else ".")
            )
    return data


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


def _first_not_a_number(cells):
    """Return the first cell that is no number and not missing, or None."""
    if cells.dtype.kind in "mMSU":
        return cells[0] if len(cells) else None
    numbers = (Number, NoneType, np.bool_)
    others = {t for t in set(map(type, cells)) if not issubclass(t, numbers) and t.__name__ != "NAType"}
    return next((cell for cell in cells if type(cell) in others), None)

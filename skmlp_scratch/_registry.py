"""A name or an object becomes the object; an error lists the choices."""


def resolve(table, key, what, method=None):
    """Return the entry of a table for a name, and anything else as it is.

    Parameters
    ----------
    table : dict
        Maps names to objects; with ``method``, to classes.
    key : str or object
        A name of the table, or the object itself.
    what : str
        What the error calls it, e.g. ``"activation"``.
    method : str or None, default=None
        A method that the object must have. A name then gives an object of the class that the table holds.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If ``key`` is a string that the table does not hold, or the object lacks the method.

    Examples
    --------
    >>> from skmlp_scratch._registry import resolve
    >>> resolve({"one": 1}, "one", "number")
    1
    >>> resolve({"list": list}, "list", "container", method="append")
    []
    """
    if isinstance(key, str):
        if key not in table:
            raise ValueError(f"{what}={key!r} is unknown; choose one of {_names(table)}, or pass an object.")
        return table[key]() if method else table[key]
    if method and (isinstance(key, type) or not callable(getattr(key, method, None))):
        raise ValueError(f"{what}={key!r} needs a method {method}(): pass one of {_names(table)}, or an object.")
    return key


def _names(table):
    return ", ".join(map(repr, table))

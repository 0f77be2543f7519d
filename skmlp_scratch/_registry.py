"""A name or an object becomes the object; an error lists the choices."""


def lookup(table, key, what):
    """Return ``table[key]`` for a name, anything else unchanged.

    Parameters
    ----------
    table : dict
        Maps names to objects.
    key : str or object
        A name of the table, or the object itself.
    what : str
        What the error calls it, e.g. ``"activation"``.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If ``key`` is a string that the table does not hold.

    Examples
    --------
    >>> from skmlp_scratch._registry import lookup
    >>> lookup({"one": 1}, "one", "number")
    1
    """
    if not isinstance(key, str):
        return key
    if key not in table:
        raise ValueError(f"{what}={key!r} is unknown; choose one of {', '.join(map(repr, table))}, or pass an object.")
    return table[key]


def instance(table, key, what, method):
    """Return an object with ``method``: made from a name's class, or the object given.

    Parameters
    ----------
    table : dict
        Maps names to classes.
    key : str or object
        A name of the table, or an object that has ``method``.
    what : str
        What the error calls it.
    method : str
        The method that the object must have.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If the name is unknown or the object lacks the method.

    Examples
    --------
    >>> from skmlp_scratch._registry import instance
    >>> instance({"list": list}, "list", "container", "append")
    []
    """
    found = lookup(table, key, what)
    if isinstance(key, str):
        return found()
    if isinstance(found, type) or not callable(getattr(found, method, None)):
        raise ValueError(
            f"{what}={key!r} needs a method {method}(): pass one of {', '.join(map(repr, table))}, or an object."
        )
    return found

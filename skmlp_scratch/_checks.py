"""Checks of what small parameter objects take; the estimators use scikit-learn's own."""

import math
from numbers import Integral, Real

import numpy as np


def check_number(name, value, *, low=None, high=None, open_low=False, open_high=False, integer=False):
    """Raise a ValueError that names the parameter unless ``value`` is a number within the bounds.

    Parameters
    ----------
    name : str
        The parameter's name, for the message.
    value : object
        What was given.
    low, high : float or None, default=None
        The bounds; None is unbounded. nan and infinities are refused in any case.
    open_low, open_high : bool, default=False
        Whether the bound itself is excluded.
    integer : bool, default=False
        Whether a whole number is needed.

    Returns
    -------
    number : int or float
        The number as Python's int or float: numpy's float64 would draw float32 arrays into float64.

    Raises
    ------
    ValueError
        If it is not such a number.

    Examples
    --------
    >>> from skmlp_scratch._checks import check_number
    >>> check_number("momentum", 0.9, low=0, high=1)
    0.9
    """
    number = isinstance(value, Integral if integer else Real) and not isinstance(value, bool)
    if (
        not number
        or not math.isfinite(value)
        or (low is not None and (value < low or (open_low and value == low)))
        or (high is not None and (value > high or (open_high and value == high)))
    ):
        kind = "a whole number" if integer else "a number"
        left = "" if low is None else f" {'above' if open_low else 'of at least'} {low}"
        right = "" if high is None else f"{' and' if left else ''} {'below' if open_high else 'at most'} {high}"
        raise ValueError(f"{name}={value!r} must be {kind}{left}{right}.")
    return int(value) if integer else float(value)


def check_switch(name, value):
    """Raise a ValueError that names the parameter unless ``value`` is True or False.

    Parameters
    ----------
    name : str
        The parameter's name, for the message.
    value : object
        What was given.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> from skmlp_scratch._checks import check_switch
    >>> check_switch("shuffle", True)
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name}={value!r} must be True or False.")

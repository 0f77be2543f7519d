"""Parameter checks for the small objects; the estimators use scikit-learn's.

An object declares what its hyper-parameters may be, as intervals in mathematical notation, and ``check`` holds them
against that.
"""

import inspect
import math
from collections.abc import Callable
from functools import lru_cache, wraps
from numbers import Integral, Real
from typing import ClassVar, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable)


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
        The number as Python's int or float: numpy's float64 would promote float32 arrays to float64.

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
    # Python's own types first: asking an abstract class takes longer.
    number = isinstance(value, (int, Integral) if integer else (float, Real)) and not isinstance(value, bool)
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


def quiet(function: F) -> F:
    """Run a function without numpy's numerical warnings: what leaves the finite numbers is found and named otherwise.

    Parameters
    ----------
    function : callable
        The function.

    Returns
    -------
    function : callable

    Examples
    --------
    >>> import numpy as np
    >>> float(quiet(np.exp)(1e3))
    inf
    """

    @wraps(function)
    def wrapper(*args, **kwargs):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
            return function(*args, **kwargs)

    return cast("F", wrapper)


class Checked:
    """Mixin for objects with hyper-parameters: declare ``bounds``, and ``check`` holds the parameters against them.

    Attributes
    ----------
    bounds : dict of str to str
        What each parameter may be: ``"bool"``, one of some strings, such as ``"{all, some}"``, or an interval such as
        ``"[0, 1)"``, of whole numbers where ``int`` stands before it. Infinity is allowed where a bracket includes it,
        None where `` or None`` is appended.

    Examples
    --------
    >>> from skmlp_scratch._checks import Checked
    >>> class Decay(Checked):
    ...     bounds = {"rate": "[0, 1)", "every": "int [1, inf] or None"}
    ...     def __init__(self, rate, every=None):
    ...         self.rate, self.every = rate, every
    >>> Decay(0.5).check()
    >>> Decay(1).check()
    Traceback (most recent call last):
    ...
    ValueError: rate=1 must be a number of at least 0 and below 1.
    """

    bounds: ClassVar[dict] = {}

    def __setstate__(self, state):
        """Take a pickled state; a parameter that is newer than the pickle has its default."""
        self.__dict__.update(state)
        for name, default in _defaults(type(self)).items():
            self.__dict__.setdefault(name, default)

    def check(self):
        """Raise a ValueError that names a parameter out of its bounds."""
        for name, bound in self.bounds.items():
            value = getattr(self, name)
            kind, limits, unbounded, optional = _parse(bound)
            if value is None and optional:
                continue
            if kind == "bool":
                check_switch(name, value)
            elif kind == "choice":
                if value not in limits:
                    raise ValueError(f"{name}={value!r} must be one of {', '.join(map(repr, limits))}.")
            elif not (unbounded and value == math.inf):
                check_number(name, value, integer=kind == "int", **limits)


@lru_cache
def _defaults(cls):
    """Default of each parameter that has one; kept, since reading a signature takes as long as a step of training."""
    parameters = inspect.signature(cls.__init__).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty}


@lru_cache
def _parse(bound):
    """Kind, limits as :func:`check_number` takes them, and whether infinity and None are allowed."""
    bound, optional, _ = bound.partition(" or None")
    if bound == "bool":
        return "bool", {}, False, bool(optional)
    if bound.startswith("{"):
        return "choice", bound[1:-1].split(", "), False, bool(optional)
    kind = "int" if bound.startswith("int ") else "float"
    interval = bound.removeprefix("int ")
    low, high = (float(end) for end in interval[1:-1].split(","))
    limits = {}
    if low > -math.inf:
        limits |= {"low": _tidy(low), "open_low": interval.startswith("(")}
    if high < math.inf:
        limits |= {"high": _tidy(high), "open_high": interval.endswith(")")}
    return kind, limits, high == math.inf and interval.endswith("]"), bool(optional)


def _tidy(end):
    return int(end) if end.is_integer() else end

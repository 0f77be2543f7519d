"""Every private name of scikit-learn that the package uses, and every guard of a version.

No other module imports a private name, so whatever changes in scikit-learn is mended here.
"""

import inspect
import sys
from collections.abc import Callable, Set
from itertools import accumulate
from typing import TypeVar

from sklearn.base import _fit_context
from sklearn.utils._missing import is_pandas_na, is_scalar_nan
from sklearn.utils._param_validation import HasMethods, Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in where scikit-learn has no callbacks."""


__all__ = [
    "ApiPage",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "Options",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "is_missing",
    "one_of",
    "open_callbacks",
    "takes_weights",
]

F = TypeVar("F", bound=Callable)
fit_context: Callable[[F], F] = _fit_context(prefer_skip_nested_validation=True)


class ApiPage:
    """Leads scikit-learn's HTML diagram of an estimator to the class's page of the API reference."""

    _doc_link_module = "skmlp_scratch"
    _doc_link_template = "https://skmlp-scratch.github.io/skmlp_scratch/api/generated/{page}.html"

    def _doc_link_url_param_generator(self):
        """Name the page by the shortest path to import the class from."""
        name = type(self).__name__
        paths = accumulate(type(self).__module__.split("."), "{}.{}".format)
        return {"page": next(f"{path}.{name}" for path in paths if hasattr(sys.modules[path], name))}


class _Names(Set):
    """Names that are read whenever they are asked for."""

    _from_iterable = set

    def __init__(self, read):
        self.read = read

    def __contains__(self, name):
        return name in self.read()

    def __iter__(self):
        return iter(self.read())

    def __len__(self):
        return len(self.read())


def one_of(read):
    """Return the constraint of being one of some names, which may grow: a row added to a table counts at once.

    Parameters
    ----------
    read : callable
        Returns the names.

    Returns
    -------
    StrOptions
    """
    return StrOptions(_Names(read))


def is_missing(value):
    """Whether a cell is None, NaN or pandas' NA."""
    return value is None or is_pandas_na(value) or is_scalar_nan(value)


def open_callbacks(estimator, n_epochs):
    """Return the root context of the estimator's callbacks, or None if it has none.

    Parameters
    ----------
    estimator : object
        About to be fitted.
    n_epochs : int or None
        Largest number of epochs; None if it is not known.

    Returns
    -------
    context : object or None
    """
    if not getattr(estimator, "_skl_callbacks", None):
        return None
    return estimator._init_callback_context(max_subtasks=n_epochs)


def takes_weights(scorer):
    """Whether a scorer can be given sample weights; a custom function need not.

    Parameters
    ----------
    scorer : callable or None
        As ``check_scoring`` returns it.

    Returns
    -------
    bool
    """
    if scorer is None:
        return False
    try:
        parameters = inspect.signature(getattr(scorer, "_score_func", scorer)).parameters
    except (TypeError, ValueError):  # compiled functions have none
        return False
    return "sample_weight" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())

"""The experiment: every model on the same folds."""

import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.utils import check_consistent_length, check_random_state
from threadpoolctl import threadpool_limits

from .._checks import check_number
from .._types import Inputs
from .._warnings import warn_user
from ..encoding import TableEncoder
from ..stopping import InterruptedFit
from ..tables import DroppedColumnWarning, as_table
from . import _models
from ._folds import check_target, is_continuous, make_folds, make_scorers
from ._progress import progress
from ._table import CHOSEN, ComparisonRow, ComparisonTable

HIDDEN_LAYER_SIZES = (1, 2, 3, 4, 5, 20, 50)
# Below this many cells the threads of the numerical libraries wait for each other more than they compute.
ONE_THREAD = 1_000_000


def compare_with_baselines(
    X: Inputs,
    y: ArrayLike,
    hidden_layer_sizes: Sequence = HIDDEN_LAYER_SIZES,
    cv: Any = 5,
    random_state: int | np.random.RandomState | None = 0,
    *,
    network_params: dict | None = None,
    scoring: str | list[str] | None = None,
) -> ComparisonTable:
    """Cross-validate the network at several hidden sizes beside baselines, all on the same folds.

    The baselines are ``DummyClassifier``, ``LogisticRegression``, ``HistGradientBoostingClassifier``,
    :class:`~skmlp_scratch.ScratchTabularClassifier` and scikit-learn's ``MLPClassifier``; for a continuous target the
    corresponding regressors, with ``Ridge`` as the linear one. Both networks whose size is searched get the same sizes,
    settings and seed.

    Each hidden size has a row. The best of those rows is an optimistic estimate of what a search achieves, so there is
    one more row per network, "chosen": the size is searched inside every training fold, on 3 inner folds, and scored on
    the fold left out. That is the score to expect on new data. With K folds and S sizes, a network costs
    ``K * (4 * S + 1)`` fits; with more than 5000 rows there is one inner fold, which makes that ``K * (2 * S + 1)``.

    Everything learned from data is learned inside the folds. :class:`~skmlp_scratch.encoding.TableEncoder` makes
    numbers of the columns: texts of which nearly all differ are dropped, dates become numbers. For regression the
    networks see a scaled target.

    Parameters
    ----------
    X : array-like or dataframe of shape (n_samples, n_features)
        Columns of numbers, booleans, strings or dates, missing values included (nan, None, ``pandas.NA``). Columns of
        different kinds need a dataframe or ``dtype=object``: in an array of strings every column is a category.
    y : array-like of shape (n_samples,)
        Strings, booleans or up to 20 distinct whole numbers are classes; other numbers are a continuous target. For
        more than 20 numbered classes pass strings.
    hidden_layer_sizes : sequence of int or tuple of int, default=(1, 2, 3, 4, 5, 20, 50)
        The sizes to compare; a tuple describes several layers.
    cv : int, splitter or iterable of (train, test), default=5
        Number of shuffled folds, stratified for classes; or anything else that scikit-learn's ``cv`` takes.
    random_state : int, RandomState instance or None, default=0
        Shuffles the folds and seeds both networks.
    network_params : dict, default=None
        Parameters of both networks, on top of ``activation="tanh"``, ``solver="lbfgs"``, ``alpha=0.1``,
        ``tol=1e-3`` and ``max_iter=5000``.
    scoring : str or list of str, default=None
        Names of scores, as in ``sklearn.metrics.get_scorer_names``; errors may be named without their ``"neg_"``. The
        first ranks the rows. None is accuracy, balanced accuracy, log loss and ROC AUC for classes, with ROC AUC first
        where more than nine rows in ten are of one class; R², root mean squared error and mean absolute error for
        numbers.

    Returns
    -------
    table : ComparisonTable
        Prints as a table, the best model first. ``table.best_estimator`` is our network, fitted on all rows.

    Raises
    ------
    ValueError
        If an argument cannot be used; the message names it.

    Warns
    -----
    InterruptedFit
        If Ctrl-C ends the comparison: the table then holds the models that had been measured.

    Notes
    -----
    Fits run one after the other, and with fewer than a million cells in X on one thread, so that their seconds can be
    compared. On a terminal their progress is shown.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch.comparison import compare_with_baselines
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> table = compare_with_baselines(X, y, hidden_layer_sizes=[1, 5], cv=2)
    >>> [row.kind for row in table.rows][-1]
    'dummy'
    """
    sizes = _check_sizes(hidden_layer_sizes)
    X, y = as_table(X), check_target(y)
    check_consistent_length(X, y)
    continuous = is_continuous(y)
    seed = random_state if isinstance(random_state, Integral) else check_random_state(random_state).randint(2**31 - 1)
    outer, inner = make_folds(X, y, cv, continuous, seed)
    scorers = make_scorers(scoring, y, outer, continuous)
    params = {**_models.NETWORK_PARAMS, "random_state": seed, **(network_params or {})}
    baselines, networks = _models.baselines(continuous, seed), _models.networks(continuous, params)
    per_network = len(sizes) * (1 + inner.get_n_splits()) + 1
    n_fits = len(outer) * (len(baselines) + len(networks) * per_network)
    limit = 1 if X.shape[0] * X.shape[1] < ONE_THREAD else None
    with threadpool_limits(limit), _collected_warnings() as unconverged, progress("fits", n_fits) as advance:
        columns = TableEncoder(n_bins=0).fit(X).columns_
        measurement = _Measurement(X, y, outer, inner, scorers, advance)
        interrupted = measurement.run(baselines, networks, sizes)
    if interrupted:
        warn_user("Comparison interrupted by user: the table is partial.", InterruptedFit)
    shares = None if continuous else np.unique(y, return_counts=True)[1] / len(y)
    return ComparisonTable(
        rows=sorted(measurement.rows, key=lambda row: row.mean_score, reverse=True),
        metrics=list(scorers),
        data=_extent(X, y, continuous),
        columns=columns,
        n_folds=len(outer),
        best_estimator=measurement.best_estimator,
        chosen=measurement.chosen,
        n_unconverged=len(unconverged),
        largest_class=None if shares is None else float(shares.max()),
        interrupted=interrupted,
    )


class _Measurement:
    """Cross-validation of any model on the same rows, folds and scores.

    ``rows`` holds what has been measured so far, ``chosen`` the size that each network would choose on all rows, and
    ``best_estimator`` ours, fitted on all rows at that size.
    """

    def __init__(self, X, y, outer, inner, scorers, advance):
        self.X, self.y, self.outer, self.inner = X, y, outer, inner
        self.scorers, self.advance = scorers, advance
        self.rows, self.chosen, self.best_estimator = [], {}, None

    def run(self, baselines, networks, sizes):
        """Measure all models; return whether Ctrl-C ended that before the last one, but not before the first."""
        try:
            for candidate in baselines:
                self._measure(candidate, None, candidate.estimator)
            for candidate in networks:
                self._search(candidate, sizes)
        except (KeyboardInterrupt, InterruptedFit) as error:
            if not self.rows:
                raise KeyboardInterrupt from error
            return True
        return False

    def _search(self, candidate, sizes):
        """Measure every hidden size, and the search for the best one."""
        (name,) = (name for name in candidate.estimator.get_params() if name.endswith("__hidden_layer_sizes"))
        rows = [self._measure(candidate, size, clone(candidate.estimator).set_params(**{name: size})) for size in sizes]
        best = max(rows, key=lambda row: row.mean_score)
        self.chosen[best.model] = best.hidden_layer_sizes
        if self.best_estimator is None:
            self.best_estimator = clone(best.estimator).fit(self.X, self.y)
        search = GridSearchCV(
            candidate.estimator, {name: sizes}, scoring=self._first_score, cv=self.inner, error_score="raise"
        )
        self._measure(candidate, CHOSEN, search, best.estimator)

    def _measure(self, candidate, size, estimator, shown=None):
        """Cross-validate a model, and add its row."""
        found = cross_validate(
            estimator,
            self.X,
            self.y,
            scoring={**self.scorers, "done": self._done},
            cv=self.outer,
            error_score="raise",
            return_estimator=size == CHOSEN,
        )
        shown = estimator if shown is None else shown
        searches = found.get("estimator", [])
        row = ComparisonRow(
            model=_models.name_of(shown),
            kind=candidate.kind,
            hidden_layer_sizes=size,
            scores={name: found[f"test_{name}"] for name in self.scorers},
            fit_seconds=float(np.mean(found["fit_time"])),
            estimator=clone(shown),
            chosen=tuple(value for search in searches for value in search.best_params_.values()),
        )
        self.rows.append(row)
        return row

    def _done(self, estimator, X, y):
        """Count the fit, as if this were a score: beside real scorers, which share their predictions."""
        self.advance()
        return 0.0

    def _first_score(self, estimator, X, y):
        self.advance()
        return next(iter(self.scorers.values()))(estimator, X, y)


def _check_sizes(sizes):
    if isinstance(sizes, str) or not np.iterable(sizes) or len(sizes := list(sizes)) == 0:
        raise ValueError(f"hidden_layer_sizes={sizes!r} must be a sequence of sizes to compare, such as [1, 5, 20].")
    return [
        tuple(int(check_number("hidden_layer_sizes", n, low=1, integer=True)) for n in size)
        if isinstance(size, list | tuple)
        else int(check_number("hidden_layer_sizes", size, low=1, integer=True))
        for size in sizes
    ]


def _extent(X, y, continuous):
    target = "a continuous target" if continuous else f"{len(np.unique(y))} classes"
    return f"{X.shape[0]} rows, {X.shape[1]} features, {target}"


@contextmanager
def _collected_warnings():
    """Yield a list that collects convergence warnings, which the table counts; pass on what it does not say."""
    unconverged = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        warnings.simplefilter("ignore", DroppedColumnWarning)
        # On Ctrl-C a network warns and ends its fit; the comparison must not go on with half of the training.
        warnings.simplefilter("error", InterruptedFit)
        yield unconverged
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            unconverged.append(warning)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)

"""The columns that a model needs."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.inspection import permutation_importance
from sklearn.metrics import check_scoring

from .._types import Inputs
from ..tables import as_frame
from ._base import COLORS, Display, wrap

# Longer names of columns are cut.
MAX_CHARS = 24


class ImportanceDisplay(Display):
    """How much a model's score suffers when the cells of one column are shuffled, for the columns that matter most.

    Shuffling breaks the link between the column and the target and leaves everything else as it is (Breiman 2001,
    "Random forests"). Columns that tell the same hide each other: shuffling one of them costs little.

    Parameters
    ----------
    importances : ndarray of shape (n_columns, n_repeats)
        Drop of the score, for each repetition; the most important column comes first.
    names : list of str
        Names of the columns.
    metric : str
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel.
    figure_ : matplotlib Figure
        The figure.
    bars_ : matplotlib BarContainer
        The mean drops, with one standard deviation of the repetitions to either side.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skmlp_scratch.plotting import ImportanceDisplay
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> y = X @ [1.0, 0.0, 5.0]
    >>> display = ImportanceDisplay.from_estimator(Ridge().fit(X, y), X, y, n_columns=2)
    >>> display.names
    ['column 2', 'column 0']
    """

    def __init__(self, *, importances, names, metric):
        self.importances = importances
        self.names = names
        self.metric = metric

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Inputs,
        y: ArrayLike,
        *,
        scoring: str | Callable | None = None,
        n_columns: int = 10,
        n_repeats: int = 5,
        feature_names: Sequence | None = None,
        random_state: int | np.random.RandomState | None = 0,
        after_each: Callable | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Measure the importance of every column, and plot the largest ones.

        Parameters
        ----------
        estimator : estimator
            The fitted model.
        X : array-like or dataframe of shape (n_samples, n_features)
            Rows that the model was not fitted on.
        y : array-like of shape (n_samples,)
            Their targets.
        scoring : str, callable or None, default=None
            Score, as in scikit-learn; None is the estimator's own.
        n_columns : int, default=10
            Maximum number of columns to show; those that change nothing are left out.
        n_repeats : int, default=5
            Number of times each column is shuffled.
        feature_names : sequence of str, default=None
            Names of the columns; None takes a dataframe's.
        random_state : int, RandomState instance or None, default=0
            Seed of the shuffling.
        after_each : callable, default=None
            Function without arguments that is called after each of the ``1 + n_repeats * n_features`` scores.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : ImportanceDisplay
        """
        frame = as_frame(X)
        if frame is not None and not hasattr(X, "iloc"):
            X = frame.to_pandas()
        if feature_names is None:
            feature_names = frame.columns if frame is not None else [f"column {i}" for i in range(np.shape(X)[1])]
        scorer = check_scoring(estimator, scoring=scoring)

        def score(estimator, X, y):
            if after_each is not None:
                after_each()
            return scorer(estimator, X, y)

        found = permutation_importance(
            estimator, X, y, scoring=score, n_repeats=n_repeats, random_state=random_state
        ).importances
        order = np.argsort(-found.mean(axis=1), kind="stable")
        order = [i for i in order if found[i].any()][:n_columns] or order[:1]
        names = [str(feature_names[i]) for i in order]
        metric = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
        return cls(importances=found[order], names=names, metric=metric).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw one bar per column.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.
        **kwargs : dict
            Arguments of matplotlib's ``barh``.

        Returns
        -------
        self : ImportanceDisplay
        """
        self._open(ax, 1, 1, (4.8, 1.2 + 0.28 * len(self.names)))
        means, spreads = self.importances.mean(axis=1), self.importances.std(axis=1)
        places = range(len(self.names))
        style = {"color": COLORS[0], "capsize": 2, **kwargs}
        self.bars_ = self.ax_.barh(places, means, xerr=spreads, **style)
        self.ax_.set_yticks(places, [wrap(name, MAX_CHARS, 1) for name in self.names])
        self.ax_.invert_yaxis()
        self.ax_.axvline(0, color="0.3", linewidth=0.8)
        self.ax_.grid(axis="x", alpha=0.3)
        change = "rise of" if self.metric.startswith("neg_") else "drop in"
        name = self.metric.removeprefix("neg_").replace("_", " ")
        self.ax_.set_xlabel(f"{change} {name}\nif the column is shuffled")
        return self

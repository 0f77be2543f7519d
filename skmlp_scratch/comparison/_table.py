"""What a comparison found: one row per model, and the table of them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from ..tables import EncodedColumns, align

CHOSEN = "chosen"
# Names of scores as people write them; other names lose their "neg_" and their underscores.
LABELS = {
    "r2": "r2",
    "roc_auc": "ROC AUC",
    "roc_auc_ovr": "ROC AUC",
    "neg_root_mean_squared_error": "RMSE",
    "neg_mean_absolute_error": "MAE",
}
# Above this share of one class, accuracy tells little.
ONE_SIDED = 0.9


def label(metric: str) -> str:
    """Return the name of a score as people write it.

    Parameters
    ----------
    metric : str
        scikit-learn's name of the score, such as ``"neg_log_loss"``.

    Returns
    -------
    name : str
    """
    return LABELS.get(metric, metric.removeprefix("neg_").replace("_", " "))


@dataclass(frozen=True)
class ComparisonRow:
    """One line of a :class:`ComparisonTable`.

    Parameters
    ----------
    model : str
        Class name of the estimator.
    kind : {"dummy", "linear", "network", "trees", "tabular"}
        What the model is: one that ignores the features, a linear one, a network whose size is searched, gradient
        boosting, or the network for tables.
    hidden_layer_sizes : int, tuple of int, "chosen" or None
        The network's size; "chosen" if it was picked inside each training fold; None where no size is searched.
    scores : dict of str to ndarray of shape (n_folds,)
        Scores of each test fold by scikit-learn's names, larger being better; the first ranks the rows.
    fit_seconds : float
        Mean seconds per fit; in a "chosen" row, per search.
    estimator : Pipeline
        The unfitted model, preprocessing included; in a "chosen" row, at the size chosen on all rows.
    chosen : tuple, default=()
        In a "chosen" row: what each fold picked.
    """

    model: str
    kind: str
    hidden_layer_sizes: object
    scores: dict
    fit_seconds: float
    estimator: Pipeline
    chosen: tuple = ()

    def mean(self, metric: str) -> float:
        """Mean of the folds' scores.

        Parameters
        ----------
        metric : str
            Name of the score.

        Returns
        -------
        mean : float
        """
        return float(np.mean(self.scores[metric]))

    @property
    def mean_score(self) -> float:
        """Mean of the folds' first scores."""
        return self.mean(next(iter(self.scores)))

    @property
    def std_score(self) -> float:
        """Standard deviation of the folds' first scores."""
        return float(np.std(next(iter(self.scores.values()))))

    @property
    def size(self) -> str:
        """The hidden size as text: ``"5"``, ``"20-10"``, ``"none"``, ``"chosen"``, or ``"-"`` if none is searched."""
        return size_text(self.hidden_layer_sizes)


@dataclass(frozen=True, repr=False)
class ComparisonTable:
    """What :func:`compare_with_baselines` found; prints as a table.

    Parameters
    ----------
    rows : list of ComparisonRow
        The models, the best first.
    metrics : list of str
        Names of the scores, scikit-learn's; larger is better. The first ranks the rows.
    data : str
        The data's extent, such as ``"200 rows, 2 features, 2 classes"``.
    columns : EncodedColumns
        What became of each column of X.
    n_folds : int
        Number of folds, the same for all rows.
    best_estimator : Pipeline or None
        Ours, fitted on all rows at the size chosen on all rows; None if the comparison was interrupted before.
    chosen : dict
        Class name of each network -> the size chosen on all rows.
    n_unconverged : int
        Number of fits, inner ones included, that a solver ended before it had converged.
    largest_class : float or None, default=None
        Share of the most frequent class; None for a continuous target.
    interrupted : bool, default=False
        Whether Ctrl-C ended the comparison before all models were measured.

    See Also
    --------
    skmlp_scratch.plotting.ComparisonDisplay : The table as a picture.
    """

    rows: list
    metrics: list
    data: str
    columns: EncodedColumns
    n_folds: int
    best_estimator: Pipeline | None
    chosen: dict = field(default_factory=dict)
    n_unconverged: int = 0
    largest_class: float | None = None
    interrupted: bool = False

    @property
    def metric(self) -> str:
        """Name of the score that ranks the rows."""
        return self.metrics[0]

    @property
    def winner(self) -> ComparisonRow:
        """The best row of those whose score was not picked for being the best: sizes count by their "chosen" row."""
        return max(
            (row for row in self.rows if row.hidden_layer_sizes in (None, CHOSEN)), key=lambda row: row.mean_score
        )

    def score_text(self, row: Any) -> str:
        """Return a row's first score with its name, such as ``"accuracy 0.950"``.

        Parameters
        ----------
        row : ComparisonRow
            One of the rows.

        Returns
        -------
        text : str
        """
        return f"{label(self.metric)} {_shown(self.metric, row.mean_score)}"

    def __str__(self):
        """Aligned columns in plain ASCII, and below them how to read the table."""
        first, *others = self.metrics
        lines = [("model", "hidden units", label(first), "std", *map(label, others), "fit seconds")]
        for row in self.rows:
            # A spread has the size of the score and no sign.
            spread = _shown(first, -row.std_score if first.startswith("neg_") else row.std_score)
            mean, *means = (_shown(metric, row.mean(metric)) for metric in self.metrics)
            lines.append((row.model, row.size, mean, spread, *means, f"{row.fit_seconds:.3f}"))
        extent = f"{self.data}; {self.n_folds} folds, the same for every row"
        return "\n".join([extent, *_about_columns(self.columns), "", align(lines), "", *self._notes()])

    __repr__ = __str__

    def _notes(self):
        notes = []
        if self.interrupted:
            notes.append("Interrupted: the table is partial, the other models were not measured.")
        lower = [label(metric) for metric in self.metrics if metric.startswith("neg_")]
        if lower:
            notes.append(f"Lower is better for {' and '.join(lower)}.")
        if "accuracy" in self.metrics and self.largest_class > ONE_SIDED:
            ranked = "rank by roc_auc or the like" if self.metric == "accuracy" else f"so {label(self.metric)} ranks"
            notes.append(f"{self.largest_class:.1%} of the rows are of one class: accuracy tells little, {ranked}.")
        picks = [row for row in self.rows if row.chosen]
        if picks:
            notes.append(
                "chosen: the size is picked inside each training fold, so this score is not the best of many. Picked:"
            )
        for row in picks:
            sizes = ", ".join(map(size_text, row.chosen))
            notes.append(f"  {row.model}: {sizes}; on all rows {size_text(self.chosen[row.model])}")
        if self.n_unconverged:
            notes.append(f"{self.n_unconverged} fits ended before they had converged: raise max_iter or alpha.")
        return notes

    def to_frame(self) -> Any:
        """Return the rows as a DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``model``, ``hidden_layer_sizes``, ``mean_score``, ``std_score``, ``fit_seconds``, ``kind``, and the
            mean of each score by scikit-learn's name, such as ``mean_neg_log_loss``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("ComparisonTable.to_frame requires pandas: pip install pandas") from error
        columns = ["model", "hidden_layer_sizes", "mean_score", "std_score", "fit_seconds", "kind"]
        frame = pd.DataFrame({c: pd.Series([getattr(row, c) for row in self.rows]) for c in columns})
        return frame.assign(**{f"mean_{m}": [row.mean(m) for row in self.rows] for m in self.metrics})


def size_text(size: Any) -> str:
    """Return a hidden size as text.

    Parameters
    ----------
    size : int, tuple of int, "chosen" or None
        The size.

    Returns
    -------
    text : str
    """
    if isinstance(size, tuple):
        return "-".join(map(str, size)) or "none"
    return "-" if size is None else str(size)


def _shown(metric, value):
    """Return a score as text; an error, which is stored as its negative, by its own sign and size."""
    if not metric.startswith("neg_"):
        return f"{round(value, 3) + 0.0:.3f}"  # never -0.000
    if 1000 <= -value < 1e7:
        return f"{-value:.0f}"
    return f"{-value:.3f}" if 0.001 <= -value < 1000 else f"{-value:.3g}"


def _about_columns(columns):
    """Say what became of the columns, unless all of them are numbers."""
    kinds = Counter(column.kind for column in columns)
    if set(kinds) <= {"number"}:
        return []
    plurals = {"category": "categories"}
    counts = [f"{n} {kind if n == 1 else plurals.get(kind, kind + 's')}" for kind, n in kinds.items()]
    lines = [f"columns: {', '.join(counts)}"]
    for kind, said in (("date", "as"), ("identifier", "dropped,"), ("constant", "dropped,")):
        lines += [f"  {c.name}: {kind} {said} {c.what.removeprefix('dropped: ')}" for c in columns if c.kind == kind]
    return lines

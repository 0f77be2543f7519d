"""The rows of a comparison."""

from itertools import pairwise
from typing import Any, Self

from ._base import Display, room, styles

# The lines of the models whose size is not searched, by their kind.
BASELINES = {
    "dummy": {"color": "0.6", "linestyle": ":"},
    "linear": {"color": "black", "linestyle": "--"},
    "trees": {"color": "#832db6", "linestyle": "-."},
    "tabular": {"color": "#ffa90e", "linestyle": "-"},
}
CHOSEN = "chosen"


class ComparisonDisplay(Display):
    """Score and fit time of every row of a comparison, over the hidden sizes.

    Networks are points with error bars, which extend by one standard deviation of the folds' scores to either side; the
    size that was chosen inside each fold stands apart at the right. Models whose size is not searched are horizontal
    lines, within a band of one standard deviation to either side.

    Parameters
    ----------
    rows : list of ComparisonRow
        The rows of the table.
    metric : str
        Name of the score.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the scores.
    axes_ : ndarray of matplotlib Axes
        That panel and the one of the fit seconds.
    figure_ : matplotlib Figure
        The figure.
    scores_ : dict
        Name of each network -> ErrorbarContainer of its scores.
    seconds_ : dict
        Name of each network -> Line2D of its fit seconds.
    baselines_ : dict
        Name of each model whose size is not searched -> Line2D of its score.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch.comparison import compare_with_baselines
    >>> from skmlp_scratch.plotting import ComparisonDisplay
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> table = compare_with_baselines(X, y, hidden_layer_sizes=[1, 5], cv=2)
    >>> display = ComparisonDisplay.from_comparison(table)
    >>> [label.get_text() for label in display.ax_.get_xticklabels()]
    ['1', '5', 'chosen']
    """

    def __init__(self, *, rows, metric):
        self.rows = rows
        self.metric = metric

    @classmethod
    def from_comparison(cls, table: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Plot a comparison.

        Parameters
        ----------
        table : ComparisonTable
            What ``compare_with_baselines`` returned.
        ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : ComparisonDisplay
        """
        return cls(rows=table.rows, metric=table.metric).plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw scores and fit seconds.

        Parameters
        ----------
        ax : matplotlib Axes or pair of them, default=None
            Axes to draw in; a single one shows the scores alone. None makes a figure.
        **kwargs : dict
            Arguments of matplotlib's ``errorbar`` and ``plot`` for the networks.

        Returns
        -------
        self : ComparisonDisplay
        """
        sizes = sorted({row.size: row for row in self.rows if row.kind == "network"}.values(), key=_order)
        sizes = [row.size for row in sizes]
        self._open(ax, 2, 2, (max(4.8, 0.25 * len(sizes)), 3.8), optional=True)
        self.scores_, self.seconds_, self.baselines_ = {}, {}, {}
        by_name: dict = {}
        for row in self.rows:
            if row.kind == "network":
                by_name.setdefault(row.model, []).append(row)
            else:
                self._draw_baseline(row, BASELINES[row.kind])
        networks = sorted(by_name.items())  # by name: the order of the rows is that of their scores
        for i, ((name, rows), (color, marker)) in enumerate(zip(networks, styles(len(networks)), strict=True)):
            style = {"color": color, "marker": marker, "markersize": 5, "linestyle": "none", **kwargs}
            x = [sizes.index(row.size) + 0.2 * (i - (len(networks) - 1) / 2) for row in rows]
            self._draw_network(name, x, rows, style)
        self._label(sizes)
        self._leave_out_dummies()
        self._legend([*self.baselines_.values(), *self.scores_.values()], outside=ax is None)
        return self

    def _draw_baseline(self, row, style):
        self.baselines_[row.model] = self.ax_.axhline(row.mean_score, label=row.model, **style)
        low, high = row.mean_score - row.std_score, row.mean_score + row.std_score
        self.ax_.axhspan(low, high, color=style["color"], alpha=0.12, linewidth=0)
        for seconds in self.axes_[1:]:
            seconds.axhline(row.fit_seconds, **style)

    def _draw_network(self, name, x, rows, style):
        means, spreads = [row.mean_score for row in rows], [row.std_score for row in rows]
        self.scores_[name] = self.ax_.errorbar(x, means, yerr=spreads, capsize=2, label=name, **style)
        for seconds in self.axes_[1:]:
            (self.seconds_[name],) = seconds.plot(x, [row.fit_seconds for row in rows], **style)

    def _label(self, sizes):
        # Two neighbors reach half of each into the room between their ticks.
        widest = max((len(one) + len(other) for one, other in pairwise(sizes)), default=0) / 2 + 1
        for panel in self.axes_:
            upright = widest * len(sizes) > room(panel.bbox.width, self.figure_)
            panel.set_xticks(range(len(sizes)), sizes, rotation=90 if upright else 0)
            panel.set_xlabel("hidden units")
            panel.grid(axis="y", alpha=0.3)
            if CHOSEN in sizes:
                panel.axvline(sizes.index(CHOSEN) - 0.5, color="0.8", linewidth=0.8)
        metric = self.metric.replace("neg_", "negative ").replace("_", " ")
        self.ax_.set_ylabel(f"{metric},\nmean and standard deviation")
        for seconds in self.axes_[1:]:
            seconds.set(yscale="log", ylabel="seconds per fit")

    def _leave_out_dummies(self):
        """Let the axis show where the models differ, if the dummy is so far below that they would seem alike."""
        dummies = [row for row in self.rows if row.kind == "dummy"]
        spans = [(row.mean_score - row.std_score, row.mean_score + row.std_score) for row in self.rows]
        shown = [span for row, span in zip(self.rows, spans, strict=True) if row.kind != "dummy"]
        if not dummies or not shown:
            return
        low, high = min(low for low, _ in shown), max(high for _, high in shown)
        if dummies[0].mean_score < low - (high - low):
            self.ax_.set_ylim(low - 0.15 * (high - low), high + 0.05 * (high - low))
            note = f"{dummies[0].model}: {dummies[0].mean_score:.3f}, below"
            self.ax_.text(0.01, 0.01, note, transform=self.ax_.transAxes, color="0.4", fontsize="small")


def _order(row):
    """Sort rows by the size of their first layer, then of the second, and so on; the chosen size is last."""
    size = row.hidden_layer_sizes
    return (1,) if size == CHOSEN else (0, *(size if isinstance(size, tuple) else (size,)))

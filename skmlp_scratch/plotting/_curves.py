"""Loss and score over the epochs."""

from typing import Any, Self

import numpy as np

from ._base import Display, as_lists, styles

# A loss or a time that spans more than this factor is drawn on a logarithmic scale.
LOG_SPAN = 30


class LossCurveDisplay(Display):
    """Training loss, validation loss and validation score of one or several networks.

    Training is drawn solid, validation dashed; a validation score, where one was measured, has its own panel below. A
    star marks the best epoch: that of the best validation score, else of the lowest validation loss, else of
    the lowest training loss.

    Parameters
    ----------
    histories : list of dict
        Per network, lists ``epoch``, ``loss``, ``val_loss``, ``val_score``, ``seconds`` of equal length.
    names : list of str
        Names of the networks.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The panel of the losses.
    axes_ : ndarray of matplotlib Axes
        That panel, and the one of the validation scores if there are any.
    figure_ : matplotlib Figure
        The figure.
    lines_, validation_lines_, score_lines_ : list of matplotlib Line2D
        Curves, one per network; None where nothing was measured.
    best_ : list of matplotlib Line2D
        The stars on the panel of the losses, one per network.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch import ScratchMLPClassifier
    >>> from skmlp_scratch.plotting import LossCurveDisplay
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> clf = ScratchMLPClassifier((5,), solver="lbfgs", activation="tanh", alpha=0.1, random_state=0).fit(X, y)
    >>> display = LossCurveDisplay.from_estimator(clf)
    >>> len(display.lines_[0].get_xdata()) == clf.n_iter_
    True
    """

    def __init__(self, *, histories, names):
        self.histories = histories
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        names: str | list[str] | None = None,
        x: Any = "epoch",
        log_scale: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot the curves of fitted networks.

        Parameters
        ----------
        estimator : estimator or list of estimators
            Fitted networks; each may be the last step of a pipeline, or the best of a search. For networks without
            ``history_``, such as scikit-learn's, ``loss_curve_`` and ``validation_scores_`` are drawn.
        names : str or list of str, default=None
            Names for the legend; by default the class, or the parameters in which the networks differ.
        x, log_scale, ax, **kwargs
            As in :meth:`plot`.

        Returns
        -------
        display : LossCurveDisplay

        Raises
        ------
        NotFittedError
            If a network is not fitted.
        ValueError
            If a network has no loss curve.
        """
        _, networks, names = as_lists(estimator, names)
        display = cls(histories=[_history(network) for network in networks], names=names)
        return display.plot(ax, x=x, log_scale=log_scale, **kwargs)

    def plot(self, ax: Any = None, *, x: str = "epoch", log_scale: bool | None = None, **kwargs: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of them, default=None
            Axes to draw in, one per panel; a single one shows the losses alone. None makes a figure.
        x : {"epoch", "seconds"}, default="epoch"
            The horizontal axis. For scipy's solvers an epoch is an iteration.
        log_scale : bool, default=None
            Whether the loss has a logarithmic scale; None decides by its range.
        **kwargs : dict
            Arguments of matplotlib's ``plot``, for all curves.

        Returns
        -------
        self : LossCurveDisplay

        Raises
        ------
        ValueError
            If ``x`` is neither of the two, or a network has not recorded it.
        """
        self._check_x(x)
        scored = any(_measured(history, "val_score") for history in self.histories)
        self._open(ax, 1 + scored, 1, (7, 3.4), optional=True)
        if ax is None and scored:
            self.axes_[1].sharex(self.ax_)
        self.lines_, self.validation_lines_, self.score_lines_, self.best_ = [], [], [], []
        for history, name, (color, marker) in zip(self.histories, self.names, styles(len(self.names)), strict=True):
            marks = {"marker": marker, "markevery": 0.15, "markersize": 4} if len(self.names) > 1 else {}
            self._draw(history, x, {"color": color, **marks, **kwargs, "label": name})
        self._scale(x, log_scale)
        self.axes_[-1].set_xlabel(x)
        for panel, label in zip(self.axes_, ("loss", "validation score"), strict=False):
            panel.set_ylabel(label)
        keys = _keys(validated=any(self.validation_lines_ + self.score_lines_))
        self._legend(self.lines_ + keys, outside=ax is None)
        return self

    def _check_x(self, x):
        if x not in ("epoch", "seconds"):
            raise ValueError(f"x={x!r} must be 'epoch' or 'seconds'.")
        for history, name in zip(self.histories, self.names, strict=True):
            if x not in history:
                raise ValueError(f"x='seconds': {name} has recorded no seconds; only networks with history_ have.")

    def _draw(self, history, x, style):
        best = _best_epoch(history)
        self.lines_ += self.ax_.plot(history[x], history["loss"], **style)
        self.validation_lines_.append(_dashed(self.ax_, history, x, "val_loss", style))
        self.score_lines_ += [_dashed(panel, history, x, "val_score", style) for panel in self.axes_[1:]] or [None]
        starred = "val_loss" if self.validation_lines_[-1] else "loss"
        self.best_.append(_star(self.ax_, history, x, starred, best, style))
        if self.score_lines_[-1]:
            _star(self.axes_[1], history, x, "val_score", best, style)

    def _scale(self, x, log_scale):
        losses = np.concatenate([[*history["loss"], *history["val_loss"]] for history in self.histories])
        if _wide(losses) if log_scale is None else log_scale:
            self.ax_.set_yscale("log")
        for ax in self.axes_:
            ax.grid(alpha=0.3)
            if x == "seconds" and _wide([history[x][-1] for history in self.histories]):
                ax.set_xscale("log")


def _history(network):
    """Return what a network recorded; for scikit-learn's networks, what they have of it."""
    if hasattr(network, "history_"):
        # The tabular estimators measure only the score of their members together.
        return {"val_loss": [np.nan] * len(network.history_["epoch"]), **network.history_}
    if not hasattr(network, "loss_curve_"):
        raise ValueError(f"{type(network).__name__} has no loss curve: only some networks and solvers record one.")
    epochs = len(network.loss_curve_)
    nothing, scores = [np.nan] * epochs, getattr(network, "validation_scores_", None)
    return {
        "epoch": list(range(1, epochs + 1)),
        "loss": network.loss_curve_,
        "val_loss": nothing,
        "val_score": nothing if scores is None else scores,
    }


def _measured(history, key):
    return np.isfinite(history[key]).any()


def _best_epoch(history):
    """Return the index of the best validation score, else of the lowest validation loss, else of the lowest loss."""
    for key, sign in (("val_score", 1), ("val_loss", -1), ("loss", -1)):
        if _measured(history, key):
            return int(np.nanargmax(sign * np.asarray(history[key])))
    raise ValueError("history has no finite loss or score to draw.")


def _dashed(ax, history, x, y, style):
    dashed = {"linestyle": "--", **style, "label": None}
    return ax.plot(history[x], history[y], **dashed)[0] if _measured(history, y) else None


def _star(ax, history, x, y, epoch, style):
    star = {"color": style["color"], "markersize": 14, "markeredgecolor": "black", "zorder": 5}
    return ax.plot(history[x][epoch], history[y][epoch], "*", **star)[0]


def _keys(validated):
    """Return the legend's entries for what looks alike in all networks."""
    from matplotlib.lines import Line2D

    star = {"color": "none", "marker": "*", "markersize": 12, "markeredgecolor": "black", "markerfacecolor": "0.8"}
    kinds = [{"label": "training"}, {"label": "validation", "linestyle": "--"}] if validated else []
    return [Line2D([], [], color="0.3", **kind) for kind in kinds] + [Line2D([], [], **star, label="best epoch")]


def _wide(values):
    values = np.asarray(values)[np.isfinite(values)]
    return bool(values.min() > 0 and values.max() > LOG_SPAN * values.min())

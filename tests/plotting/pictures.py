"""What the tests of the displays share: a small problem and a network, histories, and what a legible figure is."""

import warnings
from itertools import combinations
from types import SimpleNamespace

import numpy as np
from sklearn.datasets import make_moons
from sklearn.exceptions import ConvergenceWarning

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.comparison import ComparisonRow

X, Y = make_moons(80, noise=0.2, random_state=0)


def network(**params):
    params = {"solver": "lbfgs", "activation": "tanh", "alpha": 0.1, "random_state": 0} | params
    if isinstance(params["solver"], str):  # an object brings its own
        params = {"max_iter": 500} | params
    return ScratchMLPClassifier(params.pop("hidden_layer_sizes", 4), **params)


def briefly(net, *data):
    """Fit a network that is not meant to converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return net.fit(*data)


def histories(*columns):
    """Histories as the estimators record them, from (loss, val_loss, val_score)."""
    keys = ("loss", "val_loss", "val_score")
    made = []
    for column in columns:
        n = len(column[0])
        lists = [values if values is not None else [np.nan] * n for values in column]
        seconds = list(0.5 * np.arange(1, n + 1))
        made.append({"epoch": list(range(1, n + 1)), "seconds": seconds, **dict(zip(keys, lists, strict=True))})
    return made


def comparison(sizes):
    """A table of two baselines and two networks; sizes are a dict of hidden sizes to seconds of one fit."""

    def row(model, kind, size, scores, seconds):
        return ComparisonRow(
            model=model,
            kind=kind,
            hidden_layer_sizes=size,
            scores={"accuracy": np.array(scores)},
            fit_seconds=seconds,
            estimator=None,
        )

    networks = [
        row(name, "network", size, [0.9 - shift, 1.0 - shift], seconds)
        for name, shift in (("MLPClassifier", 0.1), ("ScratchMLPClassifier", 0.0))
        for size, seconds in sizes.items()
    ]
    baselines = [
        row("DummyClassifier", "dummy", None, [0.5, 0.5], 0.001),
        row("LogisticRegression", "linear", None, [0.8, 0.9], 0.002),
    ]
    return SimpleNamespace(rows=baselines + networks, metric="accuracy")


def texts(figure):
    """The visible texts that a reader needs: titles, labels of axes and ticks, legends."""
    figure.draw_without_rendering()
    found = []
    for ax in figure.axes:
        found += [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            found += [label for place, label in ticks if low <= place <= high]
        if ax.get_legend() is not None:
            found += ax.get_legend().get_texts()
    for legend in figure.legends:
        found += legend.get_texts()
    return [text for text in found if text.get_visible() and text.get_text()]


def assert_legible(figure):
    """No text is cut by the figure's edge, and no two texts overlap."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    width, height = figure.bbox.size
    for text, box in boxes:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y1 <= height + 1, text
    for (one, first), (other, second) in combinations(boxes, 2):
        # Boxes include the room for accents and descenders: a touch of a pixel or two is no overlap.
        inner = first.padded(-1.5)
        assert not (inner.overlaps(second.padded(-1.5))), (one, other)

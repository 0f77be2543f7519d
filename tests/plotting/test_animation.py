"""Animations: the surface changes from frame to frame as training goes on, and the file holds every frame."""

import sys
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageSequence

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.plotting import animate_surface

from .pictures import X, Y

EPOCHS = [1, 5, 40]


def frames_of(animation, path):
    animation.save(path, writer="pillow", dpi=40)
    with Image.open(path) as picture:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(picture)]


@pytest.mark.parametrize(
    ("net", "y"),
    [
        (ScratchMLPClassifier((6,), learning_rate_init=0.1, random_state=0), np.array(["no", "yes"])[Y]),
        (ScratchMLPRegressor(hidden_layer_sizes=6, learning_rate_init=0.1, random_state=0), X[:, 0] * X[:, 1]),
    ],
)
def test_frames_show_the_surface_as_it_is_learned(net, y, tmp_path):
    animation = animate_surface(net, X, y, epochs=EPOCHS, grid_resolution=12)
    frames = frames_of(animation, tmp_path / "surface.gif")
    assert len(frames) == len(EPOCHS)
    for earlier, later in pairwise(frames):
        assert earlier.shape == later.shape
        assert (earlier != later).any(axis=2).mean() > 0.05
    assert not hasattr(net, "params_")


def test_each_frame_is_of_its_epoch(tmp_path):
    net = ScratchMLPClassifier((6,), learning_rate_init=0.1, random_state=0)
    animation = animate_surface(net, X, Y, epochs=[2, 4], grid_resolution=12, s=3)
    drawn = []
    animation.save(
        tmp_path / "surface.gif",
        writer="pillow",
        dpi=20,
        progress_callback=lambda i, n: drawn.append(animation._fig.axes[0].get_title()),
    )
    assert drawn == ["after epoch 2", "after epoch 4"]


@pytest.mark.parametrize("epochs", [[], [0, 1], [2, 2], [3, 1], [1.5], ["a"]])
def test_epochs_must_increase(epochs):
    with pytest.raises(ValueError, match="must be whole numbers of at least 1, in increasing order"):
        animate_surface(ScratchMLPClassifier(), X, Y, epochs=epochs)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r'animate_surface requires matplotlib: pip install "skmlp_scratch\[plot\]"'):
        animate_surface(ScratchMLPClassifier(), X, Y)

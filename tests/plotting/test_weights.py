"""Weights: the pictures hold the matrices."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch.plotting import WeightsDisplay

from .pictures import X, Y, assert_legible, network


def test_weights_are_the_matrices(fitted):
    display = WeightsDisplay.from_estimator(make_pipeline(StandardScaler(), network()).fit(X, Y))
    assert [image.get_array().shape for image in display.images_] == [(2, 4), (4, 1)]
    display = WeightsDisplay.from_estimator(fitted)
    for image, W in zip(display.images_, fitted.coefs_, strict=True):
        np.testing.assert_array_equal(image.get_array(), W)
    largest = max(np.abs(W).max() for W in fitted.coefs_)
    assert {image.get_clim() for image in display.images_} == {(-largest, largest)}
    assert [ax.get_title() for ax in display.axes_] == ["layer 0", "layer 1"]
    assert [ax.get_ylabel() for ax in display.axes_] == ["from input", "from unit"]
    assert_legible(display.figure_)


def test_weight_ticks_are_whole_numbers(fitted):
    display = WeightsDisplay.from_estimator(fitted)
    for ax in display.axes_:
        for ticks in (ax.get_xticks(), ax.get_yticks()):
            np.testing.assert_array_equal(ticks, np.round(ticks))


@pytest.mark.parametrize("layer, index", [(0, 0), (1, 1), (-1, 1), (-2, 0)])
def test_one_layer(fitted, layer, index):
    display = WeightsDisplay.from_estimator(fitted, layer=layer)
    (image,) = display.images_
    np.testing.assert_array_equal(image.get_array(), fitted.coefs_[index])
    assert display.ax_.get_title() == f"layer {index}"
    assert display.ax_.get_ylabel() == ("from unit" if index else "from input")


def test_some_units_under_a_custom_name(fitted):
    display = WeightsDisplay(weights=[fitted.coefs_[0][:, :2]], names=["two units"]).plot()
    np.testing.assert_array_equal(display.images_[0].get_array(), fitted.coefs_[0][:, :2])
    assert (display.ax_.get_title(), display.ax_.get_ylabel()) == ("two units", "from input")


def test_images_are_tiles_row_by_row():
    W = np.arange(12 * 5, dtype=float).reshape(12, 5)
    peer = MLPClassifier()
    peer.coefs_ = [W, W.T]
    display = WeightsDisplay.from_estimator(peer, image_shape=(3, 4))
    tiles = display.images_[0].get_array()
    assert tiles.shape == (2 * 4 - 1, 3 * 5 - 1)
    for unit in range(5):
        row, column = divmod(unit, 3)
        tile = tiles[row * 4 : row * 4 + 3, column * 5 : column * 5 + 4]
        np.testing.assert_array_equal(tile, W[:, unit].reshape(3, 4))
    # The lines between the tiles, and the place without a unit.
    assert tiles.mask[3].all()
    assert tiles.mask[:, [4, 9]].all()
    assert tiles.mask[4:, 10:].all()


def test_weights_reject_what_they_cannot_draw(fitted):
    for layer in (2, -3, 0.5):
        with pytest.raises(ValueError, match=f"layer={layer} must be None or a whole number from -2 to 1"):
            WeightsDisplay.from_estimator(fitted, layer=layer)
    with pytest.raises(ValueError, match=r"image_shape=\(2, 2\) does not hold the 2 inputs"):
        WeightsDisplay.from_estimator(fitted, image_shape=(2, 2))

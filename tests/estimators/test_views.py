"""Weights can be read and set as in scikit-learn's perceptrons."""

import copy

import numpy as np
import pytest
from problems import LABELS_SET, OURS, TARGET_SET, X_SET, X, Y, each_of_ours, fitted
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]


ALL = (*OURS, MLPClassifier, MLPRegressor)  # what is asked of ours holds for scikit-learn's
each = pytest.mark.parametrize("estimator", ALL)


# Reading and writing


@each
def test_all_weights_can_be_set(estimator):
    model = fitted(estimator)
    coefs = [np.full(W.shape, 0.5) for W in model.coefs_]
    intercepts = [np.full(b.shape, 0.25) for b in model.intercepts_]
    model.coefs_, model.intercepts_ = coefs, intercepts
    for found, given in zip([*model.coefs_, *model.intercepts_], [*coefs, *intercepts], strict=True):
        np.testing.assert_array_equal(found, given)
    hidden = np.maximum(X_SET @ coefs[0] + intercepts[0], 0)
    raw = (hidden @ coefs[1] + intercepts[1]).ravel()
    if hasattr(model, "classes_"):
        np.testing.assert_allclose(model.predict_proba(X_SET)[:, 1], 1 / (1 + np.exp(-raw)))
    else:
        np.testing.assert_allclose(model.predict(X_SET), raw)


@each
def test_an_item_can_be_set(estimator):
    model = fitted(estimator)
    W, b = np.arange(12.0).reshape(3, 4), np.arange(4.0)
    before = model.predict(X_SET).copy()
    model.coefs_[0] = W
    model.intercepts_[0] = b
    model.coefs_[-1] = np.ones((4, 1))
    np.testing.assert_array_equal(model.coefs_[0], W)
    np.testing.assert_array_equal(model.intercepts_[0], b)
    np.testing.assert_array_equal(model.coefs_[1], 1)
    assert not np.array_equal(model.predict(X_SET), before)


@each
def test_entries_can_be_set_in_place(estimator):
    model = fitted(estimator)
    model.coefs_[0][:] = 7.0
    model.coefs_[1][2, 0] = -3.0
    model.intercepts_[0][1] = 5.0
    model.coefs_[0] *= 2  # an item that is read, changed and set
    assert (model.coefs_[0] == 14).all()
    assert model.coefs_[1][2, 0] == -3
    assert model.intercepts_[0][1] == 5


@each_of_ours
def test_what_is_set_is_in_the_flat_vector(estimator):
    model = fitted(estimator)
    model.coefs_ = [np.full(W.shape, 2.0) for W in model.coefs_]
    assert (model.params_[: 3 * 4 + 4] == 2).all()
    model.coefs_[0] = np.zeros((3, 4))
    assert (model.params_[:12] == 0).all()
    model.intercepts_ = [np.full(b.shape, 9.0) for b in model.intercepts_]
    assert (model.params_[16:] == 9).all()


@each_of_ours
def test_what_is_set_is_copied(estimator):
    model = fitted(estimator)
    given = [np.ones(W.shape) for W in model.coefs_]
    model.coefs_ = given
    given[0][:] = 5
    assert (model.coefs_[0] == 1).all()
    model.coefs_[0] = one = np.full((3, 4), 3.0)
    one[:] = 8
    assert (model.coefs_[0] == 3).all()


@each_of_ours
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_what_is_set_takes_the_shape_and_dtype_that_is_there(estimator, name):
    y = LABELS_SET if estimator is ScratchMLPClassifier else TARGET_SET
    model = estimator(hidden_layer_sizes=(4,), max_iter=2).fit(X_SET.astype(np.float32), y)
    setattr(model, name, [array.astype(float).tolist() for array in getattr(model, name)])
    getattr(model, name)[0] = getattr(model, name)[0].astype(int)
    assert model.params_.dtype == np.float32
    assert all(array.dtype == np.float32 for array in getattr(model, name))


WRONG = {
    "one too few": lambda arrays: arrays[:-1],
    "one too many": lambda arrays: [*arrays, arrays[-1]],
    "another shape": lambda arrays: [np.ones((7, 7)), *arrays[1:]],
    "transposed": lambda arrays: [array.T if array.ndim == 2 else array[:, None] for array in arrays],
    "a number": lambda arrays: [1.0, *arrays[1:]],
    "no list": lambda arrays: 1.0,
    "text": lambda arrays: [np.full(array.shape, "a") for array in arrays],
}


@each_of_ours
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_shape_is_refused_by_name_and_changes_nothing(estimator, name, wrong):
    model = fitted(estimator)
    before = model.params_.copy()
    with pytest.raises(ValueError, match=name):
        setattr(model, name, WRONG[wrong](list(getattr(model, name))))
    np.testing.assert_array_equal(model.params_, before)


@each_of_ours
@pytest.mark.parametrize("name", ["coefs_", "intercepts_"])
def test_an_item_of_a_wrong_shape_is_refused(estimator, name):
    model = fitted(estimator)
    before = model.params_.copy()
    with pytest.raises(ValueError, match=r"\(7, 7\)"):
        getattr(model, name)[0] = np.ones((7, 7))
    with pytest.raises(IndexError):
        getattr(model, name)[5] = np.ones((7, 7))
    np.testing.assert_array_equal(model.params_, before)


@each
def test_coefs_read_as_a_list(estimator):
    """Length, iteration, slices, negative indices and concatenation, as code written for scikit-learn has them."""
    model = fitted(estimator, hidden_layer_sizes=(5, 4))
    assert len(model.coefs_) == 3
    assert [W.shape for W in model.coefs_] == [(3, 5), (5, 4), (4, 1)]
    assert model.coefs_[-1].shape == (4, 1)
    assert [W.shape for W in model.coefs_[:2]] == [(3, 5), (5, 4)]
    assert isinstance(model.coefs_, list)
    assert sum(array.size for array in model.coefs_ + model.intercepts_) == 49
    assert isinstance(copy.deepcopy(model.coefs_), list)


@each
def test_weights_copied_from_another_model(estimator):
    one, other = fitted(estimator), fitted(estimator, random_state=1)
    other.coefs_ = copy.deepcopy(one.coefs_)
    other.intercepts_ = copy.deepcopy(one.intercepts_)
    np.testing.assert_array_equal(other.predict(X_SET), one.predict(X_SET))
    one.coefs_[0][:] = 100
    assert not np.array_equal(other.coefs_[0], one.coefs_[0])


@each
def test_the_mean_of_several_models(estimator):
    """Federated averaging, as people write it."""
    models = [fitted(estimator, random_state=seed) for seed in range(3)]
    mean = models[0]
    mean.coefs_ = [np.mean(layer, axis=0) for layer in zip(*(model.coefs_ for model in models), strict=True)]
    mean.intercepts_ = [np.mean(layer, axis=0) for layer in zip(*(model.intercepts_ for model in models), strict=True)]
    assert mean.predict(X_SET).shape == (60,)


@pytest.mark.parametrize("ours, peer", [(ScratchMLPClassifier, MLPClassifier), (ScratchMLPRegressor, MLPRegressor)])
def test_weights_of_the_peer_can_be_set(ours, peer):
    mine, theirs = fitted(ours), fitted(peer, random_state=3)
    mine.coefs_, mine.intercepts_ = theirs.coefs_, theirs.intercepts_
    np.testing.assert_allclose(mine.predict(X_SET), theirs.predict(X_SET))


def test_weights_before_fit_are_an_attribute_error():
    model = ScratchMLPClassifier((4,))
    assert not hasattr(model, "coefs_")
    with pytest.raises(AttributeError):
        model.coefs_ = [np.ones((3, 4)), np.ones((4, 1))]


# The loss curve


@each
def test_the_loss_curve_can_be_read_and_extended_as_a_list(estimator):
    model = fitted(estimator)
    curve = model.loss_curve_
    assert list(curve) == [curve[0], curve[1]]
    assert len(curve + [0.5]) == 3  # noqa: RUF005  # as people write it
    model.loss_curve_ = [*curve, 0.5]
    assert model.loss_curve_[-1] == 0.5
    assert len(model.loss_curve_) == 3


# What fit leaves behind.


def test_weights_and_biases_are_views_of_the_flat_vector():
    clf = ScratchMLPClassifier((4, 3), max_iter=2, random_state=0).fit(X, Y)
    assert [W.shape for W in clf.coefs_] == [(6, 4), (4, 3), (3, 1)]
    assert [b.shape for b in clf.intercepts_] == [(4,), (3,), (1,)]
    np.testing.assert_array_equal(
        clf.params_, np.concatenate([array.ravel() for array in [*clf.coefs_, *clf.intercepts_]])
    )
    clf.coefs_[-1][...] = 0
    clf.intercepts_[-1][...] = 3
    np.testing.assert_allclose(clf.decision_function(X), 3)

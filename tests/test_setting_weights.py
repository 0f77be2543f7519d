"""Weights can be set as in scikit-learn's perceptrons, and training goes on from what is visible."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

# A few epochs show whether the weights are those that were set.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).standard_normal((60, 3))
LABELS = (X[:, 0] > 0).astype(int)
TARGET = X[:, 0] + X[:, 1]
OURS = (ScratchMLPClassifier, ScratchMLPRegressor)
ALL = (*OURS, MLPClassifier, MLPRegressor)  # what is asked of ours holds for scikit-learn's
each_of_ours = pytest.mark.parametrize("estimator", OURS)
each = pytest.mark.parametrize("estimator", ALL)
SOLVERS = {
    "adam": {"solver": "adam", "learning_rate_init": 1e-12},
    "sgd": {"solver": "sgd", "learning_rate_init": 1e-12},
    "gd": {"solver": "gd", "learning_rate_init": 1e-12},
    "object": {"solver": GradientDescent("adam", 1e-12, max_iter=2)},
}
CHANGES = {
    "early stopping": {"early_stopping": True},
    "batch normalization": {"normalization": "batch"},
    "layer normalization": {"normalization": "layer"},
    "dropout": {"dropout": 0.2},
    "plain": {},
}


def fitted(estimator, **params):
    y = LABELS if "Classifier" in estimator.__name__ else TARGET
    settings = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0} | params
    if not isinstance(settings.get("solver", ""), str):
        del settings["max_iter"]
    return estimator(**settings).fit(X, y)


def again(model):
    return model.fit(X, LABELS if hasattr(model, "classes_") else TARGET)


# Reading and writing


@each
def test_all_weights_can_be_set(estimator):
    model = fitted(estimator)
    coefs = [np.full(W.shape, 0.5) for W in model.coefs_]
    intercepts = [np.full(b.shape, 0.25) for b in model.intercepts_]
    model.coefs_, model.intercepts_ = coefs, intercepts
    for found, given in zip([*model.coefs_, *model.intercepts_], [*coefs, *intercepts], strict=True):
        np.testing.assert_array_equal(found, given)
    hidden = np.maximum(X @ coefs[0] + intercepts[0], 0)
    raw = (hidden @ coefs[1] + intercepts[1]).ravel()
    if hasattr(model, "classes_"):
        np.testing.assert_allclose(model.predict_proba(X)[:, 1], 1 / (1 + np.exp(-raw)))
    else:
        np.testing.assert_allclose(model.predict(X), raw)


@each
def test_an_item_can_be_set(estimator):
    model = fitted(estimator)
    W, b = np.arange(12.0).reshape(3, 4), np.arange(4.0)
    before = model.predict(X).copy()
    model.coefs_[0] = W
    model.intercepts_[0] = b
    model.coefs_[-1] = np.ones((4, 1))
    np.testing.assert_array_equal(model.coefs_[0], W)
    np.testing.assert_array_equal(model.intercepts_[0], b)
    np.testing.assert_array_equal(model.coefs_[1], 1)
    assert not np.array_equal(model.predict(X), before)


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
    y = LABELS if estimator is ScratchMLPClassifier else TARGET
    model = estimator(hidden_layer_sizes=(4,), max_iter=2).fit(X.astype(np.float32), y)
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
    np.testing.assert_array_equal(other.predict(X), one.predict(X))
    one.coefs_[0][:] = 100
    assert not np.array_equal(other.coefs_[0], one.coefs_[0])


@each
def test_the_mean_of_several_models(estimator):
    """Federated averaging, as people write it."""
    models = [fitted(estimator, random_state=seed) for seed in range(3)]
    mean = models[0]
    mean.coefs_ = [np.mean(layer, axis=0) for layer in zip(*(model.coefs_ for model in models), strict=True)]
    mean.intercepts_ = [np.mean(layer, axis=0) for layer in zip(*(model.intercepts_ for model in models), strict=True)]
    assert mean.predict(X).shape == (60,)


@pytest.mark.parametrize("ours, peer", [(ScratchMLPClassifier, MLPClassifier), (ScratchMLPRegressor, MLPRegressor)])
def test_weights_of_the_peer_can_be_set(ours, peer):
    mine, theirs = fitted(ours), fitted(peer, random_state=3)
    mine.coefs_, mine.intercepts_ = theirs.coefs_, theirs.intercepts_
    np.testing.assert_allclose(mine.predict(X), theirs.predict(X))


def test_weights_before_fit_are_an_attribute_error():
    model = ScratchMLPClassifier((4,))
    assert not hasattr(model, "coefs_")
    with pytest.raises(AttributeError):
        model.coefs_ = [np.ones((3, 4)), np.ones((4, 1))]


# Going on from what is visible


EDITS = {
    "entries": lambda model: model.coefs_[0].__setitem__(slice(None), 7.0),
    "items": lambda model: model.coefs_.__setitem__(0, np.full((3, 4), 7.0)),
    "all": lambda model: setattr(model, "coefs_", [np.full((3, 4), 7.0), *model.coefs_[1:]]),
    "flat vector": lambda model: setattr(model, "params_", np.r_[np.full(12, 7.0), model.params_[12:]]),
    "flat entries": lambda model: model.params_.__setitem__(slice(12), 7.0),
}


@pytest.mark.parametrize(
    "estimator, solver, change",
    [
        *[(ScratchMLPClassifier, "adam", change) for change in CHANGES],
        *[(ScratchMLPRegressor, solver, "early stopping") for solver in SOLVERS],
        (ScratchMLPRegressor, "sgd", "plain"),
    ],
)
@pytest.mark.parametrize("edit", EDITS)
def test_a_warm_start_goes_on_from_the_weights_that_are_visible(estimator, edit, change, solver):
    model = fitted(estimator, warm_start=True, **SOLVERS[solver], **CHANGES[change])
    EDITS[edit](model)
    again(model)
    np.testing.assert_allclose(model.coefs_[0], 7, atol=1e-6)


@each_of_ours
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("normalization", [None, "batch"])
def test_partial_fit_goes_on_from_the_weights_that_are_visible(estimator, edit, normalization):
    model = estimator(hidden_layer_sizes=(4,), learning_rate_init=1e-12, normalization=normalization, random_state=0)
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    y = LABELS if classes else TARGET
    model.partial_fit(X, y, **classes)
    EDITS[edit](model)
    model.partial_fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], 7, atol=1e-6)


@each_of_ours
@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B"])
def test_a_scipy_method_starts_from_the_weights_that_are_visible(estimator, method):
    model = fitted(estimator, warm_start=True, solver=ScipyMinimize(method, max_iter=1), early_stopping=True)
    model.params_ = np.zeros_like(model.params_)
    seen = []

    class Spy(ScipyMinimize):
        def minimize(self, objective, params, **kwargs):
            seen.append(params.copy())
            return super().minimize(objective, params, **kwargs)

    again(model.set_params(solver=Spy(method, max_iter=1)))
    assert not seen[0].any()


@each_of_ours
@pytest.mark.parametrize("way", ["pickle", "joblib", "deepcopy"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_copy_goes_on_from_the_weights_that_were_set(estimator, way, early_stopping, tmp_path):
    model = fitted(estimator, warm_start=True, learning_rate_init=1e-12, early_stopping=early_stopping)
    model.coefs_[0][:] = 7.0
    if way == "joblib":
        joblib.dump(model, tmp_path / "model")
    model = {
        "pickle": lambda: pickle.loads(pickle.dumps(model)),
        "joblib": lambda: joblib.load(tmp_path / "model"),
        "deepcopy": lambda: copy.deepcopy(model),
    }[way]()
    np.testing.assert_array_equal(model.coefs_[0], 7)
    np.testing.assert_allclose(again(model).coefs_[0], 7, atol=1e-6)
    model.coefs_[0][:] = 3.0  # and the copy can be set again
    np.testing.assert_allclose(again(model).coefs_[0], 3, atol=1e-6)


@each_of_ours
def test_an_untouched_warm_start_with_early_stopping_goes_on_from_the_last_weights(estimator):
    """Not from the best ones, so that 5 + 5 epochs are 10."""
    settings = {"early_stopping": True, "learning_rate_init": 0.05, "n_iter_no_change": 50}
    halves = again(fitted(estimator, warm_start=True, max_iter=5, **settings))
    whole = fitted(estimator, warm_start=True, max_iter=10, **settings)
    np.testing.assert_array_equal(halves.loss_curve_, whole.loss_curve_)


class Pruned(ScratchMLPRegressor):
    """A subclass that sets small weights to zero after each fit."""

    def fit(self, X, y, **kwargs):
        super().fit(X, y, **kwargs)
        for W in self.coefs_:
            W[np.abs(W) < 0.3] = 0
        self.coefs_ = [np.round(W, 1) for W in self.coefs_]
        return self


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_subclass_that_prunes_in_fit(early_stopping):
    settings = {"early_stopping": early_stopping, "learning_rate_init": 1e-12, "warm_start": True, "max_iter": 2}
    model = Pruned(hidden_layer_sizes=(4,), random_state=0, **settings).fit(X, TARGET)
    first = [W.copy() for W in model.coefs_]
    assert any((W == 0).any() for W in first)
    model.fit(X, TARGET)
    for W, expected in zip(model.coefs_, first, strict=True):
        np.testing.assert_array_equal(W, expected)


@each_of_ours
def test_a_weight_set_in_one_model_is_in_no_other(estimator):
    model = fitted(estimator, warm_start=True)
    other = copy.copy(model)
    unfitted = clone(model)
    expected = model.coefs_[0].copy()
    again(other)
    np.testing.assert_array_equal(model.coefs_[0], expected)
    assert not hasattr(unfitted, "coefs_")


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

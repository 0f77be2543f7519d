"""What a fit leaves on the estimator: the same attributes and history with every solver, hidden activations."""

import math

import numpy as np
import pytest
from problems import (
    CURVED,
    CURVED_LABELS,
    PEER_IS_KNOWN,
    SCIPY,
    SHORT,
    X_CURVED,
    X_NOISY,
    Y_NOISY,
    N,
    X,
    Y,
    each_estimator,
    each_solver,
    softsign,
    trained,
)
from scipy import sparse
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neural_network import MLPClassifier

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.history import COLUMNS
from skmlp_scratch.objective import Objective
from skmlp_scratch.solvers import SOLVERS, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


# Every solver has the same attributes and manners.


# Those of scikit-learn's perceptrons, then those that are ours.
ATTRIBUTES = {
    *("best_loss_", "best_validation_score_", "classes_", "coefs_", "intercepts_", "loss_", "loss_curve_"),
    *("n_features_in_", "n_iter_", "n_layers_", "n_outputs_", "out_activation_", "t_", "validation_scores_"),
    *("history_", "network_", "params_", "temperature_"),
}


@each_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_every_solver_has_the_same_attributes(solver, early_stopping):
    clf = ScratchMLPClassifier(5, solver=solver, max_iter=4, early_stopping=early_stopping, random_state=0).fit(
        X_NOISY, Y_NOISY
    )
    assert {name for name in dir(clf) if name.endswith("_") and not name.startswith("_")} == ATTRIBUTES
    assert len(clf.loss_curve_) == clf.n_iter_ > 0
    assert all(math.isfinite(loss) for loss in clf.loss_curve_)
    assert clf.t_ == clf.n_iter_ * (108 if early_stopping else 120)
    assert (clf.validation_scores_ is not None) == early_stopping
    assert (clf.best_loss_ is None) == early_stopping
    if PEER_IS_KNOWN:
        assert not hasattr(MLPClassifier(solver="lbfgs", max_iter=4).fit(X_NOISY, Y_NOISY), "loss_curve_")


# Activations


def test_an_activation_for_each_hidden_layer():
    mixed = ["tanh", softsign, "gelu"]
    model = ScratchMLPRegressor(hidden_layer_sizes=(5, 4, 3), activation=mixed, max_iter=3, random_state=0)
    model.fit(X_CURVED, CURVED)
    by_hand = X_CURVED
    for W, b, name in zip(model.coefs_, model.intercepts_, mixed, strict=False):
        by_hand = ACTIVATIONS.get(name, name)(by_hand @ W + b)[0]
    np.testing.assert_allclose(model.predict(X_CURVED), (by_hand @ model.coefs_[-1] + model.intercepts_[-1]).ravel())
    assert clone(model).get_params()["activation"] == mixed


# History


@pytest.mark.parametrize("estimator, y", [(ScratchMLPClassifier, CURVED_LABELS), (ScratchMLPRegressor, CURVED)])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_solver_writes_the_same_history(estimator, y, solver):
    model = estimator(hidden_layer_sizes=(5,), solver=solver, max_iter=7, tol=0.0, batch_size=30, random_state=0)
    model.fit(X_CURVED, y, X_val=X_CURVED[:20], y_val=y[:20])
    history = model.history_
    assert tuple(history) == COLUMNS
    assert COLUMNS == ("epoch", "loss", "val_loss", "val_score", "learning_rate", "grad_norm", "seconds")
    assert model.n_iter_ == 7
    assert {len(column) for column in history.values()} == {7}
    assert all(type(value) in (int, float) for column in history.values() for value in column)
    assert history["epoch"] == [1, 2, 3, 4, 5, 6, 7]
    assert model.loss_curve_ == history["loss"]
    assert model.best_loss_ == min(history["loss"])
    assert model.loss_ == history["loss"][-1]
    assert model.validation_scores_ == history["val_score"]
    assert history["val_score"][-1] == pytest.approx(model.score(X_CURVED[:20], y[:20]), abs=1e-12)
    assert np.isfinite(history["grad_norm"]).all()
    assert min(history["grad_norm"]) > 0
    assert np.diff(history["seconds"]).min() > 0
    if solver in SCIPY:
        assert np.isnan(history["learning_rate"]).all()
    else:
        assert history["learning_rate"] == [0.001] * 7


@pytest.mark.parametrize("solver", SOLVERS)
def test_without_a_validation_set_its_columns_are_nan(solver):
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), solver=solver, max_iter=3).fit(X_CURVED, CURVED)
    assert np.isnan(model.history_["val_loss"] + model.history_["val_score"]).all()
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None


@pytest.mark.parametrize("solver", SCIPY)
def test_the_iterations_of_scipy_are_the_epochs(solver):
    """Loss and gradient norm are those after each iteration: the last are those of the weights that come back."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), activation="tanh", solver=solver, max_iter=6, random_state=0)
    model.fit(X_CURVED, CURVED)
    objective = Objective(model.network_, "squared_error", X_CURVED, CURVED, alpha=model.alpha)
    loss, grad = objective.loss_and_grad(model.params_)
    assert model.history_["loss"][-1] == pytest.approx(loss, rel=1e-12)
    assert model.history_["grad_norm"][-1] == pytest.approx(np.linalg.norm(grad), rel=1e-9)
    assert (np.diff(model.history_["loss"]) <= 0).all()


class Silent:
    """A solver of a user's own that never calls back."""

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        x = params - 0.1 * objective.loss_and_grad(params)[1]
        return OptimizeResult(x=x, fun=objective.loss_and_grad(x)[0], nit=4, success=True)


def test_a_solver_that_never_calls_back_has_a_history_too():
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), solver=Silent(), random_state=0).fit(X_CURVED, CURVED)
    assert model.n_iter_ == 4
    assert {len(column) for column in model.history_.values()} == {4}
    assert model.loss_ == model.history_["loss"][-1]
    assert np.isnan(model.history_["loss"][:3]).all()


def test_the_best_loss_of_a_solver_that_never_calls_back():
    model = ScratchMLPRegressor(hidden_layer_sizes=(5,), solver=Silent(), random_state=0).fit(X_CURVED, CURVED)
    assert model.best_loss_ == model.loss_


def test_nelder_mead_has_a_history_too():
    model = ScratchMLPRegressor(hidden_layer_sizes=(), solver=ScipyMinimize("Nelder-Mead", max_iter=9)).fit(
        X_CURVED, CURVED
    )
    assert 1 < model.n_iter_ <= 9
    assert {len(column) for column in model.history_.values()} == {model.n_iter_}
    assert model.history_["loss"][-1] < model.history_["loss"][0]


# Hidden activations


@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_hidden_activations_lead_to_the_prediction(normalization, dropout):
    model = ScratchMLPRegressor(hidden_layer_sizes=(6, 4), normalization=normalization, dropout=dropout, max_iter=5)
    model.set_params(activation=["relu", "tanh"], input_dropout=dropout, random_state=0).fit(X_CURVED, CURVED)
    first, last = model.hidden_activations(X_CURVED, 0), model.hidden_activations(X_CURVED)
    assert first.shape == (120, 6)
    assert last.shape == (120, 4)
    np.testing.assert_allclose(
        (last @ model.coefs_[-1] + model.intercepts_[-1]).ravel(), model.predict(X_CURVED), rtol=1e-12
    )
    assert (first >= 0).all()
    assert (np.abs(last) <= 1).all()
    np.testing.assert_array_equal(model.hidden_activations(X_CURVED, -2), first)
    np.testing.assert_array_equal(model.hidden_activations(X_CURVED, 1), last)
    if normalization is None:
        by_hand = np.maximum(X_CURVED @ model.coefs_[0] + model.intercepts_[0], 0)
        np.testing.assert_allclose(first, by_hand, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("layer", [2, -3, 0.5, "last", None])
def test_a_hidden_layer_that_is_not_there(layer):
    model = ScratchMLPRegressor(hidden_layer_sizes=(6, 4), max_iter=2).fit(X_CURVED, CURVED)
    with pytest.raises(ValueError, match=r"layer=.*must be a whole number below 2, the number of hidden layers"):
        model.hidden_activations(X_CURVED, layer)


def test_no_hidden_layer_has_no_activations():
    model = ScratchMLPRegressor(hidden_layer_sizes=(), max_iter=2).fit(X_CURVED, CURVED)
    with pytest.raises(ValueError, match="number of hidden layers"):
        model.hidden_activations(X_CURVED)


def test_hidden_activations_checks_its_inputs():
    model = ScratchMLPRegressor(hidden_layer_sizes=(3,), max_iter=2)
    with pytest.raises(ValueError, match="not fitted"):  # NotFittedError is one
        model.hidden_activations(X_CURVED)
    with pytest.raises(ValueError, match="2 features"):
        model.fit(X_CURVED, CURVED).hidden_activations(X_CURVED[:, :2])


# What fit leaves behind.


@each_estimator
@each_solver
@pytest.mark.parametrize("validate", [None, "early stopping", "given"])
def test_history_has_a_row_an_epoch_for_every_solver(estimator_class, solver, validate):
    given = {"X_val": X[:40], "y_val": Y[:40]} if validate == "given" else {}
    params = {"solver": solver, "early_stopping": validate == "early stopping", **SHORT}
    model = estimator_class(**params).fit(X, Y, **given)
    history = model.history_
    assert tuple(history) == COLUMNS
    assert {len(column) for column in history.values()} == {model.n_iter_}
    assert 1 <= model.n_iter_ <= 4
    assert history["epoch"] == list(range(1, model.n_iter_ + 1))
    assert model.loss_curve_ == history["loss"]
    assert np.isfinite(history["loss"]).all()
    assert (np.array(history["grad_norm"]) > 0).all()
    assert (np.diff([0, *history["seconds"]]) > 0).all()
    rates = [math.nan if solver in SCIPY else 0.001] * model.n_iter_
    np.testing.assert_array_equal(history["learning_rate"], rates)
    for column in ("val_loss", "val_score"):
        assert np.isfinite(history[column]).all() == (validate is not None)
        assert np.isnan(history[column]).all() == (validate is None)
    assert model.validation_scores_ == (history["val_score"] if validate else None)


@each_estimator
@each_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_summary_attributes(estimator_class, solver, early_stopping):
    model = estimator_class(solver=solver, early_stopping=early_stopping, **SHORT).fit(X, Y)
    assert model.loss_ == pytest.approx(model.loss_curve_[-1])
    assert model.t_ == model.n_iter_ * (N * 9 // 10 if early_stopping else N)
    assert (model.n_layers_, model.n_outputs_, model.n_features_in_) == (3, 1, 6)
    assert model.out_activation_ == ("logistic" if estimator_class is ScratchMLPClassifier else "identity")
    if early_stopping:
        assert model.best_loss_ is None
        assert model.best_validation_score_ == max(model.validation_scores_)
    else:
        assert model.best_loss_ == min(model.loss_curve_)
        assert model.validation_scores_ is model.best_validation_score_ is None


@each_estimator
def test_nothing_fitted_is_there_before_fit(estimator_class):
    model = estimator_class()
    assert not [name for name in vars(model) if name.endswith("_") or name.startswith("_")]
    for name in ("coefs_", "intercepts_", "loss_curve_", "n_iter_"):
        assert not hasattr(model, name)
    methods = [model.predict, model.hidden_activations]
    if estimator_class is ScratchMLPClassifier:
        methods += [model.predict_proba, model.predict_log_proba, model.decision_function]
    for method in methods:
        with pytest.raises(NotFittedError):
            method(X)


# Functions and objects of the user.


@pytest.mark.parametrize("params", [{}, {"normalization": "batch"}, {"dropout": 0.5, "input_dropout": 0.1}], ids=str)
def test_hidden_activations(params):
    clf = ScratchMLPClassifier((6, 4), "tanh", max_iter=3, random_state=0, **params).fit(X, Y)
    first, last = clf.hidden_activations(X, 0), clf.hidden_activations(X)
    assert (first.shape, last.shape) == ((N, 6), (N, 4))
    np.testing.assert_array_equal(clf.hidden_activations(X, 1), last)
    np.testing.assert_array_equal(clf.hidden_activations(X, -2), first)
    np.testing.assert_allclose(
        clf.decision_function(X), (last @ clf.coefs_[-1] + clf.intercepts_[-1]).ravel(), rtol=1e-9
    )
    if "normalization" not in params:
        np.testing.assert_allclose(first, np.tanh(X @ clf.coefs_[0] + clf.intercepts_[0]), rtol=1e-9)
    np.testing.assert_allclose(clf.hidden_activations(sparse.csr_matrix(X)), last, rtol=1e-9)
    for layer in (2, -3, 0.5, None):
        with pytest.raises(ValueError, match="layer"):
            clf.hidden_activations(X, layer)


# The history


def test_histories_read_as_lists():
    model = trained(5)
    curve = model.loss_curve_
    assert isinstance(curve, list)
    assert curve == model.history_["loss"]
    assert curve[-1] == min(curve)
    assert all(isinstance(column, list) for column in model.history_.values())
    assert model.history_["epoch"] == [1, 2, 3, 4, 5]
    assert all(type(loss) is float for loss in curve)
    assert repr(curve).startswith("[0.")

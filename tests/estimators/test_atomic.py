"""A fitted model shares nothing with its parameters, is seen whole while it is refitted, and survives a failed fit."""

import copy
import pickle
import threading

import joblib
import numpy as np
import pandas as pd
import pytest
from problems import (
    SETTINGS_WITH_OBJECTS,
    SHORT,
    X_FEW,
    X_NOISY,
    Y_FEW,
    Y_NOISY,
    YR2,
    N,
    X,
    Y,
    each_descending_solver,
    each_estimator,
    each_solver,
)
from sklearn.base import clone
from sklearn.utils import check_random_state

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.losses import BinaryCrossEntropy, CategoricalCrossEntropy, Huber, SquaredError
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.schedules import Cosine
from skmlp_scratch.solvers import GradientDescent

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


X_SHARED = np.random.RandomState(0).standard_normal((30, 3))
Y_SHARED = (X_SHARED[:, 0] > 0).astype(int)
SHORT_SHARED = {"hidden_layer_sizes": [4], "max_iter": 3, "random_state": 0}
# What is changed after fit, and could reach a model that shares it.
CHANGED_AFTER_FIT = {
    "link of the loss": (
        lambda: ScratchMLPRegressor(SquaredError(), **SHORT_SHARED),
        lambda model: model.set_params(loss__link="log"),
    ),
    "link of the loss, in place": (
        lambda: ScratchMLPRegressor(SquaredError(), **SHORT_SHARED),
        lambda model: setattr(model.loss, "link", "log"),
    ),
    "link of a classifier's loss": (
        lambda: ScratchMLPClassifier(loss=SquaredError("logistic"), **SHORT_SHARED),
        lambda model: model.set_params(loss__link="identity"),
    ),
    "the loss": (lambda: ScratchMLPRegressor(Huber(), **SHORT_SHARED), lambda model: model.set_params(loss="poisson")),
    "a classifier's loss": (
        lambda: ScratchMLPClassifier(loss=BinaryCrossEntropy(), **SHORT_SHARED),
        lambda model: model.set_params(loss=CategoricalCrossEntropy()),
    ),
    "the activation": (
        lambda: ScratchMLPClassifier(activation=["tanh"], **SHORT_SHARED),
        lambda model: model.activation.__setitem__(0, "relu"),
    ),
    "the sizes": (
        lambda: ScratchMLPClassifier(**SHORT_SHARED | {"hidden_layer_sizes": [4]}),
        lambda model: model.hidden_layer_sizes.append(3),
    ),
    "the dropout": (
        lambda: ScratchMLPClassifier(dropout=[0.1], **SHORT_SHARED),
        lambda model: model.dropout.__setitem__(0, 0.9),
    ),
    "the solver": (
        lambda: ScratchMLPClassifier((4,), solver=GradientDescent(Adam(), Cosine(), max_iter=2), random_state=0),
        lambda model: model.set_params(solver__optimizer__beta_1=0.1, solver__learning_rate__max_iter=3),
    ),
    "the class weights": (
        lambda: ScratchMLPClassifier(class_weight={0: 1.0, 1: 2.0}, **SHORT_SHARED),
        lambda model: model.class_weight.update({0: 50.0}),
    ),
}


@pytest.mark.parametrize("change", CHANGED_AFTER_FIT)
def test_a_parameter_changed_after_fit_changes_no_prediction(change):
    make, alter = CHANGED_AFTER_FIT[change]
    model = make().fit(X_SHARED, Y_SHARED)
    methods = [name for name in ("predict", "predict_proba", "predict_log_proba") if hasattr(model, name)]
    before = [getattr(model, name)(X_SHARED) for name in methods]
    hidden, n_layers = model.hidden_activations(X_SHARED), model.n_layers_
    alter(model)
    for name, expected in zip(methods, before, strict=True):
        np.testing.assert_array_equal(getattr(model, name)(X_SHARED), expected)
    np.testing.assert_array_equal(model.hidden_activations(X_SHARED), hidden)
    assert model.n_layers_ == n_layers
    assert model.network_.n_out == 1


@pytest.mark.parametrize("change", CHANGED_AFTER_FIT)
def test_a_copy_made_before_is_not_changed_either(change):
    make, alter = CHANGED_AFTER_FIT[change]
    model = make().fit(X_SHARED, Y_SHARED)
    unfitted = clone(model)
    expected = repr(unfitted.get_params())
    alter(model)
    assert repr(unfitted.get_params()) == expected


def test_a_fit_changes_none_of_the_objects_it_is_given():
    solver, loss = GradientDescent(Adam(0.8), Cosine(0.1, 7), max_iter=3), SquaredError()
    before = repr(solver.get_params()), repr(loss.get_params()), dict(vars(solver)), dict(vars(loss))
    model = ScratchMLPRegressor(loss, (4,), solver=solver, warm_start=True, random_state=0)
    model.fit(X_SHARED, Y_SHARED).fit(X_SHARED, Y_SHARED).partial_fit(X_SHARED, Y_SHARED)
    assert (repr(solver.get_params()), repr(loss.get_params()), dict(vars(solver)), dict(vars(loss))) == before


class Watched:
    """A solver of a third party that tells whoever writes to it."""

    incremental = True

    def __init__(self):
        object.__setattr__(self, "inner", GradientDescent("adam", max_iter=1))

    def __setattr__(self, name, value):
        raise AssertionError(f"{name} was set on a solver of a third party")

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        return self.inner.minimize(objective, params, callback=callback, rng=rng, state=state)


def test_a_solver_of_a_third_party_is_never_written_to():
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), solver=Watched(), random_state=0)
    model.fit(X_SHARED, Y_SHARED).partial_fit(X_SHARED, Y_SHARED).partial_fit(X_SHARED, Y_SHARED)
    assert len(model.loss_curve_) == 3


def test_models_that_share_objects_can_be_fitted_at_once():
    shared = {"loss": SquaredError(), "solver": GradientDescent(Adam(), Cosine(0.01), 5, max_iter=20)}
    models = [ScratchMLPRegressor(hidden_layer_sizes=(4,), random_state=seed, **shared) for seed in range(6)]
    threads = [threading.Thread(target=model.fit, args=(X_SHARED, X_SHARED[:, 0])) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in models:
        np.testing.assert_array_equal(model.params_, clone(model).fit(X_SHARED, X_SHARED[:, 0]).params_)


# What others see during a refit. A schedule runs within fit, as another thread would.


class Peek:
    """A schedule that looks at the model in every epoch."""

    def __init__(self):
        self.model, self.seen = None, []

    def __call__(self, epoch, losses):
        if self.model is not None:
            self.seen.append(self.look())
        return 0.01

    def look(self):
        model = self.model
        found = {
            "predict": model.predict(X_SHARED),
            "params_": model.params_.copy(),
            "n_features_in_": model.n_features_in_,
            "n_outputs_": model.n_outputs_,
            "loss_": model.loss_,
            "n_iter_": model.n_iter_,
            "losses": list(model.loss_curve_),
            "weights": [W.copy() for W in model.coefs_],
        }
        if hasattr(model, "classes_"):
            found |= {"classes_": model.classes_.copy(), "predict_proba": model.predict_proba(X_SHARED)}
        return found


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_equal(found[name], expected[name], err_msg=name)


REFITS = {
    "other labels": (ScratchMLPClassifier, X_SHARED, np.array(["no", "yes"])[Y_SHARED], {}),
    "more classes": (ScratchMLPClassifier, X_SHARED, np.arange(30) % 4, {}),
    "more columns": (ScratchMLPClassifier, np.hstack([X_SHARED, X_SHARED]), Y_SHARED, {}),
    "labels instead of classes": (ScratchMLPClassifier, X_SHARED, np.eye(3, dtype=int)[np.arange(30) % 3], {}),
    "another loss": (ScratchMLPRegressor, X_SHARED, np.exp(X_SHARED[:, 0]), {"loss": "poisson"}),
    "more targets": (ScratchMLPRegressor, X_SHARED, X_SHARED[:, :2], {}),
    "another network": (ScratchMLPRegressor, X_SHARED, X_SHARED[:, 0], {"hidden_layer_sizes": (3, 2)}),
    "the same": (ScratchMLPRegressor, X_SHARED, X_SHARED[:, 0], {}),
}


@pytest.mark.parametrize("refit", REFITS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_model_is_the_old_one_until_its_refit_ends(refit, early_stopping):
    estimator, data, y, params = REFITS[refit]
    peek = Peek()
    model = estimator(**SHORT_SHARED, learning_rate=peek, early_stopping=early_stopping).fit(X_SHARED, Y_SHARED)
    peek.model = model
    old = peek.look()
    model.set_params(**params).fit(data, y)
    assert len(peek.seen) == 3
    for seen in peek.seen:
        assert_same(seen, old)
    assert refit == "other labels" or not np.array_equal(model.params_, old["params_"])


@pytest.mark.parametrize("refit", REFITS)
def test_a_model_is_the_old_one_if_its_refit_fails(refit):
    estimator, data, y, params = REFITS[refit]
    peek = Peek()
    model = estimator(**SHORT_SHARED, learning_rate=peek).fit(X_SHARED, Y_SHARED)
    peek.model = model
    old = peek.look()

    class Failing(Peek):
        def __call__(self, epoch, losses):
            self.seen.append(self.look())
            return np.nan  # no learning rate

    failing = Failing()
    failing.model = model
    with pytest.raises(ValueError, match="learning_rate"):
        model.set_params(learning_rate=failing, **params).fit(data, y)
    assert_same(failing.seen[0], old)
    assert_same(peek.look(), old)


@pytest.mark.parametrize("method", ["partial_fit", "warm start"])
def test_a_model_is_the_old_one_until_its_next_chunk_is_learned(method):
    peek = Peek()
    model = ScratchMLPClassifier(**SHORT_SHARED, learning_rate=peek, warm_start=True).partial_fit(
        X_SHARED, Y_SHARED, classes=[0, 1]
    )
    peek.model = model
    old = peek.look()
    model.partial_fit(X_SHARED, Y_SHARED) if method == "partial_fit" else model.fit(X_SHARED, Y_SHARED)
    for seen in peek.seen:
        assert_same(seen, old)


# Divergence is an error in its epoch, and costs nothing that was there.


# Sums of several such cells overflow; in the last rows only, after some minibatches.
OVERFLOWING = np.sign(X_NOISY) * 1e308
LATE = np.vstack([X_NOISY[:100], OVERFLOWING[100:]])


@each_solver
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_failed_refit_leaves_the_earlier_fit_as_it_was(solver, warm_start):
    params = {"solver": solver, "batch_size": 32, "shuffle": False, "max_iter": 3, "random_state": 0}
    clf = ScratchMLPClassifier(5, warm_start=warm_start, **params).fit(X_NOISY, Y_NOISY)
    before, proba = joblib.hash(vars(clf)), clf.predict_proba(X_NOISY)
    failing = [
        (OVERFLOWING, Y_NOISY, "diverged"),
        (LATE, Y_NOISY, "diverged"),
        (np.where(X_NOISY > 1, np.nan, X_NOISY), Y_NOISY, "NaN"),
        (X_NOISY[:50], Y_NOISY, "inconsistent"),
        (X_NOISY, Y_NOISY / 3, "label"),
        (X_NOISY, np.where(Y_NOISY, None, 0), "None"),
    ]
    if warm_start:
        failing += [(X_NOISY[:, :3], Y_NOISY, "features"), (X_NOISY, Y_NOISY + 5, "classes")]
    else:
        failing += [
            (OVERFLOWING[:, :3], Y_NOISY + 5, "diverged"),
            (pd.DataFrame(LATE).add_prefix("x"), Y_NOISY, "diverged"),
        ]
    for data, labels, message in failing:
        with pytest.raises(ValueError, match=message):
            clf.fit(data, labels)
        assert joblib.hash(vars(clf)) == before
    np.testing.assert_array_equal(clf.predict_proba(X_NOISY), proba)


class OutOfMemory:
    """The identity as an activation, failing when its calls are used up."""

    calls_left = 10**9

    def __call__(self, z):
        self.calls_left -= 1
        if self.calls_left < 0:
            raise MemoryError("Unable to allocate 1. TiB")
        return z, lambda delta: delta


@each_solver
@pytest.mark.parametrize("warm_start", [False, True])
def test_a_refit_out_of_memory_leaves_the_earlier_fit_as_it_was(solver, warm_start):
    def fitted(clf):
        return {name: joblib.hash(value) for name, value in vars(clf).items() if name not in ("activation", "network_")}

    activation = OutOfMemory()
    clf = ScratchMLPClassifier(5, activation, solver=solver, max_iter=4, warm_start=warm_start, random_state=0)
    clf.fit(X_NOISY, Y_NOISY)
    before = fitted(clf)
    activation.calls_left = 3
    with pytest.raises(MemoryError, match="Unable to allocate"):
        clf.fit(X_NOISY, Y_NOISY)
    assert fitted(clf) == before
    activation.calls_left = 10**9
    untroubled = clone(clf).set_params(activation="identity").fit(X_NOISY, Y_NOISY)
    np.testing.assert_array_equal(clf.predict(X_NOISY), untroubled.predict(X_NOISY))
    if warm_start:
        np.testing.assert_allclose(
            clf.fit(X_NOISY, Y_NOISY).params_, untroubled.fit(X_NOISY, Y_NOISY).params_, rtol=1e-12
        )


@each_descending_solver
def test_a_failed_partial_fit_leaves_the_earlier_one_as_it_was(solver):
    params = {"solver": solver, "batch_size": 32, "shuffle": False, "random_state": 0}
    clf = ScratchMLPClassifier(5, **params).partial_fit(X_NOISY, Y_NOISY, classes=[0, 1])
    before = joblib.hash(vars(clf))
    failing = [
        (OVERFLOWING, Y_NOISY, "diverged"),
        (LATE, Y_NOISY, "diverged"),
        (X_NOISY, Y_NOISY + 5, "classes"),
        (X_NOISY[:, :2], Y_NOISY, "features"),
    ]
    for data, labels, message in failing:
        with pytest.raises(ValueError, match=message):
            clf.partial_fit(data, labels)
        assert joblib.hash(vars(clf)) == before
    untroubled = clone(clf).partial_fit(X_NOISY, Y_NOISY, classes=[0, 1]).partial_fit(X_NOISY, Y_NOISY)
    np.testing.assert_array_equal(clf.partial_fit(X_NOISY, Y_NOISY).params_, untroubled.params_)


# The history


@pytest.mark.parametrize("fail", ["rows", "schedule"])
def test_a_failed_call_leaves_the_history_as_it_was(fail):
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), random_state=0)
    for _ in range(3):
        model.partial_fit(X_FEW, Y_FEW)
    before = {name: list(column) for name, column in model.history_.items()}
    params, seen = model.params_.copy(), pickle.dumps(model)
    if fail == "rows":
        with pytest.raises(ValueError, match="features"):
            model.partial_fit(X_FEW[:, :2], Y_FEW)
    else:
        with pytest.raises(ValueError, match="learning_rate"):
            model.set_params(learning_rate=lambda epoch, losses: np.nan).partial_fit(X_FEW, Y_FEW)
        model.set_params(learning_rate="constant")
    assert model.history_ == before
    np.testing.assert_array_equal(model.params_, params)
    assert len(pickle.dumps(model)) == len(seen)
    other = pickle.loads(seen)
    np.testing.assert_array_equal(model.partial_fit(X_FEW, Y_FEW).params_, other.partial_fit(X_FEW, Y_FEW).params_)


def test_the_history_of_an_earlier_copy_stays_as_it_was():
    """What was copied is not appended to behind the reader's back."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), random_state=0).partial_fit(X_FEW, Y_FEW)
    deep, pickled = copy.deepcopy(model), pickle.dumps(model)
    for _ in range(3):
        model.partial_fit(X_FEW, Y_FEW)
    assert len(deep.loss_curve_) == 1
    assert all(len(column) == 1 for column in deep.history_.values())
    assert deep.n_iter_ == 1
    assert len(pickle.loads(pickled).loss_curve_) == 1
    deep.partial_fit(X_FEW, Y_FEW)
    assert len(model.loss_curve_) == 4


# Kinds of input.


EVERY_FEATURE = [
    {},
    {"normalization": "batch"},
    {"normalization": "layer"},
    {"dropout": 0.5, "input_dropout": 0.5},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (), "input_dropout": 0.5},
    {"early_stopping": True},
    {"batch_size": 50, "shuffle": False},
]


@pytest.mark.parametrize("params", EVERY_FEATURE, ids=str)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_arguments_are_left_as_they_are(params, activation):
    data, targets, weights = X.copy(), YR2.copy(), np.linspace(0, 1, N)
    given = data.copy(), targets.copy(), weights.copy()
    params = {"activation": activation, "solver": "adam", **SHORT, **params}
    model = ScratchMLPRegressor(**params).fit(data, targets, weights)
    model.predict(data)
    if params["hidden_layer_sizes"]:
        model.hidden_activations(data, 0)
    for array, before in zip((data, targets, weights), given, strict=True):
        np.testing.assert_array_equal(array, before)


# Parameters.


@pytest.mark.parametrize("case", SETTINGS_WITH_OBJECTS)
def test_fit_never_changes_parameters(case):
    clf = ScratchMLPClassifier(**SHORT | SETTINGS_WITH_OBJECTS[case])
    before, identities = joblib.hash(clf.get_params()), {name: id(v) for name, v in clf.get_params().items()}
    clf.fit(X, Y).fit(X, Y)
    if hasattr(clf, "partial_fit") and not clf.early_stopping:
        clf.partial_fit(X, Y)
    assert joblib.hash(clf.get_params()) == before
    assert {name: id(value) for name, value in clf.get_params().items()} == identities


# Prediction.


@each_estimator
@each_solver
@pytest.mark.parametrize("copied", [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy])
def test_a_copy_predicts_the_same_and_stays_whole(estimator_class, solver, copied):
    model = estimator_class(solver=solver, warm_start=True, **SHORT).fit(X, Y)
    twin = copied(model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert joblib.hash(twin.history_) == joblib.hash(model.history_)
    # Views do not survive a pickle: they must be made from the flat vector.
    twin.params_[...] = 0
    assert all((W == 0).all() for W in twin.coefs_)
    assert np.abs(model.params_).max() > 0
    assert len(model.fit(X, Y).loss_curve_) > 4


# Calls in a row.


def test_global_random_numbers_are_left_alone():
    shared = check_random_state(None)
    before = shared.get_state()[1:3]
    ScratchMLPClassifier(dropout=0.5, early_stopping=True, **SHORT).fit(X, Y)
    assert joblib.hash(shared.get_state()[1:3]) == joblib.hash(before)

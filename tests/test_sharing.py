"""A fitted model shares nothing with its parameters, and is seen whole while it is refitted."""

import threading

import numpy as np
import pytest
from sklearn.base import clone

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.losses import BinaryCrossEntropy, CategoricalCrossEntropy, Huber, SquaredError
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.schedules import Cosine
from skmlp_scratch.solvers import GradientDescent

# A few epochs make a model.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).standard_normal((30, 3))
Y = (X[:, 0] > 0).astype(int)
SHORT = {"hidden_layer_sizes": [4], "max_iter": 3, "random_state": 0}

# What is changed after fit, and could reach a model that shares it.
CHANGES = {
    "link of the loss": (
        lambda: ScratchMLPRegressor(SquaredError(), **SHORT),
        lambda model: model.set_params(loss__link="log"),
    ),
    "link of the loss, in place": (
        lambda: ScratchMLPRegressor(SquaredError(), **SHORT),
        lambda model: setattr(model.loss, "link", "log"),
    ),
    "link of a classifier's loss": (
        lambda: ScratchMLPClassifier(loss=SquaredError("logistic"), **SHORT),
        lambda model: model.set_params(loss__link="identity"),
    ),
    "the loss": (lambda: ScratchMLPRegressor(Huber(), **SHORT), lambda model: model.set_params(loss="poisson")),
    "a classifier's loss": (
        lambda: ScratchMLPClassifier(loss=BinaryCrossEntropy(), **SHORT),
        lambda model: model.set_params(loss=CategoricalCrossEntropy()),
    ),
    "the activation": (
        lambda: ScratchMLPClassifier(activation=["tanh"], **SHORT),
        lambda model: model.activation.__setitem__(0, "relu"),
    ),
    "the sizes": (
        lambda: ScratchMLPClassifier(**SHORT | {"hidden_layer_sizes": [4]}),
        lambda model: model.hidden_layer_sizes.append(3),
    ),
    "the dropout": (
        lambda: ScratchMLPClassifier(dropout=[0.1], **SHORT),
        lambda model: model.dropout.__setitem__(0, 0.9),
    ),
    "the solver": (
        lambda: ScratchMLPClassifier((4,), solver=GradientDescent(Adam(), Cosine(), max_iter=2), random_state=0),
        lambda model: model.set_params(solver__optimizer__beta_1=0.1, solver__learning_rate__max_iter=3),
    ),
    "the class weights": (
        lambda: ScratchMLPClassifier(class_weight={0: 1.0, 1: 2.0}, **SHORT),
        lambda model: model.class_weight.update({0: 50.0}),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_parameter_changed_after_fit_changes_no_prediction(change):
    make, alter = CHANGES[change]
    model = make().fit(X, Y)
    methods = [name for name in ("predict", "predict_proba", "predict_log_proba") if hasattr(model, name)]
    before = [getattr(model, name)(X) for name in methods]
    hidden, n_layers = model.hidden_activations(X), model.n_layers_
    alter(model)
    for name, expected in zip(methods, before, strict=True):
        np.testing.assert_array_equal(getattr(model, name)(X), expected)
    np.testing.assert_array_equal(model.hidden_activations(X), hidden)
    assert model.n_layers_ == n_layers
    assert model.network_.n_out == 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_made_before_is_not_changed_either(change):
    make, alter = CHANGES[change]
    model = make().fit(X, Y)
    unfitted = clone(model)
    expected = repr(unfitted.get_params())
    alter(model)
    assert repr(unfitted.get_params()) == expected


def test_a_fit_changes_none_of_the_objects_it_is_given():
    solver, loss = GradientDescent(Adam(0.8), Cosine(0.1, 7), max_iter=3), SquaredError()
    before = repr(solver.get_params()), repr(loss.get_params()), dict(vars(solver)), dict(vars(loss))
    model = ScratchMLPRegressor(loss, (4,), solver=solver, warm_start=True, random_state=0)
    model.fit(X, Y).fit(X, Y).partial_fit(X, Y)
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
    model.fit(X, Y).partial_fit(X, Y).partial_fit(X, Y)
    assert len(model.loss_curve_) == 3


def test_models_that_share_objects_can_be_fitted_at_once():
    shared = {"loss": SquaredError(), "solver": GradientDescent(Adam(), Cosine(0.01), 5, max_iter=20)}
    models = [ScratchMLPRegressor(hidden_layer_sizes=(4,), random_state=seed, **shared) for seed in range(6)]
    threads = [threading.Thread(target=model.fit, args=(X, X[:, 0])) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model in models:
        np.testing.assert_array_equal(model.params_, clone(model).fit(X, X[:, 0]).params_)


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
            "predict": model.predict(X),
            "params_": model.params_.copy(),
            "n_features_in_": model.n_features_in_,
            "n_outputs_": model.n_outputs_,
            "loss_": model.loss_,
            "n_iter_": model.n_iter_,
            "losses": list(model.loss_curve_),
            "weights": [W.copy() for W in model.coefs_],
        }
        if hasattr(model, "classes_"):
            found |= {"classes_": model.classes_.copy(), "predict_proba": model.predict_proba(X)}
        return found


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_equal(found[name], expected[name], err_msg=name)


REFITS = {
    "other labels": (ScratchMLPClassifier, X, np.array(["no", "yes"])[Y], {}),
    "more classes": (ScratchMLPClassifier, X, np.arange(30) % 4, {}),
    "more columns": (ScratchMLPClassifier, np.hstack([X, X]), Y, {}),
    "labels instead of classes": (ScratchMLPClassifier, X, np.eye(3, dtype=int)[np.arange(30) % 3], {}),
    "another loss": (ScratchMLPRegressor, X, np.exp(X[:, 0]), {"loss": "poisson"}),
    "more targets": (ScratchMLPRegressor, X, X[:, :2], {}),
    "another network": (ScratchMLPRegressor, X, X[:, 0], {"hidden_layer_sizes": (3, 2)}),
    "the same": (ScratchMLPRegressor, X, X[:, 0], {}),
}


@pytest.mark.parametrize("refit", REFITS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_model_is_the_old_one_until_its_refit_ends(refit, early_stopping):
    estimator, data, y, params = REFITS[refit]
    peek = Peek()
    model = estimator(**SHORT, learning_rate=peek, early_stopping=early_stopping).fit(X, Y)
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
    model = estimator(**SHORT, learning_rate=peek).fit(X, Y)
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
    model = ScratchMLPClassifier(**SHORT, learning_rate=peek, warm_start=True).partial_fit(X, Y, classes=[0, 1])
    peek.model = model
    old = peek.look()
    model.partial_fit(X, Y) if method == "partial_fit" else model.fit(X, Y)
    for seen in peek.seen:
        assert_same(seen, old)

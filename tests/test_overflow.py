"""Numbers too large for the dtype stop training with an error that names what is too large, at whatever call."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.optimizers import OPTIMIZERS
from skmlp_scratch.schedules import Exponential, InverseScaling, StepDecay, TimeDecay
from skmlp_scratch.solvers import SOLVERS, GradientDescent

rng = np.random.RandomState(0)
X = rng.standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)
TARGET = X[:, 0]
ESTIMATORS = (ScratchMLPClassifier, ScratchMLPRegressor)
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS)


def finite_or_said(call, *names):
    """A model that predicts finite numbers, or a ValueError that names one of ``names``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model, rows = call()
        except ValueError as error:
            assert any(name in str(error) for name in names), error  # noqa: PT017
            return None
        predicted = model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows)
    assert np.isfinite(predicted).all()
    assert np.isfinite(model.params_).all()
    assert np.isfinite(model.loss_)
    return model


# Inputs that overflow in a layer

HUGE = {
    "one cell, float64": (np.float64, 1e200, "cell"),
    "one cell, float32": (np.float32, 1e20, "cell"),
    "one row, float64": (np.float64, 1e170, "row"),
    "a constant column, float64": (np.float64, 1e155, "column"),
    "a constant column, float32": (np.float32, 1e20, "column"),
    "a column, float64": (np.float64, 1e160, "scaled"),
    "a column, float32": (np.float32, 1e25, "scaled"),
    "the largest number": (np.float64, np.finfo(np.float64).max, "cell"),
}


def huge(case):
    dtype, value, where = HUGE[case]
    rows = X.astype(dtype)
    if where == "cell":
        rows[0, 0] = value
    elif where == "row":
        rows[0] *= value
    elif where == "column":
        rows[:, 1] = value
    else:
        rows[:, 1] *= value
    return rows


@each_estimator
@pytest.mark.parametrize("case", HUGE)
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
@pytest.mark.parametrize("method", ["adam", "gd", "lbfgs", "partial_fit", "early stopping"])
def test_a_fit_on_huge_inputs_never_ends_in_nan(estimator, case, normalization, method):
    rows = huge(case)
    model = estimator(hidden_layer_sizes=(4,), normalization=normalization, max_iter=3, random_state=0)

    def call():
        if method == "partial_fit":
            more = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
            return model.partial_fit(rows, Y, **more).partial_fit(rows, Y), rows
        if method == "early stopping":
            return model.set_params(early_stopping=True).fit(rows, Y), rows
        return model.set_params(solver=method).fit(rows, Y), rows

    finite_or_said(call, "diverged", "finite", "too large")


@pytest.mark.parametrize("value", [1e200, 1e150, 1e100])
def test_statistics_that_overflow_are_found_before_the_model_is_kept(value):
    """The weights are finite; only what is measured for prediction is not."""
    rows = X.copy()
    rows[0, 0] = value
    old = ScratchMLPClassifier((4,), normalization="batch", max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        old.fit(X, Y)
    expected = old.predict_proba(X)
    model = finite_or_said(lambda: (old.fit(rows, Y), rows), "diverged", "finite", "too large")
    if model is None:
        np.testing.assert_array_equal(old.predict_proba(X), expected)


# Weights


@each_estimator
@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs"])
@pytest.mark.parametrize("weight", [1e306, 1e308, 1e200, 1e-200, 1e-306, 1e-310])
def test_equal_weights_of_any_size_are_equal_weights(estimator, solver, weight):
    """Without a penalty they do not matter; a gradient that overflows or underflows to zero is an error."""
    settings = {"hidden_layer_sizes": (3,), "solver": solver, "alpha": 0.0, "max_iter": 5, "random_state": 0}

    def call():
        return estimator(**settings).fit(X, Y, np.full(40, weight)), X

    model = finite_or_said(call, "sample_weight")
    if model is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            reference = estimator(**settings).fit(X, Y)
        np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-6, atol=1e-9)


@each_estimator
@pytest.mark.parametrize("dtype, weight", [(np.float32, 1e39), (np.float32, 1e-46), (np.float32, 1e38)])
def test_weights_beyond_float32_beside_float32_rows(estimator, dtype, weight):
    settings = {"hidden_layer_sizes": (3,), "alpha": 0.0, "max_iter": 5, "random_state": 0}
    rows = X.astype(dtype)
    model = finite_or_said(lambda: (estimator(**settings).fit(rows, Y, np.full(40, weight)), rows), "sample_weight")
    if model is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            reference = estimator(**settings).fit(rows, Y)
        np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("weight", [1e308, 1e306])
def test_class_weights_that_overflow_are_named(weight):
    settings = {"hidden_layer_sizes": (3,), "alpha": 0.0, "max_iter": 5, "random_state": 0}

    def call():
        return ScratchMLPClassifier(class_weight={0: weight, 1: weight}, **settings).fit(X, Y), X

    model = finite_or_said(call, "class_weight", "sample_weight")
    if model is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            reference = ScratchMLPClassifier(**settings).fit(X, Y)
        np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-6, atol=1e-9)


@each_estimator
def test_validation_weights_that_overflow_are_named(estimator):
    model = estimator(hidden_layer_sizes=(3,), max_iter=3, random_state=0)

    def call():
        return model.fit(X, Y, X_val=X, y_val=Y, sample_weight_val=np.full(40, 1e307)), X

    if finite_or_said(call, "sample_weight_val") is not None:
        assert np.isfinite(model.history_["val_loss"]).all()


# Gradients whose squares overflow

SQUARING = [name for name in OPTIMIZERS if name != "sgd"]
LARGEST = {np.float32: 1e21, np.float64: 1e160}


@pytest.mark.parametrize("solver", SQUARING)
@pytest.mark.parametrize("dtype", LARGEST)
def test_a_gradient_whose_square_overflows_does_not_freeze_its_weight(solver, dtype):
    """The loss itself is finite: the absolute error does not square."""
    rows = (X * LARGEST[dtype]).astype(dtype)
    model = ScratchMLPRegressor("absolute_error", (), solver=solver, alpha=0.0, max_iter=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        with pytest.raises(ValueError, match=r"diverged|too large|overflow") as caught:
            model.fit(rows, TARGET)
    assert "epoch 1" in str(caught.value)
    assert "learning rate" in str(caught.value)


@pytest.mark.parametrize("solver", SQUARING)
@pytest.mark.parametrize("dtype", LARGEST)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_gradient_that_is_clipped_first_is_no_such_gradient(solver, dtype):
    rows = (X * LARGEST[dtype]).astype(dtype)
    settings = {"hidden_layer_sizes": (), "solver": solver, "alpha": 0.0, "max_iter": 3, "random_state": 0}
    model = ScratchMLPRegressor("absolute_error", clip_norm=1.0, learning_rate_init=1e-3, **settings).fit(rows, TARGET)
    start = ScratchMLPRegressor("absolute_error", clip_norm=1.0, learning_rate_init=1e-30, **settings).fit(rows, TARGET)
    assert (model.params_[:3] != start.params_[:3]).all()


@pytest.mark.parametrize("name", SQUARING)
@pytest.mark.parametrize("dtype", LARGEST)
def test_an_optimizer_does_not_take_a_huge_gradient_for_none(name, dtype):
    """It moves the parameter, or it says so: by an error, or by state that is not finite."""
    optimizer = OPTIMIZERS[name]()
    params = np.ones(2, dtype=dtype)
    state = optimizer.init(params)
    with np.errstate(all="ignore"):
        try:
            optimizer.update(params, np.array([LARGEST[dtype], 1.0], dtype=dtype), state, 0.1)
        except (ValueError, FloatingPointError):
            return
    finite = np.isfinite(params).all() and all(np.isfinite(slot).all() for slot in state.values())
    assert not finite or abs(params[0] - 1) > 1e-6


# Schedules

STEEP = {
    "power_t": ({"learning_rate": "invscaling", "power_t": 1e3}, "power_t"),
    "power_t of an object": ({"learning_rate": InverseScaling(0.1, 1e3)}, "power_t"),
    "power_t, large": ({"learning_rate": "invscaling", "power_t": 1e300}, "power_t"),
    "decay of time_decay": ({"learning_rate": "time_decay", "decay": 1e308}, "decay"),
    "decay of exponential": ({"learning_rate": "exponential", "decay": 1e200}, "decay"),
    "decay of step": ({"learning_rate": "step", "decay": 1e200, "max_iter": 30}, "decay"),
    "an object's decay": ({"learning_rate": TimeDecay(0.1, 1e308)}, "decay"),
    "an exponential object": ({"learning_rate": Exponential(0.1, 1e200)}, "decay"),
    "a step object": ({"learning_rate": StepDecay(0.1, 1e200, 1)}, "decay"),
    "the rate": ({"learning_rate_init": 1e308}, "learning"),
    "the rate of a schedule": ({"learning_rate": "time_decay", "learning_rate_init": 1e308, "decay": 1.0}, "learning"),
}


@pytest.mark.parametrize("case", STEEP)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_schedule_that_overflows_is_zero_or_named(case, method):
    params, name = STEEP[case]
    params = {"hidden_layer_sizes": (3,), "max_iter": 4, "random_state": 0} | params
    model = ScratchMLPRegressor(**params)

    def call():
        if method == "fit":
            return model.fit(X, TARGET), X
        for _ in range(4):
            model.partial_fit(X, TARGET)
        return model, X

    finite_or_said(call, name, "learning rate", "learning_rate")
    if hasattr(model, "history_"):
        assert (np.array(model.history_["learning_rate"]) >= 0).all()


@pytest.mark.parametrize("schedule", [InverseScaling(0.1, 1e3), InverseScaling(0.1, 400)], ids=str)
def test_a_power_beyond_the_largest_number_is_a_rate_of_zero(schedule):
    assert schedule(0, []) == 0.1
    assert schedule(10**6, [1.0] * 3) == 0.0


# Divergence over several calls

EXPLODING = {"hidden_layer_sizes": (8,), "activation": "identity", "solver": "sgd", "momentum": 0.0, "random_state": 0}


def explode(call, n_calls=12):
    """What was said, and the losses of the calls that returned."""
    losses, said = [], []
    for _ in range(n_calls):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                losses.append(call())
            except ValueError as error:
                said.append(str(error))
                break
        said += [str(each.message) for each in caught if issubclass(each.category, ConvergenceWarning)]
    return losses, [text for text in said if "diverged" in text or "rose" in text]


STREAMS = {
    "partial_fit": (EXPLODING, "partial_fit", False),
    "partial_fit, through pickles": (EXPLODING, "partial_fit", True),
    "partial_fit, full batch": (EXPLODING | {"solver": "gd"}, "partial_fit", False),
    "warm start": (EXPLODING | {"warm_start": True, "max_iter": 1}, "fit", False),
    "warm start, through pickles": (EXPLODING | {"warm_start": True, "max_iter": 1}, "fit", True),
}


@pytest.mark.parametrize("stream", STREAMS)
def test_divergence_over_many_calls_is_an_error_as_it_is_in_one(stream):
    params, method, through_pickle = STREAMS[stream]
    model = [ScratchMLPRegressor("squared_error", learning_rate_init=1.0, **params)]
    with pytest.raises(ValueError, match="diverged"):
        ScratchMLPRegressor("squared_error", learning_rate_init=1.0, **EXPLODING, max_iter=12).fit(X, TARGET)

    def call():
        getattr(model[0], method)(X, TARGET)
        if through_pickle:
            model[0] = pickle.loads(pickle.dumps(model[0]))
        return model[0].loss_

    losses, said = explode(call)
    assert "diverged" in said[-1]
    assert "epoch" in said[-1]
    assert "learning rate" in said[-1]
    assert max(losses) < 1e9 * losses[0]  # it stops where one fit would
    silent = [loss for loss in losses if loss > 1e3 * losses[0]]
    assert len(said) > len(silent)  # above a thousand times the first, each call says so


def test_a_stream_of_a_classifier_diverges_as_loudly():
    model = ScratchMLPClassifier(learning_rate_init=1e4, **EXPLODING | {"momentum": 0.9})

    def call():
        return model.partial_fit(10 * X, np.random.RandomState(1).permutation(Y), classes=[0, 1]).loss_

    losses, said = explode(call, 40)
    assert said
    assert max(losses) < 1e9 * losses[0]


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_a_harder_chunk_is_no_divergence(method):
    """Targets in other units cost more from the first step on, whatever the limit was before."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), warm_start=True, max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        getattr(model, method)(X, TARGET)
        getattr(model, method)(X, 1e5 * TARGET)
        getattr(model, method)(X, TARGET)
    assert np.isfinite(model.loss_)


@pytest.mark.parametrize("method", ["partial_fit", "fit"])
def test_an_easier_chunk_is_no_divergence(method):
    """Targets of zero cost nothing to begin with, and the limit is that of the calls before."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), warm_start=True, max_iter=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        getattr(model, method)(X, TARGET)
        getattr(model, method)(X, 0 * TARGET)
    assert model.loss_ > 0


@pytest.mark.parametrize("solver", [solver for solver in SOLVERS if solver not in ("bfgs", "lbfgs", "cg")])
def test_a_good_stream_is_silent(solver):
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), solver=solver, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(20):
            model.partial_fit(X, TARGET)


def test_a_final_loss_far_above_the_first_is_never_silent():
    """In whatever call the first was."""
    model = ScratchMLPRegressor(
        "squared_error", solver=GradientDescent("sgd", 0.9, max_iter=2), hidden_layer_sizes=(8,)
    )
    model.set_params(activation="identity", warm_start=True, random_state=0)
    losses, said = explode(lambda: model.fit(X, TARGET).loss_, 8)
    assert said or max(losses) <= 1e3 * losses[0]

"""Which parameters a fit takes, and where partial_fit is there."""

import numpy as np
import pytest
from problems import (
    DESCENDING,
    PEER_IS_KNOWN,
    SCIPY,
    X_LINEAR,
    X_NOISY,
    Y_LINEAR,
    Y_NOISY,
    X,
    Y,
    downhill_by_scipy,
    name_of,
)
from sklearn.neural_network import MLPRegressor

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.losses import Huber
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.schedules import Constant
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


# partial_fit is there where it can go on, and only there.


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("solver", [*SCIPY, ScipyMinimize("BFGS"), ScipyMinimize(downhill_by_scipy)], ids=name_of)
def test_partial_fit_is_absent_where_every_fit_is_a_full_one(estimator_class, solver):
    model = estimator_class(solver=solver)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="partial_fit"):
        model.partial_fit(X_LINEAR, Y_LINEAR)
    if PEER_IS_KNOWN:
        assert hasattr(MLPRegressor(solver="lbfgs"), "partial_fit")


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("solver", [*DESCENDING, GradientDescent("adam")], ids=str)
def test_partial_fit_is_one_epoch_where_it_can_go_on(estimator_class, solver):
    model = estimator_class(hidden_layer_sizes=5, solver=solver, random_state=0)
    classes = {"classes": [0, 1]} if estimator_class is ScratchMLPClassifier else {}
    for epoch in (1, 2, 3):
        assert model.partial_fit(X_NOISY, Y_NOISY, **classes) is model
        assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (1, 120 * epoch, epoch)


def test_partial_fit_appears_and_goes_with_the_solver():
    model = ScratchMLPClassifier(solver="lbfgs")
    assert not hasattr(model, "partial_fit")
    assert hasattr(model.set_params(solver="adam"), "partial_fit")


@pytest.mark.parametrize("solver", [*SCIPY, ScipyMinimize()])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_partial_fit_is_absent_for_scipy_and_says_why(estimator, solver):
    model = estimator(solver=solver)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as caught:
        _ = model.partial_fit
    reasons = f"{caught.value} {caught.value.__cause__}"
    assert "partial_fit needs a gradient-descent solver" in reasons
    assert repr(solver) in reasons


# Solvers of third parties.


def test_a_solver_without_minimize_is_refused():
    for solver in (Adam(), "newton", None):
        with pytest.raises(ValueError, match="solver"):
            ScratchMLPClassifier(solver=solver).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "given"), [("solver", GradientDescent), ("learning_rate", Constant), ("init", dict), ("loss", Huber)]
)
def test_a_class_in_place_of_an_object_is_refused(name, given):
    with pytest.raises(ValueError, match=rf"^{name} is the class {given.__name__}: give an object"):
        ScratchMLPRegressor(**{name: given}).fit(X, Y)


# What users bring: half a function, a loss for something else, a number of numpy's.


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_number_of_numpys_is_a_number(solver):
    rates = {"learning_rate_init": 0.01, "momentum": 0.8, "beta_1": 0.8, "alpha": 0.1, "clip_norm": 0.3}
    of_numpy = {name: np.float64(value) for name, value in rates.items()}
    ours, numpys = (
        ScratchMLPClassifier(5, solver=solver, max_iter=5, random_state=0, **params).fit(X.astype(np.float32), Y)
        for params in (rates, of_numpy)
    )
    np.testing.assert_array_equal(ours.params_, numpys.params_)

"""scikit-learn's own checks of what an estimator must do, with every solver by name."""

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)
from threadpoolctl import threadpool_limits

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import SOLVERS

# The checks take no interest in convergence, and some let its warning through.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

# scipy's BFGS multiplies n_params x n_params matrices in every iteration: a narrow network keeps that short.
WIDTHS = {"bfgs": (10,)}

DEFAULTS = [ScratchMLPClassifier(), ScratchMLPRegressor()]
WITH_EACH_SOLVER = [
    estimator_class(hidden_layer_sizes=WIDTHS.get(solver, (100,)), solver=solver, max_iter=100)
    for estimator_class in (ScratchMLPClassifier, ScratchMLPRegressor)
    for solver in SOLVERS
]


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread():
    """On data this small a second thread only makes the first one wait."""
    with threadpool_limits(1, user_api="blas"):
        yield


@parametrize_with_checks(DEFAULTS + WITH_EACH_SOLVER)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("check", [check_param_validation, check_dataframe_column_names_consistency])
def test_scikit_learn_checks_of_names(check, estimator):
    check(type(estimator).__name__, estimator)

"""scikit-learn's own checks of what an estimator must do, with every solver by name."""

import pytest
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import SOLVERS

# The checks take no interest in convergence, and some let its warning through.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

DEFAULTS = [ScratchMLPClassifier(), ScratchMLPRegressor()]
WITH_EACH_SOLVER = [
    estimator_class(solver=solver)
    for estimator_class in (ScratchMLPClassifier, ScratchMLPRegressor)
    for solver in SOLVERS
]


@parametrize_with_checks(WITH_EACH_SOLVER)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", DEFAULTS, ids=lambda estimator: type(estimator).__name__)
@pytest.mark.parametrize("check", [check_param_validation, check_dataframe_column_names_consistency])
def test_scikit_learn_checks_of_names(check, estimator):
    check(type(estimator).__name__, estimator)

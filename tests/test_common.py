"""scikit-learn's own checks of what an estimator must do, with every solver by name."""

import pytest
from sklearn.base import is_classifier
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.losses import SquaredError
from skmlp_scratch.solvers import SOLVERS, ScipyMinimize

# The checks take no interest in convergence, and some let its warning through.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]


DEFAULTS = [ScratchMLPClassifier(), ScratchMLPRegressor()]
# scipy's BFGS multiplies n_params x n_params matrices in every iteration: a narrow network keeps that short.
NARROW = {"bfgs": {"hidden_layer_sizes": (5,)}}
WITH_EACH_SOLVER = [
    estimator_class(solver=solver, **NARROW.get(solver, {}))
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


class PositiveTargets(ScratchMLPRegressor):
    """For a log link whose loss takes any target: by this tag the checks give it targets that it can reach."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags


class OwnElu:
    """A function of a user's own, whose name has no address in it."""

    def __call__(self, z):
        return ACTIVATIONS["elu"](z)

    def __repr__(self):
        return "OwnElu()"


class CubicInit:
    def __call__(self, rng, n_in, n_out):
        return rng.uniform(-1, 1, (n_in, n_out)) ** 3, rng.uniform(0, 0.1, n_out)

    def __repr__(self):
        return "CubicInit()"


def variant(estimator, activation="relu", **parameters):
    small = {"hidden_layer_sizes": (10,), "max_iter": 60, "learning_rate_init": 0.03}
    return estimator(activation=activation, **small | parameters)


CLASSIFIERS = [
    variant(ScratchMLPClassifier, "gelu", dropout=0.2, input_dropout=0.1, init="he_normal"),
    variant(ScratchMLPClassifier, "leaky_relu", normalization="batch", init="he_uniform"),
    variant(ScratchMLPClassifier, "elu", normalization="layer", init="glorot_normal"),
    variant(ScratchMLPClassifier, "silu", loss="categorical_cross_entropy", init="glorot_uniform"),
    variant(ScratchMLPClassifier, "mish", loss="squared_error", learning_rate="exponential", decay=0.01),
    variant(ScratchMLPClassifier, "tanh", class_weight="balanced", learning_rate="cosine", solver="rmsprop"),
    variant(ScratchMLPClassifier, "logistic", early_stopping=True, validation_fraction=0.3, scoring="loss"),
]
REGRESSORS = [
    variant(ScratchMLPRegressor, OwnElu(), loss="huber", init=CubicInit(), learning_rate="adaptive"),
    variant(ScratchMLPRegressor, loss="quantile", solver="sgd", learning_rate="invscaling", power_t=0.1),
    variant(ScratchMLPRegressor, loss="poisson", learning_rate="constant"),
    variant(PositiveTargets, loss=SquaredError(link="log")),
    variant(ScratchMLPRegressor, normalization="batch", solver=ScipyMinimize("CG", max_iter=60)),
]
VARIANTS = CLASSIFIERS + REGRESSORS
# The checks whose outcome depends on activation, loss, layers, schedule or solver.
CAN_DIFFER = {
    *("classifiers_train", "regressors_train", "classifiers_classes", "regressors_int", "regressor_multioutput"),
    *("classifiers_one_label", "classifiers_one_label_sample_weights", "class_weight_classifiers"),
    *("classifiers_multilabel_representation_invariance", "classifiers_multilabel_output_format_predict"),
    *("classifiers_multilabel_output_format_predict_proba", "classifiers_multilabel_output_format_decision_function"),
    *("decision_proba_consistency", "positive_only_tag_during_fit", "non_transformer_estimators_n_iter"),
    *("estimator_sparse_array", "estimator_sparse_matrix", "estimators_dtypes", "readonly_memmap_input"),
    *("estimator_cloneable", "estimators_pickle", "estimators_overwrite_params", "dont_overwrite_parameters"),
    *("fit_idempotent", "fit2d_1sample", "fit2d_1feature", "fit_score_takes_y", "n_features_in_after_fitting"),
    *("estimators_partial_fit_n_features", "methods_subset_invariance", "methods_sample_order_invariance"),
    *("sample_weight_equivalence_on_dense_data", "sample_weight_equivalence_on_sparse_data", "dict_unchanged"),
}
WEIGHTS = ("check_sample_weight_equivalence_on_dense_data", "check_sample_weight_equivalence_on_sparse_data")
PARTIAL_FIT = (
    "check_fit_score_takes_y",
    "check_n_features_in_after_fitting",
    "check_estimators_partial_fit_n_features",
)


def expected_failures(estimator):
    """Give the checks that a variant cannot pass, each with its reason; pytest's xfail_strict sees that they fail."""
    reasons = {}
    if estimator.dropout or estimator.input_dropout:
        reasons |= dict.fromkeys(WEIGHTS, "a repeated row is dropped from by two masks, a weighted one by one")
    if estimator.normalization == "batch":
        reasons |= dict.fromkeys(WEIGHTS, "weights are for the loss; each row counts once in a batch's statistics")
    if estimator.early_stopping:
        reasons |= dict.fromkeys(WEIGHTS, "other rows are held out of repeated rows than of weighted ones")
        if estimator.solver != "lbfgs":
            reasons |= dict.fromkeys(PARTIAL_FIT, "partial_fit refuses early_stopping, as in scikit-learn")
    if is_classifier(estimator) and estimator.class_weight == "balanced":
        reasons |= dict.fromkeys(PARTIAL_FIT, "partial_fit refuses class_weight='balanced', as in scikit-learn")
    if estimator.learning_rate == "invscaling":
        reasons |= dict.fromkeys(WEIGHTS, "the rate falls with the samples seen, and repeated rows are more of them")
    return reasons


def check_name(check):
    return getattr(check, "func", check).__name__.removeprefix("check_")


def where_variants_can_differ(mark):
    """The same parametrization without the checks of signatures, names and arguments, which look at no training."""
    checks = [
        each
        for each in mark.args[1]
        if check_name(tuple(each.values if hasattr(each, "values") else each)[1]) in CAN_DIFFER
    ]
    return pytest.mark.parametrize(mark.args[0], checks, **mark.kwargs)


@where_variants_can_differ(parametrize_with_checks(VARIANTS, expected_failed_checks=expected_failures))
def test_scikit_learn_checks_of_variants(estimator, check):
    check(estimator)

"""A validation score that cannot be used is said, one in other units is warned of, and the best one is kept."""

import warnings

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

rng = np.random.RandomState(0)
X = rng.standard_normal((80, 3))
LABELS = (X[:, 0] > 0).astype(int)
TARGET = X[:, 0] + 0.1 * rng.standard_normal(80)
STOPPED = {"hidden_layer_sizes": (4,), "early_stopping": True, "random_state": 0}
SOLVERS = {
    "adam": "adam",
    "gd": "gd",
    "lbfgs": "lbfgs",
    "gradient descent": GradientDescent("adam", 0.001, max_iter=50),
    "scipy": ScipyMinimize("L-BFGS-B", max_iter=50),
}


def messages(call, category=Warning):
    """What is warned of, whatever the filters."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught if issubclass(each.category, category)]


# A score that is not finite


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_a_metric_that_is_undefined_on_the_validation_rows_is_an_error_in_the_first_epoch(solver):
    rare = np.zeros(80, dtype=int)
    rare[:4] = 1
    only_zeros = {"X_val": X[:8], "y_val": rare[-8:]}
    model = ScratchMLPClassifier(solver=SOLVERS[solver], scoring="roc_auc", **STOPPED)
    with pytest.raises(ValueError, match=r"scoring.*'roc_auc'.*nan.*8 validation rows|validation.*scoring"):
        model.fit(X, rare, **only_zeros)
    assert not hasattr(model, "params_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_an_undefined_metric_of_a_split_is_an_error_too():
    rare = np.zeros(80, dtype=int)
    rare[:4] = 1
    held_out = ScratchMLPClassifier(scoring="roc_auc", **STOPPED)
    with pytest.raises(ValueError, match="scoring") as caught:
        held_out.fit(rng.standard_normal((80, 3)), rare)
    assert "validation" in str(caught.value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_the_default_score_of_one_validation_row_is_an_error():
    """R² is undefined there."""
    with pytest.raises(ValueError, match="scoring") as caught:
        ScratchMLPRegressor(**STOPPED).fit(X, TARGET, X_val=X[:1], y_val=TARGET[:1])
    assert "validation" in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_a_custom_score_that_is_not_finite_is_an_error_in_the_first_epoch(estimator, value):
    model = estimator(scoring=lambda model, X, y: value, **STOPPED)
    with pytest.raises(ValueError, match="scoring") as caught:
        model.fit(X, LABELS)
    assert "validation" in str(caught.value)
    assert str(value) in str(caught.value)


def scores(values):
    """A scorer that gives one value after the other, the last one for ever."""
    left = list(values)
    return lambda model, X, y: left.pop(0) if len(left) > 1 else left[0]


@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_ceases_to_be_finite_counts_as_no_improvement(value, solver):
    model = ScratchMLPRegressor(solver=solver, scoring=scores([0.1, 0.2, 0.3, value]), n_iter_no_change=4, **STOPPED)
    if solver == "lbfgs":
        model.set_params(alpha=0.0, tol=0.0, hidden_layer_sizes=(20,))
    said = messages(lambda: model.fit(X, TARGET))
    assert model.n_iter_ == 3 + 4 + 1
    assert model.best_validation_score_ == 0.3
    assert sum("scoring" in each for each in said) == 1


def test_the_weights_of_the_best_finite_score_come_back():
    seen = []

    def scorer(model, X, y):
        seen.append(model.params_.copy())
        return [0.1, 0.2, np.nan, 0.1, np.nan, np.inf][min(len(seen), 6) - 1]

    model = ScratchMLPRegressor(scoring=scorer, n_iter_no_change=3, **STOPPED)
    messages(lambda: model.fit(X, TARGET))
    np.testing.assert_array_equal(model.params_, seen[1])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_score_that_is_only_measured_may_be_nan():
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), max_iter=3, scoring=lambda model, X, y: np.nan)
    model.fit(X, TARGET, X_val=X, y_val=TARGET)
    assert np.isnan(model.validation_scores_).all()


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("value", [None, np.ones(2), [1.0], "good", 1j, {"r2": 1.0}], ids=repr)
def test_a_scorer_that_gives_no_number_is_refused_by_name(value, early_stopping):
    model = ScratchMLPRegressor(hidden_layer_sizes=(4,), scoring=lambda model, X, y: value)
    model.set_params(early_stopping=early_stopping)
    with pytest.raises(ValueError, match="scoring") as caught:
        model.fit(X, TARGET, X_val=X, y_val=TARGET)
    assert "number" in str(caught.value)


@pytest.mark.parametrize("value", [np.float32(0.5), np.array(0.5), True, 1], ids=repr)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_scorer_may_give_any_number(value):
    model = ScratchMLPRegressor(scoring=lambda model, X, y: value, max_iter=3, **STOPPED).fit(X, TARGET)
    assert model.validation_scores_ == [float(value)] * 3


# y_val in other units than y

D, T = load_diabetes(return_X_y=True)
D = scale(D)
FITTED = {"hidden_layer_sizes": (20,), "early_stopping": True, "learning_rate_init": 0.01, "random_state": 0}


def units(y, y_val, **params):
    model = ScratchMLPRegressor(**FITTED | params)
    return [each for each in messages(lambda: model.fit(D[:300], y, X_val=D[300:], y_val=y_val)) if "y_val" in each]


@pytest.mark.parametrize("params", [{}, {"scoring": "loss"}, {"solver": "lbfgs"}, {"early_stopping": False}], ids=str)
@pytest.mark.parametrize(
    "y, y_val",
    [(np.log1p(T[:300]), T[300:]), (T[:300] / 1000, T[300:]), (scale(T[:300]), T[300:]), (T[:300], np.log1p(T[300:]))],
    ids=["log1p", "thousands", "standardized", "only the validation set transformed"],
)
def test_validation_targets_in_other_units_are_warned_of(params, y, y_val):
    said = units(y, y_val, **params)
    assert len(said) == 1
    assert "units" in said[0] or "range" in said[0] or "scale" in said[0]


@pytest.mark.parametrize("transformer", ["function", "scaler"])
def test_a_transformed_target_with_a_raw_validation_set_is_warned_of(transformer):
    options = (
        {"func": np.log1p, "inverse_func": np.expm1} if transformer == "function" else {"transformer": StandardScaler()}
    )
    model = TransformedTargetRegressor(ScratchMLPRegressor(**FITTED), **options)
    said = messages(lambda: model.fit(D[:300], T[:300], X_val=D[300:], y_val=T[300:]), UserWarning)
    assert sum("y_val" in each for each in said) == 1


def test_a_pipeline_with_a_raw_validation_set_is_warned_of():
    raw = 1000 * D + 5000
    model = make_pipeline(StandardScaler(), ScratchMLPRegressor(**FITTED))
    given = {"scratchmlpregressor__X_val": raw[300:], "scratchmlpregressor__y_val": scale(T[300:])}
    said = messages(lambda: model.fit(raw[:300], scale(T[:300]), **given), UserWarning)
    assert sum("X_val" in each for each in said) == 1
    assert "transform_input" in " ".join(said)


@pytest.mark.parametrize("params", [{}, {"scoring": "loss"}, {"solver": "lbfgs"}, {"early_stopping": False}], ids=str)
def test_validation_targets_in_the_same_units_are_not_warned_of(params):
    y = scale(T)
    for y_val in (y[300:], y[300:] + 0.5, y[300:] * 1.5, rng.permutation(y[300:])):
        assert units(y[:300], y_val, **params) == []


def test_noise_is_no_other_unit():
    noise = rng.standard_normal(442)
    assert units(noise[:300], noise[300:]) == []


# The best score of all calls on the same validation rows is kept


@pytest.mark.parametrize(
    "estimator, scoring, given",
    [
        (ScratchMLPClassifier, None, True),
        (ScratchMLPClassifier, "loss", True),
        (ScratchMLPClassifier, "loss", False),
        (ScratchMLPRegressor, None, True),
        (ScratchMLPRegressor, None, False),
        (ScratchMLPRegressor, "loss", False),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_never_ends_with_worse_weights_than_it_began(estimator, scoring, given):
    y = LABELS if estimator is ScratchMLPClassifier else TARGET
    validation = {"X_val": X[::4], "y_val": y[::4]} if given else {}
    model = estimator(scoring=scoring, warm_start=True, max_iter=30, batch_size=10, learning_rate_init=0.01, **STOPPED)
    model.fit(X, y, **validation)
    score, params = model.best_validation_score_, model.params_.copy()
    model.set_params(learning_rate_init=10.0, max_iter=2).fit(X, y, **validation)
    assert max(model.validation_scores_[-2:]) < score  # the second call only did harm
    assert model.best_validation_score_ == score
    np.testing.assert_array_equal(model.params_, params)
    if given and scoring is None:
        assert model.score(X[::4], y[::4]) == score


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_on_other_validation_rows_is_measured_there():
    model = ScratchMLPRegressor(warm_start=True, max_iter=3, **STOPPED)
    model.fit(X, TARGET, X_val=X[:20], y_val=TARGET[:20])
    model.fit(X, TARGET, X_val=X[20:50], y_val=TARGET[20:50])
    assert model.best_validation_score_ == pytest.approx(model.score(X[20:50], TARGET[20:50]))
    assert model.best_validation_score_ == max(model.validation_scores_[3:])


def test_the_patience_of_a_warm_start_begins_afresh():
    model = ScratchMLPRegressor(scoring=scores([0.5, 0.1]), warm_start=True, n_iter_no_change=3, **STOPPED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert model.fit(X, TARGET).n_iter_ == 5
        assert model.fit(X, TARGET).n_iter_ == 5
    assert model.best_validation_score_ == 0.5

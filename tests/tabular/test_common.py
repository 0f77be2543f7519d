"""What scikit-learn expects of an estimator: its own checks, clones, searches, routing, pickles, documentation."""

import inspect
import pickle
import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from skmlp_scratch import ScratchTabularClassifier, ScratchTabularRegressor
from skmlp_scratch.losses import SquaredError

SMALL = {"hidden_layer_sizes": (16, 16), "max_iter": 12, "n_members": 2}
ESTIMATORS = [ScratchTabularClassifier, ScratchTabularRegressor]
NOT_REPEATED = {
    "check_sample_weight_equivalence_on_dense_data": "a row that occurs twice may be learned from in one copy and "
    "judge in the other, and counts twice in the edges of the bins"
}

rng = np.random.RandomState(0)
X = rng.standard_normal((120, 3))
TARGET = 1000 * (X[:, 0] + X[:, 1] * X[:, 2])
LABELS = np.where(TARGET > 0, "yes", "no")


def model(kind, **parameters):
    return kind(**SMALL | {"random_state": 0} | parameters)


def target(kind):
    return LABELS if kind is ScratchTabularClassifier else TARGET


@parametrize_with_checks([kind(**SMALL) for kind in ESTIMATORS], expected_failed_checks=lambda estimator: NOT_REPEATED)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_scikit_learn_checks_of_parameters(kind):
    check_param_validation(kind.__name__, kind(**SMALL))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_clone_fits_alike_and_integer_seeds_repeat(kind):
    first, second = model(kind), clone(model(kind))
    first.fit(X, target(kind))
    np.testing.assert_array_equal(first.params_, second.fit(X, target(kind)).params_)
    np.testing.assert_array_equal(first.params_, first.fit(X, target(kind)).params_)
    other = model(kind, random_state=1).fit(X, target(kind))
    assert not np.array_equal(first.params_, other.params_)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_threads_change_no_bit(kind):
    one, two = model(kind, n_members=3), model(kind, n_members=3, n_jobs=2)
    one.fit(X, target(kind))
    two.fit(X, target(kind))
    np.testing.assert_array_equal(one.params_, two.params_)
    assert one.validation_scores_ == two.validation_scores_
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_a_pickle_predicts_the_same_bits(kind):
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.where(X[:, 2] > 0, "x", "y")})
    fitted = model(kind).fit(frame, target(kind))
    data = pickle.dumps(fitted)
    again = pickle.loads(data)
    method = "predict_proba" if kind is ScratchTabularClassifier else "predict"
    np.testing.assert_array_equal(getattr(fitted, method)(frame), getattr(again, method)(frame))
    assert data == pickle.dumps(model(kind).fit(frame, target(kind)))  # equal fits have equal pickles
    assert len(data) < 1.2 * fitted.params_.nbytes + 16_000


def test_predictions_of_a_row_do_not_depend_on_the_rows_around_it():
    fitted = model(ScratchTabularClassifier).fit(X, LABELS)
    together = fitted.predict_proba(X)
    np.testing.assert_allclose(together, np.vstack([fitted.predict_proba(row[np.newaxis]) for row in X]), rtol=1e-12)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_searches_and_cross_validation(kind):
    search = GridSearchCV(model(kind), {"n_bins": [0, 8], "weight_decay": [0.1]}, cv=2).fit(X, target(kind))
    assert search.best_params_["n_bins"] in (0, 8)
    assert np.isfinite(cross_val_score(model(kind), X, target(kind), cv=2)).all()


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_weights_are_routed(kind):
    weight = np.r_[np.zeros(60), np.ones(60)]
    plain = model(kind).fit(X[60:], target(kind)[60:])
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(FunctionTransformer(), model(kind).set_fit_request(sample_weight=True))
        pipeline.fit(X, target(kind), sample_weight=weight)
    np.testing.assert_array_equal(pipeline[-1].params_, plain.params_)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_prediction_needs_a_fit(kind):
    with pytest.raises(NotFittedError):
        kind().predict(X)
    assert not hasattr(kind(), "members_")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": (8, 0)}, "hidden_layer_sizes must be > 0"),
        ({"activation": ["relu"]}, "activation has 1 entries for 2 hidden layers"),
        ({"n_members": True}, "n_members=True must be a number"),
        ({"categorical_features": ["no such column"]}, "'no such column'"),
        ({"loss": SquaredError}, "loss is the class SquaredError"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        model(ScratchTabularRegressor, **parameters).fit(X, TARGET)


def entries(kind, section):
    doc = inspect.getdoc(kind)
    body = re.search(rf"{section}\n-+\n(.*?)(?:\n\n[A-Z]\w+\n-+\n|\Z)", doc, re.DOTALL).group(1)
    return re.findall(r"^(\w+) : (.+)$", body, re.MULTILINE)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_documentation_lists_the_signature_and_what_is_fitted(kind):
    signature = inspect.signature(kind).parameters
    documented = dict(entries(kind, "Parameters"))
    assert list(documented) == list(signature)
    for name, text in documented.items():
        default = text.rpartition("default=")[2].strip('"')
        assert default == str(signature[name].default) or float(default) == signature[name].default
    fitted = model(kind).fit(X, target(kind))
    attributes = {name for name in dir(fitted) if name.endswith("_") and not name.startswith("_")}
    assert attributes | {"feature_names_in_"} == {name for name, _ in entries(kind, "Attributes")}

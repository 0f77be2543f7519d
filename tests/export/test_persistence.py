"""Models on disk by other packages' means: skops, with our own names as the only ones to trust, and MLflow."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, ScratchTabularClassifier, ScratchTabularRegressor
from skmlp_scratch.schedules import Cosine
from skmlp_scratch.solvers import GradientDescent

from .exportable import INDEX, LABELS, NUMBERS, ROWS, X, classifier, every_case, fit, fitted, regressor, small


def assert_equal(loaded, estimator):
    np.testing.assert_array_equal(loaded.predict(ROWS), estimator.predict(ROWS))
    if hasattr(estimator, "predict_proba"):
        np.testing.assert_array_equal(loaded.predict_proba(ROWS), estimator.predict_proba(ROWS))


def untrusted_types(estimator):
    """What has to be trusted to load an estimator; it is ours alone."""
    skops = pytest.importorskip("skops.io", reason="needs skops")
    names = skops.get_untrusted_types(data=skops.dumps(estimator))
    assert [name for name in names if not name.startswith("skmlp_scratch.")] == []
    return names


def through_skops(estimator):
    """The estimator saved and loaded again; only our own types are trusted."""
    skops = pytest.importorskip("skops.io", reason="needs skops")
    return skops.loads(skops.dumps(estimator), trusted=untrusted_types(estimator))


@every_case
def test_skops_trusts_only_our_names(case):
    assert_equal(through_skops(fitted(case)), fitted(case))


@pytest.mark.parametrize("kind", [ScratchTabularClassifier, ScratchTabularRegressor])
def test_skops_of_tabular_estimators(kind):
    estimator = kind(hidden_layer_sizes=4, n_members=2, max_iter=2, random_state=0).fit(X, INDEX)
    assert_equal(through_skops(estimator), estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        regressor(
            solver=GradientDescent("adam", Cosine(0.01, max_iter=5), max_iter=5),
            learning_rate_init=0.001,
            batch_size="auto",
            max_iter=200,
        ),
        classifier(early_stopping=True, random_state=np.random.RandomState(0)),
        fit(make_pipeline(StandardScaler(), small(ScratchMLPRegressor, normalization="batch")), NUMBERS),
    ],
    ids=["solver object", "random state", "pipeline"],
)
def test_skops_of_other_states(estimator):
    assert_equal(through_skops(estimator), estimator)


def test_training_goes_on_after_skops():
    """The solver's state comes along, too."""
    warm = fit(small(ScratchMLPClassifier, warm_start=True), LABELS["strings"])
    loaded = fit(through_skops(warm), LABELS["strings"])
    np.testing.assert_array_equal(loaded.params_, fit(warm, LABELS["strings"]).params_)
    begun = small(ScratchMLPRegressor).partial_fit(X, NUMBERS)
    loaded = through_skops(begun).partial_fit(X, NUMBERS)
    np.testing.assert_array_equal(loaded.params_, begun.partial_fit(X, NUMBERS).params_)


@pytest.mark.filterwarnings("ignore")  # of its own dependencies
def test_mlflow_logs_and_loads(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason="needs mlflow")
    mlflow_sklearn = pytest.importorskip("mlflow.sklearn")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'runs.db'}")
    pipe = fit(make_pipeline(StandardScaler(), small(ScratchMLPClassifier)), LABELS["strings"])
    types = untrusted_types(pipe)
    with mlflow.start_run():
        info = mlflow_sklearn.log_model(pipe, name="model", input_example=X[:2], skops_trusted_types=types)
    assert_equal(mlflow_sklearn.load_model(info.model_uri), pipe)
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(info.model_uri).predict(ROWS), pipe.predict(ROWS))

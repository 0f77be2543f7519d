"""scikit-learn 1.9's callbacks: one context per epoch, an estimator that can predict, and a stop that is honored."""

import numpy as np
import pytest
import sklearn

from skmlp_scratch import ScratchTabularClassifier, ScratchTabularRegressor

has_callbacks = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
pytestmark = pytest.mark.skipif(not has_callbacks, reason="scikit-learn has callbacks since 1.9")

SMALL = {"hidden_layer_sizes": (8,), "max_iter": 6, "n_members": 2, "random_state": 0}
rng = np.random.RandomState(0)
X = rng.standard_normal((80, 3))
KINDS = [(ScratchTabularClassifier, (X[:, 0] > 0).astype(int)), (ScratchTabularRegressor, X[:, 0])]


class Recorder:
    """Writes down every hook; stops in the epoch it is told to."""

    def __init__(self, stop_in=None):
        self.stop_in, self.events, self.fitted = stop_in, [], []

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.events.append(("end", context.task_name))
        self.fitted.append(fitted_estimator)
        return context.task_name == "epoch" and context.task_id == self.stop_in


def expected(n_epochs):
    return [
        ("setup", "fit"),
        ("begin", "fit"),
        *[("begin", "epoch"), ("end", "epoch")] * n_epochs,
        ("end", "fit"),
        ("teardown", "fit"),
    ]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_one_context_per_epoch_and_being_watched_changes_nothing(kind, y, n_jobs):
    recorder = Recorder()
    model = kind(n_jobs=n_jobs, **SMALL).set_callbacks(recorder).fit(X, y)
    assert recorder.events == expected(6)
    np.testing.assert_array_equal(model.params_, kind(**SMALL).fit(X, y).params_)


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_every_epoch_gives_an_estimator_that_predicts(kind, y):
    recorder = Recorder()
    model = kind(**SMALL).set_callbacks(recorder).fit(X, y)
    best = recorder.fitted[model.n_iter_ - 1]
    np.testing.assert_array_equal(best.predict(X), model.predict(X))
    if kind is ScratchTabularClassifier:
        np.testing.assert_array_equal(best.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize(("kind", "y"), KINDS)
def test_a_stop_is_honored(kind, y):
    recorder = Recorder(stop_in=2)
    model = kind(**SMALL | {"max_iter": 50}).set_callbacks(recorder).fit(X, y)
    assert recorder.events == expected(3)
    assert len(model.history_["epoch"]) == 3

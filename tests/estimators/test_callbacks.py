"""scikit-learn 1.9's callbacks: one context per epoch, a stop that every solver honors, teardown whatever happens."""

import pickle
import re

import numpy as np
import pytest
import sklearn
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]


has_callbacks = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
needs_callbacks = pytest.mark.skipif(not has_callbacks, reason="scikit-learn has callbacks since 1.9")
rng_heard = np.random.RandomState(0)
X_HEARD = rng_heard.standard_normal((80, 3))
TARGET_HEARD = X_HEARD[:, 0] + X_HEARD[:, 1] * X_HEARD[:, 2]
LABELS_HEARD = (TARGET_HEARD > 0).astype(int)


def heard(**parameters):
    return ScratchMLPClassifier(**{"hidden_layer_sizes": (5,), "max_iter": 6, "random_state": 0} | parameters)


class Recorder:
    """Writes down every hook; stops or fails in the epoch it is told to."""

    def __init__(self, stop_in=None, fail_in=None, fail_at="end"):
        self.stop_in, self.fail_in, self.fail_at = stop_in, fail_in, fail_at
        self.events, self.fitted, self.arguments = [], [], []

    def _note(self, event, context, **arguments):
        self.events.append((event, context.task_name, context.task_id))
        if (context.task_name, context.task_id, event) == ("epoch", self.fail_in, self.fail_at):
            raise RuntimeError("from the callback")

    def setup(self, estimator, context):
        self._note("setup", context)

    def teardown(self, estimator, context):
        self._note("teardown", context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self._note("begin", context)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self._note("end", context)
        self.fitted.append(fitted_estimator)
        self.arguments.append((X, y, metadata))
        return context.task_name == "epoch" and context.task_id == self.stop_in


def expected_events(n_epochs):
    epochs = [(event, "epoch", k) for k in range(n_epochs) for event in ("begin", "end")]
    return [("setup", "fit", 0), ("begin", "fit", 0), *epochs, ("end", "fit", 0), ("teardown", "fit", 0)]


def test_set_callbacks_is_there_exactly_where_scikit_learn_has_it():
    assert hasattr(heard(), "set_callbacks") is has_callbacks
    assert hasattr(ScratchMLPRegressor(), "set_callbacks") is has_callbacks
    assert heard().fit(X_HEARD, LABELS_HEARD).n_iter_ == 6  # a fit without any


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_one_context_an_epoch(solver, early_stopping):
    recorder = Recorder()
    model = heard(solver=solver, early_stopping=early_stopping).set_callbacks(recorder)
    plain = heard(solver=solver, early_stopping=early_stopping).fit(X_HEARD, LABELS_HEARD)
    assert model.fit(X_HEARD, LABELS_HEARD) is model
    assert recorder.events == expected_events(model.n_iter_)
    np.testing.assert_array_equal(model.params_, plain.params_)  # being watched changes nothing


@needs_callbacks
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_stop_is_honoured_by_every_solver(solver, early_stopping):
    """In the third of many epochs, and with no warning: it is what was asked for."""
    recorder = Recorder(stop_in=2)
    model = heard(solver=solver, early_stopping=early_stopping, max_iter=50).set_callbacks(recorder)
    model.fit(X_HEARD, LABELS_HEARD)
    assert model.n_iter_ == 3
    assert recorder.events == expected_events(3)
    assert {len(column) for column in model.history_.values()} == {3}
    if not early_stopping:
        np.testing.assert_array_equal(model.params_, recorder.fitted[2].params_)


@needs_callbacks
@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_stop_is_no_failure_to_converge(solver):
    model = heard(solver=solver, max_iter=50).set_callbacks(Recorder(stop_in=1)).fit(X_HEARD, LABELS_HEARD)
    assert model.n_iter_ == 2


class ThirdParty:
    """A solver of someone else's: it calls back, and goes as far as it is let."""

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        params, nit = params.copy(), 0
        try:
            while nit < 40:
                loss, grad = objective.loss_and_grad(params)
                params -= 0.1 * grad
                nit += 1
                callback(OptimizeResult(x=params, fun=loss, nit=nit))
        except StopIteration:
            pass
        return OptimizeResult(x=params, fun=loss, nit=nit, success=True)


@needs_callbacks
@pytest.mark.parametrize(
    "solver", [GradientDescent("adam", max_iter=40), ScipyMinimize("L-BFGS-B", max_iter=40), ThirdParty()]
)
def test_a_stop_is_honoured_by_solver_objects(solver):
    recorder = Recorder(stop_in=3)
    model = heard(solver=solver).set_callbacks(recorder).fit(X_HEARD, LABELS_HEARD)
    assert model.n_iter_ == 4
    assert recorder.events == expected_events(4)


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_each_context_hands_over_an_estimator_of_that_epoch(solver):
    """Ready to predict, and still that epoch's after the fit has gone on."""
    recorder = Recorder()
    y = np.where(LABELS_HEARD, "yes", "no")
    model = heard(solver=solver, normalization="batch", learning_rate_init=0.05).set_callbacks(recorder)
    model.fit(X_HEARD, y, X_val=X_HEARD, y_val=y)
    assert len(recorder.fitted) == 7  # six epochs and the whole
    scores = [fitted.score(X_HEARD, y) for fitted in recorder.fitted]
    assert scores[:6] == pytest.approx(model.validation_scores_)
    assert scores[6] == model.score(X_HEARD, y)
    assert len(set(scores)) > 1
    assert [fitted.predict_proba(X_HEARD).shape for fitted in recorder.fitted] == [(80, 2)] * 7


@needs_callbacks
def test_early_stopping_hands_over_the_best_weights_at_the_end():
    recorder, scores = Recorder(), iter([0.1, 0.9, 0.3, 0.2, 0.1, 0.1])
    model = heard(early_stopping=True, scoring=lambda estimator, X, y: next(scores)).set_callbacks(recorder)
    model.fit(X_HEARD, LABELS_HEARD)
    np.testing.assert_array_equal(recorder.fitted[-1].params_, recorder.fitted[1].params_)
    np.testing.assert_array_equal(model.params_, recorder.fitted[1].params_)


@needs_callbacks
def test_contexts_hand_over_the_data_as_given():
    recorder, weights = Recorder(), np.ones(80)
    heard(max_iter=2).set_callbacks(recorder).fit(X_HEARD, LABELS_HEARD, sample_weight=weights)
    for given_X, given_y, metadata in recorder.arguments:
        assert given_X is X_HEARD
        assert given_y is LABELS_HEARD
        assert metadata["sample_weight"] is weights


@needs_callbacks
@pytest.mark.parametrize("fail_at", ["begin", "end"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_teardown_follows_an_error_in_a_callback(solver, fail_at):
    recorder = Recorder(fail_in=1, fail_at=fail_at)
    model = heard(solver=solver).set_callbacks(recorder)
    with pytest.raises(RuntimeError, match="from the callback"):
        model.fit(X_HEARD, LABELS_HEARD)
    assert recorder.events[-1] == ("teardown", "fit", 0)
    assert recorder.events[-2][:2] == (fail_at, "epoch")
    assert not hasattr(model, "params_")
    assert not hasattr(model, "_callback_fit_ctx")
    recorder.fail_in = None  # and the next fit finds nothing left over
    assert model.fit(X_HEARD, LABELS_HEARD).n_iter_ == 6


@needs_callbacks
@pytest.mark.parametrize("y, parameters, message", [
    (LABELS_HEARD, {"solver": "sgd", "learning_rate_init": 1e9}, "diverged"),
    (LABELS_HEARD, {"dropout": [0.5, 0.5]}, "dropout has 2 entries"),
    (np.full(80, np.nan), {}, "NaN"),
])  # fmt: skip
def test_teardown_follows_an_error_in_the_fit(y, parameters, message):
    recorder = Recorder()
    model = heard().set_callbacks(recorder).fit(X_HEARD, LABELS_HEARD)
    before, recorder.events = model.params_.copy(), []
    with pytest.raises(ValueError, match=message):
        model.set_params(**parameters).fit(X_HEARD, y)
    assert recorder.events[0] == ("setup", "fit", 0)
    assert recorder.events[-1] == ("teardown", "fit", 0)
    np.testing.assert_array_equal(model.params_, before)


@needs_callbacks
def test_two_callbacks_are_both_heard_and_one_may_stop():
    listening, stopping = Recorder(), Recorder(stop_in=1)
    model = heard().set_callbacks(listening, stopping).fit(X_HEARD, LABELS_HEARD)
    assert listening.events == stopping.events == expected_events(2)
    assert model.set_callbacks().fit(X_HEARD, LABELS_HEARD).n_iter_ == 6  # none any more
    assert len(listening.events) == 8


@needs_callbacks
def test_each_partial_fit_is_a_run_of_one_epoch():
    recorder = Recorder()
    model = heard().set_callbacks(recorder)
    for _ in range(3):
        model.partial_fit(X_HEARD, LABELS_HEARD, classes=[0, 1])
    assert recorder.events == expected_events(1) * 3


@needs_callbacks
def test_each_fit_of_a_warm_start_is_a_run():
    recorder = Recorder()
    model = (
        heard(warm_start=True, max_iter=2).set_callbacks(recorder).fit(X_HEARD, LABELS_HEARD).fit(X_HEARD, LABELS_HEARD)
    )
    assert len(model.loss_curve_) == 4
    assert recorder.events == expected_events(2) * 2


@needs_callbacks
def test_callbacks_are_cloned_along_but_not_fitted_state():
    recorder = Recorder()
    model = heard().set_callbacks(recorder).fit(X_HEARD, LABELS_HEARD)
    copy = clone(model)
    assert copy.fit(X_HEARD, LABELS_HEARD).n_iter_ == 6
    assert len(recorder.events) == 2 * len(expected_events(6))
    assert pickle.loads(pickle.dumps(model)).score(X_HEARD, LABELS_HEARD) == model.score(X_HEARD, LABELS_HEARD)


@needs_callbacks
def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="callbacks must be instances following the FitCallback protocol"):
        heard().set_callbacks(print)


# scikit-learn's own


@pytest.fixture
def progress_bar():
    pytest.importorskip("rich", reason="ProgressBar draws with rich")
    from sklearn.callback import ProgressBar

    return ProgressBar


def bars(text):
    """What the last drawing of the bars says, a line a bar without its decoration."""
    lines = [re.sub(r"\s+", " ", re.sub(r"[━╸╺]+", "", line)).strip() for line in text.splitlines()]
    return [line for line in lines if line]


@needs_callbacks
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_progress_bar_alone(progress_bar, solver, capsys):
    heard(solver=solver).set_callbacks(progress_bar()).fit(X_HEARD, LABELS_HEARD)
    assert any(re.search(r"ScratchMLPClassifier - fit.* 100%", line) for line in bars(capsys.readouterr().out))


@needs_callbacks
def test_progress_bar_ends_when_the_fit_fails(progress_bar, capsys):
    model = heard(solver="sgd", learning_rate_init=1e9).set_callbacks(progress_bar())
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X_HEARD, LABELS_HEARD)
    assert "ScratchMLPClassifier" in capsys.readouterr().out


@needs_callbacks
def test_progress_bar_of_an_unknown_length(progress_bar, capsys):
    """A solver object keeps to itself how far it goes."""
    heard(solver=ThirdParty()).set_callbacks(progress_bar()).fit(X_HEARD, LABELS_HEARD)
    assert "ScratchMLPClassifier" in capsys.readouterr().out


@needs_callbacks
def test_progress_bar_in_a_pipeline(progress_bar, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    make_pipeline(StandardScaler(), heard()).set_callbacks(progress_bar()).fit(X_HEARD, LABELS_HEARD)
    drawn = bars(capsys.readouterr().out)
    assert any(re.search(r"Pipeline.*ScratchMLPClassifier - fit.* 100%", line) for line in drawn)


@needs_callbacks
def test_progress_bar_in_a_grid_search_on_two_processes(progress_bar, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    pipeline = make_pipeline(StandardScaler(), heard(n_iter_no_change=100))
    search = GridSearchCV(pipeline, {"scratchmlpclassifier__alpha": [0.0, 1.0]}, cv=2, n_jobs=2)
    search.set_callbacks(progress_bar(max_propagation_depth=None)).fit(X_HEARD, LABELS_HEARD)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    drawn = [line for line in bars(capsys.readouterr().out) if "ScratchMLPClassifier - fit" in line]
    assert len({line for line in drawn if "100%" in line}) >= 1
    assert len([line for line in drawn if "100%" in line]) == 5  # two settings, two folds, the refit


@pytest.fixture
def scoring_monitor():
    from sklearn.callback import ScoringMonitor

    return ScoringMonitor


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
def test_scoring_monitor_alone(scoring_monitor, solver):
    monitor = scoring_monitor(scoring="accuracy")
    model = heard(solver=solver, learning_rate_init=0.05).set_callbacks(monitor)
    model.fit(X_HEARD, LABELS_HEARD, X_val=X_HEARD, y_val=LABELS_HEARD)
    rows = monitor.get_logs().data
    assert [row["task_id_path"] for row in rows] == [(0,), *((0, k) for k in range(model.n_iter_))]
    assert [row["accuracy"] for row in rows[1:]] == pytest.approx(model.validation_scores_)
    assert rows[0]["accuracy"] == model.score(X_HEARD, LABELS_HEARD)


@needs_callbacks
@pytest.mark.parametrize("weights", [None, np.arange(80.0)])
def test_scoring_monitor_of_several_scores_with_weights(scoring_monitor, weights):
    monitor = scoring_monitor(scoring=["accuracy", "neg_log_loss"])
    model = heard().set_callbacks(monitor).fit(X_HEARD, LABELS_HEARD, sample_weight=weights)
    rows = monitor.get_logs().data
    assert len(rows) == 7
    assert rows[0]["accuracy"] == pytest.approx(model.score(X_HEARD, LABELS_HEARD, sample_weight=weights))
    assert len({row["neg_log_loss"] for row in rows}) == 6  # the last epoch's and the whole fit's are one


@needs_callbacks
def test_scoring_monitor_of_a_callable(scoring_monitor):
    monitor = scoring_monitor(scoring=lambda estimator, X, y: {"mine": estimator.score(X, y)})
    heard().set_callbacks(monitor).fit(X_HEARD, LABELS_HEARD)
    assert len([row["mine"] for row in monitor.get_logs().data]) == 7


@needs_callbacks
def test_scoring_monitor_in_a_pipeline(scoring_monitor):
    monitor = scoring_monitor(scoring="r2")
    network = ScratchMLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", max_iter=6, random_state=0)
    pipeline = make_pipeline(StandardScaler(), network.set_callbacks(monitor)).fit(X_HEARD, TARGET_HEARD)
    scores = {row["task_id_path"]: row["r2"] for row in monitor.get_logs().data}
    assert len(scores) == 7
    assert scores[0, 1] == pytest.approx(pipeline.score(X_HEARD, TARGET_HEARD))
    assert scores[0, 1, 5] == pytest.approx(scores[0, 1])
    assert scores[0, 1, 5] > scores[0, 1, 0]


@needs_callbacks
def test_scoring_monitor_in_a_grid_search_on_two_processes(scoring_monitor):
    monitor = scoring_monitor(scoring="accuracy")
    pipeline = make_pipeline(StandardScaler(), heard().set_callbacks(monitor))
    search = GridSearchCV(pipeline, {"scratchmlpclassifier__alpha": [0.0, 1.0]}, cv=2, n_jobs=2).fit(
        X_HEARD, LABELS_HEARD
    )
    rows = monitor.get_logs().data
    assert len(rows) == 5 * 7  # two settings, two folds and the refit, each six epochs and the whole
    assert len({row["task_id_path"] for row in rows}) == 35
    assert all(0 <= row["accuracy"] <= 1 for row in rows)
    assert search.score(X_HEARD, LABELS_HEARD) in [row["accuracy"] for row in rows if row["task_name"] == "fit"]

"""The callback of a training run: history, best parameters, stopping, divergence, printing."""

import copy
import itertools
import math
import pickle
import sys

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from skmlp_scratch.history import COLUMNS, History, Monitor
from skmlp_scratch.layers import Dense
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.schedules import Adaptive
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize
from skmlp_scratch.stopping import DivergenceGuard, Patience


def epoch(loss=1.0, x=0.0, **more):
    return OptimizeResult(x=np.full(2, x), fun=loss, **more)


def feed(monitor, losses):
    for loss in losses:
        monitor(epoch(loss))


def regression(n=30):
    rng = np.random.RandomState(0)
    X = rng.randn(n, 2)
    objective = Objective(Network([Dense(2, 1)]), "squared_error", X, X @ [1, 2] + 0.1 * rng.randn(n), alpha=0.1)
    return objective, np.zeros(3)


def scores_of(*scores):
    """A validation that gives these scores in turn; the loss is what is missing to 1."""
    given = iter(scores)

    def validate(params):
        score = next(given)
        return 1 - score, score

    return validate


def test_the_history_has_an_entry_an_epoch_in_every_column():
    monitor = Monitor(None, validate=scores_of(0.25, 0.5))
    monitor(epoch(3.0, learning_rate=0.1, grad_norm=2.0))
    monitor(epoch(2.0, learning_rate=0.05, grad_norm=1.0))
    seconds = monitor.history["seconds"]
    assert list(monitor.history) == list(COLUMNS)
    assert monitor.history | {"seconds": None} == {
        "epoch": [1, 2],
        "loss": [3.0, 2.0],
        "val_loss": [0.75, 0.5],
        "val_score": [0.25, 0.5],
        "learning_rate": [0.1, 0.05],
        "grad_norm": [2.0, 1.0],
        "seconds": None,
    }
    assert 0 <= seconds[0] <= seconds[1] < 5
    assert monitor.epochs == 2


def test_what_a_solver_does_not_say_is_nan():
    monitor = Monitor(None)
    monitor(epoch(3.0))
    for column in ("val_loss", "val_score", "learning_rate", "grad_norm"):
        assert len(monitor.history[column]) == 1
        assert math.isnan(monitor.history[column][0])


@pytest.mark.parametrize(
    "solver",
    [
        GradientDescent(learning_rate=0.1, max_iter=6),
        GradientDescent("adam", batch_size=7, max_iter=6),
        ScipyMinimize("CG"),
        ScipyMinimize("Nelder-Mead", max_iter=6),
    ],
    ids=repr,
)
def test_every_solver_fills_the_history(solver):
    objective, start = regression()
    monitor = Monitor(objective)
    result = solver.minimize(objective, start, callback=monitor, rng=np.random.RandomState(0))
    assert monitor.epochs >= 2
    assert {len(column) for column in monitor.history.values()} == {monitor.epochs}
    assert monitor.history["epoch"] == list(range(1, monitor.epochs + 1))
    assert monitor.history["loss"][-1] == result.fun
    assert np.isfinite(monitor.history["grad_norm"]).all()
    assert np.isfinite(monitor.history["learning_rate"]).all() == isinstance(solver, GradientDescent)
    np.testing.assert_array_equal(monitor.params, result.x)


def test_a_solver_that_calls_back_with_a_bare_vector():
    objective, start = regression()
    monitor = Monitor(objective)
    monitor(start)
    monitor(start + 1.0)
    assert monitor.history["loss"] == [objective.loss_and_grad(start)[0], objective.loss_and_grad(start + 1.0)[0]]
    assert monitor.params is not start
    np.testing.assert_array_equal(monitor.params, start + 1.0)


def test_a_solver_that_never_calls_back():
    monitor = Monitor(None)
    monitor.fill(3, 0.5)
    assert (monitor.epochs, monitor.history["epoch"]) == (3, [1, 2, 3])
    assert [math.isnan(loss) for loss in monitor.history["loss"]] == [True, True, False]
    assert monitor.history["loss"][-1] == 0.5
    assert {len(column) for column in monitor.history.values()} == {3}


def test_a_run_records_its_own_epochs_and_numbers_them_on():
    first = Monitor(None)
    first(epoch(3.0))
    second = Monitor(None, epochs_before=1, seconds_before=100.0)
    second(epoch(2.0))
    assert (second.epochs, second.history["epoch"], second.history["loss"]) == (1, [2], [2.0])
    first.history.extend(second.history)
    assert (first.history["epoch"], first.history["loss"]) == ([1, 2], [3.0, 2.0])
    assert first.history["seconds"][1] > 100
    assert second.epochs == 1


@pytest.mark.parametrize("protocol", range(3, pickle.HIGHEST_PROTOCOL + 1))
def test_a_history_pickles_in_60_bytes_per_epoch_and_without_seconds(protocol):
    one, two = (random_history(1000, seed=0) for _ in range(2))
    two["seconds"][:] = [2 * seconds for seconds in two["seconds"]]
    data = pickle.dumps(one, protocol)
    assert len(data) < 1000 * (60 - 8) + 1000  # 8 are for the solver's own list
    assert data == pickle.dumps(two, protocol)
    again = pickle.loads(data)
    assert type(again) is History
    for column in COLUMNS[:-1]:
        assert again[column] == one[column]
        assert [type(value) for value in again[column]] == [type(value) for value in one[column]]
    assert len(again["seconds"]) == 1000
    assert all(map(math.isnan, again["seconds"]))


def random_history(n, seed):
    rng, history = np.random.RandomState(seed), History()
    for i in range(n):
        history.append((i + 1, *rng.randn(6).tolist()))
    return history


@pytest.mark.parametrize("copied", [copy.deepcopy, History.copy])
def test_a_copy_has_lists_of_its_own_and_keeps_the_seconds(copied):
    history = random_history(3, seed=0)
    other = copied(history)
    assert type(other) is History
    assert other == history
    other.extend(random_history(2, seed=1))
    assert len(history["seconds"]) == 3


class InterruptedAt:
    """The user presses Ctrl-C at the n-th line that runs in the module of histories."""

    def __init__(self, n):
        self.n = n

    def __call__(self, frame, event, argument):
        if not frame.f_code.co_filename.endswith("history.py"):
            return None
        if event == "line":
            self.n -= 1
            if self.n == 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


@pytest.mark.parametrize("change", ["append", "extend"])
def test_an_interrupt_at_any_line_leaves_columns_of_one_length(change):
    interrupted = 0
    for n in itertools.count(1):
        history = random_history(3, seed=0)
        kept = copy.deepcopy(history)
        part = (4, *[0.5] * 6) if change == "append" else random_history(2, seed=1)
        tracing = sys.gettrace()
        try:
            sys.settrace(InterruptedAt(n))
            getattr(history, change)(part)
        except KeyboardInterrupt:
            interrupted += 1
            assert history == kept
        else:
            break
        finally:
            sys.settrace(tracing)
    assert interrupted >= 4
    assert {len(column) for column in history.values()} == {4 if change == "append" else 5}


def test_a_row_of_another_length_is_refused_whole():
    history = random_history(3, seed=0)
    with pytest.raises(ValueError, match="zip"):
        history.append((4, 0.5))
    assert {len(column) for column in history.values()} == {3}


class Untouched(list):
    """A list that may be appended to, but not read."""

    def __iter__(self):
        raise AssertionError("walked through")

    __getitem__ = __copy__ = __iter__


def test_going_on_does_not_walk_through_what_is_there():
    history = random_history(3, seed=0)
    for column in COLUMNS:
        history[column] = Untouched(history[column])
    history.extend(random_history(2, seed=1))
    assert {len(column) for column in history.values()} == {5}


def test_training_ends_after_max_epochs_and_goes_on_bit_by_bit():
    objective, start = regression()
    solver = GradientDescent("adam", learning_rate=Adaptive(0.1, tol=0.5, n_iter_no_change=1), batch_size=7, max_iter=9)
    whole = solver.minimize(objective, start, rng=np.random.RandomState(0))
    rng, params, state, history = np.random.RandomState(0), start, None, History()
    for done in range(9):
        monitor = Monitor(objective, max_epochs=1, epochs_before=done)
        result = solver.minimize(objective, params, callback=monitor, rng=rng, state=state)
        params, state = result.x, pickle.loads(pickle.dumps(result.state))
        history.extend(monitor.history)
        assert monitor.epochs == 1
    np.testing.assert_array_equal(params, whole.x)
    assert history["epoch"] == list(range(1, 10))
    assert state["losses"] == whole.state["losses"] == history["loss"]
    assert history["learning_rate"][-1] < 0.1


@pytest.mark.parametrize("first", [math.nan, math.inf, -math.inf])
def test_a_first_score_that_is_not_finite_names_scoring_and_the_validation_set(first):
    monitor = Monitor(None, validate=scores_of(first, 0.5), patience=Patience(0.0, 3))
    with pytest.raises(ValueError, match=f"scoring gives {first} on the validation set"):
        monitor(epoch())
    assert monitor.epochs == 0


@pytest.mark.parametrize("first", [math.nan, math.inf, -math.inf])
def test_a_score_that_decides_nothing_may_be_anything(first):
    monitor = Monitor(None, validate=scores_of(first, first))
    assert [monitor(epoch()), monitor(epoch())] == [None, None]


@pytest.mark.parametrize("later", [math.nan, math.inf, -math.inf])
def test_a_later_score_that_is_not_finite_is_no_improvement(later):
    monitor = Monitor(None, validate=scores_of(0.5, 0.6, *[later] * 50), patience=Patience(1e-4, 3))
    with pytest.raises(StopIteration):
        feed(monitor, [1.0] * 50)
    assert monitor.epochs == 2 + 3 + 1
    assert monitor.best_score == 0.6


def test_after_a_score_that_is_not_finite_improvement_counts_again():
    scores = [0.5, math.nan, math.inf, 0.6, -math.inf, 0.7, *[0.7] * 10]
    monitor = Monitor(None, validate=scores_of(*scores), patience=Patience(1e-4, 3))
    with pytest.raises(StopIteration) as stop:
        feed(monitor, [1.0] * 50)
    assert monitor.epochs == 6 + 3 + 1
    assert (monitor.best_score, stop.value.value) == (0.7, -0.7)


def test_the_monitor_collects_a_solvers_warnings():
    objective, start = regression()
    monitor = Monitor(objective)
    GradientDescent(batch_size=31, max_iter=1).minimize(objective, start, callback=monitor)
    assert [(text.partition(" ")[0], category) for text, category in monitor.warnings] == [
        ("batch_size=31", UserWarning)
    ]


def test_the_best_parameters_are_a_copy_of_what_was_measured():
    live = np.zeros(2)  # a solver changes its vector in place
    monitor = Monitor(None, validate=scores_of(0.5, 0.9, 0.9, 0.7), patience=Patience(0.0, 10))
    for value in (1.0, 2.0, 3.0, 4.0):
        live[:] = value
        monitor(OptimizeResult(x=live, fun=1.0))
    np.testing.assert_array_equal(monitor.best_params, [2.0, 2.0])  # the first of equals
    assert monitor.best_score == 0.9
    assert monitor.params is live


def test_without_patience_nothing_is_kept_or_stopped():
    monitor = Monitor(None, validate=scores_of(*[0.5] * 50))
    assert [monitor(epoch()) for _ in range(50)] == [None] * 50
    assert monitor.best_params is None


@pytest.mark.parametrize("n", [1, 3])
def test_a_stalled_validation_score_stops_training(n):
    monitor = Monitor(None, validate=scores_of(*[0.5] * 50), patience=Patience(1e-4, n))
    with pytest.raises(StopIteration):
        feed(monitor, [1.0] * 50)
    assert monitor.epochs == 1 + n + 1


def test_a_schedule_takes_the_score_and_goes_on_to_its_floor():
    objective, start = regression()
    monitor = Monitor(objective, validate=scores_of(*[0.5] * 50), patience=Patience(1e-4, 1))
    schedule = Adaptive(1e-5, tol=1e-4, n_iter_no_change=1)
    result = GradientDescent(learning_rate=schedule, max_iter=50).minimize(objective, start, callback=monitor)
    # 1e-5 / 5**2 is the first rate below 1e-6; each takes two bad epochs, after a first good one.
    np.testing.assert_allclose(monitor.history["learning_rate"], 1e-5 / np.array([1, 1, 1, 5, 5, 25, 25]), rtol=1e-12)
    assert result.message == "Stopped by the callback."
    assert set(result.state["losses"]) == {-0.5}


def test_a_listener_sees_the_parameters_and_may_stop():
    seen = []

    def listener(params):
        seen.append(params.copy())
        return len(seen) == 3

    objective, start = regression()
    monitor = Monitor(objective, listener=listener)
    result = GradientDescent(learning_rate=0.1, max_iter=50).minimize(objective, start, callback=monitor)
    assert len(seen) == result.nit == monitor.epochs == 3
    np.testing.assert_array_equal(seen[-1], result.x)


def test_an_error_of_a_listener_is_not_swallowed():
    def listener(params):
        raise RuntimeError("the listener's own")

    with pytest.raises(RuntimeError, match="the listener's own"):
        Monitor(None, listener=listener)(epoch())


@pytest.mark.parametrize("loss", [10.5, math.inf, math.nan])
def test_a_loss_above_the_limit_is_a_divergence(loss):
    monitor = Monitor(None, guard=DivergenceGuard(10.0))
    monitor(epoch(10.0))
    with pytest.raises(ValueError, match=r"diverged: the loss is .* in epoch 2, with learning rate 0\.5"):
        monitor(epoch(loss, x=7.0, learning_rate=0.5))
    assert monitor.epochs == 1
    np.testing.assert_array_equal(monitor.params, [0.0, 0.0])  # the latest parameters that were in order
    with pytest.raises(ValueError, match="with a solver without a learning rate"):
        monitor(epoch(loss))


def test_verbose_prints_each_epoch_and_why_it_stops(capsys):
    monitor = Monitor(None, validate=scores_of(*[0.5] * 9), patience=Patience(1e-4, 1), verbose=True)
    with pytest.raises(StopIteration):
        feed(monitor, itertools.count(1))
    assert capsys.readouterr().out.splitlines() == [
        "Iteration 1, loss = 1.00000000",
        "Validation score: 0.500000",
        "Iteration 2, loss = 2.00000000",
        "Validation score: 0.500000",
        "Iteration 3, loss = 3.00000000",
        "Validation score: 0.500000",
        "Validation score did not improve more than tol=0.000100. Stopping.",
    ]


def test_quiet_prints_nothing(capsys):
    monitor = Monitor(None, validate=scores_of(*[0.5] * 9), patience=Patience(1e-4, 1))
    with pytest.raises(StopIteration):
        feed(monitor, itertools.count(1))
    assert capsys.readouterr().out == ""

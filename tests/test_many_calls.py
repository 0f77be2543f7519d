"""Many calls of partial_fit, and many warm starts: each costs as much as the first, and they count as one run.

Costs are counted, not timed: lines and calls that Python executes, bytes that are set aside, bytes of a pickle.
"""

import copy
import pickle
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.schedules import Adaptive, InverseScaling
from skmlp_scratch.solvers import SOLVERS, GradientDescent

# A call of one epoch does not converge.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).standard_normal((20, 3))
Y = (X[:, 0] > 0).astype(int)
SCIPY = ("bfgs", "lbfgs", "cg")
DESCENDING = [solver for solver in SOLVERS if solver not in SCIPY]
each_estimator = pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])


# Costs


def events(call):
    """How many lines and calls Python executes, those of C included."""
    counts = [0]

    def trace(frame, event, arg):
        counts[0] += 1
        return trace

    def profile(frame, event, arg):
        counts[0] += 1

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return counts[0]


def allocated(call, choose):
    """Bytes at the highest point above the start: the least or the most of a few calls, since a list grows in leaps."""
    peaks = []
    tracemalloc.start()
    try:
        for _ in range(4):
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            call()
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    return choose(peaks)


WARM = {"warm_start": True, "max_iter": 1}
PARTIAL = {
    "plain": {},
    "adaptive": {"learning_rate": "adaptive"},
    "invscaling": {"learning_rate": "invscaling"},
    "full batch": {"solver": "gd"},
    "batch normalization": {"normalization": "batch"},
}
WARM_STARTS = {
    "plain": WARM,
    "adaptive": WARM | {"learning_rate": "adaptive"},
    "stopped early": WARM | {"early_stopping": True},
    "scipy": WARM | {"solver": "lbfgs"},
    "solver object": {"warm_start": True, "solver": GradientDescent("adam", max_iter=1)},
}
WAYS = [("partial_fit", name, params) for name, params in PARTIAL.items()]
WAYS += [("fit", name, params) for name, params in WARM_STARTS.items()]


@pytest.mark.parametrize("method, name, params", WAYS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_call_costs_the_same_after_many_calls(method, name, params):
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), random_state=0, **params)

    def call():
        getattr(model, method)(X, Y)

    for _ in range(10):
        call()
    few = events(call), allocated(call, max)
    for _ in range(300):
        call()
    many = events(call), allocated(call, min)
    assert many[0] <= 1.1 * few[0]
    assert many[1] <= few[1] + 8000  # a copy of eight columns takes 19 200 more


def test_an_epoch_of_adaptive_costs_the_same_after_many_epochs():
    """The memory of an epoch in the middle of one long fit."""
    peaks = []

    class Measured(Adaptive):
        def __call__(self, epoch, losses):
            if epoch in (100, 1000):
                tracemalloc.start()
                rate = super().__call__(epoch, losses)
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
                return rate
            return super().__call__(epoch, losses)

    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), solver="gd", learning_rate=Measured(1e-3, 0.0, 10**6))
    model.set_params(max_iter=1002, n_iter_no_change=10**6).fit(X, Y)
    assert peaks[1] <= peaks[0] + 1000


def test_adaptive_still_depends_on_nothing_but_the_losses():
    """Whatever makes it cheap, a copy that sees the same losses gives the same rates."""
    losses = [1.0, *np.random.RandomState(0).uniform(0.5, 2, 60)]
    schedule = Adaptive(0.1, 1e-4, 3)
    in_order = [schedule(epoch, losses[:epoch]) for epoch in range(61)]
    assert [Adaptive(0.1, 1e-4, 3)(epoch, losses[:epoch]) for epoch in range(61)] == in_order
    assert [schedule(epoch, losses[:epoch]) for epoch in reversed(range(61))] == in_order[::-1]
    assert pickle.loads(pickle.dumps(schedule))(60, losses[:60]) == in_order[60]


# Pickles


def fitted(n_epochs, estimator=ScratchMLPRegressor, **params):
    params = {"hidden_layer_sizes": (2,), "tol": 0.0, "n_iter_no_change": 10**6, "max_iter": n_epochs} | params
    return estimator(random_state=0, **params).fit(X, Y)


@pytest.mark.parametrize("params", [{}, {"solver": "gd"}, {"warm_start": True}, {"early_stopping": True}], ids=str)
@each_estimator
def test_a_pickle_grows_by_at_most_sixty_bytes_an_epoch(estimator, params):
    model = fitted(600, estimator, **params)
    size = len(pickle.dumps(model))
    vectors = 3 if "warm_start" in params else 1
    assert size <= vectors * 1.2 * model.params_.nbytes + 16 * 1024 + 60 * 600
    short = len(pickle.dumps(fitted(100, estimator, **params)))
    assert size - short <= 60 * 500 + 100


@each_estimator
def test_a_pickle_grows_by_at_most_sixty_bytes_a_call_of_partial_fit(estimator):
    model = estimator(hidden_layer_sizes=(2,), random_state=0)
    more = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    sizes = []
    for _ in range(2):
        for _ in range(300):
            model.partial_fit(X, Y, **more)
        sizes.append(len(pickle.dumps(model)))
    assert sizes[1] - sizes[0] <= 60 * 300 + 100
    assert sizes[1] <= 3 * 1.2 * model.params_.nbytes + 16 * 1024 + 60 * 600


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"batch_size": 5}, {"shuffle": False}], ids=str)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_pickle_does_not_grow_with_the_rows(method, params):
    if method == "partial_fit" and "early_stopping" in params:
        pytest.skip("partial_fit has no early stopping")
    sizes = []
    for repeats in (1, 200):
        data, y = np.tile(X, (repeats, 1)), np.tile(Y, repeats)
        model = ScratchMLPRegressor(hidden_layer_sizes=(2,), warm_start=True, max_iter=1, random_state=0, **params)
        sizes.append(len(pickle.dumps(getattr(model, method)(data, y))))
    assert abs(sizes[1] - sizes[0]) <= 300


# The history


def test_histories_read_as_lists():
    model = fitted(5)
    curve = model.loss_curve_
    assert isinstance(curve, list)
    assert curve == model.history_["loss"]
    assert curve[-1] == min(curve)
    assert all(isinstance(column, list) for column in model.history_.values())
    assert model.history_["epoch"] == [1, 2, 3, 4, 5]
    assert all(type(loss) is float for loss in curve)
    assert repr(curve).startswith("[0.")


@pytest.mark.parametrize("fail", ["rows", "schedule"])
def test_a_failed_call_leaves_the_history_as_it_was(fail):
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), random_state=0)
    for _ in range(3):
        model.partial_fit(X, Y)
    before = {name: list(column) for name, column in model.history_.items()}
    params, seen = model.params_.copy(), pickle.dumps(model)
    if fail == "rows":
        with pytest.raises(ValueError, match="features"):
            model.partial_fit(X[:, :2], Y)
    else:
        with pytest.raises(ValueError, match="learning_rate"):
            model.set_params(learning_rate=lambda epoch, losses: np.nan).partial_fit(X, Y)
        model.set_params(learning_rate="constant")
    assert model.history_ == before
    np.testing.assert_array_equal(model.params_, params)
    assert len(pickle.dumps(model)) == len(seen)
    other = pickle.loads(seen)
    np.testing.assert_array_equal(model.partial_fit(X, Y).params_, other.partial_fit(X, Y).params_)


def test_the_history_of_an_earlier_copy_stays_as_it_was():
    """What was copied is not appended to behind the reader's back."""
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), random_state=0).partial_fit(X, Y)
    deep, pickled = copy.deepcopy(model), pickle.dumps(model)
    for _ in range(3):
        model.partial_fit(X, Y)
    assert len(deep.loss_curve_) == 1
    assert all(len(column) == 1 for column in deep.history_.values())
    assert deep.n_iter_ == 1
    assert len(pickle.loads(pickled).loss_curve_) == 1
    deep.partial_fit(X, Y)
    assert len(model.loss_curve_) == 4


# Counting


@pytest.mark.parametrize("solver", SOLVERS)
@each_estimator
@pytest.mark.filterwarnings("ignore:n_iter_no_change")
def test_n_iter_counts_the_last_call_of_fit(estimator, solver):
    model = fitted(3, estimator, warm_start=True, solver=solver)
    assert model.n_iter_ == 3
    assert model.set_params(max_iter=2).fit(X, Y).n_iter_ == 2
    assert len(model.loss_curve_) == 5
    assert model.history_["epoch"] == [1, 2, 3, 4, 5]
    assert {len(column) for column in model.history_.values()} == {5}
    if solver in DESCENDING:
        assert model.t_ == 5 * len(X)


@pytest.mark.parametrize("ours, peer", [(ScratchMLPClassifier, MLPClassifier), (ScratchMLPRegressor, MLPRegressor)])
def test_counts_as_the_peers(ours, peer):
    counts = []
    for estimator in (ours, peer):
        model = estimator(hidden_layer_sizes=(2,), warm_start=True, max_iter=4, tol=0.0, random_state=0)
        classes = {"classes": [0, 1]} if "Classifier" in estimator.__name__ else {}
        found = []
        for call in (
            lambda model, classes: model.partial_fit(X, Y, **classes),
            lambda model, classes: model.partial_fit(X, Y, **classes),
            lambda model, classes: model.fit(X, Y),
            lambda model, classes: model.partial_fit(X, Y),
            lambda model, classes: model.fit(X, Y),
        ):
            call(model, classes)
            found.append((model.n_iter_, model.t_, len(model.loss_curve_)))
        counts.append(found)
    assert counts[0] == counts[1]


# Learning rates over many calls


@pytest.mark.parametrize("sizes", [[20, 20, 20], [20, 5, 5, 11, 20], [3, 20, 1, 20]], ids=str)
@pytest.mark.parametrize("learning_rate", ["invscaling", "object"])
def test_invscaling_counts_the_rows_that_were_seen(sizes, learning_rate):
    schedule = "invscaling" if learning_rate == "invscaling" else InverseScaling(0.1, 0.5)
    init = {"learning_rate_init": 0.1, "power_t": 0.5} if learning_rate == "invscaling" else {}
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), learning_rate=schedule, solver="sgd", random_state=0, **init)
    for size in sizes:
        model.partial_fit(X[:size], Y[:size])
    seen = np.cumsum([0, *sizes[:-1]])
    np.testing.assert_allclose(model.history_["learning_rate"], 0.1 / np.sqrt(seen + 1))
    assert model.t_ == sum(sizes)


@pytest.mark.parametrize("learning_rate", ["invscaling", "object"])
def test_invscaling_goes_on_over_warm_starts_of_other_sizes(learning_rate):
    schedule = "invscaling" if learning_rate == "invscaling" else InverseScaling(0.1, 0.5)
    init = {"learning_rate_init": 0.1, "power_t": 0.5} if learning_rate == "invscaling" else {}
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), learning_rate=schedule, solver="sgd", random_state=0, **init)
    model.set_params(warm_start=True, max_iter=2, batch_size=3)
    model.fit(X, Y).fit(X[:7], Y[:7]).fit(X, Y)
    np.testing.assert_allclose(model.history_["learning_rate"], 0.1 / np.sqrt(np.array([0, 20, 40, 47, 54, 74]) + 1))


def test_no_rate_jumps_up_when_the_batch_size_changes():
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), learning_rate="invscaling", random_state=0)
    for size in (5, 20, 1, 7, 20):
        model.set_params(batch_size=size).partial_fit(X, Y)
    assert (np.diff(model.history_["learning_rate"]) < 0).all()


# Batch normalization over many calls


def still(**params):
    """A network whose weights do not move, so that the statistics are those of the rows alone."""
    params = {"hidden_layer_sizes": (4,), "normalization": "batch", "learning_rate_init": 1e-14} | params
    return ScratchMLPRegressor(solver="sgd", momentum=0.0, alpha=0.0, random_state=0, **params)


ROWS = np.random.RandomState(1).standard_normal((104, 3)) * [1, 2, 3] + np.linspace(0, 5, 104)[:, None]
TARGET = ROWS.sum(axis=1)
CHUNKS = {
    "a last chunk of four": [slice(0, 100), slice(100, 104)],
    "a first chunk of four": [slice(100, 104), slice(0, 100)],
    "many": [slice(start, start + 13) for start in range(0, 104, 13)],
}


@pytest.mark.parametrize("chunks", ["a last chunk of four", "a first chunk of four", "many"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_statistics_are_those_of_all_rows_seen(chunks, dtype):
    rows = ROWS.astype(dtype)
    model = still()
    for chunk in CHUNKS[chunks]:
        model.partial_fit(rows[chunk], TARGET[chunk])
    whole = still(max_iter=1).fit(rows, TARGET)
    np.testing.assert_allclose(model.predict(rows), whole.predict(rows), rtol=1e-5 if dtype == np.float64 else 1e-3)


def test_statistics_count_rows_of_weight_zero_as_absent():
    weights = np.ones(104)
    weights[50:100] = 0
    model, reference = still(), still()
    model.partial_fit(ROWS[:100], TARGET[:100], weights[:100]).partial_fit(ROWS[100:], TARGET[100:])
    reference.partial_fit(ROWS[:50], TARGET[:50]).partial_fit(ROWS[100:], TARGET[100:])
    np.testing.assert_allclose(model.predict(ROWS), reference.predict(ROWS), rtol=1e-10)


def test_a_small_chunk_hardly_moves_the_predictions():
    """In a deep network, too."""
    model = still(hidden_layer_sizes=(8, 8)).partial_fit(ROWS[:100], TARGET[:100])
    before = model.predict(ROWS)
    model.partial_fit(ROWS[100:], TARGET[100:])
    assert np.abs(model.predict(ROWS) - before).max() < 0.5 * before.std()


def test_a_validation_set_does_not_count_the_rows_twice():
    """It is measured with the statistics of all rows so far, which the end of the call takes anew."""
    model, reference = still(), still()
    for chunk in (slice(0, None, 2), slice(1, None, 2)):
        model.partial_fit(ROWS[chunk], TARGET[chunk], X_val=ROWS[::8], y_val=TARGET[::8])
        reference.partial_fit(ROWS[chunk], TARGET[chunk])
    np.testing.assert_array_equal(model.params_, reference.params_)


def test_statistics_survive_a_pickle():
    model = still().partial_fit(ROWS[:60], TARGET[:60])
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit(ROWS[60:], TARGET[60:])
    np.testing.assert_array_equal(model.predict(ROWS), again.predict(ROWS))
    whole = still(max_iter=1).fit(ROWS, TARGET)
    np.testing.assert_allclose(again.predict(ROWS), whole.predict(ROWS), rtol=1e-5)


# One state of numpy's errors, in every thread


@pytest.mark.parametrize("solver", ["gd", "adam", "lbfgs"])
@pytest.mark.parametrize("state", ["raise", "warn"])
def test_a_fit_that_overflows_in_worker_threads_raises_no_warning_of_numpys(solver, state):
    data = np.random.RandomState(0).standard_normal((30_000, 4))
    data[12_345] = 1e200
    model = ScratchMLPRegressor(hidden_layer_sizes=(50,), solver=solver, max_iter=2, random_state=0)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all=state):
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="diverged"):
            model.fit(data, data[:, 0].clip(-1, 1))
    assert [str(each.message) for each in caught if issubclass(each.category, RuntimeWarning)] == []

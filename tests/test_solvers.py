"""Solvers: what they do to the simplest objectives, how they stop, go on and fail, and where L1 makes zeros."""

import copy
import math
import pickle

import numpy as np
import pytest
from problems import name_of
from scipy import optimize
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import ElasticNet, Lasso
from sklearn.preprocessing import scale
from sklearn.utils import shuffle

from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, RMSprop
from skmlp_scratch.schedules import Adaptive, Cosine, InverseScaling, TimeDecay
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize
from skmlp_scratch.stopping import Watched

RULES = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True),
    Adagrad(),
    RMSprop(),
    RMSprop(centered=True),
    Adam(),
    AdamW(weight_decay=0.1),
]
WITH_GRADIENT = ["BFGS", "L-BFGS-B", "CG", "Newton-CG", "TNC", "SLSQP", "trust-constr"]
WITHOUT_GRADIENT = ["Nelder-Mead", "Powell", "COBYLA"]


class Bowl:
    """The least a third party's objective needs: two attributes, one method. Half the squared distance from ones."""

    n_samples, is_stochastic = 10, False

    def __init__(self):
        self.asked = []

    def loss_and_grad(self, params, rows=None, rng=None):
        self.asked.append(copy.copy(rows))
        return float((params - 1) @ (params - 1)) / 2, params - 1


class Script:
    """An objective that gives the losses of a list, one per evaluation, and a gradient of ones."""

    is_stochastic = False

    def __init__(self, *losses, n_samples=1):
        self.losses, self.n_samples = iter(losses), n_samples

    def loss_and_grad(self, params, rows=None, rng=None):
        return next(self.losses), np.ones_like(params)


def network_objective(*extra, n=40, dtype=np.float64, **settings):
    """A small classification problem, and where to start."""
    rng = np.random.RandomState(0)
    X = rng.randn(n, 3).astype(dtype)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.randn(n) > 0).astype(int)
    net = Network([Dense(3, 4), Activation("tanh"), *extra, Dense(4, 2)])
    return Objective(net, "log_loss", X, y, **({"alpha": 0.5} | settings)), net.init(rng, dtype=dtype)


def convex_objective(**settings):
    """Regularised logistic regression: one minimum, found to rounding by Newton's method."""
    rng = np.random.RandomState(0)
    X = rng.randn(60, 3)
    y = X @ [1, -2, 0.5] + rng.randn(60) > 0
    net = Network([Dense(3, 1)])
    objective = Objective(net, "log_loss", X, y, **({"alpha": 1.0} | settings))
    minimum = ScipyMinimize("Newton-CG", tol=1e-12).minimize(objective, np.zeros(4)).x
    assert abs(objective.loss_and_grad(minimum)[1]).max() < 1e-7
    return objective, minimum


# Gradient descent


def test_full_batch_gradient_descent_is_the_textbooks_loop():
    objective, start = network_objective()
    params = start.copy()
    for _ in range(20):
        params -= 0.3 * objective.loss_and_grad(params)[1]
    result = GradientDescent(learning_rate=0.3, max_iter=20).minimize(objective, start)
    np.testing.assert_array_equal(result.x, params)
    assert (result.nit, result.status, result.success) == (20, 1, True)
    assert "Maximum number of epochs (20)" in result.message


def test_minibatch_gradient_descent_is_the_textbooks_loop():
    objective, start = network_objective()
    params, rng, order = start.copy(), np.random.RandomState(3), np.arange(40)
    for _ in range(5):
        rng.shuffle(order)
        for rows in np.split(order, [16, 32]):
            params -= 0.3 * objective.loss_and_grad(params, rows)[1]
    solver = GradientDescent(learning_rate=0.3, batch_size=16, max_iter=5)
    result = solver.minimize(objective, start, rng=np.random.RandomState(3))
    np.testing.assert_array_equal(result.x, params)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_one_minibatch_of_all_rows_is_the_full_batch(rule):
    objective, start = network_objective()
    full, one, mixed = (
        GradientDescent(rule, learning_rate=0.05, batch_size=size, shuffle=shuffled, max_iter=10)
        .minimize(objective, start, rng=np.random.RandomState(0))
        .x
        for size, shuffled in ((None, True), (40, False), (40, True))
    )
    np.testing.assert_allclose(one, full, rtol=1e-12)
    np.testing.assert_allclose(mixed, full, rtol=1e-7, atol=1e-9)


def test_every_row_is_seen_once_an_epoch_in_scikit_learns_order():
    bowl = Bowl()
    GradientDescent(batch_size=4, max_iter=3).minimize(bowl, np.zeros(2), rng=np.random.RandomState(5))
    assert [len(rows) for rows in bowl.asked] == [4, 4, 2] * 3
    order, rng = np.arange(10), np.random.RandomState(5)
    for epoch in range(3):
        order = shuffle(order, random_state=rng)  # as the peer's fit does
        np.testing.assert_array_equal(np.concatenate(bowl.asked[3 * epoch : 3 * epoch + 3]), order)


def test_without_shuffling_rows_come_in_slices():
    bowl = Bowl()
    GradientDescent(batch_size=4, shuffle=False, max_iter=2).minimize(bowl, np.zeros(2))
    assert bowl.asked == [slice(0, 4), slice(4, 8), slice(8, 10)] * 2


def test_a_full_batch_asks_for_all_rows():
    bowl = Bowl()
    GradientDescent(max_iter=2).minimize(bowl, np.zeros(2))
    assert bowl.asked == [None, None]


@pytest.mark.parametrize("batch_size", [None, 4])
def test_the_callback_gets_each_epoch(batch_size):
    steps, points = [], []

    def callback(step):
        steps.append(step)
        points.append(step.x.copy())

    solver = GradientDescent(learning_rate=TimeDecay(0.5, decay=1.0), batch_size=batch_size, max_iter=3)
    result = solver.minimize(Bowl(), np.array([3.0]), callback=callback)
    # The distance from the minimum shrinks by 1 - rate in each step; an epoch of minibatches has three.
    distance, losses, rates = 2.0, [], [0.5, 0.25, 0.5 / 3]
    for rate in rates:
        sizes = [10] if batch_size is None else [4, 4, 2]
        total = 0.0
        for size in sizes:
            total += size * distance**2 / 2
            last, distance = distance, distance * (1 - rate)
        losses.append(total / 10)
    assert [step.nit for step in steps] == [1, 2, 3]
    np.testing.assert_allclose([step.learning_rate for step in steps], rates, rtol=1e-14)
    np.testing.assert_allclose([step.fun for step in steps], losses, rtol=1e-12)
    assert steps[-1].grad_norm == pytest.approx(last, rel=1e-12)
    assert points[-1][0] - 1 == pytest.approx(distance, rel=1e-12)
    assert result.fun == steps[-1].fun
    np.testing.assert_array_equal(result.x, points[-1])
    assert steps[0].x is steps[2].x  # live: a copy is for the callback to take


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_goes_by_its_name(name):
    objective, start = network_objective()
    by_name, by_object = (
        GradientDescent(optimizer, max_iter=5).minimize(objective, start).x for optimizer in (name, OPTIMIZERS[name]())
    )
    np.testing.assert_array_equal(by_name, by_object)


class SignDescent:
    """A third party's rule, with nothing but the two methods: steps by the gradient's sign."""

    def init(self, params):
        return {"steps": np.zeros(1)}

    def update(self, params, grad, state, learning_rate):
        state["steps"] += 1
        params -= learning_rate * np.sign(grad)


def test_a_rule_of_ones_own_needs_two_methods():
    result = GradientDescent(SignDescent(), learning_rate=0.25, max_iter=8).minimize(Bowl(), np.array([3.0, 0.5]))
    np.testing.assert_array_equal(result.x, [1.0, 1.0])
    assert result.state["optimizer"]["steps"] == 8


# Going on


@pytest.mark.parametrize("shuffled", [True, False])
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_going_on_equals_not_having_stopped(rule, batch_size, shuffled):
    objective, start = network_objective(Dropout(0.2))
    schedule = Adaptive(0.05, tol=0.02, n_iter_no_change=1)

    def solver(max_iter):
        return GradientDescent(rule, schedule, batch_size=batch_size, shuffle=shuffled, max_iter=max_iter)

    whole = solver(12).minimize(objective, start, rng=np.random.RandomState(0))
    rng = np.random.RandomState(0)
    first = solver(5).minimize(objective, start, rng=rng)
    kept = copy.deepcopy((first.x, first.state))
    state = pickle.loads(pickle.dumps(first.state))
    rest = solver(7).minimize(objective, first.x, rng=rng, state=state)
    np.testing.assert_array_equal(rest.x, whole.x)
    assert rest.state["losses"] == whole.state["losses"]
    assert rest.state["epoch"] == whole.state["epoch"] == 12
    assert schedule(12, whole.state["losses"]) < 0.05  # the schedule, too, has something to remember
    # What the second run was given is as it was.
    np.testing.assert_array_equal(first.x, kept[0])
    for given, before in ((state, kept[1]), (first.state, kept[1])):
        assert given["losses"][: given["epoch"]] == before["losses"]
        np.testing.assert_array_equal(given["order"], before["order"])
        for slot, array in before["optimizer"].items():
            np.testing.assert_array_equal(given["optimizer"][slot], array)


def test_start_and_solver_are_left_as_they_are():
    objective, start = network_objective()
    before = start.copy()
    for solver in (GradientDescent(SGD(momentum=0.9), 0.1, batch_size=7, max_iter=3), ScipyMinimize(max_iter=3)):
        settings = clone(solver).get_params(deep=False)
        result = solver.minimize(objective, start, rng=np.random.RandomState(0))
        assert result.x is not start
        np.testing.assert_array_equal(start, before)
        assert repr(solver.get_params(deep=False)) == repr(settings)
        assert vars(solver).keys() == settings.keys()


def test_a_state_holds_plain_arrays_and_numbers():
    objective, start = network_objective()
    state = GradientDescent("adam", batch_size=7, max_iter=2).minimize(objective, start).state
    assert set(state) == {"epoch", "samples", "losses", "order", "optimizer"}
    assert {type(array) for array in state["optimizer"].values()} == {np.ndarray}
    assert type(state["order"]) is np.ndarray
    assert sorted(state["order"]) == list(range(40))
    assert [type(loss) for loss in state["losses"]] == [float, float]


def test_another_rule_takes_over_weights_and_epoch_but_not_the_moving_numbers():
    objective, start = network_objective()
    first = GradientDescent("adam", max_iter=3).minimize(objective, start)
    then = GradientDescent(SGD(momentum=0.9), 0.1, max_iter=2).minimize(objective, first.x, state=first.state)
    afresh = GradientDescent(SGD(momentum=0.9), 0.1, max_iter=2).minimize(objective, first.x)
    np.testing.assert_array_equal(then.x, afresh.x)
    assert then.state["epoch"] == 5


# Stopping

EVERY_SOLVER = [
    GradientDescent(learning_rate=0.1, max_iter=50),
    GradientDescent("adam", learning_rate=0.1, batch_size=7, max_iter=50),
    *[ScipyMinimize(method) for method in WITH_GRADIENT + WITHOUT_GRADIENT],
]


@pytest.mark.parametrize("solver", EVERY_SOLVER, ids=repr)
def test_stop_iteration_ends_the_run_with_what_has_been_reached(solver):
    objective, start = network_objective()
    seen = []

    def callback(step):
        seen.append((step.x.copy(), step.fun))
        if step.nit == 3:
            raise StopIteration

    result = solver.minimize(objective, start, callback=callback, rng=np.random.RandomState(0))
    assert len(seen) == result.nit == 3
    assert (result.success, result.status, result.message) == (True, 2, "Stopped by the callback.")
    np.testing.assert_array_equal(result.x, seen[-1][0])
    assert result.fun == seen[-1][1]
    if isinstance(solver, ScipyMinimize):  # in gradient descent it is the loss on the way there
        assert objective.loss_and_grad(result.x)[0] == pytest.approx(result.fun, rel=1e-12)


@pytest.mark.parametrize("solver", EVERY_SOLVER, ids=repr)
def test_an_interrupt_ends_the_run_and_its_message_says_so(solver):
    objective, start = network_objective()
    seen = []

    def callback(step):
        seen.append(step.x.copy())
        if step.nit == 3:
            raise KeyboardInterrupt

    result = solver.minimize(objective, start, callback=callback, rng=np.random.RandomState(0))
    assert len(seen) == result.nit == 3
    assert result.message == "Training interrupted by user."
    np.testing.assert_array_equal(result.x, seen[-1])


class Interrupting(Bowl):
    """The user presses Ctrl-C in the fifth evaluation."""

    def loss_and_grad(self, params, rows=None, rng=None):
        if len(self.asked) == 4:
            raise KeyboardInterrupt
        return super().loss_and_grad(params, rows, rng)


def test_an_interrupt_within_an_epoch_keeps_the_steps_so_far():
    result = GradientDescent(learning_rate=0.5, batch_size=4).minimize(Interrupting(), np.zeros(2))
    np.testing.assert_allclose(result.x, 1 - 0.5**4)
    assert result.nit == 1
    start = np.array([3.0, -300.0])  # from here the first line search takes more than four evaluations
    result = ScipyMinimize("CG").minimize(Interrupting(), start)
    np.testing.assert_array_equal(result.x, start)
    assert (result.nit, result.fun) == (0, Bowl().loss_and_grad(start)[0])


@pytest.mark.parametrize("n", [1, 4])
def test_tol_stops_after_one_epoch_more_than_n_iter_no_change(n):
    losses = [1.0, 0.5, 0.4, *[0.395] * 20]
    solver = GradientDescent(tol=0.01, n_iter_no_change=n, max_iter=20)
    result = solver.minimize(Script(*losses), np.zeros(2))
    assert result.nit == 3 + n + 1
    assert (result.success, result.status) == (True, 0)
    assert "did not improve more than tol=0.01" in result.message
    assert GradientDescent(tol=None, max_iter=20).minimize(Script(*losses), np.zeros(2)).nit == 20


def test_reaching_max_iter_with_a_tol_is_no_success():
    result = GradientDescent(tol=1e-9, max_iter=5).minimize(Bowl(), np.zeros(2))
    assert (result.nit, result.success, result.status) == (5, False, 1)


def test_adaptive_goes_on_through_stalls_down_to_its_floor():
    rates = []
    solver = GradientDescent(
        learning_rate=Adaptive(1e-4, tol=0.01, n_iter_no_change=1), tol=0.01, n_iter_no_change=1, max_iter=50
    )
    result = solver.minimize(Script(*[1.0] * 50), np.zeros(2), callback=lambda step: rates.append(step.learning_rate))
    # 1e-4 / 5**3 is the first rate below 1e-6; each takes two bad epochs, after a first good one.
    np.testing.assert_allclose(rates, 1e-4 / np.array([1, 1, 1, 5, 5, 25, 25, 125, 125]), rtol=1e-12)
    assert result.success


def test_the_watched_value_of_the_last_epoch_comes_with_the_stop():
    def callback(step):
        if step.nit == 3:
            raise StopIteration(-0.3)
        return -0.1 * step.nit

    result = GradientDescent(max_iter=6).minimize(Script(*range(6)), np.zeros(1), callback=callback)
    np.testing.assert_allclose(result.state["losses"], [-0.1, -0.2, -0.3])
    assert result.state["epoch"] == 3


@pytest.mark.parametrize("rule", RULES, ids=repr)
@pytest.mark.parametrize("ending", [StopIteration, KeyboardInterrupt], ids=lambda kind: kind.__name__)
def test_going_on_after_every_single_epoch_equals_not_having_stopped(rule, ending):
    objective, start = network_objective(Dropout(0.2), l1_ratio=0.5)
    solver = GradientDescent(
        rule, Adaptive(0.05, tol=0.02, n_iter_no_change=1), batch_size=7, max_iter=6, clip_norm=0.2
    )
    whole = solver.minimize(objective, start, rng=np.random.RandomState(0))

    def stop(step):
        raise ending

    rng, params, state, states = np.random.RandomState(0), start, None, []
    for _ in range(6):
        result = solver.minimize(objective, params, callback=stop, rng=rng, state=state)
        params, state = result.x, result.state
        states.append(state)
    np.testing.assert_array_equal(params, whole.x)
    assert state["losses"] == whole.state["losses"]
    # An earlier state is still one to go on from.
    again = solver.minimize(objective, start, callback=stop, state=states[1])
    assert again.state["losses"][:2] == whole.state["losses"][:2]
    assert (again.state["epoch"], len(again.state["losses"])) == (3, 3)
    assert states[-1]["losses"] == whole.state["losses"]


def test_an_epoch_costs_the_same_however_long_training_has_lasted():
    class Losses(Watched):
        def __iter__(self):
            raise AssertionError("walked through")

    losses = Losses([1.0] * 1000)
    solver = GradientDescent("adam", Adaptive(0.1, n_iter_no_change=50), max_iter=1)
    fresh = solver.minimize(Bowl(), np.zeros(2)).state
    losses.stalls(solver.learning_rate.tol, 50)
    result = solver.minimize(Bowl(), np.zeros(2), state=fresh | {"epoch": 1000, "losses": losses})
    assert result.state["losses"] is losses
    assert len(losses) == 1001


def test_invscaling_counts_the_samples_of_all_epochs_whatever_their_number():
    schedule, rates = InverseScaling(1.0, power_t=0.5), []

    class Some(Bowl):
        def __init__(self, n_samples):
            super().__init__()
            self.n_samples = n_samples

    state = None
    for n_samples in (10, 10, 30, 5):
        solver = GradientDescent(learning_rate=schedule, max_iter=1)
        state = solver.minimize(
            Some(n_samples), np.zeros(1), callback=lambda step: rates.append(step.learning_rate), state=state
        ).state
    np.testing.assert_allclose(rates, 1 / np.sqrt([1, 11, 21, 51]), rtol=1e-14)
    assert schedule.n_samples is None
    solver = GradientDescent(learning_rate=InverseScaling(1.0, n_samples=100), max_iter=2)
    solver.minimize(Bowl(), np.zeros(1), callback=lambda step: rates.append(step.learning_rate))
    assert rates[-1] == pytest.approx(1 / math.sqrt(101), rel=1e-14)


def test_names_of_solvers_follow_the_tables(monkeypatch):
    expected = ["gd", "sgd", "adagrad", "rmsprop", "adam", "adamw", "bfgs", "lbfgs", "cg"]
    assert list(SOLVERS) == expected
    monkeypatch.setitem(OPTIMIZERS, "sign", SignDescent)
    assert "sign" in SOLVERS
    assert len(SOLVERS) == 10
    assert set(SOLVERS) == {*expected, "sign"}
    assert repr(SOLVERS) == repr(tuple(SOLVERS))


class Frozen:
    """An object that is never written to after it was made."""

    def __init__(self, **parameters):
        self.__dict__.update(parameters)

    def __setattr__(self, name, value):
        raise AssertionError(f"{name} was written")


class FrozenRule(Frozen, SignDescent):
    momenta = ()


class FrozenSchedule(Frozen):
    n_samples = 3

    def __call__(self, epoch, losses):
        return 0.1


def test_what_a_third_party_gives_is_never_written_to():
    objective, start = network_objective(l1_ratio=0.5)
    solver = GradientDescent(FrozenRule(), FrozenSchedule(), batch_size=7, max_iter=3, clip_norm=0.1)
    solver.minimize(objective, start, rng=np.random.RandomState(0))
    assert vars(solver.optimizer) == vars(solver.learning_rate) == {}


@pytest.mark.parametrize("batch_size", [None, 5])
@pytest.mark.parametrize("dtype, steepness", [(np.float32, 1e20), (np.float64, 1e160)])
@pytest.mark.parametrize("rule", [Adagrad(), RMSprop(), RMSprop(centered=True), Adam(), AdamW()], ids=repr)
def test_a_gradient_whose_square_overflows_is_a_divergence(rule, dtype, steepness, batch_size):
    solver = GradientDescent(rule, learning_rate=0.5, batch_size=batch_size, max_iter=3)
    with pytest.raises(ValueError, match=r"diverged: .* in epoch 1, with learning rate 0\.5; .* or set clip_norm"):
        solver.minimize(Steep(steepness), np.zeros(4, dtype=dtype))


@pytest.mark.parametrize("method", ["Newton-CG", "TNC"])
def test_methods_that_difference_gradients_work_in_float32(method):
    objective, start = network_objective(dtype=np.float32)
    exact = network_objective()[0]
    single = ScipyMinimize(method, max_iter=100).minimize(objective, start)
    double = ScipyMinimize(method, max_iter=100).minimize(exact, start.astype(np.float64))
    assert single.x.dtype == np.float32
    at_start = exact.loss_and_grad(start.astype(np.float64))[0]
    reached = exact.loss_and_grad(single.x.astype(np.float64))[0]
    # Not the same path, but as good an end.
    assert at_start - reached > 0.9 * (at_start - double.fun)


def test_a_callback_may_take_the_warnings():
    taken = []

    class Listener:
        def __call__(self, step):
            return None

        def warn(self, text, category):
            taken.append((text, category))

    GradientDescent(batch_size=11, max_iter=1).minimize(Bowl(), np.zeros(2), callback=Listener())
    ((text, category),) = taken
    assert "batch_size=11 is larger" in text
    assert category is UserWarning


def test_what_the_callback_watches_takes_the_place_of_the_loss():
    scores, rates = iter([0.1, 0.2, 0.2, 0.2, 0.2, 0.2]), []

    def callback(step):
        rates.append(step.learning_rate)
        return -next(scores)

    schedule = Adaptive(1.0, tol=0.01, n_iter_no_change=1)
    solver = GradientDescent(learning_rate=schedule, tol=0.01, n_iter_no_change=1, max_iter=6)
    result = solver.minimize(Script(*range(6)), np.zeros(1), callback=callback)
    assert rates == [1.0, 1.0, 1.0, 1.0, 0.2, 0.2]
    assert result.nit == 6  # the rising loss stops nothing: that is for the callback now
    assert result.state["losses"] == [-0.1, -0.2, -0.2, -0.2, -0.2, -0.2]


# Clipping


@pytest.mark.parametrize("clip_norm, length", [(2.0, 2.0), (5.0, 5.0), (7.0, 5.0), (None, 5.0)])
def test_clip_norm_shortens_and_never_turns_or_lengthens(clip_norm, length):
    result = GradientDescent(learning_rate=0.1, clip_norm=clip_norm, max_iter=1).minimize(Bowl(), np.array([4.0, 5.0]))
    np.testing.assert_allclose(result.x, np.array([4.0, 5.0]) - 0.1 * length * np.array([0.6, 0.8]), rtol=1e-14)


class Steep(Bowl):
    """A plane with the slope of ``steepness`` in every direction."""

    def __init__(self, steepness):
        super().__init__()
        self.steepness = steepness

    def loss_and_grad(self, params, rows=None, rng=None):
        return 1.0, np.full_like(params, self.steepness)


@pytest.mark.parametrize("dtype, steepness", [(np.float64, 1e200), (np.float32, 1e30)])
def test_clip_norm_holds_where_the_squares_overflow(dtype, steepness):
    solver = GradientDescent(learning_rate=1.0, clip_norm=5.0, max_iter=1)
    result = solver.minimize(Steep(steepness), np.zeros(4, dtype=dtype))
    np.testing.assert_allclose(result.x, -2.5, rtol=1e-6)


def test_parameters_that_overflow_in_the_last_step_are_an_error():
    with pytest.raises(ValueError, match=r"diverged: .* in epoch 1, with learning rate 1e\+300"):
        GradientDescent(learning_rate=1e300, max_iter=1).minimize(Steep(1e100), np.zeros(2))


def test_clip_norm_leaves_the_objectives_buffer_alone():
    objective, start = network_objective()
    grad = objective.loss_and_grad(start)[1].copy()
    GradientDescent(clip_norm=1e-3, learning_rate=0.0625, max_iter=1).minimize(objective, start)
    np.testing.assert_array_equal(objective.loss_and_grad(start)[1], grad)


# Divergence


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_first_loss_that_is_not_finite_ends_training(bad):
    script = Script(1.0, 2.0, 3.0, bad, 4.0)
    with pytest.raises(ValueError, match=r"diverged: the loss is .* in epoch 4, with learning rate 0\.125; lower it"):
        GradientDescent(learning_rate=0.125, max_iter=5).minimize(script, np.zeros(2))
    assert next(script.losses) == 4.0


def test_divergence_is_found_within_an_epoch_of_minibatches():
    script = Script(1.0, 2.0, 3.0, 4.0, math.nan, 5.0, n_samples=30)
    with pytest.raises(ValueError, match=r"in epoch 2, with learning rate 0\.5"):
        GradientDescent(learning_rate=0.5, batch_size=10).minimize(script, np.zeros(2))
    assert next(script.losses) == 5.0


class BadGradient(Bowl):
    def loss_and_grad(self, params, rows=None, rng=None):
        loss, grad = super().loss_and_grad(params, rows, rng)
        if len(self.asked) == 3:
            grad[1] = math.nan
        return loss, grad


def test_a_gradient_that_is_not_finite_ends_training():
    bowl = BadGradient()
    with pytest.raises(ValueError, match=r"in epoch 3, with learning rate 0\.5"):
        GradientDescent(learning_rate=0.5, max_iter=10).minimize(bowl, np.zeros(2))
    assert len(bowl.asked) == 3


class BadFirstBatch(Bowl):
    def loss_and_grad(self, params, rows=None, rng=None):
        loss, grad = super().loss_and_grad(np.zeros(2), rows, rng)
        return loss, np.array([0, math.inf]) if len(self.asked) == 1 else grad


def test_parameters_that_are_not_finite_end_training_in_their_epoch():
    with pytest.raises(ValueError, match=r"in epoch 1, with learning rate 0\.5"):
        GradientDescent(learning_rate=0.5, batch_size=5, max_iter=10).minimize(BadFirstBatch(), np.zeros(2))


@pytest.mark.parametrize("rule", [SGD(), SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True)], ids=repr)
def test_a_network_that_runs_away_is_stopped_without_numerical_warnings(rule):
    rng = np.random.RandomState(0)
    X, y = rng.randn(30, 3), rng.randn(30)
    net = Network([Dense(3, 10), Activation("relu"), Dense(10, 1)])
    start = net.init(rng)
    with pytest.raises(
        ValueError, match=r"Training diverged: .* in epoch \d+, with learning rate 1e\+06; lower it, scale"
    ):
        GradientDescent(rule, learning_rate=1e6).minimize(Objective(net, "squared_error", X, y), start)
    assert np.isfinite(start).all()


def test_scipy_refuses_to_start_where_the_loss_is_not_finite():
    with pytest.raises(
        ValueError, match="loss is nan in epoch 1, with a solver without a learning rate; scale X and y"
    ):
        ScipyMinimize().minimize(Script(math.nan), np.zeros(2))


class Cliff(Bowl):
    """Falls off to minus infinity."""

    def loss_and_grad(self, params, rows=None, rng=None):
        return (-math.inf if params[0] > 5 else float(-np.exp(params[0]))), -np.exp(params)


@pytest.mark.parametrize("method", ["L-BFGS-B", "Nelder-Mead"])
def test_scipy_ends_where_the_loss_ceases_to_be_finite(method):
    with pytest.raises(ValueError, match=r"diverged: the loss is -inf in epoch \d+"):
        ScipyMinimize(method).minimize(Cliff(), np.zeros(1))


# scipy's methods


@pytest.mark.parametrize("method", WITH_GRADIENT + WITHOUT_GRADIENT)
def test_every_scipy_method_finds_the_minimum(method):
    objective, minimum = convex_objective()
    losses, points = [], []

    def callback(step):
        losses.append(step.fun)
        points.append(step.x)

    options = {"rhobeg": 0.5} if method == "COBYLA" else None
    result = ScipyMinimize(method, tol=1e-7, options=options).minimize(objective, np.zeros(4), callback=callback)
    assert result.success
    np.testing.assert_allclose(result.x, minimum, atol=1e-3 if method in WITH_GRADIENT else 1e-2)
    assert result.fun == pytest.approx(objective.loss_and_grad(result.x)[0], rel=1e-12)
    assert len(losses) >= 3
    assert losses[-1] <= losses[0] < objective.loss_and_grad(np.zeros(4))[0] + 1e-12 or method == "COBYLA"
    np.testing.assert_allclose(losses, [objective.loss_and_grad(x)[0] for x in points], rtol=1e-12)


@pytest.mark.parametrize("method", WITH_GRADIENT)
def test_iterations_are_counted_and_limited(method):
    objective, start = network_objective()
    steps = []
    result = ScipyMinimize(method, max_iter=4).minimize(objective, start, callback=steps.append)
    assert [step.nit for step in steps] == list(range(1, result.nit + 1))
    assert 1 <= result.nit <= 4
    assert not result.success or method == "trust-constr"
    norms = [np.linalg.norm(objective.loss_and_grad(step.x)[1]) for step in steps]
    np.testing.assert_allclose([step.grad_norm for step in steps], norms, rtol=1e-9)


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG"])
def test_scipy_itself_comes_to_the_same_point(method):
    objective, start = network_objective()

    def evaluate(x):
        loss, grad = objective.loss_and_grad(x)
        return loss, grad.copy()

    direct = optimize.minimize(evaluate, start, jac=True, method=method, tol=1e-6, options={"maxiter": 30})
    result = ScipyMinimize(method, max_iter=30, tol=1e-6).minimize(objective, start)
    np.testing.assert_array_equal(result.x, direct.x)
    assert (result.fun, result.nit, result.nfev) == (direct.fun, direct.nit, direct.nfev)


class Fresh:
    """An objective that gives a new gradient each time, not a buffer."""

    is_stochastic = False

    def __init__(self, objective):
        self.objective, self.n_samples = objective, objective.n_samples

    def loss_and_grad(self, params, rows=None, rng=None):
        loss, grad = self.objective.loss_and_grad(params, rows, rng)
        return loss, grad.copy()


@pytest.mark.parametrize("method", WITH_GRADIENT)
def test_scipy_never_holds_the_buffer(method):
    objective, start = network_objective()
    reused, fresh = (ScipyMinimize(method, max_iter=10).minimize(o, start) for o in (objective, Fresh(objective)))
    np.testing.assert_array_equal(reused.x, fresh.x)
    kept = reused.jac.copy() if "jac" in reused else None
    objective.loss_and_grad(start)
    np.testing.assert_array_equal(reused.get("jac"), kept)


def test_a_method_may_be_a_function():
    seen = {}

    def steepest(fun, x0, args=(), jac=None, callback=None, steps=10, **rest):
        seen.update(rest)
        x = x0
        for _ in range(steps):
            x = x - 0.5 * jac(x)
            callback(x)
        return optimize.OptimizeResult(x=x, fun=fun(x), nit=steps, success=True, status=0)

    steps = []
    solver = ScipyMinimize(steepest, options={"steps": 6})
    result = solver.minimize(Bowl(), np.array([3.0, -1.0]), callback=steps.append)
    np.testing.assert_allclose(result.x, 1 + np.array([2.0, -2.0]) / 2**6)
    assert [step.nit for step in steps] == [1, 2, 3, 4, 5, 6]
    assert ScipyMinimize(steepest, max_iter=3).minimize(Bowl(), np.zeros(2)).nit == 10
    assert seen["maxiter"] == 3  # scipy's name for it


def test_options_and_tol_reach_scipy():
    objective, start = network_objective()
    loose, tight = (ScipyMinimize("BFGS", tol=tol).minimize(objective, start) for tol in (1e-1, 1e-6))
    assert loose.nit < tight.nit
    few = ScipyMinimize("L-BFGS-B", options={"maxfun": 5}).minimize(objective, start)
    assert few.nfev <= 7
    assert not few.success


@pytest.mark.parametrize("method", ["BFGS", "Nelder-Mead", steepest := lambda fun, x0, **rest: None], ids=name_of)
def test_a_stochastic_objective_is_refused_by_both_names(method):
    objective, start = network_objective(Dropout(0.5))
    with pytest.raises(
        ValueError, match=r"ScipyMinimize.* needs a deterministic objective, and dropout makes it stoch"
    ):
        ScipyMinimize(method).minimize(objective, start)


def test_scipy_trains_batch_norm():
    objective, start = network_objective(BatchNorm(4))
    result = ScipyMinimize("BFGS", max_iter=50).minimize(objective, start)
    assert result.fun < 0.5 * objective.loss_and_grad(start)[0]
    np.testing.assert_array_equal(result.x[-8:], start[-8:])  # population statistics are not trained


# What holds for all


@pytest.mark.parametrize("solver", EVERY_SOLVER, ids=repr)
def test_float32_stays_float32(solver):
    objective, start = network_objective(dtype=np.float32)
    dtypes = []
    solver = clone(solver).set_params(max_iter=5)
    if "COBYLA" in repr(solver):
        solver.set_params(max_iter=None, options={"maxiter": 50})
    result = solver.minimize(
        objective, start, callback=lambda step: dtypes.append(step.x.dtype), rng=np.random.RandomState(0)
    )
    assert set(dtypes) == {np.dtype(np.float32)}
    assert result.x.dtype == np.float32
    assert objective.loss_and_grad(result.x)[0] < objective.loss_and_grad(start)[0]


@pytest.mark.parametrize("solver", [GradientDescent(learning_rate=0.5, max_iter=60), ScipyMinimize()], ids=repr)
def test_an_objective_of_ones_own_needs_three_members(solver):
    assert [name for name in dir(Bowl) if not name.startswith("_")] == ["is_stochastic", "loss_and_grad", "n_samples"]
    np.testing.assert_allclose(solver.minimize(Bowl(), np.array([7.0, -3.0])).x, 1, atol=1e-6)


def test_a_solver_is_reached_through_its_parameters():
    solver = GradientDescent(Adam()).set_params(optimizer__beta_1=0.5, learning_rate=Cosine(0.1))
    solver.set_params(learning_rate__max_iter=7)
    assert (solver.optimizer.beta_1, solver.learning_rate.max_iter) == (0.5, 7)
    assert clone(solver).get_params()["optimizer__beta_1"] == 0.5
    assert ScipyMinimize().set_params(method="CG", max_iter=3).get_params() == {
        "method": "CG", "max_iter": 3, "tol": None, "options": None
    }  # fmt: skip


# L1: exact zeros, and at the right minimum


def sparse_regression(alpha, l1_ratio):
    """A linear model of real data, and scikit-learn's solution to twelve digits."""
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X)[:200], scale(y)[:200]
    settings = {"alpha": alpha / 200, "tol": 1e-14, "max_iter": 100_000}
    peer = Lasso(**settings) if l1_ratio == 1 else ElasticNet(l1_ratio=l1_ratio, **settings)
    peer.fit(X, y)
    net = Network([Dense(10, 1)])
    return Objective(net, "squared_error", X, y, alpha=alpha, l1_ratio=l1_ratio), np.r_[peer.coef_, peer.intercept_]


L1_PACES = [(0.2, 1500), (0.05, 800), (0.05, 800), (0.2, 3000), (0.01, 3000), (0.003, 3000), (0.05, 2000), (0.05, 2000)]
L1_RULES = [rule if not isinstance(rule, AdamW) else AdamW(weight_decay=0.0) for rule in RULES]


@pytest.mark.parametrize("l1_ratio", [1.0, 0.7, 0.5])
@pytest.mark.parametrize("rule, pace", list(zip(L1_RULES, L1_PACES, strict=True)), ids=repr)
def test_l1_makes_exact_zeros_at_the_right_minimum_with_every_optimizer(rule, pace, l1_ratio):
    objective, expected = sparse_regression(40.0, l1_ratio)
    rate, epochs = pace
    schedule = rate if isinstance(rule, SGD) else Cosine(rate, max_iter=epochs)
    start = np.random.RandomState(0).randn(11)
    result = GradientDescent(rule, schedule, max_iter=epochs).minimize(objective, start)
    np.testing.assert_array_equal(result.x[:10] == 0, expected[:10] == 0)
    assert 3 <= np.count_nonzero(result.x[:10] == 0) <= 8
    np.testing.assert_allclose(result.x, expected, atol=1e-5)


@pytest.mark.parametrize("rule", [SGD(momentum=0.9), Adam()], ids=repr)
def test_l1_logistic_regression_meets_the_conditions_of_a_minimum(rule):
    objective, _ = convex_objective(alpha=1.0)
    sparse = Objective(objective.network, "log_loss", objective.X, objective.y, alpha=9.5, l1_ratio=1.0)
    start = np.array([0.5, -0.5, 0.5, 0.1])
    x = GradientDescent(rule, Cosine(0.2, max_iter=2000), max_iter=2000).minimize(sparse, start).x
    bare = Objective(objective.network, "log_loss", objective.X, objective.y).loss_and_grad(x)[1]
    force = 9.5 / 60
    zero = x[:3] == 0
    assert zero.tolist() == [False, False, True]
    assert (abs(bare[:3][zero]) <= force).all()
    np.testing.assert_allclose(bare[:3][~zero], -force * np.sign(x[:3][~zero]), atol=1e-6)
    assert bare[3] == pytest.approx(0, abs=1e-6)


def test_strong_l1_leaves_nothing_of_a_hidden_layer():
    objective, start = network_objective(alpha=1e3, l1_ratio=1.0)
    result = GradientDescent("adam", learning_rate=0.01, batch_size=10, max_iter=200).minimize(objective, start)
    assert not result.x[objective.l1_slice].any()
    assert result.x[20:].any()


def test_l1_lets_a_weight_leave_zero_where_that_lowers_the_objective():
    objective, expected = sparse_regression(40.0, 1.0)
    result = GradientDescent(learning_rate=0.2, max_iter=1500).minimize(objective, np.zeros(11))
    np.testing.assert_allclose(result.x, expected, atol=1e-5)


def test_without_l1_nothing_is_clipped_to_zero():
    objective, _ = sparse_regression(40.0, 1.0)
    ridge = Objective(objective.network, "squared_error", objective.X, objective.y, alpha=40.0)
    assert GradientDescent(learning_rate=0.1, max_iter=300).minimize(ridge, np.ones(11)).x.all()


# Bad parameters


@pytest.mark.parametrize(
    "solver, parameter",
    [
        *[(GradientDescent(optimizer=bad), "optimizer") for bad in ("sdg", None, 3, Adam)],
        *[
            (GradientDescent(learning_rate=bad), "learning_rate")
            for bad in (0, -1, math.nan, "fast", None, True, Adaptive)
        ],
        *[(GradientDescent(batch_size=bad), "batch_size") for bad in (0, -1, 2.5, "auto", True)],
        *[(GradientDescent(shuffle=bad), "shuffle") for bad in (2, None, "yes")],
        *[(GradientDescent(max_iter=bad), "max_iter") for bad in (0, 2.5, None, math.inf)],
        *[(GradientDescent(tol=bad), "tol") for bad in (-1, math.nan, "1")],
        *[(GradientDescent(n_iter_no_change=bad), "n_iter_no_change") for bad in (0, 2.5, None, math.nan)],
        *[(GradientDescent(clip_norm=bad), "clip_norm") for bad in (0, -1, math.inf, "1")],
        *[(ScipyMinimize(max_iter=bad), "max_iter") for bad in (0, 2.5, "10", True)],
        *[(ScipyMinimize(tol=bad), "tol") for bad in (-1, math.nan, "1")],
        *[(ScipyMinimize(method=bad), "method") for bad in (3, None, Adam)],
        *[(ScipyMinimize(options=bad), "options") for bad in (3, "maxiter")],
    ],
    ids=repr,
)
def test_bad_parameter_is_named_before_the_first_epoch(solver, parameter):
    calls = []
    with pytest.raises(ValueError, match=f"^{parameter}="):
        solver.minimize(Bowl(), np.zeros(2), callback=calls.append)
    assert not calls


def test_a_batch_larger_than_the_data_is_all_of_them_with_a_warning():
    with pytest.warns(UserWarning, match="batch_size=11 is larger than the 10 training samples"):
        result = GradientDescent(learning_rate=0.5, batch_size=11, max_iter=1).minimize(Bowl(), np.zeros(2))
    np.testing.assert_array_equal(result.x, [0.5, 0.5])

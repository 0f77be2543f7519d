"""Schedules against their formulas, and the counting of stalls against scikit-learn's, written out as a plain loop."""

import math
import pickle

import numpy as np
import pytest
from problems import TARGET_SMALL, X_FEW, X_SMALL, Y_FEW, finite_or_said
from sklearn.base import clone

from skmlp_scratch import ScratchMLPRegressor
from skmlp_scratch.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    Exponential,
    FlatCosine,
    InverseScaling,
    StepDecay,
    TimeDecay,
)
from skmlp_scratch.solvers import GradientDescent
from skmlp_scratch.stopping import Patience, Watched

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]


# Schedule, and its learning rate as a formula of the epoch.
FORMULAS = [
    (Constant(0.3), lambda k: 0.3),
    (InverseScaling(0.3, power_t=0.7, n_samples=50), lambda k: 0.3 / (50 * k + 1) ** 0.7),
    (InverseScaling(0.3, power_t=0, n_samples=50), lambda k: 0.3),
    (TimeDecay(0.3, decay=0.25), lambda k: 0.3 / (1 + 0.25 * k)),
    (StepDecay(0.3, decay=0.4, every=7), lambda k: 0.3 * 0.6 ** math.floor(k / 7)),
    (Exponential(0.3, decay=0.05), lambda k: 0.3 * 0.95**k),
    (Cosine(0.3, max_iter=30), lambda k: 0.15 * (1 + math.cos(math.pi * min(k, 30) / 30))),
    (FlatCosine(0.3, max_iter=30), lambda k: 0.15 * (1 + math.cos(math.pi * min(max(k - 15, 0), 15) / 15))),
    (FlatCosine(0.3, max_iter=30, flat=0), lambda k: 0.15 * (1 + math.cos(math.pi * min(k, 30) / 30))),
]
IDS = [repr(schedule) for schedule, _ in FORMULAS]


def test_the_registry_holds_what_the_documentation_promises():
    names = {"constant", "invscaling", "adaptive", "time_decay", "step", "exponential", "cosine", "flat_cosine"}
    assert set(SCHEDULES) == names
    assert {schedule()(0, []) for schedule in SCHEDULES.values()} == {0.001}


@pytest.mark.parametrize("schedule, formula", FORMULAS, ids=IDS)
def test_learning_rate_follows_the_formula(schedule, formula):
    rates = [schedule(epoch, [0.0] * epoch) for epoch in range(40)]
    np.testing.assert_allclose(rates, [formula(epoch) for epoch in range(40)], rtol=1e-13, atol=1e-17)


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in FORMULAS] + [Adaptive(0.3)], ids=repr)
def test_a_schedule_keeps_no_state(schedule):
    losses = [3.0] * 40
    forwards = [schedule(epoch, losses[:epoch]) for epoch in range(40)]
    backwards = [schedule(epoch, losses[:epoch]) for epoch in reversed(range(40))]
    assert forwards == backwards[::-1]
    assert clone(schedule)(17, losses[:17]) == forwards[17]


def test_cosine_warms_up_in_a_line_and_ends_at_zero():
    schedule = Cosine(1.0, max_iter=14, warm_up=4)
    rates = [schedule(epoch, []) for epoch in range(17)]
    np.testing.assert_allclose(rates[:5], [0.2, 0.4, 0.6, 0.8, 1.0], rtol=1e-14)
    np.testing.assert_allclose(rates[4:14], [0.5 * (1 + math.cos(math.pi * k / 10)) for k in range(10)], rtol=1e-14)
    np.testing.assert_allclose(rates[14:], 0, atol=1e-16)


def peers_count(losses, tol, n_iter_no_change, rate=None):
    """scikit-learn's counting (``_update_no_improvement_count``), epoch by epoch.

    Gives the learning rate in force in each epoch, and the epoch in which the peer stops, or None.
    """
    best, count, rates = math.inf, 0, []
    for epoch, loss in enumerate(losses):
        rates.append(rate)
        if loss > best - tol:
            count += 1
        else:
            count = 0
        if loss < best:
            best = loss
        if count > n_iter_no_change:
            if rate is None or rate <= 1e-6:
                return rates, epoch
            rate /= 5.0
            count = 0
    return rates, None


def random_losses(seed):
    """A falling curve with noise and plateaus, here and there nan or infinite."""
    rng = np.random.RandomState(seed)
    n = rng.randint(1, 80)
    losses = rng.uniform(0, 1) * rng.randn(n) + rng.uniform(-0.2, 0.05) * np.arange(n)
    losses = np.round(losses, rng.randint(0, 4))
    if seed % 3 == 0:
        losses[rng.rand(n) < 0.15] = rng.choice([math.nan, math.inf])
    if seed % 6 == 0:
        losses[: rng.randint(1, 3)] = math.nan
    return losses.tolist()


def test_adaptive_counts_as_scikit_learn():
    divided = 0
    for seed in range(300):
        losses, n, tol = random_losses(seed), 1 + seed % 4, (0.0, 1e-4, 0.1)[seed % 3]
        schedule = Adaptive(0.5, tol=tol, n_iter_no_change=n)
        expected, stop = peers_count(losses, tol, n, rate=0.5)
        rates = [schedule(epoch, losses[:epoch]) for epoch in range(len(expected))]
        np.testing.assert_allclose(rates, expected, rtol=1e-14)
        assert stop is None or rates[stop] <= schedule.min_learning_rate
        divided += rates[-1] < 0.5
    assert divided > 100  # otherwise these sequences test nothing


def test_adaptive_counts_in_a_solvers_list_as_in_any_other():
    losses = random_losses(0) * 3
    schedule, watched = Adaptive(0.5, tol=np.float64(0.1), n_iter_no_change=np.int64(1)), Watched()
    for epoch, loss in enumerate(losses):
        rate = schedule(epoch, watched)
        assert type(rate) is float
        assert rate == schedule(epoch, losses[:epoch]) == schedule(epoch, np.array(losses[:epoch]))
        watched.append(loss)
    assert rate < 0.5


@pytest.mark.parametrize("losses", [[1.0] * 100_000, Watched([1.0] * 100_000)], ids=["list", "solver's list"])
def test_a_rate_that_was_divided_very_often_is_zero(losses):
    assert Adaptive(0.5, tol=0.1, n_iter_no_change=1)(100_000, losses) == 0


def test_invscaling_with_a_very_large_power_is_zero_not_an_error():
    schedule = InverseScaling(0.1, power_t=1e3, n_samples=80)
    assert (schedule(0, []), schedule(1, [0.0])) == (0.1, 0.0)
    result = GradientDescent(learning_rate=InverseScaling(0.1, power_t=1e3), max_iter=3).minimize(Bowl(), np.ones(1))
    assert result.x[0] == pytest.approx(0.8)  # only the first epoch moves


@pytest.mark.parametrize("schedule", [schedule for schedule, _ in FORMULAS] + [Adaptive(0.3)], ids=repr)
def test_numpys_own_numbers_give_pythons(schedule):
    numpys = clone(schedule)
    for name, value in schedule.get_params().items():
        if isinstance(value, float):
            numpys.set_params(**{name: np.float64(value)})
    for epoch in (0, 7):
        assert type(numpys(epoch, [1.0] * epoch)) is float
        assert numpys(epoch, [1.0] * epoch) == schedule(epoch, [1.0] * epoch)


def test_patience_counts_as_scikit_learn():
    stopped = 0
    for seed in range(300):
        losses, n, tol = random_losses(seed), 1 + seed % 4, (0.0, 1e-4, 0.1)[seed % 3]
        patience = Patience(tol, n)
        stop = next((epoch for epoch, loss in enumerate(losses) if patience.stalls(loss)), None)
        assert stop == peers_count(losses, tol, n)[1]
        stopped += stop is not None
    assert 100 < stopped < 300


@pytest.mark.parametrize("n", [1, 3])
def test_patience_stops_after_one_epoch_more_than_it_is_called(n):
    patience = Patience(1e-4, n)
    assert [patience.stalls(1.0) for _ in range(2 * n + 4)].index(True) == n + 1  # the first epoch is an improvement


def test_patience_starts_afresh_after_a_stall():
    patience = Patience(1e-4, 1)
    assert [patience.stalls(1.0) for _ in range(5)] == [False, False, True, False, True]


def test_an_improvement_must_exceed_tol():
    patience, bad = Patience(0.1, 10), []
    for loss in (1.0, 0.95, 0.875, 0.75, 0.7, 0.6):  # against the best so far, however slowly that has been reached
        patience.stalls(loss)
        bad.append(patience.bad)
    assert bad == [0, 1, 2, 0, 1, 0]


def test_patience_without_end():
    patience, schedule = Patience(1e-4, math.inf), Adaptive(0.5, n_iter_no_change=math.inf)
    assert not any(patience.stalls(1.0) for _ in range(100))
    assert schedule(100, [1.0] * 100) == 0.5


class Bowl:
    """The sum of squares; it counts how often it is asked."""

    n_samples, is_stochastic, evaluations = 1, False, 0

    def loss_and_grad(self, params, rows=None, rng=None):
        self.evaluations += 1
        return float(params @ params), 2 * params


def test_gradient_descent_walks_at_the_scheduled_pace():
    result = GradientDescent(learning_rate=TimeDecay(0.25, decay=1.0), max_iter=3).minimize(Bowl(), np.ones(1))
    assert result.x[0] == pytest.approx((1 - 2 * 0.25) * (1 - 2 * 0.125) * (1 - 2 * 0.25 / 3), rel=1e-14)


class Steps(Bowl):
    """Ten rows, all alike; it notes where it was asked."""

    n_samples = 10

    def __init__(self):
        self.asked = []

    def loss_and_grad(self, params, rows=None, rng=None):
        self.asked.append(params[0])
        return 1.0, np.ones_like(params)

    def rates(self, end):
        return -np.diff([*self.asked, end])


def by_step(epoch, losses):
    return 0.1 * (1 + epoch) + len(losses)


by_step.per_step = True


@pytest.mark.parametrize("batch_size", [None, 4, 10])
def test_a_schedule_by_step_is_asked_before_each_step(batch_size):
    steps, told = Steps(), []
    solver = GradientDescent(learning_rate=by_step, batch_size=batch_size, max_iter=3)
    result = solver.minimize(steps, np.zeros(1), callback=lambda step: told.append(step.learning_rate))
    parts = [0.0, 0.4, 0.8] if batch_size == 4 else [0.0]
    expected = [by_step(epoch + part, [0] * epoch) for epoch in range(3) for part in parts]
    np.testing.assert_allclose(steps.rates(result.x[0]), expected, rtol=1e-12)
    np.testing.assert_allclose(told, expected[len(parts) - 1 :: len(parts)], rtol=1e-12)


def test_flat_cosine_moves_by_step_and_goes_on_where_it_was():
    schedule = FlatCosine(0.1, max_iter=4)
    whole, parts, state, x = Steps(), Steps(), None, np.zeros(1)
    result = GradientDescent(learning_rate=schedule, batch_size=5, max_iter=5).minimize(whole, x)
    for _ in range(5):
        part = GradientDescent(learning_rate=schedule, batch_size=5, max_iter=1).minimize(parts, x, state=state)
        x, state = part.x, part.state
    assert parts.asked == whole.asked
    expected = [schedule(k / 2, []) for k in range(10)]
    np.testing.assert_allclose(whole.rates(result.x[0]), expected, atol=1e-15)
    assert expected[4] == 0.1 > expected[5] > expected[6] > expected[7] > 0
    assert expected[8:] == [0, 0]


def test_a_function_of_ones_own():
    seen = []

    def halving(epoch, losses):
        seen.append((epoch, list(losses)))
        return 0.25 * 0.5**epoch

    result = GradientDescent(learning_rate=halving, max_iter=3).minimize(Bowl(), np.ones(1))
    assert result.x[0] == pytest.approx(0.5 * 0.75 * 0.875, rel=1e-14)
    assert seen == [(0, []), (1, [1.0]), (2, [1.0, 0.25])]


@pytest.mark.parametrize(
    "schedule, parameter",
    [
        *[(schedule(learning_rate=bad), "learning_rate") for schedule in SCHEDULES.values() for bad in (0, -1)],
        *[(Constant(learning_rate=bad), "learning_rate") for bad in (math.nan, math.inf, "1", None, True)],
        (InverseScaling(power_t=-1), "power_t"),
        (InverseScaling(power_t=math.nan), "power_t"),
        (InverseScaling(n_samples=-1), "n_samples"),
        (TimeDecay(decay=-0.1), "decay"),
        (TimeDecay(decay=math.inf), "decay"),
        (StepDecay(decay=1), "decay"),
        (StepDecay(decay=-0.1), "decay"),
        (StepDecay(every=0), "every"),
        (StepDecay(every=2.5), "every"),
        (Exponential(decay=1.0), "decay"),
        (Exponential(decay="0.1"), "decay"),
        (Cosine(max_iter=0), "max_iter"),
        (Cosine(max_iter=2.5), "max_iter"),
        (Cosine(max_iter=5, warm_up=5), "warm_up"),
        (Cosine(warm_up=-1), "warm_up"),
        (Adaptive(tol=-1), "tol"),
        (Adaptive(tol=None), "tol"),
        (Adaptive(n_iter_no_change=0), "n_iter_no_change"),
        (Adaptive(n_iter_no_change=2.5), "n_iter_no_change"),
    ],
    ids=repr,
)
def test_bad_parameter_is_named_before_the_first_step(schedule, parameter):
    bowl = Bowl()
    with pytest.raises(ValueError, match=f"^{parameter}="):
        GradientDescent(learning_rate=schedule).minimize(bowl, np.ones(2))
    assert bowl.evaluations == 0


# Schedules


STEEP = {
    "power_t": ({"learning_rate": "invscaling", "power_t": 1e3}, "power_t"),
    "power_t of an object": ({"learning_rate": InverseScaling(0.1, 1e3)}, "power_t"),
    "power_t, large": ({"learning_rate": "invscaling", "power_t": 1e300}, "power_t"),
    "decay of time_decay": ({"learning_rate": "time_decay", "decay": 1e308}, "decay"),
    "decay of exponential": ({"learning_rate": "exponential", "decay": 1e200}, "decay"),
    "decay of step": ({"learning_rate": "step", "decay": 1e200, "max_iter": 30}, "decay"),
    "an object's decay": ({"learning_rate": TimeDecay(0.1, 1e308)}, "decay"),
    "an exponential object": ({"learning_rate": Exponential(0.1, 1e200)}, "decay"),
    "a step object": ({"learning_rate": StepDecay(0.1, 1e200, 1)}, "decay"),
    "the rate": ({"learning_rate_init": 1e308}, "learning"),
    "the rate of a schedule": ({"learning_rate": "time_decay", "learning_rate_init": 1e308, "decay": 1.0}, "learning"),
}


@pytest.mark.parametrize("case", STEEP)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_schedule_that_overflows_is_zero_or_named(case, method):
    params, name = STEEP[case]
    params = {"hidden_layer_sizes": (3,), "max_iter": 4, "random_state": 0} | params
    model = ScratchMLPRegressor(**params)

    def call():
        if method == "fit":
            return model.fit(X_SMALL, TARGET_SMALL), X_SMALL
        for _ in range(4):
            model.partial_fit(X_SMALL, TARGET_SMALL)
        return model, X_SMALL

    finite_or_said(call, name, "learning rate", "learning_rate")
    if hasattr(model, "history_"):
        assert (np.array(model.history_["learning_rate"]) >= 0).all()


@pytest.mark.parametrize("schedule", [InverseScaling(0.1, 1e3), InverseScaling(0.1, 400)], ids=str)
def test_a_power_beyond_the_largest_number_is_a_rate_of_zero(schedule):
    assert schedule(0, []) == 0.1
    assert schedule(10**6, [1.0] * 3) == 0.0


# Costs


def test_adaptive_still_depends_on_nothing_but_the_losses():
    """Whatever makes it cheap, a copy that sees the same losses gives the same rates."""
    losses = [1.0, *np.random.RandomState(0).uniform(0.5, 2, 60)]
    schedule = Adaptive(0.1, 1e-4, 3)
    in_order = [schedule(epoch, losses[:epoch]) for epoch in range(61)]
    assert [Adaptive(0.1, 1e-4, 3)(epoch, losses[:epoch]) for epoch in range(61)] == in_order
    assert [schedule(epoch, losses[:epoch]) for epoch in reversed(range(61))] == in_order[::-1]
    assert pickle.loads(pickle.dumps(schedule))(60, losses[:60]) == in_order[60]


# Learning rates over many calls


@pytest.mark.parametrize("sizes", [[20, 20, 20], [20, 5, 5, 11, 20], [3, 20, 1, 20]], ids=str)
@pytest.mark.parametrize("learning_rate", ["invscaling", "object"])
def test_invscaling_counts_the_rows_that_were_seen(sizes, learning_rate):
    schedule = "invscaling" if learning_rate == "invscaling" else InverseScaling(0.1, 0.5)
    init = {"learning_rate_init": 0.1, "power_t": 0.5} if learning_rate == "invscaling" else {}
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), learning_rate=schedule, solver="sgd", random_state=0, **init)
    for size in sizes:
        model.partial_fit(X_FEW[:size], Y_FEW[:size])
    seen = np.cumsum([0, *sizes[:-1]])
    np.testing.assert_allclose(model.history_["learning_rate"], 0.1 / np.sqrt(seen + 1))
    assert model.t_ == sum(sizes)


@pytest.mark.parametrize("learning_rate", ["invscaling", "object"])
def test_invscaling_goes_on_over_warm_starts_of_other_sizes(learning_rate):
    schedule = "invscaling" if learning_rate == "invscaling" else InverseScaling(0.1, 0.5)
    init = {"learning_rate_init": 0.1, "power_t": 0.5} if learning_rate == "invscaling" else {}
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), learning_rate=schedule, solver="sgd", random_state=0, **init)
    model.set_params(warm_start=True, max_iter=2, batch_size=3)
    model.fit(X_FEW, Y_FEW).fit(X_FEW[:7], Y_FEW[:7]).fit(X_FEW, Y_FEW)
    np.testing.assert_allclose(model.history_["learning_rate"], 0.1 / np.sqrt(np.array([0, 20, 40, 47, 54, 74]) + 1))


def test_no_rate_jumps_up_when_the_batch_size_changes():
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), learning_rate="invscaling", random_state=0)
    for size in (5, 20, 1, 7, 20):
        model.set_params(batch_size=size).partial_fit(X_FEW, Y_FEW)
    assert (np.diff(model.history_["learning_rate"]) < 0).all()

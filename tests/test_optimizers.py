"""Update rules: step by step against their equations, and all the way down against known optima."""

import copy
import math
import pickle

import numpy as np
import pytest
from problems import (
    DESCENDING,
    LABELS_TEN,
    LARGEST,
    SPARSE,
    SQUARING,
    TARGET_SMALL,
    TARGET_TEN,
    X_SMALL,
    X_TEN,
    batched_of_ten,
)
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler, scale

from skmlp_scratch import ScratchMLPRegressor, optimizers
from skmlp_scratch.layers import Activation, Dense, Dropout, Scale
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import (
    OPTIMIZERS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Averaged,
    Clipped,
    KeepsZeros,
    Paced,
    RMSprop,
)
from skmlp_scratch.schedules import Cosine, FlatCosine
from skmlp_scratch.solvers import GradientDescent

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]


RULES = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True),
    Adagrad(),
    Adagrad(epsilon=0.1),
    RMSprop(),
    RMSprop(rho=0.8, centered=True, epsilon=1e-3),
    Adam(),
    Adam(beta_1=0.5, beta_2=0.7, epsilon=0.01),
    AdamW(weight_decay=0.1),
]


def steps(rule, params, grads, learning_rate=0.1):
    """The points that a rule visits."""
    params, points = params.copy(), []
    state = rule.init(params)
    for grad in grads:
        rule.update(params, grad, state, learning_rate)
        points.append(params.copy())
    return np.array(points)


def test_the_registry_holds_what_the_documentation_promises():
    assert set(OPTIMIZERS) == {"sgd", "adagrad", "rmsprop", "adam", "adamw"}


# At p = 2 with g = -0.5 and a learning rate of 0.1. At the first step of all but SGD the gradient's size cancels.
FIRST_STEPS = [
    (SGD(), 2 + 0.1 * 0.5),
    (SGD(momentum=0.9), 2 + 0.1 * 0.5),
    (SGD(momentum=0.9, nesterov=True), 2 + 0.1 * 0.5 * 1.9),
    (Adagrad(epsilon=0.1), 2 + 0.1 * 0.5 / (0.5 + 0.1)),
    (RMSprop(rho=0.9, epsilon=0.1), 2 + 0.1 * 0.5 / (math.sqrt(0.1) * 0.5 + 0.1)),
    # Mean square 0.1 g^2 less the square of the mean 0.1 g: variance 0.09 g^2.
    (RMSprop(rho=0.9, centered=True, epsilon=0.1), 2 + 0.1 * 0.5 / (0.3 * 0.5 + 0.1)),
    # m = 0.1 g, v = 0.001 g^2, corrected by sqrt(1 - 0.999) / (1 - 0.9).
    (
        Adam(epsilon=0.1),
        2 + 0.1 * math.sqrt(0.001) / 0.1 * (0.1 * 0.5) / (math.sqrt(0.001) * 0.5 + 0.1),
    ),
    (Adam(epsilon=1e-12), 2 + 0.1),
    (AdamW(epsilon=1e-12, weight_decay=0.25), 2 * (1 - 0.1 * 0.25) + 0.1),
]


@pytest.mark.parametrize("rule, expected", FIRST_STEPS, ids=[repr(rule) for rule, _ in FIRST_STEPS])
def test_first_step_equals_a_hand_computation(rule, expected):
    assert steps(rule, np.array([2.0]), [np.array([-0.5])])[0, 0] == pytest.approx(expected, rel=1e-11)


# The equations once more, for a single number and without any reuse of memory: (p, g, moving numbers, t) -> p.


def by_hand_sgd(rule, p, g, past, t, rate):
    past["v"] = rule.momentum * past.get("v", 0.0) - rate * g
    return p + rule.momentum * past["v"] - rate * g if rule.nesterov else p + past["v"]


def by_hand_adagrad(rule, p, g, past, t, rate):
    past["s"] = past.get("s", 0.0) + g * g
    return p - rate * g / (math.sqrt(past["s"]) + rule.epsilon)


def by_hand_rmsprop(rule, p, g, past, t, rate):
    past["s"] = rule.rho * past.get("s", 0.0) + (1 - rule.rho) * g * g
    past["m"] = rule.rho * past.get("m", 0.0) + (1 - rule.rho) * g
    centre = past["m"] if rule.centered else 0.0
    return p - rate * g / (math.sqrt(past["s"] - centre**2) + rule.epsilon)


def by_hand_adam(rule, p, g, past, t, rate):
    past["m"] = rule.beta_1 * past.get("m", 0.0) + (1 - rule.beta_1) * g
    past["v"] = rule.beta_2 * past.get("v", 0.0) + (1 - rule.beta_2) * g * g
    correction = math.sqrt(1 - rule.beta_2**t) / (1 - rule.beta_1**t)
    p *= 1 - rate * getattr(rule, "weight_decay", 0.0)
    return p - rate * correction * past["m"] / (math.sqrt(past["v"]) + rule.epsilon)


BY_HAND = {
    SGD: by_hand_sgd,
    Adagrad: by_hand_adagrad,
    RMSprop: by_hand_rmsprop,
    Adam: by_hand_adam,
    AdamW: by_hand_adam,
}


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_thirty_steps_follow_the_equations(rule):
    rng = np.random.RandomState(0)
    start, grads = rng.randn(3), rng.randn(30, 3) * [1e-3, 1, 1e3]
    points = steps(rule, start, grads)
    for i in range(3):
        p, past = start[i], {}
        for t, g in enumerate(grads[:, i], start=1):
            p = BY_HAND[type(rule)](rule, p, g, past, t, 0.1)
            assert points[t - 1, i] == pytest.approx(p, rel=1e-10)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_update_works_in_place_and_leaves_the_gradient(rule):
    params, grad = np.linspace(-1, 1, 50), np.linspace(3, 2, 50)
    state, kept = rule.init(params), grad.copy()
    arrays, before = dict(state), params.copy()
    assert rule.update(params, grad, state, 0.01) is None
    assert (params != before).all()
    np.testing.assert_array_equal(grad, kept)
    assert all(state[slot] is arrays[slot] for slot in arrays)
    assert state["t"] == 1


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_hyper_parameters_and_moving_numbers_never_mix(rule):
    settings, own = rule.get_params(), dict(vars(rule))
    steps(rule, np.ones(4), np.ones((3, 4)))
    assert (rule.get_params(), vars(rule)) == (settings, own)
    assert clone(rule).get_params() == settings


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_long_vectors_are_updated_in_blocks_to_the_same_figures(rule, monkeypatch):
    rng = np.random.RandomState(0)
    size = 2 * optimizers.BLOCK + 77
    start, grads = rng.randn(size), rng.randn(3, size)
    in_blocks = steps(rule, start, grads)
    monkeypatch.setattr(optimizers, "BLOCK", size)
    np.testing.assert_array_equal(in_blocks, steps(rule, start, grads))


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_float32_stays_float32(rule):
    rng = np.random.RandomState(0)
    start, grads = rng.randn(5), rng.randn(10, 5)
    params = start.astype(np.float32)
    state = rule.init(params)
    for grad in grads.astype(np.float32):
        rule.update(params, grad, state, np.float64(0.1))
    assert {array.dtype for slot, array in state.items() if slot != "t"} <= {np.dtype(np.float32)}
    assert params.dtype == np.float32
    np.testing.assert_allclose(params, steps(rule, start, grads)[-1], rtol=1e-4, atol=1e-5)


def test_a_constant_gradient_leaves_no_negative_variance():
    rule = RMSprop(rho=0.9, centered=True, epsilon=1.0)
    points = steps(rule, np.zeros(50), np.full((500, 50), 0.1) * np.linspace(1, 1e6, 50))
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points[-1] - points[-2], -0.1 * 0.1 * np.linspace(1, 1e6, 50), rtol=0.1)


def test_weight_decay_shrinks_what_has_no_gradient():
    points = steps(AdamW(weight_decay=0.5), np.array([4.0, -2.0]), np.zeros((3, 2)))
    np.testing.assert_allclose(points[-1], np.array([4.0, -2.0]) * 0.95**3, rtol=1e-14)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_numpys_own_numbers_are_as_pythons(rule):
    numpys = clone(rule).set_params(
        **{name: np.float64(value) for name, value in rule.get_params().items() if isinstance(value, float)}
    )
    rng = np.random.RandomState(0)
    start, grads = rng.randn(5).astype(np.float32), rng.randn(10, 5).astype(np.float32)
    expected = steps(rule, start, grads)
    found = steps(numpys, start, grads, np.float64(0.1))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


# Rules that wrap a rule


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_clipped_rule_takes_the_step_of_the_shorter_gradient(rule):
    rng = np.random.RandomState(0)
    start, grads = rng.randn(4), rng.randn(20, 4)
    lengths = np.linalg.norm(grads, axis=1, keepdims=True)
    assert 0 < (lengths > 2).sum() < 20
    kept = grads.copy()
    found = steps(Clipped(rule, np.float64(2.0)), start, grads)
    np.testing.assert_allclose(found, steps(rule, start, grads * np.minimum(1, 2 / lengths)), rtol=1e-12)
    np.testing.assert_array_equal(grads, kept)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_zeros_are_kept_where_asked_and_only_there(rule):
    start, where = np.array([1.0, -1.0, 0.0, 0.0, 1.0]), slice(0, 4)
    grads = np.array([[1e3, -1e3, 0.0, -1e3, 1e3]])
    if isinstance(rule, AdamW):
        rule = AdamW(weight_decay=0.0)
    wrapped = KeepsZeros(rule, where)
    params, state = start.copy(), wrapped.init(start)
    wrapped.update(params, grads[0], state, 2.0)
    free = steps(rule, start, grads, 2.0)[0]
    np.testing.assert_array_equal(params[:3], 0)  # two would have crossed, one had no reason to leave
    np.testing.assert_array_equal(params[3:], free[3:])
    for slot in wrapped.momenta:
        assert not state[slot][:3].any()
        assert state[slot][3:].all()


def test_wrappers_may_be_wrapped():
    rule = Clipped(KeepsZeros(SGD(momentum=0.9), slice(0, 1)), 1.0)
    params = np.array([0.1, 5.0])
    state = rule.init(params)
    assert rule.momenta == ("velocity",)
    rule.update(params, np.array([300.0, 400.0]), state, 1.0)
    np.testing.assert_allclose(params, [0, 4.2])
    np.testing.assert_allclose(state["velocity"], [0, -0.8])


class Target:
    """A function with a known minimum, as an objective."""

    n_samples, is_stochastic = 1, False

    def __init__(self, start, minimum, function):
        self.start, self.minimum, self.function = np.array(start, dtype=float), np.array(minimum, dtype=float), function

    def loss_and_grad(self, params, rows=None, rng=None):
        return self.function(params)


def parabola(p):
    return float(np.sum((p - 3) ** 2)), 2 * (p - 3)


def ill_conditioned(p):
    curvature = np.array([1.0, 30.0, 300.0])
    return float(np.sum(curvature * (p - 1) ** 2) / 2), curvature * (p - 1)


def rosenbrock(p):
    x, y = p
    value = (1 - x) ** 2 + 100 * (y - x * x) ** 2
    return float(value), np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


def logistic_regression():
    """Regularised, on the first columns of a real data set; the minimum is scikit-learn's."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y = scale(X[::3, :4]), y[::3]
    peer = LogisticRegression(C=0.5, tol=1e-12, max_iter=1000).fit(X, y)
    objective = Objective(Network([Dense(4, 1)]), "log_loss", X, y, alpha=2.0)
    target = Target(np.zeros(5), np.r_[peer.coef_[0], peer.intercept_], None)
    target.loss_and_grad = objective.loss_and_grad
    return target


TARGETS = {
    "parabola": lambda: Target([-2, 5], [3, 3], parabola),
    "ill-conditioned": lambda: Target([-1, 2, 0], [1, 1, 1], ill_conditioned),
    "rosenbrock": lambda: Target([-1, 1], [1, 1], rosenbrock),
    "logistic regression": logistic_regression,
}
# Learning rate and epochs for each target, in their order. Adaptive rules come to rest because the rate goes to zero.
CONVERGENCE = [
    (SGD(), [(0.1, 200), (5e-3, 4000), (2e-3, 15000), (1.0, 2000)]),
    (SGD(momentum=0.9), [(0.05, 400), (3e-3, 1000), (5e-4, 6000), (0.5, 800)]),
    (SGD(momentum=0.9, nesterov=True), [(0.05, 400), (3e-3, 1000), (5e-4, 6000), (0.5, 800)]),
    (Adagrad(), [(1.0, 800), (1.0, 1000), (1.0, 25000), (0.5, 3000)]),
    (RMSprop(), [(0.05, 1000), (0.02, 2000), (0.01, 20000), (0.02, 2000)]),
    (RMSprop(centered=True), [(0.01, 2000), (0.01, 3000), (0.002, 10000), (0.01, 3000)]),
    (Adam(), [(0.1, 1000), (0.1, 2000), (0.05, 8000), (0.1, 1500)]),
    (AdamW(weight_decay=0.0), [(0.1, 1000), (0.1, 2000), (0.05, 8000), (0.1, 1500)]),
]
CASES = [(rule, name, pace) for rule, paces in CONVERGENCE for name, pace in zip(TARGETS, paces, strict=True)]


@pytest.mark.parametrize("rule, target, pace", CASES, ids=[f"{rule!r} {name}" for rule, name, _ in CASES])
def test_every_rule_reaches_every_minimum(rule, target, pace):
    rate, epochs = pace
    target = TARGETS[target]()
    schedule = rate if isinstance(rule, SGD) else Cosine(rate, max_iter=epochs)
    result = GradientDescent(rule, learning_rate=schedule, max_iter=epochs).minimize(target, target.start)
    assert abs(target.start - target.minimum).max() > 0.5
    np.testing.assert_allclose(result.x, target.minimum, atol=1e-4)


@pytest.mark.parametrize(
    "rule, parameter",
    [
        *[(SGD(momentum=bad), "momentum") for bad in (-0.1, 1.1, math.nan, "0.9", None, True)],
        *[(RMSprop(rho=bad), "rho") for bad in (-0.1, 1, math.nan, None)],
        *[(Adam(beta_1=bad), "beta_1") for bad in (-0.1, 1, math.inf)],
        *[(Adam(beta_2=bad), "beta_2") for bad in (-0.1, 1, "1")],
        *[(AdamW(beta_2=bad), "beta_2") for bad in (-0.1, 1.0)],
        *[(AdamW(weight_decay=bad), "weight_decay") for bad in (-1, math.nan, None)],
        *[(rule(epsilon=bad), "epsilon") for rule in (Adagrad, RMSprop, Adam, AdamW) for bad in (0, -1e-8, math.nan)],
    ],
    ids=repr,
)
def test_bad_parameter_is_named(rule, parameter):
    with pytest.raises(ValueError, match=f"^{parameter}="):
        rule.init(np.zeros(2))


# Parts of the vector


def objective_of(net, **settings):
    rng = np.random.RandomState(0)
    X = rng.randn(40, 3)
    return Objective(net, "squared_error", X, X[:, 0] - X[:, 1] + 0.1 * rng.randn(40), **settings)


@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_factor_on_a_part_is_that_parts_own_learning_rate(rule, batch_size):
    class Part(SGD):
        """Two rules, each with its rate, on the two parts of the vector."""

        def init(self, params):
            self.states = [clone(rule).init(params[part]) for part in parts]
            return {}

        def update(self, params, grad, state, learning_rate):
            for part, each, factor in zip(parts, self.states, (1.0, 6.0), strict=True):
                rule.update(params[part], grad[part], each, factor * learning_rate)

    parts = slice(0, 4), slice(4, 7)  # W of both layers, then the scale
    net = Network([Scale(3, rate=6.0), Dense(3, 1, bias=False), Dense(1, 1, bias=False)])
    objective, start = objective_of(net), net.init(np.random.RandomState(0))
    assert net.rate_factors == [(parts[1], 6.0)]
    bare = objective_of(Network([Scale(3), Dense(3, 1, bias=False), Dense(1, 1, bias=False)]))
    found, expected = (
        GradientDescent(each, Cosine(0.01, max_iter=30), batch_size=batch_size, max_iter=30)
        .minimize(target, start, rng=np.random.RandomState(0))
        .x
        for each, target in ((rule, objective), (Part(), bare))
    )
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert abs(found - start).max() > 0.01


def test_a_rule_of_two_methods_takes_factors_too():
    class Sign:
        def init(self, params):
            return {}

        def update(self, params, grad, state, learning_rate):
            params -= learning_rate * np.sign(grad)

    rule, params = Paced(Sign(), [(slice(0, 1), 3), (slice(2, 3), 0.5)]), np.zeros(3)
    rule.update(params, np.array([2.0, -2.0, 2.0]), rule.init(params), 0.5)
    np.testing.assert_array_equal(params, [-1.5, 0.5, -0.25])


def test_decay_of_weights_leaves_the_rest_alone():
    net = Network([Scale(3), Dense(3, 2), Activation("tanh"), Dense(2, 1)])
    start = np.random.RandomState(0).randn(net.size)
    both, weights, none = (
        GradientDescent(rule, 0.1, max_iter=1).minimize(objective_of(net), start).x
        for rule in (AdamW(weight_decay=0.5), AdamW(weight_decay=0.5, decayed="weights"), AdamW(weight_decay=0.0))
    )
    np.testing.assert_allclose(both - none, -0.1 * 0.5 * start, atol=1e-14)
    np.testing.assert_allclose((weights - none)[:8], -0.1 * 0.5 * start[:8], atol=1e-14)
    np.testing.assert_array_equal(weights[8:], none[8:])


def test_decay_of_weights_in_many_steps_is_that_of_a_plain_loop():
    net = Network([Dense(3, 2), Activation("tanh"), Dense(2, 1)])
    objective, start = objective_of(net), net.init(np.random.RandomState(0))
    params, adam = start.copy(), Adam(beta_2=0.95)
    state = adam.init(params)
    for _ in range(20):
        grad = objective.loss_and_grad(params)[1]
        params[net.weight_slice] *= 1 - 0.01 * 0.1
        adam.update(params, grad, state, 0.01)
    rule = AdamW(beta_2=0.95, weight_decay=0.1, decayed="weights")
    np.testing.assert_array_equal(GradientDescent(rule, 0.01, max_iter=20).minimize(objective, start).x, params)


def test_decay_of_weights_needs_an_objective_that_names_them():
    rule = AdamW(decayed="weights")
    with pytest.raises(ValueError, match="decayed='weights' needs an objective that has a weight_slice"):
        GradientDescent(rule).minimize(Target([1.0], [0.0], parabola), np.ones(1))
    with pytest.raises(ValueError, match=r"decayed='weights' needs to know the weights"):
        rule.init(np.zeros(2))
    for made in (AdamW(decayed="some"), AdamW(decayed="weights", weight_decay=-1)):
        with pytest.raises(ValueError, match=r"^(decayed|weight_decay)="):
            GradientDescent(made).minimize(objective_of(Network([Dense(3, 1)])), np.zeros(4))


# The moving average


def plain_average(points, rho):
    average = points[0]
    for t, point in enumerate(points[1:], start=1):
        d = min(rho, t / (t + 10))
        average = d * average + (1 - d) * point
    return average


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.995])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_average_follows_its_equation_and_leaves_the_rule_alone(rule, rho):
    rng = np.random.RandomState(0)
    start, grads = rng.randn(3), rng.randn(30, 3)
    wrapped, params = Averaged(rule, rho), start.copy()
    state, points = wrapped.init(params), []
    for grad in grads:
        wrapped.update(params, grad, state, 0.1)
        points.append(params.copy())
    np.testing.assert_array_equal(points, steps(rule, start, grads))
    np.testing.assert_allclose(state["average"], plain_average(points, rho), rtol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"clip_norm": 0.05}, {"batch_size": 7}, {"batch_size": 7, "shuffle": False}])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_average_is_what_the_callback_sees_and_what_is_returned(rule, settings):
    net = Network([Dense(3, 2), Activation("tanh"), Dense(2, 1)])
    objective, start = objective_of(net), net.init(np.random.RandomState(0))
    seen, plain = [], []
    solver = GradientDescent(rule, 0.05, max_iter=8, ema=0.9, **settings)
    result = solver.minimize(
        objective,
        start,
        callback=lambda step: seen.append((step.x.copy(), step.fun)),
        rng=np.random.RandomState(0),
    )
    bare = clone(solver).set_params(ema=None)
    bare.minimize(
        objective, start, callback=lambda step: plain.append((step.x.copy(), step.fun)),
        rng=np.random.RandomState(0),
    )  # fmt: skip
    np.testing.assert_array_equal(result.x, seen[-1][0])
    assert [loss for _, loss in seen] == [loss for _, loss in plain]  # the losses are those on the way
    np.testing.assert_array_equal(result.state["optimizer"]["iterate"], plain[-1][0])
    if "batch_size" not in settings:
        np.testing.assert_allclose(result.x, plain_average([x for x, _ in plain], 0.9), rtol=1e-11)
    before = result.state["optimizer"]["average"].copy()
    result.x[...] = 0
    np.testing.assert_array_equal(result.state["optimizer"]["average"], before)


@pytest.mark.parametrize("settings", [{}, {"clip_norm": 0.05}], ids=str)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("rule", [*RULES, AdamW(decayed="weights")], ids=repr)
def test_an_averaged_run_goes_on_bit_by_bit(rule, l1_ratio, settings):
    net = Network([Scale(3, rate=6.0), Dense(3, 2), Dropout(0.2), Dense(2, 1)])
    objective, start = objective_of(net, alpha=5.0, l1_ratio=l1_ratio), net.init(np.random.RandomState(0))
    schedule = FlatCosine(0.05, max_iter=9)

    def run(epochs, params, rng, state=None):
        solver = GradientDescent(rule, schedule, batch_size=7, max_iter=epochs, ema=0.9, **settings)
        return solver.minimize(objective, params, rng=rng, state=state)

    whole = run(9, start, np.random.RandomState(0))
    rng = np.random.RandomState(0)
    first = run(4, start, rng)
    kept = copy.deepcopy(first.state)
    rest = run(5, first.x, rng, pickle.loads(pickle.dumps(first.state)))
    run(5, first.x, np.random.RandomState(1), first.state)
    np.testing.assert_array_equal(rest.x, whole.x)
    for slot, array in kept["optimizer"].items():
        np.testing.assert_array_equal(first.state["optimizer"][slot], array)
    assert {array.dtype for slot, array in whole.state["optimizer"].items()} == {np.dtype(int), np.dtype(float)}


def test_parameters_that_someone_changed_begin_a_new_average():
    net = Network([Dense(3, 1)])
    objective, start = objective_of(net), np.zeros(4)
    solver = GradientDescent("adam", 0.05, max_iter=3, ema=0.9)
    first = solver.minimize(objective, start)
    changed = first.x + 1
    steps_of = [
        solver.minimize(objective, changed, state=state).state["optimizer"] for state in (first.state, first.state)
    ]
    np.testing.assert_array_equal(steps_of[0]["average"], steps_of[1]["average"])
    assert abs(steps_of[0]["iterate"] - changed).max() < 0.3
    assert steps_of[0]["averaged_steps"] == 3
    assert steps_of[0]["t"] == 6


def test_what_l1_keeps_at_zero_is_zero_in_the_average():
    net = Network([Dense(3, 1)])
    objective = objective_of(net, alpha=20.0, l1_ratio=1.0)
    start = np.array([0.5, -0.5, 0.5, 0.1])
    result = GradientDescent(SGD(), 0.05, max_iter=200, ema=0.99).minimize(objective, start)
    iterate = result.state["optimizer"]["iterate"]
    np.testing.assert_array_equal(result.x == 0, iterate == 0)
    assert (result.x[:3] == 0).sum() == 1


def test_an_average_of_float32_is_float32():
    net = Network([Dense(3, 1)])
    rng = np.random.RandomState(0)
    X = rng.randn(40, 3).astype(np.float32)
    objective = Objective(net, "squared_error", X, X[:, 0])
    start = net.init(rng, dtype=np.float32)
    result = GradientDescent("adam", batch_size=7, max_iter=3, ema=np.float64(0.9)).minimize(objective, start)
    assert result.x.dtype == result.state["optimizer"]["iterate"].dtype == np.float32


def test_training_that_diverges_is_found_behind_an_average():
    net = Network([Dense(3, 1)])
    solver = GradientDescent(SGD(), 1e200, max_iter=5, ema=0.9)
    with pytest.raises(ValueError, match=r"diverged: .* in epoch \d"):
        solver.minimize(objective_of(net), np.ones(4))


# Dropout


def test_only_stored_values_of_sparse_inputs_are_dropped():
    dropped, backward = Dropout(0.5).forward({}, SPARSE, np.random.RandomState(0))
    assert backward is None  # no gradient is asked for below the first layer
    np.testing.assert_array_equal(dropped.indices, SPARSE.indices)
    share = np.mean(dropped.data == 0)
    assert 0.4 < share < 0.6
    np.testing.assert_allclose(dropped.data[dropped.data != 0], 2 * SPARSE.data[dropped.data != 0])


# Clipped gradients


@pytest.mark.parametrize("batch_size", [150, 40])
def test_clip_norm_bounds_the_step(batch_size):
    settings = {"hidden_layer_sizes": (6,), "solver": "sgd", "momentum": 0.0, "learning_rate_init": 0.5, "alpha": 0.0}
    settings |= {"batch_size": batch_size, "max_iter": 1, "random_state": 0}
    model = ScratchMLPRegressor(clip_norm=0.01, **settings).fit(X_TEN, 100 * TARGET_TEN)
    start = model.network_.init(np.random.RandomState(0))
    moved = np.linalg.norm(model.params_ - start)
    n_steps = -(-150 // batch_size)
    assert moved <= n_steps * 0.5 * 0.01 * (1 + 1e-9)
    if n_steps == 1:  # the direction is that of the gradient, the length clip_norm
        free = ScratchMLPRegressor(**settings).fit(X_TEN, 100 * TARGET_TEN)
        assert moved == pytest.approx(0.005, rel=1e-9)
        step, unclipped = model.params_ - start, free.params_ - start
        np.testing.assert_allclose(step / np.linalg.norm(step), unclipped / np.linalg.norm(unclipped), atol=1e-9)


@pytest.mark.parametrize("solver", DESCENDING)
def test_a_clip_norm_that_is_never_reached_changes_nothing(solver):
    plain = batched_of_ten(solver=solver).fit(X_TEN, LABELS_TEN)
    np.testing.assert_array_equal(
        batched_of_ten(solver=solver, clip_norm=1e6).fit(X_TEN, LABELS_TEN).params_, plain.params_
    )


def test_clip_norm_saves_a_run_that_diverges():
    y = 1000 * TARGET_TEN
    settings = {"hidden_layer_sizes": (20,), "solver": "sgd", "learning_rate_init": 0.02, "max_iter": 100}
    with pytest.raises(ValueError, match="diverged"):
        ScratchMLPRegressor(random_state=0, **settings).fit(X_TEN, y)
    model = ScratchMLPRegressor(random_state=0, clip_norm=1000.0, **settings).fit(X_TEN, y)
    assert model.loss_curve_[-1] < 0.5 * model.loss_curve_[0]


def test_a_solver_object_clips_by_its_own_clip_norm():
    settings = {"hidden_layer_sizes": (6,), "random_state": 0}
    solver = GradientDescent(learning_rate=0.1, clip_norm=0.02, max_iter=5)
    model = ScratchMLPRegressor(solver=solver, **settings).fit(X_TEN, TARGET_TEN)
    named = ScratchMLPRegressor(
        solver="gd", momentum=0.0, clip_norm=0.02, learning_rate_init=0.1, max_iter=5, **settings
    )
    np.testing.assert_array_equal(model.params_, named.fit(X_TEN, TARGET_TEN).params_)
    assert model.history_["grad_norm"] == pytest.approx([0.02] * 5)


def test_everything_at_once():
    """The regularizers do not get in each other's way."""
    y = (X_TEN[:, 0] > 0).astype(int) + (X_TEN[:, 1] > 0)
    model = batched_of_ten(
        hidden_layer_sizes=(40, 20), activation=["silu", "leaky_relu"], init="he_normal", normalization="batch",
        dropout=0.1, input_dropout=0.05, l1_ratio=0.3, alpha=0.5, label_smoothing=0.05, class_weight="balanced",
        solver="adamw", learning_rate="cosine", learning_rate_init=0.02, clip_norm=1.0, max_iter=80,
        n_iter_no_change=80,
    )  # fmt: skip
    scaled = StandardScaler().fit_transform(X_TEN)
    assert model.fit(scaled, y).score(scaled, y) > 0.9


# Gradients whose squares overflow


@pytest.mark.parametrize("solver", SQUARING)
@pytest.mark.parametrize("dtype", LARGEST)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_gradient_that_is_clipped_first_is_no_such_gradient(solver, dtype):
    rows = (X_SMALL * LARGEST[dtype]).astype(dtype)
    settings = {"hidden_layer_sizes": (), "solver": solver, "alpha": 0.0, "max_iter": 3, "random_state": 0}
    model = ScratchMLPRegressor("absolute_error", clip_norm=1.0, learning_rate_init=1e-3, **settings).fit(
        rows, TARGET_SMALL
    )
    start = ScratchMLPRegressor("absolute_error", clip_norm=1.0, learning_rate_init=1e-30, **settings).fit(
        rows, TARGET_SMALL
    )
    assert (model.params_[:3] != start.params_[:3]).all()


@pytest.mark.parametrize("name", SQUARING)
@pytest.mark.parametrize("dtype", LARGEST)
def test_an_optimizer_does_not_take_a_huge_gradient_for_none(name, dtype):
    """It moves the parameter, or it says so: by an error, or by state that is not finite."""
    optimizer = OPTIMIZERS[name]()
    params = np.ones(2, dtype=dtype)
    state = optimizer.init(params)
    with np.errstate(all="ignore"):
        try:
            optimizer.update(params, np.array([LARGEST[dtype], 1.0], dtype=dtype), state, 0.1)
        except (ValueError, FloatingPointError):
            return
    finite = np.isfinite(params).all() and all(np.isfinite(slot).all() for slot in state.values())
    assert not finite or abs(params[0] - 1) > 1e-6

"""Numerical gradients: of everything that has one, in combination, and of what is wrong on purpose."""

import itertools
from importlib.metadata import PackageNotFoundError

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier

import skmlp_scratch
from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, check_gradient, inspection
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.inspection import MAX_PARAMS, N_DIRECTIONS, GradientReport
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm
from skmlp_scratch.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Gamma,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
    as_loss,
)
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective

ALPHAS = [0.0, 0.1]
WEIGHTS = {"none": None, "random": [0.5, 1.7, 0.2, 1.1, 0.8], "with zeros": [0.0, 1.7, 0.0, 1.1, 0.8]}
SETTINGS = list(itertools.product(ALPHAS, WEIGHTS.values()))
N_SEEDS = 6  # as many as there are settings

# Loss and number of outputs: those of the estimators, then each link of each loss.
CORE_LOSSES = [
    (CategoricalCrossEntropy(), 2),
    (BinaryCrossEntropy(), 2),
    (SquaredError(), 1),
    (SquaredError(), 2),
    (Poisson(), 1),
]
MORE_LOSSES = [
    *[(SquaredError(link=link), 2) for link in ("log", "logistic", "softmax")],
    *[(loss(link=link), 2) for loss in (AbsoluteError, Huber, Quantile) for link in ("identity", "log", "logistic")],
    (Quantile(0.9), 1),
    (Huber(delta=0.5), 1),
    (Poisson(), 2),
    (Gamma(), 1),
    (Gamma(), 2),
]
CORE_ACTIVATIONS = ["identity", "tanh", "logistic", "relu"]
MORE_ACTIVATIONS = ["leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"]


def mlp(activation, depth, n_out, width=2):
    layers, n_in = [], 2
    for _ in range(depth):
        layers += [Dense(n_in, width), Activation(activation)]
        n_in = width
    return Network([*layers, Dense(n_in, n_out)])


def targets(loss, n_rows, n_outputs, rng):
    if isinstance(loss, CategoricalCrossEntropy):
        return np.eye(n_outputs)[rng.randint(n_outputs, size=n_rows)]
    if isinstance(loss, BinaryCrossEntropy):
        return rng.randint(2, size=(n_rows, n_outputs)).astype(float)
    if isinstance(loss, Poisson):
        return rng.poisson(2, (n_rows, n_outputs)).astype(float)
    if isinstance(loss, Gamma):
        return rng.gamma(2, size=(n_rows, n_outputs))
    return rng.randn(n_rows, n_outputs)


def is_clear_of_kinks(net, loss, params, X, y, margin=2e-3):
    """Whether no difference quotient straddles a kink, in whose middle no gradient is right."""
    outputs = [net.predict(params, X, stop=stop + 1) for stop in range(len(net.layers))]
    pre_activations = [output for output, layer in zip(outputs, net.layers, strict=True) if isinstance(layer, Dense)]
    if isinstance(loss, (AbsoluteError, Huber, Quantile)):
        kink = loss.delta if isinstance(loss, Huber) else 0.0
        pre_activations.append(abs(loss.inverse_link(outputs[-1]) - y) - kink)
    return min(abs(z).min() for z in pre_activations) > margin


def problems(net, loss, n, first_seed=0):
    """Data and parameters for as many seeds."""
    found = 0
    for seed in itertools.count(first_seed):
        rng = np.random.RandomState(seed)
        X, y = rng.randn(5, 2), targets(loss, 5, net.n_out, rng)
        params = net.init(rng)
        if is_clear_of_kinks(net, loss, params, X, y):
            yield X, y, params
            found += 1
        if found == n:
            return


def test_the_grids_cover_the_registries():
    assert {ACTIVATIONS[name] for name in CORE_ACTIVATIONS + MORE_ACTIVATIONS} == set(ACTIVATIONS.values())
    assert {type(loss) for loss, _ in CORE_LOSSES + MORE_LOSSES} == {type(as_loss(name, 1)) for name in LOSSES}


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("loss, n_out", CORE_LOSSES, ids=repr)
def test_every_parameter_of_every_network(loss, n_out, depth):
    for activation in CORE_ACTIVATIONS if depth else ["identity"]:
        net = mlp(activation, depth, n_out)
        for i, (X, y, params) in enumerate(problems(net, loss, N_SEEDS)):
            alpha, weights = SETTINGS[i % len(SETTINGS)]
            report = check_gradient(Objective(net, loss, X, y, weights, alpha=alpha), params)
            assert report.every_parameter
            assert report.passed, f"{activation}, alpha={alpha}, weights={weights}: {report}"


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("loss, n_out", CORE_LOSSES, ids=repr)
def test_every_setting_along_random_directions(loss, n_out, depth, monkeypatch):
    monkeypatch.setattr(inspection, "MAX_PARAMS", 0)
    monkeypatch.setattr(inspection, "N_DIRECTIONS", 4)
    for activation in CORE_ACTIVATIONS if depth else ["identity"]:
        net = mlp(activation, depth, n_out)
        for X, y, params in problems(net, loss, 2, first_seed=100):
            for alpha, weights in SETTINGS:
                report = check_gradient(Objective(net, loss, X, y, weights, alpha=alpha), params)
                assert report.passed, f"{activation}, alpha={alpha}, weights={weights}: {report}"


@pytest.mark.parametrize("activation", MORE_ACTIVATIONS)
def test_every_other_activation(activation):
    for i, (depth, (loss, n_out)) in enumerate(itertools.product((1, 2, 3), CORE_LOSSES)):
        net, (alpha, weights) = mlp(activation, depth, n_out), SETTINGS[i % len(SETTINGS)]
        for X, y, params in problems(net, loss, 2, first_seed=10 * i):
            report = check_gradient(Objective(net, loss, X, y, weights, alpha=alpha), params)
            assert report.passed, f"{loss}, {depth} hidden layers, alpha={alpha}, weights={weights}: {report}"


@pytest.mark.parametrize("loss, n_out", MORE_LOSSES, ids=repr)
def test_every_other_loss_and_link(loss, n_out):
    for i, activation in enumerate(CORE_ACTIVATIONS + MORE_ACTIVATIONS):
        net, (alpha, weights) = mlp(activation, i % 4, n_out), SETTINGS[i % len(SETTINGS)]
        for X, y, params in problems(net, loss, 2, first_seed=10 * i):
            report = check_gradient(Objective(net, loss, X, y, weights, alpha=alpha), params)
            assert report.passed, f"{activation}, {i % 4} hidden layers, alpha={alpha}, weights={weights}: {report}"


LAYERED = {
    "dropout": [Dense(2, 4), Activation("tanh"), Dropout(0.5), Dense(4, 2)],
    "dropout of inputs and in two layers": [
        Dropout(0.3), Dense(2, 4), Activation("tanh"), Dropout(0.3), Dense(4, 4), Dropout(0.2), Dense(4, 2)
    ],
    "layer norm": [Dense(2, 4), LayerNorm(4), Activation("tanh"), Dense(4, 2)],
    "layer norm after the activation": [Dense(2, 4), Activation("tanh"), LayerNorm(4), Dense(4, 2)],
    "layer norm of inputs": [LayerNorm(2), Dense(2, 4), Activation("tanh"), Dense(4, 2)],
    "no biases": [Dense(2, 4, bias=False), Activation("tanh"), Dense(4, 2, bias=False)],
    "activation last": [Dense(2, 4), Activation("tanh"), Dense(4, 2), Activation("tanh")],
    "two activations in a row": [Dense(2, 4), Activation("tanh"), Activation("softplus"), Dense(4, 2)],
    "an activation a layer": [
        Dense(2, 4), Activation("tanh"), Dense(4, 3), Activation("gelu"), Dense(3, 4), Activation("mish"), Dense(4, 2)
    ],
    "batch norm": [Dense(2, 4), BatchNorm(4), Activation("tanh"), Dense(4, 2)],
    "batch norm after the activation": [Dense(2, 4), Activation("tanh"), BatchNorm(4), Dense(4, 2)],
    "batch norm of inputs": [BatchNorm(2), Dense(2, 4), Activation("tanh"), Dense(4, 2)],
    "everything": [
        Dropout(0.1), Dense(2, 4, bias=False), BatchNorm(4), Activation("softplus"), Dropout(0.2),
        Dense(4, 3), LayerNorm(3), Activation("silu"), Dense(3, 2), BatchNorm(2),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERED)
def test_every_layer(name):
    net = Network(LAYERED[name])
    bound = 1e-7 if any(isinstance(layer, BatchNorm) for layer in net.layers) else 1e-8
    for seed in range(N_SEEDS):
        rng = np.random.RandomState(seed)
        X, y, weights = rng.randn(8, 2), rng.randint(2, size=8), rng.uniform(0.1, 2, 8) * (np.arange(8) != 3)
        params = net.init(rng) + 0.1 * rng.randn(net.size)
        objective = Objective(net, "log_loss", X, y, weights if seed % 2 else None, alpha=0.1 * (seed % 3))
        report = check_gradient(objective, params, tol=bound, random_state=seed)
        assert report.passed, report


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_every_penalty_away_from_its_kink(l1_ratio):
    net = mlp("tanh", 2, 2)
    for seed in range(N_SEEDS):
        rng = np.random.RandomState(seed)
        X, y = rng.randn(5, 2), rng.randint(2, size=5)
        params = rng.choice([-1, 1], net.size) * rng.uniform(0.05, 1, net.size)
        for weights in WEIGHTS.values():
            report = check_gradient(Objective(net, "log_loss", X, y, weights, alpha=0.5, l1_ratio=l1_ratio), params)
            assert report.passed, report


def test_full_batch_in_chunks_and_sparse_inputs():
    rng = np.random.RandomState(0)
    X, y, net = rng.randn(40, 2) * (rng.rand(40, 2) < 0.6), rng.randint(2, size=40), mlp("tanh", 2, 2)
    net.chunk_rows = 7
    for inputs in (X, sparse.csr_array(X)):
        assert check_gradient(Objective(net, "log_loss", inputs, y, alpha=0.1), net.init(rng)).passed


def sine(z):
    """An activation of one's own."""
    return np.sin(z), lambda delta: delta * np.cos(z)


def wrong_sine(z):
    """As ``sine``, with a slope that is off by one in a million."""
    return np.sin(z), lambda delta: delta * np.cos(z) * (1 + 1e-6)


class LogCosh:
    """A loss of one's own: log(cosh(error)), summed over the outputs."""

    factor = 1.0

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        error = raw - y
        value = weights @ np.log(np.cosh(error)).sum(axis=1)
        return float(value), self.factor * weights[:, np.newaxis] * np.tanh(error)

    def inverse_link(self, raw):
        return raw


class AveragedLogCosh(LogCosh):
    """The sum over outputs on one side, the mean on the other."""

    factor = 0.5


def objective_of(activation="tanh", loss="squared_error", width=3, n_rows=6, **settings):
    rng = np.random.RandomState(0)
    net = mlp(activation, 2, 2, width)
    return Objective(net, loss, rng.randn(n_rows, 2), rng.randn(n_rows, 2), **settings), net.init(rng)


@pytest.mark.parametrize(
    "settings", [{"activation": sine}, {"loss": LogCosh()}, {"activation": sine, "loss": LogCosh()}]
)
def test_what_users_bring_is_checked_like_the_rest(settings):
    for weights in (None, [0.5, 2, 0, 1, 0, 3]):
        assert check_gradient(*objective_of(sample_weight=weights, alpha=0.1, **settings)).passed


class Altered:
    """An objective whose gradient has one parameter's changed."""

    def __init__(self, objective, place, change):
        self.objective, self.place, self.change = objective, place, change

    def loss_and_grad(self, params, rows=None, rng=None):
        loss, grad = self.objective.loss_and_grad(params, rows, rng)
        grad[self.place] = self.change(grad[self.place])
        return loss, grad


@pytest.mark.parametrize("settings", [{"activation": wrong_sine}, {"loss": AveragedLogCosh()}])
def test_a_wrong_backward_is_caught(settings):
    report = check_gradient(*objective_of(**settings))
    assert not report.passed
    assert report.relative_error > 1e-8
    assert "Gradient check FAILED" in str(report)


@pytest.mark.parametrize("place", [0, 7, -1])
@pytest.mark.parametrize("change", [lambda g: g * 1.0001, lambda g: -g, lambda g: 0, lambda g: g + 1e-6])
def test_one_wrong_parameter_is_caught_and_named(change, place):
    objective, params = objective_of()
    report = check_gradient(Altered(objective, place, change), params)
    assert not report.passed
    assert f"Worst at {place % len(params)}: " in str(report)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_does_not_pass(value):
    objective, params = objective_of()
    with np.errstate(invalid="ignore"):
        report = check_gradient(Altered(objective, 7, lambda g: value), params)
    assert not report.passed
    assert "Worst at 7: " in str(report)


def test_large_networks_are_checked_along_random_directions():
    objective, params = objective_of(width=60)
    assert len(params) > MAX_PARAMS
    report = check_gradient(objective, params)
    assert (report.passed, report.every_parameter, len(report.analytic)) == (True, False, N_DIRECTIONS)
    assert f"over {N_DIRECTIONS} random directions" in str(report)
    wrong = check_gradient(Altered(objective, 5, lambda g: g + 1e-4), params)
    assert not wrong.passed
    another = check_gradient(objective, params, random_state=1)
    assert (another.analytic != report.analytic).all()


def test_parameters_and_gradient_buffer_are_left_alone():
    objective, params = objective_of()
    before = params.copy()
    first, second = check_gradient(objective, params), check_gradient(objective, params)
    np.testing.assert_array_equal(params, before)
    np.testing.assert_array_equal(first.analytic, objective.loss_and_grad(params)[1])
    np.testing.assert_array_equal(first.numeric, second.numeric)


def test_float32_data_are_checked_in_float64_and_differ_by_rounding_alone():
    objective, params = objective_of(alpha=0.1)
    X, y = objective.X.astype(np.float32), objective.y.astype(np.float32)
    single = Objective(objective.network, "squared_error", X, y, alpha=0.1)
    report = check_gradient(single, params.astype(np.float32))
    assert report.passed
    assert report.analytic.dtype == np.float64
    grad = single.loss_and_grad(params.astype(np.float32))[1]
    assert np.linalg.norm(grad - report.analytic) < 1e-5 * np.linalg.norm(grad)


@pytest.mark.parametrize(
    "estimator",
    [
        ScratchMLPClassifier((4, 3), activation="tanh", alpha=0.1),
        ScratchMLPClassifier((4,), activation="gelu", loss="categorical_cross_entropy", normalization="layer"),
        ScratchMLPClassifier((4,), activation="tanh", dropout=0.3, l1_ratio=0.5, alpha=0.1),
        ScratchMLPRegressor(hidden_layer_sizes=(4, 3), activation=["tanh", "silu"], alpha=0.1),
        ScratchMLPRegressor("huber", (4,), activation="softplus"),
    ],
    ids=repr,
)
def test_an_estimator_is_checked_and_left_as_it_is(estimator):
    rng = np.random.RandomState(0)
    X = rng.randn(30, 3)
    y = rng.randint(2, size=30) if isinstance(estimator, ScratchMLPClassifier) else rng.randn(30)
    before = dict(vars(estimator))
    report = check_gradient(estimator, X, y)
    assert report.passed, report
    assert vars(estimator) == before


def test_an_estimator_with_a_wrong_activation_is_caught():
    rng = np.random.RandomState(0)
    assert not check_gradient(ScratchMLPClassifier(4, wrong_sine), rng.randn(30, 3), rng.randint(2, size=30)).passed


def test_the_report_states_its_figures():
    report = GradientReport(np.array([3.0, 4.0]), np.array([3.0, 4.1]), 1e-8, True)
    assert report.relative_error == pytest.approx(0.1 / np.hypot(6.0, 8.1), rel=1e-12)
    assert not report.passed
    assert str(report) == (
        "Gradient check FAILED: relative error 9.9e-03 (not below 1e-08) over every one of 2 parameters."
        " Worst at 1: 4, numerically 4.1."
    )
    assert GradientReport(report.analytic, report.numeric, 0.1, True).passed


@pytest.mark.parametrize(
    "analytic, numeric, error", [([0, 0], [0, 0], 0.0), ([1, 0], [-1, 0], np.inf), ([1, 2], [1, 2], 0.0)]
)
def test_relative_error_at_its_ends(analytic, numeric, error):
    report = GradientReport(np.array(analytic, dtype=float), np.array(numeric, dtype=float), 1e-8, True)
    assert report.relative_error == error
    assert report.passed == (error == 0)


def test_a_loss_that_is_not_finite_does_not_pass():
    class Nan:
        def loss_and_grad(self, params, rows=None, rng=None):
            return np.nan, 2 * params

    report = check_gradient(Nan(), np.ones(2))
    assert (report.relative_error, report.passed) == (np.inf, False)


def test_an_estimator_of_another_package_is_refused():
    with pytest.raises(ValueError, match=r"objective=MLPClassifier\(\) is an estimator, but not of this package"):
        check_gradient(MLPClassifier(), np.ones((2, 1)), [0, 1])


def test_the_versions_of_a_bug_report(capsys):
    inspection.show_versions()
    lines = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    expected = {"skmlp_scratch", "numpy", "scipy", "scikit-learn", "threadpoolctl", "python", "platform", "engine"}
    assert expected <= set(lines)
    assert lines["skmlp_scratch"] == skmlp_scratch.__version__
    assert lines["numpy"] == np.__version__
    assert any("threads" in text for name, text in lines.items() if "blas" in name or "blas" in text)


def test_a_package_that_is_missing_is_said_to_be(capsys, monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(inspection, "version", missing)
    inspection.show_versions()
    assert "scipy: not installed\n" in capsys.readouterr().out

"""Losses: values against independent formulas, gradients against differences, and exactness at any logit."""

import copy
import itertools
import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from problems import name_of
from scipy import special
from sklearn import metrics
from sklearn.base import clone

from skmlp_scratch.layers import Dense
from skmlp_scratch.losses import (
    LINKS,
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Gamma,
    Huber,
    Poisson,
    Quantile,
    Smoothed,
    SquaredError,
    as_loss,
    log_loss,
)
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective

LINKED = [
    loss(link=link)
    for loss, links in [
        (SquaredError, ["identity", "log", "logistic", "softmax"]),
        (AbsoluteError, ["identity", "log", "logistic"]),
        (Huber, ["identity", "log", "logistic"]),
        (Quantile, ["identity", "log", "logistic"]),
    ]
    for link in links
]
OTHERS = [Quantile(0.1), Quantile(0.9), Huber(delta=0.3), Huber(delta=100)]
ALL = [BinaryCrossEntropy(), CategoricalCrossEntropy(), Poisson(), Gamma(), *LINKED, *OTHERS]
SOFTMAX = [loss for loss in ALL if loss.get_params().get("link") == "softmax" or type(loss) is CategoricalCrossEntropy]
WIDTHS = [(loss, n) for loss in ALL for n in (1, 2, 3) if n > 1 or loss not in SOFTMAX]


def targets(loss, n_rows, n_outputs, rng):
    """Targets that the loss can take: classes, shares, counts, amounts, or any numbers."""
    if isinstance(loss, CategoricalCrossEntropy):
        return np.eye(n_outputs)[rng.randint(n_outputs, size=n_rows)]
    if isinstance(loss, BinaryCrossEntropy):
        return rng.randint(2, size=(n_rows, n_outputs)).astype(float)
    if isinstance(loss, Poisson):
        return rng.poisson(2, (n_rows, n_outputs)).astype(float)
    if isinstance(loss, Gamma):
        return rng.gamma(2, size=(n_rows, n_outputs))
    return rng.randn(n_rows, n_outputs)


def a_column(metric, **settings):
    """The metric for each output, averaged; some of scikit-learn's take one output only."""
    return lambda y, p: np.mean([metric(y[:, k], p[:, k], **settings) for k in range(y.shape[1])])


def sample(loss, n_rows=6, n_outputs=2, seed=0):
    rng = np.random.RandomState(seed)
    y = targets(loss, n_rows, n_outputs, rng)
    return y, rng.randn(n_rows, n_outputs)


def is_smooth(loss, y, raw):
    """Whether every error is clear of the kinks that the loss has: at zero, or at delta."""
    kink = loss.delta if isinstance(loss, Huber) else 0.0
    return (abs(abs(loss.inverse_link(raw) - y) - kink) > 0.02).all()


def smooth_samples(loss, n, **settings):
    drawn = (sample(loss, seed=seed, **settings) for seed in itertools.count())
    if isinstance(loss, (Huber, AbsoluteError, Quantile)):
        drawn = (draw for draw in drawn if is_smooth(loss, *draw))
    return itertools.islice(drawn, n)


WEIGHTS = {
    "none": None,
    "random": np.array([0.5, 1.5, 2.0, 0.1, 1.0, 0.7]),
    "with zeros": np.array([0.0, 1.5, 2.0, 0.0, 1.0, 0.7]),
}


def test_the_registry_holds_what_the_documentation_promises():
    assert set(LOSSES) == {
        "log_loss",
        "binary_cross_entropy",
        "categorical_cross_entropy",
        "squared_error",
        "absolute_error",
        "huber",
        "quantile",
        "poisson",
        "gamma",
    }
    assert {type(loss) for loss in ALL} == {type(as_loss(name, 1)) for name in LOSSES}


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("loss, n_outputs", WIDTHS, ids=repr)
def test_gradient_equals_the_difference_quotient(loss, n_outputs, weights):
    sample_weight, h = WEIGHTS[weights], 1e-3
    for y, raw in smooth_samples(loss, 5, n_outputs=n_outputs):
        _, d_raw = loss.value_and_grad(y, raw, sample_weight)
        numeric = np.empty_like(raw)
        for place in np.ndindex(raw.shape):
            step = np.zeros_like(raw)
            step[place] = h
            one, two = (
                loss.value_and_grad(y, raw + k * step, sample_weight)[0]
                - loss.value_and_grad(y, raw - k * step, sample_weight)[0]
                for k in (1, 2)
            )
            numeric[place] = (8 * one - two) / (12 * h)
        assert np.linalg.norm(d_raw - numeric) / np.linalg.norm(d_raw + numeric) < 1e-8


# Each is the mean over rows, and in regression over outputs, of scikit-learn's metric or scipy's function.
REFERENCES = [
    (BinaryCrossEntropy(), 1, 1, lambda y, p: metrics.log_loss(y[:, 0], p[:, 0])),
    (CategoricalCrossEntropy(), 3, 1, lambda y, p: metrics.log_loss(y.argmax(axis=1), p)),
    (CategoricalCrossEntropy(), 2, 1, lambda y, p: metrics.log_loss(y.argmax(axis=1), p)),
    (BinaryCrossEntropy(), 3, 3, a_column(metrics.log_loss)),
    (SquaredError(), 3, 0.5, metrics.mean_squared_error),
    (SquaredError(link="logistic"), 2, 0.5, metrics.mean_squared_error),
    (SquaredError(link="softmax"), 3, 0.5, metrics.mean_squared_error),
    (AbsoluteError(), 3, 1, metrics.mean_absolute_error),
    (AbsoluteError(link="log"), 1, 1, metrics.mean_absolute_error),
    (Quantile(0.1), 3, 1, lambda y, p: metrics.mean_pinball_loss(y, p, alpha=0.1)),
    (Quantile(0.9, link="log"), 2, 1, lambda y, p: metrics.mean_pinball_loss(y, p, alpha=0.9)),
    (Huber(0.7), 3, 1, lambda y, p: special.huber(0.7, y - p).mean()),
    (Huber(2.0, link="logistic"), 1, 1, lambda y, p: special.huber(2.0, y - p).mean()),
    (Poisson(), 1, 0.5, metrics.mean_poisson_deviance),
    (Poisson(), 3, 0.5, a_column(metrics.mean_poisson_deviance)),
    (Gamma(), 1, 0.5, metrics.mean_gamma_deviance),
    (Gamma(), 2, 0.5, a_column(metrics.mean_gamma_deviance)),
]


@pytest.mark.parametrize("loss, n_outputs, factor, metric", REFERENCES, ids=[f"{x[0]!r} {x[1]}" for x in REFERENCES])
def test_value_agrees_with_an_independent_metric(loss, n_outputs, factor, metric):
    y, raw = sample(loss, n_rows=20, n_outputs=n_outputs)
    value, _ = loss.value_and_grad(y, raw, None)
    assert value == pytest.approx(20 * factor * metric(y, loss.inverse_link(raw)), rel=1e-12)


@pytest.mark.parametrize(
    "link, raw, y_pred",
    [
        ("identity", [-2.0, 0.0, 3.0], [-2.0, 0.0, 3.0]),
        ("log", [-2.0, 0.0, 3.0], [math.exp(-2), 1.0, math.exp(3)]),
        ("logistic", [-2.0, 0.0, 3.0], [1 / (1 + math.exp(2)), 0.5, 1 / (1 + math.exp(-3))]),
        ("softmax", [-2.0, 0.0, 3.0], list(special.softmax([-2.0, 0.0, 3.0]))),
    ],
)
def test_links(link, raw, y_pred):
    loss = SquaredError(link=link)
    raw = np.array([raw])
    np.testing.assert_allclose(loss.inverse_link(raw), [y_pred], rtol=1e-14)
    if link != "identity":
        np.testing.assert_allclose(loss.log_inverse_link(raw), np.log([y_pred]), rtol=1e-12, atol=1e-15)
    assert loss.out_activation == {"log": "exp"}.get(link, link)


def test_every_link_is_tested_with_every_loss_that_takes_it():
    assert {loss.link for loss in LINKED} == set(LINKS)
    assert all(clone(loss).get_params() == loss.get_params() for loss in ALL)


def true_loss(gap):
    """``log(1 + exp(gap))`` to fifty digits, as the nearest double."""
    with localcontext() as context:
        context.prec = 400
        return float((1 + Decimal(gap).exp()).ln())


@pytest.mark.parametrize("gap", [40, 100, 800])
def test_cross_entropy_is_exact_at_extreme_logits(gap):
    wrong = true_loss(gap)
    assert wrong == gap  # the peer's loss saturates at 36.04
    for loss, y, raw in [
        (BinaryCrossEntropy(), [[1.0]], [[-gap]]),
        (BinaryCrossEntropy(), [[0.0]], [[gap]]),
        (CategoricalCrossEntropy(), [[1.0, 0.0]], [[0.0, gap]]),
        (CategoricalCrossEntropy(), [[0.0, 1.0]], [[gap, 0.0]]),
    ]:
        y, raw = np.array(y), np.array(raw, dtype=float)
        for sample_weight in (None, np.ones(1)):
            value, d_raw = loss.value_and_grad(y, raw, sample_weight)
            assert value == wrong
            np.testing.assert_allclose(d_raw, np.sign(0.5 - y), rtol=1e-15)
            opposite, d_raw = loss.value_and_grad(y, -raw, sample_weight)
            assert opposite == pytest.approx(0, abs=1e-15)
            np.testing.assert_allclose(d_raw, 0, atol=1e-15)


@pytest.mark.parametrize("gap", [40, 100, 800])
def test_log_probabilities_are_exact_where_probabilities_underflow(gap):
    logistic, softmax = BinaryCrossEntropy(), CategoricalCrossEntropy()
    assert logistic.log_inverse_link(np.array([[-float(gap)]]))[0, 0] == -true_loss(gap)
    np.testing.assert_array_equal(softmax.log_inverse_link(np.array([[0.0, -gap, -2 * gap]])), [[0, -gap, -2 * gap]])


def test_many_classes_far_apart_stay_finite_and_sum_to_one():
    raw = np.array([[1e300, 0.0, -1e300], [1e5, 1e5, -1e5], [-1e300, -1e300, -1e300]])
    loss = CategoricalCrossEntropy()
    np.testing.assert_allclose(loss.inverse_link(raw), [[1, 0, 0], [0.5, 0.5, 0], [1 / 3] * 3], rtol=1e-15)
    value, d_raw = loss.value_and_grad(np.eye(3), raw, None)
    assert value == pytest.approx(math.log(2) + math.log(3))
    np.testing.assert_allclose(d_raw.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("gap", [0.5, 40, 800])
def test_two_classes_are_one_with_the_others_logit_at_zero(gap):
    raw, y = np.array([[gap], [-gap], [gap / 3]]), np.array([[1.0], [1.0], [0.0]])
    binary, d_binary = BinaryCrossEntropy().value_and_grad(y, raw, None)
    pair, d_pair = CategoricalCrossEntropy().value_and_grad(np.hstack([1 - y, y]), np.hstack([0 * raw, raw]), None)
    assert pair == pytest.approx(binary, rel=1e-14)
    np.testing.assert_allclose(d_pair[:, 1:], d_binary, atol=1e-15)


def test_small_poisson_and_gamma_predictions_stay_exact():
    value, d_raw = Poisson().value_and_grad(np.array([[3.0]]), np.array([[-700.0]]), None)
    assert value == pytest.approx(3 * math.log(3) + 3 * 700 - 3, rel=1e-15)
    assert d_raw[0, 0] == pytest.approx(-3, rel=1e-15)
    value, d_raw = Gamma().value_and_grad(np.array([[3.0]]), np.array([[700.0]]), None)
    assert value == pytest.approx(700 - math.log(3) - 1, rel=1e-15)
    assert d_raw[0, 0] == pytest.approx(1, rel=1e-15)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_a_weighted_sum_is_the_sum_of_the_rows(loss):
    y, raw = sample(loss)
    rows = [loss.value_and_grad(y[i : i + 1], raw[i : i + 1], None) for i in range(6)]
    for weights in WEIGHTS.values():
        value, d_raw = loss.value_and_grad(y, raw, weights)
        factors = np.ones(6) if weights is None else weights
        assert value == pytest.approx(sum(w * row[0] for w, row in zip(factors, rows, strict=True)), rel=1e-13)
        expected = [w * row[1][0] for w, row in zip(factors, rows, strict=True)]
        np.testing.assert_allclose(d_raw, expected, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_weights_count_rows(loss):
    y, raw = sample(loss, n_rows=4)
    weighted, d_weighted = loss.value_and_grad(y, raw, np.array([2.0, 0.0, 1.0, 3.0]))
    rows = [0, 0, 2, 3, 3, 3]
    repeated, d_repeated = loss.value_and_grad(y[rows], raw[rows], None)
    assert weighted == pytest.approx(repeated, rel=1e-13)
    np.testing.assert_allclose(d_weighted[[0, 2, 3]], d_repeated[[0, 2, 3]] * [[2], [1], [3]], rtol=1e-13)
    assert not d_weighted[1].any()


@pytest.mark.parametrize("loss", [loss for loss in ALL if loss not in SOFTMAX], ids=repr)
def test_outputs_are_summed_in_classification_and_averaged_in_regression(loss):
    y, raw = sample(loss)
    value, d_raw = loss.value_and_grad(y, raw, None)
    columns = [loss.value_and_grad(y[:, [k]], raw[:, [k]], None) for k in range(2)]
    share = 1 if isinstance(loss, BinaryCrossEntropy) else 1 / 2
    assert value == pytest.approx(share * (columns[0][0] + columns[1][0]), rel=1e-13)
    np.testing.assert_allclose(d_raw, share * np.hstack([columns[0][1], columns[1][1]]), rtol=1e-13)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_arguments_are_left_as_they_are(loss, weights):
    y, raw = sample(loss)
    kept = y.copy(), raw.copy()
    _, d_raw = loss.value_and_grad(y, raw, WEIGHTS[weights])
    loss.inverse_link(raw)
    d_raw[...] = math.nan  # the caller owns what it got
    np.testing.assert_array_equal(y, kept[0])
    np.testing.assert_array_equal(raw, kept[1])


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_float32_stays_float32(loss):
    y, raw = sample(loss)
    exact, d_exact = loss.value_and_grad(y, raw, WEIGHTS["random"])
    single = [array.astype(np.float32) for array in (y, raw, WEIGHTS["random"])]
    value, d_raw = loss.value_and_grad(*single)
    assert isinstance(value, float)
    assert d_raw.dtype == np.float32
    assert loss.inverse_link(single[1]).dtype == np.float32
    assert value == pytest.approx(exact, rel=1e-5)
    np.testing.assert_allclose(d_raw, d_exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "loss, best",
    [
        (SquaredError(), np.mean),
        (SquaredError(link="log"), np.mean),
        (Poisson(), np.mean),
        (Gamma(), np.mean),
        (AbsoluteError(), np.median),
        (Quantile(0.5, link="log"), np.median),
        (Quantile(0.2), lambda y: np.quantile(y, 0.2)),
        (Quantile(0.9), lambda y: np.quantile(y, 0.9)),
    ],
    ids=name_of,
)
def test_the_best_constant_is_the_statistic_that_the_loss_stands_for(loss, best):
    y = np.random.RandomState(0).gamma(2, size=(101, 1))
    constants = best(y) * np.array([0.9, 0.999, 1.0, 1.001, 1.1])
    raws = np.log(constants) if loss.link == "log" else constants
    values = [loss.value_and_grad(y, np.full_like(y, raw), None)[0] for raw in raws]
    assert np.argmin(values) == 2


def test_label_shares_are_targets_too():
    y, raw = np.array([[0.9, 0.05, 0.05]]), np.array([[1.0, -1.0, 0.5]])
    value, d_raw = CategoricalCrossEntropy().value_and_grad(y, raw, None)
    p = special.softmax(raw)
    assert value == pytest.approx(-(y * np.log(p)).sum(), rel=1e-14)
    np.testing.assert_allclose(d_raw, p - y, rtol=1e-13)


def test_slope_at_the_kink_is_zero():
    y = np.array([[1.0], [2.0]])
    for loss in (AbsoluteError(), Quantile(0.3)):
        value, d_raw = loss.value_and_grad(y, y.copy(), None)
        assert value == 0
        assert not d_raw.any()


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_log_loss_follows_the_width(n_outputs):
    expected = BinaryCrossEntropy if n_outputs == 1 else CategoricalCrossEntropy
    assert type(log_loss(n_outputs)) is type(as_loss("log_loss", n_outputs)) is expected


@pytest.mark.parametrize(
    "loss, y, said",
    [
        ("poisson", [1.0, -0.5], "loss='poisson' needs y of at least 0, and y has -0.5"),
        ("gamma", [1.0, 0.0], "loss='gamma' needs y above 0, and y has 0.0"),
        ("gamma", [1.0, -2.0], "loss='gamma' needs y above 0, and y has -2.0"),
        ("categorical_cross_entropy", [[1.0, 1.0], [0.0, 1.0]], "do not sum to one.*binary_cross_entropy"),
        ("log_loss", [[1.0, 1.0], [0.0, 1.0]], "do not sum to one"),
        ("log_loss", [[2.0, -1.0], [0.0, 1.0]], "needs y of at least 0, and y has -1.0"),
        ("binary_cross_entropy", [0.0, 2.0], "needs y from 0 to 1, and y goes from 0.0 to 2.0"),
        ("log_loss", [-0.5, 1.0], "needs y from 0 to 1, and y goes from -0.5 to 1.0"),
        *[(Huber(delta=bad), [1.0, 2.0], "^delta=") for bad in (0, -1, math.nan, "1", None, True)],
        *[(Quantile(quantile=bad), [1.0, 2.0], "^quantile=") for bad in (0, 1, -0.5, math.nan, "0.5", None)],
        ("cross_entropy", [1.0, 2.0], "loss='cross_entropy' is unknown; choose one of 'log_loss'"),
        (SquaredError, [1.0, 2.0], r"loss=.*value_and_grad\(\)"),
        (None, [1.0, 2.0], r"loss=None needs a method value_and_grad\(\)"),
        (3, [1.0, 2.0], r"loss=3 needs a method value_and_grad\(\)"),
    ],
)
def test_bad_targets_and_parameters_are_named(loss, y, said):
    y = np.array(y)
    with pytest.raises(ValueError, match=said):
        Objective(Network([Dense(1, y[0].size)]), loss, np.ones((2, 1)), y)


@pytest.mark.parametrize("link", ["probit", None, 2])
def test_unknown_link_is_named(link):
    loss = SquaredError(link=link)
    with pytest.raises(ValueError, match=f"link={link!r} is unknown; choose one of 'identity', 'log'"):
        loss.inverse_link(np.zeros((1, 1)))


@pytest.mark.parametrize(
    "dtype, y, raw", [(np.float32, 1e-38, 2.0), (np.float64, 1e-320, 2.0), (np.float64, 0.0, 700.0)]
)
def test_poisson_is_finite_wherever_its_prediction_is(dtype, y, raw):
    y, raw = np.full((1, 1), y, dtype=dtype), np.full((1, 1), raw, dtype=dtype)
    value, d_raw = Poisson().value_and_grad(y, raw, None)
    assert value == pytest.approx(float(np.exp(raw)[0, 0]), rel=1e-5)
    assert d_raw[0, 0] == pytest.approx(value, rel=1e-5)


def test_poisson_takes_whole_numbers():
    value, d_raw = Poisson().value_and_grad(np.array([[2]]), np.array([[0.0]]), None)
    assert (value, d_raw[0, 0]) == (pytest.approx(2 * math.log(2) - 1), -1)


def test_small_losses_keep_their_digits():
    raw = np.array([[17.0]], dtype=np.float32)
    value, _ = BinaryCrossEntropy().value_and_grad(np.ones_like(raw), raw, None)
    assert value == pytest.approx(math.exp(-17), rel=1e-6)
    y = np.full((1, 1), 1e6, dtype=np.float32)
    for loss, expected in ((Poisson(), 1e6 * 0.5 * 1e-4), (Gamma(), 0.5 * 1e-4)):
        value, _ = loss.value_and_grad(y, np.log(y) + np.float32(0.01), None)
        assert value == pytest.approx(expected, rel=0.01)


# Custom losses, and losses that wrap a loss


class Cubic:
    """A custom loss with nothing but the two methods: the sum of cubed distances."""

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        error = raw - y
        return float(weights @ (abs(error) ** 3).sum(axis=1)), weights[:, np.newaxis] * 3 * error * abs(error)

    def inverse_link(self, raw):
        return raw**2


class Complete(Cubic):
    """A custom loss that has everything."""

    out_activation, tasks = "square", ("regression",)

    def log_inverse_link(self, raw):
        return 2 * np.log(abs(raw))

    def check_targets(self, y):
        if y.max() > 5:
            raise ValueError("too tall")

    def check(self):
        if self.spoiled:
            raise ValueError("spoiled")

    spoiled = False


def test_a_custom_loss_becomes_a_full_one():
    loss = as_loss(Cubic(), 2)
    y, raw = sample(SquaredError())
    assert (loss.out_activation, loss.tasks) == ("custom", ("classification", "regression"))
    np.testing.assert_array_equal(loss.inverse_link(raw), raw**2)
    np.testing.assert_array_equal(loss.log_inverse_link(raw), np.log(raw**2))
    assert loss.check_targets(y) is None
    assert loss.value_and_grad(y, raw, None)[0] == Cubic().value_and_grad(y, raw, None)[0]


def test_what_a_custom_loss_has_is_used():
    loss = as_loss(Complete(), 2)
    raw = np.array([[1e-200, 1.0]])
    assert (loss.out_activation, loss.tasks) == ("square", ("regression",))
    np.testing.assert_allclose(loss.log_inverse_link(raw), [[-400 * math.log(10), 0]], rtol=1e-14)
    with pytest.raises(ValueError, match="too tall"):
        loss.check_targets(np.full((2, 2), 6.0))
    spoiled = Complete()
    spoiled.spoiled = True
    with pytest.raises(ValueError, match="spoiled"):
        as_loss(spoiled, 2)


@pytest.mark.parametrize("given", [*LINKED, *OTHERS, Cubic(), Smoothed(BinaryCrossEntropy(), 0.1)], ids=name_of)
def test_a_loss_given_as_an_object_is_copied(given):
    kept = copy.deepcopy(vars(given))
    made = as_loss(given, 1)
    again = as_loss(made, 1)
    assert made is not given
    assert again is not made
    assert again.out_activation == made.out_activation
    vars(made).clear()
    assert repr(vars(given)) == repr(kept)


class Nameless:
    def value_and_grad(self, y, raw, sample_weight):
        return 0.0, raw


@pytest.mark.parametrize(
    "result, found",
    [
        (1.0, "float"),
        ((1.0, np.zeros((6, 1))), r"float and \(6, 1\)"),
        ((np.ones(6), np.zeros((6, 2))), r"ndarray and \(6, 2\)"),
        ((1.0, None, None), "tuple"),
    ],
    ids=str,
)
def test_what_a_custom_loss_returns_is_looked_at_once(result, found):
    class Bad(Cubic):
        def value_and_grad(self, y, raw, sample_weight):
            return result

    with pytest.raises(ValueError, match=f"must return a number and, here, an array of shape .6, 2., not {found}"):
        as_loss(Bad(), 2).check_targets(np.zeros((6, 2)))


@pytest.mark.parametrize(
    "given, said", [(Nameless(), r"needs a method inverse_link\(\)"), (Smoothed(Huber(), 2), "^epsilon=2")], ids=name_of
)
def test_a_loss_that_cannot_be_used_is_named(given, said):
    with pytest.raises(ValueError, match=said):
        as_loss(given, 1)


def test_a_parameter_of_a_wrapped_loss_is_checked():
    with pytest.raises(ValueError, match=r"^delta=-1"):
        as_loss(Smoothed(Huber(delta=-1), 0.1), 1)


@pytest.mark.parametrize(
    "loss, n_outputs, multilabel, n_classes",
    [
        (BinaryCrossEntropy(), 1, False, 2),
        (BinaryCrossEntropy(), 3, True, 2),
        (CategoricalCrossEntropy(), 3, False, 3),
        (CategoricalCrossEntropy(), 2, False, 2),
        (SquaredError("softmax"), 3, False, 3),
    ],
)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_smoothing_mixes_targets_with_the_uniform_distribution(loss, n_outputs, multilabel, n_classes, weights):
    y, raw = sample(loss if "Entropy" in repr(loss) else CategoricalCrossEntropy(), n_outputs=n_outputs)
    smoothed = Smoothed(loss, np.float64(0.1), multilabel)
    value, d_raw = smoothed.value_and_grad(y, raw, WEIGHTS[weights])
    expected, d_expected = loss.value_and_grad(0.9 * y + 0.1 / n_classes, raw, WEIGHTS[weights])
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(d_raw, d_expected, rtol=1e-13, atol=1e-16)
    assert (smoothed.out_activation, smoothed.tasks) == (loss.out_activation, loss.tasks)
    np.testing.assert_array_equal(smoothed.inverse_link(raw), loss.inverse_link(raw))
    np.testing.assert_array_equal(smoothed.log_inverse_link(raw), loss.log_inverse_link(raw))
    single = smoothed.value_and_grad(y.astype(np.float32), raw.astype(np.float32), None)[1]
    assert single.dtype == np.float32


@pytest.mark.parametrize("loss", ALL, ids=repr)
def test_numpys_own_numbers_are_as_pythons(loss):
    numpys = clone(loss).set_params(
        **{name: np.float64(value) for name, value in loss.get_params().items() if isinstance(value, (int, float))}
    )
    y, raw = (array.astype(np.float32) for array in sample(loss))
    value, d_raw = loss.value_and_grad(y, raw, None)
    found, d_found = numpys.value_and_grad(y, raw, None)
    assert found == value
    assert d_found.dtype == np.float32
    np.testing.assert_array_equal(d_found, d_raw)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_is_a_function_with_its_own_backward(link):
    rng = np.random.RandomState(0)
    raw, d_pred, h = rng.randn(4, 3), rng.randn(4, 3), 1e-5
    kept = raw.copy()
    _, pull_back = LINKS[link](raw)
    d_raw = pull_back(d_pred)
    numeric = np.empty_like(raw)
    for place in np.ndindex(raw.shape):
        step = np.zeros_like(raw)
        step[place] = h
        numeric[place] = (d_pred * (LINKS[link](raw + step)[0] - LINKS[link](raw - step)[0])).sum() / (2 * h)
    np.testing.assert_allclose(d_raw, numeric, atol=1e-9)
    np.testing.assert_array_equal(raw, kept)


def test_every_loss_says_what_it_is_for():
    tasks = {name: as_loss(name, 1).tasks for name in LOSSES}
    both = {name for name in tasks if len(tasks[name]) == 2}
    assert both == {"squared_error"}
    classification = {name for name in tasks if "classification" in tasks[name]} - both
    assert classification == {"log_loss", "binary_cross_entropy", "categorical_cross_entropy"}
    assert {name for name in tasks if tasks[name] == ("regression",)} == set(LOSSES) - both - classification


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CategoricalCrossEntropy(), SquaredError()], ids=repr)
def test_value_and_gradient_do_not_depend_on_the_memory_order(loss):
    y, raw = sample(loss, n_rows=50, n_outputs=40)
    value, d_raw = loss.value_and_grad(y, raw, None)
    for order in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2]):
        found, d_found = loss.value_and_grad(order(y), order(raw), None)
        assert found == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(d_found, d_raw, rtol=1e-13, atol=1e-16)

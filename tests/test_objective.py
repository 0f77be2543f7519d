"""The objective: one definition of loss, gradient and penalty, for all rows and for any part of them."""

import copy
import itertools
import json
import pickle
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from problems import ROOT
from scipy import sparse
from threadpoolctl import threadpool_limits

from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm
from skmlp_scratch.losses import SquaredError
from skmlp_scratch.network import Network
from skmlp_scratch.objective import LANES, Objective

PENALTIES = [{"alpha": 0.0}, {"alpha": 0.7}, {"alpha": 0.7, "l1_ratio": 0.3}, {"alpha": 0.2, "l1_ratio": 1.0}]


def data(n=24, n_in=4, seed=0):
    rng = np.random.RandomState(seed)
    return rng.randn(n, n_in), rng.randint(2, size=n), rng.uniform(0.2, 3, n)


def network(n_in=4, chunk_rows=None):
    net = Network([Dense(n_in, 5), Activation("tanh"), Dense(5, 2)])
    net.chunk_rows = chunk_rows or net.chunk_rows
    return net


def evaluate(objective, params, rows=None, rng=None):
    """Loss and a copy of the gradient."""
    loss, grad = objective.loss_and_grad(params, rows, rng)
    return loss, grad.copy()


def start(net, seed=0):
    return np.random.RandomState(seed).randn(net.size)


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_definition(weighted, penalty):
    X, y, weights = data()
    net = network()
    params = start(net)
    objective = Objective(net, "categorical_cross_entropy", X, y, weights if weighted else None, **penalty)
    W1, W2, b1, b2 = params[:20].reshape(4, 5), params[20:30].reshape(5, 2), params[30:35], params[35:]
    W, w = params[:30], weights if weighted else np.ones(24)
    raw = np.tanh(X @ W1 + b1) @ W2 + b2
    losses = np.log(np.exp(raw).sum(axis=1)) - raw[np.arange(24), y]
    ratio = penalty.get("l1_ratio", 0.0)
    shrink = penalty["alpha"] * ((1 - ratio) / 2 * (W**2).sum() + ratio * abs(W).sum())
    assert objective.loss_and_grad(params)[0] == pytest.approx(((w * losses).sum() + shrink) / w.sum(), rel=1e-13)


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [1, 4, 8, 24])
def test_minibatches_are_unbiased(size, weighted, penalty):
    X, y, weights = data()
    net = network()
    params = start(net)
    objective = Objective(net, "log_loss", X, y, weights if weighted else None, **penalty)
    loss, grad = evaluate(objective, params)
    order = np.random.RandomState(1).permutation(24)
    parts = [evaluate(objective, params, rows) for rows in order.reshape(-1, size)]
    assert np.mean([part[0] for part in parts]) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(np.mean([part[1] for part in parts], axis=0), grad, rtol=1e-11, atol=1e-14)


def test_over_all_minibatches_that_there_are_the_mean_is_the_full_gradient():
    X, y, weights = data(n=7)
    net = network()
    params = start(net)
    objective = Objective(net, "log_loss", X, y, weights, alpha=0.5)
    loss, grad = evaluate(objective, params)
    parts = [evaluate(objective, params, np.array(rows)) for rows in itertools.combinations(range(7), 3)]
    assert np.mean([part[0] for part in parts]) == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(np.mean([part[1] for part in parts], axis=0), grad, rtol=1e-11, atol=1e-14)


def test_an_epoch_of_unequal_minibatches_averages_to_the_loss():
    X, y, weights = data()
    net = network()
    params = start(net)
    objective = Objective(net, "log_loss", X, y, weights, alpha=0.5)
    sizes = np.array([10, 10, 4])
    parts = [evaluate(objective, params, rows)[0] for rows in np.split(np.arange(24), np.cumsum(sizes)[:-1])]
    assert np.dot(parts, sizes) / 24 == pytest.approx(objective.loss_and_grad(params)[0], rel=1e-12)


@pytest.mark.parametrize("penalty", PENALTIES[1:], ids=str)
def test_the_penalty_does_not_depend_on_the_batch(penalty):
    X, y, weights = data()
    net = network()
    params = start(net)
    bare, full = (Objective(net, "log_loss", X, y, weights, **settings) for settings in ({}, penalty))
    expected = None
    for rows in (None, np.array([3]), slice(2, 9), np.arange(24)):
        (loss, grad), (with_loss, with_grad) = evaluate(bare, params, rows), evaluate(full, params, rows)
        found = np.r_[with_loss - loss, with_grad - grad]
        expected = found if expected is None else expected
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)
    assert expected[1:31].all()
    assert not expected[31:].any()  # biases are free


def test_rows_may_be_a_slice_or_indices():
    X, y, weights = data()
    net = network()
    params = start(net)
    objective = Objective(net, "log_loss", X, y, weights, alpha=0.5)
    by_slice, by_index = evaluate(objective, params, slice(5, 11)), evaluate(objective, params, np.arange(5, 11))
    assert by_slice[0] == by_index[0]
    np.testing.assert_array_equal(by_slice[1], by_index[1])
    whole, everything = evaluate(objective, params), evaluate(objective, params, np.arange(24))
    assert whole[0] == pytest.approx(everything[0], rel=1e-14)
    np.testing.assert_allclose(whole[1], everything[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("chunk_rows", [1, 5, 24, 100, 499, 500])
def test_a_full_batch_in_chunks_equals_one_piece(chunk_rows, weighted):
    X, y, weights = data(500)
    params = start(network())
    one, many = (
        evaluate(
            Objective(network(chunk_rows=rows), "log_loss", X, y, weights if weighted else None, alpha=0.5), params
        )
        for rows in (500, chunk_rows)
    )
    assert many[0] == pytest.approx(one[0], rel=1e-12)
    np.testing.assert_allclose(many[1], one[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("chunk_rows", [5, 70, 250])
def test_the_number_of_threads_changes_not_one_bit(chunk_rows, dtype):
    X, y, weights = data(500)
    net = network(chunk_rows=chunk_rows)
    params = start(net).astype(dtype)
    results = []
    for n_threads in (1, 2, 3, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            results.append(evaluate(Objective(net, "log_loss", X.astype(dtype), y, weights, alpha=0.5), params))
    assert len(net.chunks(500)) >= 2
    assert (len(net.chunks(500)) > LANES) == (chunk_rows < 70)
    for loss, grad in results[1:]:
        assert loss == results[0][0]
        np.testing.assert_array_equal(grad, results[0][1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_threads_of_the_linear_algebra_change_not_one_bit(dtype):
    rng = np.random.RandomState(0)
    X, y = rng.randn(6000, 30).astype(dtype), rng.randint(2, size=6000)
    net = Network([Dense(30, 100), Activation("relu"), Dense(100, 2)])
    params = net.init(rng, dtype=dtype)
    results = []
    for limit in (1, 2, 4):
        with threadpool_limits(limit, user_api="blas"):
            results.append(evaluate(Objective(net, "log_loss", X, y), params))
    assert len(net.chunks(6000)) > 1
    for loss, grad in results[1:]:
        assert loss == results[0][0]
        np.testing.assert_array_equal(grad, results[0][1])


def test_a_full_batch_takes_bounded_memory():
    rng = np.random.RandomState(0)
    X, y = rng.randn(60_000, 10), rng.randn(60_000)
    net = Network([Dense(10, 100), Activation("relu"), Dense(100, 1)])
    objective, params = Objective(net, "squared_error", X, y), start(net)
    tracemalloc.start()
    objective.loss_and_grad(params)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6  # in one piece the hidden units and their deltas take over 100 MB


@pytest.mark.parametrize("rows", [None, np.arange(0, 24, 2)], ids=["all", "some"])
def test_population_statistics_have_gradient_zero_and_no_penalty(rows):
    X, y, _ = data()
    net = Network([Dense(4, 3), BatchNorm(3), Activation("tanh"), Dense(3, 2), BatchNorm(2)])
    objective = Objective(net, "log_loss", X, y, alpha=0.5, l1_ratio=0.5)
    params = start(net)
    loss, grad = evaluate(objective, params, rows)
    assert net.size == 12 + 6 + 3 + 6 + 2 + 4 + 10
    assert not grad[-10:].any()
    assert grad[:-10].any()
    params[-10:] += 1
    again, grad_again = evaluate(objective, params, rows)
    assert again == loss
    np.testing.assert_array_equal(grad_again, grad)


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_rows_of_weight_zero_equal_absent_rows(penalty):
    X, y, weights = data()
    net = network()
    params = start(net)
    kept = np.arange(24) % 3 > 0
    weights[~kept] = 0
    X[~kept] *= 1e3
    zeros = evaluate(Objective(net, "log_loss", X, y, weights, **penalty), params)
    absent = evaluate(Objective(net, "log_loss", X[kept], y[kept], weights[kept], **penalty), params)
    assert zeros[0] == pytest.approx(absent[0], rel=1e-13)
    np.testing.assert_allclose(zeros[1], absent[1], rtol=1e-12, atol=1e-15)


def test_a_minibatch_of_weight_zero_is_the_penalty_alone():
    X, y, weights = data()
    weights[:5] = 0
    net = network()
    params = start(net)
    loss, grad = evaluate(Objective(net, "log_loss", X, y, weights, alpha=0.5), params, np.arange(5))
    W = params[:30]
    assert loss == pytest.approx(0.25 * (W @ W) / weights.sum(), rel=1e-13)
    np.testing.assert_allclose(grad, np.r_[0.5 * W / weights.sum(), np.zeros(7)], rtol=1e-13)


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_whole_weights_equal_repeated_rows(penalty):
    X, y, _ = data()
    net = network()
    params = start(net)
    counts = np.random.RandomState(0).randint(0, 4, 24)
    weighted = evaluate(Objective(net, "log_loss", X, y, counts, **penalty), params)
    repeated = evaluate(Objective(net, "log_loss", np.repeat(X, counts, 0), np.repeat(y, counts), **penalty), params)
    assert weighted[0] == pytest.approx(repeated[0], rel=1e-13)
    np.testing.assert_allclose(weighted[1], repeated[1], rtol=1e-12, atol=1e-15)


def test_the_gradient_is_a_buffer_that_the_next_call_overwrites():
    X, y, _ = data()
    net = network()
    objective = Objective(net, "log_loss", X, y)
    _, first = objective.loss_and_grad(start(net))
    kept = first.copy()
    _, second = objective.loss_and_grad(start(net, seed=1))
    assert second is first
    assert (second != kept).all()


def test_parameters_may_change_in_place_and_in_turn():
    X, y, _ = data()
    net = network()
    objective, one, other = Objective(net, "log_loss", X, y), start(net), start(net, seed=1)
    fresh = [evaluate(Objective(net, "log_loss", X, y), params) for params in (one, other)]
    for params, (loss, grad) in [(one, fresh[0]), (other, fresh[1]), (one, fresh[0]), (one, fresh[0])]:
        found = evaluate(objective, params)
        assert found[0] == loss
        np.testing.assert_array_equal(found[1], grad)
    one[...] = other
    assert objective.loss_and_grad(one)[0] == fresh[1][0]


class Counted(Dense):
    """A dense layer that counts what is asked of it."""

    asked = []

    def forward(self, params, X, rng):
        Y, backward = super().forward(params, X, rng)

        def spy(delta, grads, need_dX=True):
            self.asked.append((self.n_in, need_dX))
            return backward(delta, grads, need_dX)

        return Y, spy


@pytest.mark.parametrize("chunk_rows", [None, 12])
def test_the_gradient_of_the_inputs_is_never_computed(chunk_rows, monkeypatch):
    monkeypatch.setattr(Counted, "asked", [])
    X, y, _ = data()
    net = Network([Counted(4, 5), Activation("tanh"), Counted(5, 2)])
    net.chunk_rows = chunk_rows or net.chunk_rows
    with threadpool_limits(1, user_api="blas"):  # else the chunks take turns
        Objective(net, "log_loss", X, y).loss_and_grad(start(net))
    assert Counted.asked == [(5, True), (4, False)] * len(net.chunks(24))


@pytest.mark.parametrize(
    "layers",
    [
        [Activation("tanh"), Dense(4, 2)],
        [Dropout(0.5), Activation("tanh"), Dense(4, 2)],
        [Activation("identity"), Activation("tanh"), Dense(4, 2)],
        [LayerNorm(4), Activation("relu"), Activation("tanh"), Dense(4, 2)],
        [BatchNorm(4), Dense(4, 2), Activation("tanh")],
    ],
    ids=str,
)
@pytest.mark.parametrize("rows", [None, slice(0, 8), np.arange(8)], ids=["all", "slice", "indices"])
def test_data_are_left_as_they_are(rows, layers):
    X, y, weights = data()
    Y = np.eye(2)[y]
    net = Network(layers)
    kept = X.copy(), Y.copy(), weights.copy()
    for loss in ("log_loss", "squared_error", SquaredError(link="softmax")):
        objective = Objective(net, loss, X, Y, weights, alpha=0.5, l1_ratio=0.5)
        params = start(net)
        before = params.copy()
        first = evaluate(objective, params, rows, np.random.RandomState(0))
        second = evaluate(objective, params, rows, np.random.RandomState(0))
        assert first[0] == second[0]
        np.testing.assert_array_equal(first[1], second[1])
        np.testing.assert_array_equal(params, before)
    for array, before in zip((X, Y, weights), kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array], ids=lambda f: f.__name__)
@pytest.mark.parametrize("chunk_rows", [None, 7])
@pytest.mark.parametrize("rows", [None, slice(3, 15), np.array([5, 3, 3, 20])], ids=["all", "slice", "indices"])
def test_sparse_equals_dense(rows, chunk_rows, convert):
    X, y, weights = data()
    X[np.random.RandomState(3).rand(24, 4) < 0.6] = 0
    net = network(chunk_rows=chunk_rows)
    params = start(net)
    dense, thin = (
        evaluate(Objective(net, "log_loss", inputs, y, weights, alpha=0.5), params, rows) for inputs in (X, convert(X))
    )
    assert thin[0] == pytest.approx(dense[0], rel=1e-13)
    np.testing.assert_allclose(thin[1], dense[1], rtol=1e-12, atol=1e-15)


def test_dropout_makes_it_stochastic_and_a_seed_makes_it_repeatable():
    X, y, _ = data()
    net = Network([Dropout(0.2), Dense(4, 5), Activation("tanh"), Dropout(0.5), Dense(5, 2)])
    objective, params = Objective(net, "log_loss", X, y), start(net)
    assert objective.is_stochastic
    assert not Objective(network(), "log_loss", X, y).is_stochastic
    one, same, other = (evaluate(objective, params, rng=np.random.RandomState(seed)) for seed in (0, 0, 1))
    assert one[0] == same[0] != other[0]
    np.testing.assert_array_equal(one[1], same[1])


class SlowStart(Layer):
    """Hands its input through, and takes its time over the first row of all."""

    def forward(self, params, X, rng):
        if X[0, 0] == 1e3:
            time.sleep(0.05)
        return super().forward(params, X, rng)


def test_dropout_in_chunks_draws_in_their_order():
    X, y, weights = data(100)
    X[0, 0] = 1e3
    net = Network([SlowStart(), Dense(4, 5), Activation("tanh"), Dropout(0.5), Dense(5, 2)])
    params = start(net)
    one = evaluate(Objective(net, "log_loss", X, y, weights), params, rng=np.random.RandomState(0))
    net.chunk_rows = 9  # the mask above is cut into rows: each chunk has to draw its part of it
    with threadpool_limits(2, user_api="blas"):
        many = evaluate(Objective(net, "log_loss", X, y, weights), params, rng=np.random.RandomState(0))
    assert many[0] == pytest.approx(one[0], rel=1e-12)
    np.testing.assert_allclose(many[1], one[1], rtol=1e-11, atol=1e-14)


def test_batch_norm_sees_all_rows_at_once_however_many_they_are():
    X, y, _ = data(100)
    layers = [Dense(4, 5), BatchNorm(5), Activation("tanh"), Dense(5, 2)]
    one, chunked = Network(layers), Network(layers)
    chunked.chunk_rows = 9
    params = start(one)
    expected, found = (evaluate(Objective(net, "log_loss", X, y), params) for net in (one, chunked))
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_l1_tells_a_solver_where_the_kinks_are():
    X, y, _ = data()
    net = network()
    assert Objective(net, "log_loss", X, y, alpha=0.1).l1_slice is None
    assert Objective(net, "log_loss", X, y, alpha=0.1, l1_ratio=0.5).l1_slice == net.weight_slice


def test_targets_may_be_class_indices_or_rows():
    X, y, _ = data()
    net = network()
    params = start(net)
    losses = {
        Objective(net, "categorical_cross_entropy", X, targets).loss_and_grad(params)[0]
        for targets in (y, y.tolist(), y.astype(np.uint8), np.eye(2)[y], np.eye(2, dtype=int)[y])
    }
    assert len(losses) == 1
    single = Network([Dense(4, 1)])
    losses = {
        Objective(single, "log_loss", X.tolist(), targets).loss_and_grad(start(single))[0]
        for targets in (y, y.astype(bool), y.astype(float), y[:, np.newaxis])
    }
    assert len(losses) == 1


def test_float32_stays_float32_and_more_precise_parameters_may_be_asked_about():
    X, y, weights = data()
    net = network()
    params = start(net)
    exact = evaluate(Objective(net, "log_loss", X, y, weights, alpha=0.5, l1_ratio=0.5), params)
    single = Objective(net, "log_loss", X.astype(np.float32), y, weights, alpha=0.5, l1_ratio=0.5)
    loss, grad = evaluate(single, params.astype(np.float32))
    assert isinstance(loss, float)
    assert grad.dtype == np.float32
    assert loss == pytest.approx(exact[0], rel=1e-5)
    np.testing.assert_allclose(grad, exact[1], rtol=1e-3, atol=1e-5)
    loss, grad = evaluate(single, params)
    assert grad.dtype == np.float64
    assert loss == pytest.approx(exact[0], rel=1e-6)
    with pytest.raises(ValueError, match="params are float32 and X is float64"):
        Objective(net, "log_loss", X, y).loss_and_grad(params.astype(np.float32))


class Cubic:
    """A loss of one's own, with nothing but the two methods: the sum of cubed distances."""

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        error = raw - y
        return float(weights @ (abs(error) ** 3).sum(axis=1)), weights[:, np.newaxis] * 3 * error * abs(error)

    def inverse_link(self, raw):
        return raw


def test_a_loss_of_ones_own_needs_two_methods():
    X, _, weights = data()
    y = np.random.RandomState(1).randn(24, 2)
    net = network()
    params = start(net)
    loss, _ = evaluate(Objective(net, Cubic(), X, y, weights), params)
    expected = (weights * (abs(net.predict(params, X) - y) ** 3).sum(axis=1)).sum() / weights.sum()
    assert loss == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"loss": "hinge"}, "loss='hinge' is unknown; choose one of"),
        ({"alpha": -1}, "^alpha=-1"),
        ({"alpha": np.nan}, "^alpha=nan"),
        ({"alpha": 0.1, "l1_ratio": 2}, "^l1_ratio=2"),
        ({"y": np.zeros(23, dtype=int)}, "y has 23 rows, X has 24"),
        ({"y": np.zeros((24, 3))}, "y has 3 columns, the network has 2 outputs"),
        ({"y": np.full(24, 2)}, "y must be class indices from 0 to 1"),
        ({"y": np.full(24, -1)}, "y must be class indices from 0 to 1"),
        ({"y": np.zeros(24)}, "y must be class indices from 0 to 1"),
        ({"y": np.array(["a", "b"] * 12)}, "y must be class indices from 0 to 1"),
        (
            {"loss": "squared_error", "y": np.full((24, 2), np.nan)},
            "y has values that are nan, infinite, or too large",
        ),
        ({"X": np.zeros((24, 7))}, r"X has shape \(24, 7\), the network takes \d columns"),
        ({"sample_weight": np.ones(23)}, r"sample_weight has shape \(23,\), y has 24 rows"),
        ({"sample_weight": np.ones((24, 1))}, r"sample_weight has shape \(24, 1\), y has 24 rows"),
        *[({"sample_weight": np.full(24, bad)}, "sample_weight must be finite") for bad in (0.0, -1.0, np.nan, np.inf)],
    ],
    ids=str,
)
def test_bad_argument_is_named(settings, said):
    X, y, _ = data()
    with pytest.raises(ValueError, match=said):
        Objective(network(), **({"loss": "log_loss", "X": X, "y": y} | settings))


def test_parameters_of_another_length_are_refused():
    X, y, _ = data()
    net = network()
    with pytest.raises(ValueError, match=rf"params have shape \({net.size + 1},\), the network needs \({net.size},\)"):
        Objective(net, "log_loss", X, y).loss_and_grad(np.zeros(net.size + 1))


# Memory order, types, and many outputs


ORDERS = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "columns backwards": lambda X: np.ascontiguousarray(X[:, ::-1])[:, ::-1],
    "rows backwards": lambda X: np.ascontiguousarray(X[::-1])[::-1],
    "every other row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every other column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
}
SOME_ROWS = {"all": None, "slice": slice(10, 70), "indices": np.random.RandomState(0).permutation(300)[:50]}


@pytest.mark.parametrize("rows", SOME_ROWS.values(), ids=SOME_ROWS)
@pytest.mark.parametrize("order", ORDERS)
def test_the_memory_order_of_the_inputs_changes_nothing(order, rows):
    X, y, weights = data(300)
    net = network(chunk_rows=40)
    params = start(net)
    expected = evaluate(Objective(net, "log_loss", X, y, weights), params, rows)
    found = evaluate(Objective(net, "log_loss", ORDERS[order](X), y, weights), params, rows)
    assert found[0] == pytest.approx(expected[0], rel=1e-13)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("order", ORDERS)
def test_rows_drawn_at_random_are_read_from_row_order(order):
    """One copy, with the first such batch; what reads rows in their order needs none."""
    X, y, _ = data()
    net = network()
    objective = Objective(net, "log_loss", ORDERS[order](X), y)
    given, params = objective.X, start(net)
    objective.loss_and_grad(params)
    objective.loss_and_grad(params, slice(3, 9))
    assert objective.X is given
    objective.loss_and_grad(params, np.array([5, 2, 5]))
    packed = objective.X
    assert packed.flags.c_contiguous
    np.testing.assert_array_equal(packed, X)
    reference = evaluate(Objective(net, "log_loss", X, y), params, np.array([1, 9]))
    loss, grad = evaluate(objective, params, np.array([1, 9]))
    assert objective.X is packed
    assert loss == pytest.approx(reference[0], rel=1e-13)
    np.testing.assert_allclose(grad, reference[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rows", [np.arange(0, 20_000, 200), slice(0, 100)], ids=["indices", "slice"])
@pytest.mark.parametrize("order", ORDERS)
def test_a_minibatch_costs_what_its_rows_cost_in_any_memory_order(order, rows):
    X = ORDERS[order](np.random.RandomState(0).randn(20_000, 20))
    net = Network([Dense(20, 1)])
    objective, params = Objective(net, "squared_error", X, np.zeros(20_000)), start(net)
    objective.loss_and_grad(params, rows)
    tracemalloc.start()
    objective.loss_and_grad(params, rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 20


@pytest.mark.parametrize(
    "convert, dtype",
    [(np.asarray, dtype) for dtype in (np.float16, np.longdouble, ">f8", ">f4", np.int8, np.uint64, bool, object)]
    + [(sparse.csr_matrix, dtype) for dtype in (np.longdouble, np.int8, np.uint64, bool)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_inputs_of_another_type_become_floats_that_the_linear_algebra_knows(convert, dtype):
    X = (data()[0] > 0).astype(np.float64)
    net = network()
    params = start(net)
    made = Objective(net, "log_loss", convert(X.astype(dtype)), data()[1], alpha=0.5)
    assert made.X.dtype == np.float64
    assert made.X.dtype.isnative
    assert made.loss_and_grad(params)[0] == Objective(net, "log_loss", X, data()[1], alpha=0.5).loss_and_grad(params)[0]


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble], ids=str)
def test_parameters_of_another_type_are_refused(dtype):
    X, y, _ = data()
    net = network()
    with pytest.raises(ValueError, match="give params at least X's precision, float32 or float64"):
        Objective(net, "log_loss", X, y).loss_and_grad(start(net).astype(dtype))


def test_entries_of_a_sparse_matrix_that_occur_twice_are_one():
    X, y, _ = data()
    rows, columns = np.nonzero(X > 0)
    twice = sparse.csr_matrix((np.tile(X[rows, columns] / 2, 2), (np.tile(rows, 2), np.tile(columns, 2))), X.shape)
    whole = sparse.csr_matrix(np.where(X > 0, X, 0))
    # A matrix from coordinates adds its duplicates up: put them in by hand.
    split = sparse.csr_matrix(
        (np.repeat(whole.data / 2, 2), np.repeat(whole.indices, 2), 2 * whole.indptr), shape=whole.shape
    )
    assert split.nnz == 2 * twice.nnz
    kept = split.copy()
    net = Network([Dropout(0.5), Dense(4, 2)])
    params = start(net)
    one, other = (
        evaluate(Objective(net, "log_loss", inputs, y), params, rng=np.random.RandomState(0))
        for inputs in (whole, split)
    )
    assert one[0] == other[0]
    np.testing.assert_array_equal(one[1], other[1])
    np.testing.assert_array_equal(split.data, kept.data)


def wide(n_rows, n_out, dtype=np.float64):
    rng = np.random.RandomState(0)
    net = Network([Dense(3, n_out)])
    return net, rng.randn(n_rows, 3).astype(dtype), rng.randint(n_out, size=n_rows)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n_out", [2, 16, 17, 100])
def test_classes_are_the_same_as_indices_or_as_rows_of_any_type(n_out, dtype):
    net, X, index = wide(40, n_out, dtype)
    params = start(net).astype(dtype)
    one_hot = np.eye(n_out)[index]
    kinds = [
        index,
        index.astype(np.uint8),
        one_hot,
        one_hot.astype(bool),
        one_hot.astype(int),
        np.asfortranarray(one_hot),
    ]
    for rows in (None, slice(3, 20), np.array([5, 3, 3, 20])):
        results = [evaluate(Objective(net, "categorical_cross_entropy", X, y), params, rows) for y in kinds]
        for loss, grad in results[1:]:
            assert loss == results[0][0]
            np.testing.assert_array_equal(grad, results[0][1])
            assert grad.dtype == dtype


def test_many_classes_take_the_memory_of_their_indices():
    net, X, index = wide(2000, 1000)
    for y, limit in ((index, 0), (np.eye(1000, dtype=bool)[index], 1e5), (np.eye(1000)[index], 1e5)):
        tracemalloc.start()
        objective = Objective(net, "categorical_cross_entropy", X, y)
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        objective.loss_and_grad(start(net), np.arange(10))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert kept <= limit + 2e5
        assert peak < 2e6  # the table of targets has 16 MB as floats


def test_bad_targets_are_found_in_any_chunk():
    net, X, index = wide(4000, 100)
    net.chunk_rows = 500
    y = np.eye(100, dtype=int)[index]
    y[3999, 5] += 1
    with pytest.raises(ValueError, match="rows that do not sum to one"):
        Objective(net, "categorical_cross_entropy", X, y)


# The value alone, and sums


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("chunk_rows", [None, 5])
@pytest.mark.parametrize("rows", [None, slice(2, 17, 3), slice(20, 3, -2), np.array([4, 4, 9])], ids=str)
def test_the_value_is_that_of_loss_and_grad(rows, chunk_rows, weighted, penalty):
    X, y, weights = data()
    net = network(chunk_rows=chunk_rows)
    objective = Objective(net, "log_loss", X, y, weights if weighted else None, **penalty)
    params = start(net)
    value = objective.value(params, rows)
    assert isinstance(value, float)
    assert value == pytest.approx(objective.loss_and_grad(params, rows)[0], rel=1e-13)


def test_the_value_is_taken_at_inference():
    X, y, _ = data()
    net = Network([Dropout(0.5), Dense(4, 5), BatchNorm(5), Activation("tanh"), Dropout(0.5), Dense(5, 2)])
    bare = Network([Dense(4, 5), BatchNorm(5), Activation("tanh"), Dense(5, 2)])
    params = start(net)
    params[-5:] = abs(params[-5:])  # variances
    raw = bare.predict(params, X)
    expected = np.mean(np.log(np.exp(raw).sum(axis=1)) - raw[np.arange(24), y])
    assert Objective(net, "log_loss", X, y).value(params) == pytest.approx(expected, rel=1e-12)


def test_the_value_takes_bounded_memory():
    rng = np.random.RandomState(0)
    net = Network([Dense(10, 100), Activation("relu"), Dense(100, 1)])
    objective, params = Objective(net, "squared_error", rng.randn(60_000, 10), rng.randn(60_000)), start(net)
    tracemalloc.start()
    objective.value(params)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 15e6  # the hidden units take 48 MB


@pytest.mark.parametrize("rows", [None, slice(0, 24)], ids=["all", "slice"])
@pytest.mark.parametrize("weighted", [False, True])
def test_sums_over_partitions_add_up_to_the_objective(weighted, rows):
    X, y, weights = data(48)
    net = network(chunk_rows=10)
    params = start(net)
    whole = evaluate(Objective(net, "log_loss", X, y, weights if weighted else None), params)
    total, total_grad, total_weight = 0.0, 0.0, 0.0
    for part in (slice(0, 24), slice(24, 48)):
        objective = Objective(net, "log_loss", X[part], y[part], weights[part] if weighted else None, alpha=3.0)
        value, grad, weight = objective.sums(params, rows)
        total, total_grad, total_weight = total + value, total_grad + grad, total_weight + weight
    assert total / total_weight == pytest.approx(whole[0], rel=1e-12)
    np.testing.assert_allclose(total_grad / total_weight, whole[1], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(
    "dtype, weight", [(np.float64, 1e306), (np.float64, 1e-310), (np.float32, 1e37), (np.float32, 1e-42)]
)
def test_weights_that_cannot_be_divided_by_are_named(dtype, weight):
    X, y, _ = data()
    with pytest.raises(ValueError, match=r"sample_weight sums to .*: scale the weights"):
        Objective(network(), "log_loss", X.astype(dtype), y, np.full(24, weight))


@pytest.mark.parametrize("dtype, weight", [(np.float64, 1e300), (np.float64, 1e-300), (np.float32, 1e30)])
def test_the_scale_of_the_weights_does_not_matter(dtype, weight):
    X, y, _ = data()
    net = network()
    params = start(net).astype(dtype)
    one, other = (
        evaluate(Objective(net, "log_loss", X.astype(dtype), y, np.full(24, each)), params) for each in (1.0, weight)
    )
    assert one[0] == pytest.approx(other[0], rel=1e-6)
    np.testing.assert_allclose(one[1], other[1], rtol=1e-5)


class Fragile(Network):
    """A network in which the user presses Ctrl-C at the n-th making of views."""

    countdown = -1

    def unflatten(self, params):
        self.countdown -= 1
        if self.countdown == 0:
            raise KeyboardInterrupt
        return super().unflatten(params)


@pytest.mark.parametrize("moment", [1, 2])
def test_an_interrupt_while_views_are_made_leaves_an_objective_that_works(moment):
    X, y, _ = data()
    net = Fragile(network().layers)
    objective, one, other = Objective(net, "log_loss", X, y), start(net), start(net, seed=1)
    expected = [evaluate(Objective(network(), "log_loss", X, y), params) for params in (one, other)]
    for params, (loss, grad) in zip((one, other), expected, strict=True):
        net.countdown = moment
        with pytest.raises(KeyboardInterrupt):
            objective.loss_and_grad(params)
        assert evaluate(objective, params)[0] == loss
        np.testing.assert_array_equal(evaluate(objective, params)[1], grad)


def test_a_loss_is_copied():
    loss = SquaredError()
    X, _, _ = data()
    net = network()
    objective, params = Objective(net, loss, X, X[:, :2]), start(net)
    before = objective.loss_and_grad(params)[0]
    loss.link = "log"
    assert objective.loss_and_grad(params)[0] == before


@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "poisson"])
@pytest.mark.parametrize("chunk_rows", [None, 5])
def test_the_value_of_raw_predictions(loss, chunk_rows):
    X, y, weights = data()
    net = network(chunk_rows=chunk_rows)
    objective = Objective(net, loss, X, y if loss == "log_loss" else np.abs(X[:, :2]), weights, alpha=0.5)
    assert objective.value_of_raw(np.zeros((24, 2))) == pytest.approx(objective.value(np.zeros(net.size)), rel=1e-13)


LIMIT = 100_000_000  # bytes beyond X and y, of address space; of what is resident, too
SCRIPT = """
import json, resource, sys, warnings
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from skmlp_scratch import ScratchMLPClassifier

def status(field):  # of this process alone; ru_maxrss would begin with the peak of the process that started it
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

solver, (max_iter, rows, limit) = sys.argv[1], map(int, sys.argv[2:])
warnings.simplefilter("ignore", ConvergenceWarning)
model = ScratchMLPClassifier((100,), solver=solver, max_iter=max_iter, random_state=0)
X = np.random.default_rng(0).standard_normal((rows, 30), dtype=np.float32)
y = X[:, 0] > X[:, 1]
resident = status("VmRSS")
# Threads, and what the linear algebra sets aside for them, come with the first chunks and are then there for good.
# OpenBLAS tries for ever to get its part, so this has to come before the limit.
model.fit(X[:20_000], y[:20_000]).predict_proba(X[:20_000])
resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + limit,) * 2)
try:
    np.empty(limit * 11 // 10, np.uint8)  # a freed piece may be used again
    sys.exit("there is no limit")
except MemoryError:
    pass
model.fit(X, y)
fit = status("VmHWM") - resident
shape = model.predict_proba(X).shape
print(json.dumps({"fit": fit, "both": status("VmHWM") - resident, "shape": shape, "losses": model.loss_curve_}))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its memory as Linux reports it")
@pytest.mark.parametrize(("solver", "max_iter"), [("gd", 2), ("lbfgs", 2)])
def test_a_million_rows_fit_beside_x(solver, max_iter):
    command = [sys.executable, "-c", SCRIPT, solver, str(max_iter), "1000000", str(LIMIT)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    print(f"{solver}: {found['fit'] / 1e6:.0f} MB to fit, {found['both'] / 1e6:.0f} MB with predict_proba, beyond X")
    assert found["shape"] == [1_000_000, 2]
    assert len(found["losses"]) == max_iter
    assert found["both"] <= LIMIT


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize(
    "rows, error, message",
    [
        (np.array([], dtype=int), ValueError, "rows must not be empty"),
        (slice(5, 5), ValueError, "rows must not be empty"),
        (np.arange(24) > 4, ValueError, "rows are bool, and must be integers: of a mask take np.flatnonzero"),
        (np.array([1.0]), ValueError, "rows are float64, and must be integers"),
        (np.array([3, -1]), IndexError, "out of bounds"),
        (np.array([24]), IndexError, "out of bounds"),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["loss_and_grad", "sums", "value"])
def test_rows_that_are_none(method, rows, error, message, engine, monkeypatch):
    if not engine:
        monkeypatch.setattr("skmlp_scratch._engine._kernels", None)
    net = network()
    with pytest.raises(error, match=message):
        getattr(Objective(net, "log_loss", *data()[:2]), method)(start(net), rows)


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i8", "uint64"])
def test_rows_of_any_integer_type(dtype):
    net = network()
    objective, params = Objective(net, "log_loss", *data()[:2]), start(net)
    loss, grad = evaluate(objective, params, np.array([3, 0, 3]))
    for rows in (np.array([3, 0, 3], dtype=dtype), [3, 0, 3]):
        found, found_grad = evaluate(objective, params, rows)
        assert found == loss
        np.testing.assert_array_equal(found_grad, grad)


def test_parameters_have_to_be_contiguous():
    net = network()
    with pytest.raises(ValueError, match="params must be contiguous"):
        Objective(net, "log_loss", *data()[:2]).loss_and_grad(np.repeat(start(net), 2)[::2])


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_has_a_buffer_of_its_own_and_the_same_kernels(duplicate):
    net = network()
    objective, params = Objective(net, "log_loss", *data()[:2], alpha=0.1), start(net)
    loss, grad = objective.loss_and_grad(params)
    kept, twin = grad.copy(), duplicate(objective)
    twin.loss_and_grad(params + 1)
    np.testing.assert_array_equal(grad, kept)
    found, found_grad = twin.loss_and_grad(params)
    assert found == loss
    np.testing.assert_array_equal(found_grad, grad)
    assert (twin._compiled is None) == (objective._compiled is None)

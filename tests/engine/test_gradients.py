"""Loss and gradient of the compiled kernels are those of the core, over what they know; the rest runs in numpy."""

import numpy as np
import pytest
from scipy import sparse

from skmlp_scratch import _engine
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Scale
from skmlp_scratch.losses import BinaryCrossEntropy, CategoricalCrossEntropy, Huber, Quantile, Smoothed, SquaredError
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective

TOLERANCES = {np.float64: 1e-12, np.float32: 1e-5}
DTYPES = list(TOLERANCES)
N = 301
LOSSES = ["squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", "binary_cross_entropy"]
LAYERS = {
    "none": [],
    "dropout": [Dropout(0.3)],
    "scale": [Scale(23)],
    "layer": [LayerNorm(23)],
    "batch": [BatchNorm(23)],
    "batch, dropout": [BatchNorm(23), Dropout(0.5), LayerNorm(23)],
}
ROWS = {
    "all": None,
    "few": np.arange(N)[::-1][:5],
    "some": np.random.RandomState(0).permutation(N)[:64],
    "shuffled": np.random.RandomState(0).permutation(N),
    "slice": slice(3, 50),
}


def inputs(dtype, n_in=11, order="C", n=N):
    X = np.random.RandomState(1).standard_normal((n, n_in)).astype(dtype)
    if order == "sparse":
        return sparse.random(n, n_in, 0.3, format="csr", random_state=0, dtype=dtype)
    if order == "strided":
        return np.repeat(X, 2, axis=1)[::-1, ::2]
    return np.asarray(X, order=order)


def targets(n_out, loss="squared_error", n=N):
    y = 0.1 + np.random.RandomState(2).random_sample((n, n_out))
    return np.minimum(y, 1) if loss == "binary_cross_entropy" else y


def deep(n_in, activation, n_out, layers=()):
    return Network(
        [
            Dense(n_in, 23),
            *layers,
            *activated(activation, layers),
            Dense(23, 9),
            Activation(activation),
            Dense(9, n_out),
        ]
    )


def activated(activation, layers):
    """An activation works in place: not on what a dropout needs in its own backward."""
    return [] if layers and isinstance(layers[-1], Dropout) else [Activation(activation)]


def both(objective, dtype, rows=None, spread=0.1):
    """Loss and gradient by the core and by the kernels, at one point with the same draws."""
    params = objective.network.init(np.random.RandomState(0), dtype=dtype)
    params += (spread * np.random.RandomState(3).standard_normal(len(params))).astype(dtype)
    objective._bind(params)
    compiled, objective._compiled = objective._compiled, None
    assert compiled is not None
    loss, grad = objective.loss_and_grad(params, rows, np.random.RandomState(4))
    out = np.zeros_like(grad)
    return (loss, grad), (compiled(params, out, rows, np.random.RandomState(4)), out)


def assert_same(objective, dtype, rows=None, factor=1, **kwargs):
    (loss, grad), (engine_loss, engine_grad) = both(objective, dtype, rows, **kwargs)
    tolerance = factor * TOLERANCES[dtype]
    assert engine_loss == pytest.approx(loss, rel=tolerance, abs=tolerance)
    np.testing.assert_allclose(engine_grad, grad, rtol=0, atol=tolerance * max(1, np.abs(grad).max()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", _engine.ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_activations_and_losses(activation, loss, dtype):
    for n_out in (1, 3):
        y = targets(n_out, loss)
        weights = np.random.RandomState(5).random_sample(N)
        for rows in ROWS.values():
            objective = Objective(deep(11, activation, n_out), loss, inputs(dtype), y, weights, alpha=0.3)
            assert_same(objective, dtype, rows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_classes", [2, 3, 8, 9, 40])
@pytest.mark.parametrize("epsilon", [0, 0.1])
def test_classes_in_every_form(n_classes, epsilon, dtype):
    index = np.random.RandomState(0).randint(0, n_classes, N)
    loss = Smoothed(CategoricalCrossEntropy(), epsilon) if epsilon else "log_loss"
    forms = [index, index.astype(np.int16), np.eye(n_classes)[index], np.eye(n_classes, dtype=bool)[index]]
    for y in [*forms, np.eye(n_classes, dtype=np.uint8)[index], np.eye(n_classes, dtype=int)[index]]:
        for rows in ROWS.values():
            assert_same(Objective(deep(11, "relu", n_classes), loss, inputs(dtype), y), dtype, rows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n_labels", [1, 3, 20])
def test_labels(n_labels, dtype):
    y = np.random.RandomState(0).randint(0, 2, (N, n_labels)).astype(bool)
    for loss in (BinaryCrossEntropy(), Smoothed(BinaryCrossEntropy(), 0.2, multilabel=True)):
        assert_same(Objective(deep(11, "tanh", n_labels), loss, inputs(dtype), y), dtype, ROWS["some"])


@pytest.mark.parametrize("link", ["identity", "log", "logistic"])
@pytest.mark.parametrize("loss", [SquaredError, Huber, Quantile])
def test_links(loss, link):
    assert_same(Objective(deep(11, "tanh", 2), loss(link=link), inputs(np.float64), targets(2)), np.float64)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F", "strided", "sparse"])
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("l1_ratio", [0, 0.4, 1])
def test_layers_orders_and_penalties(layers, order, l1_ratio, dtype):
    for rows in ROWS.values():
        network = deep(11, "silu", 2, LAYERS[layers])
        objective = Objective(
            network, "log_loss", inputs(dtype, order=order), targets(2).argmax(axis=1), alpha=5.0, l1_ratio=l1_ratio
        )
        if layers.startswith("batch"):
            # Rounding of a batch's statistics passes through their reciprocal.
            assert_same(objective, dtype, rows, factor=20)
        else:
            assert_same(objective, dtype, rows)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F", "sparse"])
@pytest.mark.parametrize("layers", ["none", "dropout", "scale", "layer"])
def test_many_rows_in_shares(layers, order, dtype):
    """Batches large enough that each thread computes the whole gradient of a share of the rows."""
    n = 5000
    network, weights = deep(11, "silu", 2, LAYERS[layers]), np.random.RandomState(5).random_sample(n)
    X, y = inputs(dtype, order=order, n=n), targets(2, n=n).argmax(axis=1)
    all_rows = [] if layers == "dropout" else [None]
    for rows in (np.random.RandomState(6).permutation(n), np.arange(1100), slice(7, 1807), *all_rows):
        objective = Objective(network, "log_loss", X, y, weights, alpha=5.0, l1_ratio=0.4)
        assert_same(objective, dtype, rows, factor=3)
        found, params = [], network.init(np.random.RandomState(0), dtype=dtype)
        for n_threads in (1, 2, 3, 4):
            compiled, grad = _engine.compile_objective(objective, params.dtype, n_threads), np.empty_like(params)
            found.append((compiled(params, grad, rows, np.random.RandomState(4)), grad.tobytes()))
        assert len(set(found)) == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_penalty_at_zero(dtype):
    network = Network([Dense(11, 4), Dense(4, 1)])
    objective = Objective(network, "squared_error", inputs(dtype), targets(1), alpha=3.0, l1_ratio=0.9)
    params = network.init(np.random.RandomState(0), dtype=dtype)
    params[::3] = 0
    objective._bind(params)
    compiled, objective._compiled = objective._compiled, None
    _, grad = objective.loss_and_grad(params)
    out = np.empty_like(grad)
    compiled(params, out, None, None)
    np.testing.assert_allclose(out, grad, rtol=0, atol=TOLERANCES[dtype])
    np.testing.assert_array_equal(out == 0, grad == 0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "n_in, hidden, n_out, n",
    [(1, 1, 1, 1), (2, 3, 2, 7), (700, 5, 1, 20), (30, 100, 1, 600), (17, 600, 5, 40), (400, 33, 300, 13)],
)
def test_every_edge_of_the_tiles(n_in, hidden, n_out, n, dtype):
    network = Network([Dense(n_in, hidden), Activation("tanh"), Dense(hidden, n_out, bias=False)])
    objective = Objective(network, "squared_error", inputs(dtype, n_in, n=n), targets(n_out, n=n))
    assert_same(objective, dtype, factor=4, spread=0.01)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F", "strided"])
def test_a_scale_of_the_inputs(order, dtype):
    network = Network(
        [Scale(11, rate=6.0), Dense(11, 5), Activation("silu"), Scale(5), Activation("tanh"), Dense(5, 1)]
    )
    for rows in ROWS.values():
        assert_same(Objective(network, "squared_error", inputs(dtype, order=order), targets(1)), dtype, rows)


def test_input_dropout_and_a_linear_model():
    dropped = Network([Dropout(0.2), Dense(11, 5), Activation("relu"), Dense(5, 1)])
    assert_same(Objective(dropped, "squared_error", inputs(np.float64), targets(1)), np.float64, ROWS["some"])
    assert_same(Objective(Network([Dense(11, 1)]), "log_loss", inputs(np.float64), targets(1) > 0.5), np.float64)


@pytest.mark.parametrize("place", ["X", "weights", "params"])
@pytest.mark.parametrize("activation", _engine.ACTIVATIONS)
def test_nan_stays_nan(activation, place):
    X, weights = inputs(np.float64), np.ones(N)
    objective = Objective(deep(11, activation, 1), "squared_error", X, targets(1), weights)
    params = objective.network.init(np.random.RandomState(0))
    {"X": X, "weights": weights.reshape(-1, 1), "params": params.reshape(-1, 1)}[place][7, 0] = np.nan
    if place == "weights":
        objective.sample_weight[7] = np.nan
    loss, grad = objective.loss_and_grad(params)
    assert np.isnan(loss)
    assert np.isnan(grad).any()


def test_infinite_raw_predictions_are_not_finite_losses():
    network = Network([Dense(1, 3)])
    objective = Objective(network, "log_loss", np.ones((4, 1)), np.array([0, 1, 2, 0]))
    params = np.zeros(network.size)
    params[-3:] = [np.inf, 0, 0]
    assert not np.isfinite(objective.loss_and_grad(params)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", ["C", "F", "sparse"])
@pytest.mark.parametrize("layers", LAYERS)
def test_the_value_at_inference(layers, order, dtype):
    network = deep(11, "tanh", 3, LAYERS[layers])
    weights = np.random.RandomState(5).random_sample(N)
    objective = Objective(network, "log_loss", inputs(dtype, order=order), targets(3).argmax(axis=1), weights, 0.3, 0.5)
    params = network.init(np.random.RandomState(0), dtype=dtype)
    for rows in (*ROWS.values(), slice(None, None, 2)):
        objective._bind(params)
        value = objective.value(params, rows)
        compiled, objective._compiled = objective._compiled, None
        assert value == pytest.approx(objective.value(params, rows), rel=TOLERANCES[dtype])
        objective._compiled = compiled


class MyLoss(SquaredError):
    pass


@pytest.mark.parametrize(
    "network, loss, dtype",
    [
        (Network([Dense(11, 2), Activation(lambda z: (z, lambda delta: delta)), Dense(2, 1)]), "squared_error", None),
        (Network([Dense(11, 1)]), MyLoss(), None),
        (Network([Dense(11, 2), Dropout(0.1), Activation("relu"), Dense(2, 1)]), "squared_error", None),
        (Network([Dense(11, 1)]), "squared_error", np.float32),
        (Network([Dense(11, 2)]), SquaredError(link="softmax"), None),
    ],
)
def test_what_the_kernels_do_not_know_runs_in_numpy(network, loss, dtype):
    objective = Objective(network, loss, inputs(dtype or np.float64), targets(network.n_out))
    params = network.init(np.random.RandomState(0))
    loss, grad = objective.loss_and_grad(params, None, np.random.RandomState(0))
    assert objective._compiled is None
    assert np.isfinite(loss)
    assert np.isfinite(grad).all()


def test_a_large_full_batch_with_dropout_draws_as_the_core_does():
    network = Network([Dense(11, 100), Dropout(0.5), Dense(100, 1)])
    n = network.chunk_rows + 1
    objective = Objective(network, "squared_error", inputs(np.float64, n=n), targets(1, n=n))
    params = network.init(np.random.RandomState(0))
    with_engine = objective.loss_and_grad(params, None, np.random.RandomState(1))[1].copy()
    objective._compiled = None
    np.testing.assert_array_equal(with_engine, objective.loss_and_grad(params, None, np.random.RandomState(1))[1])

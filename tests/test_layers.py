"""Each layer against its formula, and its backward, down to the inputs, against differences."""

import dataclasses
import pickle

import numpy as np
import pytest
from problems import DESCENDING, LABELS_TEN, SPARSE, X_TEN, batched_of_ten, rng_ten
from scipy import sparse

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.layers import Activation, BatchNorm, Dense, Dropout, LayerNorm, Scale
from skmlp_scratch.network import CHUNK_VALUES, Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.solvers import SOLVERS

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]


LAYERS = [
    Dense(3, 4),
    Dense(3, 4, bias=False),
    *[Activation(name) for name in ("tanh", "relu", "gelu", "identity")],
    Dropout(0.4),
    Dropout(0.0),
    BatchNorm(3),
    LayerNorm(3),
    Scale(3),
    Scale(3, rate=6.0),
]
EPSILON = 1e-5


def random_params(layer, rng):
    params = {name: rng.randn(*shape) for name, shape in layer.shapes.items()}
    return params | {name: rng.uniform(0.5, 2, shape) for name, shape in layer.statistics.items()}


def forward(layer, params, X, seed=0):
    """In training, with the same dropout mask each time, and never at the expense of X."""
    return layer.forward(params, X.copy(), np.random.RandomState(seed))


def gradients(layer, params, X, C):
    """Of sum(C * Y), with respect to X and to each array."""
    _, backward = forward(layer, params, X)
    grads = {name: np.full(shape, np.nan) for name, shape in layer.shapes.items()}
    return {"X": backward(C.copy(), grads)} | grads


def numeric_gradient(layer, params, X, C, name, h=1e-3):
    arrays = params | {"X": X}
    numeric = np.empty(arrays[name].shape)
    for place in np.ndindex(numeric.shape):

        def value(step, place=place):
            moved = arrays[name].copy()
            moved[place] += step
            changed = arrays | {name: moved}
            return float((C * forward(layer, changed, changed["X"])[0]).sum())

        numeric[place] = (8 * (value(h) - value(-h)) - (value(2 * h) - value(-2 * h))) / (12 * h)
    return numeric


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_gradients_equal_the_difference_quotients(layer):
    for seed in range(10):
        rng = np.random.RandomState(seed)
        X, params = rng.randn(5, 3), random_params(layer, rng)
        X[abs(X) < 0.01] = 0.5  # clear of relu's kink
        C = rng.randn(*forward(layer, params, X)[0].shape)
        for name, grad in gradients(layer, params, X, C).items():
            numeric = numeric_gradient(layer, params, X, C, name)
            bound = 1e-7 if isinstance(layer, BatchNorm) else 1e-8
            assert np.linalg.norm(grad - numeric) < bound * np.linalg.norm(grad + numeric)


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if not isinstance(layer, Activation)], ids=repr)
def test_arguments_are_left_as_they_are(layer):
    rng = np.random.RandomState(0)
    X, params, C = rng.randn(5, 3), random_params(layer, rng), rng.randn(5, 4 if isinstance(layer, Dense) else 3)
    kept = X.copy(), {name: array.copy() for name, array in params.items()}
    _, backward = layer.forward(params, X, np.random.RandomState(0))
    backward(C, {name: np.empty(shape) for name, shape in layer.shapes.items()})
    layer.predict(params, X)
    np.testing.assert_array_equal(X, kept[0])
    for name, array in params.items():
        np.testing.assert_array_equal(array, kept[1][name])


@pytest.mark.parametrize("layer", [layer for layer in LAYERS if layer.rowwise and not layer.stochastic], ids=repr)
def test_what_draws_nothing_predicts_as_it_trains(layer):
    rng = np.random.RandomState(0)
    X, params = rng.randn(5, 3), random_params(layer, rng)
    np.testing.assert_array_equal(layer.predict(params, X.copy()), forward(layer, params, X)[0])


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_float32_stays_float32(layer):
    rng = np.random.RandomState(0)
    X, params = rng.randn(5, 3), random_params(layer, rng)
    exact = forward(layer, params, X)[0]
    single = {name: array.astype(np.float32) for name, array in params.items()}
    Y, backward = forward(layer, single, X.astype(np.float32))
    grads = {name: np.empty(shape, dtype=np.float32) for name, shape in layer.shapes.items()}
    assert Y.dtype == layer.predict(single, X.astype(np.float32)).dtype == np.float32
    assert backward(np.ones_like(Y), grads).dtype == np.float32
    np.testing.assert_allclose(Y, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_a_layer_is_a_frozen_description(layer):
    assert pickle.loads(pickle.dumps(layer)) == layer
    assert eval(repr(layer)) == layer
    assert hash(layer) == hash(eval(repr(layer)))
    for field in dataclasses.fields(layer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(layer, field.name, 1)


@pytest.mark.parametrize("bias", [True, False])
def test_dense_follows_the_formula(bias):
    rng = np.random.RandomState(0)
    dense, X = Dense(3, 4, bias=bias), rng.randn(5, 3)
    params = random_params(dense, rng)
    assert dense.shapes == ({"W": (3, 4), "b": (4,)} if bias else {"W": (3, 4)})
    expected = [[sum(x * w for x, w in zip(row, column, strict=True)) for column in params["W"].T] for row in X]
    np.testing.assert_allclose(dense.predict(params, X), np.array(expected) + params.get("b", 0), rtol=1e-13)


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array], ids=lambda f: f.__name__)
@pytest.mark.parametrize("bias", [True, False])
def test_dense_takes_sparse_inputs(convert, bias):
    rng = np.random.RandomState(0)
    dense, X = Dense(3, 4, bias=bias), rng.randn(6, 3) * (rng.rand(6, 3) < 0.5)
    params, C = random_params(dense, rng), rng.randn(6, 4)
    Y, backward = dense.forward(params, convert(X), None)
    grads = {name: np.empty(shape) for name, shape in dense.shapes.items()}
    assert backward(C, grads, need_dX=False) is None
    np.testing.assert_allclose(Y, forward(dense, params, X)[0], rtol=1e-13, atol=1e-15)
    expected = gradients(dense, params, X, C)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, expected[name], rtol=1e-13, atol=1e-15)


def test_the_first_layer_saves_itself_the_gradient_of_the_inputs():
    rng = np.random.RandomState(0)
    for layer in (Dense(3, 3), BatchNorm(3), LayerNorm(3)):
        params, X, C = random_params(layer, rng), rng.randn(5, 3), rng.randn(5, 3)
        _, backward = forward(layer, params, X)
        grads = {name: np.empty(shape) for name, shape in layer.shapes.items()}
        assert backward(C, grads, False) is None
        for name, grad in gradients(layer, params, X, C).items():
            if name != "X":
                np.testing.assert_array_equal(grads[name], grad)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activation_layer_runs_the_function(name):
    z = np.linspace(-2, 2, 6).reshape(2, 3)
    a, backward = ACTIVATIONS[name](z.copy())
    np.testing.assert_array_equal(Activation(name).predict({}, z.copy()), a)
    np.testing.assert_array_equal(forward(Activation(name), {}, z)[1](np.ones((2, 3)), {}), backward(np.ones((2, 3))))
    assert Activation(name).predict({}, z.copy()).tolist() == Activation(ACTIVATIONS[name]).predict({}, z).tolist()


def test_dropout_drops_its_share_and_scales_the_rest():
    X = np.full((300, 200), 2.0)
    Y, backward = forward(Dropout(0.3), {}, X)
    dropped = Y == 0
    assert dropped.mean() == pytest.approx(0.3, abs=0.006)  # three standard errors of 60 000 draws
    np.testing.assert_allclose(Y[~dropped], 2 / 0.7, rtol=1e-14)
    np.testing.assert_array_equal(backward(X, {}), Y)  # the same mask on the way down


def test_dropout_keeps_the_expectation_and_predicts_untouched():
    X = np.array([[1.0, -2.0, 3.0]])
    rng = np.random.RandomState(0)
    mean = np.mean([Dropout(0.5).forward({}, X, rng)[0] for _ in range(20000)], axis=0)
    np.testing.assert_allclose(mean, X, atol=4 * 3 / np.sqrt(20000))
    np.testing.assert_array_equal(Dropout(0.5).predict({}, X), X)


def test_dropout_of_nothing_draws_as_many_numbers():
    X, rng, twin = np.ones((4, 3)), np.random.RandomState(0), np.random.RandomState(0)
    np.testing.assert_array_equal(Dropout(0.0).forward({}, X, rng)[0], X)
    Dropout(0.9).forward({}, X, twin)
    assert rng.rand() == twin.rand()


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array], ids=lambda f: f.__name__)
def test_dropout_of_sparse_inputs_drops_stored_values(convert):
    rng = np.random.RandomState(0)
    dense = rng.uniform(1, 2, (200, 100)) * (rng.rand(200, 100) < 0.3)
    X = convert(dense)
    Y, _ = Dropout(0.4).forward({}, X, np.random.RandomState(0))
    assert type(Y) is type(X)
    np.testing.assert_array_equal(X.toarray(), dense)
    Y = Y.toarray()
    assert not Y[dense == 0].any()
    stored = Y[dense != 0]
    assert (stored == 0).mean() == pytest.approx(0.4, abs=0.02)
    np.testing.assert_allclose(stored[stored != 0], dense[dense != 0][stored != 0] / 0.6, rtol=1e-14)


def test_batch_norm_normalizes_columns_and_layer_norm_rows():
    rng = np.random.RandomState(0)
    X = 5 + 3 * rng.randn(50, 4)
    for layer, axis in ((BatchNorm(4), 0), (LayerNorm(4), 1)):
        plain = layer.init(rng, None)
        Y = forward(layer, plain, X)[0]
        np.testing.assert_allclose(Y.mean(axis=axis), 0, rtol=0, atol=1e-13)
        var = X.var(axis=axis)
        np.testing.assert_allclose(Y.var(axis=axis), var / (var + EPSILON), rtol=1e-12)
        params = plain | {"gamma": np.array([1.0, 2.0, 0.0, -1.0]), "beta": np.arange(4.0)}
        np.testing.assert_allclose(
            forward(layer, params, X)[0], Y * params["gamma"] + params["beta"], rtol=1e-12, atol=1e-13
        )


def test_batch_norm_predicts_with_the_population():
    rng = np.random.RandomState(0)
    layer, X = BatchNorm(3), rng.randn(40, 3)
    params = random_params(layer, rng)
    expected = (X - params["mean"]) / np.sqrt(params["var"] + EPSILON) * params["gamma"] + params["beta"]
    np.testing.assert_allclose(layer.predict(params, X), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.predict(params, X[7:8]), expected[7:8], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("sizes", [[40], [1, 39], [13, 13, 14], [1] * 40])
def test_calibration_in_chunks_equals_mean_and_variance(sizes):
    X = 1000 + np.random.RandomState(0).randn(40, 3)
    layer = BatchNorm(3)
    params = layer.init(None, None)
    params = {name: array.copy() for name, array in params.items()}
    layer.calibrate(params, np.split(X, np.cumsum(sizes)[:-1]))
    np.testing.assert_allclose(params["mean"], X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(params["var"], X.var(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(params["gamma"], np.ones(3))


@pytest.mark.parametrize("layer", [BatchNorm(3), LayerNorm(3)], ids=repr)
def test_a_constant_is_no_division_by_zero(layer):
    params, X = random_params(layer, np.random.RandomState(0)), np.full((4, 3), 7.0)
    Y, backward = forward(layer, params, X)
    np.testing.assert_array_equal(Y, np.tile(params["beta"], (4, 1)))
    assert np.isfinite(backward(np.ones((4, 3)), {name: np.empty(3) for name in layer.shapes})).all()


def test_batch_norm_of_one_row_has_nothing_to_learn_from_it():
    layer, rng = BatchNorm(3), np.random.RandomState(0)
    params = random_params(layer, rng)
    Y, backward = forward(layer, params, rng.randn(1, 3))
    grads = {name: np.empty(3) for name in layer.shapes}
    np.testing.assert_array_equal(Y[0], params["beta"])
    np.testing.assert_array_equal(backward(np.ones((1, 3)), grads), np.zeros((1, 3)))
    np.testing.assert_array_equal(grads["gamma"], np.zeros(3))
    np.testing.assert_array_equal(grads["beta"], np.ones(3))


def test_only_batch_norm_looks_across_rows_and_only_dropout_draws():
    assert [layer for layer in LAYERS if not layer.rowwise] == [BatchNorm(3)]
    assert [layer for layer in LAYERS if layer.stochastic] == [Dropout(0.4), Dropout(0.0)]


@pytest.mark.parametrize(
    "make, parameter",
    [
        *[(lambda bad=bad: Dense(bad, 2), "n_in") for bad in (0, -1, 2.5, "3", None, True)],
        *[(lambda bad=bad: Dense(2, bad), "n_out") for bad in (0, 2.5, np.nan)],
        *[(lambda bad=bad: BatchNorm(bad), "n") for bad in (0, 2.5, None)],
        *[(lambda bad=bad: LayerNorm(bad), "n") for bad in (0, 2.5, None)],
        *[(lambda bad=bad: Dropout(bad), "p") for bad in (-0.1, 1, 1.5, np.nan, "0.5", None, True)],
        *[(lambda bad=bad: Activation(bad), "activation") for bad in ("ReLU", 3, None)],
    ],
)
def test_bad_parameter_is_named(make, parameter):
    with pytest.raises(ValueError, match=f"^{parameter}="):
        make()


@pytest.mark.parametrize("convert", [sparse.csr_matrix, sparse.csr_array], ids=lambda f: f.__name__)
def test_scale_takes_sparse_inputs(convert):
    rng = np.random.RandomState(0)
    X = np.where(rng.rand(6, 3) < 0.5, rng.randn(6, 3), 0)
    layer, params, C = Scale(3), {"scale": rng.randn(3)}, rng.randn(6, 3)
    thin = convert(X)
    Y, backward = layer.forward(params, thin, None)
    assert sparse.issparse(Y)
    assert type(Y) is type(thin)
    np.testing.assert_allclose(Y.toarray(), X * params["scale"], rtol=1e-15)
    grads = {"scale": np.empty(3)}
    np.testing.assert_allclose(backward(C, grads), C * params["scale"])
    np.testing.assert_allclose(grads["scale"], (C * X).sum(axis=0), rtol=1e-14)
    np.testing.assert_array_equal(thin.toarray(), X)


def test_scale_starts_at_one_free_of_the_penalty_at_its_own_rate():
    net = Network([Scale(3, rate=6.0), Dense(3, 2), Scale(2), Dense(2, 1)])
    views = net.unflatten(net.init(np.random.RandomState(0)))
    np.testing.assert_array_equal(views[0]["scale"], np.ones(3))
    assert net.weight_slice == slice(0, 8)
    assert net.rate_factors == [(slice(8, 11), 6.0)]
    assert Network([Scale(3), Dense(3, 2)]).rate_factors == []


@pytest.mark.parametrize("one, other", [("sigmoid", "logistic"), ("swish", "silu"), ("tanh", ACTIVATIONS["tanh"])])
def test_two_names_of_a_function_are_one_layer(one, other):
    assert Activation(one) == Activation(other)
    assert repr(Activation(one)) == repr(Activation(other))
    assert hash(Activation(one)) == hash(Activation(other))


def halving(z):
    return z / 2, lambda delta: delta / 2


def test_a_function_shows_its_name_once_it_is_in_the_table(monkeypatch):
    assert "halving at" in repr(Activation(halving))
    monkeypatch.setitem(ACTIVATIONS, "halving", halving)
    assert repr(Activation("halving")) == "Activation('halving')"
    assert Activation("halving") == Activation(halving)


@pytest.mark.parametrize("layer", [Dropout(np.float64(0.5)), Dropout(np.float32(0.5))], ids=repr)
def test_numpys_own_numbers_do_not_promote(layer):
    X = np.ones((3, 2), dtype=np.float32)
    assert layer.forward({}, X, np.random.RandomState(0))[0].dtype == np.float32


rng_scales = np.random.RandomState(0)
X_SCALES = rng_scales.standard_normal((121, 4)) * [1, 5, 0.2, 3] + [0, 10, 0, -4]
TARGET_SCALES = np.tanh(X_SCALES[:, 0]) + (X_SCALES[:, 1] - 10) / 5 + 0.1 * rng_scales.standard_normal(121)
LABELS_SCALES = (TARGET_SCALES > 0).astype(int)


def normalized(**parameters):
    settings = {"hidden_layer_sizes": (7, 5), "normalization": "batch", "max_iter": 8, "random_state": 0}
    return ScratchMLPRegressor(**settings | parameters)


def relu(z):
    return np.maximum(z, 0)


def layers_of(model):
    """The arrays of Dense and BatchNorm in turn, and of the last Dense."""
    return [views for views in model.network_.unflatten(model.params_) if views]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("batch_size", [20, 121])
def test_statistics_are_those_of_an_explicit_pass(solver, batch_size):
    """Mean and variance of each layer's inputs over the training set, under the weights that came out."""
    if batch_size == 20 and solver in ("gd", "bfgs", "lbfgs", "cg"):
        batch_size = "auto"  # they take all rows
    model = normalized(solver=solver, batch_size=batch_size).fit(X_SCALES, TARGET_SCALES)
    hidden = X_SCALES
    arrays = layers_of(model)
    for dense, norm in zip(arrays[0:4:2], arrays[1:4:2], strict=True):
        z = hidden @ dense["W"] + dense["b"]
        np.testing.assert_allclose(norm["mean"], z.mean(axis=0), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(norm["var"], z.var(axis=0), rtol=1e-9, atol=1e-9)
        scaled = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPSILON)
        hidden = relu(scaled * norm["gamma"] + norm["beta"])
    by_hand = (hidden @ arrays[4]["W"] + arrays[4]["b"]).ravel()
    np.testing.assert_allclose(model.predict(X_SCALES), by_hand, rtol=1e-9, atol=1e-9)


def test_statistics_over_many_chunks():
    """More rows than one chunk holds: the chunks' means and variances are merged."""
    network = Network([Dense(3, 6), BatchNorm(6), Dense(6, 1)])
    n = 3 * network.chunk_rows + 17
    assert network.chunk_rows < CHUNK_VALUES
    big = np.random.RandomState(0).standard_normal((n, 3)) + 50
    params = network.init(np.random.RandomState(1))
    network.calibrate(params, big)
    dense, norm, _ = network.unflatten(params)
    z = big @ dense["W"] + dense["b"]
    np.testing.assert_allclose(norm["mean"], z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(norm["var"], z.var(axis=0), rtol=1e-10)


def test_statistics_have_no_gradient_and_no_penalty():
    model = normalized(alpha=3.0).fit(X_SCALES, TARGET_SCALES)
    objective = Objective(model.network_, "squared_error", X_SCALES, TARGET_SCALES, alpha=3.0, l1_ratio=0.5)
    _, grad = objective.loss_and_grad(model.params_)
    for views in model.network_.unflatten(grad):
        for name in ("mean", "var"):
            np.testing.assert_array_equal(views.get(name, 0), 0)
    # They lie at the end of the vector, and the weights, which alone are penalized, at its beginning.
    n_weights = 4 * 7 + 7 * 5 + 5
    assert model.network_.weight_slice == slice(0, n_weights)
    tail = np.concatenate([array.ravel() for views in layers_of(model) for name, array in views.items()
                           if name in ("mean", "var")])  # fmt: skip
    np.testing.assert_array_equal(model.params_[-len(tail) :], tail)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("estimator, y", [(ScratchMLPClassifier, LABELS_SCALES), (ScratchMLPRegressor, TARGET_SCALES)])
def test_a_row_is_predicted_the_same_alone_and_in_company(normalization, estimator, y):
    model = estimator(hidden_layer_sizes=(7, 5), normalization=normalization, max_iter=8, random_state=0).fit(
        X_SCALES, y
    )
    method = "predict_proba" if estimator is ScratchMLPClassifier else "predict"
    together = getattr(model, method)(X_SCALES)
    alone = np.concatenate([getattr(model, method)(row[None]) for row in X_SCALES])
    np.testing.assert_allclose(alone, together, rtol=1e-10, atol=1e-12)
    assert np.ptp(together, axis=0).max() > 0.1


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("batch_size", [10, 20, 40])
def test_a_last_batch_of_one_row_trains(solver, batch_size):
    """121 rows leave one over. Normalized by itself it is 0 in every unit, so it moves biases and shifts only."""
    model = normalized(solver=solver, batch_size=batch_size, max_iter=150, learning_rate_init=0.03).fit(
        X_SCALES, TARGET_SCALES
    )
    assert np.isfinite(model.params_).all()
    assert model.score(X_SCALES, TARGET_SCALES) > 0.8


def test_sample_weights_do_not_break_it():
    weights = rng_scales.uniform(0.1, 5, 121)
    weights[:40] = 0
    for solver in ("adam", "lbfgs"):
        settings = {"solver": solver, "batch_size": 20}
        model = normalized(**settings).fit(X_SCALES, TARGET_SCALES, sample_weight=weights)
        # Rows of weight zero are absent, from the statistics too.
        dropped = normalized(**settings).fit(X_SCALES[40:], TARGET_SCALES[40:], sample_weight=weights[40:])
        np.testing.assert_array_equal(model.params_, dropped.params_)
        # A common factor changes nothing but the strength of alpha.
        scaled = normalized(alpha=0.0, **settings).fit(X_SCALES, TARGET_SCALES, sample_weight=1000 * weights)
        plain = normalized(alpha=0.0, **settings).fit(X_SCALES, TARGET_SCALES, sample_weight=weights)
        np.testing.assert_allclose(scaled.params_, plain.params_, rtol=1e-5, atol=1e-7)


def test_class_weights_do_not_break_it():
    y = (TARGET_SCALES > 1.2).astype(int)
    settings = {"hidden_layer_sizes": (7,), "normalization": "batch", "max_iter": 20, "random_state": 0}
    plain = ScratchMLPClassifier(**settings).fit(X_SCALES, y)
    model = ScratchMLPClassifier(class_weight="balanced", **settings).fit(X_SCALES, y)
    assert model.predict_proba(X_SCALES)[:, 1].mean() > plain.predict_proba(X_SCALES)[:, 1].mean()


@pytest.mark.parametrize("normalization", ["batch", "layer"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_inputs_equal_dense_ones(normalization, solver):
    X_sparse = sparse.random(121, 9, density=0.3, format="csr", random_state=0)
    y = X_sparse.toarray()[:, :3].sum(axis=1)
    stored = normalized(normalization=normalization, solver=solver).fit(X_sparse, y)
    dense = normalized(normalization=normalization, solver=solver).fit(X_sparse.toarray(), y)
    np.testing.assert_allclose(stored.params_, dense.params_, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(stored.predict(X_sparse), dense.predict(X_sparse.toarray()), rtol=1e-5, atol=1e-7)


def test_the_scale_of_the_inputs_does_not_matter_to_batch_normalization():
    """z is as often larger as its gradient is smaller: the same steps lead to the same predictions."""
    settings = {"max_iter": 60, "learning_rate_init": 0.01, "alpha": 0.0}
    near, far = (
        normalized(**settings).fit(scale * X_SCALES, TARGET_SCALES).predict(scale * X_SCALES) for scale in (1, 1000)
    )
    np.testing.assert_allclose(far, near, atol=1e-3)
    settings["normalization"] = None
    near, far = (
        normalized(**settings).fit(scale * X_SCALES, TARGET_SCALES).predict(scale * X_SCALES) for scale in (1, 1000)
    )
    assert np.abs(far - near).max() > 1


def test_the_bias_before_a_batch_normalization_changes_nothing():
    model = normalized().fit(X_SCALES, TARGET_SCALES)
    before = model.predict(X_SCALES)
    model.intercepts_[0][...] += 5.0  # properties are views of the flat vector
    model.network_.calibrate(model.params_, X_SCALES)
    np.testing.assert_allclose(model.predict(X_SCALES), before, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_early_stopping_measures_and_returns_calibrated_statistics(solver):
    model = normalized(solver=solver, early_stopping=True, max_iter=25, learning_rate_init=0.05, batch_size=30)
    model.fit(X_SCALES[:90], TARGET_SCALES[:90], X_val=X_SCALES[90:], y_val=TARGET_SCALES[90:])
    assert model.score(X_SCALES[90:], TARGET_SCALES[90:]) == pytest.approx(model.best_validation_score_, rel=1e-12)
    arrays = layers_of(model)
    z = X_SCALES[:90] @ arrays[0]["W"] + arrays[0]["b"]
    np.testing.assert_allclose(arrays[1]["mean"], z.mean(axis=0), rtol=1e-9, atol=1e-9)


def test_a_warm_start_goes_on_as_if_it_had_not_been_interrupted():
    whole = normalized(max_iter=8, batch_size=30).fit(X_SCALES, TARGET_SCALES)
    parts = normalized(max_iter=4, batch_size=30, warm_start=True).fit(X_SCALES, TARGET_SCALES)
    parts = pickle.loads(pickle.dumps(parts)).fit(X_SCALES, TARGET_SCALES)
    np.testing.assert_array_equal(parts.params_, whole.params_)


def test_partial_fit_over_all_rows():
    model = normalized(learning_rate_init=0.03)
    for _ in range(150):
        model.partial_fit(X_SCALES, TARGET_SCALES)
    assert model.score(X_SCALES, TARGET_SCALES) > 0.8


@pytest.mark.parametrize("solver", ["adam", "lbfgs", "bfgs"])
@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_normalized_float32_stays_float32(normalization, solver):
    model = normalized(normalization=normalization, solver=solver).fit(X_SCALES.astype(np.float32), TARGET_SCALES)
    assert model.params_.dtype == np.float32
    assert model.predict(X_SCALES.astype(np.float32)).dtype == np.float32
    if solver == "adam":
        exact = normalized(normalization=normalization, solver=solver).fit(X_SCALES, TARGET_SCALES)
        np.testing.assert_allclose(model.predict(X_SCALES.astype(np.float32)), exact.predict(X_SCALES), atol=1e-3)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_layer_normalization_by_hand(activation):
    model = normalized(normalization="layer", activation=activation).fit(X_SCALES, TARGET_SCALES)
    hidden = X_SCALES
    arrays = layers_of(model)
    for dense, norm in zip(arrays[0:4:2], arrays[1:4:2], strict=True):
        z = hidden @ dense["W"] + dense["b"]
        z = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + EPSILON)
        hidden = {"relu": relu, "tanh": np.tanh}[activation](z * norm["gamma"] + norm["beta"])
    by_hand = (hidden @ arrays[4]["W"] + arrays[4]["b"]).ravel()
    np.testing.assert_allclose(model.predict(X_SCALES), by_hand, rtol=1e-9, atol=1e-9)
    assert np.abs(arrays[1]["gamma"] - 1).max() > 1e-4  # scale and shift are trained
    assert np.abs(arrays[1]["beta"]).max() > 1e-4


def test_a_constant_unit_does_not_divide_by_zero():
    flat = np.ones((40, 2))
    model = normalized(hidden_layer_sizes=(3,)).fit(flat, TARGET_SCALES[:40])
    np.testing.assert_allclose(model.predict(flat), model.predict(flat)[0], rtol=1e-12)
    assert np.isfinite(model.params_).all()


# Dropout


@pytest.mark.parametrize("solver", DESCENDING)
def test_one_dropout_is_that_for_every_layer(solver):
    one = batched_of_ten(solver=solver, dropout=0.3).fit(X_TEN, LABELS_TEN)
    for each in ([0.3, 0.3], (0.3, 0.3), np.array([0.3, 0.3])):
        np.testing.assert_array_equal(
            batched_of_ten(solver=solver, dropout=each).fit(X_TEN, LABELS_TEN).params_, one.params_
        )


@pytest.mark.parametrize("nothing", [0, 0.0, (0, 0), [0.0, 0.0]])
@pytest.mark.parametrize("solver", SOLVERS)
def test_dropout_of_zero_is_no_dropout(solver, nothing):
    plain = batched_of_ten(solver=solver).fit(X_TEN, LABELS_TEN)
    model = batched_of_ten(solver=solver, dropout=nothing, input_dropout=0.0).fit(X_TEN, LABELS_TEN)
    np.testing.assert_array_equal(model.params_, plain.params_)


def test_dropout_leaves_the_weights_shapes_and_the_prediction_alone():
    """Nothing is dropped at prediction, and nothing is scaled: it is the plain network of the same weights."""
    model = batched_of_ten(dropout=(0.5, 0.2), input_dropout=0.1).fit(X_TEN, LABELS_TEN)
    hidden = X_TEN
    for W, b in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        hidden = np.maximum(hidden @ W + b, 0)
    raw = (hidden @ model.coefs_[-1] + model.intercepts_[-1]).ravel()
    np.testing.assert_allclose(model.decision_function(X_TEN), raw, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(model.predict_proba(X_TEN), model.predict_proba(X_TEN))


def test_the_mean_over_masks_is_the_input():
    """Inverted scaling keeps the expectation, for every drop probability, dense and sparse."""
    draw = np.random.RandomState(0)
    for p in (0.1, 0.5, 0.9):
        rows = [Dropout(p).forward({}, X_TEN[:1], draw)[0] for _ in range(6000)]
        dropped = np.mean([row == 0 for row in rows])
        assert dropped == pytest.approx(p, abs=0.01)
        kept = np.unique(np.round((rows[0] / X_TEN[:1])[rows[0] != 0], 12))
        np.testing.assert_allclose(kept, 1 / (1 - p))
        error = np.abs(np.mean(rows, axis=0) - X_TEN[:1]).max()
        assert error < 5 * np.abs(X_TEN[:1]).max() * np.sqrt(p / (1 - p) / 6000)


def test_masks_follow_the_random_state():
    one, again = (batched_of_ten(dropout=0.5).fit(X_TEN, LABELS_TEN).params_ for _ in range(2))
    np.testing.assert_array_equal(one, again)
    # The same initial weights, only other masks and orders: set by a state that has drawn once more after them.
    other = batched_of_ten(dropout=0.5, random_state=1).fit(X_TEN, LABELS_TEN).params_
    assert np.abs(one - other).max() > 0.01


def test_dropout_narrows_the_gap_between_training_and_held_out_loss():
    """A wide network learns the noise of few rows by heart; with half of it dropped it does much less so."""
    y = (X_TEN[:, 0] + X_TEN[:, 1] + rng_ten.standard_normal(150) > 0).astype(int)
    settings = {"hidden_layer_sizes": (100,), "max_iter": 300, "learning_rate_init": 0.01, "n_iter_no_change": np.inf}
    gaps = {}
    for dropout in (0.0, 0.5):
        model = batched_of_ten(dropout=dropout, input_dropout=dropout / 2, **settings)
        model.fit(X_TEN[:80], y[:80], X_val=X_TEN[80:], y_val=y[80:])
        train = -np.log(model.predict_proba(X_TEN[:80])[np.arange(80), y[:80]]).mean()
        gaps[dropout] = model.history_["val_loss"][-1] - train
    assert gaps[0.0] > 1
    assert gaps[0.5] < 0.7 * gaps[0.0]


@pytest.mark.parametrize("solver", DESCENDING)
def test_input_dropout_of_a_sparse_matrix_that_stores_every_value(solver):
    """Then there is a mask entry for every value, drawn in the same order: the same as dense."""
    settings = {"solver": solver, "input_dropout": 0.3, "dropout": 0.2, "batch_size": 40}
    dense = batched_of_ten(**settings).fit(X_TEN, LABELS_TEN)
    stored = batched_of_ten(**settings).fit(sparse.csr_matrix(X_TEN), LABELS_TEN)
    np.testing.assert_allclose(stored.params_, dense.params_, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("normalization", [None, "batch", "layer"])
def test_input_dropout_of_sparse_inputs_learns(container, normalization):
    y = (SPARSE.toarray()[:, 0] > SPARSE.toarray()[:, 1]).astype(int)
    before = SPARSE.copy()
    model = batched_of_ten(input_dropout=0.1, normalization=normalization, max_iter=150, learning_rate_init=0.01)
    model.fit(container(SPARSE), y)
    assert model.score(container(SPARSE), y) > 0.9
    assert (before != SPARSE).nnz == 0  # the caller's matrix is not what is dropped from
    np.testing.assert_allclose(model.predict_proba(SPARSE), model.predict_proba(SPARSE.toarray()), rtol=0, atol=1e-12)


# Batch normalization over many calls


def still(**params):
    """A network whose weights do not move, so that the statistics are those of the rows alone."""
    params = {"hidden_layer_sizes": (4,), "normalization": "batch", "learning_rate_init": 1e-14} | params
    return ScratchMLPRegressor(solver="sgd", momentum=0.0, alpha=0.0, random_state=0, **params)


ROWS = np.random.RandomState(1).standard_normal((104, 3)) * [1, 2, 3] + np.linspace(0, 5, 104)[:, None]
SUM_OF_ROWS = ROWS.sum(axis=1)
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
        model.partial_fit(rows[chunk], SUM_OF_ROWS[chunk])
    whole = still(max_iter=1).fit(rows, SUM_OF_ROWS)
    np.testing.assert_allclose(model.predict(rows), whole.predict(rows), rtol=1e-5 if dtype == np.float64 else 1e-3)


def test_statistics_count_rows_of_weight_zero_as_absent():
    weights = np.ones(104)
    weights[50:100] = 0
    model, reference = still(), still()
    model.partial_fit(ROWS[:100], SUM_OF_ROWS[:100], weights[:100]).partial_fit(ROWS[100:], SUM_OF_ROWS[100:])
    reference.partial_fit(ROWS[:50], SUM_OF_ROWS[:50]).partial_fit(ROWS[100:], SUM_OF_ROWS[100:])
    np.testing.assert_allclose(model.predict(ROWS), reference.predict(ROWS), rtol=1e-10)


def test_a_small_chunk_hardly_moves_the_predictions():
    """In a deep network, too."""
    model = still(hidden_layer_sizes=(8, 8)).partial_fit(ROWS[:100], SUM_OF_ROWS[:100])
    before = model.predict(ROWS)
    model.partial_fit(ROWS[100:], SUM_OF_ROWS[100:])
    assert np.abs(model.predict(ROWS) - before).max() < 0.5 * before.std()


def test_a_validation_set_does_not_count_the_rows_twice():
    """It is measured with the statistics of all rows so far, which the end of the call takes anew."""
    model, reference = still(), still()
    for chunk in (slice(0, None, 2), slice(1, None, 2)):
        model.partial_fit(ROWS[chunk], SUM_OF_ROWS[chunk], X_val=ROWS[::8], y_val=SUM_OF_ROWS[::8])
        reference.partial_fit(ROWS[chunk], SUM_OF_ROWS[chunk])
    np.testing.assert_array_equal(model.params_, reference.params_)


def test_statistics_survive_a_pickle():
    model = still().partial_fit(ROWS[:60], SUM_OF_ROWS[:60])
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        each.partial_fit(ROWS[60:], SUM_OF_ROWS[60:])
    np.testing.assert_array_equal(model.predict(ROWS), again.predict(ROWS))
    whole = still(max_iter=1).fit(ROWS, SUM_OF_ROWS)
    np.testing.assert_allclose(again.predict(ROWS), whole.predict(ROWS), rtol=1e-5)

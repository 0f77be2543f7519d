"""Training on chunks that pass by, and on a memory map."""

import pickle
import sys
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, _engine
from skmlp_scratch.layers import BatchNorm, Dense
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.shards import Shard, StreamedObjective

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.RandomState(0)
X = RNG.randn(300, 4)
Y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(int) + (X[:, 2] > 0)
WEIGHT = RNG.randint(0, 4, 300).astype(float)
CUTS = [slice(0, 100), slice(100, 100), slice(100, 101), slice(101, 300)]


def chunks_of(*arrays):
    return lambda: (tuple(array[cut] for array in arrays) for cut in CUTS)


@pytest.mark.parametrize("solver", ["lbfgs", "gd", "bfgs", "cg"])
def test_full_batches_give_the_parameters_of_fit(solver):
    model = ScratchMLPClassifier(5, solver=solver, max_iter=10, random_state=0, class_weight="balanced")
    local = model.fit(X, Y, WEIGHT).params_
    streamed = model.fit_chunks(chunks_of(X, Y, WEIGHT))
    np.testing.assert_allclose(streamed.params_, local, rtol=1e-9, atol=1e-10)
    assert streamed.classes_.tolist() == [0, 1, 2]
    assert streamed.t_ == streamed.n_iter_ * np.count_nonzero(WEIGHT)


def test_minibatches_of_one_chunk_are_those_of_fit_up_to_their_order():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, batch_size=50, shuffle=False, max_iter=5, random_state=0)
    local = model.fit(X, X[:, :2]).params_
    np.testing.assert_allclose(model.fit_chunks(lambda: [(X, X[:, :2])]).params_, local, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "params", [{}, {"dropout": 0.2}, {"normalization": "batch"}, {"early_stopping": True}, {"solver": "adagrad"}]
)
def test_minibatches_learn(params):
    model = ScratchMLPClassifier(20, batch_size=20, max_iter=60, learning_rate_init=0.02, random_state=0)
    model.set_params(**params).fit_chunks(chunks_of(X, Y))
    assert model.score(X, Y) > 0.8
    again = model.params_.copy()
    np.testing.assert_array_equal(model.fit_chunks(chunks_of(X, Y)).params_, again)


@pytest.mark.parametrize("convert", [sparse.csr_matrix, lambda X: X.astype(np.float32)])
def test_kinds_of_chunks(convert):
    inputs = convert(X)
    model = ScratchMLPClassifier(5, solver="gd", max_iter=5, random_state=0)
    local = model.fit(inputs, Y).params_
    model.fit_chunks(chunks_of(inputs, Y))
    assert model.params_.dtype == inputs.dtype
    np.testing.assert_allclose(model.params_, local, rtol=1e-5, atol=1e-6)


def test_names_of_features_and_labels_that_are_text():
    frame, labels = pd.DataFrame(X, columns=list("abcd")), np.array(["no", "maybe", "yes"])[Y]
    labels[0], labels[1:100] = "no", "no"  # the first chunk knows one label only, a short one
    model = ScratchMLPClassifier(5, solver="lbfgs", max_iter=5, random_state=0)
    local = model.fit(frame, labels).params_
    model.fit_chunks(chunks_of(frame, labels))
    np.testing.assert_allclose(model.params_, local, rtol=1e-9, atol=1e-10)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.predict(frame).dtype.kind == "U"


def test_several_labels_per_row():
    indicator = np.c_[Y > 0, Y > 1].astype(int)
    model = ScratchMLPClassifier(5, solver="lbfgs", max_iter=5, random_state=0)
    local = model.fit(X, indicator).params_
    np.testing.assert_allclose(model.fit_chunks(chunks_of(X, indicator)).params_, local, rtol=1e-9, atol=1e-10)


def test_early_stopping_holds_out_a_share_of_every_chunk():
    model = ScratchMLPClassifier(5, early_stopping=True, validation_fraction=0.2, max_iter=30, random_state=0)
    model.fit_chunks(chunks_of(X, Y))
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert 235 <= model.t_ / model.n_iter_ <= 245


def test_a_validation_set_and_a_warm_start():
    model = ScratchMLPClassifier(5, solver="gd", max_iter=5, warm_start=True, random_state=0)
    model.fit_chunks(chunks_of(X, Y), X_val=X[:50], y_val=Y[:50]).fit_chunks(chunks_of(X, Y), X_val=X, y_val=Y)
    ten = ScratchMLPClassifier(5, solver="gd", max_iter=10, random_state=0).fit_chunks(chunks_of(X, Y))
    np.testing.assert_array_equal(model.params_, ten.params_)
    assert len(model.history_["val_loss"]) == 10


def test_a_pipeline_of_transformers_with_partial_fit():
    scaler, raw = StandardScaler(), chunks_of(100 * X + 5, Y)
    for chunk, _ in raw():
        if len(chunk):
            scaler.partial_fit(chunk)
    scaled = lambda: ((scaler.transform(chunk), y) for chunk, y in raw() if len(chunk))  # noqa: E731
    model = ScratchMLPClassifier(10, solver="lbfgs", max_iter=100, random_state=0).fit_chunks(scaled)
    assert model.score(scaler.transform(100 * X + 5), Y) > 0.9


def test_statistics_of_batch_normalization_are_those_of_all_chunks():
    net = Network([Dense(4, 3), BatchNorm(3), Dense(3, 1)])
    params = net.init(np.random.RandomState(0))
    whole, streamed = Objective(net, "squared_error", X, X[:, 0]), params.copy()
    parts = [(X[:100], X[:100, 0]), (X[100:], X[100:, 0])]
    whole.calibrate(params)
    objective = StreamedObjective(net, "squared_error", lambda: iter(parts), [(100, 100.0), (200, 200.0)])
    objective.calibrate(streamed)
    np.testing.assert_allclose(streamed, params, rtol=1e-12)
    assert objective.value(streamed) == pytest.approx(whole.value(params), rel=1e-12)


def test_a_shard_sums_as_its_objective():
    net = Network([Dense(4, 3), Dense(3, 1)])
    params = net.init(np.random.RandomState(0))
    shard = Shard(net, "squared_error", X, X[:, 0], WEIGHT + 1)
    value, grad = shard.sums(params, slice(3, 50))
    expected, expected_grad, _ = Objective(net, "squared_error", X, X[:, 0], WEIGHT + 1).sums(params, slice(3, 50))
    assert value == expected
    np.testing.assert_array_equal(grad, expected_grad)
    assert shard.size == (300, (WEIGHT + 1).sum())
    again = pickle.loads(pickle.dumps(shard))
    assert again.sums(params)[0] == shard.sums(params)[0]
    assert sys.getsizeof(again) > X.nbytes


def test_a_shard_gives_the_same_bits_wherever_its_numbers_lie():
    net = Network([Dense(4, 3), Dense(3, 1)])
    params = net.init(np.random.RandomState(0))
    bytes_of_X = np.empty(X.nbytes + 1, dtype=np.uint8)
    bytes_of_X[1:] = X.view(np.uint8).ravel()
    shifted = bytes_of_X[1:].view(np.float64).reshape(X.shape)
    assert not shifted.flags.aligned
    for inputs, moved in ((X, shifted), (sparse.csr_matrix(X), sparse.csr_matrix(shifted))):
        value, grad = Shard(net, "squared_error", inputs, X[:, 0]).sums(params)
        found, found_grad = Shard(net, "squared_error", moved, X[:, 0]).sums(params)
        assert found == value
        np.testing.assert_array_equal(found_grad, grad)


@pytest.mark.parametrize(
    "chunks, message",
    [
        (iter([(X, Y)]), "must be a callable that opens a pass"),
        (lambda: [X], r"must give tuples \(X, y\)"),
        (lambda: [], "X has no rows"),
        (lambda: [(X, Y), (X[:, :3], Y)], "the number of features: 4 in one and 3"),
        (lambda: [(X, Y), (X.astype(np.float32), Y)], "the dtype of X: float64 in one and float32"),
        (lambda: [(X, Y), (X, np.c_[Y, Y] > 0)], "the shape of a row of y"),
        (lambda: [(X, Y), (pd.DataFrame(X, columns=list("abcd")), Y)], "the names of the features"),
        (lambda: [(X, Y, np.zeros(300))], "sample_weight is zero for every row"),
        (lambda: [(X, Y), (np.full((2, 4), np.nan), Y[:2])], "Input X contains NaN"),
        (lambda: [(X, Y), (X, Y[:-1])], "inconsistent numbers of samples"),
        (lambda: None, "must return an iterator, such as a generator, and returned None"),
        (lambda: [(X, Y), (X, Y + 0.5)], "Unknown label type: continuous"),
        (lambda: [(X, Y), (X, Y.astype(str))], "the labels: numbers in one and text in another"),
    ],
)
def test_bad_chunks(chunks, message):
    with pytest.raises(ValueError, match=message):
        ScratchMLPClassifier(max_iter=2).fit_chunks(chunks)


@pytest.mark.parametrize("later", [[(X, Y)], [(X, Y), (X[:9], Y[:9])], [(X, Y)] * 3])
def test_chunks_that_change_between_passes(later):
    passes = iter([[(X, Y)] * 2, [(X, Y)] * 2])
    with pytest.raises(ValueError, match="other rows than in its first pass"):
        ScratchMLPClassifier(max_iter=2, solver="gd").fit_chunks(lambda: next(passes, later))


def test_balanced_weights_of_several_labels_are_refused():
    with pytest.raises(ValueError, match="class_weight='balanced' is not available for several labels"):
        ScratchMLPClassifier(class_weight="balanced").fit_chunks(chunks_of(X, np.c_[Y, Y] > 0))


def test_a_model_that_learns_nothing_is_told_of():
    with pytest.warns(ConvergenceWarning, match="no better than that of a constant"):
        ScratchMLPRegressor(hidden_layer_sizes=(), max_iter=15, learning_rate_init=1e-9).fit_chunks(
            chunks_of(X, X[:, 0] + 9)
        )


def traced(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def memory_map(tmp_path_factory):
    path = tmp_path_factory.mktemp("map") / "X.npy"
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(20_000, 100))
    array[:] = np.random.RandomState(0).standard_normal((20_000, 100)).astype(np.float32)
    array.flush()
    return np.load(path, mmap_mode="r")


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_memory_map_is_not_copied(memory_map, solver):
    y = np.asarray(memory_map[:, 0]) > 0
    model = ScratchMLPClassifier(4, solver=solver, max_iter=1, random_state=0)
    model.fit(memory_map[:100], y[:100])  # what is loaded once
    assert traced(lambda: model.fit(memory_map, y)) < 0.5 * memory_map.nbytes


def test_memory_does_not_grow_with_the_number_of_chunks(memory_map):
    def chunks(n):
        return lambda: ((memory_map[k : k + 1000] + 0, memory_map[k : k + 1000, 0] > 0) for k in range(0, n, 1000))

    model = ScratchMLPClassifier(4, max_iter=2, random_state=0).fit_chunks(chunks(2000))
    few, many = (traced(lambda n=n: model.fit_chunks(chunks(n))) for n in (4000, 20_000))
    assert many < 1.2 * few


@pytest.mark.parametrize("early_stopping", [False, True])
def test_data_that_can_be_read_once_only(early_stopping):
    once = iter([(X, Y), (X, Y)])
    with pytest.raises(ValueError, match=r"no row is left to learn from: .* or the data can be read only once"):
        ScratchMLPClassifier(early_stopping=early_stopping).fit_chunks(lambda: once)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_chunk_whose_classes_count_for_nothing_is_left_out(early_stopping):
    params = {"max_iter": 3, "solver": "gd", "class_weight": {0: 0}, "random_state": 0}
    first, rest = Y == 0, Y > 0
    model = ScratchMLPClassifier(**params, early_stopping=early_stopping)
    model.fit_chunks(lambda: [(X[first], Y[first]), (X[rest], Y[rest])])
    assert model.classes_.tolist() == [0, 1, 2]
    if not early_stopping:
        np.testing.assert_allclose(model.params_, ScratchMLPClassifier(**params).fit(X, Y).params_, rtol=1e-12)
    with pytest.raises(ValueError, match="no row is left to learn from: class_weight is zero for every row"):
        model.set_params(class_weight={0: 0, 1: 0, 2: 0}).fit_chunks(lambda: [(X, Y)])


def test_a_weight_of_zero_for_a_whole_chunk():
    params = {"max_iter": 3, "random_state": 0}
    expected = ScratchMLPClassifier(**params).fit_chunks(lambda: [(X, Y, 1.0)])
    found = ScratchMLPClassifier(**params).fit_chunks(lambda: [(X, Y, 0.0), (X, Y, 1.0)])
    np.testing.assert_array_equal(found.params_, expected.params_)


@pytest.mark.parametrize("first, second", [(Y > 0, Y), (Y, Y + 1.0), (Y.astype("U1"), (Y + 10).astype("U2"))])
def test_labels_of_several_types(first, second):
    model = ScratchMLPClassifier(max_iter=2).fit_chunks(lambda: [(X, first), (X, second)])
    np.testing.assert_array_equal(model.classes_, np.unique(np.concatenate([first, second])))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("activation, computed", [("relu", None), (lambda z: (z, lambda delta: delta), "numpy: ")])
def test_verbose_says_what_computes_the_chunks(solver, activation, computed, capsys):
    rng = np.random.RandomState(0)
    data, labels = rng.standard_normal((40, 3)), np.arange(40) % 2
    model = ScratchMLPClassifier((4,), activation, solver=solver, max_iter=2, verbose=True, random_state=0)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        model.fit_chunks(lambda: iter([(data[:20], labels[:20]), (data[20:], labels[20:])]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Computed by {computed or _engine.status()}")
    assert lines[1].startswith("Iteration 1, loss = ")

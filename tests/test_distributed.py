"""Training over Dask: on any number of workers what one machine gives, whatever happens to a worker."""

import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, _engine, trace
from skmlp_scratch.layers import BatchNorm, Dense, Dropout
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.solvers import ScipyMinimize
from skmlp_scratch.stopping import InterruptedFit

pytest.importorskip("distributed", reason="needs the extra dask")
da = pytest.importorskip("dask.array", reason="needs the extra dask")

from distributed import Client, LocalCluster  # noqa: E402
from joblib import parallel_config  # noqa: E402

from skmlp_scratch.distributed import (  # noqa: E402
    DaskScratchMLPClassifier,
    DaskScratchMLPRegressor,
    DistributedObjective,
    Shard,
)
from skmlp_scratch.distributed._objective import gather  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
N, LANE = 10_000, 2500  # the chunks in which Objective sums so many rows of 100 units and a few outputs
RNG = np.random.RandomState(0)
X = RNG.randn(N, 4)
Y = (X[:, 0] + X[:, 1] ** 2 > 1).astype(int) + (X[:, 2] > 0)
TWO = np.c_[X[:, 0] * X[:, 1], np.sin(X[:, 2])]
WEIGHT = RNG.randint(1, 4, N).astype(float)
ENGINE = _engine.status().startswith("compiled")  # its gradients have no lanes


@pytest.fixture(scope="module")
def cluster():
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster):
    with Client(cluster, set_as_default=False) as client:
        yield client


def workers(client, n):
    client.cluster.scale(n)
    client.wait_for_workers(n, timeout=30)


def chunked(array, rows=LANE):
    return da.from_array(array, chunks=(rows, *array.shape[1:]))


def assert_same(params, expected, exactly):
    if exactly and not ENGINE:
        np.testing.assert_array_equal(params, expected)
    else:
        np.testing.assert_allclose(params, expected, rtol=0, atol=1e-6 if params.dtype == np.float32 else 1e-12)


CASES = {
    "lbfgs": (DaskScratchMLPClassifier, {"solver": "lbfgs"}, X, Y, True),
    "gd": (DaskScratchMLPClassifier, {"solver": "gd"}, X, Y, True),
    "adam": (DaskScratchMLPClassifier, {"solver": "adam", "batch_size": 1000}, X, Y, False),
    "two targets": (DaskScratchMLPRegressor, {"solver": "lbfgs", "l1_ratio": 0.5, "alpha": 1.0}, X, TWO, True),
    "sparse": (DaskScratchMLPClassifier, {"solver": "gd"}, sparse.csr_matrix(X * (X > 0)), Y, True),
    "float32": (DaskScratchMLPClassifier, {"solver": "lbfgs"}, X.astype(np.float32), Y, True),
    "float32 adam": (DaskScratchMLPRegressor, {"batch_size": 2000}, X.astype(np.float32), TWO, False),
}


def fit_dask(name, client, **more):
    kind, params, inputs, y, _ = CASES[name]
    is_sparse = sparse.issparse(inputs)
    chunks = chunked(inputs.toarray() if is_sparse else inputs)
    chunks = chunks.map_blocks(sparse.csr_matrix) if is_sparse else chunks
    model = kind(max_iter=4, random_state=0, client=client, **params, **more)
    return model.fit(chunks, chunked(y), chunked(WEIGHT))


@pytest.fixture(scope="module")
def on_one(client):
    """What one worker gives, by case."""
    return {name: fit_dask(name, client).params_ for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_one_worker_gives_the_local_parameters(on_one, name):
    kind, params, inputs, y, exactly = CASES[name]
    local = kind._local_class(max_iter=4, random_state=0, **params).fit(inputs, y, WEIGHT)
    assert on_one[name].dtype == inputs.dtype
    assert_same(on_one[name], local.params_, exactly)


@pytest.mark.parametrize("n", [2, 4])
def test_several_workers_give_the_same_bits(client, on_one, n):
    workers(client, n)
    for name in ("lbfgs", "gd", "adam"):
        np.testing.assert_array_equal(fit_dask(name, client).params_, on_one[name])


class KillsAWorker:
    """A schedule that kills a worker after a few epochs."""

    def __init__(self, client):
        self.client = client

    def __call__(self, epoch, losses):
        if epoch == 2:
            os.kill(next(iter(self.client.run(os.getpid).values())), signal.SIGKILL)
        return 0.001


def test_a_worker_that_is_killed_costs_time_only(client, on_one):
    found = fit_dask("gd", client, learning_rate=KillsAWorker(client)).params_
    np.testing.assert_array_equal(found, on_one["gd"])


def test_many_shards_are_added_as_chunks_are(client):
    net = Network([Dense(4, 100), Dense(100, 2)])
    params = net.init(np.random.RandomState(0))
    X40, targets = np.tile(X, (4, 1)), np.tile(TWO, (4, 1))
    cuts = net.chunks(len(X40))
    assert len(cuts) > 8
    shards = [Shard(net, "squared_error", X40[cut], targets[cut]) for cut in cuts]
    whole = Objective(net, "squared_error", X40, targets, alpha=0.1)
    spread = DistributedObjective(net, "squared_error", shards, alpha=0.1, client=client)
    (loss, grad), (expected, expected_grad) = spread.loss_and_grad(params), whole.loss_and_grad(params)
    assert loss == pytest.approx(expected, rel=0 if not ENGINE else 1e-12)
    assert_same(grad, expected_grad, exactly=True)
    rows = np.array([3, 9000, 4, 30_000])
    np.testing.assert_allclose(
        spread.loss_and_grad(params, rows)[1], whole.loss_and_grad(params, rows)[1], rtol=0, atol=1e-12
    )
    assert spread.value(params) == pytest.approx(whole.value(params), rel=1e-12)
    result = ScipyMinimize("CG", max_iter=1).minimize(spread, np.array(params))
    assert result.fun < expected


def test_scattered_data_that_are_lost_are_said_to_be(client):
    future = client.scatter(0)
    future.cancel()
    with pytest.raises(RuntimeError, match="lost data that nothing can make again"):
        gather(client, [future])


def test_dropout_is_the_same_whatever_the_workers(client):
    net = Network([Dropout(0.5), Dense(4, 1)])
    shards = [Shard(net, "squared_error", X[:50], X[:50, 0]), Shard(net, "squared_error", X[50:80], X[50:80, 0])]
    objective = DistributedObjective(net, "squared_error", shards, client=client)
    one, two, other = (objective.loss_and_grad(np.ones(5), rng=np.random.RandomState(s))[0] for s in (0, 0, 1))
    assert objective.is_stochastic
    assert one == two != other


def test_what_is_held_out_and_what_is_given(client):
    model = DaskScratchMLPClassifier(5, early_stopping=True, max_iter=5, random_state=0, client=client, solver="gd")
    model.fit(chunked(X), chunked(Y))
    assert model.t_ == 5 * 0.9 * N
    assert len(model.validation_scores_) == 5
    model.fit(chunked(X), chunked(Y), X_val=chunked(X[:100]), y_val=chunked(Y[:100]))
    local = ScratchMLPClassifier(5, early_stopping=True, max_iter=5, random_state=0, solver="gd")
    local.fit(X, Y, X_val=X[:100], y_val=Y[:100])
    np.testing.assert_allclose(model.validation_scores_, local.validation_scores_)


def test_batch_normalization(client):
    options = {"normalization": "batch", "solver": "gd", "max_iter": 3, "random_state": 0}
    model = DaskScratchMLPClassifier(5, **options, client=client).fit(chunked(X, N), chunked(Y, N))
    np.testing.assert_allclose(model.params_, ScratchMLPClassifier(5, **options).fit(X, Y).params_, rtol=0, atol=1e-12)
    net, params = model.network_, model.fit(chunked(X), chunked(Y)).params_
    again = params.copy()
    net.calibrate(again, X)
    assert any(isinstance(layer, BatchNorm) for layer in net.layers)
    np.testing.assert_allclose(params, again, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="normalization='batch' needs a minibatch in one place"):
        model.set_params(solver="adam").fit(chunked(X), chunked(Y))


def test_frames_predictions_and_the_way_home(client, tmp_path):
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame(X[:900], columns=list("abcd"))
    ddf = dd.from_pandas(frame, npartitions=3)
    labels = 10 * Y[:900]
    series = dd.from_pandas(pd.Series(labels), npartitions=3)
    model = DaskScratchMLPClassifier(5, solver="lbfgs", max_iter=20, random_state=0, client=client).fit(ddf, series)
    local = model.to_local()
    assert type(local) is ScratchMLPClassifier
    assert local.feature_names_in_.tolist() == list("abcd")
    probabilities = model.predict_proba(ddf)
    assert probabilities.columns.tolist() == [0, 10, 20]
    np.testing.assert_array_equal(probabilities.compute(), local.predict_proba(frame))
    np.testing.assert_array_equal(model.predict(ddf).compute(), local.predict(frame))
    assert model.score(ddf, series) == local.score(frame, labels)
    positive = ddf[ddf.a > 0].to_dask_array()  # chunks of unknown sizes
    assert np.isnan(positive.shape[0])
    again = clone(model).fit(positive, series[ddf.a > 0].to_dask_array())
    assert again.client is client
    np.testing.assert_array_equal(again.predict(positive).compute(), again.to_local().predict(X[:900][X[:900, 0] > 0]))
    restored = pickle.loads(pickle.dumps(model))
    assert restored.client is None
    np.testing.assert_array_equal(restored.predict(frame), local.predict(frame))


def test_arrays_and_what_is_no_collection(client):
    with client.as_current():
        model = DaskScratchMLPRegressor(hidden_layer_sizes=5, solver="gd", max_iter=3, random_state=0).fit(X, TWO)
    local = ScratchMLPRegressor(hidden_layer_sizes=5, solver="gd", max_iter=3, random_state=0).fit(X, TWO)
    np.testing.assert_allclose(model.params_, local.params_, rtol=0, atol=1e-12)
    part = DaskScratchMLPClassifier(5, batch_size=LANE, random_state=0, client=client)
    part.partial_fit(chunked(X), chunked(Y % 2), classes=[0, 1, 2]).partial_fit(chunked(X), chunked(Y))
    local_part = ScratchMLPClassifier(5, batch_size=LANE, random_state=0)
    local_part.partial_fit(X, Y % 2, classes=[0, 1, 2]).partial_fit(X, Y)
    np.testing.assert_allclose(part.params_, local_part.params_, rtol=0, atol=1e-12)
    lazy = model.predict(chunked(X))
    assert isinstance(lazy, da.Array)
    assert lazy.shape == (N, 2)
    np.testing.assert_allclose(lazy.compute(), local.predict(X), rtol=0, atol=1e-12)
    assert model.predict(X).shape == (N, 2)


def raises(block):
    raise OSError("no such file")


def test_the_error_of_a_worker_is_that_of_the_local_fit(client):
    broken = X.copy()
    broken[5000, 1] = np.nan
    with pytest.raises(ValueError, match="NaN") as local:
        ScratchMLPClassifier().fit(broken, Y)
    with pytest.raises(ValueError, match="NaN") as caught:
        DaskScratchMLPClassifier(client=client).fit(chunked(broken), chunked(Y))
    assert str(caught.value) == str(local.value)
    with pytest.raises(OSError, match="no such file"):
        DaskScratchMLPClassifier(client=client).fit(chunked(X).map_blocks(raises, meta=X[:0]), chunked(Y))


@pytest.mark.parametrize(
    "inputs, y, message",
    [
        (lambda: chunked(X), lambda: chunked(Y[:-1]), "inconsistent numbers of samples|X has"),
        (lambda: chunked(X)[:0], lambda: chunked(Y)[:0], "X has no rows"),
        (lambda: da.from_array(X, chunks=(LANE, 2)), lambda: chunked(Y), "2 blocks of columns"),
        (lambda: chunked(X)[chunked(X)[:, 0] > 0], lambda: Y, "y must be a dask collection with the same chunks"),
        (
            lambda: da.concatenate([chunked(X), chunked(X).map_blocks(np.float32, meta=X[:0])]),
            lambda: chunked(np.r_[Y, Y]),
            "the dtype of X: float64 in one and float32 in a later one",
        ),
    ],
)
def test_bad_collections(client, inputs, y, message):
    with pytest.raises(ValueError, match=message):
        DaskScratchMLPClassifier(client=client).fit(inputs(), y())


def test_empty_chunks_and_chunks_of_one_row_are_chunks(client):
    sizes = (1, 0, 99, 200)
    y = da.from_array(TWO[:300], chunks=(sizes, 2))
    model = DaskScratchMLPRegressor(hidden_layer_sizes=3, solver="gd", max_iter=3, random_state=0, client=client)
    model.fit(da.from_array(X[:300], chunks=(sizes, 4)), y)
    local = ScratchMLPRegressor(hidden_layer_sizes=3, solver="gd", max_iter=3, random_state=0).fit(X[:300], TWO[:300])
    np.testing.assert_allclose(model.params_, local.params_, rtol=0, atol=1e-12)


def interrupts(epoch, losses):
    if epoch == 2:
        raise KeyboardInterrupt
    return 0.001


def test_interrupts_and_divergence(client):
    model = DaskScratchMLPClassifier(3, solver="gd", learning_rate=interrupts, random_state=0, client=client)
    with pytest.warns(InterruptedFit):
        model.fit(chunked(X), chunked(Y))
    assert model.n_iter_ == 2
    with pytest.raises(ValueError, match="diverged"):
        DaskScratchMLPRegressor(solver="gd", learning_rate_init=1e6, client=client).fit(chunked(X), chunked(TWO))


def test_a_client_that_is_gone(client):
    with Client(client.cluster, set_as_default=False) as gone:
        pass
    with pytest.raises(RuntimeError, match="the Dask client is closed: open a new one"):
        DaskScratchMLPClassifier(client=gone).fit(chunked(X), chunked(Y))
    with pytest.raises(ValueError, match=r"must be a distributed\.Client"):
        DaskScratchMLPClassifier(client="localhost").fit(X, Y)


def test_a_search_over_the_cluster(client):
    model = ScratchMLPClassifier(solver="gd", max_iter=3, random_state=0)
    search = GridSearchCV(model, {"hidden_layer_sizes": [2, 4]}, cv=2)
    here = search.fit(X[:300], Y[:300]).cv_results_["mean_test_score"]
    with parallel_config(backend="dask", client=client):
        there = search.fit(X[:300], Y[:300]).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(there, here)


def test_without_dask_the_extra_is_named():
    code = "import sys; sys.modules['distributed'] = None; import skmlp_scratch.distributed"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "skmlp_scratch[dask]"' in result.stderr.splitlines()[-1]


def test_no_client():
    with pytest.raises(ValueError, match="takes the current Dask client, and there is none"):
        DaskScratchMLPClassifier().fit(X, Y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_chunks_that_pass_by_and_classes_that_count_for_nothing(client):
    params = {"solver": "gd", "max_iter": 2, "random_state": 0, "class_weight": {1: 0}}
    x, y = X[:200], np.repeat([0, 1, 2, 0], 50)
    local = ScratchMLPClassifier(**params).fit(x, y)
    model = DaskScratchMLPClassifier(**params, client=client)
    np.testing.assert_allclose(model.fit_chunks(lambda: [(x, y)]).params_, local.params_, rtol=0, atol=1e-12)
    model.fit(chunked(x, 50), chunked(y, 50))
    np.testing.assert_allclose(model.params_, local.params_, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match=r"keeps its rows elsewhere: give model\.to_local\(\)"):
        trace(model, x, y, learning_rate=0.1)
    model.class_weight = {0: 0, 1: 0, 2: 0}
    with pytest.raises(ValueError, match="class_weight is zero for every row"):
        model.fit(chunked(x, 50), chunked(y, 50))

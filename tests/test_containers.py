"""What X may come in: a row per container and dtype trains as the C-ordered array does, in as little memory.

The values are whole numbers, or zeros and ones for truth values, so that every dtype holds them exactly. Results agree
to 1e-9, since memory order and sparsity change the order of additions.
"""

import contextlib
import datetime
import decimal
import itertools
import tempfile
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor

# A few epochs show whether the values arrive, and predictions from tables of noise are no better than a constant.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ESTIMATORS = (ScratchMLPClassifier, ScratchMLPRegressor)
NAMES = list("abcdefghijklmnopqrst")


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread():
    """On data this small a second thread only makes the first one wait."""
    with threadpool_limits(1, user_api="blas"):
        yield


def table(n_rows, n_columns=6, bits=False, density=1.0):
    """A table of small whole numbers, or of zeros and ones."""
    rng = np.random.RandomState(0)
    values = rng.randint(0, 2, (n_rows, n_columns)) if bits else rng.randint(-3, 4, (n_rows, n_columns))
    return values * (rng.uniform(size=values.shape) < density).astype(np.float64)


def targets(A, estimator):
    total = A @ np.linspace(-1, 1, A.shape[1]) + np.linspace(-0.1, 0.1, len(A))
    return (total > 0).astype(int) if estimator is ScratchMLPClassifier else total


# How each container is made of a C-ordered float64 array.


def strided(A):
    wide = np.zeros((2 * len(A), 2 * A.shape[1]))
    wide[::2, ::2] = A
    return wide[::2, ::2]


def read_only(A):
    A = A.copy()
    A.flags.writeable = False
    return A


def memory_mapped(A):
    file = tempfile.NamedTemporaryFile(suffix=".npy")  # noqa: SIM115  # the map keeps it open
    np.save(file, A)
    file.flush()
    return np.load(file.name, mmap_mode="r")


def frame(A, dtype=None):
    pd = pytest.importorskip("pandas")
    made = pd.DataFrame(A, columns=NAMES[: A.shape[1]])
    return made if dtype is None else made.astype(dtype)


def pandas_row(dtype):
    return lambda A: frame(A, dtype)


def arrow_row(dtype):
    def make(A):
        pytest.importorskip("pyarrow")
        return frame(A, "int64" if "int" in dtype else None).astype(f"{dtype}[pyarrow]")

    return make


def mixed_frame(A):
    made = frame(A)
    return made.assign(a=made["a"].astype("int8"), b=made["b"].astype("Int64"), c=made["c"].astype("float32"))


def frame_with_a_flag(A):
    """One column of truth values makes an object array of the frame."""
    made = frame(A)
    return made.assign(a=made["a"].astype(bool), b=made["b"].astype("boolean"))


def sparse_frame(dtype):
    def make(A):
        pd = pytest.importorskip("pandas")
        return pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(A.astype(dtype)), columns=NAMES[: A.shape[1]])

    return make


def frame_of_arrays_by_name(A):
    """As a frame that grew column by column lies in memory."""
    pd = pytest.importorskip("pandas")
    return pd.DataFrame({name: column.copy() for name, column in zip(NAMES, A.T, strict=False)})


def polars_row(dtype):
    def make(A):
        pl = pytest.importorskip("polars")
        made = pl.DataFrame(A, schema=NAMES[: A.shape[1]])
        return made.cast(getattr(pl, dtype))

    return make


def mixed_polars(A):
    pl = pytest.importorskip("polars")
    made = pl.DataFrame(A, schema=NAMES[: A.shape[1]])
    return made.with_columns(pl.col("a").cast(pl.Boolean), pl.col("b").cast(pl.Int8), pl.col("c").cast(pl.Float32))


def dask_array(A):
    return pytest.importorskip("dask.array").from_array(A, chunks=(max(1, len(A) // 3), A.shape[1]))


def dask_frame(A):
    pytest.importorskip("pyarrow")
    return pytest.importorskip("dask.dataframe").from_pandas(frame(A), npartitions=3)


def unsorted_csr(A):
    made = sparse.csr_matrix(A)
    for start, stop in zip(made.indptr[:-1], made.indptr[1:], strict=True):
        made.indices[start:stop] = made.indices[start:stop][::-1].copy()
        made.data[start:stop] = made.data[start:stop][::-1].copy()
    made.has_sorted_indices = False
    return made


def csr_with_duplicates(A):
    """Each entry in two halves at the same place, which count as their sum."""
    whole = sparse.coo_matrix(A)
    twice = (np.r_[whole.data, whole.data] / 2, (np.r_[whole.row, whole.row], np.r_[whole.col, whole.col]))
    made = sparse.coo_matrix(twice, shape=A.shape)
    indptr = np.r_[0, np.cumsum(np.bincount(made.row, minlength=len(A)))]
    order = np.argsort(made.row, kind="stable")
    return sparse.csr_matrix((made.data[order], made.col[order], indptr), shape=A.shape)


def csr_with_stored_zeros(A):
    made = sparse.csr_matrix(np.where(A == 0, 9.0, A))
    made.data[made.data == 9.0] = 0.0
    return made


def wide_indices(A):
    made = sparse.csr_matrix(A)
    made.indices, made.indptr = made.indices.astype(np.int64), made.indptr.astype(np.int64)
    return made


def dia_matrix(A):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sparse.SparseEfficiencyWarning)
        return sparse.dia_matrix(A)


NUMPY = {
    "fortran order": np.asfortranarray,
    "transposed": lambda A: np.ascontiguousarray(A.T).T,
    "columns reversed": lambda A: np.ascontiguousarray(A[:, ::-1])[:, ::-1],
    "rows reversed": lambda A: np.ascontiguousarray(A[::-1])[::-1],
    "every second cell": strided,
    "read-only": read_only,
    "read-only fortran": lambda A: read_only(A.T).T,
    "memory-mapped": memory_mapped,
    "big-endian": lambda A: A.astype(">f8"),
    "unaligned": lambda A: np.frombuffer(b"\0" + A.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(A.shape),
    "float16": lambda A: A.astype(np.float16),
    "longdouble": lambda A: A.astype(np.longdouble),
    **{f"int{n}": (lambda A, n=n: A.astype(f"int{n}")) for n in (8, 16, 32, 64)},
    "big-endian int": lambda A: A.astype(">i4"),
    "object": lambda A: A.astype(object),
    "list of lists": lambda A: A.tolist(),
    "list of rows": list,
    "tuple of tuples": lambda A: tuple(map(tuple, A.tolist())),
    "subclass": lambda A: np.ma.masked_array(A),
}
NUMPY_BITS = {
    "bool": lambda A: A.astype(bool),
    "fortran bool": lambda A: np.asfortranarray(A.astype(bool)),
    **{f"uint{n}": (lambda A, n=n: A.astype(f"uint{n}")) for n in (8, 16, 32, 64)},
    "list of bools": lambda A: A.astype(bool).tolist(),
}
NUMPY_SINGLE = {
    "float32": lambda A: A.astype(np.float32),
    "fortran float32": lambda A: np.asfortranarray(A.astype(np.float32)),
}
FRAMES = {
    "pandas": frame,
    "pandas by column": frame_of_arrays_by_name,
    "pandas every second row": lambda A: frame(np.repeat(A, 2, axis=0)).iloc[::2],
    "pandas numbered columns": lambda A: frame(A).set_axis(range(A.shape[1]), axis=1),
    "pandas int64": pandas_row("int64"),
    "pandas Int64": pandas_row("Int64"),
    "pandas Int8": pandas_row("Int8"),
    "pandas Float64": pandas_row("Float64"),
    "pandas category of numbers": pandas_row("category"),
    "pandas object": pandas_row(object),
    "pandas mixed": mixed_frame,
    "pandas Sparse[float]": sparse_frame(float),
    "pandas Sparse[int]": sparse_frame("int64"),
    "pandas double[pyarrow]": arrow_row("double"),
    "pandas int64[pyarrow]": arrow_row("int64"),
    "polars Float64": polars_row("Float64"),
    "polars Int16": polars_row("Int16"),
    "dask array": dask_array,
    "dask frame": dask_frame,
}
FRAMES_BITS = {
    "pandas bool": pandas_row("bool"),
    "pandas boolean": pandas_row("boolean"),
    "pandas with a flag": frame_with_a_flag,
    "pandas UInt8": pandas_row("UInt8"),
    "pandas Sparse[bool]": sparse_frame(bool),
    "pandas Sparse[uint8]": sparse_frame("uint8"),
    "pandas bool[pyarrow]": lambda A: arrow_row("bool")(A.astype(bool)),
    "polars Boolean": lambda A: polars_row("Boolean")(A.astype(int)),
    "polars UInt8": polars_row("UInt8"),
    "polars with a flag": mixed_polars,
}
FRAMES_SINGLE = {"pandas float32": pandas_row("float32")}
# scikit-learn makes float64 of these; float32 is as good.
EITHER = {
    "big-endian float32": lambda A: A.astype(">f4"),
    "pandas Float32": pandas_row("Float32"),
    "pandas Sparse[float32]": sparse_frame("float32"),
    "polars Float32": polars_row("Float32"),
}
SPARSE = {
    **{f"{name}_matrix": getattr(sparse, f"{name}_matrix") for name in ("csr", "csc", "coo", "lil", "dok", "bsr")},
    **{f"{name}_array": getattr(sparse, f"{name}_array") for name in ("csr", "csc", "coo", "lil", "dok", "bsr")},
    "dia_matrix": dia_matrix,
    "csr int64": lambda A: sparse.csr_matrix(A.astype(np.int64)),
    "csr longdouble": lambda A: sparse.csr_matrix(A.astype(np.longdouble)),
    "csr unsorted": unsorted_csr,
    "csr with duplicates": csr_with_duplicates,
    "csr with stored zeros": csr_with_stored_zeros,
    "csr wide indices": wide_indices,
}
SPARSE_BITS = {
    "csr bool": lambda A: sparse.csr_matrix(A.astype(bool)),
    "csc bool": lambda A: sparse.csc_matrix(A.astype(bool)),
    "csr uint8": lambda A: sparse.csr_matrix(A.astype(np.uint8)),
}
SPARSE_SINGLE = {
    "csr float32": lambda A: sparse.csr_matrix(A.astype(np.float32)),
    "csc_array float32": lambda A: sparse.csc_array(A.astype(np.float32)),
}
BITS = NUMPY_BITS | FRAMES_BITS | SPARSE_BITS
SINGLE = NUMPY_SINGLE | FRAMES_SINGLE | SPARSE_SINGLE
CONTAINERS = NUMPY | FRAMES | SPARSE | BITS | SINGLE | EITHER
each_container_with_one_estimator = pytest.mark.parametrize(
    "name, estimator",
    list(zip(CONTAINERS, itertools.cycle(ESTIMATORS), strict=False)),
    ids=lambda value: getattr(value, "__name__", value),
)
each_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=["classifier", "regressor"])


def plain(name, n_rows, dtype=np.float64):
    """The C-ordered array that the container stands for, in float32 where it is float32."""
    A = table(n_rows, bits=name in BITS)
    return A, A.astype(np.float32 if name in SINGLE else dtype)


def dtype_trained_in(name):
    """Of the rows in ``EITHER``, which of the two it is."""
    if name not in EITHER:
        return np.float64
    return (
        ScratchMLPRegressor(hidden_layer_sizes=(), max_iter=1).fit(CONTAINERS[name](table(9)), range(9)).params_.dtype
    )


def tolerance(reference):
    return {"rtol": 1e-4, "atol": 1e-5} if reference.params_.dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-12}


# The same result


# Each container with both estimators, in minibatches with one of them and as a whole with the other.
FITS = [
    [
        (ScratchMLPClassifier, {"solver": "adam", "batch_size": 7}),
        (ScratchMLPRegressor, {"solver": "lbfgs"}),
    ],
    [
        (ScratchMLPClassifier, {"solver": "gd"}),
        (ScratchMLPRegressor, {"solver": "sgd", "batch_size": 7}),
    ],
]


@pytest.mark.parametrize(
    "name, estimator, settings",
    [(name, *each) for name, fits in zip(CONTAINERS, itertools.cycle(FITS), strict=False) for each in fits],
    ids=lambda value: value["solver"] if isinstance(value, dict) else getattr(value, "__name__", value),
)
def test_fit_and_predict_as_from_the_array(name, estimator, settings):
    A, expected = plain(name, 40, dtype_trained_in(name))
    X = CONTAINERS[name](A)
    y = targets(A, estimator)
    model, reference = (
        estimator(hidden_layer_sizes=(3,), activation="tanh", max_iter=3, random_state=0, **settings) for _ in range(2)
    )
    model.fit(X, y)
    reference.fit(expected, y)
    assert model.params_.dtype == reference.params_.dtype
    np.testing.assert_allclose(model.params_, reference.params_, **tolerance(reference))
    found, wanted = model.predict(X), reference.predict(expected)
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(found, wanted, **tolerance(reference))
    if estimator is ScratchMLPClassifier:
        probabilities = reference.predict_proba(expected)
        np.testing.assert_allclose(model.predict_proba(X), probabilities, **tolerance(reference))
    np.testing.assert_allclose(
        model.hidden_activations(X), reference.hidden_activations(expected), **tolerance(reference)
    )


@each_container_with_one_estimator
def test_partial_fit_as_from_the_array(name, estimator):
    A, expected = plain(name, 40, dtype_trained_in(name))
    X = CONTAINERS[name](A)
    y = targets(A, estimator)
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    model, reference = (estimator(hidden_layer_sizes=(3,), batch_size=7, random_state=0) for _ in range(2))
    for _ in range(2):
        model.partial_fit(X, y, **classes)
        reference.partial_fit(expected, y, **classes)
    assert model.params_.dtype == reference.params_.dtype
    np.testing.assert_allclose(model.params_, reference.params_, **tolerance(reference))


@each_container_with_one_estimator
def test_a_validation_set_as_from_the_array(name, estimator):
    A, expected = plain(name, 40, dtype_trained_in(name))
    X, X_val = CONTAINERS[name](A), CONTAINERS[name](A[:10])
    y = targets(A, estimator)
    model, reference = (
        estimator(hidden_layer_sizes=(3,), max_iter=3, early_stopping=True, random_state=0) for _ in range(2)
    )
    model.fit(X, y, X_val=X_val, y_val=y[:10])
    reference.fit(expected, y, X_val=expected[:10], y_val=y[:10])
    np.testing.assert_allclose(model.history_["val_loss"], reference.history_["val_loss"], **tolerance(reference))
    np.testing.assert_allclose(model.validation_scores_, reference.validation_scores_, **tolerance(reference))


@pytest.mark.parametrize(
    "settings",
    [
        {"dropout": 0.3},
        {"input_dropout": 0.3},
        {"normalization": "batch"},
        {"early_stopping": True},
        {"shuffle": False},
    ],
    ids=lambda settings: next(iter(settings)),
)
@pytest.mark.parametrize("name", ["fortran order", "pandas", "polars Float64", "csc_matrix", "csr with duplicates"])
def test_what_happens_in_minibatches_does_not_depend_on_the_container(name, settings):
    A = table(60)
    y = targets(A, ScratchMLPClassifier)
    base = sparse.csr_matrix(A) if name in SPARSE else A
    model, reference = (
        ScratchMLPClassifier((3,), batch_size=7, max_iter=3, random_state=0, **settings) for _ in range(2)
    )
    model.fit(CONTAINERS[name](A), y)
    reference.fit(base, y)
    np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-9, atol=1e-12)


# The same memory


@contextlib.contextmanager
def traced():
    """A list that is given the highest memory above the start, in bytes."""
    found = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        yield found
        found.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()


class Epochs:
    """A schedule that measures the memory of the second epoch above what stands at its beginning."""

    def __call__(self, epoch, losses):
        if epoch == 1:
            self.before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
        elif epoch == 2:
            self.peak = tracemalloc.get_traced_memory()[1] - self.before
        return 0.001


SETTINGS = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "dropout": {"dropout": 0.2},
    "batch norm": {"normalization": "batch"},
    "weights": {},
    "early stopping": {"early_stopping": True},
    "validation set": {},
}
GIVEN = {
    "weights": lambda X, y: {"sample_weight": np.linspace(1, 2, len(y))},
    "validation set": lambda X, y: {"X_val": X[:9], "y_val": y[:9]},
}


SOME = ["fortran order", "transposed", "columns reversed", "every second cell", "pandas"]


@pytest.mark.parametrize(
    "estimator, name, setting",
    [
        *[(ScratchMLPClassifier, name, setting) for name in SOME for setting in SETTINGS],
        *[(ScratchMLPRegressor, name, "adam") for name in [*SOME, "polars Float64"]],
    ],
)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")  # of an array beside a frame
def test_a_minibatch_touches_its_rows_only(estimator, name, setting):
    """A copy of the whole table for every minibatch would be seen as the epoch's highest memory."""
    A = table(2000, 20)
    X, y = CONTAINERS[name](A), targets(A, estimator)
    schedule = Epochs()
    model = estimator(hidden_layer_sizes=(2,), learning_rate=schedule, batch_size=50, max_iter=3, **SETTINGS[setting])
    with traced():
        model.fit(X, y, **GIVEN.get(setting, lambda X, y: {})(A, y))
    assert schedule.peak < A.nbytes / 4


@pytest.mark.parametrize("name", ["fortran float32", "pandas float32", "polars Float32", "polars Float64", "pandas"])
def test_a_minibatch_of_partial_fit_touches_its_rows_only(name):
    A = table(2000, 20)
    X, y = CONTAINERS[name](A), targets(A, ScratchMLPRegressor)
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), batch_size=50).partial_fit(X, y)
    with traced() as peak:
        model.partial_fit(X, y)
    # Conversion happens once a call, and one copy is C-ordered for good.
    assert peak[0] < 1.5 * A.nbytes * (0.5 if name in SINGLE else 1)


DENSE = 2.5  # copies of the table, as C-ordered float64, that a conversion may take for a moment
SLACK = 300_000
# A list has its cells in Python's memory to begin with.
OF_OBJECTS = {"object", "list of lists", "list of rows", "tuple of tuples", "list of bools", "pandas object"}


def is_sparse(name):
    return name in SPARSE | SPARSE_BITS | SPARSE_SINGLE or "Sparse" in name


# Stored zeros are data, too: there are more of them than the table's own.
MEASURED = [name for name in CONTAINERS if name not in OF_OBJECTS | {"csr with stored zeros"}]
METHODS = [("fit", "predict"), ("partial_fit", "X_val")]


@pytest.mark.parametrize(
    "name, method",
    [(name, each) for name, methods in zip(MEASURED, itertools.cycle(METHODS), strict=False) for each in methods],
)
def test_memory_is_within_a_factor_of_the_table(name, method):
    A = table(3000, 20, bits=name in BITS, density=0.01 if is_sparse(name) else 1)
    make, y = CONTAINERS[name], np.tile(np.arange(50) / 50, 60)
    X, few = make(A), make(A[:50])
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), max_iter=1, random_state=0)
    calls = {
        "fit": lambda X, y: model.fit(X, y),
        "partial_fit": lambda X, y: model.partial_fit(X, y),
        "X_val": lambda X, y: model.fit(few, y[:50], X_val=X, y_val=y),
        "predict": lambda X, y: model.predict(X),
    }
    model.fit(few, y[:50])
    calls[method](few, y[:50])  # what is imported or set aside once
    with traced() as peak:
        calls[method](X, y)
    table_in_memory = 10 * sparse.csr_matrix(A).data.nbytes if is_sparse(name) else DENSE * A.nbytes
    assert peak[0] <= table_in_memory + SLACK


@pytest.mark.parametrize("name", ["pandas Sparse[float]", "pandas Sparse[bool]", "csc_matrix", "csr bool"])
@pytest.mark.parametrize("method", ["fit", "partial_fit", "X_val", "predict"])
def test_what_is_sparse_never_becomes_dense(name, method):
    pd = pytest.importorskip("pandas")
    A = sparse.random(3000, 200, 1e-3, format="csr", random_state=0)
    A.data[:] = 1
    dtype = bool if "bool" in name else float
    X = A.astype(dtype)
    if "pandas" in name:
        X = pd.DataFrame.sparse.from_spmatrix(X)
    elif "csc" in name:
        X = X.tocsc()
    y = np.arange(3000) % 2
    few = X.iloc[:50] if "pandas" in name else X.tocsr()[:50]
    model = ScratchMLPClassifier((2,), max_iter=1, random_state=0).fit(few, y[:50])
    calls = {
        "fit": lambda: model.fit(X, y),
        "partial_fit": lambda: model.partial_fit(X, y),
        "X_val": lambda: model.fit(few, y[:50], X_val=X, y_val=y),
        "predict": lambda: model.predict(X),
    }
    calls[method]()
    with traced() as peak:
        calls[method]()
    assert peak[0] < A.shape[0] * A.shape[1] * 8 / 3


# Many outputs: targets are as small as scikit-learn's


def many_targets(kind, n_rows=1500, n_outputs=400):
    rng = np.random.RandomState(0)
    labels = np.r_[np.arange(n_outputs), rng.randint(0, n_outputs, n_rows - n_outputs)]
    multilabel = (rng.uniform(size=(n_rows, n_outputs)) < 0.02).astype(int)
    return {
        "classes": labels,
        "labels": multilabel,
        "sparse labels": sparse.csr_matrix(multilabel),
        "targets": rng.standard_normal((n_rows, n_outputs)),
    }[kind]


@pytest.mark.parametrize("kind", ["classes", "labels", "sparse labels", "targets"])
def test_many_outputs_take_no_more_memory_than_the_peers(kind):
    y = many_targets(kind)
    X = np.random.RandomState(1).standard_normal((y.shape[0], 5))
    ours, peer = (ScratchMLPRegressor, MLPRegressor) if kind == "targets" else (ScratchMLPClassifier, MLPClassifier)
    peaks = []
    for estimator in (peer, ours):
        model = estimator(hidden_layer_sizes=(5,), max_iter=1, random_state=0).fit(X, y)
        with traced() as peak:
            model.fit(X, y)
        peaks += peak
    assert peaks[1] <= 1.1 * peaks[0] + SLACK


# Every cell is read once


class Lazy:
    """A table that is computed when it is asked for, as a dask array is."""

    def __init__(self, values):
        self.values, self.asked = values, 0
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        self.asked += 1
        return np.array(self.values, dtype=dtype)


@each_estimator
@pytest.mark.parametrize("method", ["fit", "partial_fit", "X_val", "predict"])
def test_what_is_computed_when_asked_for_is_computed_once(estimator, method):
    A = table(40)
    y = targets(A, estimator)
    X = Lazy(A)
    model = estimator(hidden_layer_sizes=(2,), max_iter=2, random_state=0).fit(A, y)
    {
        "fit": lambda: model.fit(X, y),
        "partial_fit": lambda: model.partial_fit(X, y),
        "X_val": lambda: model.fit(A, y, X_val=X, y_val=y),
        "predict": lambda: model.predict(X),
    }[method]()
    assert X.asked == 1


@each_estimator
@pytest.mark.parametrize("name", ["y", "y_val", "sample_weight", "sample_weight_val"])
def test_targets_and_weights_that_are_computed_when_asked_for_are_computed_once(estimator, name):
    A = table(40)
    y = targets(A, estimator)
    given = {"y": y, "X_val": A, "y_val": y, "sample_weight": np.ones(40), "sample_weight_val": np.ones(40)}
    given[name] = lazy = Lazy(given[name])
    estimator(hidden_layer_sizes=(2,), max_iter=2, random_state=0).fit(A, **given)
    assert lazy.asked == 1


# What is no number


def when(n):
    return [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=i) for i in range(n)]


def pandas_column(make):
    def build(n):
        pd = pytest.importorskip("pandas")
        return pd.DataFrame({"x": np.arange(n) / n, "when": make(pd, n), "z": make(pd, n)})

    return build


def polars_column(make):
    def build(n):
        pl = pytest.importorskip("polars")
        return pl.DataFrame({"x": np.arange(n) / n, "when": make(pl, n), "z": make(pl, n)})

    return build


def arrow_column(dtype, value):
    def make(pd, n):
        pytest.importorskip("pyarrow")
        return pd.array([value] * n, dtype=f"{dtype}[pyarrow]")

    return pandas_column(make)


DATES = {
    "pandas datetime64": pandas_column(lambda pd, n: pd.Series(when(n))),
    "pandas with a zone": pandas_column(lambda pd, n: pd.Series(when(n)).dt.tz_localize("UTC")),
    "pandas timedelta64": pandas_column(lambda pd, n: pd.to_timedelta(np.arange(n), unit="D")),
    "pandas Period": pandas_column(lambda pd, n: pd.period_range("2020-01-01", periods=n)),
    "pandas Interval": pandas_column(lambda pd, n: pd.interval_range(0, n)),
    "pandas objects of date": pandas_column(lambda pd, n: pd.Series([d.date() for d in when(n)], dtype=object)),
    "pandas objects of time": pandas_column(lambda pd, n: pd.Series([datetime.time(3)] * n, dtype=object)),
    "pandas category of dates": pandas_column(lambda pd, n: pd.Series(when(n)).astype("category")),
    "pandas timestamp[pyarrow]": arrow_column("timestamp[s]", datetime.datetime(2020, 1, 1)),
    "pandas date32[pyarrow]": arrow_column("date32", datetime.date(2020, 1, 1)),
    "polars Datetime": polars_column(lambda pl, n: when(n)),
    "polars Date": polars_column(lambda pl, n: [d.date() for d in when(n)]),
    "polars Duration": polars_column(lambda pl, n: [datetime.timedelta(days=i) for i in range(n)]),
    "polars Time": polars_column(lambda pl, n: [datetime.time(3)] * n),
}
TEXT = {
    "pandas strings": pandas_column(lambda pd, n: ["red"] * n),
    "pandas objects of str": pandas_column(lambda pd, n: pd.Series(["red"] * n, dtype=object)),
    "pandas numbers and a string": pandas_column(lambda pd, n: pd.Series([1.0] * (n - 1) + ["red"], dtype=object)),
    "pandas numbers as text": pandas_column(lambda pd, n: ["1"] * n),
    "pandas string dtype": pandas_column(lambda pd, n: pd.array(["red"] * n, dtype="string")),
    "pandas category of strings": pandas_column(lambda pd, n: pd.Categorical(["red"] * n)),
    "pandas objects of bytes": pandas_column(lambda pd, n: pd.Series([b"red"] * n, dtype=object)),
    "pandas string[pyarrow]": arrow_column("string", "red"),
    "polars String": polars_column(lambda pl, n: ["red"] * n),
    "polars Categorical": polars_column(lambda pl, n: pl.Series(["red"] * n, dtype=pl.Categorical)),
    "polars Enum": polars_column(lambda pl, n: pl.Series(["red"] * n, dtype=pl.Enum(["red"]))),
}
ARRAYS = {
    "numpy datetime64": lambda n: np.array([["2020-01-01", "2020-01-02"]] * n, dtype="datetime64[D]"),
    "numpy timedelta64": lambda n: np.ones((n, 2), dtype="timedelta64[s]"),
    "numpy objects": lambda n: np.array([[1.0, datetime.date(2020, 1, 1)]] * n, dtype=object),
    "numpy strings": lambda n: np.array([["1", "red"]] * n),
    "list of strings": lambda n: [[1.0, "red"]] * n,
    "numpy bytes": lambda n: np.array([[b"1", b"red"]] * n),
}


def refusal(call):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the callers look at the text
        call()
    return str(caught.value)


@pytest.mark.parametrize("name", DATES | TEXT)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "X_val", "predict"])
def test_a_column_that_is_no_number_is_refused_by_name(name, method):
    X = (DATES | TEXT)[name](20)
    pd = pytest.importorskip("pandas")
    y = [0, 1] * 10
    ordinary = pd.DataFrame({"x": np.arange(20.0), "when": 0.0, "z": np.arange(20) % 3}) if method != "fit" else None
    if name.startswith("polars") and ordinary is not None:
        ordinary = pytest.importorskip("polars").DataFrame({c: ordinary[c].to_numpy() for c in ordinary})
    model = ScratchMLPClassifier((2,), max_iter=2, random_state=0)
    if method == "predict":
        model.fit(ordinary, y)
    text = refusal({
        "fit": lambda: model.fit(X, y),
        "partial_fit": lambda: model.partial_fit(X, y, classes=[0, 1]),
        "X_val": lambda: model.fit(ordinary, y, X_val=X, y_val=y),
        "predict": lambda: model.predict(X),
    }[method])  # fmt: skip
    assert text.startswith("X_val" if method == "X_val" else "X ")
    assert "'when'" in text  # the first such column
    assert "'z'" not in text
    assert "number" in text
    if name in TEXT:
        assert "OneHotEncoder" in text
        assert ("'1'" if name == "pandas numbers as text" else "red") in text  # the first such value
    else:
        assert "date" in text or "time" in text or "Interval" in text
        assert "OneHotEncoder" not in text
    assert not hasattr(model, "params_") or method == "predict"


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "X_val"])
def test_an_array_of_no_numbers_is_refused(name, method):
    X, y = ARRAYS[name](20), [0, 1] * 10
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), max_iter=2)
    text = refusal({
        "fit": lambda: model.fit(X, y),
        "partial_fit": lambda: model.partial_fit(X, y),
        "X_val": lambda: model.fit(np.zeros((20, 2)), y, X_val=X, y_val=y),
    }[method])  # fmt: skip
    assert text.startswith("X_val" if method == "X_val" else "X ")
    assert "number" in text


def test_objects_that_are_numbers_are_taken():
    A = table(20)
    decimals = np.array([[decimal.Decimal(int(value)) for value in row] for row in A], dtype=object)
    y = targets(A, ScratchMLPRegressor)
    model, reference = (ScratchMLPRegressor(hidden_layer_sizes=(2,), max_iter=2, random_state=0) for _ in range(2))
    np.testing.assert_allclose(model.fit(decimals, y).params_, reference.fit(A, y).params_)


@pytest.mark.parametrize("name", ["pandas Int64", "pandas Float64", "pandas double[pyarrow]", "polars Float64"])
def test_a_missing_cell_is_refused_by_name(name):
    pd = pytest.importorskip("pandas")
    X = CONTAINERS[name](table(20))
    if isinstance(X, pd.DataFrame):
        X.iloc[3, 1] = pd.NA if "pyarrow" in name or "64" in name else np.nan
    else:
        pl = pytest.importorskip("polars")
        X = X.with_columns(b=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise(pl.col("b")))
    assert "NaN" in refusal(lambda: ScratchMLPClassifier((2,)).fit(X, [0, 1] * 10))

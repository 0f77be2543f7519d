"""Reading rows: kinds of inputs and of weights, rows of weight zero, precision, frames."""

import datetime
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from problems import (
    DAYS,
    DESCENDING,
    N_KINDS,
    NAMES_OF_SPECIES,
    PEER_IS_KNOWN,
    SHORT,
    SPECIES,
    TARGET_IRIS,
    TINY,
    X_IRIS,
    X_KINDS,
    X_NOISY,
    X_SMALL,
    XR,
    Y_IRIS,
    Y_NOISY,
    Y_SMALL,
    YR,
    N,
    X,
    Y,
    each_estimator,
    each_of_ours,
    each_solver,
    finite_or_said,
    iris_classifier,
    iris_regressor,
    refusal,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.estimators._rows import read_inputs, read_rows, read_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


X_ROWS = np.random.RandomState(0).standard_normal((12, 3))


def door():
    return ScratchMLPClassifier()


@pytest.mark.parametrize(
    "given",
    [
        X_ROWS.tolist(),
        X_ROWS.astype(np.longdouble),
        X_ROWS.astype(">f8"),
        X_ROWS[::-1][::-1],
        np.asfortranarray(X_ROWS),
        pd.DataFrame(X_ROWS),
        pd.DataFrame(X_ROWS).astype("Float64"),
        pd.DataFrame(X_ROWS).astype(object),
        pl.DataFrame(X_ROWS),
        sparse.csc_matrix(X_ROWS),
        pd.DataFrame.sparse.from_spmatrix(sparse.csr_matrix(X_ROWS)),
    ],
)
def test_numbers_come_through_as_floats(given):
    read = read_inputs(door(), given, "X")
    assert read.dtype == np.float64
    np.testing.assert_allclose(read.toarray() if sparse.issparse(read) else read, X_ROWS, rtol=1e-15)


def test_sparse_frames_of_booleans_become_numbers():
    dummies = pd.get_dummies(pd.Series(list("abca")), sparse=True)
    assert read_inputs(door(), dummies, "X").dtype == np.float64


@pytest.mark.parametrize("weight", [2, 2.0, np.float64(2), np.full(12, 2.0), [2] * 12])
def test_weights(weight):
    np.testing.assert_array_equal(read_weights(weight, X_ROWS, "sample_weight"), np.full(12, 2.0))


@pytest.mark.parametrize(
    "weight, message",
    [
        (np.zeros(12), "sample_weight is zero for every row"),
        (0, "sample_weight is zero for every row"),
        (np.r_[-1.0, np.ones(11)], "sample_weight must not be negative, and has -1"),
        (np.ones(3), "sample_weight"),
        (np.r_[np.nan, np.ones(11)], "NaN"),
    ],
)
def test_bad_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        read_weights(weight, X_ROWS, "sample_weight")


def test_rows_of_weight_zero_are_left_out():
    weight = np.r_[0.0, np.ones(11)]
    read, y, kept = read_rows(door(), X_ROWS, np.arange(12), weight, numeric=False)
    assert (len(read), len(y), len(kept)) == (11, 11, 11)
    np.testing.assert_array_equal(y, np.arange(1, 12))


# Weights


@each_of_ours
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("weight", [2.0, 1, np.float64(0.5), np.int8(3)], ids=repr)
def test_one_weight_is_every_rows_weight(estimator, method, weight):
    y = np.arange(N_KINDS) % 2
    more = {"classes": [0, 1]} if (estimator, method) == (ScratchMLPClassifier, "partial_fit") else {}
    one, many = (
        getattr(estimator(**TINY), method)(X_KINDS, y, sample_weight=given, **more)
        for given in (weight, np.full(N_KINDS, float(weight)))
    )
    np.testing.assert_array_equal(one.params_, many.params_)
    assert one.loss_ == many.loss_


@each_of_ours
@pytest.mark.parametrize("weight", [2.0, 1], ids=repr)
def test_one_weight_of_the_validation_rows(estimator, weight):
    y = np.arange(N_KINDS) % 2
    one, many = (
        estimator(**TINY).fit(X_KINDS, y, X_val=X_KINDS, y_val=y, sample_weight_val=given)
        for given in (weight, np.full(N_KINDS, float(weight)))
    )
    assert one.history_["val_loss"] == many.history_["val_loss"]


@each_of_ours
@pytest.mark.parametrize("weight", [0, -1.0, np.nan, np.inf, "2", [1.0, 2.0], np.ones((N_KINDS, 1))], ids=repr)
@pytest.mark.parametrize("name", ["sample_weight", "sample_weight_val"])
def test_a_weight_that_cannot_be_is_refused_by_name(estimator, weight, name):
    y = np.arange(N_KINDS) % 2
    text = refusal(lambda: estimator(**TINY).fit(X_KINDS, y, X_val=X_KINDS, y_val=y, **{name: weight}))
    assert name in text


# Rows of weight zero are as if absent.


def zero_weights(case):
    """Weights of which some are zero, with or without a class or whole minibatches only among those."""
    rng = np.random.RandomState(1)
    weights = rng.uniform(0.5, 2, len(Y_NOISY)) * (rng.uniform(size=len(Y_NOISY)) > 0.3)
    y = Y_NOISY.copy()
    if case == "whole minibatches":
        weights[:64] = 0
    elif case == "a class":
        y[weights == 0] = 7
    return y, weights


@pytest.mark.parametrize("case", ["some rows", "whole minibatches", "a class"])
@pytest.mark.parametrize("batch_size", [1, 7, 32, 120])
@pytest.mark.parametrize("params", [{}, {"shuffle": False}, {"early_stopping": True}, {"dropout": 0.2}], ids=str)
@pytest.mark.filterwarnings("ignore:batch_size=120 is larger")
def test_rows_of_weight_zero_equal_absent_rows(case, batch_size, params):
    y, weights = zero_weights(case)
    kept = weights > 0
    clf = ScratchMLPClassifier(8, batch_size=batch_size, max_iter=3, random_state=0, **params)
    zeroed = clone(clf).fit(X_NOISY, y, weights)
    absent = clone(clf).fit(X_NOISY[kept], y[kept], weights[kept])
    np.testing.assert_array_equal(zeroed.params_, absent.params_)
    assert zeroed.loss_curve_ == absent.loss_curve_
    assert zeroed.validation_scores_ == absent.validation_scores_
    assert list(zeroed.classes_) == [0, 1]
    assert zeroed.t_ == absent.t_


@each_solver
def test_rows_of_weight_zero_equal_absent_rows_with_every_solver(solver):
    y, weights = zero_weights("whole minibatches")
    reg = ScratchMLPRegressor("squared_error", 8, solver=solver, max_iter=3, random_state=0)
    zeroed = clone(reg).fit(sparse.csr_matrix(X_NOISY), y, weights)
    absent = clone(reg).fit(sparse.csr_matrix(X_NOISY[weights > 0]), y[weights > 0], weights[weights > 0])
    np.testing.assert_array_equal(zeroed.params_, absent.params_)


def test_partial_fit_takes_rows_of_weight_zero_as_absent():
    y, weights = zero_weights("some rows")
    kept = weights > 0
    zeroed, absent = (ScratchMLPClassifier(8, batch_size=7, random_state=0) for _ in range(2))
    for _ in range(3):
        zeroed.partial_fit(X_NOISY, y, weights, classes=[0, 1])
        absent.partial_fit(X_NOISY[kept], y[kept], weights[kept], classes=[0, 1])
    np.testing.assert_array_equal(zeroed.params_, absent.params_)


def test_the_peer_fails_on_a_minibatch_of_weight_zero():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    y, weights = zero_weights("whole minibatches")
    with pytest.raises(ZeroDivisionError):
        MLPClassifier(8, batch_size=32, shuffle=False, max_iter=1).fit(X_NOISY, y, weights)


# Input that cannot be used is one ValueError at fit that names the argument.


BAD_X = {
    "numeric strings": X_NOISY.astype(str),
    "objects that are numeric strings": X_NOISY.astype(str).astype(object),
    "a list of numeric strings": X_NOISY.astype(str).tolist(),
    "one string among numbers": [*X_NOISY.tolist()[:-1], ["1"] * 6],
    "bytes": X_NOISY.astype("S"),
    "dates": DAYS,
    "time differences": DAYS - DAYS[0],
    "Python's dates": [[datetime.datetime(2024, 1, 1)]] * 120,
    "a frame with dates": pd.DataFrame({"a": X_NOISY[:, 0], "b": DAYS[:, 0]}),
    "a frame with strings": pd.DataFrame({"a": X_NOISY[:, 0], "b": X_NOISY[:, 1].astype(str)}),
    "nan": np.where(X_NOISY > 2, np.nan, X_NOISY),
    "infinity": np.where(X_NOISY > 2, np.inf, X_NOISY),
    "complex numbers": X_NOISY + 1j,
}
BAD_WEIGHTS = {
    "negative": -np.ones(120),
    "one negative": np.r_[-1e-9, np.ones(119)],
    "nan": np.r_[np.nan, np.ones(119)],
    "too few": np.ones(119),
    "all zero": np.zeros(120),
    "strings": ["a"] * 120,
}


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("case", BAD_X)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_bad_X_is_refused_at_fit(estimator_class, case):
    model = estimator_class(hidden_layer_sizes=3, max_iter=2)
    with pytest.raises(ValueError, match=r"\bX\b|Complex data"):
        model.fit(BAD_X[case], Y_NOISY)
    assert not hasattr(model, "n_features_in_")
    if PEER_IS_KNOWN and case == "numeric strings":
        peer = MLPClassifier(3, max_iter=2).fit(BAD_X[case], Y_NOISY)
        with pytest.raises(ValueError, match=r"."):
            peer.predict(np.array([["1"] * 6], dtype=object) + " m")


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("case", BAD_WEIGHTS)
def test_bad_weights_are_refused_at_fit(estimator_class, case):
    with pytest.raises(ValueError, match=r"sample_weight|could not convert string to float"):
        estimator_class(hidden_layer_sizes=3, max_iter=2).fit(X_NOISY, Y_NOISY, BAD_WEIGHTS[case])
    if PEER_IS_KNOWN and case == "negative":
        assert MLPClassifier(3, max_iter=2).fit(X_NOISY, Y_NOISY, BAD_WEIGHTS[case]).n_iter_ == 2


BAD_VALIDATION = {
    "y_val": [
        {"X_val": X_NOISY},
        {"X_val": X_NOISY, "y_val": Y_NOISY + 5},
        {"X_val": X_NOISY, "y_val": Y_NOISY[:5]},
        {"X_val": X_NOISY, "y_val": [None, *Y_NOISY[1:]]},
    ],
    "X_val": [
        {"y_val": Y_NOISY},
        {"sample_weight_val": np.ones(120)},
        {"X_val": X_NOISY.astype(str), "y_val": Y_NOISY},
        {"X_val": X_NOISY[:, :2], "y_val": Y_NOISY},
    ],
    "sample_weight": [{"X_val": X_NOISY, "y_val": Y_NOISY, "sample_weight_val": -np.ones(120)}],
}


@pytest.mark.parametrize("name, given", [(name, given) for name, cases in BAD_VALIDATION.items() for given in cases])
def test_a_bad_validation_set_is_refused_at_fit(name, given):
    with pytest.raises(ValueError, match=name):
        ScratchMLPClassifier(3, max_iter=2).fit(X_NOISY, Y_NOISY, **given)


# Kinds of input.


@each_estimator
@each_solver
@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.coo_array])
def test_sparse_X_gives_what_dense_X_gives(estimator_class, solver, container):
    data = np.where(np.abs(X) > 1, X, 0)
    model = estimator_class(solver=solver, **SHORT)
    expected = clone(model).fit(data, Y)
    model.fit(container(data), Y)
    np.testing.assert_allclose(model.params_, expected.params_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.predict(container(data)), model.predict(data), rtol=1e-9, atol=1e-12)


@each_estimator
@each_solver
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, np.asfortranarray])
def test_float32_goes_in_and_comes_out(estimator_class, solver, container):
    data = container(X.astype(np.float32))
    model = estimator_class(solver=solver, **SHORT).fit(data, Y, np.linspace(0.5, 1, N))
    assert {array.dtype for array in [model.params_, *model.coefs_, *model.intercepts_]} == {np.dtype(np.float32)}
    if estimator_class is ScratchMLPRegressor:
        assert model.predict(data).dtype == np.float32
        return
    for method in (model.predict_proba, model.predict_log_proba, model.decision_function):
        assert method(data).dtype == np.float32
    labels = np.where(Y, np.float32(1), np.float32(2))
    assert clone(model).fit(data, labels).predict(data).dtype == np.float32


@pytest.mark.parametrize(
    "params",
    [{"normalization": "batch"}, {"normalization": "layer"}, {"dropout": 0.3}, {"early_stopping": True}],
    ids=str,
)
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "mish", "softplus", "selu"])
def test_float32_stays_with_every_feature(params, activation):
    data = X.astype(np.float32)
    clf = ScratchMLPClassifier(activation=activation, **SHORT, **params).fit(data, Y)
    assert clf.params_.dtype == clf.predict_proba(data).dtype == np.float32
    clf = ScratchMLPClassifier(activation=activation, **SHORT).partial_fit(data, Y, classes=[0, 1])
    assert clf.partial_fit(data, Y).params_.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.int64, np.longdouble, bool])
def test_other_numbers_become_float64(dtype):
    data = (3 * X).astype(dtype)
    clf = ScratchMLPClassifier(**SHORT).fit(data, Y)
    assert clf.params_.dtype == np.float64
    expected = ScratchMLPClassifier(**SHORT).fit(data.astype(np.float64), Y)
    np.testing.assert_array_equal(clf.params_, expected.params_)


def frozen(array):
    array = array.copy()
    for part in (array.data, array.indices, array.indptr) if sparse.issparse(array) else (array,):
        part.flags.writeable = False
    return array


@each_estimator
@each_solver
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_read_only_input_is_not_written_to(estimator_class, solver, container):
    data, targets, weights = frozen(container(X)), frozen(Y), frozen(np.linspace(0, 1, N))
    model = estimator_class(solver=solver, **SHORT).fit(data, targets, weights)
    model.predict(data)
    if solver in DESCENDING:
        model.partial_fit(data, targets, weights)


@each_estimator
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_mapped_input(estimator_class, dtype, tmp_path):
    joblib.dump((X.astype(dtype), Y), tmp_path / "data")
    data, targets = joblib.load(tmp_path / "data", mmap_mode="r")
    assert isinstance(data, np.memmap)
    model = estimator_class(early_stopping=True, **SHORT).fit(data, targets)
    expected = estimator_class(early_stopping=True, **SHORT).fit(X.astype(dtype), Y)
    np.testing.assert_array_equal(model.params_, expected.params_)
    np.testing.assert_array_equal(model.predict(data), expected.predict(X.astype(dtype)))


def test_a_row_alone():
    clf = ScratchMLPClassifier(**SHORT).fit(X, Y)
    np.testing.assert_allclose(clf.predict_proba(X[:1]), clf.predict_proba(X)[:1], rtol=1e-12)
    assert ScratchMLPRegressor(**SHORT).fit(XR[:1], YR[:1]).predict(XR[:1]).shape == (1,)


# What users bring: half a function, a loss for something else, a number of numpy's.


def shifted_tanh(z):
    a = np.tanh(z) * np.float64(1.5)
    return a, lambda delta: delta * (np.float64(1.5) - a**2 / 1.5)


@pytest.mark.parametrize("params", [{"loss": "huber", "huber_delta": np.float64(0.5)}, {"activation": shifted_tanh}])
def test_a_float64_among_the_parameters_leaves_float32_as_it_is(params):
    model = ScratchMLPRegressor(hidden_layer_sizes=5, max_iter=5, random_state=0, **params).fit(X.astype(np.float32), Y)
    assert model.params_.dtype == model.predict(X.astype(np.float32)).dtype == np.float32


# Frames


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    library = pytest.importorskip(request.param)
    data = {
        "sepal length": X_IRIS[:, 0],
        "sepal width": X_IRIS[:, 1],
        "petal length": X_IRIS[:, 2],
        "petal width": X_IRIS[:, 3],
    }
    return library.DataFrame(data)


def series(frame, values):
    return type(frame)({"y": values})["y"]


@pytest.mark.parametrize(
    "make, y", [(iris_classifier, SPECIES), (iris_classifier, Y_IRIS), (iris_regressor, TARGET_IRIS)]
)
def test_frames_are_arrays_with_names(frame, make, y):
    plain = make().fit(X_IRIS, y)
    model = make().fit(frame, series(frame, y))
    np.testing.assert_allclose(model.params_, plain.params_, rtol=1e-6, atol=1e-9)  # frames lie in another order
    assert model.feature_names_in_.tolist() == list(frame.columns)
    assert not hasattr(plain, "feature_names_in_")
    if make is iris_regressor:
        np.testing.assert_allclose(model.predict(frame), plain.predict(X_IRIS), rtol=1e-9)
    else:
        np.testing.assert_array_equal(model.predict(frame), plain.predict(X_IRIS))
    assert type(model.predict(frame)) is np.ndarray
    assert model.score(frame, series(frame, y)) == pytest.approx(plain.score(X_IRIS, y))
    np.testing.assert_allclose(model.hidden_activations(frame), plain.hidden_activations(X_IRIS), rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list(frame.columns)[::-1]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X_IRIS)


def test_frames_with_sample_weights_and_validation_sets(frame):
    weights = np.linspace(0.1, 2, 150)
    settings = {"early_stopping": True, "scoring": "neg_log_loss", "solver": "lbfgs", "max_iter": 10}
    plain = iris_classifier(**settings).fit(
        X_IRIS, Y_IRIS, weights, X_val=X_IRIS, y_val=Y_IRIS, sample_weight_val=weights
    )
    model = iris_classifier(**settings).fit(
        frame, series(frame, Y_IRIS), series(frame, weights), X_val=frame, y_val=series(frame, Y_IRIS),
        sample_weight_val=series(frame, weights),
    )  # fmt: skip
    np.testing.assert_allclose(model.params_, plain.params_, rtol=1e-6, atol=1e-9)  # frames lie in another order
    assert model.validation_scores_ == pytest.approx(plain.validation_scores_)


def test_frames_of_several_targets(frame):
    several = np.column_stack([Y_IRIS == 0, Y_IRIS > 0]).astype(int)
    targets = type(frame)({"a": several[:, 0], "b": several[:, 1]})
    np.testing.assert_array_equal(
        iris_classifier().fit(frame, targets).predict(frame), iris_classifier().fit(X_IRIS, several).predict(X_IRIS)
    )
    outputs = type(frame)({"a": TARGET_IRIS, "b": -TARGET_IRIS})
    assert iris_regressor().fit(frame, outputs).predict(frame).shape == (150, 2)


def test_frames_in_partial_fit(frame):
    model = iris_classifier()
    for _ in range(2):
        model.partial_fit(frame, series(frame, SPECIES), classes=NAMES_OF_SPECIES)
    assert model.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(frame[list(frame.columns)[::-1]], series(frame, SPECIES))


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_whatever_a_scaler_puts_out(frame, container):
    """set_output is the transformers' business; a predictor takes what they give."""
    if container != "default":
        pytest.importorskip(container)
    pipeline = make_pipeline(StandardScaler().set_output(transform=container), iris_classifier()).fit(frame, SPECIES)
    assert pipeline.score(frame, SPECIES) > 0.9
    assert not hasattr(iris_classifier(), "set_output")


def test_nullable_columns_and_categories_of_pandas():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X_IRIS, columns=list("abcd")).assign(kind=np.where(X_IRIS[:, 0] > 0, "long", "short"))
    table = table.astype({"a": "Float64", "b": "Float32", "kind": "category"})
    y = pandas.Series(SPECIES, dtype="category")
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    assert make_pipeline(columns, iris_classifier()).fit(table, y).score(table, y) > 0.9
    model = iris_classifier().fit(table[list("abcd")], y)
    assert model.predict(table[list("abcd")]).dtype == SPECIES.dtype
    table.loc[3, "a"] = pandas.NA
    with pytest.raises(ValueError, match="NaN"):
        iris_classifier().fit(table[list("abcd")], y)


# Weights


@each_of_ours
@pytest.mark.parametrize("solver", ["adam", "gd", "lbfgs"])
@pytest.mark.parametrize("weight", [1e306, 1e308, 1e200, 1e-200, 1e-306, 1e-310])
def test_equal_weights_of_any_size_are_equal_weights(estimator, solver, weight):
    """Without a penalty they do not matter; a gradient that overflows or underflows to zero is an error."""
    settings = {"hidden_layer_sizes": (3,), "solver": solver, "alpha": 0.0, "max_iter": 5, "random_state": 0}

    def call():
        return estimator(**settings).fit(X_SMALL, Y_SMALL, np.full(40, weight)), X_SMALL

    model = finite_or_said(call, "sample_weight")
    if model is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            reference = estimator(**settings).fit(X_SMALL, Y_SMALL)
        np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-6, atol=1e-9)


@each_of_ours
@pytest.mark.parametrize("dtype, weight", [(np.float32, 1e39), (np.float32, 1e-46), (np.float32, 1e38)])
def test_weights_beyond_float32_beside_float32_rows(estimator, dtype, weight):
    settings = {"hidden_layer_sizes": (3,), "alpha": 0.0, "max_iter": 5, "random_state": 0}
    rows = X_SMALL.astype(dtype)
    model = finite_or_said(
        lambda: (estimator(**settings).fit(rows, Y_SMALL, np.full(40, weight)), rows), "sample_weight"
    )
    if model is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            reference = estimator(**settings).fit(rows, Y_SMALL)
        np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("weight", [1e308, 1e306])
def test_class_weights_that_overflow_are_named(weight):
    settings = {"hidden_layer_sizes": (3,), "alpha": 0.0, "max_iter": 5, "random_state": 0}

    def call():
        return ScratchMLPClassifier(class_weight={0: weight, 1: weight}, **settings).fit(X_SMALL, Y_SMALL), X_SMALL

    model = finite_or_said(call, "class_weight", "sample_weight")
    if model is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            reference = ScratchMLPClassifier(**settings).fit(X_SMALL, Y_SMALL)
        np.testing.assert_allclose(model.params_, reference.params_, rtol=1e-6, atol=1e-9)


@each_of_ours
def test_validation_weights_that_overflow_are_named(estimator):
    model = estimator(hidden_layer_sizes=(3,), max_iter=3, random_state=0)

    def call():
        return model.fit(X_SMALL, Y_SMALL, X_val=X_SMALL, y_val=Y_SMALL, sample_weight_val=np.full(40, 1e307)), X_SMALL

    if finite_or_said(call, "sample_weight_val") is not None:
        assert np.isfinite(model.history_["val_loss"]).all()

"""What users expect of the two estimators, whatever the solver."""

import copy
import math
import pickle
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import OptimizeResult
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_limits

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, _engine
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.history import COLUMNS
from skmlp_scratch.losses import BinaryCrossEntropy, CategoricalCrossEntropy, Huber, SquaredError
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.schedules import Constant
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

SCIPY = ("bfgs", "lbfgs", "cg")
DESCENDING = tuple(solver for solver in SOLVERS if solver not in SCIPY)

N = 150
X, Y = make_classification(N, 6, n_informative=5, n_redundant=0, class_sep=2, flip_y=0, random_state=0)
X3, Y3 = make_classification(N, 6, n_informative=5, n_redundant=0, n_classes=3, class_sep=2, flip_y=0, random_state=0)
XM = np.random.RandomState(0).standard_normal((N, 6))
YM = (XM @ np.random.RandomState(1).standard_normal((6, 4)) > 0).astype(int)
XR, YR = make_regression(N, 6, noise=1, random_state=0)
YR = scale(YR)
YR2 = np.column_stack([YR, -YR, np.abs(YR)])

# Enough for every solver to learn these.
QUICK = {"hidden_layer_sizes": 10, "learning_rate_init": 0.02, "max_iter": 60, "random_state": 0}
SHORT = {"hidden_layer_sizes": 5, "max_iter": 4, "random_state": 0}

each_solver = pytest.mark.parametrize("solver", SOLVERS)
each_estimator = pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])

LABELS = {
    "0 and 1": (X, Y),
    "booleans": (X, Y == 1),
    "two strings": (X, np.array(["no", "yes"])[Y]),
    "objects": (X, np.array(["no", "yes"], dtype=object)[Y]),
    "far numbers": (X, np.array([-(10**12), 7])[Y]),
    "whole floats": (X, np.array([-1.0, 3.0])[Y]),
    "a list": (X, ["yes" if label else "no" for label in Y]),
    "dates": (X, np.array(["2024-01-01", "2023-01-01"], dtype="datetime64[D]")[Y]),
    "three": (X3, Y3),
    "three strings": (X3, np.array(["c", "a", "longer than the others"])[Y3]),
    "multilabel": (XM, YM),
    "multilabel booleans": (XM, YM == 1),
    "multilabel sparse": (XM, sparse.csr_matrix(YM)),
}


def dense(y):
    return y.toarray() if sparse.issparse(y) else np.asarray(y)


# Targets of every kind.


@each_solver
@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind_are_learnt_and_come_back(kind, solver):
    data, labels = LABELS[kind]
    clf = ScratchMLPClassifier(solver=solver, **QUICK).fit(data, labels)
    predicted = clf.predict(data)
    assert predicted.shape == dense(labels).shape
    assert sparse.issparse(predicted) == sparse.issparse(labels)
    assert np.mean(dense(predicted) == dense(labels)) > 0.8
    assert clf.score(data, labels) == np.mean(np.all(np.c_[dense(predicted) == dense(labels)], axis=1))
    if dense(labels).ndim == 1:
        np.testing.assert_array_equal(clf.classes_, np.unique(labels))
        # scikit-learn makes text of objects that are text.
        assert predicted.dtype.kind == np.asarray(labels).dtype.kind.replace("O", "U")


@pytest.mark.parametrize("kind", LABELS)
def test_shapes_and_consistency_of_the_predictions(kind):
    data, labels = LABELS[kind]
    clf = ScratchMLPClassifier(**SHORT).fit(data, labels)
    decision, proba, log_proba = clf.decision_function(data), clf.predict_proba(data), clf.predict_log_proba(data)
    n_classes = len(clf.classes_)
    assert proba.shape == log_proba.shape == (N, n_classes)
    assert decision.shape == ((N,) if n_classes == 2 else (N, n_classes))
    np.testing.assert_allclose(np.exp(log_proba), proba, rtol=1e-12)
    assert ((proba > 0) & (proba <= 1)).all()
    if dense(labels).ndim == 2:
        np.testing.assert_allclose(proba, expit(decision), rtol=1e-12)
        np.testing.assert_array_equal(dense(clf.predict(data)), proba > 0.5)
        assert (proba < 1).all()
        return
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(clf.predict(data), clf.classes_[proba.argmax(axis=1)])
    if n_classes == 2:
        np.testing.assert_allclose(proba[:, 1], expit(decision), rtol=1e-12)
        np.testing.assert_array_equal(clf.predict(data), clf.classes_[(decision > 0).astype(int)])
    else:
        np.testing.assert_allclose(proba, softmax(decision, axis=1), rtol=1e-12)


def test_two_labels_at_once_are_no_two_classes():
    clf = ScratchMLPClassifier(**SHORT).fit(XM, YM[:, :2])
    assert clf.predict(XM).shape == clf.decision_function(XM).shape == clf.predict_proba(XM).shape == (N, 2)
    assert (clf.n_outputs_, clf.out_activation_) == (2, "logistic")


@each_estimator
def test_a_column_is_an_ordinary_target(estimator_class):
    with pytest.warns(DataConversionWarning, match="column-vector"):
        model = estimator_class(**SHORT).fit(X, Y[:, None])
    np.testing.assert_array_equal(model.params_, estimator_class(**SHORT).fit(X, Y).params_)
    assert model.predict(X).shape == (N,)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_sparse_labels_train_as_dense_ones_do(early_stopping):
    params = {"early_stopping": early_stopping, **SHORT}
    one, other = (ScratchMLPClassifier(**params).fit(XM, y, np.arange(N)) for y in (YM, sparse.csr_matrix(YM)))
    np.testing.assert_array_equal(one.params_, other.params_)
    assert one.validation_scores_ == other.validation_scores_


@each_solver
def test_softmax_output_for_two_classes(solver):
    clf = ScratchMLPClassifier(solver=solver, loss="categorical_cross_entropy", **QUICK).fit(X, Y)
    assert (clf.n_outputs_, clf.out_activation_) == (2, "softmax")
    decision, proba = clf.decision_function(X), clf.predict_proba(X)
    assert decision.shape == (N,)
    np.testing.assert_allclose(proba[:, 1], expit(decision), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(clf.predict(X), (decision > 0).astype(int))
    assert clf.score(X, Y) > 0.9


@pytest.mark.parametrize("loss", ["log_loss", "categorical_cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("kind", ["two strings", "three strings", "multilabel"])
def test_every_loss_of_the_classifier(loss, kind):
    if (loss, kind) in {("categorical_cross_entropy", "multilabel"), ("binary_cross_entropy", "three strings")}:
        with pytest.raises(ValueError, match=loss):
            ScratchMLPClassifier(loss=loss, **SHORT).fit(*LABELS[kind])
        return
    clf = ScratchMLPClassifier(loss=loss, solver="lbfgs", **QUICK).fit(*LABELS[kind])
    assert np.mean(clf.predict(LABELS[kind][0]) == LABELS[kind][1]) > 0.8
    proba = clf.predict_proba(LABELS[kind][0])
    assert ((proba >= 0) & (proba <= 1)).all()
    if kind != "multilabel":
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)


@each_solver
@pytest.mark.parametrize("targets", [YR, YR2], ids=["one output", "three outputs"])
def test_regression_with_one_or_several_outputs(solver, targets):
    reg = ScratchMLPRegressor(solver=solver, **{**QUICK, "max_iter": 200}).fit(XR, targets)
    assert reg.predict(XR).shape == targets.shape
    assert reg.n_outputs_ == (1 if targets.ndim == 1 else 3)
    assert reg.score(XR, targets) > 0.8


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_every_loss_of_the_regressor(loss, n_outputs):
    targets = np.exp(0.5 * (YR if n_outputs == 1 else YR2))
    reg = ScratchMLPRegressor(loss, **{**QUICK, "max_iter": 300}).fit(XR, targets)
    assert reg.predict(XR).shape == targets.shape
    assert reg.score(XR, targets) > 0.7
    if loss in ("poisson", "gamma"):
        assert reg.out_activation_ == "exp"
        assert (reg.predict(XR) > 0).all()


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


def test_a_warm_start_keeps_its_precision():
    reg = ScratchMLPRegressor(warm_start=True, **SHORT).fit(XR.astype(np.float32), YR)
    assert reg.fit(XR, YR).params_.dtype == np.float32


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


FEATURES = [
    {},
    {"normalization": "batch"},
    {"normalization": "layer"},
    {"dropout": 0.5, "input_dropout": 0.5},
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": (), "input_dropout": 0.5},
    {"early_stopping": True},
    {"batch_size": 50, "shuffle": False},
]


@pytest.mark.parametrize("params", FEATURES, ids=str)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_arguments_are_left_as_they_are(params, activation):
    data, targets, weights = X.copy(), YR2.copy(), np.linspace(0, 1, N)
    given = data.copy(), targets.copy(), weights.copy()
    params = {"activation": activation, "solver": "adam", **SHORT, **params}
    model = ScratchMLPRegressor(**params).fit(data, targets, weights)
    model.predict(data)
    if params["hidden_layer_sizes"]:
        model.hidden_activations(data, 0)
    for array, before in zip((data, targets, weights), given, strict=True):
        np.testing.assert_array_equal(array, before)


def test_hidden_layers_as_any_sequence():
    expected = ScratchMLPClassifier((4, 3), max_iter=2, random_state=0).fit(X, Y).params_
    for sizes in ([4, 3], np.array([4, 3]), range(4, 2, -1), (np.int32(4), np.int64(3))):
        np.testing.assert_array_equal(
            ScratchMLPClassifier(sizes, max_iter=2, random_state=0).fit(X, Y).params_, expected
        )
    one = ScratchMLPClassifier(4, max_iter=2, random_state=0).fit(X, Y)
    assert [W.shape for W in one.coefs_] == [(6, 4), (4, 1)]


def test_a_row_alone():
    clf = ScratchMLPClassifier(**SHORT).fit(X, Y)
    np.testing.assert_allclose(clf.predict_proba(X[:1]), clf.predict_proba(X)[:1], rtol=1e-12)
    assert ScratchMLPRegressor(**SHORT).fit(XR[:1], YR[:1]).predict(XR[:1]).shape == (1,)


# What fit leaves behind.


@each_estimator
@each_solver
@pytest.mark.parametrize("validate", [None, "early stopping", "given"])
def test_history_has_a_row_an_epoch_for_every_solver(estimator_class, solver, validate):
    given = {"X_val": X[:40], "y_val": Y[:40]} if validate == "given" else {}
    params = {"solver": solver, "early_stopping": validate == "early stopping", **SHORT}
    model = estimator_class(**params).fit(X, Y, **given)
    history = model.history_
    assert tuple(history) == COLUMNS
    assert {len(column) for column in history.values()} == {model.n_iter_}
    assert 1 <= model.n_iter_ <= 4
    assert history["epoch"] == list(range(1, model.n_iter_ + 1))
    assert model.loss_curve_ == history["loss"]
    assert np.isfinite(history["loss"]).all()
    assert (np.array(history["grad_norm"]) > 0).all()
    assert (np.diff([0, *history["seconds"]]) > 0).all()
    rates = [math.nan if solver in SCIPY else 0.001] * model.n_iter_
    np.testing.assert_array_equal(history["learning_rate"], rates)
    for column in ("val_loss", "val_score"):
        assert np.isfinite(history[column]).all() == (validate is not None)
        assert np.isnan(history[column]).all() == (validate is None)
    assert model.validation_scores_ == (history["val_score"] if validate else None)


@each_estimator
@each_solver
@pytest.mark.parametrize("early_stopping", [False, True])
def test_summary_attributes(estimator_class, solver, early_stopping):
    model = estimator_class(solver=solver, early_stopping=early_stopping, **SHORT).fit(X, Y)
    assert model.loss_ == pytest.approx(model.loss_curve_[-1])
    assert model.t_ == model.n_iter_ * (N * 9 // 10 if early_stopping else N)
    assert (model.n_layers_, model.n_outputs_, model.n_features_in_) == (3, 1, 6)
    assert model.out_activation_ == ("logistic" if estimator_class is ScratchMLPClassifier else "identity")
    if early_stopping:
        assert model.best_loss_ is None
        assert model.best_validation_score_ == max(model.validation_scores_)
    else:
        assert model.best_loss_ == min(model.loss_curve_)
        assert model.validation_scores_ is model.best_validation_score_ is None


@each_solver
def test_the_last_loss_is_that_of_the_weights(solver):
    # Of a full batch it is that before the last update, of minibatches the mean over the last epoch.
    reg = ScratchMLPRegressor(solver=solver, alpha=2.0, **{**SHORT, "max_iter": 300, "tol": 1e-9}).fit(XR, YR)
    penalty = 2.0 / (2 * N) * sum(np.sum(W**2) for W in reg.coefs_)
    at_the_weights = 0.5 * np.mean((reg.predict(XR) - YR) ** 2) + penalty
    assert reg.loss_ == pytest.approx(at_the_weights, rel=1e-9 if solver in SCIPY else 0.05)


def test_weights_and_biases_are_views_of_the_flat_vector():
    clf = ScratchMLPClassifier((4, 3), max_iter=2, random_state=0).fit(X, Y)
    assert [W.shape for W in clf.coefs_] == [(6, 4), (4, 3), (3, 1)]
    assert [b.shape for b in clf.intercepts_] == [(4,), (3,), (1,)]
    np.testing.assert_array_equal(
        clf.params_, np.concatenate([array.ravel() for array in [*clf.coefs_, *clf.intercepts_]])
    )
    clf.coefs_[-1][...] = 0
    clf.intercepts_[-1][...] = 3
    np.testing.assert_allclose(clf.decision_function(X), 3)


@each_estimator
def test_nothing_fitted_is_there_before_fit(estimator_class):
    model = estimator_class()
    assert not [name for name in vars(model) if name.endswith("_") or name.startswith("_")]
    for name in ("coefs_", "intercepts_", "loss_curve_", "n_iter_"):
        assert not hasattr(model, name)
    methods = [model.predict, model.hidden_activations]
    if estimator_class is ScratchMLPClassifier:
        methods += [model.predict_proba, model.predict_log_proba, model.decision_function]
    for method in methods:
        with pytest.raises(NotFittedError):
            method(X)


VERBOSE = {name: name for name in SOLVERS} | {"object": GradientDescent(max_iter=4)}  # brings its own max_iter


@each_estimator
@pytest.mark.parametrize("solver", VERBOSE.values(), ids=VERBOSE)
@pytest.mark.parametrize("verbose", [False, True, 2])
def test_verbose_prints_each_epoch(estimator_class, solver, verbose, capsys):
    model = estimator_class(solver=solver, verbose=verbose, early_stopping=True, **SHORT).fit(X, Y)
    lines = capsys.readouterr().out.splitlines()
    expected = [f"Computed by {_engine.status()}."]
    for epoch, loss, score in zip(*(model.history_[c] for c in ("epoch", "loss", "val_score")), strict=True):
        expected += [f"Iteration {epoch}, loss = {loss:.8f}", f"Validation score: {score:f}"]
    assert lines == (expected if verbose else [])


def test_verbose_says_where_the_kernels_do_not_run(capsys):
    ScratchMLPClassifier(activation=lambda z: (z, lambda delta: delta), verbose=True, **SHORT).fit(X, Y)
    assert capsys.readouterr().out.startswith("Computed by numpy: ")


def test_verbose_says_why_training_stops(capsys):
    params = {**SHORT, "max_iter": 50, "n_iter_no_change": 1, "tol": 0.5, "learning_rate_init": 0.1}
    ScratchMLPClassifier(verbose=True, early_stopping=True, **params).fit(X, Y)
    assert "Validation score did not improve more than tol=0.5" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize("solver", [*SOLVERS, GradientDescent("adam", max_iter=2, tol=0.0), ScipyMinimize(max_iter=2)])
@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_running_out_of_iterations_is_a_warning_at_the_users_line(solver):
    clf = ScratchMLPClassifier(5, solver=solver, max_iter=2, random_state=0)
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\)|without converging") as caught:
        clf.fit(X, Y)
    assert {warning.filename for warning in caught} == {__file__}
    assert [warning.category for warning in caught].count(ConvergenceWarning) == 1


@pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
@each_solver
def test_convergence_is_silent(solver):
    params = {**SHORT, "max_iter": 3000, "tol": 1e-3, "alpha": 1.0, "learning_rate_init": 0.01}
    assert 1 < ScratchMLPClassifier(solver=solver, **params).fit(X, Y).n_iter_ < 3000


def test_max_fun_bounds_the_evaluations_of_lbfgs():
    few, many = (
        ScratchMLPClassifier(5, solver="lbfgs", max_fun=max_fun, max_iter=1000, random_state=0).fit(X, Y).n_iter_
        for max_fun in (10, 15000)
    )
    assert few <= 10 < many


# Parameters.

OBJECTS = {
    "names": {},
    "GradientDescent": {"solver": GradientDescent(Adam(0.8), learning_rate=0.01, batch_size=50, max_iter=3)},
    "ScipyMinimize": {"solver": ScipyMinimize("CG", max_iter=3, options={"gtol": 0.1})},
    "a list and an array": {
        "hidden_layer_sizes": [4, 3],
        "dropout": np.array([0.1, 0.2]),
        "activation": ["relu", "tanh"],
    },
    "early stopping": {"early_stopping": True, "warm_start": True},
    "class weights": {"class_weight": {0: 2.0, 1: 1.0}},
}


@pytest.mark.parametrize("case", OBJECTS)
def test_fit_never_changes_parameters(case):
    clf = ScratchMLPClassifier(**SHORT | OBJECTS[case])
    before, identities = joblib.hash(clf.get_params()), {name: id(v) for name, v in clf.get_params().items()}
    clf.fit(X, Y).fit(X, Y)
    if hasattr(clf, "partial_fit") and not clf.early_stopping:
        clf.partial_fit(X, Y)
    assert joblib.hash(clf.get_params()) == before
    assert {name: id(value) for name, value in clf.get_params().items()} == identities


@each_estimator
@pytest.mark.parametrize("case", [case for case in OBJECTS if case != "class weights"])
def test_clone_and_parameters(estimator_class, case):
    model = estimator_class(**SHORT | OBJECTS[case])
    twin = clone(model)
    assert joblib.hash(twin.get_params()) == joblib.hash(model.get_params())
    np.testing.assert_array_equal(clone(model.fit(X, Y)).fit(X, Y).params_, twin.fit(X, Y).params_)
    assert estimator_class().set_params(**model.get_params(deep=False)).get_params(deep=False) is not None
    with pytest.raises(ValueError, match="no_such"):
        model.set_params(no_such=1)


def test_parameters_of_objects_are_reachable():
    clf = ScratchMLPClassifier(solver=GradientDescent(Adam()))
    clf.set_params(solver__learning_rate=0.5, solver__optimizer__beta_1=0.3)
    assert (clf.solver.learning_rate, clf.solver.optimizer.beta_1) == (0.5, 0.3)
    assert {"solver__batch_size", "solver__optimizer__epsilon"} <= set(clf.get_params())


@pytest.mark.slow
def test_grid_search_in_two_processes():
    pipeline = make_pipeline(StandardScaler(), ScratchMLPClassifier(solver=GradientDescent(Adam(), max_iter=40)))
    pipeline.set_params(scratchmlpclassifier__random_state=0)
    grid = {
        "hidden_layer_sizes": [2, 8],
        "solver__learning_rate": [1e-4, 0.05],
        "solver__optimizer__beta_1": [0.5, 0.9],
    }
    grid = {f"scratchmlpclassifier__{name}": values for name, values in grid.items()}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2, error_score="raise").fit(X3, Y3)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_params_["scratchmlpclassifier__solver__learning_rate"] == 0.05
    assert search.best_score_ > 0.8
    best = clone(pipeline).set_params(**search.best_params_).fit(X3, Y3)
    np.testing.assert_array_equal(search.predict(X3), best.predict(X3))


# Solvers of third parties.


class Steps:
    """A solver from elsewhere: fixed steps downhill; its callback gets a result, a bare array, or nothing."""

    def __init__(self, reports):
        self.reports = reports

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        params = params.copy()
        for i in range(7):
            loss, grad = objective.loss_and_grad(params)
            params -= grad.dtype.type(0.5) * grad
            if self.reports == "result":
                callback(OptimizeResult(x=params, fun=loss, nit=i + 1))
            elif self.reports == "array":
                callback(params)
        return OptimizeResult(x=params, fun=objective.loss_and_grad(params)[0], nit=7)


@each_estimator
@pytest.mark.parametrize("reports", ["result", "array", "nothing"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_solver_of_a_third_party(estimator_class, reports, dtype):
    data = X.astype(dtype)
    model = estimator_class(solver=Steps(reports), alpha=0.1, **SHORT).fit(data, Y)
    reference = GradientDescent(learning_rate=0.5, max_iter=7)
    expected = estimator_class(solver=reference, alpha=0.1, **SHORT).fit(data, Y)
    np.testing.assert_allclose(model.params_, expected.params_, rtol=1e-5, atol=1e-6)
    assert model.params_.dtype == dtype
    assert {len(column) for column in model.history_.values()} == {7} == {model.n_iter_}
    assert model.t_ == 7 * N
    if reports == "result":  # as the solver says: before the step
        np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_, rtol=1e-5)
    elif reports == "array":  # as measured: after it
        np.testing.assert_allclose(model.loss_curve_[:-1], expected.loss_curve_[1:], rtol=1e-5)
    else:
        assert np.isnan(model.loss_curve_[:-1]).all()
    if reports != "result":
        assert model.loss_curve_[-1] == pytest.approx(model.loss_, rel=1e-6)
    pickle.loads(pickle.dumps(clone(model).fit(data, Y))).predict(data)


def test_a_solver_of_a_third_party_stops_early():
    clf = ScratchMLPClassifier(
        solver=Endless(), early_stopping=True, scoring=lambda *_: 0.5, n_iter_no_change=3, **SHORT
    ).fit(X, Y)
    assert clf.n_iter_ == 5
    assert clf.best_validation_score_ == 0.5


class Endless:
    """A solver that only its callback can stop; it takes StopIteration as the end, as scipy's methods do."""

    def minimize(self, objective, params, *, callback=None, rng=None, state=None):
        nit = 0
        try:
            while True:
                nit += 1
                params = params - 0.1 * objective.loss_and_grad(params)[1]
                callback(params)
        except StopIteration:
            return OptimizeResult(x=params, fun=objective.loss_and_grad(params)[0], nit=nit, success=True)


def newton_like(fun, x0, args=(), jac=None, callback=None, **options):
    """A method for scipy.optimize.minimize, which hands bare arrays to its callback."""
    x = x0
    for _ in range(options.get("steps", 7)):
        x = x - 0.5 * jac(x)
        callback(x)
    return OptimizeResult(x=x, fun=fun(x), nit=options.get("steps", 7), success=True)


@each_estimator
def test_a_method_of_a_third_party_for_scipy(estimator_class):
    model = estimator_class(solver=ScipyMinimize(newton_like, options={"steps": 5}), **SHORT).fit(X, Y)
    expected = estimator_class(solver=GradientDescent(learning_rate=0.5, max_iter=5), **SHORT).fit(X, Y)
    np.testing.assert_allclose(model.params_, expected.params_, rtol=1e-10)
    assert model.n_iter_ == len(model.loss_curve_) == 5
    np.testing.assert_allclose(model.loss_curve_[:-1], expected.loss_curve_[1:], rtol=1e-10)


@pytest.mark.parametrize("method", ["Newton-CG", "TNC", "SLSQP", "Powell", "Nelder-Mead", "trust-constr"])
def test_other_methods_of_scipy(method):
    solver = ScipyMinimize(method, max_iter=30)
    clf = ScratchMLPClassifier((), solver=solver, alpha=1.0, random_state=0).fit(X[:, :2], Y)
    start = ScratchMLPClassifier((), solver=ScipyMinimize("CG", max_iter=1), alpha=1.0, random_state=0).fit(X[:, :2], Y)
    assert clf.n_iter_ == len(clf.loss_curve_) > 1
    assert clf.loss_ < start.loss_curve_[0] + 1e-9
    assert clf.loss_ == pytest.approx(min(clf.loss_curve_), rel=1e-6)


def test_the_flat_parameters_do_not_reach_a_solver_object():
    solver = GradientDescent("adam", learning_rate=0.01, max_iter=6)
    params = {"solver": solver, "hidden_layer_sizes": 5, "random_state": 0}
    clf = ScratchMLPClassifier(max_iter=2, learning_rate_init=9, batch_size=3, tol=1e9, beta_1=0, **params).fit(X, Y)
    np.testing.assert_array_equal(clf.params_, ScratchMLPClassifier(**params).fit(X, Y).params_)
    assert clf.n_iter_ == 6


def test_a_solver_without_minimize_is_refused():
    for solver in (Adam(), "newton", None):
        with pytest.raises(ValueError, match="solver"):
            ScratchMLPClassifier(solver=solver).fit(X, Y)


@pytest.mark.parametrize(
    ("name", "given"), [("solver", GradientDescent), ("learning_rate", Constant), ("init", dict), ("loss", Huber)]
)
def test_a_class_in_place_of_an_object_is_refused(name, given):
    with pytest.raises(ValueError, match=rf"^{name} is the class {given.__name__}: give an object"):
        ScratchMLPRegressor(**{name: given}).fit(X, Y)


# Functions and objects of the user.


def my_tanh(z):
    a = np.tanh(z)
    return a, lambda delta: delta * (1 - a * a)


def my_init(rng, n_in, n_out):
    return rng.uniform(-0.1, 0.1, (n_in, n_out)), np.full(n_out, 0.5)


class MyLogLoss:
    """The two methods that a loss needs, and no more."""

    def value_and_grad(self, y, raw, sample_weight):
        weights = np.ones(len(y)) if sample_weight is None else sample_weight
        value = np.dot(weights, (np.logaddexp(0, raw) - y * raw).sum(axis=1))
        return value, weights[:, None] * (expit(raw) - y)

    def inverse_link(self, raw):
        return expit(raw)


@each_solver
def test_an_activation_of_the_user(solver):
    mine, theirs = (
        ScratchMLPClassifier(activation=activation, solver=solver, **SHORT).fit(X, Y)
        for activation in (my_tanh, "tanh")
    )
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-9)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(mine)).predict_proba(X), mine.predict_proba(X))


@each_solver
@pytest.mark.parametrize("kind", ["0 and 1", "multilabel"])
def test_a_loss_of_the_user(solver, kind):
    data, labels = LABELS[kind]
    mine, theirs = (
        ScratchMLPClassifier(loss=loss, solver=solver, early_stopping=True, **SHORT).fit(data, labels)
        for loss in (MyLogLoss(), "log_loss")
    )
    np.testing.assert_allclose(mine.params_, theirs.params_, rtol=1e-7)
    np.testing.assert_allclose(mine.predict_proba(data), theirs.predict_proba(data), rtol=1e-7)
    np.testing.assert_allclose(mine.predict_log_proba(data), theirs.predict_log_proba(data), rtol=1e-7, atol=1e-12)
    np.testing.assert_array_equal(mine.predict(data), theirs.predict(data))
    assert mine.out_activation_ == "custom"


def test_a_loss_of_the_user_for_regression():
    class Cosh:
        def value_and_grad(self, y, raw, sample_weight):
            return np.log(np.cosh(raw - y)).sum(), np.tanh(raw - y)

        def inverse_link(self, raw):
            return raw

    reg = ScratchMLPRegressor(Cosh(), solver="lbfgs", hidden_layer_sizes=10, max_iter=200, random_state=0).fit(XR, YR)
    assert reg.score(XR, YR) > 0.9


def test_initial_weights_of_the_user():
    clf = ScratchMLPClassifier(init=my_init, solver="sgd", momentum=0, learning_rate_init=1e-300, **SHORT).fit(X, Y)
    assert all((np.abs(W) <= 0.1).all() and np.ptp(W) > 0.05 for W in clf.coefs_)
    assert all((b == 0.5).all() for b in clf.intercepts_)


def test_an_activation_for_each_layer():
    clf = ScratchMLPClassifier((6, 5, 4), activation=["tanh", my_tanh, "relu"], max_iter=3, random_state=0).fit(X, Y)
    a = np.tanh(X @ clf.coefs_[0] + clf.intercepts_[0])
    a = np.tanh(a @ clf.coefs_[1] + clf.intercepts_[1])
    a = np.maximum(0, a @ clf.coefs_[2] + clf.intercepts_[2])
    np.testing.assert_allclose(clf.decision_function(X), (a @ clf.coefs_[3] + clf.intercepts_[3]).ravel(), rtol=1e-9)
    for activation in (["tanh", "relu"], [], ["tanh"] * 4):
        with pytest.raises(ValueError, match=f"activation has {len(activation)} entries for 3 hidden layers"):
            clf.set_params(activation=activation).fit(X, Y)


@pytest.mark.parametrize("params", [{}, {"normalization": "batch"}, {"dropout": 0.5, "input_dropout": 0.1}], ids=str)
def test_hidden_activations(params):
    clf = ScratchMLPClassifier((6, 4), "tanh", max_iter=3, random_state=0, **params).fit(X, Y)
    first, last = clf.hidden_activations(X, 0), clf.hidden_activations(X)
    assert (first.shape, last.shape) == ((N, 6), (N, 4))
    np.testing.assert_array_equal(clf.hidden_activations(X, 1), last)
    np.testing.assert_array_equal(clf.hidden_activations(X, -2), first)
    np.testing.assert_allclose(
        clf.decision_function(X), (last @ clf.coefs_[-1] + clf.intercepts_[-1]).ravel(), rtol=1e-9
    )
    if "normalization" not in params:
        np.testing.assert_allclose(first, np.tanh(X @ clf.coefs_[0] + clf.intercepts_[0]), rtol=1e-9)
    np.testing.assert_allclose(clf.hidden_activations(sparse.csr_matrix(X)), last, rtol=1e-9)
    for layer in (2, -3, 0.5, None):
        with pytest.raises(ValueError, match="layer"):
            clf.hidden_activations(X, layer)


# Prediction.


@each_estimator
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_predictions_do_not_depend_on_the_chunks(estimator_class, container, n_threads):
    model = estimator_class((8, 6), max_iter=20, random_state=0) if estimator_class is ScratchMLPClassifier else None
    model = model or estimator_class(hidden_layer_sizes=(8, 6), max_iter=20, random_state=0)
    model.fit(X, Y)
    data = container(X)
    assert model.network_.chunk_rows > N
    whole = [model.predict(data), model.hidden_activations(data)]
    with threadpool_limits(n_threads, user_api="blas"):
        for rows in (1, 7, 64, N - 1, N):
            model.network_.chunk_rows = rows
            np.testing.assert_allclose(model.predict(data), whole[0], rtol=1e-12)
            np.testing.assert_allclose(model.hidden_activations(data), whole[1], rtol=1e-12, atol=1e-15)


@each_estimator
def test_training_on_chunks_equals_training_in_one_piece(estimator_class, monkeypatch):
    data, targets = np.tile(X, (8, 1)), np.tile(Y, 8)
    whole = estimator_class(solver="gd", **SHORT).fit(data, targets)
    monkeypatch.setattr("skmlp_scratch.network.CHUNK_VALUES", 1)
    one, two = (
        _fit_with_threads(estimator_class(solver="gd", **SHORT), data, targets, n_threads) for n_threads in (1, 2)
    )
    assert one.network_.chunk_rows == 256
    np.testing.assert_array_equal(one.params_, two.params_)
    np.testing.assert_allclose(one.params_, whole.params_, rtol=1e-10)


def _fit_with_threads(model, data, targets, n_threads):
    with threadpool_limits(n_threads, user_api="blas"):
        return model.fit(data, targets)


@pytest.mark.parametrize("params", [{}, {"normalization": "batch"}, {"dropout": 0.5}], ids=str)
def test_predict_is_read_only_and_safe_in_threads(params):
    clf = ScratchMLPClassifier((20, 10), max_iter=5, random_state=0, **params).fit(X, Y)
    clf.network_.chunk_rows = 16
    clf.params_.flags.writeable = False
    before = joblib.hash(vars(clf))
    parts = [np.roll(X, i, axis=0)[: 20 + 5 * i] for i in range(24)]
    expected = [clf.predict_proba(part) for part in parts]
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for found, alone in zip(pool.map(clf.predict_proba, parts), expected, strict=True):
                np.testing.assert_array_equal(found, alone)
    assert joblib.hash(vars(clf)) == before


@each_estimator
@each_solver
@pytest.mark.parametrize("copied", [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy])
def test_a_copy_predicts_the_same_and_stays_whole(estimator_class, solver, copied):
    model = estimator_class(solver=solver, warm_start=True, **SHORT).fit(X, Y)
    twin = copied(model)
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert joblib.hash(twin.history_) == joblib.hash(model.history_)
    # Views do not survive a pickle: they must be made from the flat vector.
    twin.params_[...] = 0
    assert all((W == 0).all() for W in twin.coefs_)
    assert np.abs(model.params_).max() > 0
    assert len(model.fit(X, Y).loss_curve_) > 4


@pytest.mark.slow
def test_memory_beyond_X_is_bounded():
    rng = np.random.RandomState(0)
    data = rng.standard_normal((200_000, 30)).astype(np.float32)
    labels = (data[:, 0] > 0).astype(int)
    clf = ScratchMLPClassifier(100, solver="gd", max_iter=2, random_state=0)
    peaks = []
    with threadpool_limits(2, user_api="blas"):
        tracemalloc.start()
        for step in (lambda: clf.fit(data, labels), lambda: clf.predict_proba(data)):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            step()
            peaks.append((tracemalloc.get_traced_memory()[1] - before) / 2**20)
        tracemalloc.stop()
    # All hidden activations at once are 76 MB an array. X itself was there before.
    assert max(peaks) < 200, peaks
    assert peaks[1] < 40, peaks


# Calls in a row.


@each_estimator
@each_solver
def test_a_refit_forgets_the_earlier_fit(estimator_class, solver):
    model = estimator_class(solver=solver, **SHORT)
    fresh = clone(model).fit(X[:, :3], Y)
    again = model.fit(X, Y).fit(X[:, :3], Y)
    np.testing.assert_array_equal(again.params_, fresh.params_)
    assert again.n_iter_ == fresh.n_iter_ == len(again.loss_curve_)
    assert again.n_features_in_ == 3


def test_a_refit_takes_other_classes_and_a_warm_start_does_not():
    clf = ScratchMLPClassifier(**SHORT).fit(X, Y)
    assert list(clf.fit(X3, Y3 + 5).classes_) == [5, 6, 7]
    assert clf.fit(XM, YM).predict(XM).shape == (N, 4)
    with pytest.raises(ValueError, match="same classes"):
        ScratchMLPClassifier(warm_start=True, **SHORT).fit(X, Y).fit(X, Y + 1)


def test_partial_fit_learns_classes_that_come_later():
    clf = ScratchMLPClassifier(10, learning_rate_init=0.02, random_state=0)
    order = np.argsort(Y3, kind="stable")
    clf.partial_fit(X3[order[:20]], Y3[order[:20]], classes=[2, 0, 1])
    assert list(clf.classes_) == [0, 1, 2]
    assert clf.predict_proba(X3).shape == (N, 3)
    for _ in range(40):
        clf.partial_fit(X3, Y3)
    assert clf.score(X3, Y3) > 0.8
    assert len(clf.loss_curve_) == 41
    assert clf.t_ == 20 + 40 * N


def test_partial_fit_says_what_is_wrong_with_the_classes():
    clf = ScratchMLPClassifier(**SHORT)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clf.partial_fit(X, Y)
    with pytest.raises(ValueError, match="`y` has classes not in"):
        clf.partial_fit(X, Y + 1, classes=[0, 1])
    clf.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="not the same as on last call"):
        clf.partial_fit(X, Y, classes=[0, 2])


def test_partial_fit_of_multilabel_targets():
    dense_clf, sparse_clf = (ScratchMLPClassifier(**SHORT) for _ in range(2))
    for _ in range(5):
        dense_clf.partial_fit(XM, YM, classes=range(4))
        sparse_clf.partial_fit(XM, sparse.csr_matrix(YM), classes=range(4))
    np.testing.assert_array_equal(dense_clf.params_, sparse_clf.params_)
    assert dense_clf.predict(XM).shape == (N, 4)


@each_solver
def test_the_same_seed_gives_the_same_model_and_another_one_does_not(solver):
    one, same, other = (
        ScratchMLPClassifier(solver=solver, **{**SHORT, "random_state": seed}).fit(X, Y).params_ for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_no_seed_gives_another_model_each_time():
    clf = ScratchMLPClassifier(**{**SHORT, "random_state": None})
    assert not np.allclose(clf.fit(X, Y).params_, clf.fit(X, Y).params_)


def test_global_random_numbers_are_left_alone():
    shared = check_random_state(None)
    before = shared.get_state()[1:3]
    ScratchMLPClassifier(dropout=0.5, early_stopping=True, **SHORT).fit(X, Y)
    assert joblib.hash(shared.get_state()[1:3]) == joblib.hash(before)


# What users bring: half a function, a loss for something else, a number of numpy's.


def value_alone(z):
    return np.tanh(z)


def slope_for_a_function(z):
    return np.tanh(z), 1 - np.tanh(z) ** 2


def weights_alone(rng, n_in, n_out):
    return np.zeros((n_in, n_out))


class HalfALoss:
    """Squared error whose value is not summed, or whose gradient is flat."""

    def __init__(self, summed):
        self.summed = summed

    def value_and_grad(self, y, raw, sample_weight):
        error = raw - y
        return (error**2).sum() / 2 if self.summed else error**2 / 2, error.ravel() if self.summed else error

    def inverse_link(self, raw):
        return raw


class NoGradient(HalfALoss):
    def __init__(self):
        super().__init__(True)

    def value_and_grad(self, y, raw, sample_weight):
        return float(super().value_and_grad(y, raw, sample_weight)[0])


@pytest.mark.parametrize(
    "params, said",
    [
        ({"activation": value_alone}, r"^activation=<function value_alone.* must return \(a, backward\)"),
        ({"activation": slope_for_a_function}, r"must return \(a, backward\)"),
        ({"init": weights_alone}, r"^init must return \(W, b\), of shapes"),
        ({"loss": HalfALoss(True)}, "value_and_grad must return a number and, here, an array of shape"),
        ({"loss": NoGradient()}, "must return a number and, here, an array of shape .*, not float"),
        ({"loss": HalfALoss(False)}, "value_and_grad must return a number and, here, an array of shape"),
    ],
)
def test_half_a_function_is_refused_by_name(params, said):
    with pytest.raises(ValueError, match=said):
        ScratchMLPRegressor(hidden_layer_sizes=5, **params).fit(X, Y)


@pytest.mark.parametrize(
    "loss, targets, said",
    [
        (BinaryCrossEntropy(), np.arange(len(X)) % 3, "of 3 classes: its output is logistic, and must be softmax"),
        (SquaredError(), np.arange(len(X)) % 3, "of 3 classes: its output is identity, and must be softmax"),
        (SquaredError(), Y, "of 2 classes: its output is identity, and must be logistic or softmax"),
        (CategoricalCrossEntropy(), np.c_[Y, 1 - Y], "of 2 labels: its output is softmax, and must be logistic"),
    ],
)
def test_a_loss_without_probabilities_is_not_for_a_classifier(loss, targets, said):
    with pytest.raises(ValueError, match=rf"^loss=.* gives no probabilities {said}"):
        ScratchMLPClassifier(5, loss=loss).fit(X, targets)


def shifted_tanh(z):
    a = np.tanh(z) * np.float64(1.5)
    return a, lambda delta: delta * (np.float64(1.5) - a**2 / 1.5)


@pytest.mark.parametrize("params", [{"loss": "huber", "huber_delta": np.float64(0.5)}, {"activation": shifted_tanh}])
def test_a_float64_among_the_parameters_leaves_float32_as_it_is(params):
    model = ScratchMLPRegressor(hidden_layer_sizes=5, max_iter=5, random_state=0, **params).fit(X.astype(np.float32), Y)
    assert model.params_.dtype == model.predict(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_a_number_of_numpys_is_a_number(solver):
    rates = {"learning_rate_init": 0.01, "momentum": 0.8, "beta_1": 0.8, "alpha": 0.1, "clip_norm": 0.3}
    of_numpy = {name: np.float64(value) for name, value in rates.items()}
    ours, numpys = (
        ScratchMLPClassifier(5, solver=solver, max_iter=5, random_state=0, **params).fit(X.astype(np.float32), Y)
        for params in (rates, of_numpy)
    )
    np.testing.assert_array_equal(ours.params_, numpys.params_)


class ShiftedSquaredError(SquaredError):
    """Less a constant, as a likelihood may leave its own out: it can be negative."""

    def __init__(self, constant, link="identity"):
        super().__init__(link)
        self.constant = constant

    def value_and_grad(self, y, raw, sample_weight):
        value, d_raw = super().value_and_grad(y, raw, sample_weight)
        return value - self.constant * len(y), d_raw


def test_a_loss_that_begins_below_zero_may_rise_above_it():
    settings = {"hidden_layer_sizes": 5, "solver": "gd", "learning_rate_init": 0.3, "max_iter": 20, "random_state": 0}
    plain = ScratchMLPRegressor(**settings).fit(X, Y)
    assert max(plain.loss_curve_) > 1.1 * plain.loss_curve_[0]
    shifted = ScratchMLPRegressor(ShiftedSquaredError(1.01 * plain.loss_curve_[0]), **settings).fit(X, Y)
    assert shifted.loss_curve_[0] < 0 < max(shifted.loss_curve_)
    np.testing.assert_allclose(shifted.params_, plain.params_, rtol=1e-9, atol=1e-12)


def test_cosine_spans_as_many_calls_of_partial_fit():
    model = ScratchMLPClassifier(5, learning_rate="cosine", max_iter=10, random_state=0)
    for _ in range(10):
        model.partial_fit(X, Y, classes=np.unique(Y))
    whole = ScratchMLPClassifier(5, learning_rate="cosine", max_iter=10, tol=0, random_state=0).fit(X, Y)
    assert model.history_["learning_rate"] == whole.history_["learning_rate"]
    with pytest.warns(UserWarning, match=r"'cosine' is 0 after max_iter=10 epochs") as caught:
        model.partial_fit(X, Y)
    assert caught[0].filename == __file__


def test_layer_normalization_of_one_unit_is_refused():
    with pytest.raises(ValueError, match=r"normalization='layer' makes a constant .* hidden_layer_sizes=\(5, 1\)"):
        ScratchMLPClassifier((5, 1), normalization="layer").fit(X, Y)


def test_sparse_targets_of_a_regressor_are_refused():
    with pytest.raises(ValueError, match=r"^y is a sparse matrix: pass y\.toarray\(\)"):
        ScratchMLPRegressor().fit(X, sparse.csr_matrix(np.c_[Y, Y]))


@pytest.mark.parametrize("dtype", ["string", "category", object])
def test_a_missing_label_of_pandas_is_named(dtype):
    pd = pytest.importorskip("pandas")
    labels = pd.Series(["a", None if dtype is object else np.nan, *["a", "b"] * (len(X) // 2)][: len(X)], dtype=dtype)
    with pytest.raises(ValueError, match=r"^y contains None, NA or NaN"):
        ScratchMLPClassifier().fit(X, labels)


class OwnLink(SquaredError):
    """A subclass that makes probabilities in its own way."""

    def inverse_link(self, raw):
        return expit(raw)


def test_a_subclass_may_bring_its_own_probabilities():
    clf = ScratchMLPClassifier(5, loss=OwnLink(), max_iter=3, random_state=0).fit(X, Y)
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


def test_a_batch_larger_than_the_data_is_warned_of_at_the_users_line():
    with pytest.warns(UserWarning, match=rf"^batch_size={len(X) + 1} is larger than the {len(X)} training") as caught:
        ScratchMLPClassifier(5, batch_size=len(X) + 1, max_iter=3, random_state=0).fit(X, Y)
    assert caught[0].filename == __file__


def test_class_weights_of_labels_are_a_list():
    targets = np.c_[Y, 1 - Y]
    weights = [{0: 1, 1: 3}, {0: 2, 1: 1}]
    rows = np.where(Y == 1, 3, 1) * np.where(1 - Y == 1, 1, 2)
    settings = {"hidden_layer_sizes": 5, "max_iter": 5, "random_state": 0}
    weighted = ScratchMLPClassifier(class_weight=weights, **settings).fit(X, targets)
    same = ScratchMLPClassifier(**settings).fit(X, targets, sample_weight=rows)
    np.testing.assert_allclose(weighted.params_, same.params_, rtol=1e-12)
    for bad, y in (({0: 1, 1: 3}, targets), (weights, Y)):
        with pytest.raises(ValueError, match=r"^class_weight=.* must be a .*dict.* for this y"):
            ScratchMLPClassifier(class_weight=bad, **settings).fit(X, y)


@pytest.mark.parametrize("scoring", ["neg_max_error", "r2"])
def test_a_scorer_that_takes_no_weights_gets_none(scoring):
    model = ScratchMLPRegressor(hidden_layer_sizes=5, scoring=scoring, early_stopping=True, max_iter=5, random_state=0)
    assert math.isfinite(model.fit(X, Y, sample_weight=np.ones(len(X))).best_validation_score_)

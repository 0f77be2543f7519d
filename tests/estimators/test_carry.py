"""Calls of partial_fit and warm starts: they go on from what is there, count as one run, and cost no more each time."""

import copy
import pickle
import re
import struct
import subprocess
import sys
import tracemalloc

import joblib
import numpy as np
import pytest
from problems import (
    DESCENDING,
    LABELS_SET,
    PEER_IS_KNOWN,
    ROOT,
    SHORT,
    TARGET_SET,
    X_FEW,
    X_LINEAR,
    X_NOISY,
    X_SET,
    XR,
    Y_FEW,
    Y_LINEAR,
    Y_NOISY,
    YR,
    SpyScoring,
    each_descending_solver,
    each_of_ours,
    each_solver,
    fitted,
    spy_solver,
    trained,
)
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.schedules import Adaptive, Cosine, StepDecay
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings(
        "ignore:(Stochastic Optimizer|solver=|lbfgs failed):sklearn.exceptions.ConvergenceWarning"
    ),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


# Costs


def events(call):
    """How many lines and calls Python executes, those of C included."""
    counts = [0]

    def trace(frame, event, arg):
        counts[0] += 1
        return trace

    def profile(frame, event, arg):
        counts[0] += 1

    before = sys.gettrace(), sys.getprofile()
    sys.settrace(trace)
    sys.setprofile(profile)
    try:
        call()
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return counts[0]


def allocated(call, choose):
    """Bytes at the highest point above the start: the least or the most of a few calls, since a list grows in leaps."""
    peaks = []
    tracemalloc.start()
    try:
        for _ in range(4):
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            call()
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    return choose(peaks)


WARM = {"warm_start": True, "max_iter": 1}
PARTIAL = {
    "plain": {},
    "adaptive": {"learning_rate": "adaptive"},
    "invscaling": {"learning_rate": "invscaling"},
    "full batch": {"solver": "gd"},
    "batch normalization": {"normalization": "batch"},
}
WARM_STARTS = {
    "plain": WARM,
    "adaptive": WARM | {"learning_rate": "adaptive"},
    "stopped early": WARM | {"early_stopping": True},
    "scipy": WARM | {"solver": "lbfgs"},
    "solver object": {"warm_start": True, "solver": GradientDescent("adam", max_iter=1)},
}
WAYS = [("partial_fit", name, params) for name, params in PARTIAL.items()]
WAYS += [("fit", name, params) for name, params in WARM_STARTS.items()]


@pytest.mark.parametrize("method, name, params", WAYS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_call_costs_the_same_after_many_calls(method, name, params):
    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), random_state=0, **params)

    def call():
        getattr(model, method)(X_FEW, Y_FEW)

    for _ in range(10):
        call()
    few = events(call), allocated(call, max)
    for _ in range(300):
        call()
    many = events(call), allocated(call, min)
    assert many[0] <= 1.1 * few[0]
    assert many[1] <= few[1] + 8000  # a copy of eight columns takes 19 200 more


def test_an_epoch_of_adaptive_costs_the_same_after_many_epochs():
    """The memory of an epoch in the middle of one long fit."""
    peaks = []

    class Measured(Adaptive):
        def __call__(self, epoch, losses):
            if epoch in (100, 1000):
                tracemalloc.start()
                rate = super().__call__(epoch, losses)
                peaks.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
                return rate
            return super().__call__(epoch, losses)

    model = ScratchMLPRegressor(hidden_layer_sizes=(2,), solver="gd", learning_rate=Measured(1e-3, 0.0, 10**6))
    model.set_params(max_iter=1002, n_iter_no_change=10**6).fit(X_FEW, Y_FEW)
    assert peaks[1] <= peaks[0] + 1000


# Pickles


@pytest.mark.parametrize("params", [{}, {"solver": "gd"}, {"warm_start": True}, {"early_stopping": True}], ids=str)
@each_of_ours
def test_a_pickle_grows_by_at_most_sixty_bytes_an_epoch(estimator, params):
    model = trained(600, estimator, **params)
    size = len(pickle.dumps(model))
    vectors = 3 if "warm_start" in params else 1
    assert size <= vectors * 1.2 * model.params_.nbytes + 16 * 1024 + 60 * 600
    short = len(pickle.dumps(trained(100, estimator, **params)))
    assert size - short <= 60 * 500 + 100


@each_of_ours
def test_a_pickle_grows_by_at_most_sixty_bytes_a_call_of_partial_fit(estimator):
    model = estimator(hidden_layer_sizes=(2,), random_state=0)
    more = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    sizes = []
    for _ in range(2):
        for _ in range(100):
            model.partial_fit(X_FEW, Y_FEW, **more)
        sizes.append(len(pickle.dumps(model)))
    assert sizes[1] - sizes[0] <= 60 * 100 + 100
    assert sizes[1] <= 3 * 1.2 * model.params_.nbytes + 16 * 1024 + 60 * 200


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"batch_size": 5}, {"shuffle": False}], ids=str)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_pickle_does_not_grow_with_the_rows(method, params):
    if method == "partial_fit" and "early_stopping" in params:
        pytest.skip("partial_fit has no early stopping")
    sizes = []
    for repeats in (1, 200):
        data, y = np.tile(X_FEW, (repeats, 1)), np.tile(Y_FEW, repeats)
        model = ScratchMLPRegressor(hidden_layer_sizes=(2,), warm_start=True, max_iter=1, random_state=0, **params)
        sizes.append(len(pickle.dumps(getattr(model, method)(data, y))))
    assert abs(sizes[1] - sizes[0]) <= 300


# Counting


@pytest.mark.parametrize("solver", SOLVERS)
@each_of_ours
@pytest.mark.filterwarnings("ignore:n_iter_no_change")
def test_n_iter_counts_the_last_call_of_fit(estimator, solver):
    model = trained(3, estimator, warm_start=True, solver=solver)
    assert model.n_iter_ == 3
    assert model.set_params(max_iter=2).fit(X_FEW, Y_FEW).n_iter_ == 2
    assert len(model.loss_curve_) == 5
    assert model.history_["epoch"] == [1, 2, 3, 4, 5]
    assert {len(column) for column in model.history_.values()} == {5}
    if solver in DESCENDING:
        assert model.t_ == 5 * len(X_FEW)


@pytest.mark.parametrize("ours, peer", [(ScratchMLPClassifier, MLPClassifier), (ScratchMLPRegressor, MLPRegressor)])
def test_counts_as_the_peers(ours, peer):
    counts = []
    for estimator in (ours, peer):
        model = estimator(hidden_layer_sizes=(2,), warm_start=True, max_iter=4, tol=0.0, random_state=0)
        classes = {"classes": [0, 1]} if "Classifier" in estimator.__name__ else {}
        found = []
        for call in (
            lambda model, classes: model.partial_fit(X_FEW, Y_FEW, **classes),
            lambda model, classes: model.partial_fit(X_FEW, Y_FEW, **classes),
            lambda model, classes: model.fit(X_FEW, Y_FEW),
            lambda model, classes: model.partial_fit(X_FEW, Y_FEW),
            lambda model, classes: model.fit(X_FEW, Y_FEW),
        ):
            call(model, classes)
            found.append((model.n_iter_, model.t_, len(model.loss_curve_)))
        counts.append(found)
    assert counts[0] == counts[1]


STILL_SOLVERS = {
    "adam": {"solver": "adam", "learning_rate_init": 1e-12},
    "sgd": {"solver": "sgd", "learning_rate_init": 1e-12},
    "gd": {"solver": "gd", "learning_rate_init": 1e-12},
    "object": {"solver": GradientDescent("adam", 1e-12, max_iter=2)},
}
CHANGES_OF_NETWORK = {
    "early stopping": {"early_stopping": True},
    "batch normalization": {"normalization": "batch"},
    "layer normalization": {"normalization": "layer"},
    "dropout": {"dropout": 0.2},
    "plain": {},
}


def again(model):
    return model.fit(X_SET, LABELS_SET if hasattr(model, "classes_") else TARGET_SET)


# Going on from what is visible


EDITS = {
    "entries": lambda model: model.coefs_[0].__setitem__(slice(None), 7.0),
    "items": lambda model: model.coefs_.__setitem__(0, np.full((3, 4), 7.0)),
    "all": lambda model: setattr(model, "coefs_", [np.full((3, 4), 7.0), *model.coefs_[1:]]),
    "flat vector": lambda model: setattr(model, "params_", np.r_[np.full(12, 7.0), model.params_[12:]]),
    "flat entries": lambda model: model.params_.__setitem__(slice(12), 7.0),
}


@pytest.mark.parametrize(
    "estimator, solver, change",
    [
        *[(ScratchMLPClassifier, "adam", change) for change in CHANGES_OF_NETWORK],
        *[(ScratchMLPRegressor, solver, "early stopping") for solver in STILL_SOLVERS],
        (ScratchMLPRegressor, "sgd", "plain"),
    ],
)
@pytest.mark.parametrize("edit", EDITS)
def test_a_warm_start_goes_on_from_the_weights_that_are_visible(estimator, edit, change, solver):
    model = fitted(estimator, warm_start=True, **STILL_SOLVERS[solver], **CHANGES_OF_NETWORK[change])
    EDITS[edit](model)
    again(model)
    np.testing.assert_allclose(model.coefs_[0], 7, atol=1e-6)


@each_of_ours
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("normalization", [None, "batch"])
def test_partial_fit_goes_on_from_the_weights_that_are_visible(estimator, edit, normalization):
    model = estimator(hidden_layer_sizes=(4,), learning_rate_init=1e-12, normalization=normalization, random_state=0)
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    y = LABELS_SET if classes else TARGET_SET
    model.partial_fit(X_SET, y, **classes)
    EDITS[edit](model)
    model.partial_fit(X_SET, y)
    np.testing.assert_allclose(model.coefs_[0], 7, atol=1e-6)


@each_of_ours
@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B"])
def test_a_scipy_method_starts_from_the_weights_that_are_visible(estimator, method):
    model = fitted(estimator, warm_start=True, solver=ScipyMinimize(method, max_iter=1), early_stopping=True)
    model.params_ = np.zeros_like(model.params_)
    seen = []

    class Spy(ScipyMinimize):
        def minimize(self, objective, params, **kwargs):
            seen.append(params.copy())
            return super().minimize(objective, params, **kwargs)

    again(model.set_params(solver=Spy(method, max_iter=1)))
    assert not seen[0].any()


@each_of_ours
@pytest.mark.parametrize("way", ["pickle", "joblib", "deepcopy"])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_copy_goes_on_from_the_weights_that_were_set(estimator, way, early_stopping, tmp_path):
    model = fitted(estimator, warm_start=True, learning_rate_init=1e-12, early_stopping=early_stopping)
    model.coefs_[0][:] = 7.0
    if way == "joblib":
        joblib.dump(model, tmp_path / "model")
    model = {
        "pickle": lambda: pickle.loads(pickle.dumps(model)),
        "joblib": lambda: joblib.load(tmp_path / "model"),
        "deepcopy": lambda: copy.deepcopy(model),
    }[way]()
    np.testing.assert_array_equal(model.coefs_[0], 7)
    np.testing.assert_allclose(again(model).coefs_[0], 7, atol=1e-6)
    model.coefs_[0][:] = 3.0  # and the copy can be set again
    np.testing.assert_allclose(again(model).coefs_[0], 3, atol=1e-6)


@each_of_ours
def test_an_untouched_warm_start_with_early_stopping_goes_on_from_the_last_weights(estimator):
    """Not from the best ones, so that 5 + 5 epochs are 10."""
    settings = {"early_stopping": True, "learning_rate_init": 0.05, "n_iter_no_change": 50}
    halves = again(fitted(estimator, warm_start=True, max_iter=5, **settings))
    whole = fitted(estimator, warm_start=True, max_iter=10, **settings)
    np.testing.assert_array_equal(halves.loss_curve_, whole.loss_curve_)


class Pruned(ScratchMLPRegressor):
    """A subclass that sets small weights to zero after each fit."""

    def fit(self, X, y, **kwargs):
        super().fit(X, y, **kwargs)
        for W in self.coefs_:
            W[np.abs(W) < 0.3] = 0
        self.coefs_ = [np.round(W, 1) for W in self.coefs_]
        return self


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_subclass_that_prunes_in_fit(early_stopping):
    settings = {"early_stopping": early_stopping, "learning_rate_init": 1e-12, "warm_start": True, "max_iter": 2}
    model = Pruned(hidden_layer_sizes=(4,), random_state=0, **settings).fit(X_SET, TARGET_SET)
    first = [W.copy() for W in model.coefs_]
    assert any((W == 0).any() for W in first)
    model.fit(X_SET, TARGET_SET)
    for W, expected in zip(model.coefs_, first, strict=True):
        np.testing.assert_array_equal(W, expected)


@each_of_ours
def test_a_weight_set_in_one_model_is_in_no_other(estimator):
    model = fitted(estimator, warm_start=True)
    other = copy.copy(model)
    unfitted = clone(model)
    expected = model.coefs_[0].copy()
    again(other)
    np.testing.assert_array_equal(model.coefs_[0], expected)
    assert not hasattr(unfitted, "coefs_")


def set_of_rows(X):
    return {row.tobytes() for row in X}


# A warm start counts anew, and keeps the validation rows apart.


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_warm_start_counts_epochs_without_improvement_anew(early_stopping):
    # Nothing improves by tol: the first epoch counts as one that does, then there are n + 1 that do not.
    params = {"tol": 1e6, "n_iter_no_change": 3, "early_stopping": early_stopping, "random_state": 0}
    ours = ScratchMLPClassifier(warm_start=True, **params)
    assert [ours.fit(X_NOISY, Y_NOISY).n_iter_ for _ in range(3)] == [5, 5, 5]
    if PEER_IS_KNOWN:
        peer = MLPClassifier(warm_start=True, **params)
        assert [peer.fit(X_NOISY, Y_NOISY).n_iter_ for _ in range(3)] == [5, 1, 1]


def test_a_warm_start_does_not_remember_an_earlier_best_score():
    params = {"max_iter": 30, "n_iter_no_change": 100, "early_stopping": True, "learning_rate_init": 0.01}
    ours = ScratchMLPClassifier(warm_start=True, random_state=0, **params).fit(X_NOISY, Y_NOISY)
    first = ours.best_validation_score_
    noise = np.random.RandomState(0).permutation(Y_NOISY)
    ours.set_params(max_iter=1).fit(X_NOISY, noise)
    assert ours.best_validation_score_ == ours.validation_scores_[-1] < first
    if PEER_IS_KNOWN:
        peer = (
            MLPClassifier(warm_start=True, random_state=0, **params)
            .fit(X_NOISY, Y_NOISY)
            .set_params(max_iter=1)
            .fit(X_NOISY, noise)
        )
        assert peer.best_validation_score_ == first > peer.validation_scores_[-1]


@pytest.mark.parametrize("random_state", [0, None, np.random.RandomState(0)], ids=["int", "None", "instance"])
@pytest.mark.parametrize("through_pickle", [False, True])
def test_validation_rows_are_never_trained_on_across_warm_starts(random_state, through_pickle):
    clf = ScratchMLPClassifier(
        5,
        solver=spy_solver(batch_size=32, max_iter=2),
        scoring=SpyScoring(),
        early_stopping=True,
        warm_start=True,
        random_state=random_state,
    )
    trained, validated = [], []
    for _ in range(4):
        clf.fit(X_NOISY, Y_NOISY)
        trained.append(set_of_rows(clf.solver.objectives[-1].X))
        validated.append(set_of_rows(clf.scoring.rows[-1]))
        if through_pickle:
            clf = pickle.loads(pickle.dumps(clf))
    assert len(trained[0]) == 108
    assert len(validated[0]) == 12
    assert set.union(*trained).isdisjoint(set.union(*validated))


def test_the_peer_trains_on_its_validation_rows():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    # The first split is drawn after the initial weights, that of a warm start with the same seed before anything else.
    peer = MLPClassifier(5, early_stopping=True, warm_start=True, max_iter=1, random_state=0)
    rng = np.random.RandomState(0)
    rng.uniform(size=(6 + 1) * 5 + 5 + 1)
    held = []
    for draws in (rng, np.random.RandomState(0)):
        held.append(train_test_split(np.arange(120), test_size=0.1, stratify=Y_NOISY, random_state=draws)[1])
        peer.fit(X_NOISY, Y_NOISY)
        assert peer.score(X_NOISY[held[-1]], Y_NOISY[held[-1]]) == peer.validation_scores_[-1]
    assert set(held[0]) != set(held[1])


# A pickle holds the weights and little else.


def arrays_in(value, seen=None):
    """Every array that is reachable from a value."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item, seen)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from arrays_in(item, seen)
    elif hasattr(value, "__dict__"):
        yield from arrays_in(vars(value), seen)


@pytest.mark.parametrize("estimator_class", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"hidden_layer_sizes": (300, 300)}], ids=str)
@each_solver
def test_a_pickle_is_at_most_a_fifth_larger_than_the_weights(estimator_class, params, solver):
    narrow = {"hidden_layer_sizes": 20} if solver == "bfgs" else {}
    max_iter = 3 if "hidden_layer_sizes" in params else 200
    model = estimator_class(solver=solver, random_state=0, tol=0, **{**params, **narrow, "max_iter": max_iter})
    model.fit(X_NOISY, Y_NOISY)
    assert len(pickle.dumps(model)) <= 1.2 * model.params_.nbytes + 16 * 1024


def test_the_pickle_of_the_peer_is_four_times_the_weights():
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    peer = MLPClassifier((300, 300), max_iter=3).fit(X_NOISY, Y_NOISY)
    assert len(pickle.dumps(peer)) > 3.5 * sum(W.nbytes for W in peer.coefs_)


@pytest.mark.parametrize("solver", [*SOLVERS, GradientDescent("adam", max_iter=5), ScipyMinimize("CG")], ids=str)
@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"warm_start": True}], ids=str)
def test_no_training_data_and_no_optimizer_state_are_kept(solver, params):
    data = X_NOISY.copy()
    data[5, 3] = 1.23456789
    targets = Y_NOISY.astype(float)
    targets[5] = 0.987654321
    model = ScratchMLPRegressor("squared_error", 50, solver=solver, max_iter=5, random_state=0, **params)
    model.fit(data, targets)
    pickled = pickle.dumps(model)
    for secret in (1.23456789, 0.987654321):
        assert struct.pack("<d", secret) not in pickled
        assert struct.pack(">d", secret) not in pickled
    sizes = [array.size for array in arrays_in(vars(model))]
    assert model.params_.size in sizes
    if "warm_start" not in params:  # which needs the optimizer's state
        assert sum(sizes) - model.params_.size < 120


def test_the_state_goes_when_warm_start_does():
    model = ScratchMLPClassifier((100, 100), max_iter=2, warm_start=True, random_state=0).fit(X_NOISY, Y_NOISY)
    warm = len(pickle.dumps(model))
    cold = len(pickle.dumps(model.set_params(warm_start=False).fit(X_NOISY, Y_NOISY)))
    assert warm > 3 * model.params_.nbytes
    assert cold < 1.2 * model.params_.nbytes + 16 * 1024


# A warm start goes on: 5 + 5 epochs are 10.


NEVER_STOP = {"tol": 0, "n_iter_no_change": np.inf, "batch_size": 32}
RESUMED_VARIANTS = {
    "plain": {},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "batch normalization": {"normalization": "batch"},
    "invscaling": {"learning_rate": "invscaling"},
    "adaptive": {"learning_rate": "adaptive", "tol": 0.05, "n_iter_no_change": 1},
    "time decay": {"learning_rate": "time_decay", "decay": 0.5},
    "exponential": {"learning_rate": "exponential", "decay": 0.1},
    # By name these two follow the max_iter of each fit; as objects they have a span of their own.
    "step": {"learning_rate": StepDecay(0.01, decay=0.5, every=3)},
    "cosine": {"learning_rate": Cosine(0.01, max_iter=12, warm_up=2)},
}
GO_ON = """
import pickle, sys, warnings
from threadpoolctl import threadpool_limits

with open(sys.argv[1], "rb") as file:
    models, X, Y = pickle.load(file)
warnings.simplefilter("ignore")
with threadpool_limits(1, user_api="blas"):
    for model in models.values():
        model.fit(X, Y)
with open(sys.argv[2], "wb") as file:
    pickle.dump(models, file)
"""


def resumable(solver, variant, **params):
    return ScratchMLPClassifier(
        8, solver=solver, warm_start=True, **{"random_state": 0, **NEVER_STOP, **RESUMED_VARIANTS[variant], **params}
    )


RESUMED = [(solver, variant) for solver in DESCENDING for variant in RESUMED_VARIANTS]
each_resumed = pytest.mark.parametrize("case", RESUMED, ids=lambda case: " ".join(case))


@pytest.fixture(scope="module")
def continued_elsewhere(tmp_path_factory):
    """Every case after 5 epochs here, a pickle, and 5 epochs in another process."""
    folder = tmp_path_factory.mktemp("pickles")
    with pytest.warns(ConvergenceWarning):
        models = {case: resumable(*case, max_iter=5).fit(X_NOISY, Y_NOISY) for case in RESUMED}
    (folder / "before").write_bytes(pickle.dumps((models, X_NOISY, Y_NOISY)))
    command = [sys.executable, "-c", GO_ON, str(folder / "before"), str(folder / "after")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    return pickle.loads((folder / "after").read_bytes())


def assert_same_run(model, uninterrupted):
    assert model.t_ == uninterrupted.t_
    assert model.loss_curve_ == uninterrupted.loss_curve_
    assert model.validation_scores_ == uninterrupted.validation_scores_
    for column in ("epoch", "learning_rate", "grad_norm", "loss"):
        assert model.history_[column] == uninterrupted.history_[column]
    assert len(model.history_["seconds"]) == len(model.loss_curve_)
    seconds = [value for value in model.history_["seconds"] if not np.isnan(value)]  # a pickle leaves them out
    assert (np.diff(seconds) >= 0).all()
    if model.early_stopping and np.argmax(uninterrupted.validation_scores_) < 5:
        return  # the best weights are those of one fit
    np.testing.assert_array_equal(model.params_, uninterrupted.params_)


@each_resumed
def test_five_and_five_epochs_are_ten_in_another_process(case, continued_elsewhere):
    assert_same_run(continued_elsewhere[case], resumable(*case, max_iter=10).fit(X_NOISY, Y_NOISY))


@each_resumed
def test_five_and_five_epochs_are_ten(case):
    model = resumable(*case, max_iter=5).fit(X_NOISY, Y_NOISY)
    assert_same_run(model.fit(X_NOISY, Y_NOISY), resumable(*case, max_iter=10).fit(X_NOISY, Y_NOISY))


@each_descending_solver
def test_any_division_of_the_epochs_gives_the_same_weights(solver):
    model = resumable(solver, "dropout")
    for n_epochs in (1, 4, 2, 3):
        model.set_params(max_iter=n_epochs).fit(X_NOISY, Y_NOISY)
    assert_same_run(model, resumable(solver, "dropout", max_iter=10).fit(X_NOISY, Y_NOISY))


def test_a_solver_object_goes_on_too():
    def model(n_epochs):
        solver = GradientDescent("adam", learning_rate=0.01, batch_size=32, max_iter=n_epochs)
        return ScratchMLPClassifier(8, solver=solver, warm_start=True, random_state=0)

    assert_same_run(model(5).fit(X_NOISY, Y_NOISY).fit(X_NOISY, Y_NOISY), model(10).fit(X_NOISY, Y_NOISY))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_regressor_goes_on_too(dtype):
    def model(n_epochs):
        return ScratchMLPRegressor(
            hidden_layer_sizes=8, warm_start=True, max_iter=n_epochs, random_state=0, **NEVER_STOP
        )

    data = X_LINEAR.astype(dtype)
    assert_same_run(model(5).fit(data, Y_LINEAR).fit(data, Y_LINEAR), model(10).fit(data, Y_LINEAR))


def test_a_random_state_instance_goes_on_by_itself():
    def model(n_epochs):
        return resumable("adam", "dropout", max_iter=n_epochs, random_state=np.random.RandomState(3))

    assert_same_run(model(5).fit(X_NOISY, Y_NOISY).fit(X_NOISY, Y_NOISY), model(10).fit(X_NOISY, Y_NOISY))


def test_without_warm_start_a_refit_starts_afresh():
    model = ScratchMLPClassifier(8, max_iter=5, random_state=0).fit(X_NOISY, Y_NOISY)
    first = model.params_
    np.testing.assert_array_equal(model.fit(X_NOISY, Y_NOISY).params_, first)
    assert len(model.loss_curve_) == 5


@each_descending_solver
@pytest.mark.parametrize("variant", ["plain", "dropout", "batch normalization", "invscaling", "time decay"])
def test_partial_fit_in_a_loop_equals_fit(solver, variant):
    model = resumable(solver, variant).set_params(warm_start=False)
    for i in range(10):
        model.partial_fit(X_NOISY, Y_NOISY, classes=[0, 1] if i == 0 else None)
        if i == 4:
            model = pickle.loads(pickle.dumps(model))
    whole = resumable(solver, variant, max_iter=10).fit(X_NOISY, Y_NOISY)
    if model.normalization:  # partial_fit averages the statistics of all the rows it has seen, at the weights of then
        trained = slice(0, whole.params_.size - 2 * 8)
        np.testing.assert_array_equal(model.params_[trained], whole.params_[trained])
    else:
        assert_same_run(model, whole)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_five_and_five_epochs_of_the_peer_are_not_ten(solver):
    if not PEER_IS_KNOWN:
        pytest.skip("a later scikit-learn than the one that was seen")
    params = {"solver": solver, "warm_start": True, "batch_size": 32, "n_iter_no_change": 100, "random_state": 0}
    divided = MLPClassifier(8, max_iter=5, **params).fit(X_NOISY, Y_NOISY).fit(X_NOISY, Y_NOISY)
    whole = MLPClassifier(8, max_iter=10, **params).fit(X_NOISY, Y_NOISY)
    assert not np.allclose(divided.coefs_[0], whole.coefs_[0], rtol=1e-6)


def test_what_an_epoch_is_stands_in_the_documentation():
    for estimator_class in (ScratchMLPClassifier, GradientDescent):
        assert re.search(r"[Ee]poch.* is (a|one) pass over the", estimator_class.__doc__)


# Kinds of input.


def test_a_warm_start_keeps_its_precision():
    reg = ScratchMLPRegressor(warm_start=True, **SHORT).fit(XR.astype(np.float32), YR)
    assert reg.fit(XR, YR).params_.dtype == np.float32

"""Pickles: equal for equal fits, free of random generators, and readable by a later version."""

import copy
import pickle
import pickletools
import warnings

import joblib
import numpy as np
import pytest
from sklearn.base import clone

import skmlp_scratch
from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.losses import Huber
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.schedules import Cosine
from skmlp_scratch.solvers import GradientDescent, ScipyMinimize

# A few epochs make a model.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
X = np.random.RandomState(0).standard_normal((30, 3))
Y = (X[:, 0] > 0).astype(int)
KINDS = {
    "plain": {},
    "warm start": {"warm_start": True},
    "warm start, stopped early": {"warm_start": True, "early_stopping": True},
    "warm start, full batch": {"warm_start": True, "solver": "gd"},
    "warm start, scipy": {"warm_start": True, "solver": "lbfgs"},
    "warm start, dropout": {"warm_start": True, "dropout": 0.3},
    "warm start, batch normalization": {"warm_start": True, "normalization": "batch"},
    "solver object": {"warm_start": True, "solver": GradientDescent("adam", Cosine(0.01), 7, max_iter=3)},
}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_estimator = pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])


def made(estimator, kind, **params):
    params = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0} | KINDS[kind] | params
    if not isinstance(params.get("solver", ""), str):
        del params["max_iter"]
    return estimator(**params)


def fed(estimator, **params):
    classes = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    return estimator(hidden_layer_sizes=(3,), random_state=0, **params).partial_fit(X, Y, **classes)


def globals_of(pickled):
    """Every module and name that a pickle asks for, as one text each."""
    strings, found = [], []
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "GLOBAL":
            found.append(argument)
        elif opcode.name == "STACK_GLOBAL":
            found.append(" ".join(strings[-2:]))
        elif isinstance(argument, str):
            strings.append(argument)
    return found


# Equal fits


@each_kind
@each_estimator
def test_equal_fits_are_equal_pickles(estimator, kind):
    """For caches and checksums; the clock is in no pickle."""
    one, other = (pickle.dumps(made(estimator, kind).fit(X, Y)) for _ in range(2))
    assert one == other
    assert joblib.hash(made(estimator, kind).fit(X, Y)) == joblib.hash(made(estimator, kind).fit(X, Y))


@each_estimator
def test_equal_runs_of_partial_fit_are_equal_pickles(estimator):
    one, other = (pickle.dumps(fed(estimator).partial_fit(X, Y)) for _ in range(2))
    assert one == other


@each_kind
def test_a_pickle_of_a_pickle_is_the_same(kind):
    once = pickle.dumps(made(ScratchMLPClassifier, kind).fit(X, Y))
    assert pickle.dumps(pickle.loads(once)) == pickle.dumps(pickle.loads(pickle.dumps(pickle.loads(once))))


@each_estimator
def test_the_history_is_whole_after_a_pickle(estimator):
    model = made(estimator, "warm start").fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    assert again.history_.keys() == model.history_.keys()
    for name, column in model.history_.items():
        assert len(again.history_[name]) == len(column)
        if name != "seconds":
            np.testing.assert_array_equal(again.history_[name], column)
    assert again.loss_curve_ == model.loss_curve_
    again.fit(X, Y)
    assert {len(column) for column in again.history_.values()} == {6}


# No generators


@each_kind
@each_estimator
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_no_random_generator_is_in_a_pickle(estimator, kind, protocol):
    """An older numpy could not load one of a newer."""
    pickled = pickle.dumps(made(estimator, kind).fit(X, Y), protocol)
    assert [name for name in globals_of(pickled) if "random" in name] == []


@each_estimator
def test_no_random_generator_is_in_a_pickle_after_partial_fit(estimator):
    assert [name for name in globals_of(pickle.dumps(fed(estimator))) if "random" in name] == []


@each_kind
@each_estimator
@pytest.mark.parametrize("random_state", [0, None, "generator"])
def test_a_copy_goes_on_as_the_original(estimator, kind, random_state):
    state = np.random.RandomState(3) if random_state == "generator" else random_state
    model = made(estimator, kind, random_state=state).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    if random_state is None:
        np.random.seed(5)  # noqa: NPY002  # the state that None means
    model.fit(X, Y)
    if random_state is None:
        np.random.seed(5)  # noqa: NPY002
    again.fit(X, Y)
    np.testing.assert_array_equal(again.params_, model.params_)


@each_estimator
@pytest.mark.parametrize("way", ["pickle", "deepcopy", "joblib"])
def test_partial_fit_goes_on_bit_for_bit(estimator, way, tmp_path):
    model = fed(estimator, batch_size=7, dropout=0.2).partial_fit(X, Y)
    joblib.dump(model, tmp_path / "model")
    again = {
        "pickle": lambda: pickle.loads(pickle.dumps(model)),
        "deepcopy": lambda: copy.deepcopy(model),
        "joblib": lambda: joblib.load(tmp_path / "model"),
    }[way]()
    for _ in range(3):
        np.testing.assert_array_equal(again.partial_fit(X, Y).params_, model.partial_fit(X, Y).params_)


@each_estimator
def test_the_plain_arrays_of_a_state_are_the_models_own(estimator):
    """Going on from a copy leaves the original as it was."""
    model = made(estimator, "warm start").fit(X, Y)
    params = model.params_.copy()
    copy.copy(model).fit(X, Y)
    np.testing.assert_array_equal(model.params_, params)
    np.testing.assert_array_equal(model.fit(X, Y).params_, made(estimator, "warm start").fit(X, Y).fit(X, Y).params_)


# Versions

VERSION = skmlp_scratch.__version__.encode()
OTHER_VERSION = VERSION[:-1] + (b"1" if VERSION[-1:] != b"1" else b"2")


@each_estimator
@pytest.mark.parametrize("fit", [True, False], ids=["fitted", "unfitted"])
def test_a_pickle_of_another_version_is_warned_of(estimator, fit):
    model = made(estimator, "plain")
    pickled = pickle.dumps(model.fit(X, Y) if fit else model)
    assert pickled.count(VERSION) == 1
    with pytest.warns(UserWarning, match=estimator.__name__) as caught:
        pickle.loads(pickled.replace(VERSION, OTHER_VERSION))
    assert len(caught) == 1
    assert OTHER_VERSION.decode() in str(caught[0].message)
    assert VERSION.decode() in str(caught[0].message)


@each_estimator
def test_a_pickle_of_this_version_is_not_warned_of(estimator):
    pickled = pickle.dumps(made(estimator, "plain").fit(X, Y))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = pickle.loads(pickled)
        assert pickle.dumps(again) == pickle.dumps(pickle.loads(pickled))
        copy.deepcopy(again)
        clone(again)
    assert VERSION.decode() not in repr(vars(again))  # it is of the pickle, not of the model


@each_estimator
@pytest.mark.parametrize("fit", [True, False], ids=["fitted", "unfitted"])
def test_a_state_that_lacks_a_newer_parameter_works_with_its_default(estimator, fit):
    model = made(estimator, "warm start")
    if fit:
        model.fit(X, Y)
    for name in ("clip_norm", "input_dropout", "scoring"):
        del model.__dict__[name]  # as if it had not been there
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        again = pickle.loads(pickle.dumps(model))
    assert again.get_params()["clip_norm"] is None
    assert again.input_dropout == 0.0
    assert estimator.__name__ in repr(again)
    assert clone(again).scoring is None
    if fit:
        expected = made(estimator, "warm start").fit(X, Y)
        np.testing.assert_array_equal(again.predict(X), expected.predict(X))
        np.testing.assert_array_equal(again.fit(X, Y).params_, expected.fit(X, Y).params_)
    else:
        again.fit(X, Y)


@each_estimator
def test_a_state_without_a_version_is_taken(estimator):
    model = made(estimator, "plain").fit(X, Y)
    state = {name: value for name, value in model.__getstate__().items() if "version" not in name}
    again = estimator.__new__(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        again.__setstate__(state)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "thing, name",
    [
        (GradientDescent("adam"), "clip_norm"),
        (ScipyMinimize("CG"), "options"),
        (Adam(0.8), "epsilon"),
        (Cosine(0.1), "warm_up"),
        (Huber(2.0), "link"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_object_of_an_older_version_works_with_the_default_of_a_newer_parameter(thing, name):
    old = copy.copy(thing)
    del old.__dict__[name]
    again = pickle.loads(pickle.dumps(old))
    assert again.get_params(deep=False) == thing.get_params(deep=False)
    assert repr(again) == repr(thing)

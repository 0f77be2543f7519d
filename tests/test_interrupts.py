"""Ctrl-C at any moment: the model is as it was or as far as it came, whole in either case, and can go on.

A trace function raises KeyboardInterrupt at one line of the package after the other, as a signal would.
"""

import os
import sys
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_info

import skmlp_scratch
from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import GradientDescent

PACKAGE = os.path.dirname(skmlp_scratch.__file__)
X = np.random.RandomState(0).standard_normal((24, 3))
Y = (X[:, 0] > 0).astype(int)
MOMENTS = 16  # lines that are tried, of all that run


class Interrupt:
    """Raise KeyboardInterrupt at the given line event within the package; without one, count them."""

    def __init__(self, at=None):
        self.at, self.count = at, 0

    def __call__(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            self.count += 1
            if self.count == self.at:
                raise KeyboardInterrupt
        return self

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self)
        return self

    def __exit__(self, *error):
        sys.settrace(self.before)


def moments(call):
    """Line events spread over all of a call, as it runs when nothing is set up for the first time any more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        call()
        with Interrupt() as counter:
            call()
    return range(1, counter.count + 1, max(1, counter.count // MOMENTS))


def interrupted(call, at):
    """Whether the interrupt came through, and whether training said that it ended because of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with Interrupt(at) as interrupt:
                call()
        except KeyboardInterrupt:
            return True, False
    over = interrupt.count < at  # the number of lines differs a little from run to run
    return False, over or any("interrupted" in str(each.message) for each in caught)


def assert_whole(model):
    """Everything that fit sets fits together."""
    assert len({len(column) for column in model.history_.values()}) == 1
    assert len(model.loss_curve_) == len(model.history_["epoch"])
    assert model.history_["epoch"] == list(range(1, len(model.loss_curve_) + 1))
    assert 0 <= model.n_iter_ <= len(model.loss_curve_)
    assert np.isfinite(model.params_).all()
    assert np.isfinite(model.loss_)
    assert sum(array.size for array in [*model.coefs_, *model.intercepts_]) <= model.params_.size
    assert model.predict(X).shape == Y.shape
    assert model.hidden_activations(X).shape == (24, 3)


KINDS = {
    "minibatches": {"batch_size": 8},
    "full batch": {"solver": "gd"},
    "scipy": {"solver": "lbfgs"},
    "early stopping": {"early_stopping": True},
    "scipy, early stopping": {"solver": "bfgs", "early_stopping": True},
    "batch normalization": {"normalization": "batch"},
    "dropout and clipping": {"dropout": 0.2, "clip_norm": 0.1},
    "L1": {"alpha": 0.1, "l1_ratio": 0.5},
    "solver object": {"solver": GradientDescent("adam", max_iter=3)},
}


def made(kind, estimator=ScratchMLPClassifier, **params):
    params = {"hidden_layer_sizes": (3,), "max_iter": 3, "random_state": 0} | KINDS[kind] | params
    if not isinstance(params.get("solver", ""), str):
        del params["max_iter"]
    return estimator(**params)


@pytest.mark.parametrize("kind", KINDS)
def test_a_first_fit_leaves_nothing_or_a_whole_model(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = made(kind).fit(X, Y).params_
    for at in moments(lambda: made(kind).fit(X, Y)):
        model = made(kind)
        came_through, said = interrupted(lambda model=model: model.fit(X, Y), at)
        if came_through:
            if hasattr(model, "params_"):  # after the last line that counts
                assert_whole(model)
        else:
            assert said
            assert_whole(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.testing.assert_array_equal(model.fit(X, Y).params_, expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_refit_leaves_the_old_model_or_a_whole_new_one(kind):
    old = made(kind).fit(X, Y)
    labels = np.array(["no", "yes", "both"])[(X[:, 1] > 0).astype(int) + (X[:, 2] > 0)]
    for at in moments(lambda: made(kind).fit(X, Y).fit(X, labels)):
        model = made(kind).fit(X, Y)
        came_through, _ = interrupted(lambda model=model: model.fit(X, labels), at)
        assert_whole(model)
        assert set(model.predict(X)) <= set(model.classes_)
        if came_through and len(model.classes_) == 2:
            np.testing.assert_array_equal(model.params_, old.params_)
            assert model.history_["loss"] == old.history_["loss"]


@pytest.mark.parametrize("kind", ["minibatches", "full batch", "early stopping", "batch normalization"])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_goes_on_after_an_interrupt(kind, estimator):
    for at in moments(lambda: made(kind, estimator, warm_start=True).fit(X, Y)):
        model = made(kind, estimator, warm_start=True).fit(X, Y)
        interrupted(lambda model=model: model.fit(X, Y), at)
        assert_whole(model)
        done = len(model.loss_curve_)
        assert 3 <= done <= 6
        model.fit(X, Y)
        assert_whole(model)
        assert len(model.loss_curve_) == done + 3


@pytest.mark.parametrize("kind", ["minibatches", "full batch", "batch normalization"])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_partial_fit_goes_on_after_an_interrupt(kind, estimator):
    more = {"classes": [0, 1]} if estimator is ScratchMLPClassifier else {}
    for at in moments(lambda: made(kind, estimator).partial_fit(X, Y, **more)):
        model = made(kind, estimator).partial_fit(X, Y, **more)
        interrupted(lambda model=model: model.partial_fit(X, Y), at)
        assert_whole(model)
        done = len(model.loss_curve_)
        model.partial_fit(X, Y)
        assert_whole(model)
        assert len(model.loss_curve_) == done + 1


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_interrupt_while_a_failed_fit_is_undone_loses_nothing():
    """The bad rows are found at the end, by a loss that is not finite."""
    bad = X.copy()
    bad[-1] = 1e200
    old = made("full batch", ScratchMLPRegressor).fit(X, Y)

    def refit(model):
        with pytest.raises(ValueError, match="diverged"):
            model.fit(bad, Y)

    with warnings.catch_warnings(), Interrupt() as counter:
        warnings.simplefilter("ignore")
        refit(made("full batch", ScratchMLPRegressor).fit(X, Y))
    total = counter.count
    with warnings.catch_warnings(), Interrupt() as counter:
        warnings.simplefilter("ignore")
        made("full batch", ScratchMLPRegressor).fit(X, Y)
    length = total - counter.count  # of the second fit
    for at in [*range(1, length, max(1, length // MOMENTS)), *range(max(1, length - 20), length + 1)]:
        model = made("full batch", ScratchMLPRegressor).fit(X, Y)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with Interrupt(at):
                    model.fit(bad, Y)
            except (KeyboardInterrupt, ValueError):
                pass
            else:
                continue  # it ended in the first epoch, with the weights that it began with
        np.testing.assert_array_equal(model.params_, old.params_)
        assert_whole(model)


def test_an_interrupted_prediction_leaves_model_and_threads_as_they_were():
    rows = np.random.RandomState(0).standard_normal((9000, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ScratchMLPClassifier((150,), max_iter=1, random_state=0).fit(X, Y)
    expected = model.predict_proba(rows)
    threads = [each["num_threads"] for each in threadpool_info()]
    for at in moments(lambda: model.predict_proba(rows)):
        assert interrupted(lambda: model.predict_proba(rows), at)[0]
        assert [each["num_threads"] for each in threadpool_info()] == threads
    np.testing.assert_array_equal(model.predict_proba(rows), expected)


def test_an_interrupted_full_batch_leaves_the_threads_as_they_were():
    rows = np.random.RandomState(0).standard_normal((9000, 3))
    threads = [each["num_threads"] for each in threadpool_info()]

    def fit():
        ScratchMLPRegressor(hidden_layer_sizes=(150,), solver="gd", max_iter=2, random_state=0).fit(rows, rows[:, 0])

    for at in list(moments(fit))[::3]:
        interrupted(fit, at)
        assert [each["num_threads"] for each in threadpool_info()] == threads


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_interrupt_can_be_made_an_error(solver):
    """As the docs say: with this filter Ctrl-C ends a loop of fits, not only one of them."""

    def stop(model, X, y):
        raise KeyboardInterrupt

    model = ScratchMLPRegressor(hidden_layer_sizes=(3,), solver=solver, early_stopping=True, scoring=stop)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Training interrupted")
        with pytest.raises(UserWarning, match="Training interrupted"):
            model.fit(X, Y.astype(float))
    assert not hasattr(model, "params_")


def test_a_warning_made_an_error_leaves_the_history_of_a_warm_start():
    model = ScratchMLPRegressor(hidden_layer_sizes=(3,), max_iter=2, warm_start=True, random_state=0)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, X[:, 0])
    before, params = list(model.loss_curve_), model.params_.copy()
    with warnings.catch_warnings(action="error"), pytest.raises(ConvergenceWarning):
        model.fit(X, X[:, 0])
    assert model.loss_curve_ == before
    assert {len(column) for column in model.history_.values()} == {2}
    np.testing.assert_array_equal(model.params_, params)

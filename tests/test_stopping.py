"""Patience, the guard against divergence, and the list of watched values."""

import copy
import math
import pickle

import numpy as np
import pytest

from skmlp_scratch.stopping import DivergenceError, DivergenceGuard, Patience, Watched, diverged


def stalls_of(losses, tol, n_iter_no_change):
    patience = Patience(tol, n_iter_no_change)
    return sum(patience.stalls(loss) for loss in losses)


@pytest.mark.parametrize("seed", range(20))
def test_watched_values_are_counted_as_patience_counts_them_however_they_arrive(seed):
    rng = np.random.RandomState(seed)
    losses = np.round(rng.randn(200), 1).tolist()
    whole, growing = Watched(losses), Watched()
    for i, loss in enumerate(losses):
        growing.append(loss)
        if rng.rand() < 0.3:
            assert growing.stalls(0.1, 2) == stalls_of(losses[: i + 1], 0.1, 2)
        if rng.rand() < 0.1:  # two rules do not disturb each other
            assert growing.stalls(0.0, 1) == stalls_of(losses[: i + 1], 0.0, 1)
    assert whole.stalls(0.1, 2) == growing.stalls(0.1, 2) == stalls_of(losses, 0.1, 2) > 0


class Counted(float):
    """A number that counts how often it is compared."""

    compared = 0

    def __gt__(self, other):
        Counted.compared += 1
        return float(self) > other


def test_a_count_looks_only_at_what_is_new(monkeypatch):
    monkeypatch.setattr(Counted, "compared", 0)
    watched = Watched(Counted(1.0) for _ in range(1000))
    watched.stalls(0.0, 5)
    assert Counted.compared == 1000
    watched.append(Counted(1.0))
    watched.stalls(0.0, 5)
    assert Counted.compared == 1001


class Interrupting(float):
    """The user presses Ctrl-C when this number is looked at for the first time."""

    fresh = True

    def __gt__(self, other):
        if self.fresh:
            self.fresh = False
            raise KeyboardInterrupt
        return float(self) > other


def test_an_interrupted_count_starts_again():
    values = [1.0, *[2.0] * 4, Interrupting(2.0), *[2.0] * 4]
    watched = Watched(values[:3])
    watched.stalls(0.0, 2)
    watched.extend(values[3:])
    with pytest.raises(KeyboardInterrupt):
        watched.stalls(0.0, 2)
    assert watched.stalls(0.0, 2) == stalls_of(values, 0.0, 2) == 3


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_watched_values_read_as_a_list_and_pickle_small(protocol):
    losses = np.random.RandomState(0).randn(1000).tolist()
    watched = Watched(losses)
    watched.stalls(0.0, 5)
    data = pickle.dumps(watched, protocol)
    assert len(data) < 8 * 1000 * (2 if protocol < 3 else 1) + 200  # before protocol 3 there are no bytes
    for each in (watched, pickle.loads(data), copy.deepcopy(watched), copy.copy(watched)):
        assert isinstance(each, Watched)
        assert each == losses
        assert each.stalls(0.0, 5) == stalls_of(losses, 0.0, 5)


def test_a_loss_within_the_limit_passes():
    guard = DivergenceGuard(10.0)
    for loss in (-math.inf, -1e300, 0.0, 10.0):
        assert guard.check(loss, 1, 0.1) is None


@pytest.mark.parametrize("loss", [10.1, math.inf, math.nan])
def test_a_loss_above_the_limit_is_an_error_that_names_epoch_and_rate(loss):
    with pytest.raises(DivergenceError, match=r"the loss is .* in epoch 3, with learning rate 0\.5; lower it"):
        DivergenceGuard(10.0).check(loss, 3, 0.5)


def test_the_exact_limit_is_asked_for_once_and_only_if_need_be():
    asked = []

    def exact_limit():
        asked.append(1)
        return 100.0

    guard = DivergenceGuard(10.0, exact_limit)
    guard.check(9.0, 1, 0.1)
    assert (asked, guard.limit) == ([], 10.0)
    guard.check(50.0, 2, 0.1)
    assert (asked, guard.limit) == ([1], 100.0)
    with pytest.raises(DivergenceError):
        guard.check(200.0, 3, 0.1)
    assert asked == [1]


def test_the_larger_of_two_limits_counts():
    guard = DivergenceGuard(10.0, lambda: 1.0)
    with pytest.raises(DivergenceError):
        guard.check(11.0, 1, 0.1)
    guard.check(9.0, 1, 0.1)


@pytest.mark.parametrize(
    "loss, first, warned",
    [(999.0, 1.0, False), (1001.0, 1.0, True), (1001.0, 2.0, False), (3000.0, 1e9, False), (3e3, 2.5e3, True)],
)
def test_a_final_loss_far_above_the_first_is_worth_a_warning(loss, first, warned):
    assert DivergenceGuard(2 * DivergenceGuard.explosion).worth_a_warning(loss, first) == warned


def test_a_negative_first_loss_says_nothing():
    assert not DivergenceGuard(1e6).worth_a_warning(5.0, -1.0)


@pytest.mark.parametrize("rate", [None, math.nan])
def test_the_error_of_a_solver_without_a_learning_rate(rate):
    assert "with a solver without a learning rate; scale X and y" in str(diverged(math.inf, 2, rate))

"""Each update rule of the compiled kernels is bit for bit the core's."""

import numpy as np
import pytest

from skmlp_scratch import _engine
from skmlp_scratch.optimizers import SGD, Adagrad, Adam, AdamW, Averaged, Clipped, Decays, KeepsZeros, Paced, RMSprop

RULES = [
    SGD(),
    SGD(momentum=0.9),
    SGD(momentum=0.9, nesterov=True),
    Adagrad(),
    RMSprop(),
    RMSprop(centered=True),
    Adam(),
    Adam(0.8, 0.95, 1e-3),
    AdamW(weight_decay=0.3),
]


WEIGHTS = slice(0, 3000)
PACES = [(slice(2, 5), 6.0), (slice(4, 1500), 0.5)]
WRAPPED = [
    Decays(Adam(), WEIGHTS, 0.1),
    Paced(SGD(momentum=0.9), PACES),
    Averaged(RMSprop(), 0.995),
    Paced(Decays(Adagrad(), slice(1, None), 0.3), PACES),
    Averaged(Paced(Decays(Adam(0.9, 0.95), WEIGHTS, 0.1), PACES), 0.3),
    Averaged(Paced(AdamW(weight_decay=0.2), [(slice(0, 10**9), 2.0)]), 0.5),
]


def noting(function, taken):
    """The function, which notes what it returns."""

    def noted(*arguments):
        taken.append(function(*arguments))
        return taken[-1]

    return noted


def run(rule, dtype, size, monkeypatch, compiled):
    """Parameters and state after six steps; one gradient in each is special."""
    rng = np.random.RandomState(0)
    params = rng.standard_normal(size).astype(dtype)
    state = rule.init(params)
    taken = []
    with monkeypatch.context() as patched:
        for name in ("update", "update_wrapped"):
            patched.setattr(_engine, name, noting(getattr(_engine, name), taken) if compiled else lambda *a: None)
        for special in (0.0, 1e-30, 1e30, -0.0, 1.0, 0.5):
            grad = rng.standard_normal(size).astype(dtype)
            grad[0] = special
            rule.update(params, grad, state, np.float64(0.01))
    assert taken == [True] * 6 * compiled
    return params, state


@pytest.mark.parametrize("rule", [*RULES, *WRAPPED])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1, 7, 1000, 70_000])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_bit_for_bit(rule, dtype, size, n_threads, monkeypatch):
    monkeypatch.setattr(_engine, "_threads", n_threads)
    with np.errstate(all="ignore"):
        params, state = run(rule, dtype, size, monkeypatch, compiled=False)
        engine_params, engine_state = run(rule, dtype, size, monkeypatch, compiled=True)
    np.testing.assert_array_equal(engine_params, params)
    assert engine_state.keys() == state.keys()
    for name, array in state.items():
        np.testing.assert_array_equal(engine_state[name], array, err_msg=name)


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_nan_stays_nan(rule):
    params, grad = np.zeros(5), np.array([0, np.nan, 1, np.inf, -np.inf])
    with np.errstate(all="ignore"):
        rule.update(params, grad, rule.init(params), 0.1)
    assert np.isnan(params[1])
    assert np.isfinite(params[[0, 2]]).all()


@pytest.mark.parametrize(
    "rule",
    [
        Averaged(Adam(), 0.9, zeros=slice(0, 5)),
        Averaged(Clipped(Paced(Adam(), PACES), 0.1), 0.9),
        KeepsZeros(Paced(SGD(), PACES), slice(0, 5)),
        Paced(SGD(), [(slice(i, i + 1), 2.0) for i in range(9)]),
    ],
)
def test_other_wrappings_step_as_the_core_does(rule, monkeypatch):
    found = []
    for kernels in (_engine._kernels, None):
        monkeypatch.setattr(_engine, "_kernels", kernels)
        params = np.linspace(-1, 1, 20)
        state = rule.init(params)
        for _ in range(5):
            rule.update(params, np.sin(np.arange(20.0)), state, 0.1)
        found.append([params, *state.values()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


class Halved(SGD):
    def _update(self, params, grad, scratch, t, learning_rate, velocity=None):
        params -= grad * learning_rate / 2


def test_a_subclass_keeps_its_own_rule():
    params = np.ones(3)
    Halved().update(params, np.ones(3), Halved().init(params), 1.0)
    np.testing.assert_array_equal(params, 0.5)


@pytest.mark.parametrize(
    "params, grad",
    [
        (np.ones(10)[::2], np.ones(5)),
        (np.ones(5), np.ones(5, dtype=np.float32)),
        (np.ones(5, dtype=np.float16), np.ones(5, dtype=np.float16)),
        (np.ones(5), np.ones(10)[::2]),
    ],
)
def test_arrays_that_the_kernels_do_not_take(params, grad):
    params[...] = 1  # a second run in the same process finds what the first one left
    SGD().update(params, grad, SGD().init(params), 0.5)
    np.testing.assert_array_equal(params, 0.5)


def test_overlapping_arrays_run_in_numpy():
    params = np.ones(5)
    SGD().update(params, params, SGD().init(params), 0.25)
    np.testing.assert_array_equal(params, 0.75)


def test_lengths_that_differ_are_an_error():
    with pytest.raises(ValueError, match="broadcast"):
        SGD().update(np.ones(5), np.ones(4), SGD().init(np.ones(5)), 0.5)

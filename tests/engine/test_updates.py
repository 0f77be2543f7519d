"""Each update rule of the compiled kernels is bit for bit the core's."""

import numpy as np
import pytest

from skmlp_scratch import _engine
from skmlp_scratch.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

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


def run(rule, dtype, size, monkeypatch, compiled):
    """Parameters and state after six steps; one gradient in each is special."""
    rng = np.random.RandomState(0)
    params = rng.standard_normal(size).astype(dtype)
    state = rule.init(params)
    taken = []
    update = _engine.update
    with monkeypatch.context() as patched:
        patched.setattr(_engine, "update", lambda *a: taken.append(update(*a)) or taken[-1] if compiled else None)
        for special in (0.0, 1e-30, 1e30, -0.0, 1.0, 0.5):
            grad = rng.standard_normal(size).astype(dtype)
            grad[0] = special
            rule.update(params, grad, state, np.float64(0.01))
    assert taken == [True] * 6 * compiled
    return params, state


@pytest.mark.parametrize("rule", RULES, ids=repr)
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
    SGD().update(params, grad, SGD().init(params), 0.5)
    np.testing.assert_array_equal(params, 0.5)


def test_overlapping_arrays_run_in_numpy():
    params = np.ones(5)
    SGD().update(params, params, SGD().init(params), 0.25)
    np.testing.assert_array_equal(params, 0.75)


def test_lengths_that_differ_are_an_error():
    with pytest.raises(ValueError, match="broadcast"):
        SGD().update(np.ones(5), np.ones(4), SGD().init(np.ones(5)), 0.5)

"""Stand-ins for core pieces that are being built: to be replaced."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..layers import Layer
from ..optimizers import AdamW
from ..stopping import diverged


@dataclass(frozen=True)
class Scale(Layer):
    n: int
    rate: float = 1.0
    owns_output: ClassVar[bool] = True

    @property
    def n_in(self):
        return self.n

    @property
    def n_out(self):
        return self.n

    @property
    def shapes(self):
        return {"scale": (self.n,)}

    def init(self, rng, initializer):
        return {"scale": np.ones(self.n)}

    def forward(self, params, X, rng):
        def backward(delta, grads, need_dX=True):
            np.einsum("ij,ij->j", delta, X, out=grads["scale"])
            return delta * params["scale"] if need_dX else None

        return X * params["scale"], backward

    def predict(self, params, X):
        return X * params["scale"]


class Descent:
    def __init__(self, rate, beta_2, weight_decay, batch_size, ema, total, fast, weights):
        self.__dict__.update(locals())

    def minimize(self, objective, params, rng, state):
        rule = AdamW(beta_2=self.beta_2, weight_decay=0.0)
        if state is None:
            state = {"t": 0, "params": params.copy(), "ema": params.copy(), "opt": rule.init(params)}
        p, avg, n = state["params"], state["ema"], objective.n_samples
        order = rng.permutation(n)
        total = 0.0
        for start in range(0, n, self.batch_size):
            done = state["t"] / self.total
            lr = self.rate * (1 if done < 0.5 else 0.5 * (1 + math.cos(math.pi * (2 * done - 1))))
            rows = order[start : start + self.batch_size]
            loss, grad = objective.loss_and_grad(p, rows)
            if not math.isfinite(loss):
                raise diverged(loss, 0, lr)
            total += loss * len(rows)
            p[self.weights] *= 1 - lr * self.weight_decay
            before = p[self.fast].copy()
            rule.update(p, grad, state["opt"], lr)
            p[self.fast] = before + 6 * (p[self.fast] - before)
            state["t"] += 1
            d = min(self.ema, state["t"] / (state["t"] + 10))
            avg *= d
            avg += (1 - d) * p
        return {"x": avg, "fun": total / n, "state": state, "learning_rate": lr}


def best_temperature(loss, y, raw, weight):
    from scipy.optimize import brentq

    raw = raw.astype(float)

    def slope(log_t):
        z = math.exp(log_t) * raw
        return float((loss.value_and_grad(y, z, weight)[1] * raw).sum())

    low, high = -5.0, 5.0
    if slope(low) >= 0:
        return math.exp(low) if slope(low) > 0 else 1.0
    if slope(high) <= 0:
        return math.exp(high)
    return math.exp(brentq(slope, low, high, xtol=1e-6))

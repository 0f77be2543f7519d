"""The loop that a student writes after the tutorials: lists of arrays, one line per formula, nothing reused."""

from itertools import pairwise

import numpy as np
from scipy import optimize
from sklearn.base import BaseEstimator, ClassifierMixin


def initial_weights(rng, sizes, dtype):
    """Draw weights and biases as scikit-learn does, so that all contenders start at the same point."""
    W, b = [], []
    for n_in, n_out in pairwise(sizes):
        bound = np.sqrt(6 / (n_in + n_out))
        W.append(rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype))
        b.append(rng.uniform(-bound, bound, n_out).astype(dtype))
    return W, b


def one_column_an_output(index, n_classes, dtype):
    """Targets: 0 or 1 for two classes, else one-hot rows."""
    return (index[:, None] if n_classes == 2 else np.eye(n_classes)[index]).astype(dtype)


class PlainLoop(ClassifierMixin, BaseEstimator):
    def __init__(
        self,
        hidden_layer_sizes=(100,),
        activation="relu",
        solver="adam",
        alpha=1e-4,
        batch_size=200,
        learning_rate_init=1e-3,
        momentum=0.9,
        max_iter=200,
        random_state=0,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X, y):
        self.classes_, index = np.unique(y, return_inverse=True)
        Y = one_column_an_output(index, len(self.classes_), X.dtype)
        rng = np.random.RandomState(self.random_state)
        self.W, self.b = initial_weights(rng, [X.shape[1], *self.hidden_layer_sizes, Y.shape[1]], X.dtype)
        self.n_samples, self.t, self.state = len(Y), 0, [(0, 0)] * (len(self.W) + len(self.b))
        self.loss_curve_ = []
        if self.solver == "lbfgs":
            self._fit_lbfgs(X, Y)
            return self
        order = np.arange(len(Y))
        for _ in range(self.max_iter):
            self.loss_curve_.append(self._epoch(X, Y, order, rng))
        return self

    def _epoch(self, X, Y, order, rng):
        if self.solver == "gd":
            loss, gradients = self._loss_and_gradients(X, Y)
            self._update(gradients)
            return loss
        rng.shuffle(order)
        total = 0.0
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            loss, gradients = self._loss_and_gradients(X[rows], Y[rows])
            self._update(gradients)
            total += loss * len(rows)
        return total / len(order)

    def _fit_lbfgs(self, X, Y):
        arrays = self.W + self.b

        def unpack(params):
            stops = np.cumsum([a.size for a in arrays])[:-1]
            parts = [p.reshape(a.shape).astype(a.dtype) for p, a in zip(np.split(params, stops), arrays, strict=True)]
            self.W, self.b = parts[: len(self.W)], parts[len(self.W) :]

        def evaluate(params):
            unpack(params)
            loss, gradients = self._loss_and_gradients(X, Y)
            self.loss_curve_.append(loss)
            return loss, np.concatenate([g.ravel() for g in gradients]).astype(float)

        start = np.concatenate([a.ravel() for a in arrays]).astype(float)
        unpack(optimize.minimize(evaluate, start, jac=True, method="L-BFGS-B", options={"maxiter": self.max_iter}).x)

    def _forward(self, X):
        """The activations of every layer; the last are the raw predictions."""
        activations = [X]
        for i, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            z = activations[-1] @ W + b
            last = i == len(self.W) - 1
            activations.append(z if last else np.tanh(z) if self.activation == "tanh" else np.maximum(z, 0))
        return activations

    def _loss_and_gradients(self, X, Y):
        activations = self._forward(X)
        probability = _probability(activations[-1])
        if Y.shape[1] == 1:
            loss = -np.mean(np.log(np.where(Y == 1, probability, 1 - probability)))
        else:
            loss = -np.sum(Y * np.log(probability)) / len(Y)
        loss += 0.5 * self.alpha / self.n_samples * sum(np.sum(W * W) for W in self.W)
        delta = (probability - Y) / len(Y)
        dW, db = [], []
        for i in reversed(range(len(self.W))):
            a = activations[i]
            dW.insert(0, a.T @ delta + self.alpha / self.n_samples * self.W[i])
            db.insert(0, delta.sum(axis=0))
            if i:
                delta = delta @ self.W[i].T * (1 - a * a if self.activation == "tanh" else a > 0)
        return float(loss), dW + db

    def _update(self, gradients):
        self.t += 1
        rate, mu = self.learning_rate_init, self.momentum
        for i, (p, g) in enumerate(zip(self.W + self.b, gradients, strict=True)):
            m, v = self.state[i]
            if self.solver == "adam":
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
                p -= rate * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t) * m / (np.sqrt(v) + 1e-8)
            elif mu:  # Nesterov's
                m = mu * m - rate * g
                p += mu * m - rate * g
            else:
                p -= rate * g
            self.state[i] = m, v

    def predict_proba(self, X):
        probability = _probability(self._forward(X)[-1])
        return np.hstack([1 - probability, probability]) if probability.shape[1] == 1 else probability

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _probability(raw):
    if raw.shape[1] == 1:
        return 1 / (1 + np.exp(-raw))
    e = np.exp(raw - raw.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

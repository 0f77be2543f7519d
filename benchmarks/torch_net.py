"""The same networks in PyTorch on the CPU, as its users write them, with the faster of its choices."""

import warnings

import numpy as np
import torch
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin

from .plain_loop import initial_weights, one_column_an_output


class TorchNet(ClassifierMixin, BaseEstimator):
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
        n_classes = len(self.classes_)
        rng = np.random.RandomState(self.random_state)
        self.net = self._make_net(X.shape[1], 1 if n_classes == 2 else n_classes, X.dtype, rng)
        if n_classes == 2:
            Y, loss = one_column_an_output(index, 2, X.dtype), torch.nn.BCEWithLogitsLoss()
        else:
            Y, loss = index, torch.nn.CrossEntropyLoss()
        Y = torch.from_numpy(Y)
        X = X if sparse.issparse(X) else torch.from_numpy(X)
        decay = self.alpha / len(Y)
        self.loss_curve_ = []
        if self.solver == "lbfgs":
            self._fit_lbfgs(X, Y, loss, decay)
        else:
            self._fit_gradient_descent(X, Y, loss, decay, rng)
        return self

    def _make_net(self, n_in, n_out, dtype, rng):
        sizes = [n_in, *self.hidden_layer_sizes, n_out]
        kind = {"float32": torch.float32, "float64": torch.float64}[dtype.name]
        layers = []
        for W, b in zip(*initial_weights(rng, sizes, dtype), strict=True):
            linear = torch.nn.Linear(*W.shape, dtype=kind)
            with torch.no_grad():
                linear.weight.copy_(torch.from_numpy(W.T))
                linear.bias.copy_(torch.from_numpy(b))
            layers += [linear, torch.nn.Tanh() if self.activation == "tanh" else torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def _optimizer(self, decay):
        rate, parameters = self.learning_rate_init, self.net.parameters()
        # One fused kernel for all parameters is faster than PyTorch's default of one operation at a time.
        if self.solver == "adam":
            return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=True)
        return torch.optim.SGD(
            parameters, lr=rate, momentum=self.momentum, nesterov=self.momentum > 0, weight_decay=decay, fused=True
        )

    def _fit_gradient_descent(self, X, Y, loss, decay, rng):
        optimizer = self._optimizer(decay)
        order = np.arange(len(Y))
        for _ in range(self.max_iter):
            if self.solver == "gd":
                self.loss_curve_.append(self._step(X, Y, loss, optimizer))
                continue
            rng.shuffle(order)
            total = 0.0
            for start in range(0, len(order), self.batch_size):
                rows = order[start : start + self.batch_size]
                total += len(rows) * self._step(_take(X, rows), Y[torch.from_numpy(rows)], loss, optimizer)
            self.loss_curve_.append(total / len(order))

    def _step(self, X, Y, loss, optimizer):
        optimizer.zero_grad()
        value = loss(self._raw(X), Y)
        value.backward()
        optimizer.step()
        return value.item()

    def _fit_lbfgs(self, X, Y, loss, decay):
        optimizer = torch.optim.LBFGS(
            self.net.parameters(), max_iter=self.max_iter, history_size=10, line_search_fn="strong_wolfe"
        )

        def closure():
            optimizer.zero_grad()
            penalty = sum((layer.weight**2).sum() for layer in self.net[::2])
            value = loss(self.net(X), Y) + 0.5 * decay * penalty
            value.backward()
            self.loss_curve_.append(value.item())
            return value

        optimizer.step(closure)

    def _raw(self, X):
        if X.layout == torch.strided:
            return self.net(X)
        first = self.net[0]  # Linear takes no sparse input
        return self.net[1:](torch.sparse.mm(X, first.weight.T) + first.bias)

    def predict_proba(self, X):
        with torch.inference_mode():
            raw = self.net(torch.from_numpy(X))
            if raw.shape[1] > 1:
                return torch.softmax(raw, dim=1).numpy()
            probability = torch.sigmoid(raw)
            return torch.hstack([1 - probability, probability]).numpy()

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _take(X, rows):
    """Rows of a tensor, or of a scipy matrix as a sparse tensor: PyTorch's own cannot be indexed."""
    if not sparse.issparse(X):
        return X[torch.from_numpy(rows)]
    batch = X[rows]
    arrays = (torch.from_numpy(array) for array in (batch.indptr, batch.indices, batch.data))
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # "support is in beta state"
        return torch.sparse_csr_tensor(*arrays, size=batch.shape, check_invariants=False)

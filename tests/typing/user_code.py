"""What users write, checked by mypy and run: types that do not fit would fail here first."""

from typing import assert_type

import numpy as np
from numpy.typing import NDArray

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, check_gradient, trace
from skmlp_scratch.inspection import GradientReport, Trace
from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.solvers import GradientDescent

X: NDArray = np.random.RandomState(0).normal(size=(20, 2))
y = X[:, 0] > 0

clf = ScratchMLPClassifier((4,), "tanh", solver="lbfgs", alpha=0.1, random_state=0)
assert_type(clf.fit(X, y), ScratchMLPClassifier)
assert_type(clf.fit(X.tolist(), y.tolist(), sample_weight=[1.0] * 20).predict(X), NDArray)
assert_type(clf.predict_proba(X), NDArray)
assert_type(clf.hidden_activations(X, layer=0), NDArray)
assert_type(clf.network_, Network)
assert_type(clf.loss_curve_, list[float])

solver = GradientDescent(Adam(beta_1=0.8), learning_rate=0.01, max_iter=10)
reg = ScratchMLPRegressor("huber", solver=solver, random_state=0)
assert_type(reg.fit(X, X[:, 1], X_val=X, y_val=X[:, 1]), ScratchMLPRegressor)

network = Network([Dense(2, 3), Activation("relu"), Dense(3, 1)])
objective = Objective(network, "squared_error", X, X[:, 1], alpha=0.1)
params = network.init(np.random.RandomState(0), init="he_normal")
loss, gradient = objective.loss_and_grad(params)
assert_type(loss, float)
assert_type(gradient, NDArray)
assert_type(check_gradient(objective, params), GradientReport)
step = trace(network, X, X[:, 1], params=params, loss="squared_error", learning_rate=0.1)
assert_type(step, Trace)
assert_type(step.delta, list[NDArray])

"""
Layers, and every optimizer
===========================

Below the estimators, a network is a list of layers over one vector of parameters, an
objective is a function of that vector, and a solver makes it smaller. Here: four layers
of weights, and every update rule from the same start.
"""

from itertools import pairwise

import numpy as np
from sklearn.datasets import make_circles

from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.history import Monitor
from skmlp_scratch.layers import Activation, Dense
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import OPTIMIZERS
from skmlp_scratch.plotting import ActivationDisplay, LossCurveDisplay
from skmlp_scratch.solvers import GradientDescent

X, y = make_circles(300, noise=0.1, factor=0.4, random_state=0)
sizes = [2, 8, 8, 8, 2]
layers = []
for n_in, n_out in pairwise(sizes):
    layers += [Dense(n_in, n_out), Activation("tanh")]
network = Network(layers[:-1])
objective = Objective(network, "categorical_cross_entropy", X, y)
start = network.init(np.random.RandomState(0))
print(f"{len(start)} parameters")

# %%
# Every optimizer
# ---------------
# A solver tells its callback of every epoch; the monitor that the estimators use writes
# the history.

learning_rates = {
    "sgd": 0.5,
    "adagrad": 0.1,
    "rmsprop": 0.01,
    "adam": 0.01,
    "adamw": 0.01,
}
histories = []
for name in OPTIMIZERS:
    monitor = Monitor(objective)
    solver = GradientDescent(name, learning_rate=learning_rates[name], max_iter=150)
    result = solver.minimize(objective, start.copy(), callback=monitor)
    histories.append(monitor.history)
    accuracy = np.mean(network.predict(result.x, X).argmax(axis=1) == y)
    print(f"{name:8} loss {result.fun:.4f}, accuracy {accuracy:.3f}")

display = LossCurveDisplay(histories=histories, names=list(OPTIMIZERS)).plot()
display.ax_.set_title("Four layers of weights, five optimizers, one start")

# %%
# Every activation
# ----------------
# Any of these can stand where tanh does. Dashed lines are derivatives, which is what
# backpropagation multiplies.

ActivationDisplay.from_activation(list(ACTIVATIONS))

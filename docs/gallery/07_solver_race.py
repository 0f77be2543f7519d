"""
A race of the solvers
=====================

Every solver trains the same network from the same weights. Over seconds, not epochs,
since an epoch of minibatches and an iteration of L-BFGS cost differently.
"""

from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.plotting import LossCurveDisplay

X, y = load_breast_cancer(return_X_y=True)
X = StandardScaler().fit_transform(X)

learning_rates = {
    "gd": 0.5,
    "sgd": 0.05,
    "adagrad": 0.02,
    "rmsprop": 0.002,
    "adam": 0.005,
    "adamw": 0.005,
}
solvers = [*learning_rates, "bfgs", "lbfgs", "cg"]
nets = []
for solver in solvers:
    params = {"alpha": 0.1, "max_iter": 60, "random_state": 0}
    if solver in learning_rates:
        params |= {"learning_rate_init": learning_rates[solver], "tol": 0}
    net = ScratchMLPClassifier((10,), "tanh", solver=solver, **params).fit(X, y)
    nets.append(net)
    print(f"{solver:8} loss {net.loss_:.4f} after {net.n_iter_} epochs")

# %%
# On a few hundred rows L-BFGS and conjugate gradients win. On many rows each of their
# iterations passes over all of them, and minibatches make hundreds of steps in that
# time.

display = LossCurveDisplay.from_estimator(nets, names=solvers, x="seconds")
display.ax_.set_title("Loss over the seconds since the start")

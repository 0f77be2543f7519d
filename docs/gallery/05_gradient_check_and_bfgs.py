"""
Is the gradient right? Then BFGS
================================

A quasi-Newton method builds its picture of the curvature from differences of gradients,
and a wrong gradient misleads it. So the gradient is first compared with finite
differences, and then a network of logistic units is trained.
"""

from sklearn.base import clone
from sklearn.datasets import load_digits

from skmlp_scratch import ScratchMLPClassifier, check_gradient
from skmlp_scratch.plotting import LossCurveDisplay, WeightsDisplay

X, y = load_digits(n_class=5, return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = X[:400], X[400:], y[:400], y[400:]
net = ScratchMLPClassifier(
    (8,), activation="logistic", solver="bfgs", alpha=0.1, max_iter=100, random_state=0
)
print(check_gradient(net, X_train, y_train))

# %%
# BFGS beside its relatives
# -------------------------
# BFGS stores a matrix with as many rows as there are parameters, L-BFGS only the last
# few steps, and conjugate gradients only the last direction. They go by iteration; each
# may evaluate the objective several times.

nets = []
for solver in ("bfgs", "lbfgs", "cg"):
    net = clone(net).set_params(solver=solver).fit(X_train, y_train)
    nets.append(net)
    accuracy = net.score(X_test, y_test)
    print(f"{solver:5}: loss {net.loss_:.4f}, test accuracy {accuracy:.3f}")

display = LossCurveDisplay.from_estimator(
    nets, names=["BFGS", "L-BFGS", "conjugate gradients"]
)
display.ax_.set_title("Loss per iteration of the second-order methods")

# %%
# What the hidden units have learned
# ----------------------------------

display = WeightsDisplay.from_estimator(nets[0], image_shape=(8, 8))
display.ax_.set_title("Weights from the pixels to eight logistic units")

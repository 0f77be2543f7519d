"""
Two moons and three hidden units
================================

A network with two inputs, three tanh units and two softmax outputs, trained by gradient
descent on all rows at once. One hidden unit bends nothing, two bend once, three bend
enough; fifty have room for the noise.
"""

from sklearn.datasets import make_moons

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.plotting import (
    DecisionSurfaceDisplay,
    LossCurveDisplay,
    NetworkDisplay,
)

X, y = make_moons(200, noise=0.2, random_state=0)


def fit(n_hidden):
    """Fit a network by batch gradient descent."""
    return ScratchMLPClassifier(
        (n_hidden,),
        activation="tanh",
        loss="categorical_cross_entropy",
        init="lecun_normal",
        solver="gd",
        momentum=0,
        nesterovs_momentum=False,
        learning_rate_init=0.3,
        alpha=0.01,
        tol=0,
        n_iter_no_change=3000,
        max_iter=3000,
        random_state=0,
    ).fit(X, y)


sizes = [1, 2, 3, 50]
nets = [fit(n_hidden) for n_hidden in sizes]

# %%
# The surfaces
# ------------
# Shades are probabilities; the line is where they are even.

names = [
    f"{n} hidden, {net.score(X, y):.1%} right"
    for n, net in zip(sizes, nets, strict=True)
]
DecisionSurfaceDisplay.from_estimator(nets, X, y, names=names, n_cols=2)

# %%
# The descent
# -----------
# Each step follows the gradient of all 200 rows.

display = LossCurveDisplay.from_estimator(nets, names=[f"{n} hidden" for n in sizes])
display.ax_.set_title("Loss of each network over the epochs")

# %%
# Forward and backward
# --------------------
# Weights and activations of the network with three units, and the gradients that come
# back at the end.

NetworkDisplay.from_estimator(nets[2], X, y)

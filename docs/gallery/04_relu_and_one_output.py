"""
ReLU units and one logistic output
==================================

Each ReLU unit is flat on one side of a line and rises on the other. The logistic output
weighs them, so that the boundary between the classes is made of straight pieces.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.plotting import COLORS, DecisionSurfaceDisplay

X, y = make_moons(300, noise=0.15, random_state=0)
net = ScratchMLPClassifier(
    (6,), activation="relu", solver="lbfgs", alpha=0.05, max_iter=500, random_state=14
).fit(X, y)
print(f"output: {net.n_outputs_} unit, {net.out_activation_}")
print(f"accuracy: {net.score(X, y):.3f}")

# %%
DecisionSurfaceDisplay.from_estimator(
    net, X, y, names="Six ReLU units, one logistic output"
)

# %%
# The hidden units, one by one
# ----------------------------
# The line is each unit's fold. The boundary above bends only where it crosses one of
# them.

x1, x2 = np.meshgrid(np.linspace(-1.5, 2.5, 120), np.linspace(-1.2, 1.7, 120))
hidden = net.hidden_activations(np.column_stack([x1.ravel(), x2.ravel()]))
figure, axes = plt.subplots(
    2, 3, figsize=(8, 4.6), sharex=True, sharey=True, layout="constrained"
)
for unit, ax in enumerate(axes.flat):
    activation = hidden[:, unit].reshape(x1.shape)
    ax.pcolormesh(x1, x2, activation, cmap="Blues", rasterized=True)
    ax.contour(x1, x2, activation, levels=[1e-6], colors="black")
    ax.scatter(*X.T, c=[COLORS[label] for label in y], s=4)
    ax.set_title(f"unit {unit}")

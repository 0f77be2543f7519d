"""
Quantiles instead of a mean
===========================

The pinball loss is minimal at a quantile. Three networks, for the tenth, fiftieth and
ninetieth percentile, show a scatter that grows with x and leans to one side, which a
mean hides.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchMLPRegressor
from skmlp_scratch.plotting import COLORS

rng = np.random.default_rng(0)
x = rng.uniform(0, 6, 800)
y = np.sin(x) + x / 3 + rng.gamma(1.5, 0.1 + 0.15 * x)
grid = np.linspace(0, 6, 200)[:, np.newaxis]

figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
ax.plot(x, y, ".", color="0.7", markersize=3)
for quantile, color in zip((0.1, 0.5, 0.9), COLORS, strict=False):
    net = ScratchMLPRegressor(
        "quantile",
        (30,),
        quantile=quantile,
        activation="tanh",
        learning_rate_init=0.02,
        learning_rate="cosine",
        batch_size=100,
        max_iter=150,
        tol=0,
        n_iter_no_change=150,
        random_state=0,
    )
    model = make_pipeline(StandardScaler(), net).fit(x[:, np.newaxis], y)
    below = np.mean(y <= model.predict(x[:, np.newaxis]))
    ax.plot(
        grid,
        model.predict(grid),
        color=color,
        label=f"{quantile:.0%} quantile: {below:.0%} of the rows below",
    )
ax.set(title="Three quantiles of a skewed target", xlabel="x", ylabel="y")
ax.legend()

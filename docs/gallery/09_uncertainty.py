"""
Where the members disagree
==========================

A tabular estimator is several networks. Where there were rows to learn from, they
agree; in a gap and beyond the ends, each of them goes its own way. Their standard
deviation says how far, and not how much the target scatters. It warns, and is no
confidence interval: in the gap the truth lies outside of it.
"""

import matplotlib.pyplot as plt
import numpy as np

from skmlp_scratch import ScratchTabularRegressor
from skmlp_scratch.plotting import COLORS

rng = np.random.default_rng(0)
x = np.concatenate([rng.uniform(-3, -0.8, 150), rng.uniform(0.8, 3, 150)])
y = np.sin(2 * x) + 0.1 * x**2 + rng.normal(0, 0.1, len(x))

reg = ScratchTabularRegressor(
    hidden_layer_sizes=(64, 64), n_members=8, max_iter=60, batch_size=32, random_state=0
).fit(x[:, np.newaxis], y)
grid = np.linspace(-4, 4, 300)
mean, deviation = reg.predict(grid[:, np.newaxis], return_std=True)

# %%
figure, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for width in (2, 1):
    band = (mean - width * deviation, mean + width * deviation)
    ax.fill_between(
        grid, *band, color=COLORS[0], alpha=0.2, label=f"±{width} standard deviations"
    )
ax.plot(grid, mean, color=COLORS[0], label="mean of the members")
ax.plot(grid, np.sin(2 * grid) + 0.1 * grid**2, "--", color="0.4", label="truth")
ax.plot(x, y, ".", color=COLORS[1], markersize=3, label="rows")
ax.set(
    title="Mean and disagreement of eight networks",
    xlabel="x",
    ylabel="y",
    ylim=(-1.5, 3),
)
ax.legend(ncols=3, fontsize="small")

"""
A table as it is
================

Numbers, a category, a date and gaps go in raw. The fitted encoder says what became of
each column, and shuffling one column at a time says which of them the predictions need.
"""

import numpy as np
import pandas as pd

from skmlp_scratch import ScratchTabularRegressor
from skmlp_scratch.plotting import ImportanceDisplay, LossCurveDisplay

rng = np.random.default_rng(0)
n = 1200
days = rng.integers(0, 730, n)
rides = pd.DataFrame(
    {
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D"),
        "hour": rng.integers(0, 24, n),
        "weather": rng.choice(
            ["clear", "clouds", "rain", None], n, p=[0.5, 0.3, 0.15, 0.05]
        ),
        "temperature": rng.normal(15, 8, n).round(1),
        "wind": rng.gamma(2, 5, n).round(1),
    }
)
rush = np.exp(-(((rides["hour"] - 8) / 2) ** 2)) + np.exp(
    -(((rides["hour"] - 17) / 2) ** 2)
)
weekend = days % 7 >= 5  # the first of them is a Monday
count = 20 + 200 * rush * np.where(weekend, 0.3, 1) + 3 * rides["temperature"]
count = count * rides["weather"].map({"clear": 1, "clouds": 0.9, "rain": 0.4}).fillna(
    0.8
) + rng.normal(0, 8, n)
rides.loc[rng.random(n) < 0.1, "temperature"] = np.nan

train, test = rides[:900], rides[900:]
reg = ScratchTabularRegressor(
    hidden_layer_sizes=(64, 64), n_members=2, max_iter=40, batch_size=64, random_state=0
).fit(train, count[:900])
print(reg.encoder_.columns_)
print(f"\nR² on rows not seen: {reg.score(test, count[900:]):.3f}")

# %%
# What the predictions need
# -------------------------
# Wind plays no part in the counts, and shuffling it costs nothing.

display = ImportanceDisplay.from_estimator(
    reg, test, count[900:], scoring="r2", n_repeats=3
)
display.ax_.set_title("Columns that the predictions need")

# %%
# The choice of the epoch
# -----------------------
# Each member leaves out other rows; the epoch is the one at which all of them together
# predict the rows left out best.

display = LossCurveDisplay.from_estimator(reg)
display.ax_.set_title("Training loss and joint score of the members")

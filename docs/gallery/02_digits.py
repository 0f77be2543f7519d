"""
Handwritten digits: what momentum, decay and penalties do
=========================================================

The same network on images of 8 by 8 pixels, trained in minibatches by plain stochastic
gradient descent, then with one thing added at a time.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.plotting import LossCurveDisplay, WeightsDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X / 16, y, train_size=600, random_state=0
)

plain = {"momentum": 0.0, "nesterovs_momentum": False, "alpha": 0.0}
momentum = plain | {"momentum": 0.9}
settings = {
    "plain": plain,
    "momentum": momentum,
    "momentum, decay": momentum | {"learning_rate": "time_decay", "decay": 0.05},
    "momentum, L2": momentum | {"alpha": 1.0},
    "momentum, L1": momentum | {"alpha": 1.0, "l1_ratio": 1.0},
    "momentum, dropout": momentum | {"dropout": 0.3},
}
nets = {}
for name, params in settings.items():
    net = ScratchMLPClassifier((40,), solver="sgd", batch_size=20, **params)
    net.set_params(learning_rate_init=0.05, max_iter=40, tol=0, random_state=0)
    nets[name] = net.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    print(f"{name:18} test accuracy {net.score(X_test, y_test):.3f}")

# %%
# Momentum makes it fast
# ----------------------

shown = ["plain", "momentum", "momentum, decay"]
display = LossCurveDisplay.from_estimator([nets[name] for name in shown], names=shown)
display.axes_[0].set_title("Plain steps, momentum, and a decaying learning rate")
display.axes_[1].set_ylim(0.8, 1)

# %%
# Penalties and dropout hold it back
# ----------------------------------
# They keep the training loss up, and the gap to the test rows small.

shown = ["momentum", "momentum, L2", "momentum, L1", "momentum, dropout"]
display = LossCurveDisplay.from_estimator([nets[name] for name in shown], names=shown)
display.axes_[0].set_title("Momentum alone, and with penalties or dropout")
display.axes_[1].set_ylim(0.8, 1)

# %%
# What a hidden unit looks for
# ----------------------------
# Each tile shows the weights from the pixels to one unit. Without a penalty they keep
# the noise that they began with, also where no image has ink; with L1 that noise is
# exactly zero.

for name in ("momentum", "momentum, L1"):
    display = WeightsDisplay.from_estimator(nets[name], image_shape=(8, 8))
    display.ax_.set_title(
        f"{name}: {(nets[name].coefs_[0] == 0).mean():.0%} of the weights are zero"
    )
# sphinx_gallery_thumbnail_number = 4

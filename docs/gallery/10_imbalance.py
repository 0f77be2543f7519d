"""
One class in twenty
===================

With rare positives a network that predicts "no" is right most of the time. Class
weights move the boundary to where both kinds of error cost the same in sum.
"""

import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import PrecisionRecallDisplay, balanced_accuracy_score
from sklearn.model_selection import train_test_split

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.plotting import DecisionSurfaceDisplay

X, y = make_classification(
    3000,
    n_features=2,
    n_informative=2,
    n_redundant=0,
    weights=[0.95],
    class_sep=0.8,
    flip_y=0.01,
    random_state=5,
)
X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
print(f"share of positives: {y.mean():.1%}")

nets = {}
for class_weight in (None, "balanced"):
    net = ScratchMLPClassifier(
        (10,),
        "tanh",
        solver="lbfgs",
        alpha=1.0,
        class_weight=class_weight,
        max_iter=300,
        random_state=0,
    )
    nets[f"class_weight={class_weight}"] = net.fit(X_train, y_train)
    y_pred = net.predict(X_test)
    found = np.mean(y_pred[y_test == 1])
    balanced = balanced_accuracy_score(y_test, y_pred)
    print(f"{class_weight!s:8}: finds {found:.0%}, balanced accuracy {balanced:.3f}")

# %%
# The boundary moves
# ------------------

DecisionSurfaceDisplay.from_estimator(
    list(nets.values()), X_test, y_test, names=list(nets)
)

# %%
# The ranking hardly does
# -----------------------
# Which threshold to use is another question than which rows are likelier; precision and
# recall at every threshold are nearly the same.

display = None
for name, net in nets.items():
    ax = display and display.ax_
    display = PrecisionRecallDisplay.from_estimator(
        net, X_test, y_test, name=name, ax=ax
    )
display.ax_.set_title("Precision and recall at every threshold")

"""
Would more rows help?
=====================

A learning curve trains on growing parts of the rows. Where the score on new rows still
rises, more rows help; where the gap to the score on the training rows stays,
regularization may. It is scikit-learn's own display: the network is an estimator like
any other.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import LearningCurveDisplay

from skmlp_scratch import ScratchMLPClassifier

X, y = load_digits(return_X_y=True)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
for ax, dropout in zip(axes, (0.0, 0.4), strict=True):
    net = ScratchMLPClassifier(
        (60,),
        dropout=dropout,
        learning_rate_init=0.01,
        batch_size=50,
        max_iter=25,
        tol=0,
        n_iter_no_change=25,
        random_state=0,
    )
    LearningCurveDisplay.from_estimator(
        net,
        X / 16,
        y,
        train_sizes=[0.05, 0.1, 0.2, 0.4, 0.7, 1.0],
        cv=3,
        score_type="both",
        ax=ax,
    )
    ax.set_title(f"Learning curve with dropout {dropout}")
    ax.set(xlabel="rows to train on", ylabel="accuracy")
    ax.grid(alpha=0.3)

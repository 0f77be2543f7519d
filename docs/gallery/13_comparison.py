"""
Is a network worth it?
======================

Hidden sizes beside a constant, a linear model, gradient boosting and scikit-learn's own
network, all on the same folds. The size "chosen" was picked inside each fold, so that
its score is an honest one.
"""

from sklearn.datasets import make_moons

from skmlp_scratch import compare_with_baselines
from skmlp_scratch.plotting import ComparisonDisplay

X, y = make_moons(200, noise=0.25, random_state=0)
table = compare_with_baselines(X, y, hidden_layer_sizes=[1, 2, 3, 5, 20], cv=3)
print(table)

# %%
display = ComparisonDisplay.from_comparison(table)
display.figure_.suptitle("Score and fit time of each hidden size beside baselines")

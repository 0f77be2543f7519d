"""The estimators beside baselines on the user's data: is a network worth it here, and how large should it be.

A score means something only next to others measured on the same folds. So every hidden size of the network stands in
one table with a model that ignores the features, a linear model, gradient boosting, the network for tables, and
scikit-learn's own network at the same sizes and settings. The best of several scores is too good to be true, because it
was picked for being the best; the rows called "chosen" therefore pick the size anew inside every training fold. This is
nested cross-validation: Varma & Simon 2006, "Bias in error estimation when using cross-validation for model selection";
Cawley & Talbot 2010, "On over-fitting in model selection and subsequent selection bias in performance evaluation".
"""

from ._progress import progress
from ._run import compare_with_baselines
from ._table import ComparisonRow, ComparisonTable

__all__ = ["ComparisonRow", "ComparisonTable", "compare_with_baselines", "progress"]

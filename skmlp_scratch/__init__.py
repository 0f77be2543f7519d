"""Neural networks from scratch for scikit-learn's users: a drop-in superset of its multi-layer perceptrons."""

from .comparison import compare_with_baselines
from .estimators import ScratchMLPClassifier, ScratchMLPRegressor
from .inspection import check_gradient

__version__ = "0.1.0.dev0"

__all__ = ["ScratchMLPClassifier", "ScratchMLPRegressor", "check_gradient", "compare_with_baselines"]

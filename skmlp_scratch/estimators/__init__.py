"""The estimators: scikit-learn's interface around network, objective and solver.

``fit`` reads the data (``_rows``, ``_targets``), plans a network and a solver from the parameters (``_plan``), and has
the solver minimize the objective while a monitor watches (``_run``). Every fitted attribute is derived from the
resulting vector.
"""

from .classifier import ScratchMLPClassifier
from .regressor import ScratchMLPRegressor

__all__ = ["ScratchMLPClassifier", "ScratchMLPRegressor"]

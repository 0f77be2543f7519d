"""The tabular estimators: table in, best predictions out.

A plain network loses on tables to gradient boosting. What it lacks is brought together here: numbers encoded so that a
jump in a column costs one weight, a schedule and a moving average that settle, several networks that are judged
together on the rows that each has left out, and probabilities with one temperature.
"""

from .classifier import ScratchTabularClassifier
from .regressor import ScratchTabularRegressor

__all__ = ["ScratchTabularClassifier", "ScratchTabularRegressor"]

"""Small tables that the tests of the comparison share, and what is read off a comparison."""

import numpy as np
from sklearn.datasets import make_moons

from skmlp_scratch.comparison import _models

X, Y = make_moons(90, noise=0.2, random_state=0)
BASELINES = [candidate.kind for candidate in _models.baselines(False, 0)]
N_TREES = 5


def rows_of(table, model):
    """The rows of a network, in the order of its sizes, the chosen one last."""
    rows = [row for row in table.rows if row.model == model]
    return sorted(rows, key=lambda row: (row.size == "chosen", str(row.size)))


def row_of(table, kind):
    (row,) = (row for row in table.rows if row.kind == kind)
    return row


def scores_of(table):
    """All scores, by model and size."""
    return {(row.model, row.size): {name: s.tolist() for name, s in row.scores.items()} for row in table.rows}


def mixed(n=60):
    """Columns of every kind with missing cells, and a target that needs both numbers and strings."""
    rng = np.random.default_rng(0)
    number, color = rng.normal(size=n), rng.choice(["red", "blue"], n)
    y = np.where((number > 0) ^ (color == "red"), "yes", "no")
    cells = np.column_stack([number.astype(object), color.astype(object), rng.normal(size=n).astype(object)])
    cells[::7, 2] = None
    cells[1::9, 2] = np.nan
    return cells, y

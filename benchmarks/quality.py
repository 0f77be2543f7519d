"""Model quality: what each part of the recipe for tables brings, and what its encoding brings to other models.

``python -m benchmarks quality`` fits networks with one part of the recipe changed at a time, on tables that ship with
scikit-learn, and prints their losses on rows that were set aside: mean and spread over three splits, and the change of
the mean over all tables, whatever they show. A second table has other models, with and without the encoding.

With ``--results FILE`` each loss is written there once it is measured, and none that stands there is measured again:
an interrupted run goes on where it stopped. ``--only NAME ...`` prints the rows whose names contain one of these texts.
"""

import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
    make_hastie_10_2,
)
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import ScratchTabularClassifier, ScratchTabularRegressor
from skmlp_scratch.encoding import PiecewiseLinearEncoder
from skmlp_scratch.schedules import Constant
from skmlp_scratch.tabular._plan import Plan

SEEDS = (0, 1, 2)
# Name, whether the target is a class, and the rows.
TABLES = {
    "breast_cancer": (True, lambda: load_breast_cancer(return_X_y=True)),
    "wine": (True, lambda: load_wine(return_X_y=True)),
    "digits": (True, lambda: load_digits(return_X_y=True)),
    "hastie_10_2": (True, lambda: make_hastie_10_2(2000, random_state=0)),
    "diabetes": (False, lambda: load_diabetes(return_X_y=True)),
    "friedman1": (False, lambda: make_friedman1(2000, noise=1.0, random_state=0)),
}


class WithoutScale(Plan):
    """No trained factor per input."""

    def first_layers(self):
        """Return no layer."""
        return []


class WithConstantRate(Plan):
    """A learning rate that does not fall."""

    def schedule(self, n_calls):
        """Return a constant."""
        return Constant(self.flat["learning_rate_init"])


class WithLongMemory(Plan):
    """Adam's usual decay of squared gradients."""

    beta_2 = 0.999


class WithoutDepthParts(WithoutScale, WithLongMemory):
    """What goes together with a third hidden layer taken away: input scales, and the short memory."""


@dataclass(frozen=True)
class Variant:
    """The recipe with one part changed.

    Parameters
    ----------
    name : str
        What is changed.
    parameters : dict
        Parameters of the estimators.
    plan : type
        Class of the plan.
    calibrated : bool
        Whether the temperature is used.
    """

    name: str
    parameters: dict = field(default_factory=dict)
    plan: type = Plan
    calibrated: bool = True

    def model(self, is_class, seed):
        """Return an estimator: a single network, unless ``parameters`` say otherwise."""
        kind = ScratchTabularClassifier if is_class else ScratchTabularRegressor
        parameters = {"n_members": 1, "random_state": seed} | self.parameters
        if not is_class:
            parameters.pop("label_smoothing", None)
        return type(kind.__name__, (kind,), {"_plan_class": self.plan})(**parameters)


WHOLE = Variant("whole recipe, one member")
VARIANTS = [
    WHOLE,
    Variant("four members", {"n_members": 4}),
    Variant("without the piecewise-linear code", {"n_bins": 0}),
    Variant("relu in place of silu", {"activation": "relu"}),
    Variant("two hidden layers", {"hidden_layer_sizes": (128, 128)}),
    Variant("without input scales", plan=WithoutScale),
    Variant("learning rate 1e-3", {"learning_rate_init": 1e-3}),
    Variant("constant learning rate", plan=WithConstantRate),
    Variant("beta_2 of 0.999", plan=WithLongMemory),
    Variant("two layers, no scales, beta_2 of 0.999", {"hidden_layer_sizes": (128, 128)}, WithoutDepthParts),
    Variant("without the moving average", {"ema": 0.0}),
    Variant("without weight decay", {"weight_decay": 0.0}),
    Variant("without label smoothing", {"label_smoothing": 0.0}),
    Variant("smoothing without temperature", calibrated=False),
]


OTHERS = ["gradient boosting", "linear", "linear, encoded", "MLP", "MLP, encoded"]


def other(name, is_class):
    """Return another model for the same tables, with or without the encoding of numbers before it."""
    kind = name.removesuffix(", encoded")
    if kind == "gradient boosting":
        return (HistGradientBoostingClassifier if is_class else HistGradientBoostingRegressor)(random_state=0)
    model = {
        ("linear", True): LogisticRegression(max_iter=5000),
        ("linear", False): Ridge(),
        ("MLP", True): MLPClassifier(max_iter=1000, random_state=0),
        ("MLP", False): MLPRegressor(max_iter=1000, random_state=0),
    }[kind, is_class]
    if not is_class:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    return make_pipeline(
        StandardScaler() if kind == name else make_union(StandardScaler(), PiecewiseLinearEncoder()), model
    )


def split(table, seed):
    """Return the rows to learn from and the rows to be judged on."""
    is_class, load = TABLES[table]
    X, y = load()
    return train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y if is_class else None)


def loss_of(model, table, seed):
    """Fit a model; return its log loss on the rows set aside, or for numbers its root mean squared error."""
    X, X_test, y, y_test = split(table, seed)
    model.fit(X, y)
    if TABLES[table][0]:
        return log_loss(y_test, model.predict_proba(X_test))
    return root_mean_squared_error(y_test, model.predict(X_test))


def loss_of_variant(variant, table, seed):
    """As :func:`loss_of`, of a variant of the recipe."""
    model = variant.model(TABLES[table][0], seed)
    if variant.calibrated or not TABLES[table][0]:
        return loss_of(model, table, seed)
    X, X_test, y, y_test = split(table, seed)
    model.fit(X, y).temperature_ = 1.0
    return log_loss(y_test, model.predict_proba(X_test))


def loss_of_other(name, table, seed):
    """As :func:`loss_of`, of another model."""
    return loss_of(other(name, TABLES[table][0]), table, seed)


def add_options(parser):
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="only the rows whose names contain a text")
    parser.add_argument("--results", metavar="FILE", help="the losses measured so far, which it goes on from")


def run(options):
    main(only=options.only, path=options.results)


def main(tables=tuple(TABLES), seeds=SEEDS, only=None, path=None):
    """Measure and print everything.

    Parameters
    ----------
    tables : sequence of str
        Names of ``TABLES``.
    seeds : sequence of int
        Splits.
    only : sequence of str or None, default=None
        Texts of which one is in the name of each row to print; None prints all of them.
    path : path-like or None, default=None
        File of the losses measured so far, which is written after each fit.
    """
    measured = Losses(path)
    parts = [{variant.name: partial(loss_of_variant, variant) for variant in VARIANTS}]
    parts.append({name: partial(loss_of_other, name) for name in OTHERS})
    reference = None
    for part in parts:
        chosen = {name: loss for name, loss in part.items() if only is None or any(text in name for text in only)}
        if not chosen:
            continue
        if reference is None:
            reference = measured.of(WHOLE.name, parts[0][WHOLE.name], tables, seeds)
        print(header(tables), flush=True)
        for name, loss in chosen.items():
            print(row(name, measured.of(name, loss, tables, seeds), reference, tables), flush=True)
        print()
    if reference is None:
        raise SystemExit(f"no such row; choose from {', '.join([*parts[0], *parts[1]])}")


class Losses:
    """Losses measured so far, in a file where there is one.

    Parameters
    ----------
    path : path-like or None
        File, which need not exist yet.
    """

    def __init__(self, path):
        self.path = path and Path(path)
        self.known = json.loads(self.path.read_text()) if path and self.path.exists() else {}

    def of(self, name, loss, tables, seeds):
        """Return the losses of a row per table and seed; ``loss(table, seed)`` measures those not known."""
        return [[self._one(name, loss, table, seed) for seed in seeds] for table in tables]

    def _one(self, name, loss, table, seed):
        key = f"{name} | {table} | {seed}"
        if key not in self.known:
            self.known[key] = float(loss(table, seed))
            if self.path:
                self.path.write_text(json.dumps(self.known, indent=1) + "\n")
        return self.known[key]


def header(tables):
    """Return the first lines of a table in Markdown."""
    names = [f"{table} ({'log loss' if TABLES[table][0] else 'RMSE'})" for table in tables]
    return "\n".join([f"| | {' | '.join(names)} | log loss | RMSE |", "|---|" + "---:|" * (len(tables) + 2)])


def row(name, losses, reference, tables):
    """Return a line: mean and standard deviation per table, and the change of the losses beside the reference.

    Parameters
    ----------
    name : str
        What was measured.
    losses, reference : list of list of float
        Per table and seed.
    tables : sequence of str
        Names of the tables.

    Returns
    -------
    line : str
    """
    cells = [f"{np.mean(found):.4g} ± {np.std(found):.2g}" for found in losses]
    for is_class in (True, False):
        chosen = [i for i, table in enumerate(tables) if TABLES[table][0] is is_class]
        ratios = [np.log(np.mean(losses[i]) / np.mean(reference[i])) for i in chosen]
        cells.append(f"{100 * np.expm1(np.mean(ratios)):+.1f} %" if chosen else "")
    return f"| {name} | {' | '.join(cells)} |"

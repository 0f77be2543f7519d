"""The estimator beside baselines on the user's data: is a network worth it here, and how large should it be.

A score means something only next to others measured on the same folds. So every hidden size of the network stands in
one table with a model that ignores the features, a linear model, and scikit-learn's own network at the same sizes and
settings. The best of several scores is too good to be true, because it was picked for being the best; the rows called
"chosen" therefore pick the size anew inside every training fold. This is nested cross-validation: Varma & Simon 2006,
"Bias in error estimation when using cross-validation for model selection"; Cawley & Talbot 2010, "On over-fitting in
model selection and subsequent selection bias in performance evaluation".
"""

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral, Real

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, check_cv, cross_validate
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils import check_consistent_length, check_random_state
from threadpoolctl import threadpool_limits

from ._checks import check_number
from .estimators import ScratchMLPClassifier, ScratchMLPRegressor

HIDDEN_LAYER_SIZES = (1, 2, 3, 4, 5, 20, 50)
# A smooth activation and a full-batch solver that runs until it has converged: scores then differ because of the
# size, not because one of the networks was stopped early.
NETWORK_PARAMS = {"activation": "tanh", "solver": "lbfgs", "alpha": 0.1, "tol": 1e-3, "max_iter": 5000}
INNER_FOLDS = 3
# Below this many cells the threads of the linear algebra library wait for each other more than they compute: on two
# cores busy with other work the moons took 132 s with two threads and 15 s with one.
ONE_THREAD = 1_000_000
INTERRUPTED = "Training interrupted by user."
# Numbers with more distinct values than this are a quantity, not labels.
MAX_CLASSES = 20


@dataclass(frozen=True)
class ComparisonRow:
    """One line of a :class:`ComparisonTable`.

    Parameters
    ----------
    model : str
        Class name of the estimator.
    hidden_layer_sizes : int, tuple of int, "chosen" or None
        The network's size; "chosen" if it was picked inside each training fold; None for a baseline without one.
    scores : ndarray of shape (n_folds,)
        Test score of each fold.
    fit_seconds : float
        Mean seconds of one fit; in a "chosen" row, of one whole search.
    estimator : Pipeline
        The unfitted model, preprocessing included; in a "chosen" row, at the size chosen on all rows.
    chosen : tuple, default=()
        In a "chosen" row: what each fold picked.
    """

    model: str
    hidden_layer_sizes: object
    scores: np.ndarray
    fit_seconds: float
    estimator: Pipeline
    chosen: tuple = ()

    @property
    def mean_score(self):
        """Mean of the folds' scores."""
        return float(np.mean(self.scores))

    @property
    def std_score(self):
        """Standard deviation of the folds' scores."""
        return float(np.std(self.scores))

    @property
    def size(self):
        """The hidden size as text: ``"5"``, ``"20-10"``, ``"none"``, ``"chosen"``, or ``"-"`` for a baseline."""
        return _size_text(self.hidden_layer_sizes)


@dataclass(frozen=True, repr=False)
class ComparisonTable:
    """What :func:`compare_with_baselines` found; prints as a table.

    Parameters
    ----------
    rows : list of ComparisonRow
        Baselines, then scikit-learn's network and ours, each at every size and at the chosen one.
    metric : {"accuracy", "r2"}
        The score; larger is better.
    data : str
        The data's extent, such as ``"200 rows, 2 features, 2 classes"``.
    n_folds : int
        Number of folds, the same for all rows.
    best_estimator : Pipeline
        Ours, fitted on all rows at the size chosen on all rows.
    chosen : dict
        Class name of each network -> the size chosen on all rows.
    n_unconverged : int
        Fits, inner ones included, that a solver ended before it had converged.

    See Also
    --------
    skmlp_scratch.plotting.ComparisonDisplay : The table as a picture.
    """

    rows: list
    metric: str
    data: str
    n_folds: int
    best_estimator: Pipeline
    chosen: dict
    n_unconverged: int

    def __str__(self):
        """Aligned columns in plain ASCII, and below them how to read the rows called chosen."""
        lines = [("model", "hidden units", self.metric, "std", "fit seconds")]
        lines += [
            (row.model, row.size, f"{row.mean_score:.3f}", f"{row.std_score:.3f}", f"{row.fit_seconds:.3f}")
            for row in self.rows
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        lines.insert(1, tuple("-" * width for width in widths))
        table = [
            "  ".join([cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))])
            for cells in lines
        ]
        return "\n".join([f"{self.data}; {self.n_folds} folds, the same for every row", "", *table, "", *self._notes()])

    __repr__ = __str__

    def _notes(self):
        notes = ["chosen: the size is picked inside each training fold, so this score is not the best of many. Picked:"]
        for row in self.rows:
            if row.chosen:
                picks = ", ".join(map(_size_text, row.chosen))
                notes.append(f"  {row.model}: {picks}; on all rows {_size_text(self.chosen[row.model])}")
        if self.n_unconverged:
            notes.append(f"{self.n_unconverged} fits ended before they had converged: raise max_iter or alpha.")
        return notes

    def to_frame(self):
        """Return the rows as a DataFrame.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``model``, ``hidden_layer_sizes``, ``mean_score``, ``std_score``, ``fit_seconds``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("ComparisonTable.to_frame requires pandas: pip install pandas") from error
        columns = ["model", "hidden_layer_sizes", "mean_score", "std_score", "fit_seconds"]
        return pd.DataFrame({c: pd.Series([getattr(row, c) for row in self.rows]) for c in columns})


def compare_with_baselines(X, y, hidden_layer_sizes=HIDDEN_LAYER_SIZES, cv=5, random_state=0, *, network_params=None):
    """Cross-validate the network at several hidden sizes beside baselines, all on the same folds.

    The baselines are ``DummyClassifier``, ``LogisticRegression`` and scikit-learn's ``MLPClassifier``; for a continuous
    target ``DummyRegressor``, ``Ridge`` and ``MLPRegressor``. The score is accuracy, or R². Both networks get the same
    sizes, settings and seed.

    Each network's sizes are searched with ``GridSearchCV``: one row a size, and the size it would choose on all rows.
    The best of those rows is an optimistic estimate of what the search achieves, so there is one more row a
    network, "chosen": the search is repeated inside every training fold, on 3 inner folds, and scored on the fold
    left out. That is the score to expect on new data. With K folds and S sizes, a network
    costs ``K * (4 * S + 1) + 1`` fits.

    Everything learned from data is learned inside the folds: missing numbers are imputed by the column's median and
    scaled to variance one; strings are one-hot encoded, missing ones being a category of their own and unseen ones all
    zeros. For regression the networks see a scaled target.

    Parameters
    ----------
    X : array-like or dataframe of shape (n_samples, n_features)
        Columns of numbers, strings or both, missing values included (nan, None, ``pandas.NA``). Numbers beside strings
        need a dataframe or ``dtype=object``: in an array of strings every column is a category.
    y : array-like of shape (n_samples,)
        Strings, booleans or up to 20 distinct whole numbers are classes; other numbers are a continuous target. For
        more than 20 numbered classes pass strings.
    hidden_layer_sizes : sequence of int or tuple of int, default=(1, 2, 3, 4, 5, 20, 50)
        The sizes to compare; a tuple describes several layers.
    cv : int, splitter or iterable of (train, test), default=5
        Number of shuffled folds, stratified for classes; or anything else that scikit-learn's ``cv`` takes.
    random_state : int, RandomState instance or None, default=0
        Shuffles the folds and seeds both networks.
    network_params : dict, default=None
        Parameters of both networks, on top of ``activation="tanh"``, ``solver="lbfgs"``, ``alpha=0.1``,
        ``tol=1e-3`` and ``max_iter=5000``.

    Returns
    -------
    table : ComparisonTable
        Prints as a table; ``table.best_estimator`` is fitted on all rows.

    Raises
    ------
    ValueError
        If an argument cannot be used; the message names it.

    Notes
    -----
    Fits run one after the other, and with fewer than a million cells in X on one thread, so that their seconds can be
    compared. On a terminal a progress bar is shown if rich is installed.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skmlp_scratch.comparison import compare_with_baselines
    >>> X, y = make_moons(100, noise=0.2, random_state=0)
    >>> table = compare_with_baselines(X, y, hidden_layer_sizes=[1, 5], cv=2)
    >>> [row.model for row in table.rows if row.size in ("-", "chosen")]
    ['DummyClassifier', 'LogisticRegression', 'MLPClassifier', 'ScratchMLPClassifier']
    """
    sizes = _check_sizes(hidden_layer_sizes)
    X, y = _check_X(X), _check_y(y)
    check_consistent_length(X, y)
    continuous = _is_continuous(y)
    seed = random_state if isinstance(random_state, Integral) else check_random_state(random_state).randint(2**31 - 1)
    outer, inner = _folds(X, y, cv, continuous, seed)
    prepare = _preprocessing(X)
    *baselines, peer, ours = _models(continuous, {**NETWORK_PARAMS, "random_state": seed, **(network_params or {})})
    n_fits = len(outer) * (len(baselines) + 2 * len(sizes) * (1 + INNER_FOLDS) + 2)
    limits = {"limits": 1 if X.shape[0] * X.shape[1] < ONE_THREAD else None, "user_api": "blas"}
    with threadpool_limits(**limits), _progress(n_fits) as advance, _counted_convergence_warnings() as unconverged:
        measure = _Measurement(X, y, outer, inner, "r2" if continuous else "accuracy", advance)
        rows = [measure.baseline(_pipeline(prepare, model)) for model in baselines]
        searches = [measure.search(_pipeline(prepare, network), sizes) for network in (peer, ours)]
    return ComparisonTable(
        rows=rows + [row for found, _ in searches for row in found],
        metric=measure.metric,
        data=_extent(X, y, continuous),
        n_folds=len(outer),
        best_estimator=searches[-1][1].best_estimator_,
        chosen={found[-1].model: _chosen(search) for found, search in searches},
        n_unconverged=len(unconverged),
    )


class _Measurement:
    """Cross-validation of any model on the same rows, folds and score."""

    def __init__(self, X, y, outer, inner, metric, advance):
        self.X, self.y, self.outer, self.inner, self.metric = X, y, outer, inner, metric
        scorer = get_scorer(metric)

        def scoring(estimator, X, y):
            advance()
            return scorer(estimator, X, y)

        self.scoring = scoring

    def baseline(self, pipeline):
        """Return the row of a model without a size."""
        return self._row(pipeline, None, self._cross_validate(pipeline))

    def search(self, pipeline, sizes):
        """Return a row a size and the row of the nested search, and the search over all rows."""
        search = self._grid_search(pipeline, sizes, self.outer).fit(self.X, self.y)
        found = search.cv_results_
        rows = []
        for i, params in enumerate(found["params"]):
            scores = np.array([found[f"split{k}_test_score"][i] for k in range(len(self.outer))])
            fit = {"test_score": scores, "fit_time": found["mean_fit_time"][i]}
            rows.append(self._row(clone(pipeline).set_params(**params), sizes[i], fit))
        nested = self._cross_validate(self._grid_search(pipeline, sizes, self.inner), return_estimator=True)
        chosen = tuple(map(_chosen, nested["estimator"]))
        return [*rows, self._row(clone(search.best_estimator_), "chosen", nested, chosen)], search

    def _grid_search(self, pipeline, sizes, cv):
        grid = {name: sizes for name in pipeline.get_params() if name.endswith("__hidden_layer_sizes")}
        return GridSearchCV(pipeline, grid, scoring=self.scoring, cv=cv, error_score="raise")

    def _cross_validate(self, estimator, **kwargs):
        return cross_validate(
            estimator, self.X, self.y, scoring=self.scoring, cv=self.outer, error_score="raise", **kwargs
        )

    def _row(self, pipeline, size, fit, chosen=()):
        model = pipeline[-1]
        model = getattr(model, "regressor", model)
        seconds = float(np.mean(fit["fit_time"]))
        return ComparisonRow(type(model).__name__, size, fit["test_score"], seconds, pipeline, chosen)


def _chosen(search):
    (size,) = search.best_params_.values()
    return size


def _models(continuous, params):
    """Return the dummy, the linear model, scikit-learn's network and ours."""
    if not continuous:
        linear = LogisticRegression(max_iter=1000)
        return DummyClassifier(), linear, MLPClassifier(**params), ScratchMLPClassifier(**params)
    networks = [
        TransformedTargetRegressor(network(**params), transformer=StandardScaler())
        for network in (MLPRegressor, ScratchMLPRegressor)
    ]
    return DummyRegressor(), Ridge(), *networks


def _pipeline(prepare, model):
    return Pipeline([("prepare", prepare), ("model", model)])


def _preprocessing(X):
    """Impute and scale the numbers; one-hot encode the rest."""
    numeric = np.array([_is_numeric(column, name) for name, column in _columns(X)])
    kinds = np.array([np.asarray(column).dtype.kind for _, column in _columns(X)])
    objects = "O" in kinds[numeric]
    numbers = make_pipeline(
        FunctionTransformer(_convert, kw_args={"kind": float}) if objects else "passthrough",
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
    )
    if numeric.all():
        return numbers
    strings = make_pipeline(
        FunctionTransformer(_convert, kw_args={"kind": str}),
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore"),
    )
    return ColumnTransformer(
        [("numbers", numbers, np.flatnonzero(numeric)), ("strings", strings, np.flatnonzero(~numeric))]
    )


def _columns(X):
    """Yield the name and content of each column of an array or a dataframe."""
    for i, name in enumerate(getattr(X, "columns", range(X.shape[1]))):
        yield name, X.iloc[:, i] if hasattr(X, "iloc") else X[:, i]


def _is_numeric(column, name):
    """Whether a column holds numbers, booleans or nothing at all; dates are refused."""
    if str(column.dtype) == "category":
        return False
    values = np.asarray(column)
    if values.dtype.kind in "mM":
        raise ValueError(f"X: column {name!r} holds dates or durations; turn them into numbers first.")
    if values.dtype.kind == "O":
        return all(isinstance(cell, Real | Decimal) or _is_missing(cell) for cell in values)
    return values.dtype.kind in "biuf"


def _is_missing(cell):
    # pandas.NA refuses to be compared, so missing values are told by their text.
    return cell is None or str(cell) in {"nan", "NaT", "<NA>"}


def _convert(X, kind):
    """Every cell of objects as ``kind``, float or str, and the missing ones as nan, whatever stood for them."""
    cells = np.asarray(X, dtype=object)
    converted = [[np.nan if _is_missing(cell) else kind(cell) for cell in row] for row in cells]
    return np.array(converted, dtype=float if kind is float else object)


def _check_sizes(sizes):
    if isinstance(sizes, str) or not np.iterable(sizes) or len(sizes := list(sizes)) == 0:
        raise ValueError(f"hidden_layer_sizes={sizes!r} must be a sequence of sizes to compare, such as [1, 5, 20].")
    return [
        tuple(int(check_number("hidden_layer_sizes", n, low=1, integer=True)) for n in size)
        if isinstance(size, list | tuple)
        else int(check_number("hidden_layer_sizes", size, low=1, integer=True))
        for size in sizes
    ]


def _check_X(X):
    if issparse(X):
        raise ValueError("X is sparse, and scaling would make it dense: pass X.toarray() if memory allows.")
    if not hasattr(X, "shape"):
        X = np.array(X, dtype=object)
    if len(X.shape) != 2 or 0 in X.shape:
        raise ValueError(f"X has shape {tuple(X.shape)}; it needs rows and columns, at least one of each.")
    return X


def _check_y(y):
    y = np.asarray(y)
    if y.ndim != 1 and y.size != len(y):
        raise ValueError(f"y has shape {y.shape}; a comparison takes one target, of shape (n_samples,).")
    y = y.ravel()
    missing = [i for i, cell in enumerate(y) if _is_missing(cell)]
    if missing:
        raise ValueError(f"y is missing in {len(missing)} rows, the first is row {missing[0]}: leave those rows out.")
    if y.dtype.kind == "O":
        y = y.astype(float if all(isinstance(cell, Real | Decimal) for cell in y) else str)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise ValueError("y holds infinite values: leave those rows out.")
    return y


def _is_continuous(y):
    values = np.unique(y)
    if len(values) == 1:
        raise ValueError(f"y has one value only, {values.tolist()[0]!r}: there is nothing to predict.")
    return y.dtype.kind in "iuf" and (len(values) > MAX_CLASSES or bool(np.any(values % 1)))


def _folds(X, y, cv, continuous, seed):
    """Return the outer folds, fixed once for all models, and the splitter for the inner ones."""
    kind = KFold if continuous else StratifiedKFold
    if isinstance(cv, Integral):
        splitter = kind(check_number("cv", cv, low=2, integer=True), shuffle=True, random_state=seed)
        _check_rows(y, cv, continuous)
    else:
        splitter = check_cv(cv, y, classifier=not continuous)
    return list(splitter.split(X, y)), kind(INNER_FOLDS, shuffle=True, random_state=seed)


def _check_rows(y, cv, continuous):
    """Every test fold needs a row of each class, or two rows for R², and so does every inner one."""
    names, counts = (["y"], [len(y)]) if continuous else np.unique(y, return_counts=True)
    least = 2 if continuous else 1
    for name, count in zip(np.asarray(names).tolist(), np.asarray(counts).tolist(), strict=True):
        training = count - -(-count // cv)
        if count < least * cv or training < least * INNER_FOLDS:
            what = "y" if continuous else f"class {name!r} of y"
            raise ValueError(
                f"{what} has {count} rows, too few for cv={cv} folds and {INNER_FOLDS} inner ones: "
                f"{'add rows or lower cv' if continuous else 'add rows, or leave the class out'}."
            )


def _extent(X, y, continuous):
    target = "a continuous target" if continuous else f"{len(np.unique(y))} classes"
    return f"{X.shape[0]} rows, {X.shape[1]} features, {target}"


def _size_text(size):
    if isinstance(size, tuple):
        return "-".join(map(str, size)) or "none"
    return "-" if size is None else str(size)


@contextmanager
def _counted_convergence_warnings():
    """Yield a list that collects convergence warnings, which the table counts; pass on every other warning."""
    unconverged = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        # On Ctrl-C a network warns and ends its fit; the comparison must not go on with half of the training.
        warnings.filterwarnings("error", INTERRUPTED, UserWarning)
        try:
            yield unconverged
        except UserWarning as warning:
            if str(warning) == INTERRUPTED:
                raise KeyboardInterrupt from warning
            raise
    for warning in caught:
        if issubclass(warning.category, ConvergenceWarning):
            unconverged.append(warning)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


@contextmanager
def _progress(total):
    """Yield a function to call after each fit: it moves rich's progress bar where there is rich and a terminal."""
    console = _terminal()
    if console is None:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [TextColumn("fits"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("fits", total=total)
        yield lambda: progress.advance(task)


def _terminal():
    """Return rich's console for standard error, or None without rich or without a terminal."""
    try:
        from rich.console import Console
    except ImportError:
        return None
    console = Console(stderr=True)
    return console if console.is_terminal else None

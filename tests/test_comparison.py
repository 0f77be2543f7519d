"""The comparison: same folds for all, nothing learned outside them, an honest score for the chosen size."""

import contextlib
import io
import pickle
import re
import sys
import warnings
from decimal import Decimal
from functools import partial

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.comparison import ComparisonRow, ComparisonTable, _folds, _models, _run, compare_with_baselines
from skmlp_scratch.encoding import TableEncoder
from skmlp_scratch.stopping import InterruptedFit
from skmlp_scratch.tables import EncodedColumn, EncodedColumns

X, Y = make_moons(90, noise=0.2, random_state=0)
BASELINES = [candidate.kind for candidate in _models.baselines(False, 0)]
N_TREES = 5
METRICS = ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc"]
SETTINGS = {"activation": "tanh", "solver": "lbfgs", "alpha": 0.1, "tol": 1e-3, "max_iter": 5000, "random_state": 0}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """The comparison limits itself; the same limit here makes what it is compared with comparable, and fast."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(scope="module", autouse=True)
def quick_baselines():
    """Gradient boosting and the network for tables are compared, not tested."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("Classifier", "Regressor"):
            trees, tabular = f"HistGradientBoosting{kind}", f"ScratchTabular{kind}"
            patch.setattr(_models, trees, partial(getattr(_models, trees), max_iter=N_TREES))
            if getattr(_models, tabular) is not None:
                patch.setattr(_models, tabular, partial(getattr(_models, tabular), max_iter=2, n_members=1))
        yield


@pytest.fixture(scope="module")
def table():
    return compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3)


def rows_of(table, model):
    """The rows of a network, in the order of its sizes, the chosen one last."""
    rows = [row for row in table.rows if row.model == model]
    return sorted(rows, key=lambda row: (row.size == "chosen", str(row.size)))


def row_of(table, kind):
    (row,) = (row for row in table.rows if row.kind == kind)
    return row


def encoded(network):
    return make_pipeline(TableEncoder(n_bins=0), network)


def scores_of(table):
    """All scores, by model and size."""
    return {(row.model, row.size): {name: s.tolist() for name, s in row.scores.items()} for row in table.rows}


def test_rows(table):
    found = {(row.kind, row.model, row.hidden_layer_sizes) for row in table.rows}
    assert {kind for kind, _, size in found if size is None} == set(BASELINES)
    assert {
        ("dummy", "DummyClassifier", None),
        ("linear", "LogisticRegression", None),
        ("trees", "HistGradientBoostingClassifier", None),
        *[("network", "MLPClassifier", size) for size in (1, 4, "chosen")],
        *[("network", "ScratchMLPClassifier", size) for size in (1, 4, "chosen")],
    } <= found
    assert len(found) == len(table.rows) == len(BASELINES) + 6
    assert [row.size for row in rows_of(table, "MLPClassifier")] == ["1", "4", "chosen"]
    assert row_of(table, "dummy").size == "-"
    assert (table.metric, table.n_folds, table.n_unconverged) == ("accuracy", 3, 0)
    for row in table.rows:
        assert list(row.scores) == table.metrics == METRICS
        assert {scores.shape for scores in row.scores.values()} == {(3,)}
        accuracies = row.scores["accuracy"]
        assert (row.mean_score, row.std_score) == (np.mean(accuracies), np.std(accuracies))
        assert row.mean("roc_auc") == np.mean(row.scores["roc_auc"])
        assert row.fit_seconds > 0


def test_the_best_row_is_first(table):
    means = [row.mean_score for row in table.rows]
    assert means == sorted(means, reverse=True)
    assert table.rows[-1].kind == "dummy"


def test_the_winner_was_not_picked_for_its_score(table):
    assert table.winner.size in ("-", "chosen")
    assert table.winner.mean_score == max(row.mean_score for row in table.rows if row.size in ("-", "chosen"))


def test_every_row_is_scored_on_the_same_folds(table):
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    models = {
        ("linear", "-"): LogisticRegression(),
        ("trees", "-"): HistGradientBoostingClassifier(max_iter=N_TREES, random_state=0),
        **{("MLPClassifier", str(size)): MLPClassifier(size, **SETTINGS) for size in (1, 4)},
        **{("ScratchMLPClassifier", str(size)): ScratchMLPClassifier(size, **SETTINGS) for size in (1, 4)},
    }
    for (name, size), model in models.items():
        (row,) = (row for row in table.rows if name in (row.kind, row.model) and row.size == size)
        for metric, scores in row.scores.items():
            np.testing.assert_array_equal(scores, cross_val_score(encoded(model), X, Y, cv=folds, scoring=metric))


def test_chosen_rows_are_a_nested_search(table):
    inner, outer = (StratifiedKFold(n, shuffle=True, random_state=0) for n in (3, 3))
    for kind in (MLPClassifier, ScratchMLPClassifier):
        name = kind.__name__
        search = GridSearchCV(encoded(kind(**SETTINGS)), {f"{name.lower()}__hidden_layer_sizes": [1, 4]}, cv=inner)
        nested = cross_validate(search, X, Y, cv=outer, return_estimator=True)
        *sizes, chosen = rows_of(table, name)
        np.testing.assert_array_equal(chosen.scores["accuracy"], nested["test_score"])
        assert chosen.chosen == tuple(*zip(*(s.best_params_.values() for s in nested["estimator"]), strict=True))
        best = max(sizes, key=lambda row: row.mean_score)
        assert table.chosen[name] == best.hidden_layer_sizes


def test_noise_gives_the_chosen_size_no_better_score_than_the_rest():
    # Labels that nothing predicts: the best of many sizes looks better than chance, the nested score does not.
    rng = np.random.default_rng(1)
    noise, labels = rng.normal(size=(60, 2)), rng.permutation(60) % 2
    table = compare_with_baselines(noise, labels, hidden_layer_sizes=[1, 2, 4], cv=3)
    *sizes, chosen = rows_of(table, "ScratchMLPClassifier")
    assert chosen.mean_score < max(row.mean_score for row in sizes)


def test_best_estimator_is_fitted_on_all_rows_at_the_chosen_size(table):
    size = table.chosen["ScratchMLPClassifier"]
    expected = encoded(ScratchMLPClassifier(size, **SETTINGS)).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(table.best_estimator.predict_proba(X), expected)
    assert table.best_estimator[-1].hidden_layer_sizes == size


def test_each_row_keeps_its_unfitted_model(table):
    for row in table.rows:
        model = clone(row.estimator).fit(X, Y)
        assert type(model[-1]).__name__ == row.model
        size = row.hidden_layer_sizes if row.hidden_layer_sizes != "chosen" else table.chosen[row.model]
        assert row.kind == "tabular" or getattr(row.estimator[-1], "hidden_layer_sizes", None) == size
        assert not hasattr(row.estimator[-1], "classes_")


def test_same_random_state_same_table(table):
    again = compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3)
    other = compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3, random_state=np.random.RandomState(3))
    scores, same, different = map(scores_of, (table, again, other))
    assert scores == same
    assert scores != different


def test_networks_with_the_same_settings_agree(table):
    for theirs, ours in zip(rows_of(table, "MLPClassifier"), rows_of(table, "ScratchMLPClassifier"), strict=True):
        assert abs(theirs.mean_score - ours.mean_score) <= 0.05


def test_prints_as_an_aligned_table(table):
    text = str(table)
    assert text == repr(table)
    assert text.isascii()
    first, _, head, rule, *body = text.split("\n")
    assert first == "90 rows, 2 features, 2 classes; 3 folds, the same for every row"
    titles = ["model", "hidden units", "accuracy", "std", "balanced accuracy", "log loss", "ROC AUC", "fit seconds"]
    assert re.split("  +", head) == titles
    lines = body[: len(table.rows)]
    assert {len(line) for line in lines} == {len(head)} == {len(rule)}
    for row, line in zip(table.rows, lines, strict=True):
        name, size, mean, std, balanced, log_loss, auc, seconds = line.split()
        assert (name, size) == (row.model, row.size)
        assert (mean, std, seconds) == tuple(f"{v:.3f}" for v in (row.mean_score, row.std_score, row.fit_seconds))
        others = (row.mean("balanced_accuracy"), -row.mean("neg_log_loss"), row.mean("roc_auc"))
        assert (balanced, log_loss, auc) == tuple(f"{v:.3f}" for v in others)
    *_, chosen = rows_of(table, "ScratchMLPClassifier")
    picks = ", ".join(map(str, chosen.chosen))
    assert f"ScratchMLPClassifier: {picks}; on all rows {table.chosen['ScratchMLPClassifier']}" in text
    assert "Lower is better for log loss." in text
    for absent in ("converged", "Interrupted", "columns:", "one class"):
        assert absent not in text


def test_to_frame(table):
    pytest.importorskip("pandas")
    frame = table.to_frame()
    columns = ["model", "hidden_layer_sizes", "mean_score", "std_score", "fit_seconds", "kind"]
    assert list(frame.columns) == [*columns, *(f"mean_{metric}" for metric in METRICS)]
    assert frame["kind"].tolist() == [row.kind for row in table.rows]
    assert frame["mean_roc_auc"].tolist() == [row.mean("roc_auc") for row in table.rows]
    assert frame["model"].tolist() == [row.model for row in table.rows]
    assert frame["hidden_layer_sizes"].tolist() == [row.hidden_layer_sizes for row in table.rows]
    assert frame["mean_score"].tolist() == [row.mean_score for row in table.rows]


def test_to_frame_without_pandas(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_frame requires pandas: pip install pandas"):
        table.to_frame()


def test_pickles(table):
    again = pickle.loads(pickle.dumps(table))
    assert str(again) == str(table)
    np.testing.assert_array_equal(again.best_estimator.predict(X), table.best_estimator.predict(X))


def test_several_layers():
    table = compare_with_baselines(X, Y, hidden_layer_sizes=[3, (4, 2), ()], cv=2)
    rows = rows_of(table, "ScratchMLPClassifier")
    assert [row.size for row in rows] == ["3", "4-2", "none", "chosen"]
    assert [clone(row.estimator).fit(X, Y)[-1].n_layers_ for row in rows[:3]] == [3, 4, 2]


def test_continuous_target():
    data = np.random.default_rng(0).normal(size=(90, 3))
    target = 1e6 + 1e4 * np.sinh(data @ [1.0, 0.5, 0.0])
    table = compare_with_baselines(data, target, hidden_layer_sizes=[2], cv=2)
    assert table.metric == "r2"
    assert table.metrics == ["r2", "neg_root_mean_squared_error", "neg_mean_absolute_error"]
    models = {"DummyRegressor", "Ridge", "HistGradientBoostingRegressor", "MLPRegressor", "ScratchMLPRegressor"}
    assert models <= {row.model for row in table.rows}
    linear, (_, ours) = row_of(table, "linear"), rows_of(table, "ScratchMLPRegressor")
    assert "90 rows, 3 features, a continuous target; 2 folds" in str(table)
    folds = KFold(2, shuffle=True, random_state=0)
    for metric in table.metrics:
        expected = cross_val_score(make_pipeline(StandardScaler(), Ridge()), data, target, cv=folds, scoring=metric)
        np.testing.assert_allclose(linear.scores[metric], expected, rtol=1e-3)
    assert "Lower is better for RMSE and MAE." in str(table)
    # The networks see a scaled target, without which this one would be far beyond their reach.
    assert ours.mean_score > linear.mean_score
    np.testing.assert_allclose(table.best_estimator.predict(data).mean(), target.mean(), rtol=1e-3)


@pytest.mark.parametrize(
    "target, metric",
    [
        (np.arange(300) % 20, "accuracy"),
        (np.arange(120) % 21, "r2"),
        ((np.arange(315) % 21).astype(str), "accuracy"),
        ((np.arange(120) % 3).astype(float), "accuracy"),
        (np.arange(120) % 3 + 0.5, "r2"),
        (np.arange(120) % 2 == 0, "accuracy"),
        (np.array([Decimal(i % 30) for i in range(120)], dtype=object), "r2"),
        (np.array(["a", "b", 1] * 40, dtype=object), "accuracy"),
        (np.arange(120).reshape(-1, 1) % 2, "accuracy"),
    ],
)
# scikit-learn 1.7 looks for the kind of target in the list of classes, where each occurs once.
@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%:UserWarning")
def test_kind_of_target(target, metric):
    data = np.random.default_rng(0).normal(size=(len(target), 2))
    assert compare_with_baselines(data, target, hidden_layer_sizes=[1], cv=3).metric == metric


def mixed(n=60):
    """Columns of every kind with missing cells, and a target that needs both numbers and strings."""
    rng = np.random.default_rng(0)
    number, color = rng.normal(size=n), rng.choice(["red", "blue"], n)
    y = np.where((number > 0) ^ (color == "red"), "yes", "no")
    cells = np.column_stack([number.astype(object), color.astype(object), rng.normal(size=n).astype(object)])
    cells[::7, 2] = None
    cells[1::9, 2] = np.nan
    return cells, y


def test_strings_and_missing_cells_in_an_array():
    cells, y = mixed()
    cells[3, 1], cells[4, 1] = None, np.nan
    table = compare_with_baselines(cells, y, hidden_layer_sizes=[6], cv=3)
    assert rows_of(table, "ScratchMLPClassifier")[0].mean_score > row_of(table, "linear").mean_score + 0.2
    assert [(column.kind, column.n_out) for column in table.columns] == [("number", 1), ("category", 3), ("number", 2)]
    assert "columns: 2 numbers, 1 category" in str(table)
    assert table.best_estimator[0].columns_ == table.columns


def test_identifiers_and_dates_are_said_and_handled(recwarn):
    rng = np.random.default_rng(0)
    days = np.datetime64("2024-01-01") + rng.integers(0, 300, 90).astype("timedelta64[D]")
    y = np.where((days > np.datetime64("2024-06-01")) ^ (rng.random(90) < 0.05), "late", "early")
    data = np.empty((90, 3), dtype=object)
    data[:, 0], data[:, 1], data[:, 2] = [f"key {i}" for i in range(90)], days.astype(object), "same"
    table = compare_with_baselines(data, y, hidden_layer_sizes=[2], cv=3)
    assert len(recwarn) == 0
    text = str(table)
    assert "columns: 1 identifier, 1 date, 1 constant" in text
    assert "0: identifier dropped, nearly all values differ" in text
    assert "1: date as days, month, weekday" in text
    assert "2: constant dropped, one value" in text
    assert rows_of(table, "ScratchMLPClassifier")[0].mean_score > 0.8


def test_unseen_category_is_predicted():
    cells, y = mixed()
    cells[0, 1] = "green"  # in one test fold only
    best = compare_with_baselines(cells, y, hidden_layer_sizes=[2], cv=3).best_estimator
    cells[1, 1] = "never seen before"
    assert set(best.predict(cells)) <= {"yes", "no"}


def test_lists_are_taken_as_they_are():
    cells, y = mixed()
    one, other = (compare_with_baselines(data, y, [2], cv=2) for data in (cells, cells.tolist()))
    assert scores_of(one) == scores_of(other)


def test_column_without_a_value_and_constant_column():
    cells, y = mixed()
    cells[:, 2] = None
    data = np.column_stack([cells, np.full(len(y), "same", dtype=object)])
    table = compare_with_baselines(data, y, [4], cv=2)
    assert rows_of(table, "ScratchMLPClassifier")[0].mean_score > 0.5


def test_pandas_frame_of_every_dtype():
    pd = pytest.importorskip("pandas")
    cells, y = mixed()
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "number": cells[:, 0].astype(float),
            "color": pd.array(cells[:, 1], dtype="string"),
            "objects": cells[:, 2],
            "nullable": pd.array(rng.choice([1, 2, None], len(y)), dtype="Int64"),
            "category": pd.Categorical(rng.choice([1, 2], len(y))),
            "flag": rng.normal(size=len(y)) > 0,
        }
    )
    frame.loc[3, "color"] = pd.NA
    table = compare_with_baselines(frame, pd.Series(y), hidden_layer_sizes=[6], cv=3)
    kinds = ["number", "category", "number", "boolean", "category", "boolean"]
    assert [column.kind for column in table.columns] == kinds
    assert np.mean(table.best_estimator.predict(frame) == y) > 0.9


def test_polars_frame():
    pl = pytest.importorskip("polars")
    cells, y = mixed()
    frame = pl.DataFrame({"number": cells[:, 0].astype(float), "color": [None, *cells[1:, 1]]})
    table = compare_with_baselines(frame, y, hidden_layer_sizes=[6], cv=3)
    assert np.mean(table.best_estimator.predict(frame) == y) > 0.9


def test_cv_takes_splitters_and_splits():
    shuffle = ShuffleSplit(2, random_state=np.random.RandomState(0))
    table = compare_with_baselines(X, Y, [1], cv=shuffle)
    # One draw of a splitter that differs each time serves all rows.
    assert len({row.scores["accuracy"].shape for row in table.rows}) == 1
    splits = list(ShuffleSplit(2, random_state=np.random.RandomState(0)).split(X))
    again = compare_with_baselines(X, Y, [1], cv=iter(splits))
    assert scores_of(table) == scores_of(again)


def test_network_params_reach_both_networks():
    table = compare_with_baselines(X, Y, [2], cv=2, network_params={"activation": "logistic", "alpha": 1.0})
    for row in rows_of(table, "MLPClassifier") + rows_of(table, "ScratchMLPClassifier"):
        params = row.estimator[-1].get_params()
        assert (params["activation"], params["alpha"], params["solver"]) == ("logistic", 1.0, "lbfgs")


def test_fits_that_do_not_converge_are_counted_and_said_once(recwarn):
    table = compare_with_baselines(X, Y, [2, 3], cv=2, network_params={"max_iter": 2})
    # Both networks: 2 sizes on 2 folds; in each fold 2 sizes on 3 inner folds and the best again. Ours on all rows.
    assert table.n_unconverged == 2 * (2 * 2 + 2 * (2 * 3 + 1)) + 1
    assert f"{table.n_unconverged} fits ended before they had converged: raise max_iter or alpha." in str(table)
    assert len(recwarn) == 0


def test_other_warnings_are_passed_on(monkeypatch):
    def fit(self, X, y):
        warnings.warn("from within", FutureWarning, stacklevel=1)
        return original(self, X, y)

    original = ScratchMLPClassifier.fit
    monkeypatch.setattr(ScratchMLPClassifier, "fit", fit)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        with pytest.warns(FutureWarning, match="from within"):
            compare_with_baselines(X, Y, [1], cv=2)


@pytest.mark.parametrize("cells, limit", [(181, 1), (180, None)])
def test_small_data_run_on_one_thread(cells, limit, monkeypatch):
    def limits(limits):
        assert limits == limit
        raise StopIteration

    monkeypatch.setattr(_run, "ONE_THREAD", cells)
    monkeypatch.setattr(_run, "threadpool_limits", limits)
    with pytest.raises(StopIteration):
        compare_with_baselines(X, Y, [1], cv=2)


def test_one_thread_is_all_that_the_networks_see(monkeypatch):
    def fit(self, X, y):
        seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return original(self, X, y)

    seen, original = set(), ScratchMLPClassifier.fit
    monkeypatch.setattr(ScratchMLPClassifier, "fit", fit)
    with threadpool_limits(2, user_api="blas"):
        compare_with_baselines(X, Y, [1], cv=2)
    assert seen == {1}


@pytest.mark.parametrize("real", [True, False])
def test_interrupt_leaves_what_was_measured(real, monkeypatch):
    def fit(self, X, y):
        if self.hidden_layer_sizes == 4:
            if real:
                raise KeyboardInterrupt
            warnings.warn("Training interrupted by user.", InterruptedFit, stacklevel=1)
        return original(self, X, y)

    original = ScratchMLPClassifier.fit
    monkeypatch.setattr(ScratchMLPClassifier, "fit", fit)
    with pytest.warns(InterruptedFit, match="the table is partial"):
        table = compare_with_baselines(X, Y, [1, 4, 5], cv=2)
    assert table.interrupted
    assert sorted(row.kind for row in table.rows) == sorted([*BASELINES, "network"])
    assert [row.size for row in rows_of(table, "ScratchMLPClassifier")] == ["1"]
    assert "Interrupted: the table is partial" in str(table)
    assert table.best_estimator is None
    assert table.chosen == {}
    assert table.winner.size == "-"


def test_interrupt_before_the_first_row_is_an_interrupt(monkeypatch):
    def fit(self, X, y, sample_weight=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(DummyClassifier, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        compare_with_baselines(X, Y, [1], cv=2)


def test_interrupt_within_a_real_fit_ends_the_comparison(monkeypatch):
    from skmlp_scratch.objective import Objective

    def interrupted(self, params, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Objective, "loss_and_grad", interrupted)
    with pytest.warns(InterruptedFit):
        table = compare_with_baselines(X, Y, [1], cv=2)
    assert {"dummy", "linear", "trees"} <= {row.kind for row in table.rows} <= set(BASELINES)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    stderr, stdout = Terminal(), io.StringIO()
    with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(stdout):
        compare_with_baselines(X, Y, [1, 2], cv=2)
    counts = re.findall(r"(\d+)/(\d+)", re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", stderr.getvalue()))
    # Baselines on 2 folds; a network: 2 sizes on 2 folds, and in each fold 2 sizes on 3 inner folds and the result.
    total = str(2 * len(BASELINES) + 2 * (2 * 2 + 2 * (2 * 3 + 1)))
    assert counts[0] == ("0", total)
    assert counts[-1] == (total, total)
    assert stdout.getvalue() == ""


def test_progress_without_rich(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"] + ["rich", "rich.console"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("skmlp_scratch.comparison._progress.LEAST_SECONDS", 0)
    with contextlib.redirect_stderr(Terminal()) as stderr:
        compare_with_baselines(X, Y, [1], cv=2)
    total = 2 * len(BASELINES) + 2 * (2 + 2 * (3 + 1))
    shown = stderr.getvalue().split("\r")
    assert shown[1 : total + 1] == [f"fits {i}/{total}" for i in range(1, total + 1)]
    assert "".join(shown[total + 1 :]).strip() == ""


def test_no_progress_elsewhere(capsys):
    compare_with_baselines(X, Y, [1], cv=2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "metric, value, text",
    [
        ("r2", 0.12345, "0.123"),
        ("r2", -0.0003, "0.000"),
        ("r2", -1.5, "-1.500"),
        ("neg_log_loss", -0.12345, "0.123"),
        ("neg_root_mean_squared_error", -20190.4, "20190"),
        ("neg_root_mean_squared_error", -1.5e12, "1.5e+12"),
        ("neg_mean_absolute_error", -0.0000123, "1.23e-05"),
    ],
)
def test_scores_and_errors_are_legible(metric, value, text):
    row = ComparisonRow("Ridge", "linear", None, {metric: np.array([value, value])}, 0.1, None)
    columns = EncodedColumns([EncodedColumn("a", "number", "standardized", 1)])
    table = ComparisonTable([row], [metric], "2 rows", columns, 2, None)
    assert str(table).splitlines()[4].split()[2] == text
    assert table.score_text(row).split()[-1] == text


@pytest.mark.parametrize(
    "scoring, names",
    [
        ("roc_auc", ["roc_auc"]),
        (["log_loss", "accuracy"], ["neg_log_loss", "accuracy"]),
        (("f1",), ["f1"]),
    ],
)
def test_scoring(scoring, names):
    table = compare_with_baselines(X, Y, [2, 3], cv=2, scoring=scoring)
    assert table.metrics == names
    assert all(list(row.scores) == names for row in table.rows)
    means = [row.mean(names[0]) for row in table.rows]
    assert means == sorted(means, reverse=True)
    *sizes, _ = rows_of(table, "ScratchMLPClassifier")
    best = max(sizes, key=lambda row: row.mean(names[0]))
    assert table.chosen["ScratchMLPClassifier"] == best.hidden_layer_sizes


def test_scores_of_more_than_two_classes():
    data, target = load_iris(return_X_y=True)
    table = compare_with_baselines(data, target, [2], cv=2)
    assert table.metrics == ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc_ovr"]


def test_folds_without_a_class_are_scored_by_accuracy_alone():
    rows = np.argsort(Y, kind="stable")
    folds = [(np.r_[rows[:30], rows[-30:]], rows[30:40]), (np.r_[rows[:40], rows[-20:]], rows[50:70])]
    assert compare_with_baselines(X, Y, [2], cv=folds).metrics == ["accuracy"]


def test_rare_classes_are_said():
    rng = np.random.default_rng(0)
    data, target = rng.normal(size=(200, 2)), np.arange(200) % 20 == 0
    text = str(compare_with_baselines(data, target, [1], cv=2))
    assert "95.0% of the rows are of one class: accuracy tells little, so ROC AUC ranks." in text
    by_accuracy = compare_with_baselines(data, target, [1], cv=2, scoring="accuracy")
    assert "95.0% of the rows are of one class: accuracy tells little, rank by roc_auc" in str(by_accuracy)
    assert "one class" not in str(compare_with_baselines(data, target, [1], cv=2, scoring="roc_auc"))


def test_many_rows_take_one_inner_fold(monkeypatch):
    monkeypatch.setattr(_folds, "MANY_ROWS", 80)
    totals = []

    def progress(what, total):
        totals.append(total)
        return contextlib.nullcontext(lambda: None)

    monkeypatch.setattr(_run, "progress", progress)
    table = compare_with_baselines(X, Y, [2, 3], cv=2)
    assert totals == [2 * (len(BASELINES) + 2 * (2 * (1 + 1) + 1))]
    assert len(rows_of(table, "ScratchMLPClassifier")[-1].chosen) == 2


@pytest.mark.parametrize(
    "change, message",
    [
        ({"hidden_layer_sizes": []}, r"hidden_layer_sizes=\[\] must be a sequence"),
        ({"hidden_layer_sizes": 5}, "hidden_layer_sizes=5 must be a sequence"),
        ({"hidden_layer_sizes": "5"}, "hidden_layer_sizes='5' must be a sequence"),
        ({"hidden_layer_sizes": [0]}, "hidden_layer_sizes=0 must be a whole number"),
        ({"hidden_layer_sizes": [2.5]}, "hidden_layer_sizes=2.5 must be a whole number"),
        ({"hidden_layer_sizes": [(3, -1)]}, "hidden_layer_sizes=-1 must be a whole number"),
        ({"cv": 1}, "cv=1 must be a whole number of at least 2"),
        ({"cv": 200}, "class 0 of y has 45 rows, too few for cv=200"),
        ({"X": X[:0], "y": Y[:0]}, r"0 sample\(s\)"),
        ({"X": X[:, 0]}, "Expected 2D array"),
        ({"scoring": "speed"}, "scoring='speed' is unknown"),
        ({"scoring": []}, "must name at least one score"),
        ({"X": X[1:]}, "inconsistent numbers of samples"),
        ({"y": np.full(90, np.datetime64("2020-01-01"))}, "y holds dates"),
        ({"y": np.zeros(90)}, "y has one value only, 0.0"),
        ({"y": np.column_stack([Y, Y])}, r"y has shape \(90, 2\)"),
        ({"y": np.where(np.arange(90) > 1, 1.5, np.nan)}, "y is missing in 2 rows, the first is row 0"),
        ({"y": np.array([*["a", "b"] * 44, "a", None], dtype=object)}, "y is missing in 1 rows, the first is row 89"),
        ({"y": np.where(np.arange(90) > 1, 1.5, np.inf)}, "y holds infinite values"),
        ({"y": np.r_[Y[:-2] + 1, 0, 0]}, "class 0 of y has 2 rows, too few for cv=5 folds and 3 inner ones"),
        ({"X": X[:9], "y": np.arange(9) + 0.5}, "y has 9 rows, too few for cv=5 folds and 3 inner ones: add rows"),
        ({"cv": GroupKFold(2)}, "groups"),
        ({"network_params": {"alpha": -1}}, "alpha"),
    ],
)
def test_bad_input_is_one_clear_error(change, message):
    with pytest.raises(ValueError, match=message):
        compare_with_baselines(**{"X": X, "y": Y, "hidden_layer_sizes": [1]} | change)


def test_sparse_is_refused():
    with pytest.raises(TypeError, match="X is sparse"):
        compare_with_baselines(csr_array(X), Y)


def test_inputs_are_left_alone():
    cells, y = mixed()
    before, target, sizes = cells.copy(), y.copy(), [2, (3,)]
    compare_with_baselines(cells, y, sizes, cv=2)
    assert all(a is b for a, b in zip(cells.ravel(), before.ravel(), strict=True))
    np.testing.assert_array_equal(y, target)
    assert sizes == [2, (3,)]

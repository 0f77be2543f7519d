"""The comparison: same folds for all, nothing learned outside them, an honest score for the chosen size."""

import contextlib
import io
import pickle
import re
import sys
from decimal import Decimal
from unittest.mock import patch

import numpy as np
import pytest
from own_process import in_own_process
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import make_moons
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

from skmlp_scratch import ScratchMLPClassifier, comparison
from skmlp_scratch.comparison import compare_with_baselines

# The comparison limits itself; the same limit here makes what it is compared with comparable, and fast.
pytestmark = pytest.mark.usefixtures("one_blas_thread")

X, Y = make_moons(90, noise=0.2, random_state=0)
MODELS = ["DummyClassifier", "LogisticRegression", "MLPClassifier", "ScratchMLPClassifier"]
SETTINGS = {"activation": "tanh", "solver": "lbfgs", "alpha": 0.1, "tol": 1e-3, "max_iter": 5000, "random_state": 0}


@pytest.fixture(scope="module")
def table():
    return compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3)


def rows_of(table, model):
    return [row for row in table.rows if row.model == model]


def scaled(network):
    return make_pipeline(StandardScaler(), network)


def test_rows(table):
    assert [(row.model, row.hidden_layer_sizes) for row in table.rows] == [
        ("DummyClassifier", None),
        ("LogisticRegression", None),
        *[("MLPClassifier", size) for size in (1, 4, "chosen")],
        *[("ScratchMLPClassifier", size) for size in (1, 4, "chosen")],
    ]
    assert [row.size for row in table.rows] == ["-", "-", "1", "4", "chosen", "1", "4", "chosen"]
    assert (table.metric, table.n_folds, table.n_unconverged) == ("accuracy", 3, 0)
    for row in table.rows:
        assert row.scores.shape == (3,)
        assert (row.mean_score, row.std_score) == (np.mean(row.scores), np.std(row.scores))
        assert row.fit_seconds > 0


def test_every_row_is_scored_on_the_same_folds(table):
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    _, linear, *networks = table.rows
    np.testing.assert_array_equal(linear.scores, cross_val_score(scaled(LogisticRegression()), X, Y, cv=folds))
    for row in networks:
        if row.hidden_layer_sizes != "chosen":
            kind = MLPClassifier if row.model == "MLPClassifier" else ScratchMLPClassifier
            expected = cross_val_score(scaled(kind(row.hidden_layer_sizes, **SETTINGS)), X, Y, cv=folds)
            np.testing.assert_array_equal(row.scores, expected)


def test_chosen_rows_are_a_nested_search(table):
    inner, outer = (StratifiedKFold(n, shuffle=True, random_state=0) for n in (3, 3))
    for kind in (MLPClassifier, ScratchMLPClassifier):
        name = kind.__name__
        search = GridSearchCV(scaled(kind(**SETTINGS)), {f"{name.lower()}__hidden_layer_sizes": [1, 4]}, cv=inner)
        nested = cross_validate(search, X, Y, cv=outer, return_estimator=True)
        *sizes, chosen = rows_of(table, name)
        np.testing.assert_array_equal(chosen.scores, nested["test_score"])
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
    expected = scaled(ScratchMLPClassifier(size, **SETTINGS)).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(table.best_estimator.predict_proba(X), expected)
    assert table.best_estimator[-1].hidden_layer_sizes == size


def test_each_row_keeps_its_unfitted_model(table):
    for row in table.rows:
        model = clone(row.estimator).fit(X, Y)
        assert type(model[-1]).__name__ == row.model
        size = row.hidden_layer_sizes if row.hidden_layer_sizes != "chosen" else table.chosen[row.model]
        assert getattr(row.estimator[-1], "hidden_layer_sizes", None) == size
        assert not hasattr(row.estimator[-1], "classes_")


def test_same_random_state_same_table(table):
    again = compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3)
    other = compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3, random_state=np.random.RandomState(3))
    scores, same, different = ([row.scores.tolist() for row in t.rows] for t in (table, again, other))
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
    assert head.split() == ["model", "hidden", "units", "accuracy", "std", "fit", "seconds"]
    lines = body[: len(table.rows)]
    assert {len(line) for line in lines} == {len(head)} == {len(rule)}
    for row, line in zip(table.rows, lines, strict=True):
        name, size, mean, std, seconds = line.split()
        assert (name, size) == (row.model, row.size)
        assert (mean, std, seconds) == tuple(f"{v:.3f}" for v in (row.mean_score, row.std_score, row.fit_seconds))
    picks = ", ".join(map(str, table.rows[-1].chosen))
    assert f"ScratchMLPClassifier: {picks}; on all rows {table.chosen['ScratchMLPClassifier']}" in text
    assert "converged" not in text


def test_to_frame(table):
    pytest.importorskip("pandas")
    frame = table.to_frame()
    assert list(frame.columns) == ["model", "hidden_layer_sizes", "mean_score", "std_score", "fit_seconds"]
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
    assert [row.size for row in rows_of(table, "ScratchMLPClassifier")] == ["3", "4-2", "none", "chosen"]
    layers = [clone(row.estimator).fit(X, Y)[-1].n_layers_ for row in rows_of(table, "ScratchMLPClassifier")[:3]]
    assert layers == [3, 4, 2]


def test_continuous_target():
    data = np.random.default_rng(0).normal(size=(90, 3))
    target = 1e6 + 1e4 * np.sinh(data @ [1.0, 0.5, 0.0])
    table = compare_with_baselines(data, target, hidden_layer_sizes=[2], cv=2)
    assert table.metric == "r2"
    assert [row.model for row in table.rows[:3]] == ["DummyRegressor", "Ridge", "MLPRegressor"]
    assert table.rows[-1].model == "ScratchMLPRegressor"
    assert "90 rows, 3 features, a continuous target; 2 folds" in str(table)
    folds = KFold(2, shuffle=True, random_state=0)
    np.testing.assert_allclose(table.rows[1].scores, cross_val_score(scaled(Ridge()), data, target, cv=folds))
    # The networks see a scaled target, without which this one would be far beyond their reach.
    assert table.rows[-1].mean_score > table.rows[1].mean_score
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
    assert rows_of(table, "ScratchMLPClassifier")[0].mean_score > table.rows[1].mean_score + 0.2
    numbers, encoded = (table.best_estimator[0].transformers_[i] for i in (0, 1))
    assert (numbers[2].tolist(), encoded[2].tolist()) == ([0, 2], [1])
    assert encoded[1][-1].categories_[0].tolist() == ["blue", "missing", "red"]
    medians = numbers[1][-2].statistics_
    present = np.array([c for c in cells[:, 2] if c is not None and c == c], dtype=float)
    np.testing.assert_allclose(medians[1], np.median(present))


def test_unseen_category_is_predicted():
    cells, y = mixed()
    cells[0, 1] = "green"  # in one test fold only
    best = compare_with_baselines(cells, y, hidden_layer_sizes=[2], cv=3).best_estimator
    cells[1, 1] = "never seen before"
    assert set(best.predict(cells)) <= {"yes", "no"}


def test_lists_are_taken_as_they_are():
    cells, y = mixed()
    one, other = (compare_with_baselines(data, y, [2], cv=2) for data in (cells, cells.tolist()))
    assert [row.scores.tolist() for row in one.rows] == [row.scores.tolist() for row in other.rows]


def test_column_without_a_value_and_constant_column():
    cells, y = mixed()
    cells[:, 2] = None
    data = np.column_stack([cells, np.full(len(y), "same", dtype=object)])
    assert compare_with_baselines(data, y, [4], cv=2).rows[-1].mean_score > 0.5


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
    numbers, encoded = (table.best_estimator[0].transformers_[i] for i in (0, 1))
    assert (numbers[2].tolist(), encoded[2].tolist()) == ([0, 2, 3, 5], [1, 4])
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
    assert table.rows[0].scores.tolist() != table.rows[1].scores.tolist()
    splits = list(ShuffleSplit(2, random_state=np.random.RandomState(0)).split(X))
    again = compare_with_baselines(X, Y, [1], cv=iter(splits))
    assert [row.scores.tolist() for row in table.rows] == [row.scores.tolist() for row in again.rows]


def test_network_params_reach_both_networks():
    table = compare_with_baselines(X, Y, [2], cv=2, network_params={"activation": "logistic", "alpha": 1.0})
    for row in table.rows[2:]:
        params = row.estimator[-1].get_params()
        assert (params["activation"], params["alpha"], params["solver"]) == ("logistic", 1.0, "lbfgs")


def test_fits_that_do_not_converge_are_counted_and_said_once(recwarn):
    table = compare_with_baselines(X, Y, [2, 3], cv=2, network_params={"max_iter": 2})
    # Both networks: 2 sizes on 2 folds, the best on all rows; in each fold 2 sizes on 3 inner folds and the best again.
    assert table.n_unconverged == 2 * (2 * 2 + 1 + 2 * (2 * 3 + 1))
    assert f"{table.n_unconverged} fits ended before they had converged: raise max_iter or alpha." in str(table)
    assert len(recwarn) == 0


def test_other_warnings_are_passed_on(monkeypatch):
    def fit(self, X, y):
        comparison.warnings.warn("from within", FutureWarning, stacklevel=1)
        return original(self, X, y)

    original = ScratchMLPClassifier.fit
    monkeypatch.setattr(ScratchMLPClassifier, "fit", fit)
    with comparison.warnings.catch_warnings():
        comparison.warnings.simplefilter("default")
        with pytest.warns(FutureWarning, match="from within"):
            compare_with_baselines(X, Y, [1], cv=2)


@pytest.mark.parametrize("cells, limit", [(181, 1), (180, None)])
def test_small_data_run_on_one_thread(cells, limit, monkeypatch):
    def limits(limits, user_api):
        assert (limits, user_api) == (limit, "blas")
        raise StopIteration

    monkeypatch.setattr(comparison, "ONE_THREAD", cells)
    monkeypatch.setattr(comparison, "threadpool_limits", limits)
    with pytest.raises(StopIteration):
        compare_with_baselines(X, Y, [1], cv=2)


@in_own_process
def test_one_thread_is_all_that_the_networks_see():
    def fit(self, X, y):
        seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return original(self, X, y)

    seen, original = set(), ScratchMLPClassifier.fit
    with threadpool_limits(2, user_api="blas"), patch.object(ScratchMLPClassifier, "fit", fit):
        compare_with_baselines(X, Y, [1], cv=2)
    assert seen == {1}


def test_interrupt_ends_the_comparison(monkeypatch):
    def fit(self, X, y):
        comparison.warnings.warn("Training interrupted by user.", stacklevel=1)
        return original(self, X, y)

    original = ScratchMLPClassifier.fit
    monkeypatch.setattr(ScratchMLPClassifier, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        compare_with_baselines(X, Y, [1], cv=2)


def test_interrupt_within_a_real_fit_ends_the_comparison(monkeypatch):
    from skmlp_scratch.objective import Objective

    def interrupted(self, params, *args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Objective, "loss_and_grad", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compare_with_baselines(X, Y, [1], cv=2)


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
    # 2 baselines on 2 folds; a network: 2 sizes on 2 folds, and in each fold 2 sizes on 3 inner folds and the result.
    total = str(2 * 2 + 2 * (2 * 2 + 2 * (2 * 3 + 1)))
    assert counts[0] == ("0", total)
    assert counts[-1] == (total, total)
    assert stdout.getvalue() == ""


def test_no_progress_elsewhere(capsys, monkeypatch):
    compare_with_baselines(X, Y, [1], cv=2)
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"] + ["rich", "rich.console"]:
        monkeypatch.setitem(sys.modules, name, None)
    with contextlib.redirect_stderr(Terminal()) as stderr:
        compare_with_baselines(X, Y, [1], cv=2)
    assert stderr.getvalue() == ""
    assert capsys.readouterr() == ("", "")


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
        ({"X": X[:0], "y": Y[:0]}, r"X has shape \(0, 2\)"),
        ({"X": X[:, 0]}, r"X has shape \(90,\)"),
        ({"X": csr_array(X)}, "X is sparse"),
        ({"X": X[1:]}, "inconsistent numbers of samples"),
        ({"X": np.full((90, 1), np.datetime64("2020-01-01"))}, "X: column 0 holds dates"),
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


def test_inputs_are_left_alone():
    cells, y = mixed()
    before, target, sizes = cells.copy(), y.copy(), [2, (3,)]
    compare_with_baselines(cells, y, sizes, cv=2)
    assert all(a is b for a, b in zip(cells.ravel(), before.ravel(), strict=True))
    np.testing.assert_array_equal(y, target)
    assert sizes == [2, (3,)]

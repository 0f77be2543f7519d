"""The comparison: same folds for all, nothing learned outside them, an honest score for the chosen size."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold, cross_val_score, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

from skmlp_scratch import ScratchMLPClassifier
from skmlp_scratch.comparison import _run, compare_with_baselines
from skmlp_scratch.encoding import TableEncoder
from skmlp_scratch.stopping import InterruptedFit

from .small import BASELINES, N_TREES, X, Y, mixed, row_of, rows_of, scores_of

SETTINGS = {"activation": "tanh", "solver": "lbfgs", "alpha": 0.1, "tol": 1e-3, "max_iter": 5000, "random_state": 0}


def encoded(network):
    return make_pipeline(TableEncoder(n_bins=0), network)


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


def test_same_random_state_same_table(table):
    again = compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3)
    other = compare_with_baselines(X, Y, hidden_layer_sizes=[1, 4], cv=3, random_state=np.random.RandomState(3))
    scores, same, different = map(scores_of, (table, again, other))
    assert scores == same
    assert scores != different


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


def test_inputs_are_left_alone():
    cells, y = mixed()
    before, target, sizes = cells.copy(), y.copy(), [2, (3,)]
    compare_with_baselines(cells, y, sizes, cv=2)
    assert all(a is b for a, b in zip(cells.ravel(), before.ravel(), strict=True))
    np.testing.assert_array_equal(y, target)
    assert sizes == [2, (3,)]

"""Training: members, folds, the choice of the epoch, weights, validation sets; how it ends when it is cut short."""

import _thread
import pickle
import re
import threading

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, r2_score
from sklearn.utils.class_weight import compute_sample_weight

from skmlp_scratch import ScratchTabularClassifier, ScratchTabularRegressor, _engine
from skmlp_scratch.activations import silu
from skmlp_scratch.losses import SquaredError
from skmlp_scratch.stopping import InterruptedFit

SMALL = {"hidden_layer_sizes": (16, 16), "batch_size": 32, "max_iter": 12, "n_members": 2, "random_state": 0}

rng = np.random.RandomState(0)
X = rng.standard_normal((200, 3))
TARGET = 1000 * (X[:, 0] + X[:, 1] * X[:, 2])
LABELS = (TARGET > 0).astype(int)
GRADES = np.digitize(TARGET, [-1000, 1000])
KINDS = [(ScratchTabularClassifier, LABELS), (ScratchTabularRegressor, TARGET)]


def classifier(**parameters):
    return ScratchTabularClassifier(**SMALL | parameters)


def regressor(**parameters):
    return ScratchTabularRegressor(**SMALL | parameters)


class TestWhatIsLearned:
    def test_a_product_is_learned_at_any_scale_of_the_target(self):
        big = rng.standard_normal((600, 3))
        y = 1e6 + 1e5 * big[:, 0] * big[:, 1]
        assert regressor(max_iter=60).fit(big[:400], y[:400]).score(big[400:], y[400:]) > 0.8

    def test_classes_by_numbers_and_categories(self):
        color = np.where(X[:, 2] > 0, "red", "blue")
        table = np.column_stack([X[:, :2].astype(object), color])
        y = np.where((X[:, 0] > 0) == (color == "red"), "yes", "no")
        clf = classifier(max_iter=60).fit(table[:150], y[:150])
        assert clf.classes_.tolist() == ["no", "yes"]
        assert clf.score(table[150:], y[150:]) > 0.85

    def test_several_classes(self):
        clf = classifier(max_iter=40).fit(X, GRADES)
        y_prob = clf.predict_proba(X)
        assert y_prob.shape == (200, 3)
        np.testing.assert_allclose(y_prob.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), y_prob, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(clf.classes_[y_prob.argmax(axis=1)], clf.predict(X))
        assert clf.decision_function(X).shape == (200, 3)

    @pytest.mark.parametrize("loss", ["log_loss", "binary_cross_entropy", "squared_error", SquaredError("logistic")])
    def test_two_classes_with_every_loss(self, loss):
        clf = classifier(loss=loss, max_iter=40).fit(X, LABELS)
        y_prob, decision = clf.predict_proba(X), clf.decision_function(X)
        assert y_prob.shape == (200, 2)
        assert decision.shape == (200,)
        np.testing.assert_array_equal(decision > 0, clf.predict(X) == 1)
        np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), y_prob, rtol=1e-9, atol=1e-12)
        assert clf.score(X, LABELS) > 0.85

    def test_several_labels(self):
        Y = np.column_stack([LABELS, X[:, 0] > 0]).astype(int)
        clf = classifier(max_iter=40).fit(X, Y)
        y_prob = clf.predict_proba(X)
        assert ((y_prob > 0) & (y_prob < 1)).all()
        assert (clf.predict(X) == Y).mean() > 0.85
        np.testing.assert_array_equal(clf.decision_function(X) > 0, clf.predict(X) == 1)
        np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), y_prob, rtol=1e-9, atol=1e-12)

    def test_one_class(self):
        clf = classifier().fit(X, np.full(200, "only"))
        assert clf.predict_proba(X[:3]).tolist() == [[1.0]] * 3
        assert clf.predict(X[:1]).tolist() == ["only"]

    def test_several_targets_of_different_scales(self):
        Y = np.column_stack([TARGET, X[:, 0] / 1000])
        reg = regressor(max_iter=60).fit(X, Y)
        assert (r2_score(Y, reg.predict(X), multioutput="raw_values") > 0.8).all()

    @pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile", "squared_error"])
    def test_losses_move_with_the_targets(self, loss):
        """Other units of y give the same fit in other units."""
        plain = regressor(loss=loss, huber_delta=0.5, quantile=0.3).fit(X, TARGET / 1024)
        moved = regressor(loss=loss, huber_delta=512.0, quantile=0.3).fit(X, TARGET + 4096)
        np.testing.assert_allclose(moved.predict(X), plain.predict(X) * 1024 + 4096, rtol=1e-5, atol=0.1)

    @pytest.mark.parametrize("loss", ["poisson", "gamma"])
    def test_losses_with_a_logarithm_move_with_the_scale(self, loss):
        y = np.exp(TARGET / 2000)
        plain, scaled = (regressor(loss=loss).fit(X, factor * y) for factor in (1, 1024))
        np.testing.assert_allclose(scaled.predict(X), 1024 * plain.predict(X), rtol=1e-5)
        assert (plain.predict(X) > 0).all()
        assert plain.best_validation_score_ > 0.5

    def test_a_quantile_has_its_share_below(self):
        y = rng.standard_normal(2000)
        reg = regressor(loss="quantile", quantile=0.8, max_iter=20).fit(rng.standard_normal((2000, 2)), y)
        below = (y < reg.predict(np.zeros((1, 2)))).mean()
        assert 0.7 < below < 0.9

    def test_huber_is_in_units_of_y(self):
        """With a delta beyond all errors it is the squared error."""
        np.testing.assert_allclose(
            regressor(loss="huber", huber_delta=1e9).fit(X, TARGET).predict(X),
            regressor().fit(X, TARGET).predict(X),
            rtol=1e-5,
        )

    def test_a_custom_loss_sees_the_targets_as_they_are(self):
        seen = []

        class Squared:
            def value_and_grad(self, y, raw, sample_weight):
                seen.append(y.copy())
                return float(((raw - y) ** 2).sum()), 2 * (raw - y)

            def inverse_link(self, raw):
                return raw

        reg = regressor(loss=Squared(), max_iter=2).fit(X, TARGET)
        assert set(np.concatenate([y.ravel() for y in seen]).astype(np.float32)) <= {0, *TARGET.astype(np.float32)}
        assert reg.best_validation_score_ < 0  # minus the loss

    def test_targets_that_a_loss_cannot_take(self):
        with pytest.raises(ValueError, match="poisson"):
            regressor(loss="poisson").fit(X, TARGET)
        with pytest.raises(ValueError, match="poisson"):
            regressor(loss="poisson").fit(X, TARGET**2, X_val=X, y_val=TARGET)


class TestMembers:
    def test_each_member_is_an_estimator(self):
        clf = classifier(n_members=3).fit(X, LABELS)
        members = clf.members_
        assert len(members) == 3
        assert [type(member) for member in members] == [ScratchTabularClassifier] * 3
        mean = np.mean([member.predict_proba(X) for member in members], axis=0)
        np.testing.assert_allclose(clf.predict_proba(X), mean, rtol=1e-12)
        assert not np.allclose(members[0].predict_proba(X), members[1].predict_proba(X))

    def test_deviation_over_members(self):
        reg = regressor(n_members=3).fit(X, TARGET)
        mean, std = reg.predict(X, return_std=True)
        each = [member.predict(X) for member in reg.members_]
        np.testing.assert_allclose(mean, np.mean(each, axis=0))
        np.testing.assert_allclose(std, np.std(each, axis=0), rtol=1e-6, atol=1e-6)
        assert regressor(n_members=1).fit(X, TARGET).predict(X, return_std=True)[1].max() == 0

    def test_more_members_than_folds(self):
        assert len(classifier(n_members=3, n_folds=2).fit(X, LABELS).members_) == 3

    def test_the_score_is_that_of_the_left_out_rows(self):
        """By definition: each member on its own fold, one temperature for all, in the best epoch."""
        clf = classifier(n_members=2, n_folds=2).fit(X, GRADES)
        # With two folds of two members, every row is judged by the member that has not seen it: the one that is worse.
        each = [member.predict_log_proba(X) for member in clf.members_]
        true = np.arange(200), GRADES
        worse = np.minimum(each[0][true], each[1][true]).mean()
        better = np.maximum(each[0][true], each[1][true]).mean()
        assert worse <= clf.best_validation_score_ <= better

    def test_the_best_epoch_is_kept(self):
        clf = classifier(max_iter=30).fit(X, LABELS)
        scores = clf.validation_scores_
        assert clf.n_iter_ == 1 + int(np.argmax(scores))
        assert clf.best_validation_score_ == max(scores)
        assert {len(column) for column in clf.history_.values()} == {30}
        assert clf.history_["epoch"] == list(range(1, 31))
        assert list(clf.history_) == ["epoch", "loss", "val_score", "learning_rate", "seconds"]

    def test_the_learning_rate_is_constant_and_then_falls_to_zero(self):
        rates = classifier(max_iter=20, batch_size=16).fit(X, LABELS).history_["learning_rate"]
        np.testing.assert_allclose(rates[:10], 3e-3)
        assert (np.diff(rates[10:]) < 0).all()
        assert rates[-1] < 1e-4

    def test_score_of_a_regression_is_the_share_of_the_loss_explained(self):
        reg = regressor(n_members=1, max_iter=20).fit(X, TARGET, X_val=X[:50], y_val=TARGET[:50])
        np.testing.assert_allclose(reg.best_validation_score_, reg.score(X[:50], TARGET[:50]), rtol=1e-4)

    def test_temperature_is_the_best_one(self):
        noisy = np.where(rng.uniform(size=200) < 0.2, 1 - LABELS, LABELS)
        clf = classifier(n_members=1).fit(X, LABELS, X_val=X, y_val=noisy)

        def loss_at(factor):
            other = pickle.loads(pickle.dumps(clf))
            other.temperature_ *= factor
            return log_loss(noisy, other.predict_proba(X))

        np.testing.assert_allclose(-clf.best_validation_score_, loss_at(1), rtol=1e-4)
        assert loss_at(1) < min(loss_at(0.9), loss_at(1.1))


class TestSmallTables:
    @pytest.mark.parametrize("n_rows", [2, 3, 5, 9, 20])
    def test_fewer_rows_than_anything(self, n_rows):
        y = np.arange(n_rows) % 2
        clf = classifier(n_members=4).fit(X[:n_rows], y)
        assert np.isfinite(clf.predict_proba(X)).all()
        assert np.isfinite(regressor(n_members=4).fit(X[:n_rows], TARGET[:n_rows]).predict(X)).all()

    def test_a_class_with_a_single_row(self):
        y = np.array(["common"] * 199 + ["rare"])
        assert classifier(n_members=4).fit(X, y).predict_proba(X).shape == (200, 2)

    def test_few_rows_that_are_all_right_are_no_reason_to_be_sure(self):
        clf = classifier(max_iter=60, n_members=4).fit(X[:30], X[:30, 0] > 0)
        assert 0.3 < clf.temperature_ < 30

    def test_one_row_is_too_few(self):
        with pytest.raises(ValueError, match="1 sample"):
            classifier().fit(X[:1], [1])

    def test_a_table_of_constants_gives_the_mean(self):
        constant = np.ones((200, 2))
        np.testing.assert_allclose(regressor().fit(constant, TARGET).predict(constant[:1]), TARGET.mean(), atol=100)
        y_prob = classifier().fit(constant, LABELS).predict_proba(constant[:1])
        np.testing.assert_allclose(y_prob[0, 1], LABELS.mean(), atol=0.1)

    def test_a_constant_target(self):
        np.testing.assert_allclose(regressor().fit(X, np.full(200, 7.0)).predict(X), 7.0, atol=0.5)


class TestWeights:
    @pytest.mark.parametrize(("kind", "y"), KINDS)
    def test_rows_of_weight_zero_change_nothing(self, kind, y):
        weight = np.r_[np.ones(150), np.zeros(50)]
        wild = X.copy()
        wild[150:] = 1e6
        weighted = kind(**SMALL).fit(wild, y, sample_weight=weight)
        np.testing.assert_array_equal(weighted.params_, kind(**SMALL).fit(X[:150], y[:150]).params_)

    @pytest.mark.parametrize(("kind", "y"), KINDS)
    def test_a_common_factor_changes_nothing(self, kind, y):
        weight = rng.randint(1, 4, 200).astype(float)
        once, twice = (kind(**SMALL).fit(X, y, sample_weight=factor * weight) for factor in (1, 2))
        np.testing.assert_allclose(once.params_, twice.params_, rtol=1e-4, atol=1e-5)

    def test_class_weight_is_the_weight_of_rows(self):
        y = (X[:, 0] > 1).astype(int)
        by_class = classifier(class_weight="balanced").fit(X, y)
        by_row = classifier().fit(X, y, sample_weight=compute_sample_weight("balanced", y))
        np.testing.assert_allclose(by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-3)
        assert by_class.predict(X).sum() > classifier().fit(X, y).predict(X).sum()

    def test_a_class_of_weight_zero_is_left_out(self):
        y_prob = classifier(class_weight={0: 0.0, 1: 1.0, 2: 1.0}, max_iter=30).fit(X, GRADES).predict_proba(X)
        assert (y_prob.argmax(axis=1) > 0).all()

    @pytest.mark.parametrize("weight", [np.full(200, -1.0), np.zeros(200), np.ones(3)])
    def test_bad_weights(self, weight):
        with pytest.raises(ValueError, match="sample_weight"):
            classifier().fit(X, LABELS, sample_weight=weight)


class TestValidationSet:
    def test_it_takes_the_place_of_the_folds(self):
        clf = classifier().fit(X[:150], LABELS[:150], X_val=X[150:], y_val=LABELS[150:])
        other = classifier().fit(X[:150], LABELS[:150], X_val=X[150:], y_val=1 - LABELS[150:])
        assert clf.best_validation_score_ > other.best_validation_score_

    def test_weights_of_validation_rows(self):
        weight = np.r_[np.ones(25), np.zeros(25)]
        some = classifier().fit(X[:150], LABELS[:150], X_val=X[150:175], y_val=LABELS[150:175])
        weighted = classifier().fit(X[:150], LABELS[:150], X_val=X[150:], y_val=LABELS[150:], sample_weight_val=weight)
        np.testing.assert_allclose(weighted.validation_scores_, some.validation_scores_, rtol=1e-2)

    @pytest.mark.parametrize(
        ("validation", "message"),
        [
            ({"X_val": X}, "X_val needs y_val"),
            ({"y_val": LABELS}, "need X_val"),
            ({"X_val": X, "y_val": LABELS[:5]}, "y_val has 5"),
            ({"X_val": X, "y_val": np.full(200, 7)}, "y_val"),
            ({"X_val": X[:, :2], "y_val": LABELS}, "features"),
            ({"X_val": X, "y_val": LABELS, "sample_weight_val": -np.ones(200)}, "sample_weight_val"),
        ],
    )
    def test_what_is_wrong_is_named(self, validation, message):
        with pytest.raises(ValueError, match=message):
            classifier().fit(X, LABELS, **validation)


class Interrupting:
    """An activation that raises KeyboardInterrupt in one of its calls."""

    def __init__(self, call):
        self.left = call

    def __call__(self, z):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return silu(z)


class TestCutShort:
    @pytest.mark.parametrize("n_jobs", [1, 2])
    @pytest.mark.parametrize("call", [30, 700])
    def test_an_interrupt_leaves_a_usable_model(self, n_jobs, call):
        clf = classifier(activation=Interrupting(call), n_jobs=n_jobs, batch_size=16, max_iter=200)
        with pytest.warns(InterruptedFit, match="interrupted by user"):
            clf.fit(X, LABELS)
        assert np.isfinite(clf.predict_proba(X)).all()
        assert len(clf.history_["epoch"]) < 200

    def test_ctrl_c_while_threads_are_working(self):
        timer = threading.Timer(1.0, _thread.interrupt_main)
        clf = classifier(n_jobs=2, max_iter=100_000)
        timer.start()
        with pytest.warns(InterruptedFit):
            clf.fit(X, LABELS)
        assert 0 < clf.n_iter_ < 100_000
        assert clf.score(X, LABELS) > 0.7

    @pytest.mark.parametrize(("kind", "y"), KINDS)
    def test_divergence_is_an_error_that_names_epoch_and_rate(self, kind, y):
        with pytest.raises(ValueError, match=r"diverged in epoch 1 of 12: lower learning_rate_init=1e\+10"):
            kind(**SMALL | {"learning_rate_init": 1e10}).fit(X, y)

    def test_divergence_after_a_good_epoch_keeps_it(self):
        calls = iter(range(10**9))

        def treacherous(z):
            return silu(z if next(calls) < 400 else z * np.float32(np.inf))

        with pytest.warns(ConvergenceWarning, match="best weights so far are kept"):
            clf = classifier(activation=treacherous, batch_size=16, max_iter=100).fit(X, LABELS)
        assert clf.n_iter_ >= 1
        assert np.isfinite(clf.params_).all()

    @pytest.mark.parametrize(("kind", "y"), KINDS)
    def test_a_failed_fit_leaves_the_last_one(self, kind, y):
        model = kind(**SMALL).fit(X, y)
        before, data = model.predict(X), pickle.dumps(model)
        for bad in (
            lambda: model.fit(X[:, :2], y[:5]),
            lambda: model.fit(X, np.full(200, np.nan)),
            lambda: model.set_params(learning_rate_init=1e10).fit(X[:, :2], y),
        ):
            with pytest.raises(ValueError, match=r".+"):
                bad()
        model.set_params(learning_rate_init=3e-3)
        assert pickle.dumps(model) == data
        np.testing.assert_array_equal(model.predict(X), before)

    def test_a_new_fit_forgets_the_names_of_the_last(self):
        pd = pytest.importorskip("pandas")
        model = regressor().fit(pd.DataFrame(X, columns=["a", "b", "c"]), TARGET)
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
        assert not hasattr(model.fit(X, TARGET), "feature_names_in_")


def test_verbose_prints_each_epoch(capsys):
    classifier(verbose=True, max_iter=3).fit(X, LABELS)
    lines = capsys.readouterr().out.splitlines()
    assert lines.pop(0) == f"Computed by {_engine.status()}."
    assert [line[: line.index(",")] for line in lines] == ["Epoch 1/3", "Epoch 2/3", "Epoch 3/3"]
    assert all(re.search(r"loss = \d\.\d+, validation score = -\d\.\d+$", line) for line in lines)

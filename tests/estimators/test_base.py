"""What scikit-learn has for every estimator works with these: parameters, ensembles, searches, routing, threads."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import sklearn
from problems import (
    NAMES_OF_SPECIES,
    SETTINGS_WITH_OBJECTS,
    SHORT,
    SPECIES,
    TARGET_IRIS,
    X3,
    X_IRIS,
    Y3,
    Y_IRIS,
    N,
    X,
    Y,
    each_estimator,
    each_solver,
    iris_classifier,
    iris_regressor,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - without it the next import fails
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, get_scorer, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from threadpoolctl import threadpool_limits

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.solvers import GradientDescent

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
    pytest.mark.filterwarnings("ignore:(Stochastic Optimizer|solver=):sklearn.exceptions.ConvergenceWarning"),
]


# Ensembles


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_bagging(solver):
    member = iris_classifier(solver=solver, max_iter=15)
    bag = BaggingClassifier(member, n_estimators=20, max_features=3, oob_score=True, random_state=0).fit(
        X_IRIS, SPECIES
    )
    assert bag.score(X_IRIS, SPECIES) > 0.9
    assert bag.oob_score_ > 0.8
    weights = [member.params_ for member in bag.estimators_]
    assert all(np.abs(weights[0] - other).max() > 0.1 for other in weights[1:])  # a random state each
    scores = (
        BaggingRegressor(iris_regressor(solver=solver), n_estimators=4, random_state=0)
        .fit(X_IRIS, TARGET_IRIS)
        .score(X_IRIS, TARGET_IRIS)
    )
    assert scores > 0.9


def test_bagging_with_sample_weights():
    """A class of weight zero is drawn by none."""
    bag = BaggingClassifier(iris_classifier(), n_estimators=3, random_state=0).fit(
        X_IRIS, Y_IRIS, sample_weight=(Y_IRIS > 0).astype(float)
    )
    assert set(bag.predict(X_IRIS)) == {1, 2}


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(voting):
    members = [
        ("wide", iris_classifier()),
        ("lbfgs", iris_classifier(solver="lbfgs")),
        ("linear", LogisticRegression()),
    ]
    vote = VotingClassifier(members, voting=voting).fit(X_IRIS, SPECIES, sample_weight=np.ones(150))
    assert vote.score(X_IRIS, SPECIES) > 0.9
    if voting == "soft":
        mean = np.mean([member.predict_proba(X_IRIS) for member in vote.estimators_], axis=0)
        np.testing.assert_allclose(vote.predict_proba(X_IRIS), mean)


def test_stacking():
    members = [("sgd", iris_classifier(solver="sgd")), ("tanh", iris_classifier(activation="tanh"))]
    stack = StackingClassifier(members, final_estimator=iris_classifier(hidden_layer_sizes=()), cv=3).fit(
        X_IRIS, SPECIES
    )
    assert stack.score(X_IRIS, SPECIES) > 0.9
    assert stack.transform(X_IRIS).shape == (150, 6)


def test_boosting_gives_sample_weights():
    """The second member is the one fitted with the weights that the first one's errors left."""
    boost = AdaBoostClassifier(iris_classifier(max_iter=8), n_estimators=3, random_state=0).fit(X_IRIS, SPECIES)
    assert len(boost.estimators_) == 3
    first, second = boost.estimators_[:2]
    wrong = first.predict(X_IRIS) != SPECIES
    assert 0 < wrong.sum() < 75
    error = wrong.mean()
    weights = np.where(wrong, (1 - error) / error * 2, 1.0) / 150
    by_hand = sklearn.base.clone(second).fit(X_IRIS, SPECIES, sample_weight=weights / weights.sum())
    np.testing.assert_allclose(second.predict_proba(X_IRIS), by_hand.predict_proba(X_IRIS), rtol=1e-6)
    assert boost.score(X_IRIS, SPECIES) >= first.score(X_IRIS, SPECIES)


def test_boosting_a_regressor():
    boost = AdaBoostRegressor(iris_regressor(), n_estimators=4, random_state=0).fit(X_IRIS, TARGET_IRIS)
    assert boost.score(X_IRIS, TARGET_IRIS) > 0.9


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method):
    """Overconfident after hundreds of epochs on noisy labels; calibrated, the held-out log loss is better."""
    draw = np.random.RandomState(0)
    x = draw.standard_normal((400, 5))
    y = (x[:, 0] + 1.5 * draw.standard_normal(400) > 0).astype(int)
    plain = iris_classifier(solver="lbfgs", hidden_layer_sizes=(30,), max_iter=300, alpha=1e-6)
    calibrated = CalibratedClassifierCV(plain, method=method, cv=3).fit(x[:200], y[:200])
    plain.fit(x[:200], y[:200])
    before, after = (brier_score_loss(y[200:], m.predict_proba(x[200:])[:, 1]) for m in (plain, calibrated))
    assert after < before - 0.02
    assert np.isfinite(log_loss(y[200:], calibrated.predict_proba(x[200:])))


@pytest.mark.parametrize("wrapper", [OneVsRestClassifier, OneVsOneClassifier, OutputCodeClassifier])
def test_multiclass_from_two_classes(wrapper):
    model = wrapper(iris_classifier())
    if wrapper is OutputCodeClassifier:
        model.set_params(code_size=4, random_state=0)
    assert model.fit(X_IRIS, SPECIES).score(X_IRIS, SPECIES) > 0.9


def test_one_against_the_rest_goes_on():
    rest = OneVsRestClassifier(iris_classifier())
    for _ in range(40):
        rest.partial_fit(X_IRIS, SPECIES, classes=NAMES_OF_SPECIES)
    assert rest.score(X_IRIS, SPECIES) > 0.9


def test_one_against_the_rest_of_several_labels():
    several = np.column_stack([Y_IRIS == 0, Y_IRIS > 0, X_IRIS[:, 0] > 0]).astype(int)
    rest = OneVsRestClassifier(iris_classifier()).fit(X_IRIS, several)
    assert rest.score(X_IRIS, several) > 0.85
    assert iris_classifier().fit(X_IRIS, several).score(X_IRIS, several) > 0.85  # which needs no wrapper


def test_several_targets():
    both = np.column_stack([SPECIES, np.where(X_IRIS[:, 0] > 0, "long", "short")])
    multi = MultiOutputClassifier(iris_classifier()).fit(X_IRIS, both)
    assert (multi.predict(X_IRIS) == both).mean() > 0.9
    assert [p.shape for p in multi.predict_proba(X_IRIS)] == [(150, 3), (150, 2)]
    chain = ClassifierChain(iris_classifier(), order=[1, 0]).fit(
        X_IRIS, np.column_stack([Y_IRIS == 0, X_IRIS[:, 0] > 0]).astype(int)
    )
    assert chain.predict(X_IRIS).shape == (150, 2)
    two = MultiOutputRegressor(iris_regressor()).fit(X_IRIS, np.column_stack([TARGET_IRIS, -TARGET_IRIS]))
    assert two.score(X_IRIS, np.column_stack([TARGET_IRIS, -TARGET_IRIS])) > 0.8


def test_self_training():
    few = Y_IRIS.copy()
    few[np.random.RandomState(0).random_sample(150) < 0.8] = -1
    trained = SelfTrainingClassifier(iris_classifier(), threshold=0.9).fit(X_IRIS, few)
    assert trained.score(X_IRIS, Y_IRIS) > 0.85
    assert (trained.transduction_ != -1).sum() > (few != -1).sum()


def test_a_transformed_target():
    model = TransformedTargetRegressor(iris_regressor(), func=np.log, inverse_func=np.exp).fit(
        X_IRIS, np.exp(TARGET_IRIS)
    )
    assert model.score(X_IRIS, np.exp(TARGET_IRIS)) > 0.8


# Searches and curves


def test_a_halving_search_with_epochs_as_its_resource():
    search = HalvingGridSearchCV(
        iris_classifier(),
        {"alpha": [0.0, 0.1], "learning_rate_init": [1e-6, 0.02]},
        resource="max_iter",
        min_resources=5,
        max_resources=40,
        factor=2,
        cv=3,
        random_state=0,
    ).fit(X_IRIS, SPECIES)
    assert search.n_resources_ == [5, 10, 20]
    assert search.best_params_["learning_rate_init"] == 0.02
    assert search.best_estimator_.n_iter_ == 20
    assert search.score(X_IRIS, SPECIES) > 0.8


def test_a_search_reaches_into_solver_objects_and_schedules():
    grid = {"solver__optimizer": ["sgd", "adam"], "solver__learning_rate": [1e-6, 0.1], "dropout": [0.0, 0.1]}
    search = GridSearchCV(iris_classifier(solver=GradientDescent(max_iter=60)), grid, cv=2, n_jobs=2).fit(
        X_IRIS, SPECIES
    )
    assert search.best_params_["solver__learning_rate"] == 0.1
    assert search.best_score_ > 0.9


def test_a_search_scores_probabilities():
    scores = cross_validate(
        iris_classifier(), X_IRIS, SPECIES, cv=3, scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"]
    )
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in ("accuracy", "neg_log_loss", "roc_auc_ovr"))
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert cross_val_predict(iris_classifier(), X_IRIS, SPECIES, cv=3, method=method).shape == (150, 3)


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize("make, y", [(iris_classifier, SPECIES), (iris_regressor, TARGET_IRIS)])
def test_a_learning_curve(make, y, incremental):
    model = make(batch_size=10, learning_rate_init=0.05, max_iter=20)
    folds = KFold(3, shuffle=True, random_state=0)
    sizes, train, test = learning_curve(
        model,
        X_IRIS,
        y,
        cv=folds,
        train_sizes=[0.2, 0.6, 1.0],
        exploit_incremental_learning=incremental,
        shuffle=True,
        random_state=0,
    )
    assert sizes.tolist() == [20, 60, 100]
    assert train.shape == test.shape == (3, 3)
    assert test[2].mean() > test[0].mean()
    assert test[2].mean() > 0.5


def test_a_learning_curve_says_why_scipy_cannot_go_on():
    with pytest.raises(ValueError, match="partial_fit"):
        learning_curve(iris_classifier(solver="lbfgs"), X_IRIS, SPECIES, cv=3, exploit_incremental_learning=True)


def test_a_validation_curve():
    train, test = validation_curve(
        iris_classifier(max_iter=100), X_IRIS, SPECIES, param_name="alpha", param_range=[1e-3, 1e3], cv=3
    )
    assert test[0].mean() > 0.9 > 0.8 > test[1].mean()
    assert train.shape == (2, 3)


@pytest.mark.parametrize("make, y", [(iris_classifier, SPECIES), (iris_regressor, TARGET_IRIS)])
def test_permutation_importance(make, y):
    noise = np.random.RandomState(0).standard_normal((150, 1))
    model = make(max_iter=100).fit(np.hstack([X_IRIS, noise]), y)
    means = permutation_importance(model, np.hstack([X_IRIS, noise]), y, n_repeats=5, random_state=0).importances_mean
    assert means[2] > 0.05 > means[4]


# Metadata routing


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_sample_weights_are_routed_through_a_search():
    weights = (Y_IRIS > 0).astype(float)
    model = iris_classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    grid = {"scratchmlpclassifier__alpha": [0.0, 0.1]}
    # With scikit-learn 1.7 a pipeline's own score cannot be told to take weights, a scorer can.
    scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
    search = GridSearchCV(make_pipeline(StandardScaler(), model), grid, scoring=scorer, cv=3)
    # The scaler takes weights too, and has to be told.
    search.estimator.named_steps["standardscaler"].set_fit_request(sample_weight=False)
    search.fit(X_IRIS, Y_IRIS, sample_weight=weights)
    assert set(search.predict(X_IRIS)) == {1, 2}  # rows of weight zero are absent


@pytest.mark.usefixtures("routing")
def test_a_validation_set_is_routed_to_fit():
    model = iris_classifier(early_stopping=True).set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
    arguments = {"X_val": X_IRIS[100:], "y_val": SPECIES[100:], "sample_weight_val": np.ones(50)}
    routed = Pipeline([("net", model)]).fit(X_IRIS, SPECIES, **arguments)
    alone = iris_classifier(early_stopping=True).fit(X_IRIS, SPECIES, **arguments)
    assert routed[-1].validation_scores_ == alone.validation_scores_
    np.testing.assert_array_equal(routed[-1].params_, alone.params_)


@pytest.mark.usefixtures("routing")
def test_a_pipeline_transforms_the_validation_set_that_it_routes():
    raw = load_iris().data
    model = iris_classifier().set_fit_request(X_val=True, y_val=True)
    steps = [("scale", StandardScaler()), ("net", model)]
    pipeline = Pipeline(steps, transform_input=["X_val"]).fit(raw, SPECIES, X_val=raw[90:], y_val=SPECIES[90:])
    assert pipeline[-1].validation_scores_[-1] == pytest.approx(pipeline.score(raw[90:], SPECIES[90:]))


@pytest.mark.usefixtures("routing")
def test_a_request_that_was_not_made_is_an_error():
    with pytest.raises((TypeError, sklearn.exceptions.UnsetMetadataPassedError), match="X_val"):
        Pipeline([("net", iris_classifier())]).fit(X_IRIS, SPECIES, X_val=X_IRIS, y_val=SPECIES)


@pytest.mark.usefixtures("routing")
def test_requests_of_partial_fit():
    requests = iris_classifier().get_metadata_routing().partial_fit.requests
    assert set(requests) == {"sample_weight", "classes", "X_val", "y_val", "sample_weight_val"}
    assert set(iris_regressor().get_metadata_routing().fit.requests) == {
        "sample_weight", "X_val", "y_val", "sample_weight_val",
    }  # fmt: skip
    assert not hasattr(iris_classifier(solver="lbfgs"), "partial_fit")


@pytest.mark.usefixtures("routing")
def test_groups_and_weights_together():
    model = iris_regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    params = {"sample_weight": np.ones(150), "groups": np.arange(150) % 5}
    scores = cross_validate(model, X_IRIS, TARGET_IRIS, cv=GroupKFold(3), params=params)["test_score"]
    assert scores.min() > 0.5


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_early_stopping_with_weights_while_routing(solver):
    model = iris_classifier(early_stopping=True, scoring="neg_log_loss", solver=solver, max_iter=5)
    assert len(model.fit(X_IRIS, SPECIES, sample_weight=np.ones(150)).validation_scores_) == 5


# Parameters.


@each_estimator
@pytest.mark.parametrize("case", [case for case in SETTINGS_WITH_OBJECTS if case != "class weights"])
def test_clone_and_parameters(estimator_class, case):
    model = estimator_class(**SHORT | SETTINGS_WITH_OBJECTS[case])
    twin = clone(model)
    assert joblib.hash(twin.get_params()) == joblib.hash(model.get_params())
    np.testing.assert_array_equal(clone(model.fit(X, Y)).fit(X, Y).params_, twin.fit(X, Y).params_)
    assert estimator_class().set_params(**model.get_params(deep=False)).get_params(deep=False) is not None
    with pytest.raises(ValueError, match="no_such"):
        model.set_params(no_such=1)


def test_parameters_of_objects_are_reachable():
    clf = ScratchMLPClassifier(solver=GradientDescent(Adam()))
    clf.set_params(solver__learning_rate=0.5, solver__optimizer__beta_1=0.3)
    assert (clf.solver.learning_rate, clf.solver.optimizer.beta_1) == (0.5, 0.3)
    assert {"solver__batch_size", "solver__optimizer__epsilon"} <= set(clf.get_params())


@pytest.mark.slow
def test_grid_search_in_two_processes():
    pipeline = make_pipeline(StandardScaler(), ScratchMLPClassifier(solver=GradientDescent(Adam(), max_iter=40)))
    pipeline.set_params(scratchmlpclassifier__random_state=0)
    grid = {
        "hidden_layer_sizes": [2, 8],
        "solver__learning_rate": [1e-4, 0.05],
        "solver__optimizer__beta_1": [0.5, 0.9],
    }
    grid = {f"scratchmlpclassifier__{name}": values for name, values in grid.items()}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2, error_score="raise").fit(X3, Y3)
    assert len(search.cv_results_["params"]) == 8
    assert search.best_params_["scratchmlpclassifier__solver__learning_rate"] == 0.05
    assert search.best_score_ > 0.8
    best = clone(pipeline).set_params(**search.best_params_).fit(X3, Y3)
    np.testing.assert_array_equal(search.predict(X3), best.predict(X3))


# Prediction.


@each_estimator
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_predictions_do_not_depend_on_the_chunks(estimator_class, container, n_threads):
    model = estimator_class((8, 6), max_iter=20, random_state=0) if estimator_class is ScratchMLPClassifier else None
    model = model or estimator_class(hidden_layer_sizes=(8, 6), max_iter=20, random_state=0)
    model.fit(X, Y)
    data = container(X)
    assert model.network_.chunk_rows > N
    whole = [model.predict(data), model.hidden_activations(data)]
    with threadpool_limits(n_threads, user_api="blas"):
        for rows in (1, 7, 64, N - 1, N):
            model.network_.chunk_rows = rows
            np.testing.assert_allclose(model.predict(data), whole[0], rtol=1e-12)
            np.testing.assert_allclose(model.hidden_activations(data), whole[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("params", [{}, {"normalization": "batch"}, {"dropout": 0.5}], ids=str)
def test_predict_is_read_only_and_safe_in_threads(params):
    clf = ScratchMLPClassifier((20, 10), max_iter=5, random_state=0, **params).fit(X, Y)
    clf.network_.chunk_rows = 16
    clf.params_.flags.writeable = False
    before = joblib.hash(vars(clf))
    parts = [np.roll(X, i, axis=0)[: 20 + 5 * i] for i in range(24)]
    expected = [clf.predict_proba(part) for part in parts]
    with threadpool_limits(2, user_api="blas"), ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for found, alone in zip(pool.map(clf.predict_proba, parts), expected, strict=True):
                np.testing.assert_array_equal(found, alone)
    assert joblib.hash(vars(clf)) == before


@pytest.mark.slow
def test_memory_beyond_X_is_bounded():
    rng = np.random.RandomState(0)
    data = rng.standard_normal((200_000, 30)).astype(np.float32)
    labels = (data[:, 0] > 0).astype(int)
    clf = ScratchMLPClassifier(100, solver="gd", max_iter=2, random_state=0)
    peaks = []
    with threadpool_limits(2, user_api="blas"):
        tracemalloc.start()
        for step in (lambda: clf.fit(data, labels), lambda: clf.predict_proba(data)):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            step()
            peaks.append((tracemalloc.get_traced_memory()[1] - before) / 2**20)
        tracemalloc.stop()
    # All hidden activations at once are 76 MB an array. X itself was there before.
    assert max(peaks) < 200, peaks
    assert peaks[1] < 40, peaks


# Calls in a row.


@each_estimator
@each_solver
def test_a_refit_forgets_the_earlier_fit(estimator_class, solver):
    model = estimator_class(solver=solver, **SHORT)
    fresh = clone(model).fit(X[:, :3], Y)
    again = model.fit(X, Y).fit(X[:, :3], Y)
    np.testing.assert_array_equal(again.params_, fresh.params_)
    assert again.n_iter_ == fresh.n_iter_ == len(again.loss_curve_)
    assert again.n_features_in_ == 3


@each_solver
def test_the_same_seed_gives_the_same_model_and_another_one_does_not(solver):
    one, same, other = (
        ScratchMLPClassifier(solver=solver, **{**SHORT, "random_state": seed}).fit(X, Y).params_ for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_no_seed_gives_another_model_each_time():
    clf = ScratchMLPClassifier(**{**SHORT, "random_state": None})
    assert not np.allclose(clf.fit(X, Y).params_, clf.fit(X, Y).params_)


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_a_log_link_says_that_targets_must_be_positive(loss):
    assert not ScratchMLPRegressor().__sklearn_tags__().target_tags.positive_only
    assert ScratchMLPRegressor(loss).__sklearn_tags__().target_tags.positive_only


def test_binary_cross_entropy_says_that_it_takes_two_classes():
    assert ScratchMLPClassifier().__sklearn_tags__().classifier_tags.multi_class
    assert not ScratchMLPClassifier(loss="binary_cross_entropy").__sklearn_tags__().classifier_tags.multi_class


def test_categorical_cross_entropy_says_that_it_takes_one_class_a_row():
    assert ScratchMLPClassifier().__sklearn_tags__().classifier_tags.multi_label
    assert not ScratchMLPClassifier(loss="categorical_cross_entropy").__sklearn_tags__().classifier_tags.multi_label

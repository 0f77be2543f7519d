"""What scikit-learn has for every estimator works with these: ensembles, searches, inspection, routing, frames."""

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
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
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.solvers import GradientDescent

# The members of an ensemble need not converge.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

X, Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])
LABELS = NAMES[Y]
TARGET = X[:, 2] + np.sin(X[:, 0])


def classifier(**parameters):
    settings = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "batch_size": 25, "max_iter": 40}
    return ScratchMLPClassifier(**{**settings, "random_state": 0, **parameters})


def regressor(**parameters):
    settings = {"hidden_layer_sizes": (8,), "learning_rate_init": 0.02, "batch_size": 25, "max_iter": 40}
    return ScratchMLPRegressor(**{**settings, "random_state": 0, **parameters})


# Ensembles


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_bagging(solver):
    member = classifier(solver=solver, max_iter=15)
    bag = BaggingClassifier(member, n_estimators=20, max_features=3, oob_score=True, random_state=0).fit(X, LABELS)
    assert bag.score(X, LABELS) > 0.9
    assert bag.oob_score_ > 0.8
    weights = [member.params_ for member in bag.estimators_]
    assert all(np.abs(weights[0] - other).max() > 0.1 for other in weights[1:])  # a random state each
    scores = BaggingRegressor(regressor(solver=solver), n_estimators=4, random_state=0).fit(X, TARGET).score(X, TARGET)
    assert scores > 0.9


def test_bagging_with_sample_weights():
    """A class of weight zero is drawn by none."""
    bag = BaggingClassifier(classifier(), n_estimators=3, random_state=0).fit(X, Y, sample_weight=(Y > 0).astype(float))
    assert set(bag.predict(X)) == {1, 2}


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(voting):
    members = [("wide", classifier()), ("lbfgs", classifier(solver="lbfgs")), ("linear", LogisticRegression())]
    vote = VotingClassifier(members, voting=voting).fit(X, LABELS, sample_weight=np.ones(150))
    assert vote.score(X, LABELS) > 0.9
    if voting == "soft":
        mean = np.mean([member.predict_proba(X) for member in vote.estimators_], axis=0)
        np.testing.assert_allclose(vote.predict_proba(X), mean)


def test_stacking():
    members = [("sgd", classifier(solver="sgd")), ("tanh", classifier(activation="tanh"))]
    stack = StackingClassifier(members, final_estimator=classifier(hidden_layer_sizes=()), cv=3).fit(X, LABELS)
    assert stack.score(X, LABELS) > 0.9
    assert stack.transform(X).shape == (150, 6)


def test_boosting_gives_sample_weights():
    """The second member is the one fitted with the weights that the first one's errors left."""
    boost = AdaBoostClassifier(classifier(max_iter=8), n_estimators=3, random_state=0).fit(X, LABELS)
    assert len(boost.estimators_) == 3
    first, second = boost.estimators_[:2]
    wrong = first.predict(X) != LABELS
    assert 0 < wrong.sum() < 75
    error = wrong.mean()
    weights = np.where(wrong, (1 - error) / error * 2, 1.0) / 150
    by_hand = sklearn.base.clone(second).fit(X, LABELS, sample_weight=weights / weights.sum())
    np.testing.assert_allclose(second.predict_proba(X), by_hand.predict_proba(X), rtol=1e-6)
    assert boost.score(X, LABELS) >= first.score(X, LABELS)


def test_boosting_a_regressor():
    boost = AdaBoostRegressor(regressor(), n_estimators=4, random_state=0).fit(X, TARGET)
    assert boost.score(X, TARGET) > 0.9


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration(method):
    """Overconfident after hundreds of epochs on noisy labels; calibrated, the held-out log loss is better."""
    draw = np.random.RandomState(0)
    x = draw.standard_normal((400, 5))
    y = (x[:, 0] + 1.5 * draw.standard_normal(400) > 0).astype(int)
    plain = classifier(solver="lbfgs", hidden_layer_sizes=(30,), max_iter=300, alpha=1e-6)
    calibrated = CalibratedClassifierCV(plain, method=method, cv=3).fit(x[:200], y[:200])
    plain.fit(x[:200], y[:200])
    before, after = (brier_score_loss(y[200:], m.predict_proba(x[200:])[:, 1]) for m in (plain, calibrated))
    assert after < before - 0.02
    assert np.isfinite(log_loss(y[200:], calibrated.predict_proba(x[200:])))


@pytest.mark.parametrize("wrapper", [OneVsRestClassifier, OneVsOneClassifier, OutputCodeClassifier])
def test_multiclass_from_two_classes(wrapper):
    model = wrapper(classifier())
    if wrapper is OutputCodeClassifier:
        model.set_params(code_size=4, random_state=0)
    assert model.fit(X, LABELS).score(X, LABELS) > 0.9


def test_one_against_the_rest_goes_on():
    rest = OneVsRestClassifier(classifier())
    for _ in range(40):
        rest.partial_fit(X, LABELS, classes=NAMES)
    assert rest.score(X, LABELS) > 0.9


def test_one_against_the_rest_of_several_labels():
    several = np.column_stack([Y == 0, Y > 0, X[:, 0] > 0]).astype(int)
    rest = OneVsRestClassifier(classifier()).fit(X, several)
    assert rest.score(X, several) > 0.85
    assert classifier().fit(X, several).score(X, several) > 0.85  # which needs no wrapper


def test_several_targets():
    both = np.column_stack([LABELS, np.where(X[:, 0] > 0, "long", "short")])
    multi = MultiOutputClassifier(classifier()).fit(X, both)
    assert (multi.predict(X) == both).mean() > 0.9
    assert [p.shape for p in multi.predict_proba(X)] == [(150, 3), (150, 2)]
    chain = ClassifierChain(classifier(), order=[1, 0]).fit(X, np.column_stack([Y == 0, X[:, 0] > 0]).astype(int))
    assert chain.predict(X).shape == (150, 2)
    two = MultiOutputRegressor(regressor()).fit(X, np.column_stack([TARGET, -TARGET]))
    assert two.score(X, np.column_stack([TARGET, -TARGET])) > 0.8


def test_self_training():
    few = Y.copy()
    few[np.random.RandomState(0).random_sample(150) < 0.8] = -1
    trained = SelfTrainingClassifier(classifier(), threshold=0.9).fit(X, few)
    assert trained.score(X, Y) > 0.85
    assert (trained.transduction_ != -1).sum() > (few != -1).sum()


def test_a_transformed_target():
    model = TransformedTargetRegressor(regressor(), func=np.log, inverse_func=np.exp).fit(X, np.exp(TARGET))
    assert model.score(X, np.exp(TARGET)) > 0.8


# Searches and curves


def test_a_halving_search_with_epochs_as_its_resource():
    search = HalvingGridSearchCV(
        classifier(), {"alpha": [0.0, 0.1], "learning_rate_init": [1e-6, 0.02]}, resource="max_iter", min_resources=5,
        max_resources=40, factor=2, cv=3, random_state=0,
    ).fit(X, LABELS)  # fmt: skip
    assert search.n_resources_ == [5, 10, 20]
    assert search.best_params_["learning_rate_init"] == 0.02
    assert search.best_estimator_.n_iter_ == 20
    assert search.score(X, LABELS) > 0.8


def test_a_search_reaches_into_solver_objects_and_schedules():
    grid = {"solver__optimizer": ["sgd", "adam"], "solver__learning_rate": [1e-6, 0.1], "dropout": [0.0, 0.1]}
    search = GridSearchCV(classifier(solver=GradientDescent(max_iter=60)), grid, cv=2, n_jobs=2).fit(X, LABELS)
    assert search.best_params_["solver__learning_rate"] == 0.1
    assert search.best_score_ > 0.9


def test_a_search_scores_probabilities():
    scores = cross_validate(classifier(), X, LABELS, cv=3, scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"])
    assert all(np.isfinite(scores[f"test_{name}"]).all() for name in ("accuracy", "neg_log_loss", "roc_auc_ovr"))
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        assert cross_val_predict(classifier(), X, LABELS, cv=3, method=method).shape == (150, 3)


@pytest.mark.parametrize("incremental", [False, True])
@pytest.mark.parametrize("make, y", [(classifier, LABELS), (regressor, TARGET)])
def test_a_learning_curve(make, y, incremental):
    model = make(batch_size=10, learning_rate_init=0.05, max_iter=20)
    folds = KFold(3, shuffle=True, random_state=0)
    sizes, train, test = learning_curve(
        model, X, y, cv=folds, train_sizes=[0.2, 0.6, 1.0], exploit_incremental_learning=incremental, shuffle=True,
        random_state=0,
    )  # fmt: skip
    assert sizes.tolist() == [20, 60, 100]
    assert train.shape == test.shape == (3, 3)
    assert test[2].mean() > test[0].mean()
    assert test[2].mean() > 0.5


def test_a_learning_curve_says_why_scipy_cannot_go_on():
    with pytest.raises(ValueError, match="partial_fit"):
        learning_curve(classifier(solver="lbfgs"), X, LABELS, cv=3, exploit_incremental_learning=True)


def test_a_validation_curve():
    train, test = validation_curve(
        classifier(max_iter=100), X, LABELS, param_name="alpha", param_range=[1e-3, 1e3], cv=3
    )
    assert test[0].mean() > 0.9 > 0.8 > test[1].mean()
    assert train.shape == (2, 3)


@pytest.mark.parametrize("make, y", [(classifier, LABELS), (regressor, TARGET)])
def test_permutation_importance(make, y):
    noise = np.random.RandomState(0).standard_normal((150, 1))
    model = make(max_iter=100).fit(np.hstack([X, noise]), y)
    means = permutation_importance(model, np.hstack([X, noise]), y, n_repeats=5, random_state=0).importances_mean
    assert means[2] > 0.05 > means[4]


# Metadata routing


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_sample_weights_are_routed_through_a_search():
    weights = (Y > 0).astype(float)
    model = classifier().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    grid = {"scratchmlpclassifier__alpha": [0.0, 0.1]}
    # With scikit-learn 1.7 a pipeline's own score cannot be told to take weights, a scorer can.
    scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
    search = GridSearchCV(make_pipeline(StandardScaler(), model), grid, scoring=scorer, cv=3)
    # The scaler takes weights too, and has to be told.
    search.estimator.named_steps["standardscaler"].set_fit_request(sample_weight=False)
    search.fit(X, Y, sample_weight=weights)
    assert set(search.predict(X)) == {1, 2}  # rows of weight zero are absent


@pytest.mark.usefixtures("routing")
def test_a_validation_set_is_routed_to_fit():
    model = classifier(early_stopping=True).set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
    arguments = {"X_val": X[100:], "y_val": LABELS[100:], "sample_weight_val": np.ones(50)}
    routed = Pipeline([("net", model)]).fit(X, LABELS, **arguments)
    alone = classifier(early_stopping=True).fit(X, LABELS, **arguments)
    assert routed[-1].validation_scores_ == alone.validation_scores_
    np.testing.assert_array_equal(routed[-1].params_, alone.params_)


@pytest.mark.usefixtures("routing")
def test_a_pipeline_transforms_the_validation_set_that_it_routes():
    raw = load_iris().data
    model = classifier().set_fit_request(X_val=True, y_val=True)
    steps = [("scale", StandardScaler()), ("net", model)]
    pipeline = Pipeline(steps, transform_input=["X_val"]).fit(raw, LABELS, X_val=raw[90:], y_val=LABELS[90:])
    assert pipeline[-1].validation_scores_[-1] == pytest.approx(pipeline.score(raw[90:], LABELS[90:]))


@pytest.mark.usefixtures("routing")
def test_a_request_that_was_not_made_is_an_error():
    with pytest.raises((TypeError, sklearn.exceptions.UnsetMetadataPassedError), match="X_val"):
        Pipeline([("net", classifier())]).fit(X, LABELS, X_val=X, y_val=LABELS)


@pytest.mark.usefixtures("routing")
def test_requests_of_partial_fit():
    requests = classifier().get_metadata_routing().partial_fit.requests
    assert set(requests) == {"sample_weight", "classes", "X_val", "y_val", "sample_weight_val"}
    assert set(regressor().get_metadata_routing().fit.requests) == {
        "sample_weight", "X_val", "y_val", "sample_weight_val",
    }  # fmt: skip
    assert not hasattr(classifier(solver="lbfgs"), "partial_fit")


@pytest.mark.usefixtures("routing")
def test_groups_and_weights_together():
    model = regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    params = {"sample_weight": np.ones(150), "groups": np.arange(150) % 5}
    scores = cross_validate(model, X, TARGET, cv=GroupKFold(3), params=params)["test_score"]
    assert scores.min() > 0.5


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_early_stopping_with_weights_while_routing(solver):
    model = classifier(early_stopping=True, scoring="neg_log_loss", solver=solver, max_iter=5)
    assert len(model.fit(X, LABELS, sample_weight=np.ones(150)).validation_scores_) == 5


# Frames


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    library = pytest.importorskip(request.param)
    data = {"sepal length": X[:, 0], "sepal width": X[:, 1], "petal length": X[:, 2], "petal width": X[:, 3]}
    return library.DataFrame(data)


def series(frame, values):
    return type(frame)({"y": values})["y"]


@pytest.mark.parametrize("make, y", [(classifier, LABELS), (classifier, Y), (regressor, TARGET)])
def test_frames_are_arrays_with_names(frame, make, y):
    plain = make().fit(X, y)
    model = make().fit(frame, series(frame, y))
    np.testing.assert_allclose(model.params_, plain.params_, rtol=1e-6, atol=1e-9)  # frames lie in another order
    assert model.feature_names_in_.tolist() == list(frame.columns)
    assert not hasattr(plain, "feature_names_in_")
    if make is regressor:
        np.testing.assert_allclose(model.predict(frame), plain.predict(X), rtol=1e-9)
    else:
        np.testing.assert_array_equal(model.predict(frame), plain.predict(X))
    assert type(model.predict(frame)) is np.ndarray
    assert model.score(frame, series(frame, y)) == pytest.approx(plain.score(X, y))
    np.testing.assert_allclose(model.hidden_activations(frame), plain.hidden_activations(X), rtol=1e-6, atol=1e-9)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[list(frame.columns)[::-1]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        model.predict(X)


def test_frames_with_sample_weights_and_validation_sets(frame):
    weights = np.linspace(0.1, 2, 150)
    settings = {"early_stopping": True, "scoring": "neg_log_loss", "solver": "lbfgs", "max_iter": 10}
    plain = classifier(**settings).fit(X, Y, weights, X_val=X, y_val=Y, sample_weight_val=weights)
    model = classifier(**settings).fit(
        frame, series(frame, Y), series(frame, weights), X_val=frame, y_val=series(frame, Y),
        sample_weight_val=series(frame, weights),
    )  # fmt: skip
    np.testing.assert_allclose(model.params_, plain.params_, rtol=1e-6, atol=1e-9)  # frames lie in another order
    assert model.validation_scores_ == pytest.approx(plain.validation_scores_)


def test_frames_of_several_targets(frame):
    several = np.column_stack([Y == 0, Y > 0]).astype(int)
    targets = type(frame)({"a": several[:, 0], "b": several[:, 1]})
    np.testing.assert_array_equal(
        classifier().fit(frame, targets).predict(frame), classifier().fit(X, several).predict(X)
    )
    outputs = type(frame)({"a": TARGET, "b": -TARGET})
    assert regressor().fit(frame, outputs).predict(frame).shape == (150, 2)


def test_frames_in_partial_fit(frame):
    model = classifier()
    for _ in range(2):
        model.partial_fit(frame, series(frame, LABELS), classes=NAMES)
    assert model.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(frame[list(frame.columns)[::-1]], series(frame, LABELS))


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_whatever_a_scaler_puts_out(frame, container):
    """set_output is the transformers' business; a predictor takes what they give."""
    if container != "default":
        pytest.importorskip(container)
    pipeline = make_pipeline(StandardScaler().set_output(transform=container), classifier()).fit(frame, LABELS)
    assert pipeline.score(frame, LABELS) > 0.9
    assert not hasattr(classifier(), "set_output")


def test_nullable_columns_and_categories_of_pandas():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abcd")).assign(kind=np.where(X[:, 0] > 0, "long", "short"))
    table = table.astype({"a": "Float64", "b": "Float32", "kind": "category"})
    y = pandas.Series(LABELS, dtype="category")
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    assert make_pipeline(columns, classifier()).fit(table, y).score(table, y) > 0.9
    model = classifier().fit(table[list("abcd")], y)
    assert model.predict(table[list("abcd")]).dtype == LABELS.dtype
    table.loc[3, "a"] = pandas.NA
    with pytest.raises(ValueError, match="NaN"):
        classifier().fit(table[list("abcd")], y)

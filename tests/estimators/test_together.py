"""Every solver with every feature: it runs, is refused with both sides named, or what has no effect is said."""

import warnings

import numpy as np
import pytest
from problems import SCIPY, each_of_ours, lenient
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.history import COLUMNS
from skmlp_scratch.layers import Dense, Dropout
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import Adam
from skmlp_scratch.schedules import Constant, Cosine
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
]


X = np.random.RandomState(0).standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)
# What each solver has no use for: a value that differs from the default.
OTHER = {
    "batch_size": 10,
    "learning_rate": "time_decay",
    "learning_rate_init": 0.01,
    "power_t": 0.3,
    "momentum": 0.5,
    "nesterovs_momentum": False,
    "beta_1": 0.8,
    "beta_2": 0.9,
    "epsilon": 1e-7,
    "max_fun": 100,
    "decay": 0.1,
    "max_iter": 4,
    "tol": 1e-3,
}
RATES = ("learning_rate", "learning_rate_init", "power_t", "decay")
ADAM, SGD, LBFGS = ("beta_1", "beta_2"), ("momentum", "nesterovs_momentum"), ("max_fun",)
NOT_FOR_SCIPY = ("batch_size", *RATES, *SGD, *ADAM, "epsilon")
FLAT = tuple(OTHER)  # nothing flat reaches an object
WITHOUT_EFFECT = {
    "gd": (*ADAM, "epsilon", *LBFGS, "batch_size"),
    "sgd": (*ADAM, "epsilon", *LBFGS),
    "adagrad": (*ADAM, *SGD, *LBFGS),
    "rmsprop": (*ADAM, *SGD, *LBFGS),
    "adam": (*SGD, *LBFGS),
    "adamw": (*SGD, *LBFGS),
    "bfgs": (*NOT_FOR_SCIPY, *LBFGS),
    "lbfgs": NOT_FOR_SCIPY,
    "cg": (*NOT_FOR_SCIPY, *LBFGS),
}
OBJECTS = {
    "gradient descent": GradientDescent("adam", max_iter=2),
    "scipy": ScipyMinimize("L-BFGS-B", max_iter=2),
}


def said(model, name=None, **given):
    """Texts of the warnings of a fit about parameters, all of which point at this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y, **given)
    found = [each for each in caught if not issubclass(each.category, ConvergenceWarning)]
    assert all(each.category is UserWarning for each in found)
    assert all(each.filename == __file__ for each in found)
    return [str(each.message) for each in found if name is None or name in str(each.message)]


def applicable(name, solver):
    """Other settings that a parameter needs beside it to matter."""
    return {"power_t": {"learning_rate": "invscaling"}, "decay": {"learning_rate": "time_decay"}}.get(name, {})


@pytest.mark.parametrize("solver, name", [(solver, name) for solver, names in WITHOUT_EFFECT.items() for name in names])
def test_a_parameter_that_does_not_reach_the_solver_is_said(solver, name):
    model = ScratchMLPRegressor(hidden_layer_sizes=2, solver=solver, random_state=0, **{name: OTHER[name]})
    texts = said(model, name)
    assert len(texts) == 1
    assert repr(solver) in texts[0]


@pytest.mark.parametrize("solver", OBJECTS)
@pytest.mark.parametrize("name", FLAT)
@each_of_ours
def test_a_flat_parameter_beside_a_solver_object_is_said(estimator, solver, name):
    model = estimator(hidden_layer_sizes=2, solver=OBJECTS[solver], random_state=0, **{name: OTHER[name]})
    texts = said(model, name)
    assert len(texts) == 1
    assert type(OBJECTS[solver]).__name__ in texts[0]


@pytest.mark.parametrize("solver", [*WITHOUT_EFFECT, *OBJECTS])
@each_of_ours
def test_nothing_is_said_of_defaults(estimator, solver):
    assert said(estimator(hidden_layer_sizes=2, solver=OBJECTS.get(solver, solver), random_state=0)) == []


@pytest.mark.parametrize("solver", WITHOUT_EFFECT)
def test_nothing_is_said_of_what_has_an_effect(solver):
    for name in set(OTHER) - set(WITHOUT_EFFECT[solver]):
        model = ScratchMLPRegressor(hidden_layer_sizes=2, solver=solver, max_iter=3, random_state=0)
        model.set_params(**{name: OTHER[name]} | applicable(name, solver))
        if name == "learning_rate":
            model.set_params(decay=0.1)
        assert said(model) == [], name


@pytest.mark.parametrize(
    "params, name",
    [
        ({"learning_rate": "exponential"}, "decay"),
        ({"learning_rate": "time_decay"}, "decay"),
        ({"learning_rate": "step"}, "decay"),
        ({"decay": 0.1}, "decay"),
        ({"decay": 0.1, "learning_rate": "cosine"}, "decay"),
        ({"power_t": 0.3}, "power_t"),
        ({"learning_rate": Constant(0.1), "learning_rate_init": 0.01}, "learning_rate_init"),
        ({"learning_rate": Cosine(0.1), "decay": 0.01}, "decay"),
    ],
    ids=str,
)
def test_a_parameter_without_effect_beside_another_is_said(params, name):
    params = {"hidden_layer_sizes": 2} | params
    assert len(said(ScratchMLPRegressor(max_iter=3, random_state=0, **params), name)) == 1


@pytest.mark.parametrize(
    "params, given",
    [
        ({"learning_rate": "exponential", "decay": 0.01}, False),
        ({"learning_rate": "invscaling", "power_t": 0.3}, False),
        ({"early_stopping": True, "validation_fraction": 0.2}, False),
        ({"early_stopping": True, "scoring": "r2"}, False),
        ({"scoring": "r2"}, True),
        ({"early_stopping": True, "n_iter_no_change": 4, "solver": "lbfgs"}, False),
        ({"early_stopping": True, "n_iter_no_change": 4, "tol": 1e-3, "solver": OBJECTS["scipy"]}, False),
        ({"loss": "quantile", "quantile": 0.9}, False),
        ({"loss": "huber", "huber_delta": 2.0}, False),
        ({"solver": "sgd", "momentum": 0.0}, False),
        ({"alpha": 0.1, "l1_ratio": 0.5}, False),
        ({"hidden_layer_sizes": (), "activation": "tanh"}, False),
    ],
    ids=str,
)
def test_nothing_is_said_where_the_other_parameter_makes_it_matter(params, given):
    validation = {"X_val": X, "y_val": Y} if given else {}
    params = {"hidden_layer_sizes": 2, "random_state": 0} | params
    if isinstance(params.get("solver", ""), str):
        params["max_iter"] = 3
    assert said(ScratchMLPRegressor(**params), **validation) == []


def test_several_parameters_are_said_together_or_each_once():
    model = ScratchMLPRegressor(hidden_layer_sizes=2, solver="lbfgs", momentum=0.5, beta_1=0.8, learning_rate_init=0.1)
    texts = said(model)
    for name in ("momentum", "beta_1", "learning_rate_init"):
        assert sum(name in text for text in texts) == 1


def test_partial_fit_says_it_in_the_first_call_only():
    """A stream of a thousand chunks is no thousand warnings."""
    model = ScratchMLPRegressor(hidden_layer_sizes=2, solver="adam", momentum=0.5)
    counts = []
    for _ in range(3):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.partial_fit(X, Y)
        counts.append(sum("momentum" in str(each.message) for each in caught))
    assert counts == [1, 0, 0]


@pytest.mark.parametrize("name", ["max_iter", "tol"])
def test_partial_fit_makes_one_epoch_whatever_max_iter_says(name):
    """scikit-learn's users leave them set, and "cosine" spans max_iter calls: nothing is said."""
    model = ScratchMLPRegressor(hidden_layer_sizes=2, **{name: OTHER[name]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X, Y)


@pytest.mark.parametrize("solver", [*OBJECTS.values(), "bfgs", "lbfgs", "cg"], ids=str)
def test_a_clip_norm_that_reaches_nothing_stays_an_error(solver):
    with pytest.raises(ValueError, match="clip_norm"):
        ScratchMLPRegressor(hidden_layer_sizes=2, solver=solver, clip_norm=1.0).fit(X, Y)


# Parameters of what is given by name


@each_of_ours
@pytest.mark.parametrize(
    "name, remedy",
    [
        ("solver__beta_1", "GradientDescent"),
        ("solver__max_iter", "GradientDescent"),
        ("solver__optimizer__beta_1", "GradientDescent"),
        ("loss__delta", "Huber"),
        ("learning_rate__decay", "TimeDecay"),
        ("learning_rate__every", "StepDecay"),
    ],
)
def test_a_parameter_of_a_name_is_refused_with_the_object_to_give(estimator, name, remedy):
    model = estimator()
    head = name.split("__")[0]
    with pytest.raises(ValueError, match=f"{head}='[a-z_]+' is a name") as caught:
        model.set_params(**{name: 0.5})
    if head == "solver":
        assert f"solver={remedy}(Adam()" in str(caught.value)
    assert "object" in str(caught.value) or remedy in str(caught.value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_search_over_parameters_of_a_name_says_so():
    search = GridSearchCV(ScratchMLPRegressor(hidden_layer_sizes=2), {"solver__beta_1": [0.5]}, cv=2)
    with pytest.raises(ValueError, match="solver='adam' is a name"):
        search.fit(X, Y)
    pipeline = make_pipeline(ScratchMLPRegressor())
    with pytest.raises(ValueError, match="solver='adam' is a name"):
        pipeline.set_params(scratchmlpregressor__solver__beta_1=0.5)


def test_an_unknown_parameter_is_still_scikit_learns_error():
    with pytest.raises(ValueError, match="Invalid parameter 'no_such'"):
        ScratchMLPRegressor().set_params(no_such=1)
    with pytest.raises(ValueError, match="Invalid parameter 'no_such'"):
        ScratchMLPRegressor(solver=GradientDescent()).set_params(solver__no_such=1)


def test_object_and_its_parameter_can_be_set_together():
    model = ScratchMLPRegressor().set_params(solver=GradientDescent("adam"), solver__max_iter=7)
    assert model.solver.max_iter == 7


# A warm start that changes the network


def warm(**params):
    params = {"hidden_layer_sizes": (4,), "max_iter": 2, "warm_start": True, "random_state": 0} | params
    return ScratchMLPRegressor(**params)


CHANGED = {
    "hidden_layer_sizes": ({"hidden_layer_sizes": (5,)}, X, Y),
    "another layer": ({"hidden_layer_sizes": (4, 4)}, X, Y),
    "activation": ({"activation": "tanh"}, X, Y),
    "normalization": ({"normalization": "layer"}, X, Y),
    "y has 2 columns": ({}, X, np.column_stack([Y, Y])),
}


@pytest.mark.parametrize("what", CHANGED)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_warm_start_that_changes_the_network_names_what_changed_and_the_remedy(what, method):
    params, data, y = CHANGED[what]
    model = warm().fit(X, Y)
    before = model.params_.copy()
    with pytest.raises(ValueError, match="hidden_layer_sizes" if what == "another layer" else what) as caught:
        getattr(model.set_params(**params), method)(data, y)
    text = str(caught.value)
    assert "warm_start=False" in text or (method == "partial_fit" and "clone" in text)  # what to do
    assert "Network(" not in text  # the layers say little to a user
    assert len(text) < 300
    np.testing.assert_array_equal(model.params_, before)


@pytest.mark.parametrize("change", [{"dropout": 0.3}, {"input_dropout": 0.2}, {"dropout": 0.0}], ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_dropout_may_change_between_warm_starts(change):
    """It has no weights."""
    model = warm(dropout=0.1).fit(X, Y)
    model.set_params(**change).fit(X, Y)
    assert len(model.loss_curve_) == 4
    model.partial_fit(X, Y)
    assert len(model.loss_curve_) == 5


@pytest.mark.parametrize("names", [("logistic", "sigmoid"), ("silu", "swish"), ("swish", ["silu"])], ids=str)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_two_names_of_one_activation_are_one_in_a_warm_start(names):
    model = warm(activation=names[0]).fit(X, Y)
    assert len(model.set_params(activation=names[1]).fit(X, Y).loss_curve_) == 4


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_other_parameters_may_change_between_warm_starts():
    model = warm().fit(X, Y)
    for change in (
        {"alpha": 0.1},
        {"solver": "sgd"},
        {"batch_size": 7},
        {"learning_rate_init": 0.01},
        {"init": "uniform"},
    ):
        model.set_params(**change).fit(X, Y)
    assert len(model.loss_curve_) == 12
    assert clone(model).get_params() == model.get_params()


MAX_ITER = 12
COMMON = {"hidden_layer_sizes": (6, 5), "batch_size": 25, "learning_rate_init": 0.02, "max_iter": MAX_ITER}
COMMON |= {"alpha": 0.5, "tol": 0.0, "random_state": 0}
FEATURES = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "dropout a layer": {"dropout": (0.0, 0.4)},
    "input dropout": {"input_dropout": 0.2},
    "batch norm": {"normalization": "batch"},
    "layer norm": {"normalization": "layer"},
    "elastic net": {"l1_ratio": 0.5},
    "clip_norm": {"clip_norm": 0.05},
    "early stopping on given data": {"early_stopping": True},
}
FOR_CLASSIFIER = {"class weights": {"class_weight": "balanced"}, "label smoothing": {"label_smoothing": 0.1}}
NO_DROPOUT = r"solver='{solver}' needs a deterministic objective, and .*dropout=.*stochastic"
REFUSED = {
    "dropout": NO_DROPOUT,
    "dropout a layer": NO_DROPOUT,
    "input dropout": NO_DROPOUT,
    "clip_norm": r"clip_norm=0.05 does not reach solver='{solver}'",
}
X_FOUR = np.random.RandomState(0).standard_normal((100, 4))
NOISE = np.random.RandomState(1).standard_normal(100)
TARGETS_OF = {
    ScratchMLPClassifier: (X_FOUR[:, 0] * X_FOUR[:, 1] + X_FOUR[:, 2] + 0.3 * NOISE > 0.6).astype(int),
    ScratchMLPRegressor: np.sin(X_FOUR[:, 0]) + X_FOUR[:, 1] ** 2 + 0.1 * NOISE,
}
COMBINATIONS = [
    pytest.param(estimator, feature, solver, id=f"{kind}-{feature}-{solver}".replace(" ", "_"))
    for kind, estimator, features in (
        ("classifier", ScratchMLPClassifier, FEATURES | FOR_CLASSIFIER),
        ("regressor", ScratchMLPRegressor, FEATURES),
    )
    for feature in features
    for solver in SOLVERS
]


def outputs(model):
    return model.predict_proba(X_FOUR) if hasattr(model, "predict_proba") else model.predict(X_FOUR)


def train(estimator, feature, solver):
    model = estimator(solver=solver, **COMMON | (FEATURES | FOR_CLASSIFIER)[feature])
    y = TARGETS_OF[estimator]
    if feature == "early stopping on given data":
        return model.fit(X_FOUR[:70], y[:70], X_val=X_FOUR[70:], y_val=y[70:])
    return model.fit(X_FOUR, y)


@lenient
@pytest.mark.parametrize("estimator, feature, solver", COMBINATIONS)
def test_runs_or_is_refused(estimator, feature, solver):
    if solver in SCIPY and feature in REFUSED:
        with pytest.raises(ValueError, match=REFUSED[feature].format(solver=solver)):
            train(estimator, feature, solver)
        return
    model = train(estimator, feature, solver)
    assert set(model.history_) == set(COLUMNS)
    assert {len(column) for column in model.history_.values()} == {model.n_iter_}
    assert 1 < model.n_iter_ <= MAX_ITER
    losses = model.history_["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert np.isfinite(outputs(model)).all()
    if feature == "clip_norm":
        assert max(model.history_["grad_norm"]) <= 0.05 * (1 + 1e-12)
    if feature == "early stopping on given data":
        assert model.score(X_FOUR[70:], TARGETS_OF[estimator][70:]) == pytest.approx(
            model.best_validation_score_, abs=1e-12
        )
        assert np.isfinite(model.history_["val_loss"]).all()
    if feature != "plain":
        assert np.abs(outputs(model) - outputs(train(estimator, "plain", solver))).max() > 1e-6


@lenient
@pytest.mark.parametrize("parameters", [{"dropout": 0.1}, {"dropout": (0.0, 0.1)}, {"input_dropout": 0.1}])
def test_a_scipy_object_refuses_dropout(parameters):
    solver = ScipyMinimize("L-BFGS-B", max_iter=3)
    model = ScratchMLPClassifier((4, 4), solver=solver, **parameters)
    with pytest.raises(ValueError, match=r"solver=ScipyMinimize\(.*needs a deterministic objective.*dropout"):
        model.fit(X_FOUR, TARGETS_OF[ScratchMLPClassifier])


@lenient
def test_scipy_refuses_a_stochastic_objective_whoever_calls_it():
    network = Network([Dense(4, 3), Dropout(0.5), Dense(3, 1)])
    objective = Objective(network, "squared_error", X_FOUR, NOISE)
    with pytest.raises(ValueError, match=r"ScipyMinimize\('CG'\) needs a deterministic objective, and dropout"):
        ScipyMinimize("CG").minimize(objective, network.init(np.random.RandomState(0)))


@lenient
@pytest.mark.parametrize("solver", [GradientDescent(max_iter=2), ScipyMinimize(max_iter=2)])
def test_clip_norm_does_not_reach_a_solver_object(solver):
    with pytest.raises(ValueError, match=r"clip_norm=1.0 does not reach solver=(GradientDescent|ScipyMinimize)"):
        ScratchMLPRegressor(solver=solver, clip_norm=1.0).fit(X_FOUR, NOISE)


@lenient
@pytest.mark.parametrize("n_rows, parameters", [
    (100, {"batch_size": 1}),
    (100, {"solver": GradientDescent(batch_size=1, max_iter=2)}),
    (1, {}),
    (1, {"solver": "gd"}),
    (1, {"solver": "bfgs"}),
])  # fmt: skip
def test_batch_normalization_refuses_a_batch_of_one(n_rows, parameters):
    model = ScratchMLPRegressor(hidden_layer_sizes=3, normalization="batch", **parameters)
    with pytest.raises(ValueError, match=r"normalization='batch' needs at least two rows per batch: batch_size is"):
        model.fit(X_FOUR[:n_rows], NOISE[:n_rows])


@lenient
def test_batch_normalization_refuses_a_partial_fit_of_one_row():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, normalization="batch").partial_fit(X_FOUR, NOISE)
    with pytest.raises(ValueError, match="normalization='batch' needs at least two rows per batch"):
        model.partial_fit(X_FOUR[:1], NOISE[:1])


@lenient
def test_layer_normalization_takes_a_batch_of_one():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, normalization="layer", batch_size=1, max_iter=2).fit(
        X_FOUR, NOISE
    )
    assert np.isfinite(model.predict(X_FOUR)).all()


LABELS_OF_FOUR = TARGETS_OF[ScratchMLPClassifier]
THREE_OF_FOUR = LABELS_OF_FOUR + (X_FOUR[:, 0] > 1)
BOTH_OF_FOUR = np.column_stack([LABELS_OF_FOUR, X_FOUR[:, 0] > 0]).astype(int)
UNFIT = [
    (ScratchMLPClassifier(loss="binary_cross_entropy"), THREE_OF_FOUR, "use loss='log_loss' instead of 'binary"),
    (ScratchMLPClassifier(loss="categorical_cross_entropy"), BOTH_OF_FOUR, "gives no probabilities of 2 labels"),
    (ScratchMLPRegressor("poisson"), -np.ones(100), "loss='poisson' needs y of at least 0, and y has -1"),
    (ScratchMLPRegressor("gamma"), np.zeros(100), "loss='gamma' needs y above 0, and y has 0"),
    (ScratchMLPRegressor(learning_rate="step", decay=1.0), NOISE, "decay=1.0 must be a number .* below 1"),
    (ScratchMLPRegressor(learning_rate="exponential", decay=2.5), NOISE, "decay=2.5 must be a number .* below 1"),
    (ScratchMLPRegressor(hidden_layer_sizes=(3, 3), activation=["relu"]), NOISE, "activation has 1 entries for 2"),
    (ScratchMLPRegressor(hidden_layer_sizes=(3, 3), dropout=[0.1]), NOISE, "dropout has 1 entries for 2 hidden layers"),
    (ScratchMLPRegressor(hidden_layer_sizes=(), dropout=[0.1]), NOISE, "dropout has 1 entries for 0 hidden layers"),
]  # fmt: skip


@lenient
@pytest.mark.parametrize("model, y, message", UNFIT)
def test_what_does_not_go_together_is_refused_at_fit(model, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X_FOUR, y)


@lenient
def test_partial_fit_refuses_what_needs_all_the_rows():
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        ScratchMLPClassifier(early_stopping=True).partial_fit(X_FOUR, LABELS_OF_FOUR, classes=[0, 1])
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported for partial_fit"):
        ScratchMLPClassifier(class_weight="balanced").partial_fit(X_FOUR, LABELS_OF_FOUR, classes=[0, 1])


@lenient
def test_a_warm_start_refuses_another_network():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, warm_start=True, max_iter=2).fit(X_FOUR, NOISE)
    with pytest.raises(ValueError, match="warm_start and partial_fit keep the network"):
        model.set_params(normalization="batch").fit(X_FOUR, NOISE)


def test_parameters_of_an_optimizer_given_by_name_need_an_object():
    clf = ScratchMLPClassifier(solver=GradientDescent("adam"))
    with pytest.raises(ValueError, match=r"^solver__optimizer__beta_1: optimizer='adam' is a name .*Adam\(\)"):
        clf.set_params(solver__optimizer__beta_1=0.5)
    clf.set_params(solver__optimizer=Adam(), solver__optimizer__beta_1=0.5)  # in one call
    assert clf.solver.optimizer.beta_1 == 0.5

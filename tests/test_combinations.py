"""Every solver with every feature, on both estimators: it runs, or fit refuses it and names both sides."""

import numpy as np
import pytest

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.history import COLUMNS
from skmlp_scratch.layers import Dense, Dropout
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

# A few epochs show that a combination works.
pytestmark = [
    pytest.mark.usefixtures("one_blas_thread"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    # Solvers are compared on the same parameters, whether they use them or not.
    pytest.mark.filterwarnings("ignore:.*(has no effect with solver|is constant with decay=0):UserWarning"),
]

SCIPY = ("bfgs", "lbfgs", "cg")
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

X = np.random.RandomState(0).standard_normal((100, 4))
NOISE = np.random.RandomState(1).standard_normal(100)
TARGETS = {
    ScratchMLPClassifier: (X[:, 0] * X[:, 1] + X[:, 2] + 0.3 * NOISE > 0.6).astype(int),
    ScratchMLPRegressor: np.sin(X[:, 0]) + X[:, 1] ** 2 + 0.1 * NOISE,
}
ROWS = [
    pytest.param(estimator, feature, solver, id=f"{kind}-{feature}-{solver}".replace(" ", "_"))
    for kind, estimator, features in (
        ("classifier", ScratchMLPClassifier, FEATURES | FOR_CLASSIFIER),
        ("regressor", ScratchMLPRegressor, FEATURES),
    )
    for feature in features
    for solver in SOLVERS
]


def outputs(model):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def train(estimator, feature, solver):
    model = estimator(solver=solver, **COMMON | (FEATURES | FOR_CLASSIFIER)[feature])
    y = TARGETS[estimator]
    if feature == "early stopping on given data":
        return model.fit(X[:70], y[:70], X_val=X[70:], y_val=y[70:])
    return model.fit(X, y)


@pytest.mark.parametrize("estimator, feature, solver", ROWS)
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
        assert model.score(X[70:], TARGETS[estimator][70:]) == pytest.approx(model.best_validation_score_, abs=1e-12)
        assert np.isfinite(model.history_["val_loss"]).all()
    if feature != "plain":
        assert np.abs(outputs(model) - outputs(train(estimator, "plain", solver))).max() > 1e-6


@pytest.mark.parametrize("parameters", [{"dropout": 0.1}, {"dropout": (0.0, 0.1)}, {"input_dropout": 0.1}])
def test_a_scipy_object_refuses_dropout(parameters):
    solver = ScipyMinimize("L-BFGS-B", max_iter=3)
    model = ScratchMLPClassifier((4, 4), solver=solver, **parameters)
    with pytest.raises(ValueError, match=r"solver=ScipyMinimize\(.*needs a deterministic objective.*dropout"):
        model.fit(X, TARGETS[ScratchMLPClassifier])


def test_scipy_refuses_a_stochastic_objective_whoever_calls_it():
    network = Network([Dense(4, 3), Dropout(0.5), Dense(3, 1)])
    objective = Objective(network, "squared_error", X, NOISE)
    with pytest.raises(ValueError, match=r"ScipyMinimize\('CG'\) needs a deterministic objective, and dropout"):
        ScipyMinimize("CG").minimize(objective, network.init(np.random.RandomState(0)))


@pytest.mark.parametrize("solver", [GradientDescent(max_iter=2), ScipyMinimize(max_iter=2)])
def test_clip_norm_does_not_reach_a_solver_object(solver):
    with pytest.raises(ValueError, match=r"clip_norm=1.0 does not reach solver=(GradientDescent|ScipyMinimize)"):
        ScratchMLPRegressor(solver=solver, clip_norm=1.0).fit(X, NOISE)


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
        model.fit(X[:n_rows], NOISE[:n_rows])


def test_batch_normalization_refuses_a_partial_fit_of_one_row():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, normalization="batch").partial_fit(X, NOISE)
    with pytest.raises(ValueError, match="normalization='batch' needs at least two rows per batch"):
        model.partial_fit(X[:1], NOISE[:1])


def test_layer_normalization_takes_a_batch_of_one():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, normalization="layer", batch_size=1, max_iter=2).fit(X, NOISE)
    assert np.isfinite(model.predict(X)).all()


LABELS = TARGETS[ScratchMLPClassifier]
THREE = LABELS + (X[:, 0] > 1)
BOTH = np.column_stack([LABELS, X[:, 0] > 0]).astype(int)
UNFIT = [
    (ScratchMLPClassifier(loss="binary_cross_entropy"), THREE, "use loss='log_loss' instead of 'binary"),
    (ScratchMLPClassifier(loss="categorical_cross_entropy"), BOTH, "gives no probabilities of 2 labels"),
    (ScratchMLPRegressor("poisson"), -np.ones(100), "loss='poisson' needs y of at least 0, and y has -1"),
    (ScratchMLPRegressor("gamma"), np.zeros(100), "loss='gamma' needs y above 0, and y has 0"),
    (ScratchMLPRegressor(learning_rate="step", decay=1.0), NOISE, "decay=1.0 must be a number .* below 1"),
    (ScratchMLPRegressor(learning_rate="exponential", decay=2.5), NOISE, "decay=2.5 must be a number .* below 1"),
    (ScratchMLPRegressor(hidden_layer_sizes=(3, 3), activation=["relu"]), NOISE, "activation has 1 entries for 2"),
    (ScratchMLPRegressor(hidden_layer_sizes=(3, 3), dropout=[0.1]), NOISE, "dropout has 1 entries for 2 hidden layers"),
    (ScratchMLPRegressor(hidden_layer_sizes=(), dropout=[0.1]), NOISE, "dropout has 1 entries for 0 hidden layers"),
]  # fmt: skip


@pytest.mark.parametrize("model, y, message", UNFIT)
def test_what_does_not_go_together_is_refused_at_fit(model, y, message):
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_partial_fit_refuses_what_needs_all_the_rows():
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        ScratchMLPClassifier(early_stopping=True).partial_fit(X, LABELS, classes=[0, 1])
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported for partial_fit"):
        ScratchMLPClassifier(class_weight="balanced").partial_fit(X, LABELS, classes=[0, 1])


@pytest.mark.parametrize("solver", [*SCIPY, ScipyMinimize()])
@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_partial_fit_is_absent_for_scipy_and_says_why(estimator, solver):
    model = estimator(solver=solver)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError) as caught:
        _ = model.partial_fit
    reasons = f"{caught.value} {caught.value.__cause__}"
    assert "partial_fit needs a gradient-descent solver" in reasons
    assert repr(solver) in reasons


def test_a_warm_start_refuses_another_network():
    model = ScratchMLPRegressor(hidden_layer_sizes=3, warm_start=True, max_iter=2).fit(X, NOISE)
    with pytest.raises(ValueError, match="warm_start and partial_fit keep the network"):
        model.set_params(normalization="batch").fit(X, NOISE)

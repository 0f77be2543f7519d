"""The public API: names, order, defaults and kinds of parameters, ``dir()``, and a pickle of every public object.

The tables say what code outside relies on. A parameter may be added where the rows end, if it has a default.
"""

import importlib
import inspect
import pickle

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier, MLPRegressor

import skmlp_scratch
from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor, check_gradient, compare_with_baselines, layers
from skmlp_scratch import losses as loss_module
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.initializers import INITIALIZERS
from skmlp_scratch.losses import LOSSES
from skmlp_scratch.network import Network
from skmlp_scratch.objective import Objective
from skmlp_scratch.optimizers import OPTIMIZERS, SGD, Adagrad, Adam, AdamW, RMSprop
from skmlp_scratch.schedules import (
    SCHEDULES,
    Adaptive,
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    StepDecay,
    TimeDecay,
)
from skmlp_scratch.solvers import SOLVERS, GradientDescent, ScipyMinimize

AS_SCIKIT_LEARN = """solver="adam", alpha=0.0001, batch_size="auto", learning_rate="constant", learning_rate_init=0.001,
    power_t=0.5, max_iter=200, shuffle=True, random_state=None, tol=1e-4, verbose=False, warm_start=False, momentum=0.9,
    nesterovs_momentum=True, early_stopping=False, validation_fraction=0.1, beta_1=0.9, beta_2=0.999, epsilon=1e-8,
    n_iter_no_change=10, max_fun=15000"""
CLASSIFIER = f"""hidden_layer_sizes=(100,), activation="relu", *, {AS_SCIKIT_LEARN},
    loss="log_loss", class_weight=None, label_smoothing=0.0, l1_ratio=0.0, dropout=0.0, input_dropout=0.0,
    normalization=None, init="auto", decay=0.0, clip_norm=None, scoring=None"""
REGRESSOR = f"""loss="squared_error", hidden_layer_sizes=(100,), activation="relu", *, {AS_SCIKIT_LEARN},
    l1_ratio=0.0, dropout=0.0, input_dropout=0.0, normalization=None, init="auto", decay=0.0, clip_norm=None,
    scoring=None, quantile=0.5, huber_delta=1.0"""
TABULAR = """hidden_layer_sizes=(128, 128, 128), activation="silu", *, n_members=4, n_folds=8, max_iter="auto",
    batch_size=128, learning_rate_init=3e-3, weight_decay=0.1, ema=0.995"""
AS_TREES = 'categorical_features="from_dtype", n_jobs=None, random_state=None, verbose=False'
TABULAR_CLASSIFIER = f"""{TABULAR}, label_smoothing=0.1, n_bins=16, loss="log_loss", class_weight=None, {AS_TREES}"""
TABULAR_REGRESSOR = f"""loss="squared_error", {TABULAR}, n_bins=16, {AS_TREES}, quantile=0.5, huber_delta=1.0"""
VALIDATION = "*, X_val=None, y_val=None, sample_weight_val=None"
FIT = f"self, X, y, sample_weight=None, {VALIDATION}"

# Module, object, method or "", and the parameters as Python writes them.
SIGNATURES = [
    ("skmlp_scratch", "ScratchMLPClassifier", "", CLASSIFIER),
    ("skmlp_scratch", "ScratchMLPClassifier", "fit", FIT),
    ("skmlp_scratch", "ScratchMLPClassifier", "partial_fit", "self, X, y, sample_weight=None, classes=None"),
    ("skmlp_scratch", "ScratchMLPClassifier", "predict", "self, X"),
    ("skmlp_scratch", "ScratchMLPClassifier", "predict_proba", "self, X"),
    ("skmlp_scratch", "ScratchMLPClassifier", "predict_log_proba", "self, X"),
    ("skmlp_scratch", "ScratchMLPClassifier", "decision_function", "self, X"),
    ("skmlp_scratch", "ScratchMLPClassifier", "score", "self, X, y, sample_weight=None"),
    ("skmlp_scratch", "ScratchMLPClassifier", "hidden_activations", "self, X, layer=-1"),
    ("skmlp_scratch", "ScratchMLPRegressor", "", REGRESSOR),
    ("skmlp_scratch", "ScratchMLPRegressor", "fit", FIT),
    ("skmlp_scratch", "ScratchMLPRegressor", "partial_fit", "self, X, y, sample_weight=None"),
    ("skmlp_scratch", "ScratchMLPRegressor", "predict", "self, X"),
    ("skmlp_scratch", "ScratchMLPRegressor", "score", "self, X, y, sample_weight=None"),
    ("skmlp_scratch", "ScratchMLPRegressor", "hidden_activations", "self, X, layer=-1"),
    ("skmlp_scratch", "ScratchTabularClassifier", "", TABULAR_CLASSIFIER),
    ("skmlp_scratch", "ScratchTabularRegressor", "", TABULAR_REGRESSOR),
    *[("skmlp_scratch", f"ScratchTabular{kind}", "fit", FIT) for kind in ("Classifier", "Regressor")],
    *[
        ("skmlp_scratch", "ScratchTabularClassifier", method, "self, X")
        for method in ("predict", "predict_proba", "predict_log_proba", "decision_function")
    ],
    ("skmlp_scratch", "ScratchTabularRegressor", "predict", "self, X, return_std=False"),
    ("skmlp_scratch", "check_gradient", "", "objective, params, y=None, *, tol=1e-8, random_state=0"),
    (
        "skmlp_scratch",
        "trace",
        "",
        'model, X, y, *, params=None, loss=None, learning_rate=None, optimizer="sgd", random_state=0',
    ),
    (
        "skmlp_scratch",
        "compare_with_baselines",
        "",
        "X, y, hidden_layer_sizes=(1, 2, 3, 4, 5, 20, 50), cv=5, random_state=0, *, network_params=None",
    ),
    (
        "solvers",
        "GradientDescent",
        "",
        """optimizer="sgd", learning_rate=0.01, batch_size=None, shuffle=True, max_iter=2000, tol=None,
        n_iter_no_change=10, clip_norm=None, ema=None""",
    ),
    ("solvers", "GradientDescent", "minimize", "self, objective, params, *, callback=None, rng=None, state=None"),
    ("solvers", "ScipyMinimize", "", """method="BFGS", max_iter=None, tol=None, options=None"""),
    ("solvers", "ScipyMinimize", "minimize", "self, objective, params, *, callback=None, rng=None, state=None"),
    ("optimizers", "SGD", "", "momentum=0.0, nesterov=False"),
    ("optimizers", "Adagrad", "", "epsilon=1e-8"),
    ("optimizers", "RMSprop", "", "rho=0.9, centered=False, epsilon=1e-8"),
    ("optimizers", "Adam", "", "beta_1=0.9, beta_2=0.999, epsilon=1e-8"),
    ("optimizers", "AdamW", "", "beta_1=0.9, beta_2=0.999, epsilon=1e-8, weight_decay=0.01, decayed='all'"),
    *[("optimizers", name, "init", "self, params") for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")],
    *[
        ("optimizers", name, "update", "self, params, grad, state, learning_rate")
        for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW")
    ],
    ("schedules", "Constant", "", "learning_rate=0.001"),
    ("schedules", "InverseScaling", "", "learning_rate=0.001, power_t=0.5"),
    ("schedules", "TimeDecay", "", "learning_rate=0.001, decay=0.0"),
    ("schedules", "StepDecay", "", "learning_rate=0.001, decay=0.5, every=10"),
    ("schedules", "Exponential", "", "learning_rate=0.001, decay=0.01"),
    ("schedules", "Cosine", "", "learning_rate=0.001, max_iter=200, warm_up=0"),
    ("schedules", "Adaptive", "", "learning_rate=0.001, tol=1e-4, n_iter_no_change=10"),
    ("losses", "SquaredError", "", """link="identity" """),
    ("losses", "AbsoluteError", "", """link="identity" """),
    ("losses", "Huber", "", """delta=1.0, link="identity" """),
    ("losses", "Quantile", "", """quantile=0.5, link="identity" """),
    ("losses", "Poisson", "", ""),
    ("losses", "Gamma", "", ""),
    ("losses", "BinaryCrossEntropy", "", ""),
    ("losses", "CategoricalCrossEntropy", "", ""),
    ("losses", "SquaredError", "value_and_grad", "self, y, raw, sample_weight"),
    ("losses", "SquaredError", "inverse_link", "self, raw"),
    ("layers", "Dense", "", "n_in, n_out, bias=True"),
    ("layers", "Activation", "", "function"),
    ("layers", "Dropout", "", "p"),
    ("layers", "BatchNorm", "", "n"),
    ("layers", "LayerNorm", "", "n"),
    *[
        ("layers", name, method, f"self, params, X{', rng' * (method == 'forward')}")
        for name in ("Dense", "Activation", "Dropout", "BatchNorm", "LayerNorm")
        for method in ("forward", "predict")
    ],
    ("network", "Network", "", "layers"),
    ("network", "Network", "init", """self, rng, init="auto" """),
    ("network", "Network", "forward", "self, params, X, rng=None"),
    ("network", "Network", "predict", "self, params, X"),
    ("network", "Network", "unflatten", "self, params"),
    ("network", "Network", "calibrate", "self, params, X"),
    ("objective", "Objective", "", "network, loss, X, y, sample_weight=None, alpha=0.0, l1_ratio=0.0"),
    ("objective", "Objective", "loss_and_grad", "self, params, rows=None, rng=None"),
    ("plotting", "LossCurveDisplay", "", "*, histories, names"),
    (
        "plotting",
        "LossCurveDisplay",
        "from_estimator",
        """estimator, *, names=None, x="epoch", log_scale=None, ax=None, **kwargs""",
    ),
    (
        "plotting",
        "DecisionSurfaceDisplay",
        "from_estimator",
        "estimator, X, y=None, *, names=None, feature_names=None, grid_resolution=150, n_cols=4, ax=None, **kwargs",
    ),
    (
        "plotting",
        "WeightsDisplay",
        "from_estimator",
        "estimator, *, layer=None, image_shape=None, ax=None, **kwargs",
    ),
    ("plotting", "NetworkDisplay", "from_estimator", "estimator, X=None, y=None, *, ax=None, **kwargs"),
    ("plotting", "ActivationDisplay", "from_activation", "activation, *, z=None, ax=None, **kwargs"),
    ("plotting", "ComparisonDisplay", "from_comparison", "table, *, ax=None, **kwargs"),
    ("objective", "Objective", "sums", "self, params, rows=None, rng=None, scale=1.0"),
    *[
        ("skmlp_scratch", f"ScratchMLP{kind}", "fit_chunks", f"self, chunks, {VALIDATION}")
        for kind in ("Classifier", "Regressor")
    ],
    ("distributed", "DaskScratchMLPClassifier", "", f"{CLASSIFIER}, client=None"),
    ("distributed", "DaskScratchMLPRegressor", "", f"{REGRESSOR}, client=None"),
    *[
        ("distributed", f"DaskScratchMLP{kind}", method, expected)
        for kind in ("Classifier", "Regressor")
        for method, expected in {
            "fit": FIT,
            "predict": "self, X",
            "score": "self, X, y, sample_weight=None",
            "to_local": "self",
        }.items()
    ],
    ("distributed", "DaskScratchMLPClassifier", "predict_proba", "self, X"),
    (
        "distributed",
        "DistributedObjective",
        "",
        "network, loss, shards, alpha=0.0, l1_ratio=0.0, client=None",
    ),
    ("distributed", "DistributedObjective", "loss_and_grad", "self, params, rows=None, rng=None"),
    ("distributed", "DistributedObjective", "value", "self, params"),
    ("distributed", "Shard", "", "network, loss, X, y, sample_weight=None"),
    ("distributed", "Shard", "sums", "self, params, rows=None, seed=None, scale=1.0"),
]
EXACT = {
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "ScratchTabularClassifier",
    "ScratchTabularRegressor",
}  # constructors in which nothing may come in between
TABLES = {
    "ACTIVATIONS": (
        ACTIVATIONS,
        "identity tanh logistic sigmoid relu leaky_relu elu selu gelu silu swish mish softplus",
    ),
    "INITIALIZERS": (
        INITIALIZERS,
        "auto glorot_uniform glorot_normal he_uniform he_normal lecun_uniform lecun_normal uniform",
    ),
    "LOSSES": (
        LOSSES,
        "log_loss binary_cross_entropy categorical_cross_entropy squared_error absolute_error huber quantile poisson "
        "gamma",
    ),
    "OPTIMIZERS": (OPTIMIZERS, "sgd adagrad rmsprop adam adamw"),
    "SCHEDULES": (SCHEDULES, "constant invscaling adaptive time_decay step exponential cosine flat_cosine"),
    "SOLVERS": (SOLVERS, "gd sgd adagrad rmsprop adam adamw bfgs lbfgs cg"),
}
PUBLIC = {
    *("ScratchMLPClassifier", "ScratchMLPRegressor", "ScratchTabularClassifier", "ScratchTabularRegressor"),
    *("check_gradient", "compare_with_baselines", "__version__"),
}

X = np.random.RandomState(0).standard_normal((40, 3))
Y = (X[:, 0] > 0).astype(int)
NETWORK = Network([layers.Dense(3, 4), layers.Activation("tanh"), layers.Dense(4, 2)])


def parameters_of(function):
    """Name, kind and default of each parameter."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize(
    "module, name, method, expected", SIGNATURES, ids=[".".join(filter(None, row[:3])) for row in SIGNATURES]
)
def test_a_signature_is_as_published(module, name, method, expected):
    if module == "distributed":
        pytest.importorskip("distributed", reason="needs the extra dask")
    module = module if module == "skmlp_scratch" else f"skmlp_scratch.{module}"
    found = getattr(importlib.import_module(module), name)
    found = parameters_of(getattr(found, method) if method else found)
    expected = parameters_of(eval(f"(lambda {expected}: None)"))
    assert found[: len(expected)] == expected
    if name in EXACT and not method:
        assert len(found) == len(expected)
    added = found[len(expected) :]
    assert all(default is not inspect.Parameter.empty or kind.name.startswith("VAR") for _, kind, default in added)


@pytest.mark.parametrize("ours, peer", [(ScratchMLPClassifier, MLPClassifier), (ScratchMLPRegressor, MLPRegressor)])
def test_every_parameter_of_the_peer_has_the_same_default(ours, peer):
    here = {name: default for name, _, default in parameters_of(ours)}
    for name, _, default in parameters_of(peer):
        assert here[name] == default, name
        assert type(here[name]) is type(default), name


@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
def test_the_constructor_only_stores_what_it_is_given(estimator):
    given = {name: object() for name, _, _ in parameters_of(estimator)}
    model = estimator(**given)
    assert vars(model).items() >= given.items()
    assert model.get_params(deep=False) == given


@pytest.mark.parametrize("name", TABLES)
def test_a_table_holds_the_published_names(name):
    table, names = TABLES[name]
    assert set(names.split()) <= set(table)
    assert [each for each in table if each in names.split()] == names.split()


def test_dir_lists_everything_public():
    assert set(dir(skmlp_scratch)) >= PUBLIC


def test_all_lists_everything_public():
    assert set(skmlp_scratch.__all__) | {"__version__"} >= PUBLIC
    for name in skmlp_scratch.__all__:
        assert getattr(skmlp_scratch, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'ScratchMLP'"):
        skmlp_scratch.ScratchMLP  # noqa: B018


# A pickle of each public object.

OBJECTS = [
    GradientDescent("adam", learning_rate=Cosine(0.1, max_iter=7), batch_size=5, clip_norm=1.0),
    ScipyMinimize("L-BFGS-B", max_iter=3, options={"maxls": 5}),
    *[SGD(0.5, nesterov=True), Adagrad(1e-6), RMSprop(0.8, centered=True), Adam(0.8), AdamW(weight_decay=0.1)],
    *[Constant(0.1), InverseScaling(0.1, 0.3), TimeDecay(0.1, 0.2), StepDecay(0.1, 0.2, 3), Exponential(0.1, 0.2)],
    *[Cosine(0.1, 9, 2), Adaptive(0.1, 0.2, 3)],
    *[loss_module.SquaredError("logistic"), loss_module.AbsoluteError("log"), loss_module.Huber(2.0)],
    *[loss_module.Quantile(0.3), loss_module.Poisson(), loss_module.Gamma()],
    *[loss_module.BinaryCrossEntropy(), loss_module.CategoricalCrossEntropy()],
    *[layers.Dense(2, 3, bias=False), layers.Activation("gelu"), layers.Dropout(0.2), layers.BatchNorm(3)],
    layers.LayerNorm(3),
    NETWORK,
    *[ScratchMLPClassifier(3, "tanh", solver=GradientDescent("adam")), ScratchMLPRegressor("huber", 3)],
]


def state_of(thing):
    """What an object says of itself: its parameters, or its fields."""
    return repr(thing.get_params() if hasattr(thing, "get_params") else vars(thing) or thing)


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: type(thing).__name__)
def test_a_pickle_of_a_public_object(thing, protocol):
    again = pickle.loads(pickle.dumps(thing, protocol))
    assert type(again) is type(thing)
    assert repr(again) == repr(thing)
    assert state_of(again) == state_of(thing)


@pytest.mark.parametrize("estimator", [ScratchMLPClassifier, ScratchMLPRegressor])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_pickle_of_a_fitted_estimator(estimator):
    model = estimator(hidden_layer_sizes=4, max_iter=3, warm_start=True, random_state=0).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.network_ == model.network_
    # With history, optimizer and random state it goes on exactly.
    np.testing.assert_array_equal(again.fit(X, Y).params_, model.fit(X, Y).params_)


def test_a_pickle_of_an_objective_and_of_a_gradient_report():
    objective = Objective(NETWORK, "categorical_cross_entropy", X, Y, alpha=0.1)
    params = NETWORK.init(np.random.RandomState(0))
    again = pickle.loads(pickle.dumps(objective))
    loss, grad = objective.loss_and_grad(params)
    assert again.loss_and_grad(params)[0] == loss
    np.testing.assert_array_equal(again.loss_and_grad(params)[1], grad)
    report = check_gradient(objective, params)
    assert str(pickle.loads(pickle.dumps(report))) == str(report)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_pickle_of_a_comparison_and_of_every_display():
    plotting = pytest.importorskip("skmlp_scratch.plotting")
    pytest.importorskip("matplotlib")
    model = ScratchMLPClassifier(3, max_iter=2, random_state=0).fit(X[:, :2], Y)
    table = compare_with_baselines(X, Y, hidden_layer_sizes=[2], cv=2, network_params={"max_iter": 5})
    assert str(pickle.loads(pickle.dumps(table))) == str(table)
    displays = [
        plotting.LossCurveDisplay.from_estimator(model),
        plotting.DecisionSurfaceDisplay.from_estimator(model, X[:, :2], Y, grid_resolution=5),
        plotting.WeightsDisplay.from_estimator(model),
        plotting.NetworkDisplay.from_estimator(model, X[:, :2], Y),
        plotting.ActivationDisplay.from_activation("tanh"),
        plotting.ComparisonDisplay.from_comparison(table),
    ]
    for display in displays:
        again = pickle.loads(pickle.dumps(display))
        assert type(again) is type(display)
        assert vars(again).keys() == vars(display).keys()

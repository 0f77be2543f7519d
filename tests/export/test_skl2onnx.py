"""Pipelines and other estimators that contain one of ours, through skl2onnx; and its own rules, which are not ours."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, StackingClassifier, VotingClassifier, VotingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, PowerTransformer, StandardScaler

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.export import to_onnx

from .exportable import (
    LABELS,
    NUMBERS,
    ROWS,
    TOLERANCE,
    X,
    assert_same_labels,
    classifier,
    cubic,
    fit,
    regressor,
    small,
)

skl2onnx = pytest.importorskip("skl2onnx", reason="pipelines are converted by skl2onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime to run the graphs")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*:DeprecationWarning"),  # skl2onnx's own
    pytest.mark.filterwarnings("ignore:.*:FutureWarning"),
]
STRINGS = LABELS["strings"]


def run(model, dtype=np.float32, **columns):
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    if not columns:
        columns = {session.get_inputs()[0].name: ROWS.astype(dtype)}
    return dict(zip(names, session.run(names, columns), strict=True))


def assert_same(model, estimator, X=ROWS, **columns):
    outputs = run(model, **columns)
    if not hasattr(estimator, "predict_proba"):
        expected = estimator.predict(X).reshape(outputs["variable"].shape)
        np.testing.assert_allclose(outputs["variable"], expected, rtol=0, atol=TOLERANCE)
        return
    np.testing.assert_allclose(outputs["probabilities"], estimator.predict_proba(X), rtol=0, atol=TOLERANCE)
    assert_same_labels(outputs["label"], estimator, X)


def our_classifier(**parameters):
    return small(ScratchMLPClassifier, normalization="layer", **parameters)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), our_classifier()),
        make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), our_classifier())),
        GridSearchCV(our_classifier(), {"alpha": [0.1]}, cv=2),
        GridSearchCV(make_pipeline(StandardScaler(), our_classifier()), {"scratchmlpclassifier__alpha": [0.1]}, cv=2),
        BaggingClassifier(our_classifier(), 2, random_state=0),
        CalibratedClassifierCV(our_classifier(), cv=2),
        OneVsRestClassifier(our_classifier()),
        StackingClassifier([("ours", our_classifier())], LogisticRegression(), cv=2),
        VotingClassifier(
            [("ours", our_classifier()), ("linear", LogisticRegression())], voting="soft", flatten_transform=False
        ),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.parametrize("labels", ["strings", "two numbers"])
def test_classifier_inside_another(estimator, labels):
    fit(estimator, LABELS[labels].astype(int) if labels == "two numbers" else LABELS[labels])
    assert_same(to_onnx(estimator), estimator)


def test_calibration_of_a_softmax_of_two_classes():
    """The decision function of two classes is one column here and two columns there."""
    estimator = CalibratedClassifierCV(our_classifier(loss="categorical_cross_entropy"), cv=2)
    fit(estimator, LABELS["two strings"])
    assert_same(to_onnx(estimator), estimator)


def test_the_decision_function_has_the_temperature():
    smoothed = our_classifier(label_smoothing=0.3, early_stopping=True, scoring="calibrated_loss")
    estimator = CalibratedClassifierCV(smoothed, cv=2)
    fit(estimator, LABELS["two strings"])
    assert estimator.calibrated_classifiers_[0].estimator.temperature_ != 1
    assert_same(to_onnx(estimator), estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(StandardScaler(), small(ScratchMLPRegressor, normalization="batch")),
        GridSearchCV(small(ScratchMLPRegressor, loss="poisson"), {"alpha": [0.1]}, cv=2),
        BaggingRegressor(small(ScratchMLPRegressor, normalization="batch"), 2, random_state=0),
        VotingRegressor([("ours", small(ScratchMLPRegressor))]),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_regressor_inside_another(estimator):
    fit(estimator, NUMBERS)
    assert_same(to_onnx(estimator), estimator)


@pytest.mark.parametrize(
    "parameters",
    [
        {"transformer": StandardScaler()},
        {"transformer": MinMaxScaler()},
        {"func": np.log, "inverse_func": np.exp},
        {"func": np.log1p, "inverse_func": np.expm1},
        {},
    ],
    ids=["standard", "minmax", "exp", "expm1", "none"],
)
def test_transformed_targets(parameters):
    regressor = make_pipeline(StandardScaler(), small(ScratchMLPRegressor))
    estimator = fit(TransformedTargetRegressor(regressor, **parameters), NUMBERS)
    assert_same(to_onnx(estimator), estimator)


def test_transformed_targets_inside_others():
    regressor = TransformedTargetRegressor(small(ScratchMLPRegressor), transformer=StandardScaler())
    y = np.column_stack([NUMBERS, 2 - NUMBERS])
    pipe = make_pipeline(StandardScaler(), regressor)
    search = GridSearchCV(pipe, {"transformedtargetregressor__regressor__alpha": [0.1]}, cv=2)
    for estimator in (pipe, search):
        assert_same(to_onnx(fit(estimator, y)), estimator)


def test_targets_transformed_in_another_way_are_refused_by_name():
    estimator = TransformedTargetRegressor(small(ScratchMLPRegressor), transformer=PowerTransformer())
    with pytest.raises(ValueError, match=r"PowerTransformer\(\) as what transforms the targets cannot be exported"):
        to_onnx(fit(estimator, NUMBERS))
    estimator = TransformedTargetRegressor(small(ScratchMLPRegressor), func=np.sqrt, inverse_func=np.square)
    with pytest.raises(ValueError, match="square as what transforms the targets cannot be exported"):
        to_onnx(fit(estimator, NUMBERS))


def test_several_targets_in_a_pipeline():
    y = np.column_stack([NUMBERS, -NUMBERS])
    estimator = fit(make_pipeline(StandardScaler(), small(ScratchMLPRegressor)), y)
    assert run(to_onnx(estimator))["variable"].shape == (len(ROWS), 2)
    assert_same(to_onnx(estimator), estimator)


def test_several_labels_in_a_pipeline():
    estimator = fit(make_pipeline(StandardScaler(), our_classifier()), LABELS["multilabel"])
    assert_same(to_onnx(estimator), estimator)


def test_skl2onnx_itself_converts_pipelines():
    """Nothing has to be registered, in float64 as in float32."""
    estimator = fit(make_pipeline(StandardScaler(), our_classifier()), STRINGS)
    assert_same(skl2onnx.to_onnx(estimator, ROWS[:1], options={"zipmap": False}), estimator)
    model = skl2onnx.to_onnx(estimator, ROWS[:1].astype(np.float64), options={"zipmap": False})
    assert_same(model, estimator, dtype=np.float64)


def test_columns_of_several_types():
    pd = pytest.importorskip("pandas")
    color = np.array(["red", "green", "blue"])[np.arange(len(X)) % 3]
    frame = pd.DataFrame({"size": X[:, 0], "color": color})
    columns = make_column_transformer((StandardScaler(), ["size"]), (OneHotEncoder(), ["color"]), sparse_threshold=0)
    estimator = fit(make_pipeline(columns, our_classifier()), STRINGS, frame)
    model = to_onnx(estimator, frame[:1])
    cells = {"size": X[:, :1], "color": color.astype(object).reshape(-1, 1)}
    assert_same(model, estimator, X=frame, **cells)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_the_rule_for_scikit_learn_s_network_is_never_used_for_ours(normalization):
    """Registered by hand, it would read the weights alone and leave out the normalization."""
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )
    from skl2onnx.operator_converters.multilayer_perceptron import (
        convert_sklearn_mlp_classifier,
        convert_sklearn_mlp_regressor,
    )

    skl2onnx.update_registered_converter(
        ScratchMLPClassifier,
        "ByHandClassifier",
        calculate_linear_classifier_output_shapes,
        convert_sklearn_mlp_classifier,
        options={"zipmap": [True, False], "nocl": [True, False], "output_class_labels": [True, False]},
    )
    skl2onnx.update_registered_converter(
        ScratchMLPRegressor, "ByHandRegressor", calculate_linear_regressor_output_shapes, convert_sklearn_mlp_regressor
    )
    clf, reg = classifier(normalization=normalization), regressor(normalization=normalization)
    assert_same(skl2onnx.to_onnx(clf, ROWS[:1], options={"zipmap": False}), clf)
    assert_same(skl2onnx.to_onnx(reg, ROWS[:1]), reg)


def test_what_cannot_be_converted_is_named():
    estimator = fit(make_pipeline(StandardScaler(), small(ScratchMLPRegressor, activation=cubic)), NUMBERS)
    with pytest.raises(ValueError, match=r"activation='cubic' cannot be exported"):
        to_onnx(estimator)


def test_estimators_of_scikit_learn_are_passed_on():
    estimator = fit(MLPClassifier(5, max_iter=10, random_state=0), STRINGS)
    assert_same(to_onnx(estimator), estimator)


def test_a_missing_skl2onnx_is_named(monkeypatch):
    import skmlp_scratch.export._graph as graph

    estimator = fit(make_pipeline(StandardScaler(), our_classifier()), STRINGS)
    import_module = graph.importlib.import_module

    def without_skl2onnx(name):
        if name == "skl2onnx":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(graph.importlib, "import_module", without_skl2onnx)
    with pytest.raises(ImportError, match="to_onnx of a Pipeline requires skl2onnx"):
        to_onnx(estimator)

"""ONNX graphs give what the estimators give: everything in the tables, every kind of target."""

import numpy as np
import pytest

import skmlp_scratch.export._graph as graph_module
from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor
from skmlp_scratch.activations import ACTIVATIONS
from skmlp_scratch.export import to_onnx
from skmlp_scratch.export._nodes import ACTIVATION_NODES, LINK_NODES, node_of
from skmlp_scratch.layers import BatchNorm, Dense, Scale
from skmlp_scratch.losses import LINKS
from skmlp_scratch.network import Network

from .exportable import (
    LABELS,
    NUMBERS,
    ROWS,
    TOLERANCE,
    X,
    assert_same_labels,
    classifier,
    cubic,
    every_case,
    every_refused,
    fit,
    fitted,
    refused,
    regressor,
    small,
)

onnx = pytest.importorskip("onnx", reason="to_onnx needs onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime to run the graphs")


def run(model, X):
    """The outputs of a graph by name."""
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {session.get_inputs()[0].name: X}), strict=True))


def assert_same(model, estimator, X=ROWS):
    outputs = run(model, X)
    if not hasattr(estimator, "predict_proba"):
        assert list(outputs) == ["variable"]
        assert outputs["variable"].shape == (len(X), estimator.n_outputs_)
        expected = estimator.predict(X).reshape(outputs["variable"].shape)
        np.testing.assert_allclose(outputs["variable"], expected, rtol=0, atol=TOLERANCE)
        return
    assert list(outputs) == ["label", "probabilities"]
    assert outputs["probabilities"].dtype == np.float32
    np.testing.assert_allclose(outputs["probabilities"], estimator.predict_proba(X), rtol=0, atol=TOLERANCE)
    assert_same_labels(outputs["label"], estimator, X)


@every_case
def test_graph_gives_the_same(case):
    assert_same(to_onnx(fitted(case)), fitted(case))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_of_both_precisions(dtype):
    clf = fit(small(ScratchMLPClassifier, normalization="batch"), LABELS["two strings"], X.astype(dtype))
    assert clf.params_.dtype == dtype
    assert_same(to_onnx(clf), clf)


def test_labels_keep_their_type():
    for name, dtype in (("numbers", np.int64), ("strings", object), ("multilabel", np.int64)):
        label = run(to_onnx(classifier(y=LABELS[name])), ROWS)["label"]
        assert label.dtype == dtype, name
        assert label.shape == (len(ROWS), *LABELS[name].shape[1:]), name


def test_a_single_class_is_certain():
    clf = classifier(y=np.full(len(X), "only"))
    assert_same(to_onnx(clf), clf)


def test_other_layers_than_the_estimators_have():
    reg = regressor()
    reg.network_ = Network([Scale(4), BatchNorm(4), Dense(4, 1, bias=False)])
    reg.params_ = reg.network_.init(np.random.RandomState(0))
    reg.network_.unflatten(reg.params_)[0]["scale"][:] = [1, 2, -1, 0]
    assert_same(to_onnx(reg), reg)


def test_batch_normalization_far_from_zero():
    """The mean is taken away before anything is rounded: folded into the shift, it would cancel."""
    far = X + np.float32(1000)
    reg = fit(small(ScratchMLPRegressor, normalization="batch"), NUMBERS, far)
    outputs = run(to_onnx(reg), far)
    assert np.abs(outputs["variable"][:, 0] - reg.predict(far)).max() < 1e-3  # 1000 has seven digits in float32


def test_any_number_of_rows():
    clf = fitted("labels: strings")
    model = to_onnx(clf)
    for n in (0, 1, 500):
        rows = np.zeros((n, 4), np.float32)
        outputs = run(model, rows)
        assert outputs["probabilities"].shape == (n, 3)
        assert outputs["label"].shape == (n,)


def test_graph_is_of_an_old_opset_without_private_operators():
    for case in ("mish, layer", "gelu, batch", "labels: multilabel"):
        model = to_onnx(fitted(case))
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
        onnx.checker.check_model(model, full_check=True)


def test_dropout_is_absent():
    assert "Dropout" not in {node.op_type for node in to_onnx(fitted("dropout")).graph.node}


def test_a_file_can_be_written_and_read(tmp_path):
    onnx.save(to_onnx(fitted("labels: strings")), tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    assert [(each.name, each.type, each.shape[1:]) for each in session.get_inputs()] == [("X", "tensor(float)", [4])]


def test_every_row_of_the_tables_has_its_nodes():
    assert set(ACTIVATION_NODES) == set(ACTIVATIONS.values())
    assert set(LINK_NODES) == set(LINKS)


@every_refused
def test_what_cannot_be_converted_is_named(name):
    with pytest.raises(ValueError, match=f"{name}.* cannot be exported"):
        to_onnx(refused(name))


def test_an_activation_added_to_the_table_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "cubic", cubic)
    with pytest.raises(ValueError, match=r"activation='cubic' .*cannot be exported"):
        to_onnx(regressor(activation="cubic"))


def test_an_activation_under_the_name_of_ours_is_refused(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "relu", cubic)
    with pytest.raises(ValueError, match=r"activation='relu' cannot be exported"):
        to_onnx(regressor(activation="relu"))


def test_a_layer_derived_from_ours_is_refused_by_name():
    """It may compute something else."""

    class Halved(Dense):
        def predict(self, params, X):
            return super().predict(params, X) / 2

    reg = regressor(hidden_layer_sizes=())
    reg.network_ = Network([Halved(4, 1)])
    with pytest.raises(ValueError, match=r"Halved.*cannot be exported"):
        to_onnx(reg)


def test_weights_beyond_float32_are_refused():
    reg = fit(small(ScratchMLPRegressor), NUMBERS, X.astype(np.float64))
    reg.params_ = reg.params_ * 1e40
    with pytest.raises(ValueError, match="too large for float32: scale X"):
        to_onnx(reg)


def test_an_estimator_that_is_not_fitted_is_refused():
    with pytest.raises(ValueError, match="not fitted"):
        to_onnx(ScratchMLPClassifier())


def test_a_missing_package_is_named(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(graph_module.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"to_onnx requires onnx: pip install"):
        to_onnx(fitted("labels: strings"))


def test_a_layer_without_a_rule_never_gets_as_far_as_the_default():
    with pytest.raises(NotImplementedError):
        node_of(object(), None, "x", {})

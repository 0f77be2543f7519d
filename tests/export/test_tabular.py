"""The tabular estimators as graphs: encoding, members, temperature and units of the targets."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GridSearchCV

from skmlp_scratch import ScratchTabularClassifier, ScratchTabularRegressor
from skmlp_scratch.export import to_c, to_onnx
from skmlp_scratch.losses import SquaredError, names_for

from .exportable import assert_same_labels, cubic

pytest.importorskip("onnx", reason="to_onnx needs onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime to run the graphs")

N_ROWS = 160
rng = np.random.RandomState(0)
TABLE = pd.DataFrame(
    {
        "size": rng.normal(size=N_ROWS).astype(np.float32),
        "rooms": rng.randint(0, 9, N_ROWS).astype(np.float32),
        "color": rng.choice(["red", "green", "blue"], N_ROWS),
    }
)
INDEX = (TABLE["size"] > 0).astype(int).to_numpy() + (TABLE["color"] == "red").to_numpy()
PRICE = np.exp(TABLE["size"].to_numpy(np.float64)) + 0.1 * TABLE["rooms"].to_numpy() + 0.5
TABLE.loc[:9, "size"] = np.nan
TABLE.loc[20:29, "color"] = None
ROWS = pd.concat([TABLE, TABLE[:1].assign(color="mauve", size=np.float32(30))], ignore_index=True)
TEXTS = np.array([("" if pd.isna(cell) else cell) for cell in ROWS["color"]], dtype=object).reshape(-1, 1)
CELLS = {name: ROWS[[name]].to_numpy(np.float32) for name in ("size", "rooms")} | {"color": TEXTS}
SMALL = {"hidden_layer_sizes": 8, "n_members": 2, "max_iter": 15, "random_state": 0}


def run(model, cells):
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(
        zip(names, session.run(names, {each.name: cells[each.name] for each in session.get_inputs()}), strict=True)
    )


def assert_same(estimator, X=ROWS, cells=CELLS):
    outputs = run(to_onnx(estimator), cells)
    if not hasattr(estimator, "predict_proba"):
        expected = estimator.predict(X).reshape(outputs["variable"].shape)
        np.testing.assert_allclose(outputs["variable"], expected, rtol=1e-5, atol=1e-5)
        return
    np.testing.assert_allclose(outputs["probabilities"], estimator.predict_proba(X), rtol=0, atol=1e-5)
    assert_same_labels(outputs["label"], estimator, X)


LABELS = {
    "three": np.array(["low", "middle", "high"])[INDEX],
    "two": INDEX > 0,
    "multilabel": np.column_stack([INDEX > 0, INDEX > 1]).astype(int),
}


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("n_members", [1, 3])
def test_classifier(labels, n_members):
    assert_same(ScratchTabularClassifier(**SMALL | {"n_members": n_members}).fit(TABLE, LABELS[labels]))


@pytest.mark.parametrize("loss", names_for("classification"))
def test_losses_of_classifiers(loss):
    assert_same(ScratchTabularClassifier(loss=loss, **SMALL).fit(TABLE, LABELS["two"]))


@pytest.mark.parametrize("loss", names_for("regression"))
@pytest.mark.parametrize("n_members", [1, 3])
def test_regressor(loss, n_members):
    assert_same(ScratchTabularRegressor(loss, **SMALL | {"n_members": n_members}).fit(TABLE, PRICE))


@pytest.mark.parametrize("loss", ["squared_error", "poisson", SquaredError(link="logistic")])
def test_several_targets(loss):
    y = np.column_stack([PRICE, PRICE[::-1]])
    y = y / (1 + y) if not isinstance(loss, str) else y * [1, 1000]
    assert_same(ScratchTabularRegressor(loss, **SMALL).fit(TABLE, y))


def test_an_array_of_numbers():
    X = (rng.normal(size=(N_ROWS, 3)) + INDEX[:, np.newaxis]).astype(np.float32)
    X[:9, 1] = np.nan
    assert_same(ScratchTabularClassifier(**SMALL).fit(X, INDEX), X, {"X": X})


def test_inside_others():
    pytest.importorskip("skl2onnx", reason="pipelines are converted by skl2onnx")
    X = (rng.normal(size=(N_ROWS, 3)) + INDEX[:, np.newaxis]).astype(np.float32)
    search = GridSearchCV(ScratchTabularClassifier(**SMALL), {"n_bins": [4]}, cv=2).fit(X, INDEX)
    assert_same(search, X, {"X": X})


def test_the_recipe_as_it_is():
    clf = ScratchTabularClassifier(max_iter=2, random_state=0).fit(TABLE, LABELS["three"])
    assert_same(clf)


def test_what_cannot_be_converted_is_named():
    reg = ScratchTabularRegressor(**SMALL | {"activation": cubic}).fit(TABLE, PRICE)
    with pytest.raises(ValueError, match=r"activation='cubic' cannot be exported"):
        to_onnx(reg)
    with pytest.raises(TypeError, match="not a ScratchTabularRegressor"):
        to_c(reg)


def test_calibration_of_the_decision_function_is_refused():
    """It is the logarithm of the mean probability, not the mean of the networks' scores."""
    pytest.importorskip("skl2onnx", reason="pipelines are converted by skl2onnx")
    X = rng.normal(size=(N_ROWS, 3)).astype(np.float32)
    calibrated = CalibratedClassifierCV(ScratchTabularClassifier(**SMALL), cv=2).fit(X, INDEX)
    with pytest.raises(ValueError, match="decision function of ScratchTabularClassifier cannot be exported"):
        to_onnx(calibrated)

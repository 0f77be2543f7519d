"""Models outlive their version: those that each version wrote are loaded, and predict what they predicted then."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning

from skmlp_scratch import ScratchMLPClassifier, __version__

FOLDER = Path(__file__).parents[1] / "data" / "models"
STORED = sorted(path.with_suffix("") for path in FOLDER.glob("*/*.npz"))


def name_of(path):
    return f"{path.parent.name} {path.name}"


every_model = pytest.mark.parametrize("path", STORED, ids=name_of)


def from_pickle(path):
    return pickle.loads(path.with_name(f"{path.name}.pickle").read_bytes())


def from_skops(path):
    skops = pytest.importorskip("skops.io", reason="needs skops")
    file = path.with_name(f"{path.name}.skops")
    unknown = skops.get_untrusted_types(file=file)
    assert [name for name in unknown if not name.startswith("skmlp_scratch.")] == []
    return skops.load(file, trusted=unknown)


def loaded(load, path):
    """A stored model; that of another version says so, and but for scikit-learn's own nothing else is warned of."""
    version = path.parent.name
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = load(path)
    ours = {str(each.message) for each in caught if each.category is not InconsistentVersionWarning}
    expected = set() if version == __version__ else {f"saved by skmlp_scratch {version} and is loaded by {__version__}"}
    assert all("saved by skmlp_scratch" in message for message in ours)
    assert bool(ours) == bool(expected)
    assert all(any(text in message for message in ours) for text in expected)
    return model


def assert_predicts_as_stored(model, path):
    with np.load(path.with_name(f"{path.name}.npz")) as stored:
        for name in set(stored.files) - {"X"}:
            now, then = getattr(model, name)(stored["X"]), stored[name]
            assert now.dtype.kind == then.dtype.kind
            if then.dtype.kind == "f":
                np.testing.assert_allclose(now, then, rtol=1e-5, atol=1e-6)
            else:
                np.testing.assert_array_equal(now, then)


def test_there_are_models():
    names = {"classifier", "labels", "warm", "begun", "regressor", "pipeline", "table_classifier", "table_regressor"}
    assert {path.name for path in STORED} >= names


@every_model
@pytest.mark.parametrize("load", [from_pickle, from_skops])
def test_stored_model_predicts_what_it_did(path, load):
    assert_predicts_as_stored(loaded(load, path), path)


@pytest.mark.parametrize("path", [path for path in STORED if path.name in ("begun", "warm")], ids=name_of)
@pytest.mark.parametrize("load", [from_pickle, from_skops])
def test_training_of_a_stored_model_goes_on(path, load):
    model = loaded(load, path)
    with np.load(path.with_name(f"{path.name}.npz")) as stored:
        X, y = stored["X"], stored["predict"]
    before = model.params_.copy()
    model.partial_fit(X, y)
    assert not np.array_equal(model.params_, before)


def test_a_model_of_another_version_says_so(monkeypatch):
    import skmlp_scratch.estimators._atomic as atomic

    monkeypatch.setattr(atomic, "__version__", "0.0.1")
    data = pickle.dumps(ScratchMLPClassifier())
    monkeypatch.undo()
    with pytest.warns(UserWarning, match=rf"saved by skmlp_scratch 0\.0\.1 and is loaded by {__version__}: check its"):
        pickle.loads(data)

"""Write the small models that every later version must be able to load.

Run it once for each release, with the lowest supported dependencies, for what they write newer ones read, too:

    python3.11 -m venv lowest
    lowest/bin/pip install -c .ci/lowest.txt -e ".[test]"
    lowest/bin/python tests/data/models/write.py

It makes a folder of the version's name, with each model as a pickle and by skops, and its inputs and predictions.
"""

import pickle
import warnings
import zipfile
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmlp_scratch import (
    ScratchMLPClassifier,
    ScratchMLPRegressor,
    ScratchTabularClassifier,
    ScratchTabularRegressor,
    __version__,
)

FOLDER = Path(__file__).parent


def models(X, index, numbers):
    """Fitted models by name, few and unlike each other."""
    small = {"max_iter": 5, "learning_rate_init": 0.02, "batch_size": 10, "random_state": 0}
    strings, two_targets = np.array(["fig", "pear", "quince"])[index], np.column_stack([numbers, -numbers])
    labels = np.column_stack([index > 0, index == 1]).astype(int)
    table = {"hidden_layer_sizes": 4, "n_members": 2, "n_bins": 4, "max_iter": 2, "random_state": 0}
    return {
        "classifier": ScratchMLPClassifier(
            (4, 3), ["silu", "tanh"], normalization="batch", dropout=0.2, early_stopping=True, **small
        ).fit(X, strings),
        "labels": ScratchMLPClassifier(4, loss="squared_error", normalization="layer", **small).fit(X, labels),
        "warm": ScratchMLPClassifier(4, warm_start=True, label_smoothing=0.1, **small).fit(X, index > 0),
        "begun": ScratchMLPRegressor(hidden_layer_sizes=4, solver="sgd", **small).partial_fit(X, numbers),
        "regressor": ScratchMLPRegressor("huber", 4, solver="lbfgs", max_iter=5, random_state=0).fit(X, two_targets),
        "pipeline": make_pipeline(StandardScaler(), ScratchMLPRegressor("poisson", 4, **small)).fit(X, numbers),
        "table_classifier": ScratchTabularClassifier(categorical_features=[2], **table).fit(gaps(X), strings),
        "table_regressor": ScratchTabularRegressor("gamma", **table).fit(gaps(X), numbers),
    }


def gaps(X):
    """A table with missing cells, and whole numbers as categories."""
    X = np.column_stack([X[:, :2], X[:, 2].round()])
    X[::7, 0] = np.nan
    return X


def predictions(model, X):
    """What a model predicts, by name of the method."""
    return {name: getattr(model, name)(X) for name in ("predict", "predict_proba") if hasattr(model, name)}


def main():
    """Write the models of this version."""
    import skops.io

    rng = np.random.RandomState(0)
    X = rng.normal(size=(60, 3)).astype(np.float32)
    numbers = np.abs(X[:, 0] - X[:, 1]) + 1
    folder = FOLDER / __version__
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = models(X, X.argmax(axis=1), numbers)
    for name, model in fitted.items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(model, protocol=4))
        skops.io.dump(model, folder / f"{name}.skops", compression=zipfile.ZIP_DEFLATED, compresslevel=9)
        inputs = gaps(X)[:10] if "table" in name else X[:10]
        np.savez_compressed(folder / f"{name}.npz", X=inputs, **predictions(model, inputs))


if __name__ == "__main__":
    main()

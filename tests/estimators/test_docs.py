"""Both docstrings are put together from shared texts: each parameter has one entry, in the order of the signature."""

import inspect
import re

import pytest

from skmlp_scratch import ScratchMLPClassifier, ScratchMLPRegressor

ESTIMATORS = [ScratchMLPClassifier, ScratchMLPRegressor]


def entries(estimator, section):
    doc = inspect.getdoc(estimator)
    body = re.search(rf"{section}\n-+\n(.*?)(?:\n\n[A-Z]\w+\n-+\n|\Z)", doc, re.DOTALL).group(1)
    return re.findall(r"^(\w+) : (.+)$", body, re.MULTILINE)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_parameters_are_the_signature(estimator):
    signature = inspect.signature(estimator).parameters
    assert [name for name, _ in entries(estimator, "Parameters")] == list(signature)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_documented_defaults_are_the_signatures(estimator):
    signature = inspect.signature(estimator).parameters
    for name, kind in entries(estimator, "Parameters"):
        default = kind.rpartition("default=")[2].strip('"')
        assert default == str(signature[name].default) or float(default) == signature[name].default


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_no_placeholder_is_left(estimator):
    assert "{" not in inspect.getdoc(estimator).replace("{None", "").replace("{array", "")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_fitted_attribute_is_documented(estimator):
    X = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]] * 5
    model = estimator(solver="lbfgs", max_iter=500).fit(X, [0, 1, 1, 0] * 5)
    fitted = {name for name in dir(model) if name.endswith("_") and not name.startswith("_")}
    documented = {name for name, _ in entries(estimator, "Attributes")}
    assert fitted | {"feature_names_in_"} == documented

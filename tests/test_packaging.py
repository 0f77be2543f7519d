import importlib.metadata
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import skmlp_scratch

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = {"matplotlib", "onnx", "pandas", "polars", "rich", "skl2onnx"}


def modules_after(statement):
    """The names of all modules that a fresh interpreter has loaded after a statement."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def optional_packages(modules):
    return {module.partition(".")[0] for module in modules} & OPTIONAL


def test_installed_version_is_the_package_s():
    try:
        installed = importlib.metadata.version("skmlp_scratch")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("the package is imported from the checkout and not installed")
    assert installed == skmlp_scratch.__version__


def test_import_adds_no_optional_package_to_those_of_sklearn():
    ours = modules_after("import skmlp_scratch")
    of_sklearn = [module for module in ours if module.partition(".")[0] == "sklearn"]
    assert of_sklearn
    assert optional_packages(ours) <= optional_packages(modules_after(f"import {', '.join(of_sklearn)}"))


def test_an_optional_package_would_be_seen():
    assert optional_packages(modules_after("import matplotlib.pyplot")) >= {"matplotlib"}


def test_lowest_versions_are_the_declared_ones():
    """Each dependency's lower bound is the version that the tests run with in .ci/lowest.txt."""
    lines = (ROOT / ".ci" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    groups = [
        PROJECT["dependencies"],
        *(PROJECT["optional-dependencies"][extra] for extra in ("plot", "progress", "onnx", "dask", "test")),
    ]
    bounds = dict(line.split(">=") for group in groups for line in group if ">=" in line)
    assert set(bounds) >= {"numpy", "scipy", "scikit-learn", "matplotlib", "pytest"}
    assert {name: pinned.get(name) for name in bounds} == bounds

"""The architecture, read from the source: imports only point down the floors, and functions stay short."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "skmlp_scratch"
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}

FLOORS = [
    {"_registry", "_checks", "_parallel", "_columns", "_sklearn", "sockets"},
    {"activations", "initializers", "penalties", "stopping", "optimizers"},
    {"losses", "layers", "schedules"},
    {"network"},
    {"objective", "solvers"},
    {"history", "inspection"},
    {"estimators"},
    {"comparison", "plotting"},
    {"__main__"},
    {"__init__"},
]
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
# A solver sees an objective, never what it is made of, although the network lies on a lower floor.
NEVER = {"solvers": {"network", "objective"}}

# From this floor up all of scikit-learn may be used.
ESTIMATOR_FLOOR = FLOOR["estimators"]
NUMERICAL = {"numpy", "scipy", "threadpoolctl"} | sys.stdlib_module_names
ONLY_FROM_SKLEARN = "sklearn.base.BaseEstimator"
OPTIONAL = {"matplotlib", "pandas", "polars", "rich"}

LONGEST_FUNCTION = 45
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def imported_names(tree):
    """The full dotted name of everything that is imported anywhere under a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # The package is flat: any relative import starts at the package itself.
            base = ".".join(filter(None, ["skmlp_scratch" if node.level else "", node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imported_modules(tree):
    """The modules of the package that are imported; a name of the package itself comes from its ``__init__``."""
    for name in imported_names(tree):
        package, _, rest = name.partition(".")
        if package == "skmlp_scratch":
            module = rest.partition(".")[0]
            yield module if module in FLOOR else "__init__"


def misdirected_imports(module, source):
    """What a module imports from its own floor or a higher one, or must never import."""
    imported = set(imported_modules(ast.parse(source)))
    return {name for name in imported if FLOOR[name] >= FLOOR[module]} | (imported & NEVER.get(module, set()))


def foreign_imports(module, source):
    """What a module below the estimators imports beyond numpy, scipy and ``BaseEstimator``."""
    if FLOOR[module] >= ESTIMATOR_FLOOR:
        return set()
    allowed = NUMERICAL | {"skmlp_scratch"}
    names = set(imported_names(ast.parse(source))) - {ONLY_FROM_SKLEARN}
    return {name for name in names if name.partition(".")[0] not in allowed}


def eager_optional_imports(source):
    """The optional dependencies that are imported with the module, not inside a function."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    deferred = {id(node) for function in functions for node in ast.walk(function)}
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) and id(n) not in deferred]
    return {name for node in imports for name in imported_names(node) if name.partition(".")[0] in OPTIONAL}


def functions_of(source):
    """Every function of a source with the number of its code lines: no blank lines, comments or docstrings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node, len(code_lines(node))


def code_lines(tree):
    """The lines on which something begins or an expression ends, docstrings left out."""
    lines, docstrings = set(), set()
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            lines.add(node.lineno)
        if isinstance(node, ast.expr):
            lines.add(node.end_lineno)
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
            docstrings.update(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return lines - docstrings


def only_stores_arguments(function):
    """Whether this is an estimator's ``__init__``, whose length is that of its list of parameters."""
    if function.name != "__init__":
        return False
    names = {argument.arg for argument in [*function.args.args, *function.args.kwonlyargs]}
    stores = {f"self.{name} = {name}" for name in names}
    return all(
        ast.unparse(statement) in stores or ast.unparse(statement).startswith("super().__init__(")
        for statement in function.body[1 if ast.get_docstring(function) else 0 :]
    )


def too_long_functions(source):
    return {
        function.name
        for function, lines in functions_of(source)
        if lines > LONGEST_FUNCTION and not only_stores_arguments(function)
    }


def test_every_module_has_a_floor():
    assert set(SOURCES) <= set(FLOOR)
    assert "__init__" in SOURCES


def test_package_is_flat():
    # imported_names takes every relative import as one from the package itself.
    assert [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE] == []


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module):
    assert misdirected_imports(module, SOURCES[module]) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_core_needs_only_numpy_scipy_and_base_estimator(module):
    assert foreign_imports(module, SOURCES[module]) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_optional_dependencies_are_imported_where_used(module):
    assert eager_optional_imports(SOURCES[module]) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_functions_are_short(module):
    assert too_long_functions(SOURCES[module]) == set()


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("layers", "from .activations import tanh", set()),
        ("layers", "from .network import Network", {"network"}),
        ("layers", "from . import network", {"network"}),
        ("layers", "import skmlp_scratch.network as n", {"network"}),
        ("layers", "from skmlp_scratch.network import Network", {"network"}),
        ("layers", "from skmlp_scratch import network", {"network"}),
        ("layers", "from . import check_gradient", {"__init__"}),
        ("layers", "import skmlp_scratch", {"__init__"}),
        ("layers", "def f():\n    from .network import Network", {"network"}),
        ("losses", "from .layers import Dense", {"layers"}),
        ("solvers", "from .optimizers import SGD", set()),
        ("solvers", "from .network import Network", {"network"}),
        ("solvers", "from .objective import Objective", {"objective"}),
        ("__init__", "from .estimators import ScratchMLPClassifier\nfrom .plotting import LossCurveDisplay", set()),
    ],
)
def test_a_misdirected_import_is_found(module, source, found):
    assert misdirected_imports(module, source) == found


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("layers", "import math, numpy as np\nfrom scipy.special import expit\nimport threadpoolctl", set()),
        ("layers", "from sklearn.base import BaseEstimator\nfrom ._checks import check_number", set()),
        ("layers", "from sklearn.base import clone", {"sklearn.base.clone"}),
        ("layers", "import sklearn.base", {"sklearn.base"}),
        ("layers", "def f():\n    import rich.progress", {"rich.progress"}),
        ("estimators", "from sklearn.utils import check_random_state", set()),
    ],
)
def test_a_foreign_import_is_found(module, source, found):
    assert foreign_imports(module, source) == found


def test_an_eager_optional_import_is_found():
    source = "try:\n    import rich\nexcept ImportError:\n    rich = None\ndef f():\n    import pandas as pd"
    assert eager_optional_imports(source) == {"rich"}


def test_a_long_function_is_found():
    head = 'def f():\n    """Doc.\n\n    Doc.\n    """\n'
    statement = "    # A comment.\n\n    x = [\n        1,\n    ]\n"
    assert [lines for _, lines in functions_of(head + 14 * statement)] == [1 + 14 * 3]
    assert too_long_functions(head + 14 * statement) == set()
    assert too_long_functions(head + 15 * statement) == {"f"}


def test_a_long_list_of_parameters_is_no_long_function():
    names = [f"p{i}" for i in range(40)]
    signature = "def __init__(\n    self,\n    *,\n" + "".join(f"    {name}=0,\n" for name in names) + "):\n"
    stores = "".join(f"    self.{name} = {name}\n" for name in names)
    assert too_long_functions(signature + stores) == set()
    assert too_long_functions(signature + stores + "    self.p0 = p1\n") == {"__init__"}

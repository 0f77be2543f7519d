"""The architecture, read from the source: imports only point down the floors, functions and modules stay short."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "skmlp_scratch"
# Dotted names below the package, such as "layers", "plotting._base" and "plotting.__init__".
SOURCES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text(encoding="utf-8")
    for path in sorted(PACKAGE.rglob("*.py"))
}

FLOORS = [
    {"_registry", "_checks", "_parallel", "_columns", "_sklearn", "_types", "_version", "_warnings", "_engine"}
    | {"sockets"},
    {"activations", "initializers", "penalties", "stopping", "optimizers"},
    {"losses", "layers", "schedules", "calibration"},
    {"network"},
    {"objective", "solvers"},
    {"history", "_trace", "shards"},
    {"inspection"},
    {"export"},
    {"tables", "estimators"},
    {"encoding"},
    {"tabular", "distributed"},
    {"comparison", "plotting"},
    {"__main__"},
    {"__init__"},
]
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
# Folders. The modules of a wing share its floor and may import each other, without a circle.
WINGS = {"_engine", "comparison", "distributed", "estimators", "export", "plotting", "tabular"}
# A solver sees an objective, never what it is made of, although the network lies on a lower floor.
NEVER = {"solvers": {"network", "objective"}}

# From this floor up all of scikit-learn may be used.
ESTIMATOR_FLOOR = FLOOR["export"]
NUMERICAL = {"numpy", "scipy", "threadpoolctl"} | sys.stdlib_module_names
ONLY_FROM_SKLEARN = "sklearn.base.BaseEstimator"
OPTIONAL = {"matplotlib", "onnx", "pandas", "polars", "rich", "skl2onnx"}

# The one room that may import them, at once: it is nothing without them.
ONLY_IN = {"dask": "distributed", "distributed": "distributed"}

# The one module that may import what scikit-learn does not document, so that a new version breaks one page.
PRIVATE_SKLEARN = "_sklearn"

LONGEST_FUNCTION = 45
LONGEST_MODULE = 300
LONGEST_ESTIMATOR_FILE = 235  # annotated signatures take a line per parameter
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def room_of(module):
    """What has the floor of a module: its wing, or the module itself."""
    return module.partition(".")[0]


def imported_names(module, tree):
    """The full dotted name of everything that is imported anywhere under a node of a module."""
    package = ".".join(["skmlp_scratch", *module.split(".")[:-1]])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_imports(module, source):
    """What is imported from the package, as dotted names below it."""
    names = (name.partition(".") for name in imported_names(module, ast.parse(source)))
    return {rest for package, _, rest in names if package == "skmlp_scratch"}


def misdirected_imports(module, source):
    """What a module imports from its own floor or a higher one, outside its wing, or must never import."""
    imported = {room_of(name) for name in own_imports(module, source)}
    imported = {name if name in FLOOR else "__init__" for name in imported}  # the package's own names
    room = room_of(module)
    elsewhere = imported - {room} if room != module else imported
    return {name for name in elsewhere if FLOOR[name] >= FLOOR[room]} | (imported & NEVER.get(module, set()))


def circle(sources):
    """The modules of a circle of imports, or nothing; sources are those of one wing."""

    def target(name):
        room, _, rest = name.partition(".")
        found = f"{room}.{room_of(rest)}"
        return found if found in sources else f"{room}.__init__"

    rooms = {room_of(module) for module in sources}
    graph = {
        module: {target(name) for name in own_imports(module, source) if room_of(name) in rooms}
        for module, source in sources.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return set(error.args[1])
    return set()


def foreign_imports(module, source):
    """What a module below the estimators imports beyond numpy, scipy and ``BaseEstimator``."""
    if module == PRIVATE_SKLEARN or FLOOR[room_of(module)] >= ESTIMATOR_FLOOR:
        return set()
    allowed = NUMERICAL | {"skmlp_scratch"}
    names = set(imported_names(module, ast.parse(source))) - {ONLY_FROM_SKLEARN}
    return {name for name in names if name.partition(".")[0] not in allowed}


def private_sklearn_imports(module, source):
    """What a module imports that scikit-learn does not document: a part of the dotted name starts with ``_``."""
    if module == PRIVATE_SKLEARN:
        return set()
    names = {name for name in imported_names(module, ast.parse(source)) if name.partition(".")[0] == "sklearn"}
    return {name for name in names if any(part.startswith("_") and part[-2:] != "__" for part in name.split("."))}


def eager_optional_imports(module, source):
    """The optional dependencies that are imported with the module, not inside a function."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    deferred = {id(node) for function in functions for node in ast.walk(function)}
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) and id(n) not in deferred]
    return {name for node in imports for name in imported_names(module, node) if name.partition(".")[0] in OPTIONAL}


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


def is_too_long(module, source):
    """Whether a module holds too many code lines, or, among the estimators, a file too many lines of any kind."""
    if room_of(module) == "estimators" != module:
        return len(source.splitlines()) > LONGEST_ESTIMATOR_FILE
    return len(code_lines(ast.parse(source))) > LONGEST_MODULE


def calls_of(source):
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


def counts_stack_frames(source):
    return any(keyword.arg == "stacklevel" for call in calls_of(source) for keyword in call.keywords)


def questions_to_losses(source):
    """The calls that ask a loss what it has, which is for the adapter of foreign losses alone."""
    asks = [
        call for call in calls_of(source) if ast.unparse(call.func) in {"getattr", "hasattr"} and len(call.args) > 1
    ]
    return {ast.unparse(call) for call in asks if ast.unparse(call.args[0]).split(".")[-1] == "loss"}


def test_every_module_has_a_floor():
    assert {room_of(module) for module in SOURCES} <= set(FLOOR)
    assert set(FLOOR) >= WINGS
    assert "__init__" in SOURCES


def test_only_wings_are_folders():
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert folders <= {".", *WINGS}


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down(module):
    assert misdirected_imports(module, SOURCES[module]) == set()


@pytest.mark.parametrize("wing", sorted(WINGS))
def test_imports_run_in_no_circle(wing):
    assert circle({module: source for module, source in SOURCES.items() if room_of(module) == wing != module}) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_core_needs_only_numpy_scipy_and_base_estimator(module):
    assert foreign_imports(module, SOURCES[module]) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_private_names_of_sklearn_are_on_one_page(module):
    assert private_sklearn_imports(module, SOURCES[module]) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_optional_dependencies_are_imported_where_used(module):
    assert eager_optional_imports(module, SOURCES[module]) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_dask_is_imported_in_one_room(module):
    packages = {name.partition(".")[0] for name in imported_names(module, ast.parse(SOURCES[module]))}
    assert {ONLY_IN.get(package, room_of(module)) for package in packages} <= {room_of(module)}


@pytest.mark.parametrize("module", SOURCES)
def test_functions_are_short(module):
    assert too_long_functions(SOURCES[module]) == set()


@pytest.mark.parametrize("module", SOURCES)
def test_modules_are_short(module):
    assert not is_too_long(module, SOURCES[module])


def test_stack_frames_are_counted_in_one_module():
    counting = {module for module, source in SOURCES.items() if counts_stack_frames(source)}
    assert len(counting) == 1


@pytest.mark.parametrize("module", SOURCES)
def test_only_the_adapter_asks_what_a_loss_has(module):
    assert module == "losses" or questions_to_losses(SOURCES[module]) == set()


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
        ("plotting._curves", "from ._base import Display\nfrom . import _base", set()),
        ("plotting._curves", "from skmlp_scratch.plotting import _base", set()),
        ("plotting._curves", "from .. import activations\nfrom ..activations import tanh", set()),
        ("plotting._curves", "from ..comparison import ComparisonRow", {"comparison"}),
        ("plotting._curves", "from .. import comparison", {"comparison"}),
        ("plotting._curves", "from .comparison import ComparisonRow", set()),
        ("plotting._curves", "from .. import __main__", {"__main__"}),
        ("plotting._curves", "from .. import compare_with_baselines", {"__init__"}),
        ("plotting.__init__", "from ._curves import LossCurveDisplay", set()),
        ("plotting.__init__", "from ..comparison import ComparisonTable", {"comparison"}),
        ("estimators._base", "from ..plotting._base import Display", {"plotting"}),
        ("comparison", "from .estimators._rows import check_rows", set()),
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
        ("estimators._rows", "from sklearn.utils import check_random_state", set()),
        ("_sklearn", "from sklearn.utils.validation import _check_sample_weight", set()),
    ],
)
def test_a_foreign_import_is_found(module, source, found):
    assert foreign_imports(module, source) == found


@pytest.mark.parametrize(
    ("imports", "found"),
    [
        ({"__init__": "from ._a import f", "_a": "from ._b import g", "_b": ""}, set()),
        ({"__init__": "from ._a import f", "_a": "from ._b import g", "_b": "from . import _a"}, {"_a", "_b"}),
        ({"__init__": "from ._a import f", "_a": "def h():\n    from . import g"}, {"__init__", "_a"}),
        ({"__init__": "from ._a import f", "_a": "import skmlp_scratch.plotting._a"}, {"_a"}),
        ({"__init__": "from ._a import f", "_a": "from ..layers import Dense"}, set()),
    ],
)
def test_a_circle_is_found(imports, found):
    sources = {f"plotting.{module}": source for module, source in imports.items()}
    assert circle(sources) == {f"plotting.{module}" for module in found}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from sklearn.base import clone\nfrom sklearn import __version__\nfrom scipy import _lib", set()),
        ("from sklearn.base import BaseEstimator, _fit_context", {"sklearn.base._fit_context"}),
        ("def f():\n    import sklearn.utils._tags as t", {"sklearn.utils._tags"}),
        ("from sklearn.utils._param_validation import Interval", {"sklearn.utils._param_validation.Interval"}),
    ],
)
def test_a_private_name_of_sklearn_is_found(source, found):
    assert private_sklearn_imports("plotting._base", source) == found
    assert private_sklearn_imports("_sklearn", source) == set()


def test_an_eager_optional_import_is_found():
    source = "try:\n    import rich\nexcept ImportError:\n    rich = None\ndef f():\n    import pandas as pd"
    assert eager_optional_imports("layers", source) == {"rich"}


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


def test_a_long_module_is_found():
    source = '"""Doc.\n\nDoc.\n"""\n\n# A comment.\n' + 300 * "x = 1\n"
    assert not is_too_long("layers", source)
    assert not is_too_long("estimators", source)
    assert is_too_long("layers", source + "x = 1\n")
    assert not is_too_long("plotting._base", source)
    assert is_too_long("estimators._base", 236 * "# A comment.\n")
    assert not is_too_long("estimators._base", 235 * "# A comment.\n")


def test_a_counted_stack_frame_is_found():
    assert counts_stack_frames("def f():\n    warnings.warn('x', UserWarning, stacklevel=2)")
    assert not counts_stack_frames("'stacklevel=2'\nwarnings.warn('x', UserWarning)")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("hasattr(loss, 'link')", {"hasattr(loss, 'link')"}),
        ("getattr(self.loss, name, None)", {"getattr(self.loss, name, None)"}),
        ("loss.link\nhasattr(losses, 'link')\ngetattr(layer, 'loss')", set()),
    ],
)
def test_a_question_to_a_loss_is_found(source, found):
    assert questions_to_losses(source) == found

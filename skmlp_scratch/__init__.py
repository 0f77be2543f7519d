"""Neural networks from scratch for scikit-learn's users: a drop-in superset of its multi-layer perceptrons."""

from ._version import __version__
from .estimators import ScratchMLPClassifier, ScratchMLPRegressor
from .inspection import check_gradient, show_versions, trace
from .tabular import ScratchTabularClassifier, ScratchTabularRegressor

__all__ = [
    "ScratchMLPClassifier",
    "ScratchMLPRegressor",
    "ScratchTabularClassifier",
    "ScratchTabularRegressor",
    "__version__",
    "check_gradient",
    "compare_with_baselines",
    "show_versions",
    "trace",
]


def __getattr__(name):
    # The comparison brings scikit-learn's searches and baselines along: loaded when asked for.
    if name == "compare_with_baselines":
        from .comparison import compare_with_baselines

        return compare_with_baselines
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})

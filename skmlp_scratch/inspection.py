r"""Gradient checking: a gradient is a claim about differences, so compare it with differences.

Along a direction d the slope of f is :math:`\big(f(p + h d) - f(p - h d)\big) / 2h` up to an error of order
:math:`h^2`; from steps h and 2h Richardson's extrapolation removes that term too. A backpropagated gradient g is right
if :math:`\lVert g - g_{num} \rVert / \lVert g + g_{num} \rVert` is tiny.
"""

import os
import platform
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_info

from . import _engine
from ._trace import LayerTrace, Trace, trace

__all__ = ["GradientReport", "LayerTrace", "Trace", "check_gradient", "show_versions", "trace"]

MAX_PARAMS = 2000  # up to here every parameter is moved, beyond it random directions
N_DIRECTIONS = 100
STEP, SHRINK, TRIES = 1e-4, 16, 4


@dataclass(frozen=True)
class GradientReport:
    r"""What a gradient check found; it prints as a line of text.

    Parameters
    ----------
    analytic, numeric : ndarray of shape (n_checked,)
        The slopes that were compared: of each parameter, or along random directions.
    tol : float
        What was asked for.
    every_parameter : bool
        Which of the two.

    Attributes
    ----------
    relative_error : float
        :math:`\lVert g - g_{num} \rVert / \lVert g + g_{num} \rVert`; 0 where both are zero, infinite where one
        is not finite.
    passed : bool
        Whether it is below ``tol``.

    Examples
    --------
    >>> import numpy as np
    >>> print(GradientReport(np.ones(1), np.ones(1), 1e-8, True))
    Gradient check passed: relative error 0.0e+00 (below 1e-08) over every one of 1 parameters.
    """

    analytic: np.ndarray = field(repr=False)
    numeric: np.ndarray = field(repr=False)
    tol: float
    every_parameter: bool

    @property
    def relative_error(self) -> float:
        """Distance of the two gradients, relative to the length of their sum."""
        distance = np.linalg.norm(self.analytic - self.numeric)
        length = np.linalg.norm(self.analytic + self.numeric)
        if not np.isfinite(length):
            return np.inf
        return float(distance / length) if length else float(distance and np.inf)

    @property
    def passed(self) -> bool:
        """Whether the relative error is below ``tol``."""
        return self.relative_error < self.tol

    def __str__(self):
        verdict, side = ("passed", "below") if self.passed else ("FAILED", "not below")
        n = len(self.analytic)
        where = f"every one of {n} parameters" if self.every_parameter else f"{n} random directions"
        text = (
            f"Gradient check {verdict}: relative error {self.relative_error:.1e} ({side} {self.tol:.0e}) over {where}."
        )
        if not self.passed:
            worst = int(np.argmax(np.abs(self.analytic - self.numeric)))
            text += f" Worst at {worst}: {self.analytic[worst]:.6g}, numerically {self.numeric[worst]:.6g}."
        return text


def check_gradient(
    objective: Any, params: NDArray | ArrayLike, y: ArrayLike | None = None, *, tol: float = 1e-8, random_state: int = 0
) -> GradientReport:
    """Compare the gradient of an objective, or of an estimator, with finite differences.

    Parameters
    ----------
    objective : Objective or estimator
        Anything with ``loss_and_grad(params, rows, rng)``; or an estimator of this package, fitted or not.
    params : ndarray of shape (n_params,), or array-like X
        Point at which to check; for an estimator the inputs X. An estimator is checked in float64 at initial
        parameters, fitted or not: at an optimum the gradient vanishes, and its relative error would be that of
        rounding.
    y : array-like or None, default=None
        Targets, for an estimator.
    tol : float, default=1e-8
        The relative error below which the check passes.
    random_state : int, default=0
        Seeds the mask of dropout, the same for every evaluation, and the random directions that are taken above
        2000 parameters.

    Returns
    -------
    report : GradientReport

    Notes
    -----
    Where the two step sizes disagree, as when a step straddles the kink of a relu, they are shrunk, up to three times.

    Examples
    --------
    >>> import numpy as np
    >>> from skmlp_scratch import check_gradient
    >>> class Bowl:
    ...     def loss_and_grad(self, params, rows=None, rng=None):
    ...         return float(params @ params), 2 * params
    >>> check_gradient(Bowl(), np.ones(3)).passed
    True
    """
    if hasattr(objective, "fit"):
        objective, params = _objective_of(objective, params, y)
    return _compare(objective, np.array(params, dtype=np.float64), tol, random_state)


def _objective_of(estimator, X, y):
    """What an estimator minimizes, and initial parameters."""
    if not hasattr(estimator, "objective"):
        raise ValueError(f"objective={estimator!r} is an estimator, but not of this package: its gradient is hidden.")
    return estimator.objective(X, y)


def _compare(objective, params, tol, random_state):
    """Check the gradient at a vector, along every axis or along random directions."""
    rng = np.random.RandomState(random_state)
    every = len(params) <= MAX_PARAMS
    if every:
        directions = (_unit(len(params), i) for i in range(len(params)))
    else:
        draws = (rng.standard_normal(len(params)) for _ in range(N_DIRECTIONS))
        directions = [draw / np.linalg.norm(draw) for draw in draws]

    def loss_and_grad(at):
        return objective.loss_and_grad(at, rng=np.random.RandomState(random_state))

    grad = np.array(loss_and_grad(params)[1])
    analytic = grad if every else np.array([grad @ direction for direction in directions])
    numeric = np.array([_slope(lambda at: loss_and_grad(at)[0], params, direction) for direction in directions])
    return GradientReport(analytic, numeric, tol, every)


def _unit(n, i):
    direction = np.zeros(n)
    direction[i] = 1
    return direction


def _slope(f, params, direction):
    """Richardson's slope along a direction, at the step where the two differences agree best."""
    best, slope = np.inf, np.nan
    for attempt in range(TRIES):
        h = STEP / SHRINK**attempt
        near, far = ((f(params + s * direction) - f(params - s * direction)) / (2 * s) for s in (h, 2 * h))
        if abs(near - far) < best:
            best, slope = abs(near - far), (4 * near - far) / 3
        if best <= 1e-7 * max(abs(near), 1e-2):
            break
    return slope


def show_versions() -> None:
    """Print what a bug report should say: the versions that matter, and the linear algebra library.

    Examples
    --------
    >>> from skmlp_scratch.inspection import show_versions
    >>> show_versions()  # doctest: +ELLIPSIS
    skmlp_scratch: ...
    engine: ...
    """
    lines = {"skmlp_scratch": sys.modules[__package__].__version__}
    lines |= {package: _version(package) for package in ("numpy", "scipy", "scikit-learn", "threadpoolctl")}
    lines |= {"python": sys.version.replace("\n", " "), "platform": platform.platform(), "cpus": os.cpu_count()}
    for library in threadpool_info():
        known = (library.get(key) for key in ("internal_api", "version", "architecture"))
        what = " ".join(str(each) for each in known if each)
        lines[library["prefix"]] = f"{what}, {library['num_threads']} threads, {library['filepath']}"
    lines["engine"] = _engine.status()
    for name, text in lines.items():
        print(f"{name}: {text}")


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

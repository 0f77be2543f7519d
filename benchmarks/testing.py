"""How the package is tested, in figures: tests by kind, planted bugs that are found, kernels of the linear algebra.

What docs/testing.md shows. ``--counts`` leaves out what takes long: the planted bugs and the kernels.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from .mutation import check_in_step, copy_of_the_package, report, survivors_of

ROOT = Path(__file__).parents[1]
# Kind -> texts, one of which stands in a test's name or file.
KINDS = {
    "doctests": ("skmlp_scratch/",),
    "pages, README and notebooks that run": ("test_docs.py", "test_readme.py", "test_notebooks.py"),
    "gradients and slopes": ("gradient", "backward", "slope"),
    "same seed, same result as scikit-learn's": ("test_parity.py", "as_the_peer"),
    "scikit-learn's own checks of estimators": ("scikit_learn_checks", "test_variants.py"),
    "figures of the tutorials": ("test_golden.py",),
    "metamorphic relations": ("test_metamorphic.py",),
    "containers and types of X": ("test_containers.py",),
    "parameters given wrongly": ("test_parameters.py",),
    "Ctrl-C, threads, forks": ("test_interrupts.py", "test_parallel.py", "interrupt"),
    "compiled kernels against numpy": ("tests/engine/",),
}
SENSITIVE = (
    *[
        f"tests/test_{name}.py"
        for name in ("objective", "network", "layers", "losses", "parity", "golden", "solvers", "metamorphic")
    ],
    *[f"tests/test_{name}.py" for name in ("containers", "pickles", "parallel")],
    "tests/estimators",
    "tests/tabular",
)
KERNELS = ("Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX")
THREADS = (1, 2)
TAKEN = "import numpy, threadpoolctl; print({lib.get('architecture') for lib in threadpoolctl.threadpool_info()})"


def add_options(parser):
    parser.add_argument("--counts", action="store_true", help="count the tests only")


def run(options):
    print(counts(collected()), flush=True)
    if not options.counts:
        print("\n" + planted(), flush=True)
        print("\n" + kernels(), flush=True)


def collected():
    """Names of all tests."""
    printed = pytest_prints("--collect-only")
    return [line for line in printed.splitlines() if "::" in line and not line.startswith(("ERROR", "FAILED"))]


def pytest_prints(*arguments, **environment):
    """What pytest prints, without colors; an error where it ended without having run the tests."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # all passed, some failed
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def counts(names):
    """The tests by kind, in Markdown; a test may be of several kinds, or of none of these."""
    lines = ["| kind | tests |", "|---|--:|", f"| all | {len(names)} |"]
    for kind, texts in KINDS.items():
        lines.append(f"| {kind} | {sum(any(text in name for text in texts) for name in names)} |")
    return "\n".join(lines)


def planted():
    """Planted and found bugs per module, and each survivor."""
    from .planted import BUGS

    with tempfile.TemporaryDirectory() as folder:
        check_in_step(copy_of_the_package(Path(folder) / "healthy"), BUGS)
    return report(BUGS, survivors_of(BUGS, n_jobs=1))


def kernels():
    """The tests that rounding might change, with each kernel of OpenBLAS that the processor can run."""
    lines = [
        f"| kernels | {' | '.join(f'threads: {n}' for n in THREADS)} |",
        "|---|" + "---|" * len(THREADS),
    ]
    for kernel in KERNELS:
        cells = [outcome(with_kernel(kernel, n_threads)) for n_threads in THREADS] if is_taken(kernel) else ["no"] * 2
        lines.append(f"| {kernel} | {' | '.join(cells)} |")
    return "\n".join(lines)


def is_taken(kernel):
    """Whether OpenBLAS takes these kernels on this processor."""
    environment = os.environ | {"OPENBLAS_CORETYPE": kernel}
    done = subprocess.run([sys.executable, "-c", TAKEN], env=environment, capture_output=True, text=True, check=True)
    return kernel in done.stdout


def with_kernel(kernel, n_threads):
    """The last line that pytest prints."""
    printed = pytest_prints(*SENSITIVE, OPENBLAS_CORETYPE=kernel, OPENBLAS_NUM_THREADS=str(n_threads))
    return printed.strip().splitlines()[-1]


def outcome(line):
    """How many tests passed and failed, of pytest's last line."""
    return ", ".join(re.findall(r"\d+ (?:failed|passed|errors?)", line))

"""Plants bugs, one at a time, and runs the tests of their module.

A bug is a line of the package with another text. Each one is applied to a temporary copy of the package, whose tests
then have a minute of processor time to find it: by a failure, by an error, or by not coming to an end. What survives is
reported, with the reason if there is one, and the command fails if a survivor has none.
"""

import ast
import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import at_least

ROOT = Path(__file__).parents[1]
PACKAGE = "skmlp_scratch"
NEEDED = (PACKAGE, "tests", "benchmarks", "conftest.py", "pyproject.toml")
SECONDS = 60
# Of processor time, so that a busy machine finds no bug that the tests do not.
LIMITED = """
import resource, sys, pytest
seconds = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
sys.exit(pytest.main(sys.argv[2:]))
"""
OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)
PASSED, FAILED, INTERRUPTED = 0, 1, 2  # exit codes of pytest; the last one where a module cannot even be imported


@dataclass(frozen=True)
class Bug:
    """One text of one file, what it is replaced by, and the tests that should notice.

    Attributes
    ----------
    module : str
        Path below the package.
    old, new : str
        The text, which stands in the file exactly once, and the bug.
    tests : tuple of str
        What pytest is given, beside the module itself with its doctests.
    reason : str
        Why no test can, or has to, find it; empty if one should.
    """

    module: str
    old: str
    new: str
    tests: tuple
    reason: str = ""

    def __str__(self):
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.module}: {old}  →  {new}"

    def texts(self, root):
        """Return the module's text below ``root``, and what the bug makes of it; nothing is written."""
        path = root / PACKAGE / self.module
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.module} holds {self.old!r} {text.count(self.old)} times, and must hold it once.")
        changed = text.replace(self.old, self.new)
        if ast.dump(ast.parse(changed)) == ast.dump(ast.parse(text)):
            raise ValueError(f"{self} changes no code.")
        return text, changed

    def apply(self, root):
        """Write the bug into the package below ``root``; return the text that was there."""
        text, changed = self.texts(root)
        (root / PACKAGE / self.module).write_text(changed, encoding="utf-8")
        return text

    def revert(self, root, text):
        """Write back what ``apply`` returned."""
        (root / PACKAGE / self.module).write_text(text, encoding="utf-8")

    @property
    def arguments(self):
        """What pytest is given."""
        return (f"{PACKAGE}/{self.module}", *self.tests)


def run_tests(root, arguments, seconds=SECONDS):
    """Exit code of pytest on a copy, or None where the time is over."""
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:randomly"]
    # Two versions of a file within a second may have one size: no compiled files are kept.
    environment = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(seconds), *options, *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode in OUT_OF_TIME:
        return None
    if done.returncode not in (PASSED, FAILED, INTERRUPTED):
        raise RuntimeError(f"pytest {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.returncode


def copy_of_the_package(folder):
    """A copy in which bugs may be planted."""
    root = Path(folder)
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, root / name)
    return root


def check_in_step(root, bugs):
    """Every bug must be one change of the package as it is now."""
    stale = []
    for bug in bugs:
        try:
            bug.texts(root)
        except ValueError as error:
            stale.append(str(error))
    if stale:
        raise SystemExit("\n".join(stale))


def check_healthy(root, bugs):
    """Without a bug the tests must pass, within the time."""
    for arguments in dict.fromkeys(bug.arguments for bug in bugs):
        start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        code = run_tests(root, arguments, 10 * SECONDS)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start
        print(f"without a bug: {' '.join(arguments)}: {seconds:.0f} s", flush=True)
        if code != PASSED:
            raise SystemExit(f"pytest {' '.join(arguments)} fails without any bug.")
        if seconds > SECONDS:
            raise SystemExit(f"pytest {' '.join(arguments)} takes longer than the {SECONDS} s that a bug is given.")


def survivors_of(bugs, n_jobs):
    """The bugs that no test noticed."""
    roots = queue.SimpleQueue()
    found = []

    def hunt(bug):
        root = roots.get()
        text = bug.apply(root)
        try:
            code = run_tests(root, bug.arguments)
        finally:
            bug.revert(root, text)
            roots.put(root)
        verdict = {PASSED: "SURVIVES", FAILED: "found", INTERRUPTED: "found, import fails", None: "found, no end"}[code]
        print(f"{verdict:20s} {bug}", flush=True)
        if code == PASSED:
            found.append(bug)

    with tempfile.TemporaryDirectory() as folder:
        for k in range(n_jobs):
            roots.put(copy_of_the_package(Path(folder) / str(k)))
        with ThreadPoolExecutor(n_jobs) as pool:
            list(pool.map(hunt, bugs))
    return [bug for bug in bugs if bug in found]


def report(bugs, survivors):
    """A table in Markdown: planted and found per module, and each survivor."""
    planted, lost = (Counter(bug.module for bug in each) for each in (bugs, survivors))
    lines = ["| module | planted | found |", "|---|---|---|"]
    lines += [f"| `{module}` | {n} | {n - lost[module]} |" for module, n in planted.items()]
    lines += [f"| all | {len(bugs)} | {len(bugs) - len(survivors)} |", ""]
    lines += [f"- {bug}: {bug.reason or 'no reason given'}" for bug in survivors]
    return "\n".join(lines)


def add_options(parser):
    parser.add_argument("modules", nargs="*", help="only the modules whose paths contain one of these")
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="N", help="bugs at a time, each in its own copy")
    parser.add_argument("--skip-healthy", action="store_true", help="take it for granted that the tests pass")


def run(options):
    from .planted import BUGS

    bugs = [bug for bug in BUGS if not options.modules or any(part in bug.module for part in options.modules)]
    if not bugs:
        raise SystemExit("no bug is planted in such a module")
    with tempfile.TemporaryDirectory() as folder:
        healthy = copy_of_the_package(Path(folder) / "healthy")
        check_in_step(healthy, bugs)
        if not options.skip_healthy:
            check_healthy(healthy, bugs)
    survivors = survivors_of(bugs, options.jobs)
    print("\n" + report(bugs, survivors))
    if any(not bug.reason for bug in survivors):
        raise SystemExit(1)

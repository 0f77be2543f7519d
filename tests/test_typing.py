"""Types: user code is accepted as it is, and what does not fit is found."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USER_CODE = ROOT / "tests" / "typing" / "user_code.py"


def mypy(*arguments, cache):
    pytest.importorskip("mypy", reason="needs mypy")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(cache), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)


def test_user_code_runs():
    runpy.run_path(str(USER_CODE))


@pytest.mark.slow
def test_user_code_is_typed_and_a_mistake_is_found(tmp_path):
    done = mypy(USER_CODE, cache=tmp_path / "cache")
    assert done.returncode == 0, done.stdout + done.stderr
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from skmlp_scratch import ScratchMLPClassifier\n"
        "ScratchMLPClassifier(max_iter='many')\n"
        "ScratchMLPClassifier().fit([[1.0]], [0]).predict(3, 4)\n"
    )
    done = mypy(wrong, cache=tmp_path / "cache")
    found = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [line.split(":")[1] for line in found] == ["2", "3"]

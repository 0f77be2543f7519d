"""A progress bar on a terminal, and nothing anywhere else."""

import contextlib
import io
import re
import sys

import pytest

from skmlp_scratch.comparison import compare_with_baselines

from .small import BASELINES, X, Y


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    stderr, stdout = Terminal(), io.StringIO()
    with contextlib.redirect_stderr(stderr), contextlib.redirect_stdout(stdout):
        compare_with_baselines(X, Y, [1, 2], cv=2)
    counts = re.findall(r"(\d+)/(\d+)", re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", stderr.getvalue()))
    # Baselines on 2 folds; a network: 2 sizes on 2 folds, and in each fold 2 sizes on 3 inner folds and the result.
    total = str(2 * len(BASELINES) + 2 * (2 * 2 + 2 * (2 * 3 + 1)))
    assert counts[0] == ("0", total)
    assert counts[-1] == (total, total)
    assert stdout.getvalue() == ""


def test_progress_without_rich(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"] + ["rich", "rich.console"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("skmlp_scratch.comparison._progress.LEAST_SECONDS", 0)
    with contextlib.redirect_stderr(Terminal()) as stderr:
        compare_with_baselines(X, Y, [1], cv=2)
    total = 2 * len(BASELINES) + 2 * (2 + 2 * (3 + 1))
    shown = stderr.getvalue().split("\r")
    assert shown[1 : total + 1] == [f"fits {i}/{total}" for i in range(1, total + 1)]
    assert "".join(shown[total + 1 :]).strip() == ""


def test_no_progress_elsewhere(capsys):
    compare_with_baselines(X, Y, [1], cv=2)
    assert capsys.readouterr() == ("", "")

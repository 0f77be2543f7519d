"""The script that plants bugs: it changes one text, fails loudly where that is gone, and counts what it is told."""

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.mutation import PACKAGE, Bug, check_in_step, report
from benchmarks.planted import BUGS

ROOT = Path(__file__).parents[1]


def test_no_bug_is_planted_twice():
    assert max(Counter((bug.module, bug.new, bug.old) for bug in BUGS).values()) == 1


def test_a_bug_whose_text_is_gone_fails_loudly(tmp_path):
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "module.py").write_text("a = 1\nb = 1\n")
    with pytest.raises(ValueError, match="2 times"):
        Bug("module.py", " = 1", " = 2", ()).apply(tmp_path)
    with pytest.raises(ValueError, match="0 times"):
        Bug("module.py", "c = 1", "c = 2", ()).apply(tmp_path)
    with pytest.raises(ValueError, match="changes no code"):
        Bug("module.py", "b = 1", "b = 1  # the same", ()).apply(tmp_path)
    bug = Bug("module.py", "b = 1", "b = 2", ())
    text = bug.apply(tmp_path)
    assert (tmp_path / PACKAGE / "module.py").read_text() == "a = 1\nb = 2\n"
    bug.revert(tmp_path, text)
    assert (tmp_path / PACKAGE / "module.py").read_text() == "a = 1\nb = 1\n"


def test_every_text_that_is_gone_is_named_before_anything_runs(tmp_path):
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "module.py").write_text("a = 1\n")
    check_in_step(tmp_path, [Bug("module.py", "a = 1", "a = 2", ())])
    with pytest.raises(SystemExit, match=r"'b = 1' 0 times.*\n.*'c' 0 times"):
        check_in_step(tmp_path, [Bug("module.py", "b = 1", "b = 2", ()), Bug("other.py", "c", "d", ())])


def test_every_bug_stands_in_todays_source(monkeypatch):
    """Nothing is written meanwhile: other processes import that source."""
    monkeypatch.setattr(Path, "write_text", None)
    check_in_step(ROOT, BUGS)


def test_every_bug_names_tests_that_are_there():
    assert len(BUGS) >= 60
    for bug in BUGS:
        assert bug.tests
        assert all((ROOT / test).is_file() for test in bug.tests)


def test_the_report_counts_and_names_the_survivors():
    bugs = [Bug("a.py", "x", "y", ()), Bug("a.py", "z", "w", (), "the same number"), Bug("b.py", "x", "y", ())]
    lines = report(bugs, bugs[1:2]).splitlines()
    assert "| `a.py` | 2 | 1 |" in lines
    assert "| all | 3 | 2 |" in lines
    assert lines[-1] == "- a.py: z  →  w: the same number"

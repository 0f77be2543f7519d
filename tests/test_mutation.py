"""The planted bugs are in step with the package: each text stands once, and the bug is a program of another meaning."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.mutation import PACKAGE, Bug, report
from benchmarks.planted import BUGS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_a_planted_bug_is_one_change_of_one_line(bug):
    text = (ROOT / PACKAGE / bug.module).read_text(encoding="utf-8")
    assert text.count(bug.old) == 1
    changed = text.replace(bug.old, bug.new)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))
    for test in bug.tests:
        assert (ROOT / test).is_file()


def test_no_bug_is_planted_twice():
    assert max(Counter((bug.module, bug.new, bug.old) for bug in BUGS).values()) == 1


def test_a_bug_whose_text_is_gone_fails_loudly(tmp_path):
    (tmp_path / PACKAGE).mkdir()
    (tmp_path / PACKAGE / "module.py").write_text("a = 1\nb = 1\n")
    with pytest.raises(ValueError, match="2 times"):
        Bug("module.py", " = 1", " = 2", ()).apply(tmp_path)
    with pytest.raises(ValueError, match="0 times"):
        Bug("module.py", "c = 1", "c = 2", ()).apply(tmp_path)
    bug = Bug("module.py", "b = 1", "b = 2", ())
    text = bug.apply(tmp_path)
    assert (tmp_path / PACKAGE / "module.py").read_text() == "a = 1\nb = 2\n"
    bug.revert(tmp_path, text)
    assert (tmp_path / PACKAGE / "module.py").read_text() == "a = 1\nb = 1\n"


def test_the_report_counts_and_names_the_survivors():
    bugs = [Bug("a.py", "x", "y", ()), Bug("a.py", "z", "w", (), "the same number"), Bug("b.py", "x", "y", ())]
    lines = report(bugs, bugs[1:2]).splitlines()
    assert "| `a.py` | 2 | 1 |" in lines
    assert "| all | 3 | 2 |" in lines
    assert lines[-1] == "- a.py: z  →  w: the same number"

"""What the pages under docs show runs, and is what Python prints."""

import ast
import contextlib
import doctest
import importlib.util
import io
import re
import shlex
from pathlib import Path

import pytest

from skmlp_scratch import __main__ as command_line

PAGES = sorted(Path(__file__).parents[1].glob("docs/*.md"))
# What some blocks import and the tests do without: a block is left out where its package is not installed.
OPTIONAL = {"dask", "mlflow", "optuna", "ray", "shap", "skorch", "torch"}
CHECKER = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(text, *languages):
    """The fenced blocks in one of the languages: language, number of lines before the content, and content."""
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1] in languages:
            yield match[1], text.count("\n", 0, match.start(2)), match[2]


def absent(source):
    """The optional packages that a block imports and that are not installed."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    roots = {name.partition(".")[0] for name in names} & OPTIONAL
    return {root for root in roots if importlib.util.find_spec(root) is None}


def run(page):
    """Run the Python of a page from top to bottom; an ``output`` block is what the block above it prints.

    Returns
    -------
    missing : set of str
        The optional packages for want of which blocks were left out.
    """
    namespace, printed, missing = {"__name__": "__main__"}, "", set()
    for language, line, content in blocks(page.read_text(encoding="utf-8"), "python", "output"):
        if language == "output":
            assert printed is None or CHECKER.check_output(content, printed, FLAGS), f"{page.name}:{line}: {printed}"
        elif ">>>" not in content:
            missing |= (lacks := absent(content))
            printed = None
            if not lacks:
                with contextlib.redirect_stdout(io.StringIO()) as stdout:
                    # The leading empty lines make a traceback name the page's own line.
                    exec(compile("\n" * line + content, str(page), "exec"), namespace)
                printed = stdout.getvalue()
    return missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_print_what_they_show(page):
    results = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert results.failed == 0
    assert results.attempted or ">>>" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run_in_order(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if missing := run(page):
        pytest.skip(f"the rest ran; not installed: {', '.join(sorted(missing))}")


def test_an_output_that_is_not_printed_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 1)\n```\n\n```output\n3\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"page\.md:5: 2"):
        run(page)


def test_only_blocks_that_lack_an_optional_package_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    page = tmp_path / "page.md"
    page.write_text("```python\nimport optuna.samplers\n```\n\n```output\n1\n```\n", encoding="utf-8")
    assert run(page) == {"optuna"}
    page.write_text("```python\nimport nosuch\n```\n", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError):
        run(page)


def commands(page):
    """The arguments of every ``python -m skmlp_scratch`` of a page."""
    for _, _, content in blocks(page.read_text(encoding="utf-8"), "bash"):
        for line in content.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[1:3] == ["-m", "skmlp_scratch"]:
                yield words[3:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_options_that_exist(page):
    for arguments in commands(page):
        command_line._parser().parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_files(page):
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    assert [each for each in targets if "://" not in each and not (page.parent / each).exists()] == []

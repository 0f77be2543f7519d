"""What the pages under docs show runs, and is what Python prints."""

import ast
import contextlib
import doctest
import importlib.util
import io
import re
import shlex
import warnings
from pathlib import Path

import pytest

from skmlp_scratch import __main__ as command_line

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
# What some blocks import and the tests do without: a block is left out where its package is not installed.
OPTIONAL = {"dask", "mlflow", "optuna", "ray", "shap", "sklearn.callback"}
CHECKER = doctest.OutputChecker()
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(text, *languages):
    """The fenced blocks in one of the languages: language, number of lines before the content, and content."""
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1] in languages:
            yield match[1], text.count("\n", 0, match.start(2)), match[2]


def optional(source):
    """The optional packages that a block imports."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {package for package in OPTIONAL for name in names if f"{name}.".startswith(f"{package}.")}


def printed_by(source, page, namespace, quiet):
    """Run a block; the warnings of an optional package are its own affair."""
    with contextlib.redirect_stdout(io.StringIO()) as stdout, warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore")
        exec(compile(source, str(page), "exec"), namespace)
    return stdout.getvalue()


def run(page):
    """Run the Python of a page from top to bottom; an ``output`` block is what the block above it prints.

    Returns
    -------
    missing : set of str
        The optional packages for want of which blocks were left out.
    """
    namespace, printed, missing = {"__name__": "__main__"}, "", set()
    for language, line, content in blocks(page.read_text(encoding="utf-8"), "python", "output"):
        # As many empty lines before it make a traceback name the page's own line.
        if language == "output":
            assert printed is None or CHECKER.check_output(content, printed, FLAGS), f"{page.name}:{line}: {printed}"
        elif ">>>" not in content:
            used, printed = optional(content), None
            absent = {package for package in used if importlib.util.find_spec(package) is None}
            missing |= absent
            if not absent:
                printed = printed_by("\n" * line + content, page, namespace, quiet=bool(used))
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


def prose(page):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """What links to the headings of a page end with, as GitHub and MyST make it."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_to_files_and_headings(page):
    links = re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", prose(page))
    links = [(page.parent / path if path else page, anchor) for path, anchor in links if "://" not in path]
    assert [path for path, _ in links if not path.exists()] == []
    assert [f"{path.name}#{anchor}" for path, anchor in links if anchor and anchor not in anchors(path)] == []


def texts_of_the_package():
    """Every string of the source, with an ellipsis for what is filled in."""
    for path in (DOCS.parent / "skmlp_scratch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_page_of_errors_quotes_the_source():
    quoted = re.findall(r"^\| `(.+?)` \|", (DOCS / "errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    texts = list(texts_of_the_package())
    assert len(quoted) > 40
    assert [quote for quote in quoted if not any(quote.strip("… ") in text for text in texts)] == []

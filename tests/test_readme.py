"""What README.md shows runs: its Python from top to bottom, its commands as far as can be seen without running them."""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def blocks(*languages):
    """The fenced blocks in one of the languages, each with the number of its first line."""
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        if match[1] in languages:
            yield README.count("\n", 0, match.start(2)) + 1, match[2]


def commands():
    """The single commands of the shell blocks, as lists of words."""
    for _, block in blocks("bash", "console", "sh"):
        for line in block.splitlines():
            for command in line.removeprefix("$ ").split(" && "):
                if words := shlex.split(command, comments=True):
                    yield words


def unknown_words(words):
    """The words of a command that name what is not there: a program, a module, an extra, a file of the repository."""
    program, *arguments = words
    if not program.startswith(".venv/bin/") and program not in {"python3", "bash", "git"}:
        yield program
    for option, argument in zip(["", *arguments], arguments, strict=False):
        extras = re.fullmatch(r"\.\[(.+)\]", argument)
        if extras and not set(extras[1].split(",")) <= set(EXTRAS):
            yield argument
        if option == "-m" and program.endswith(("python", "python3")) and importlib.util.find_spec(argument) is None:
            yield argument
        if "/" in argument and not argument.startswith((".venv/", "http")) and not (ROOT / argument).exists():
            yield argument


def test_python_blocks_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    python = list(blocks("python"))
    assert python
    namespace = {"__name__": "__main__"}
    for line, block in python:
        # The leading empty lines make a traceback name README's own line.
        exec(compile("\n" * (line - 1) + block, str(ROOT / "README.md"), "exec"), namespace)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_commands_name_what_is_there(words):
    assert list(unknown_words(words)) == []


@pytest.mark.parametrize("command", ["nosuch", "python3 -m nosuch", "pip install -e .[nosuch]", "bash .ci/nosuch"])
def test_a_command_that_names_what_is_not_there_is_found(command):
    assert any("nosuch" in word for word in unknown_words(command.split()))


def test_relative_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#\s]+)", README) + re.findall(r"src=\"([^\"]+)\"", README)
    assert [target for target in targets if "://" not in target and not (ROOT / target).exists()] == []


def test_workflow_runs_the_test_command_of_readme():
    (command,) = re.findall(r"^python3 -m venv .*\[test\].*$", README, re.MULTILINE)
    assert command in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

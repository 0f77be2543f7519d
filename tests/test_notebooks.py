"""The notebooks run from top to bottom without a warning, and are committed with their output."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parents[1] / "notebooks"
MACHINE_PATH = re.compile(r"/(home|root|tmp|work|Users)/\w")

each_notebook = pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.glob("*.ipynb")))


def execute(notebook, folder):
    # Figures are part of what a notebook shows, so its kernel chooses the backend itself.
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute(env=environment)


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def written_to_stderr(notebook):
    """Warnings and errors: a notebook that teaches has neither."""
    return [output.text for output in outputs(notebook) if output.get("name") == "stderr"]


@each_notebook
def test_notebook_runs_without_warnings(name):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    execute(notebook, FOLDER)
    assert written_to_stderr(notebook) == []


@each_notebook
def test_notebook_is_committed_as_executed_in_order(name):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source]
    assert counts == list(range(1, len(counts) + 1))
    assert outputs(notebook)
    assert written_to_stderr(notebook) == []
    without_pictures = re.sub(r'"image/png": "[^"]*"', "", (FOLDER / name).read_text(encoding="utf-8"))
    assert not MACHINE_PATH.search(without_pictures)


@each_notebook
def test_notebook_text_is_finished(name):
    notebook = nbformat.read(FOLDER / name, as_version=4)
    assert [cell.source for cell in notebook.cells if "PLACEHOLDER" in cell.source] == []


def notebook_of(source):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


def test_a_warning_in_a_notebook_is_found(tmp_path):
    notebook = notebook_of("import warnings\nimport skmlp_scratch\nwarnings.warn('look')")
    execute(notebook, tmp_path)
    assert "look" in written_to_stderr(notebook)[0]


def test_an_error_in_a_notebook_is_found(tmp_path):
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(notebook_of("1 / 0"), tmp_path)

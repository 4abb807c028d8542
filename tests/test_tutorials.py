"""Every tutorial runs from top to bottom and still prints and draws what is committed."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import rlref

TUTORIALS = sorted((Path(__file__).parents[1] / "tutorials").glob("*.ipynb"))
PACKAGE = Path(rlref.__file__).parents[1]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
BUDGET = "0.07"  # of a full training; a cell whose numbers depend on it has the tag "budget"


@pytest.fixture(params=TUTORIALS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def committed(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def pictures(cell):
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


def assert_same_outputs(new, old):
    """The same words and pictures; numbers may differ as far as another machine's rounding can move them."""
    assert NUMBER.sub("#", printed(new)).split() == NUMBER.sub("#", printed(old)).split()
    if "budget" not in old.metadata.get("tags", []):
        numbers = [[float(x) for x in NUMBER.findall(printed(cell))] for cell in (new, old)]
        assert numbers[0] == pytest.approx(numbers[1], rel=1e-2, abs=2e-3)
    assert pictures(new) == pictures(old)


def test_there_are_tutorials():
    assert TUTORIALS


def test_a_tutorial_runs_and_gives_what_is_committed(committed, tmp_path, monkeypatch):
    monkeypatch.setenv("RLREF_TUTORIAL_BUDGET", BUDGET)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(PACKAGE), os.environ.get("PYTHONPATH", "")]))
    copy = nbformat.from_dict(committed)
    for cell in code_cells(copy):
        cell.outputs, cell.execution_count = [], None
    NotebookClient(copy, kernel_name="python3", timeout=120, coalesce_streams=True,
                   resources={"metadata": {"path": str(tmp_path)}}).execute()  # raises where a cell does
    for new, old in zip(code_cells(copy), code_cells(committed), strict=True):
        assert_same_outputs(new, old)


def test_the_committed_notebook_was_run_from_top_to_bottom(path, committed):
    nbformat.validate(committed)
    cells = code_cells(committed)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    shows = re.compile(r"\bprint\(|^show\(|plt\.show\(", re.MULTILINE)
    assert all(cell.outputs for cell in cells if shows.search(cell.source))
    assert sum(map(pictures, cells)) >= 3
    assert not any(output.output_type == "error" or output.get("name") == "stderr"
                   for cell in cells for output in cell.outputs)
    assert path.stat().st_size < 1_500_000


def test_no_path_of_a_machine_is_committed(path):
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text())
    assert not re.search(r"(/home|/root|/tmp|/usr|/opt|/work|/Users|[A-Z]:\\\\)[/\\]", text)

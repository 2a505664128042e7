"""The notebook of the docs runs, and what it shows is of no computer's folders."""

import json
import re

import pytest

from tests.support import ROOT, scripts
from tests.support.int8 import QUICK

NOTEBOOK = ROOT / "docs" / "walkthrough.ipynb"


def _forms(cell):
    """What kinds of output a cell has."""
    return [sorted(output.get("data", {"printed": ""})) for output in cell["outputs"]]


def test_the_notebook_runs_and_shows_the_chart(tmp_path):
    """From portraits to the chart, in a kernel of its own."""
    pytest.importorskip("nbclient")
    walkthrough = scripts.load("tools/walkthrough.py")
    notebook = walkthrough.executed(tmp_path, before=QUICK)
    walkthrough.clean(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    stored = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    for cell, kept in zip(cells, (one for one in stored if "outputs" in one), strict=True):
        assert _forms(cell) == _forms(kept)
    assert "image/png" in cells[-1].outputs[0]["data"]
    table = cells[-3].outputs[0]["data"]["text/plain"]
    assert table.count(".tflite") == 3


def test_what_is_stored_names_no_folder_of_a_computer():
    """Outputs are small, too."""
    text = NOTEBOOK.read_text("utf-8")
    without_pictures = re.sub(r'"image/png": "[^"]*"', "", text)
    assert not re.search(r"/(tmp|home|root|work|Users|usr)\b", without_pictures)
    assert len(text) < 400_000 and len(without_pictures) < 20_000

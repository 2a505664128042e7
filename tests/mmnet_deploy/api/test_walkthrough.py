"""The notebook of the docs runs, and what it shows is of no computer's folders."""

import json
import re

import pytest

from tests.support import ROOT, bundled, scripts
from tests.support.int8 import QUICK

NOTEBOOK = ROOT / "docs" / "walkthrough.ipynb"
(NETWORK,) = set(re.findall(r"pretrained:([\w.-]+)", NOTEBOOK.read_text("utf-8")))
"""The bundled network that it converts; the test gives it weights that convert in no time."""


def _forms(cell):
    """What kinds of output a cell has."""
    return [sorted(output.get("data", {"printed": ""})) for output in cell["outputs"]]


def test_the_notebook_runs_and_shows_the_chart(tmp_path, tiny_run):
    """From portraits to the chart, in a kernel of its own."""
    pytest.importorskip("nbclient")
    walkthrough = scripts.load("tools/walkthrough.py")
    folder = bundled.with_weights_of(tiny_run, tmp_path / "bundled", NETWORK)
    quick = (
        f"import pathlib\nfrom mmnet_deploy.runs import pretrained\n"
        f"pretrained._FOLDER = pathlib.Path({str(folder)!r})\n"
    )
    notebook = walkthrough.executed(tmp_path, before=QUICK + quick)
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

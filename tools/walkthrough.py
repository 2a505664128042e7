"""Run docs/walkthrough.ipynb and store it with what its cells show.

    python tools/walkthrough.py

Pictures and tables are kept. What libraries write while they work is not, since it names folders
of the computer. The latencies in the tables and in the chart are this computer's, so run it where
nothing else runs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "walkthrough.ipynb"

KEPT = ("image/png", "text/html", "text/plain")
"""Forms of a result. A picture comes as JPEG too, and once is enough."""


def executed(folder: Path, timeout_s: int = 600, *, before: str = "") -> nbformat.NotebookNode:
    """The notebook after all its cells have run.

    Args:
        folder: Working folder of the cells.
        before: Code that runs before them and is not kept.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell failed.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(before))
    where = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=timeout_s, kernel_name="python3", resources=where).execute()
    del notebook.cells[0]
    return notebook


def clean(notebook: nbformat.NotebookNode) -> None:
    """Leave out the times of the cells and all output but results and what the cells print."""
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        cell.outputs = [
            output
            for output in cell.outputs
            if output.output_type == "execute_result" or output.get("name") == "stdout"
        ]
        for output in cell.outputs:
            if "data" in output:
                output.data = {form: output.data[form] for form in KEPT if form in output.data}


def main() -> None:
    """Run the notebook and store it."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(Path(folder))
    clean(notebook)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()

"""The examples of the docstrings and of the guide run as they stand."""

import doctest
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import mmnet_deploy
from tests.support import ROOT, counting

ORDER = ("Matting", "convert", "evaluate", "bench", "cost", "load_results", "plot")
"""Some read what those before have written."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_run, tiny_models, portraits):
    """What the examples find: a run, a file, a data set and a picture."""
    root = tmp_path_factory.mktemp("examples")
    (root / "runs").mkdir()
    for name, path in {
        "model.tflite": tiny_models["float32"],
        "runs/a": tiny_run,
        "portraits": portraits,
    }.items():
        (root / name).symlink_to(path)
    image = np.random.default_rng(0).integers(0, 256, (120, 90, 3), np.uint8)
    Image.fromarray(image).save(root / "portrait.jpg")
    return root


POOL = "ProcessPoolExecutor"


def blocks():
    """The pieces of code in the guide."""
    text = (ROOT / "docs/guide/python.md").read_text("utf-8")
    found = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(found) > 8
    return found


def can_count():
    """Whether instructions can be counted here; where every test must run, they can."""
    try:
        counting.tools()
    except pytest.skip.Exception:
        if os.environ.get("MMNET_TESTS_MUST_RUN"):
            raise
        return False
    return True


def test_every_public_function_is_in_the_order():
    """So that no example is left out."""
    assert {*ORDER, "__version__", "errors"} == set(mmnet_deploy.__all__)


def test_docstrings_run(folder, monkeypatch, capsys):
    """Each example gives what it says, and nothing is printed."""
    monkeypatch.chdir(folder)
    image = np.random.default_rng(1).integers(0, 256, (48, 48, 3), np.uint8)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    said = []
    for name in ORDER:
        if name == "cost" and not can_count():
            continue
        value = getattr(mmnet_deploy, name)
        names = {one: getattr(mmnet_deploy, one) for one in ORDER} | {"np": np, "image": image}
        found = doctest.DocTestFinder().find(value, name, module=False, globs=names)
        assert any(one.examples for one in found), f"{name} has no example"
        for one in found:
            runner.run(one, out=said.append)
    assert not runner.failures, "".join(said)
    assert capsys.readouterr() == ("", "")


def test_the_guide_runs(folder, monkeypatch, capsys):
    """All its code, from top to bottom, in one program."""
    monkeypatch.chdir(folder)
    program = {"__name__": "guide"}
    for block in blocks():
        if "mmnet_deploy.cost(" in block and not can_count():
            continue
        if POOL in block:
            continue
        exec(compile(block, "docs/guide/python.md", "exec"), program)
    said = capsys.readouterr().out
    assert "missing.tflite" in said and "Evaluating" in said
    assert (folder / "chart.svg").is_file() and (folder / "cut-out.png").is_file()


def test_the_pool_of_the_guide_runs(folder):
    """As a script, whose functions the processes of the pool know."""
    first, *others = blocks()
    (pool,) = (block for block in others if POOL in block)
    script = f"{first}\n{pool}\nassert abs(means[0] - alpha.mean()) < 1e-6\nprint(len(means))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "2\n", done.stderr

"""What the tests of counting share: the engine and the counter, built once."""

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from android_benchmark.cost import find_tools
from tests.support import ROOT, scripts

NATIVE = ROOT / "android_benchmark" / "native"
CROSS = "aarch64-linux-gnu-gcc"


def require_programs():
    """Skip where qemu with plugins or a compiler is missing."""
    for program, package in (
        ("qemu-aarch64", "qemu-user"),
        ("gcc", "gcc"),
        (CROSS, "gcc-aarch64-linux-gnu"),
    ):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program} (Debian: apt install {package})")
    help_text = subprocess.run(["qemu-aarch64", "-help"], capture_output=True, text=True).stdout
    if "-plugin" not in help_text:
        pytest.skip("needs a qemu-aarch64 with plugins (Debian: apt install qemu-user)")


@functools.cache
def counter() -> Path:
    """The folder of the built counter."""
    folder = Path(tempfile.mkdtemp(prefix="mmnet-counter-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    scripts.load("tools/build_cost_plugin.py").build(folder / "cost")
    return folder / "cost"


@functools.cache
def _bundle() -> Path | str:
    build_engine = scripts.load("tools/build_engine.py")
    folder = Path(tempfile.mkdtemp(prefix="mmnet-engine-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        wheel = build_engine.fetch_wheel(ROOT / "build" / "downloads")
    except build_engine.BuildError as error:
        if "pip cannot download" not in str(error):
            raise
        return "needs a package index, once, for the arm64 runtime wheel"
    build_engine.build(folder / "engine", wheel)
    return folder / "engine"


def bundle() -> Path:
    """The folder of the built engine; skips where its runtime cannot be had."""
    found = _bundle()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def tools():
    """The programs that counting needs; skips where they cannot be had."""
    require_programs()
    return find_tools(bundle(), counter())

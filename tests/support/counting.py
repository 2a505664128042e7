"""What the tests of counting share: the engine and the counter, built once."""

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

from android_benchmark.cost import find_tools
from mmnet_deploy.engines import own
from mmnet_deploy.errors import DownloadError
from tests.support import ROOT

NATIVE = ROOT / "android_benchmark" / "native"
CROSS = "aarch64-linux-gnu-gcc"
needs_cross = pytest.mark.skipif(
    shutil.which(CROSS) is None, reason=f"needs {CROSS} (Debian: apt install gcc-aarch64-linux-gnu)"
)


def require_programs():
    """Skip where qemu with plugins or the compiler is missing."""
    for program, package in (("qemu-aarch64", "qemu-user"), ("gcc", "gcc")):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program} (Debian: apt install {package})")
    help_text = subprocess.run(["qemu-aarch64", "-help"], capture_output=True, text=True).stdout
    if "-plugin" not in help_text:
        pytest.skip("needs a qemu-aarch64 with plugins (Debian: apt install qemu-user)")


@functools.cache
def counter() -> Path:
    """The folder of the built counter, in the tests' cache."""
    folder = own.counter_folder()
    return folder if (folder / "manifest.json").exists() else own.build_counter()


@functools.cache
def _bundle() -> Path | str:
    try:
        return own.bundle()
    except DownloadError as error:
        return f"needs a package index, once: {error}"


def bundle() -> Path:
    """The folder of the engine, in the tests' cache; skips where its parts cannot be had."""
    found = _bundle()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def tools():
    """The programs that counting needs; skips where they cannot be had."""
    require_programs()
    return find_tools(bundle(), counter())

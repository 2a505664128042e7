"""Make the two environments in which the tests of small installs run, without TensorFlow.

    python tools/installs.py build/installs

`base` is `pip install mmnet-deploy`, with the newest libraries. `tflite-runtime` is the extra of
that name without ai-edge-litert, with the oldest libraries that `setup.cfg` allows; it needs
Python 3.10 or 3.11, as tflite-runtime does. An environment that was made of the same `setup.cfg`
is kept.
"""

from __future__ import annotations

import argparse
import configparser
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("android_benchmark", "mmnet_deploy", "models")
BESIDE = ("pyproject.toml", "setup.cfg", "README.md", "LICENSE")


def build_wheel(folder: Path) -> Path:
    """The wheel, built in a folder from a copy: what earlier builds left in the checkout cannot
    get into it.

    Raises:
        subprocess.CalledProcessError: pip cannot build it; its words are in `stderr`.
    """
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BESIDE:
        shutil.copy(ROOT / name, folder)
    pip(sys.executable, "wheel", "--no-deps", "-w", folder / "dist", folder)
    (built,) = (folder / "dist").iterdir()
    return built


def pip(python: str | Path, command: str, *words: str | Path) -> None:
    """Run pip, alone with the packages of a Python's environment."""
    # A checkout on PYTHONPATH would count as installed.
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    line = [sys.executable, "-m", "pip", "--python", python, command, "--quiet", *words]
    subprocess.run(line, check=True, env=alone, capture_output=True, text=True)


def lowest() -> list[str]:
    """A constraint per library of the base install: the oldest minor version that it allows."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    bounds = re.findall(
        r"^([\w-]+) >= (\d+)(?:\.(\d+))?", settings["options"]["install_requires"], re.MULTILINE
    )
    return [f"{name} == {major}.{minor or 0}.*" for name, major, minor in bounds]


def make(kind: str, folder: Path, wheel: Path) -> None:
    """One of the environments, with what a wheel needs; nothing if it is there."""
    key = hashlib.sha256((ROOT / "setup.cfg").read_bytes() + sys.version.encode()).hexdigest()
    stamp = folder / "made-of.txt"
    if stamp.exists() and stamp.read_text() == key:
        return
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    if kind == "base":
        pip(python, "install", wheel)
    else:
        limits = folder / "lowest.txt"
        limits.write_text("\n".join(it for it in lowest() if "litert" not in it) + "\n")
        pip(python, "install", f"{wheel}[tflite-runtime]", "-c", limits)
        pip(python, "uninstall", "--yes", "ai-edge-litert")
    stamp.write_text(key)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    kinds = ["base"]
    if sys.version_info < (3, 12):
        kinds.append("tflite-runtime")
    shutil.rmtree(folder / "source", ignore_errors=True)
    (folder / "source").mkdir(parents=True)
    try:
        wheel = build_wheel(folder / "source")
        with ThreadPoolExecutor() as pool:
            for _ in pool.map(lambda kind: make(kind, folder / kind, wheel), kinds):
                pass
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd))}\n{error.stderr}")


if __name__ == "__main__":
    main()

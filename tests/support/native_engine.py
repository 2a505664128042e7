"""The engine tflbench, compiled for this computer with sanitizers, and a small library for it."""

import shutil
import subprocess

import pytest

from android_benchmark.building import TFLBENCH
from android_benchmark.engines import tflbench
from tests.support import ROOT

needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="needs gcc for this computer (Debian: apt install gcc)"
)
SOURCES = ROOT / "tests" / "android_benchmark" / "native"
FLAGS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
BRIEF = ("--warmup_min_secs=0", "--num_runs=3", "--min_secs=0")
"""One warm-up run and three measured ones."""


def compile_engine(output, flags=FLAGS):
    """Compile the engine for this computer."""
    TFLBENCH.compile(output, "gcc", flags)


class Workbench:
    """A folder with the engine, the small library in several cuts, and models for it."""

    def __init__(self, folder):
        self.folder = folder
        self.engine = folder / "tflbench"
        compile_engine(self.engine)
        self.library = self.make_library("fake")

    def make_library(self, name, *flags):
        """The small library, with what the flags leave out of it."""
        path = self.folder / f"lib{name}.so"
        command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", *flags]
        subprocess.run([*command, "-o", path, SOURCES / "fake_tflite.c"], check=True)
        return path

    def model(self, text=""):
        """A model file: settings of the small library, such as `type=9`."""
        path = self.folder / f"{text.replace(' ', '_') or 'plain'}.tflite"
        path.write_text(text)
        return path

    def command(self, *options, model="", library=None):
        """The command line of a run."""
        graph = f"--graph={self.model(model)}"
        return [str(self.engine), graph, f"--library={library or self.library}", *options]

    def run(self, *options, model="", library=None):
        """The completed process of a run."""
        return subprocess.run(
            self.command(*options, model=model, library=library),
            capture_output=True,
            text=True,
            timeout=30,
            cwd=self.folder,
        )

    def report(self, *options, model="", library=None):
        """What the parser makes of a run."""
        done = self.run(*options, model=model, library=library)
        return tflbench.parse(done.stdout, done.stderr, done.returncode)


def only_line(done):
    """The engine's only line on stderr."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("tflbench: error: "), done.stderr
    return lines[0]

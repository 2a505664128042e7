"""Programs that come compiled: they belong to the sources, and the compiler would give the same."""

import json
import shutil

import pytest

from android_benchmark.building import (
    CLOCK,
    TFLBENCH,
    BuildError,
    compiler,
    parts,
    prebuilt,
    program,
)


def _same_toolchain():
    """Whether the compiler, linker and C library of the stamp are installed."""
    stamp = prebuilt.stamp()
    for name, line in ((compiler.CROSS, "compiler"), (prebuilt.LINKER, "linker")):
        if shutil.which(name) is None or compiler.version(name) != stamp[line]:
            return False
    return parts.installed(parts.DEBIAN_PACKAGES[0]) is not None


@pytest.mark.parametrize("wanted", prebuilt.PROGRAMS, ids=lambda wanted: wanted.name)
def test_they_belong_to_the_sources(wanted):
    """The stamp names the sources and flags as they are: a stale program cannot be committed."""
    known = prebuilt.stamp()["programs"][wanted.name]
    assert known["sources_sha256"] == wanted.sources_sha256(), (
        "the C sources were changed: python tools/prebuilt_programs.py"
    )
    assert parts.sha256(prebuilt.find(wanted).read_bytes()) == known["sha256"]


@pytest.mark.parametrize("wanted", prebuilt.PROGRAMS, ids=lambda wanted: wanted.name)
def test_the_compiler_gives_the_same_bytes(wanted, tmp_path):
    """Where the stamp's compiler is installed, compiling gives the committed program."""
    if not _same_toolchain():
        pytest.skip(f"needs {prebuilt.stamp()['compiler']}, with Debian 12's C library for arm64")
    wanted.compile(tmp_path / "program", compiler.CROSS)
    assert (tmp_path / "program").read_bytes() == prebuilt.find(wanted).read_bytes()


def test_what_does_not_belong_is_refused(tmp_path, monkeypatch):
    """A program of other sources, a damaged one and a missing one are each one clear error."""
    native = tmp_path / "native"
    shutil.copytree(program.NATIVE, native)
    monkeypatch.setattr(program, "NATIVE", native)
    source = native / "cost/guest/steady_clock.c"
    source.write_text(source.read_text() + "\n")
    with pytest.raises(BuildError, match="compiled from other sources"):
        prebuilt.find(CLOCK)
    engine = prebuilt.find(TFLBENCH)
    engine.write_bytes(engine.read_bytes()[:-1])
    with pytest.raises(BuildError, match="is damaged: install the package again"):
        prebuilt.find(TFLBENCH)
    stamp = native / "prebuilt" / prebuilt.STAMP
    for content in (json.dumps({"programs": []}), "{", "[]"):
        stamp.write_text(content)
        with pytest.raises(BuildError, match="install the package again"):
            prebuilt.find(TFLBENCH)
    shutil.rmtree(native / "prebuilt")
    with pytest.raises(BuildError, match="install the package again"):
        prebuilt.find(TFLBENCH)

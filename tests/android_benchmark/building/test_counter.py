"""Building the instruction counter: reproducible, and clear about what is missing."""

import hashlib
import json
import shutil

import pytest

from android_benchmark.building import (
    CLOCK,
    COUNTER,
    BuildError,
    build_counter,
    counter_name,
    program,
)

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@needs_gcc
def test_same_sources_give_the_same_bytes(tmp_path, monkeypatch):
    """From another place and into another folder, both libraries have the same bytes."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    manifest = build_counter(one)
    name = counter_name()
    shutil.copytree(program.NATIVE, tmp_path / "elsewhere/native")
    monkeypatch.setattr(program, "NATIVE", tmp_path / "elsewhere/native")
    build_counter(two)
    assert counter_name() == name
    for name in (COUNTER.name, CLOCK.name):
        content = (one / name).read_bytes()
        assert content == (two / name).read_bytes()
        assert manifest["sha256"][name] == hashlib.sha256(content).hexdigest()
    assert json.loads((one / "manifest.json").read_text()) == manifest
    assert str(tmp_path) not in (one / "manifest.json").read_text()


def test_missing_compiler_is_named(tmp_path, monkeypatch):
    """Without a compiler, the message names it and the packages that have it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"There is no gcc, .*apt-get install gcc libc6-dev"):
        build_counter(tmp_path)


@needs_gcc
def test_refused_sources_are_told(tmp_path, monkeypatch):
    """What the compiler refuses, warnings included, is told."""
    shutil.copytree(program.NATIVE, tmp_path / "native")
    (tmp_path / "native/cost/odd.c").write_text("int odd(void) { int unused; return 1; }\n")
    monkeypatch.setattr(program, "NATIVE", tmp_path / "native")
    with pytest.raises(BuildError, match="unused"):
        build_counter(tmp_path)

"""Building the instruction counter: reproducible, and clear about what is missing."""

import hashlib
import json
import shutil

import pytest

from tests.support import scripts

tool = scripts.load("tools/build_cost_plugin.py")

needs_compilers = pytest.mark.skipif(
    not (shutil.which(tool.COMPILER) and shutil.which(tool.CROSS_COMPILER)),
    reason=f"needs {tool.COMPILER} and {tool.CROSS_COMPILER}",
)


@needs_compilers
def test_same_sources_give_the_same_bytes(tmp_path, monkeypatch):
    """From another checkout and into another folder, both libraries have the same bytes."""
    shutil.copytree(tool.NATIVE, tmp_path / "elsewhere/native")
    manifest = tool.build(tmp_path / "one")
    monkeypatch.setattr(tool, "NATIVE", tmp_path / "elsewhere/native")
    tool.build(tmp_path / "two")
    for name in (tool.PLUGIN, tool.CLOCK):
        content = (tmp_path / "one" / name).read_bytes()
        assert content == (tmp_path / "two" / name).read_bytes()
        assert manifest["sha256"][name] == hashlib.sha256(content).hexdigest()
    assert json.loads((tmp_path / "one" / tool.MANIFEST).read_text()) == manifest
    assert str(tmp_path) not in (tmp_path / "one" / tool.MANIFEST).read_text()


def test_missing_compilers_are_named(tmp_path, monkeypatch, capsys):
    """Without compilers, one line names them and the packages that have them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tool.main(["-o", str(tmp_path / "cost")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("build_cost_plugin: error: ") and "apt-get" in line
    assert tool.COMPILER in line and tool.CROSS_COMPILER in line
    assert not (tmp_path / "cost").exists()


@needs_compilers
def test_refused_sources_leave_nothing(tmp_path, monkeypatch, capsys):
    """What the compiler refuses, warnings included, is told, and no library appears."""
    shutil.copytree(tool.NATIVE, tmp_path / "native")
    (tmp_path / "native/cost/odd.c").write_text("int odd(void) { int unused; return 1; }\n")
    monkeypatch.setattr(tool, "NATIVE", tmp_path / "native")
    assert tool.main(["-o", str(tmp_path / "cost")]) == 1
    assert "unused" in capsys.readouterr().err
    assert list((tmp_path / "cost").iterdir()) == []

"""`engines` with our own engine and the instruction counter: build, get, list, verify, remove."""

import json
import shutil

import pytest

from android_benchmark.building import parts
from mmnet_deploy.engines import own_parts
from tests.support import counting


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache with the wheel alone, put there by hand."""
    counting.bundle()
    kept = own_parts.downloads_folder() / parts.WHEEL
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MMNET_ENGINE_URL", raising=False)
    folder = own_parts.downloads_folder()
    folder.mkdir(parents=True)
    shutil.copy(kept, folder)
    return tmp_path / "cache"


def _listed(call):
    return {one["name"]: one for one in json.loads(call("engines", "list", "--json").stdout)}


@counting.needs_cross
def test_both_are_built_listed_checked_and_removed(call, cache):
    """Each command prints the folder, and the others know what is in it."""
    for what in ("tflbench", "counter"):
        if what == "counter" and shutil.which("gcc") is None:
            pytest.skip("needs gcc")
        built = call("engines", "build", what, *(["--offline"] * (what == "tflbench")))
        assert built.exit_code == 0, built.output
        found = _listed(call)[what]
        assert found["whole"] and found["origin"] == "built here"
        assert built.stdout.strip().endswith(found["path"])
    assert call("engines", "verify").exit_code == 0
    got = call("engines", "get", "--for", "emulated")
    assert got.exit_code == 0 and _listed(call)["tflbench"]["path"] in got.stderr
    (cache / "own" / _listed(call)["counter"]["path"] / "libcost.so").write_bytes(b"changed")
    verified = call("engines", "verify")
    assert verified.exit_code == 1 and "libcost.so was changed" in verified.stdout
    version = _listed(call)["tflbench"]["version"]
    assert "1 entry (13." in call("engines", "remove", "--version", version).stderr
    assert set(_listed(call)) == {"counter"}
    assert call("engines", "remove", "--all").exit_code == 0
    assert not (cache / "own").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("build", "tflbench"), 1, ("aarch64-linux-gnu-gcc", "apt-get install gcc-aarch64-linux")),
        (("build", "counter"), 1, ("There is no gcc", "apt-get install gcc libc6-dev")),
        (("build", "benchmark_model"), 2, ("'tflbench', 'counter'",)),
        (("get", "--for", "emulated", "--version", "2.2.0"), 2, ("--for emulated",)),
        (("get", "--for", "emulator"), 2, ("cpu, gpu, npu, outputs, emulated",)),
    ],
)
def test_bad_input_is_one_line(call, one_line, tmp_path, monkeypatch, words, code, told):
    """What is missing is named with its package, and nothing is made in the cache."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
    one_line(call("engines", *words), code, *told)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_an_official_engine_is_got_where_tflbench_is_not(call, cache, monkeypatch):
    """What fails is told, and the exit code is 1."""
    monkeypatch.setattr(parts, "INSTALLED", cache / "none")
    monkeypatch.setattr("mmnet_deploy.engines.pinned.DEBIAN", ("http://127.0.0.1:9",))
    monkeypatch.setenv("MMNET_ENGINE_URL", "http://127.0.0.1:9")
    result = call("engines", "get", "--for", "emulated")
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert "put into" in line and "libstdc++6" in line and parts.WHEEL not in line

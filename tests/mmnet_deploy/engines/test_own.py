"""Our own engine in the cache: put together once, whole or not at all, from known files."""

import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from android_benchmark.building import MANIFEST, parts
from android_benchmark.building.parts import DebianPackage
from android_benchmark.building.program import engine_version
from mmnet_deploy.engines import own, own_parts
from mmnet_deploy.errors import DownloadError, OutputError
from tests.support import ROOT, counting
from tests.support.debian import debian_file


@pytest.fixture(scope="module")
def made():
    """The bundle of the tests' cache."""
    return counting.bundle()


@pytest.fixture(scope="module")
def wheel(made):
    """The wheel that it was made of."""
    path = own_parts.downloads_folder() / parts.WHEEL
    if not path.exists():
        pytest.skip("the wheel was removed from the tests' cache")
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, whose parts are to be had from the index alone."""
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MMNET_ENGINE_URL", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def kept(cache, wheel):
    """The same, with the wheel put there by hand."""
    downloads = own_parts.downloads_folder()
    downloads.mkdir(parents=True)
    shutil.copy(wheel, downloads)
    return cache


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _packed(package: DebianPackage, made: Path) -> tuple[DebianPackage, bytes]:
    """A package with the same libraries, packed here."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz", preset=0) as tar:
        for name in package.libraries:
            tar.add(made / name, f"./usr/aarch64-linux-gnu/lib/{name}")
    content = debian_file(packed.getvalue())
    digest = parts.sha256(content)
    return DebianPackage(package.file, "", digest, len(content), package.libraries), content


@pytest.fixture
def mirror(cached, server, made, wheel, monkeypatch):
    """A mirror with all parts, for a computer without the libraries and without an index."""
    monkeypatch.setattr(parts, "INSTALLED", cached / "none")
    packed = [_packed(one, made) for one in parts.DEBIAN_PACKAGES]
    monkeypatch.setattr(parts, "DEBIAN_PACKAGES", tuple(package for package, _ in packed))
    for package, content in packed:
        name = package.file.replace("+", "%2B")
        server.files[f"/tflbench/{name}"] = content
    server.files[f"/tflbench/{parts.WHEEL}"] = wheel.read_bytes()
    return server


def test_all_parts_come_from_a_mirror(mirror, made):
    """Without compiler, libraries and index, the same bytes are put together; then all is there."""
    told = []
    folder = own.bundle(tell=told.append)
    assert _content(folder) == _content(made)
    assert "4 files" in told[0] and "127.0.0.1" in told[0]
    assert len(mirror.asked) == 4
    assert own.bundle(offline=True, tell=told.append) == folder and len(mirror.asked) == 4
    (one,) = own.built()
    assert (one.name, one.version, one.fault) == ("tflbench", engine_version(), "")
    assert own.remove(one) + own.remove_parts() > 20e6
    assert not own.built() and not own_parts.root().exists()


def test_another_file_on_the_mirror_is_refused(mirror, cached, monkeypatch):
    """Its hash is told, nothing of it stays, and the parts that were right are kept."""
    name = parts.DEBIAN_PACKAGES[1].file
    mirror.files[f"/tflbench/{name}"] = b"another"
    monkeypatch.setattr("mmnet_deploy.engines.pinned.DEBIAN", (f"{mirror.url}/archive",))
    with pytest.raises(DownloadError, match=f"another {name} than the pinned one") as caught:
        own.bundle()
    assert f"put into {own_parts.downloads_folder()}: " in str(caught.value)
    assert f"{mirror.url}/archive/" in str(caught.value)
    left = {path.name for path in own_parts.root().rglob("*")}
    assert left == {"downloads", parts.DEBIAN_PACKAGES[2].file}


def test_offline_the_files_and_their_place_are_named(cache):
    """One line says what to put where; the cache is not even made."""
    with pytest.raises(DownloadError) as caught:
        own.bundle(offline=True)
    assert parts.WHEEL in str(caught.value) and str(cache) in str(caught.value)
    assert not cache.exists()


def test_what_was_put_there_by_hand_is_taken(kept, made, monkeypatch):
    """If it is the file; another one of that name is told."""
    if any(parts.installed(one) is None for one in parts.DEBIAN_PACKAGES):
        pytest.skip("needs the arm64 libraries of Debian 12's cross compiler")
    assert _content(own.bundle(offline=True)) == _content(made)
    shutil.rmtree(own.bundle_folder())
    file = own_parts.downloads_folder() / parts.WHEEL
    file.unlink()
    file.write_bytes(b"another")
    with pytest.raises(DownloadError, match="the one there is another file"):
        own.bundle(offline=True)


def test_a_damaged_bundle_is_put_together_anew(kept, made):
    """A file that was changed or is gone is noticed; nothing of the old folder is left."""
    if any(parts.installed(one) is None for one in parts.DEBIAN_PACKAGES):
        pytest.skip("needs the arm64 libraries of Debian 12's cross compiler")
    folder = own.bundle_folder()
    shutil.copytree(made, folder)
    (folder / parts.LOADER).write_bytes(b"changed")
    assert own.built()[0].fault and not own.has_bundle()
    assert _content(own.bundle(offline=True)) == _content(made)
    (folder / MANIFEST).unlink()
    assert _content(own.bundle(offline=True)) == _content(made)
    assert {path.name for path in own_parts.root().iterdir()} == {folder.name, "downloads"}


def test_two_processes_at_once_both_get_it(kept, made):
    """Neither fails, and one whole bundle is there."""
    if any(parts.installed(one) is None for one in parts.DEBIAN_PACKAGES):
        pytest.skip("needs the arm64 libraries of Debian 12's cross compiler")
    words = [sys.executable, "-c", "from mmnet_deploy.engines import own; print(own.bundle())"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert {one.communicate()[0].strip() for one in started} == {str(own.bundle_folder())}
    assert _content(own.bundle_folder()) == _content(made)


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    """With the variable that names another one."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OutputError, match="MMNET_CACHE"):
        own.bundle()


# --- pip -----------------------------------------------------------------------


@pytest.fixture
def index(monkeypatch, tmp_path):
    """pip looks into this folder only."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    return folder


def _fails(told: str) -> str:
    with pytest.raises(DownloadError, match=told) as caught:
        own.bundle()
    assert not own_parts.root().exists() or not [*own_parts.root().rglob("*.*")]
    return str(caught.value)


def test_an_index_without_the_wheel_is_told(cache, index):
    """In pip's own words, with what to put where."""
    said = _fails("pip cannot download .*1.4.0.*: .*ai-edge-litert==1.4.0")
    assert f"put into {own_parts.downloads_folder()}: {parts.WHEEL}" in said
    assert "pip download --no-deps" in said


def test_no_connection_to_the_index_is_told(cache, index, monkeypatch):
    """pip itself would say that there is no such version."""
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    _fails("no connection to the package index")


def test_another_wheel_of_that_name_is_refused(cache, index):
    """With both hashes."""
    with zipfile.ZipFile(index / parts.WHEEL, "w") as archive:
        folder = "ai_edge_litert-1.4.0.dist-info"
        archive.writestr(
            f"{folder}/METADATA", "Metadata-Version: 2.1\nName: ai-edge-litert\nVersion: 1.4.0\n"
        )
        archive.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{folder}/RECORD", "")
    assert parts.WHEEL_SHA256 in _fails("another .* than the pinned one")


@pytest.fixture
def no_pip(tmp_path, monkeypatch):
    """An environment without pip, and a path without programs; the folder of that path."""
    (tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "pip" else find(name, *rest)
    )
    return tmp_path / "programs"


@pytest.mark.parametrize(
    ("program", "words"), [("pip3", "download"), ("pip", "download"), ("uv", "tool run pip")]
)
def test_another_pip_will_do(cache, no_pip, program, words):
    """One on the path, or uv's, for environments that uv made."""
    (no_pip / program).write_text('#!/bin/sh\necho "ERROR: called with $*" >&2\nexit 1\n')
    (no_pip / program).chmod(0o755)
    _fails(f"pip cannot download .*: called with {words}")


def test_uv_without_a_network_is_told_as_pip_is(cache, no_pip):
    """Its own words for it are many lines."""
    said = "error: dns error\\n  cause: failed to lookup address information: no name"
    (no_pip / "uv").write_text(f"#!/bin/sh\nprintf '{said}' >&2\nexit 2\n")
    (no_pip / "uv").chmod(0o755)
    _fails("pip cannot download .*: no connection to the package index")


def test_doctor_promises_no_download_without_pip(call, cache, no_pip):
    """It says what is missing, as the download itself does."""
    said = " ".join(call("doctor").stdout.split())
    assert "neither in this Python environment nor on the path" in said
    assert "and run real arm64 kernels" not in said.partition(". ")[0]


def test_an_environment_without_pip_is_told(cache, no_pip):
    """As uv makes them; the message says how to get pip."""
    _fails("uv pip install pip")

"""Published networks: by name wherever a model is taken, known by their hash."""

import dataclasses
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import numpy as np
import pytest

from mmnet_deploy.cli import COMMANDS, cli, model_options
from mmnet_deploy.downloads import pip, published
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.mattes.matting import open_model
from mmnet_deploy.results.trade_offs.point import family_of
from mmnet_deploy.tflite.card import describe
from mmnet_deploy.tflite.graph import Graph
from tests.support import ROOT

SELFIE, LANDSCAPE = published.NETWORKS
INDEX_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and pip with nothing but the folder `index`."""
    (tmp_path / "index").mkdir()
    for name in INDEX_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def networks(monkeypatch, tiny_models):
    """Two files of our own in the places of the published ones; their contents."""
    contents = [tiny_models[name].read_bytes() for name in ("float32", "int8")]
    changed = [
        dataclasses.replace(one, sha256=hashlib.sha256(of).hexdigest(), size_bytes=len(of))
        for one, of in zip(published.NETWORKS, contents, strict=True)
    ]
    monkeypatch.setattr(published, "NETWORKS", tuple(changed))
    return contents


def wheel(folder: Path, *contents: bytes, name: str = published.WHEEL.file) -> Path:
    """A wheel that pip takes, with these files for the networks."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        about = "mediapipe-0.10.21.dist-info"
        archive.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n"
        )
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr(f"{about}/RECORD", "")
        for network, content in zip(published.NETWORKS, contents, strict=False):
            archive.writestr(network.member, content)
    return path


def kept(cache: Path) -> set[str]:
    return {path.name for path in cache.rglob("*") if path.is_file()}


# --- By download ----------------------------------------------------------------


def test_the_first_use_downloads_and_the_second_does_not(cache, networks, call, portraits):
    """Announced; both networks of the wheel stay, and the file has a name of its own in results."""
    source = wheel(cache.parent / "index", *networks)
    words = ("evaluate", "mediapipe:selfie", "--data", portraits, "-o", "results")
    first = call(*words)
    assert first.exit_code == 0, first.output
    assert "Downloading mediapipe:selfie once" in first.stderr and "35.6 MB" in first.stderr
    assert "Apache-2.0" in first.stderr
    assert kept(cache) == {"mediapipe-selfie.tflite", "mediapipe-selfie-landscape.tflite"}
    (stored,) = Path("results").glob("*.json")
    assert json.loads(stored.read_text("utf-8"))["model"]["name"] == "mediapipe-selfie.tflite"
    source.unlink()
    again = call("inspect", "mediapipe:selfie-landscape", "mediapipe:selfie")
    assert again.exit_code == 0 and "Downloading" not in again.stderr


def test_a_wheel_with_another_file_is_refused(cache, call, one_line):
    """With both hashes; nothing of it stays."""
    wheel(cache.parent / "index", b"another")
    received = hashlib.sha256(b"another").hexdigest()
    one_line(call("inspect", "mediapipe:selfie"), 1, SELFIE.sha256, received, SELFIE.member)
    assert not kept(cache)


def test_without_network_one_line_says_what_to_put_where(cache, call, one_line):
    """Before anything else is done."""
    refused = call("predict", "mediapipe:selfie", "nothing.jpg")
    one_line(refused, 1, published.WHEEL.file, str(cache / "published"), "pip download --no-deps")
    assert not kept(cache)


def test_without_pip_the_same_line_says_how_to_get_it(cache, monkeypatch):
    """As in environments that uv makes."""
    monkeypatch.setenv("PATH", "")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "pip" else find(name, *rest)
    )
    with pytest.raises(DownloadError, match=r"uv pip install pip.*Without a download: put"):
        published.have(SELFIE)


def test_a_cache_that_cannot_be_written_is_told_before_the_download(cache, call, one_line):
    """With the variable that names another one."""
    cache.touch()
    refused = call("inspect", "mediapipe:selfie")
    one_line(refused, 1, str(cache), "MMNET_CACHE")
    assert "Downloading" not in refused.stderr


@pytest.mark.parametrize(
    "words", [("--offline", "mediapipe:selfie"), ("mediapipe:selfie", "--offline")]
)
def test_offline_nothing_is_downloaded(cache, networks, call, one_line, words):
    """Wherever the option stands; the cache is not even made."""
    wheel(cache.parent / "index", *networks)
    one_line(call("bench", *words), 1, "nothing may be downloaded", str(cache / "published"))
    assert not cache.exists()


def test_the_progress_of_pip_is_told():
    """In kilobytes, from the lines that pip prints for programs; others mean nothing."""
    lines = ["Collecting a", *(f"Progress {done} of 9000" for done in (0, 4000, "x", 9000))]
    told = []

    class Bar:
        def __enter__(self):
            return lambda steps: told.append(steps)

        def __exit__(self, *error):
            told.append("end")

    with subprocess.Popen(
        [sys.executable, "-c", f"print(*{lines!r}, sep=chr(10))"], stdout=subprocess.PIPE, text=True
    ) as process:
        pip._follow(process, lambda title, total: told.append(total) or Bar())
    assert told == [9, 4, 5, "end"]


def test_offline_this_computer_measures_what_is_there(cache, networks, call):
    """The option is for the model then, not for an engine, which this computer does not need."""
    wheel(published.folder(), *networks)
    words = ("--offline", "--device", "host", "--min-duration", 0.01, "--min-runs", 2)
    result = call("bench", "mediapipe:selfie", *words, "-o", "results")
    assert result.exit_code == 0, result.output


# --- By hand --------------------------------------------------------------------


def test_a_wheel_that_was_put_there_is_taken(cache, networks):
    """Of any release and system; one that is damaged, or has no or a larger file, is told."""
    folder, told = published.folder(), []
    wheel(folder, networks[0] + b"x", name="mediapipe-1-larger.whl")
    wheel(folder, name="mediapipe-2-empty.whl")
    (folder / "mediapipe-3-damaged.whl").write_bytes(b"PK")
    wheel(folder, *networks, name="mediapipe-4-other-release.whl")
    network = published.named("selfie")
    path = published.have(network, offline=True, tell=told.append)
    assert path.read_bytes() == networks[0]
    faults = ("a larger file", "has no file", "cannot be unpacked: it is damaged", "is taken out")
    for line, fault in zip(told, faults, strict=True):
        assert fault in line


def test_another_file_in_the_cache_is_told_and_replaced(cache, networks):
    """Whether somebody put it there or it was damaged."""
    network, told = published.named("selfie"), []
    network.path.parent.mkdir(parents=True)
    network.path.write_bytes(b"another")
    with pytest.raises(DownloadError):
        published.have(network, offline=True, tell=told.append)
    assert "is another file than the published one" in told[0]
    wheel(published.folder(), *networks)
    assert published.have(network).read_bytes() == networks[0]


# --- On the command line ----------------------------------------------------------


def _models() -> list[tuple[str, click.Parameter]]:
    """Every argument and option of a command that takes a model, by what its help calls it."""
    found = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        for param in command.params:
            called = (param.metavar or "").removesuffix("...")
            if {"RUN", "MODEL"} & {*called.split("|")} or ".tflite" in called:
                found.append((f"{name} {param.name}", param))
    return found


@pytest.mark.parametrize(
    ("name", "param"), _models(), ids=lambda it: it if isinstance(it, str) else ""
)
def test_every_model_can_be_named(name, param):
    """One rule for all commands; only `train --out`, which is written, is another kind of RUN."""
    assert isinstance(param.type, model_options._Network) or name == "train run_folder"


def test_a_name_that_there_is_not_is_refused(call, one_line):
    """With the names that there are; a run where a file is needed says how to make one."""
    one_line(call("inspect", "mediapipe:x"), 2, "selfie, selfie-landscape", "Received: x")
    one_line(
        call("bench", "pretrained:mmnet-1.0-256"), 2, "must be a .tflite file",
        "mmnet-deploy convert pretrained:mmnet-1.0-256",
    )  # fmt: skip


def test_results_of_other_tools_are_imported_for_one(cache, networks, call, one_line):
    """Under its own name, or the one that it was measured under."""
    wheel(published.folder(), *networks)
    Path("log.txt").write_text("nothing", "utf-8")
    for word in ("mediapipe:selfie", "a=mediapipe:selfie"):
        result = call("results", "import", "log.txt", "--model", word, "--device", "a")
        one_line(result, 1, "log.txt: it holds no measurement")


def test_two_commands_at_once_both_get_it(cache):
    """Neither waits nor fails, and the files are whole."""
    path = wheel(cache.parent / "index", b"first", b"second")
    code = (
        "import dataclasses, hashlib\n"
        "from mmnet_deploy.downloads import published\n"
        "published.NETWORKS = tuple(dataclasses.replace(n, size_bytes=9, "
        "sha256=hashlib.sha256(c).hexdigest()) for n, c in zip(published.NETWORKS, "
        "(b'first', b'second')))\n"
        "print(published.have(published.named('selfie')).read_text())\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [one.communicate()[0] for one in started] == ["first\n"] * 2
    assert kept(cache) == {SELFIE.path.name, LANDSCAPE.path.name}
    assert path.exists()


# --- The real ones ----------------------------------------------------------------


def test_the_real_files_are_what_the_table_says():
    """Sizes, counts, and no person in a black picture; needs the package index once."""
    try:
        paths = [published.have(network) for network in published.NETWORKS]
    except DownloadError as error:
        pytest.skip(str(error))
    picture = np.zeros((40, 30, 3), np.uint8)
    for network, path in zip(published.NETWORKS, paths, strict=True):
        file = describe(path)
        assert (file.size_bytes, family_of(file)) == (network.size_bytes, network.title)
        assert (file.parameters, file.macs) == (network.parameters, network.macs)
        assert Graph.from_bytes(path.read_bytes()).inputs[0].shape[1:3] == (
            network.height_px, network.width_px,
        )  # fmt: skip
        matte = open_model(path).matte(picture)
        assert matte.shape == (network.height_px, network.width_px) and matte.max() < 0.5

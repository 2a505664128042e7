"""`engines`: what a user reads, good input and bad."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mmnet_deploy.engines import cache, download
from mmnet_deploy.engines.releases import PROGRAM, EngineFile
from tests.support import ROOT, engine_server
from tests.support.engine_server import FOLDER, PAGE, VERSION, answering, cut, elf

FILE = EngineFile(VERSION, "arm64-v8a", PROGRAM)
GET = ("engines", "get", "--version", VERSION)


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A mirror with an engine, a cache of the test's own, and no proxy."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("MMNET_BENCHMARK_MODEL", raising=False)
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    with engine_server.serving() as server:
        monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("MMNET_ENGINE_URL", server.url)
        server.put(PROGRAM, elf(200_000))
        yield server


def test_an_engine_is_got_listed_verified_and_removed(call, server):
    """The list says what `bench` would take, before and after."""
    assert f"by a download from {server.url}/" in call("engines", "list").stderr
    result = call("engines", "get")
    assert result.exit_code == 0, result.output
    assert "Downloading benchmark_model of LiteRT" in result.stderr
    listed = call("engines", "list")
    assert "whole" in listed.stdout and f"{server.url}{FOLDER}/{PROGRAM}" in listed.stdout
    assert f"{FILE.title}, from the cache" in listed.stderr
    (row,) = json.loads(call("engines", "list", "--json").stdout)
    assert row["whole"] and row["size_bytes"] == 200_000 and row["version"] == VERSION
    assert "1 of 1 entries" in call("engines", "verify").stderr
    removed = call("engines", "remove", "--version", VERSION)
    assert "1 entry (0.2 MB) removed" in removed.stderr
    assert json.loads(call("engines", "list", "--json").stdout) == []


def test_verify_fails_where_a_file_was_changed_or_is_not_whole(call, server):
    """Each is named with what is wrong, in the list too."""
    call(*GET)
    cache.place(FILE).write_bytes(elf(200_000, fill=b"f"))
    server.put(PROGRAM, elf(200_000), "2.2.0")
    server.faults = [cut(10_000)] * 3
    assert call("engines", "get", "--version", "2.2.0").exit_code == 1
    result = call("engines", "verify")
    assert result.exit_code == 1
    assert "its SHA-256 must be" in result.stdout
    assert "a part of an unfinished download" in result.stdout
    assert "0 of 2 entries" in result.stderr


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (answering(200, PAGE), "an HTML page, as a proxy or a login page gives"),
        (answering(407), "(407)"),
        (answering(404), "HTTP 404"),
        (answering(500), "HTTP 500"),
        (answering(200, elf(machine=62)), "another processor"),
        (cut(60_000), "What has arrived is kept"),
        (cut(200_000, length=300_000), "What has arrived is kept"),
    ],
)
def test_a_download_that_fails_is_one_line(call, one_line, server, fault, words):
    """It names the file and the address; the cache has no engine."""
    server.faults = [fault] * 9
    one_line(call(*GET), 1, words, FILE.title, server.url)
    assert not cache.place(FILE).exists() and cache.recorded(FILE) is None


def test_another_hash_is_one_line_and_accepted_as_that_says(call, one_line, server):
    """The command of the message works as it stands."""
    call(*GET)
    call("engines", "remove", "--all")
    server.put(PROGRAM, elf(200_000, fill=b"f"))
    result = call(*GET)
    one_line(result, 1, "replaced or damaged", "To accept it on purpose: mmnet-deploy engines")
    words = result.stderr.split("purpose: mmnet-deploy ")[1].split()
    assert call(*words).exit_code == 0
    assert call("engines", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("get", "--version", "v2"), "`--version` must be a release"),
        (("get", "--abi", "x86_64"), "arm64-v8a only"),
        (
            ("get", "--for", "cpu,tpu"),
            "`--for` must be of cpu, gpu, npu, outputs, emulated. Received: tpu",
        ),
        (("get", "--sha256", "12"), "`--sha256` must be 64 hexadecimal digits"),
        (("get", "--sha256", f"libLiteRt.so={'0' * 64}"), "`--sha256`"),
        (("remove",), "Received: neither"),
        (("remove", "--all", "--version", "2.3.0"), "Received: both"),
        (("remove", "--version", ".."), "must be a release"),
    ],
)
def test_impossible_options_are_one_line(call, one_line, server, words, message):
    """Nothing is asked for."""
    one_line(call("engines", *words), 2, message)
    assert not server.asked


def test_an_interrupted_download_says_that_it_goes_on(server):
    """Ctrl-C in the middle: exit code 130, and the next call asks for the rest alone."""
    server.pause_s, server.piece = 0.02, 2000
    command = [sys.executable, "-m", "mmnet_deploy", *GET]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline_s = time.monotonic() + 60
        while not cache.arrived_bytes(FILE):
            assert time.monotonic() < deadline_s and process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "is kept; the next call goes on with it." in said and "Traceback" not in said
    have = cache.arrived_bytes(FILE)
    assert 0 < have < 200_000
    server.pause_s = 0.0
    command_again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert command_again.returncode == 0, command_again.stderr
    assert server.asked[-1][1]["Range"] == f"bytes={have}-"
    assert cache.place(FILE).read_bytes() == elf(200_000)

"""The published engine, from the cache: hashes, files put there by hand, several processes."""

import os
import re
import subprocess
import sys
import time

import pytest

from mmnet_deploy.engines import cache, official, releases
from mmnet_deploy.engines.releases import PROGRAM, EngineFile
from mmnet_deploy.errors import DownloadError, OutputError, UsageError
from tests.support import ROOT
from tests.support.engine_server import ABI, FILE, FOLDER, PAGE, VERSION, elf, parts, sha256

# --- Hashes ---


def test_offline_is_one_line_with_the_address_and_the_place(get, server):
    """Nothing is asked for."""
    with pytest.raises(DownloadError, match=f"`--offline`.*{server.url}.*put it at") as caught:
        get(offline=True)
    assert str(cache.place(FILE)) in str(caught.value)
    assert not server.asked


@pytest.mark.parametrize("removed", [False, True])
def test_another_hash_than_the_recorded_one_is_refused(get, server, cached, removed):
    """Also after the file was removed; the line says how to accept it on purpose."""
    old = server.put(PROGRAM, elf())
    path = get().files[PROGRAM]
    new = server.put(PROGRAM, elf(fill=b"f"))
    if removed:
        cache.remove(FILE)
    else:
        path.write_bytes(new)
    with pytest.raises(DownloadError, match="replaced or damaged") as caught:
        get()
    said = str(caught.value)
    assert sha256(old) in said
    assert f"engines get --version 2.3.0 --sha256 {PROGRAM}={sha256(new)}" in said
    assert parts(cached) == []
    assert cache.place(FILE).exists() is not removed
    assert get(pins={PROGRAM: sha256(new)}).files[PROGRAM].read_bytes() == new
    assert get().files[PROGRAM].read_bytes() == new
    assert cache.recorded(FILE).pinned


def test_a_pinned_hash_is_kept_and_checked_at_the_first_download(get, server):
    """A person who knows the hash need not trust the first download; removing forgets nothing."""
    content = server.put(PROGRAM, elf())
    with pytest.raises(DownloadError, match=f"must have {'0' * 64}"):
        get(pins={PROGRAM: "0" * 64})
    assert cache.recorded(FILE) is None
    get(pins={PROGRAM: sha256(content)})
    cache.remove(FILE)
    get()
    assert cache.recorded(FILE).pinned


def test_a_hash_that_ships_with_the_package_is_kept(get, server, monkeypatch):
    """At the first download, before anything is recorded."""
    server.put(PROGRAM, elf())
    monkeypatch.setattr(releases, "KNOWN", {f"{VERSION}/android_arm64/{PROGRAM}": "1" * 64})
    with pytest.raises(DownloadError, match=f"must have {'1' * 64}"):
        get()


def test_a_damaged_record_is_named_and_not_passed_over(get, server, cached):
    """Without the hash nothing can be checked."""
    server.put(PROGRAM, elf())
    get()
    (path,) = cached.glob("recorded/*/*/*.json")
    path.write_text("{")
    with pytest.raises(
        DownloadError, match=r"recorded hash .*benchmark_model\.json: it is damaged"
    ):
        get()


# --- By hand ---------------------------------------------------------------------------


def test_a_file_put_there_by_hand_is_checked_and_recorded(get, server, told):
    """It is taken without a server, and holds from then on."""
    path = cache.place(FILE)
    path.parent.mkdir(parents=True)
    path.write_bytes(elf())
    found = get(offline=True)
    assert (found.files[PROGRAM], found.origin) == (path, official.BY_HAND)
    assert cache.recorded(FILE).sha256 == sha256(elf())
    assert told == [f"{FILE.title} is recorded with SHA-256 {sha256(elf())}."]
    assert get().origin == official.BY_HAND
    assert not server.asked


@pytest.mark.parametrize(
    ("content", "words"), [(PAGE, "an HTML page"), (elf()[:-100], "cut off: 3996 bytes of")]
)
def test_something_else_put_there_by_hand_is_refused(get, server, content, words):
    """A page that a browser saved, and a file that is not whole."""
    path = cache.place(FILE)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DownloadError, match=words):
        get()
    assert path.read_bytes() == content


def test_a_pipe_in_the_cache_is_not_waited_for(get, server):
    """It is no file."""
    path = cache.place(FILE)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    with pytest.raises(DownloadError, match="not a regular file"):
        get()


# --- The cache that cannot be written -----------------------------------------------------


def test_a_cache_that_cannot_be_written_is_one_line(get, server, tmp_path, monkeypatch):
    """It says how to choose another one."""
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "file" / "cache"))
    server.put(PROGRAM, elf())
    with pytest.raises(OutputError, match=r"Cannot write to the folder .*`MMNET_CACHE`"):
        get()


@pytest.mark.parametrize("name", ["~no-such-user/cache", "a" * 300])
def test_a_cache_that_no_folder_can_be_is_one_line(get, name, monkeypatch):
    """A user who is not there, or a name that is too long."""
    monkeypatch.setenv("MMNET_CACHE", name)
    with pytest.raises(UsageError, match=f"`MMNET_CACHE` must name a folder. Received: {name}"):
        get()


def test_a_full_disk_is_one_line_and_what_has_arrived_is_kept(get, server, cached, monkeypatch):
    """The limit of a process stands for the disk's."""
    resource = pytest.importorskip("resource")
    content = server.put(PROGRAM, elf(300_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"Cannot write .*content: File too large.*is kept"):
            get()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert get().files[PROGRAM].read_bytes() == content
    assert server.asked[-1][1]["Range"] == "bytes=100000-"


def test_a_cache_that_cannot_be_written_gives_what_it_has(get, server, cached, told):
    """A lab may share one that only its administrator fills; a hash that is new is told."""
    server.put(PROGRAM, elf())
    found = get()
    for name in ("partial", "recorded"):
        if (cached / name).exists():
            (cached / name).rename(cached / f"{name} before")
        (cached / name).write_text("no folder")
    assert get().files == found.files
    assert "its hash cannot be recorded: Cannot write to the folder" in told[-1]
    with pytest.raises(OutputError, match="MMNET_CACHE"):
        get("2.2.0")


# --- Several processes --------------------------------------------------------------------


def test_two_processes_at_once_share_one_download(get, server, cached, told):
    """The second waits for the first, and finds the file."""
    content = server.put(PROGRAM, elf(300_000))
    server.pause_s, server.piece = 0.05, 10_000
    command = [sys.executable, "-m", "mmnet_deploy", "engines", "get", "--version", VERSION]
    with subprocess.Popen(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    ) as other:
        deadline_s = time.monotonic() + 60
        while not server.asked:
            assert time.monotonic() < deadline_s and other.poll() is None
            time.sleep(0.01)
        assert get().files[PROGRAM].read_bytes() == content
        assert other.wait(60) == 0
    wanted = rf"Waiting for process [0-9]+ on .*, which downloads {FILE.title}\."
    assert re.fullmatch(wanted, told[0])
    assert server.paths() == [f"{FOLDER}/{PROGRAM}"]
    assert parts(cached) == []


# --- Libraries, and versions that move ---------------------------------------------------------


def test_gpus_get_their_libraries_and_go_on_without_those_that_are_not_there(get, server, told):
    """Some releases have no library for GPUs, since the program holds it."""
    server.put(PROGRAM, elf())
    server.put("libLiteRt.so", elf(fill=b"l"))
    found = get(purposes=("cpu", "gpu"))
    assert sorted(found.files) == [PROGRAM, "libLiteRt.so"]
    assert any("Going on without libLiteRtClGlAccelerator.so" in line for line in told)
    assert sorted(get(purposes=("cpu", "gpu"), offline=True).files) == sorted(found.files)


def test_a_script_is_no_library(get, server):
    """Only a program may be one, as wrappers are."""
    server.put(PROGRAM, b"#!/system/bin/sh\n")
    server.put("libLiteRt.so", b"#!/system/bin/sh\n")
    get()
    with pytest.raises(DownloadError, match=r"libLiteRt\.so.*it is a text"):
        get(purposes=("gpu",))


def test_the_engine_is_the_program_or_a_folder_with_what_was_asked_for(get, server, tmp_path):
    """What else the cache holds is left out, as it would make another engine of it."""
    server.put(PROGRAM, elf())
    server.put("libLiteRt.so", elf(fill=b"l"))
    both = get(purposes=("gpu",))
    assert get().gather(tmp_path) == cache.place(FILE)
    (tmp_path / "both").mkdir()
    folder = both.gather(tmp_path / "both")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        PROGRAM: elf(),
        "libLiteRt.so": elf(fill=b"l"),
    }


def test_a_version_that_moves_is_kept_until_it_is_fetched_anew(get, server, told):
    """Then its files are all of one night, and another hash is no fault."""
    nightly = EngineFile("nightly", ABI, PROGRAM)
    server.put(PROGRAM, elf(), "nightly")
    server.put("libLiteRt.so", elf(fill=b"l"), "nightly")
    get("nightly", ("gpu",))
    server.put(PROGRAM, elf(fill=b"2"), "nightly")
    assert get("nightly").files[PROGRAM].read_bytes() == elf()
    assert any("nightly is taken as it is in the cache" in line for line in told)
    assert get("nightly", anew=True).files[PROGRAM].read_bytes() == elf(fill=b"2")
    assert cache.recorded(nightly).sha256 == sha256(elf(fill=b"2"))
    # The library of the night before is gone with its program, and is not fetched beside the new.
    assert sorted(get("nightly", ("gpu",)).files) == [PROGRAM]
    assert sorted(get("nightly", ("gpu",), anew=True).files) == [PROGRAM, "libLiteRt.so"]

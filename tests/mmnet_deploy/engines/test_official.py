"""The published engine: from a real server or from the cache, and what is refused."""

import hashlib
import os
import re
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmnet_deploy.engines import cache, listing, official, releases
from mmnet_deploy.engines import server as server_module
from mmnet_deploy.engines.releases import PROGRAM, EngineFile
from mmnet_deploy.errors import DownloadError, OutputError, UsageError
from tests.support import ROOT, engine_server
from tests.support.engine_server import FOLDER, PAGE, VERSION, answering, cut, elf, silence

ABI = "arm64-v8a"
FILE = EngineFile(VERSION, ABI, PROGRAM)


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def told():
    return []


@pytest.fixture
def get(cached, told):
    """Get an engine; what is told is in `told`."""

    def call(version=VERSION, purposes=("cpu",), **options):
        wanted = releases.needed(purposes)
        return official.get(version, ABI, wanted, tell=told.append, **options)

    return call


def parts(cached):
    """Files of unfinished downloads, by name."""
    found = cached.glob("partial/**/*")
    return sorted(path.name for path in found if path.is_file())


# --- Download -------------------------------------------------------------------


def test_an_engine_is_downloaded_once_and_its_hash_recorded(get, server, cached, told):
    """The announcement says what, how large and from where; the second time nothing is asked."""
    content = server.put(PROGRAM, elf(250_000))
    found = get()
    assert found.files[PROGRAM].read_bytes() == content
    assert found.origin == f"{server.url}{FOLDER}/{PROGRAM}"
    known = cache.recorded(FILE)
    assert (known.sha256, known.origin) == (sha256(content), found.origin)
    assert told[0] == (
        f"Downloading benchmark_model of LiteRT 2.3.0 for arm64-v8a (0.2 MB) from {found.origin}"
    )
    assert parts(cached) == []
    assert get() == found
    assert get(offline=True) == found
    assert server.paths() == [f"{FOLDER}/{PROGRAM}"]


def test_progress_counts_kilobytes_to_their_end(get, server):
    """All steps are made, of a file whose size is no whole number of them."""
    server.put(PROGRAM, elf(250_123))
    server.piece = 1500
    seen = []

    class Advance:
        def __init__(self, title, total):
            self.total, self.done = total, 0
            seen.append(self)

        def __enter__(self):
            return lambda note="", steps=1: setattr(self, "done", self.done + steps)

        def __exit__(self, *_):
            pass

    get(progress=Advance)
    (bar,) = seen
    assert (bar.total, bar.done) == (251, 251)


def test_what_was_cut_off_is_resumed_where_it_ended(get, server, cached, told):
    """The rest alone is asked for, if the file is still the same; the whole is right."""
    content = server.put(PROGRAM, elf(300_000))
    server.faults = [cut(100_000)]
    assert get().files[PROGRAM].read_bytes() == content
    first, second = (headers for _, headers in server.asked)
    assert "Range" not in first
    assert second["Range"] == "bytes=100000-"
    assert any("ended after 100000 of 300000 bytes" in line for line in told)
    assert any("the first 0.1 MB of it are here" in line for line in told)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(min_value=0, max_value=3000), max_size=8), st.booleans())
def test_a_file_is_the_same_however_often_it_was_cut_off(get, server, cuts, ranges):
    """Wherever the connection ends, in one call or several, with ranges and without."""
    cache.remove(FILE)
    content = server.put(PROGRAM, elf())
    server.ranges = ranges
    server.faults = [cut(length) for length in cuts]
    for _ in range(len(cuts) + 1):
        try:
            found = get()
            break
        except DownloadError as error:
            assert "broke off" in str(error)
    assert found.files[PROGRAM].read_bytes() == content
    assert cache.recorded(FILE).sha256 == sha256(content)


def test_a_later_call_goes_on_where_all_attempts_ended(get, server, cached):
    """What has arrived is kept, and is no engine until it is whole."""
    content = server.put(PROGRAM, elf(300_000))
    server.faults = [cut(100_000)] * 2 + [cut(50_000)]
    with pytest.raises(DownloadError, match="broke off 3 times: it ended after 250000 of 300000"):
        get()
    assert not cache.place(FILE).exists() and cache.recorded(FILE) is None
    (entry,) = listing.entries()
    assert (entry.whole, entry.size_bytes, entry.origin) == (False, 250_000, "")
    assert get().files[PROGRAM].read_bytes() == content
    assert server.asked[-1][1]["Range"] == "bytes=250000-"
    assert parts(cached) == []


def test_a_broken_download_promises_only_what_the_next_call_can_do(get, server):
    """Where the server does not say which file it sends, the next call begins anew."""
    server.put(PROGRAM, elf(300_000))
    server.validates = False
    server.faults = [cut(90_000)] * 3
    with pytest.raises(DownloadError, match="The next call begins anew") as caught:
        get()
    assert "goes on with it" not in str(caught.value)
    get()
    assert "Range" not in server.asked[-1][1]


@pytest.mark.parametrize("loses", ["ranges", "validates", "the file"])
def test_a_download_begins_anew_where_it_cannot_go_on(get, server, cached, loses):
    """The server knows no ranges, does not say whether it is the same file, or has another."""
    server.put(PROGRAM, elf(300_000))
    if loses == "validates":
        server.validates = False
    server.faults = [cut(90_000)] * 3
    if loses != "the file":
        server.faults = server.faults[:1]
        server.ranges = loses != "ranges"
        assert get().files[PROGRAM].read_bytes() == elf(300_000)
        return
    with pytest.raises(DownloadError):
        get()
    other = server.put(PROGRAM, elf(200_000, fill=b"f"))
    assert get().files[PROGRAM].read_bytes() == other


def test_a_file_that_became_shorter_than_its_part_begins_anew(get, server):
    """The server refuses the range; then the whole file is taken."""
    server.put(PROGRAM, elf(300_000))
    server.faults = [cut(90_000)] * 3
    with pytest.raises(DownloadError):
        get()
    other = server.put(PROGRAM, elf(50_000))
    assert get().files[PROGRAM].read_bytes() == other


def test_a_size_that_the_server_does_not_say_is_unknown(get, server, told):
    """The file is taken all the same."""
    content = server.put(PROGRAM, elf(5000))
    server.faults = [_without_length]
    assert get().files[PROGRAM].read_bytes() == content
    assert "size unknown" in told[0]


def _without_length(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(handler.content())
    handler.close_connection = True


def test_a_slow_server_is_waited_for_and_a_silent_one_is_not(get, server, told, monkeypatch):
    """The bound is for saying nothing, not for the whole file."""
    monkeypatch.setattr(server_module, "TIMEOUT_S", 0.3)
    content = server.put(PROGRAM, elf(60_000))
    server.pause_s, server.piece = 0.1, 10_000
    assert get().files[PROGRAM].read_bytes() == content
    cache.remove(FILE)
    server.faults = [silence(0.5)]
    with pytest.raises(DownloadError, match=r"no answer within 0\.3 s.*put it at"):
        get()
    server.faults = [_stalls] * 3
    with pytest.raises(DownloadError, match=r"nothing came for 0\.3 s"):
        get()


def _stalls(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "60000")
    handler.end_headers()
    handler.wfile.write(elf(60_000)[:100])
    time.sleep(0.5)


def test_a_redirection_is_followed_and_the_first_address_stays_the_origin(get, server):
    """Mirrors redirect to addresses that are valid for minutes."""
    content = server.put(PROGRAM, elf())
    server.files["/signed"] = content
    server.faults = [answering(302, Location=f"{server.url}/signed")]
    found = get()
    assert found.files[PROGRAM].read_bytes() == content
    assert found.origin == f"{server.url}{FOLDER}/{PROGRAM}"
    assert server.paths() == [f"{FOLDER}/{PROGRAM}", "/signed"]


def test_a_password_goes_to_the_mirror_and_nowhere_else(get, server, told, monkeypatch, cached):
    """It is sent to the mirror only, and neither shown nor stored."""
    with engine_server.serving() as other:
        other.files["/elsewhere"] = elf()
        address = server.url.replace("http://", "http://me:se%40cret@")
        monkeypatch.setenv("MMNET_ENGINE_URL", address)
        server.faults = [answering(302, Location=f"{other.url}/elsewhere")]
        found = get()
        sent = server.asked[0][1]["Authorization"]
        assert sent == "Basic bWU6c2VAY3JldA=="
        assert "Authorization" not in other.asked[0][1]
    assert "cret" not in f"{told}{found}"
    assert not any(b"cret" in path.read_bytes() for path in cached.rglob("*") if path.is_file())


def test_a_proxy_is_used_as_the_environment_says(get, server, monkeypatch):
    """The proxy is asked for the whole address."""
    monkeypatch.setenv("MMNET_ENGINE_URL", "http://mirror.invalid")
    monkeypatch.setenv("http_proxy", server.url)
    content = server.put(PROGRAM, elf())
    assert get().files[PROGRAM].read_bytes() == content
    assert server.paths() == [f"http://mirror.invalid{FOLDER}/{PROGRAM}"]


def test_a_proxy_that_wants_a_password_is_named_without_that_of_the_user(get, server, monkeypatch):
    """Before an encrypted connection too; the line says where a password is given."""
    monkeypatch.setenv("MMNET_ENGINE_URL", "https://mirror.invalid")
    monkeypatch.setenv("https_proxy", server.url.replace("//", "//me:secret@"))
    server.faults = [answering(407, PAGE)]
    with pytest.raises(DownloadError, match=r"through the proxy 127.*407.*`HTTPS_PROXY`") as caught:
        get()
    assert "secret" not in str(caught.value)


def test_nothing_leads_away_from_encryption():
    """A redirection to an address without it is refused."""
    request = urllib.request.Request("https://mirror.invalid/a")
    redirects = server_module._Redirects()
    with pytest.raises(OSError, match="without encryption"):
        redirects.redirect_request(request, None, 302, "Found", {}, "http://mirror.invalid/a")


def test_a_certificate_that_is_not_trusted_says_how_to_trust_it(get, monkeypatch):
    """As that of a company's proxy."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"

    def failing(*_, **__):
        raise urllib.error.URLError(error)

    monkeypatch.setattr(urllib.request.OpenerDirector, "open", failing)
    with pytest.raises(DownloadError, match=r"self-signed certificate.*`SSL_CERT_FILE`"):
        get()


# --- What is refused ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (answering(200, PAGE), "an HTML page, as a proxy or a login page gives"),
        (answering(200, b"\n \n<html>"), "an HTML page"),
        (answering(200, b'{"error": "no"}'), "a JSON text"),
        (answering(200, b"please log in"), "it is a text"),
        (answering(200, b""), "it is empty"),
        (answering(200, b"PK\x03\x04" + bytes(100)), "a ZIP archive"),
        (answering(200, elf(machine=62)), "another processor"),
        (answering(200, elf()[:40]), "cut off"),
        (answering(407, PAGE), "the proxy wants a user and a password"),
        (answering(503, PAGE), "HTTP 503"),
        (answering(403), "HTTP 403"),
        (lambda handler: handler.wfile.write(b"SSH-2.0-hello\r\n"), "Cannot reach"),
        (answering(302, Location="/round"), "HTTP 302"),
    ],
)
def test_an_answer_that_is_no_engine_is_refused_and_leaves_nothing(
    get, server, cached, fault, words
):
    """One line names the file, the address, and where to put the file by hand."""
    server.put(PROGRAM, elf())
    server.faults = [fault] * 12
    with pytest.raises(DownloadError, match="put it at") as caught:
        get()
    said = str(caught.value)
    for part in (words, str(FILE.title), f"{server.url}{FOLDER}", str(cache.place(FILE))):
        assert part in said
    assert "\n" not in said
    assert not list(cached.rglob("*benchmark_model/*"))


def test_a_version_without_the_file_is_said_to_be_so(get, server):
    """As 2.1.2 is, of which there are no binaries."""
    with pytest.raises(DownloadError, match=r"no benchmark_model of LiteRT 2\.1\.2.*HTTP 404.*an"):
        get("2.1.2")


def test_no_network_is_one_line(get, monkeypatch):
    """The name of the server is not found, or nobody listens."""
    monkeypatch.setenv("MMNET_ENGINE_URL", "http://mirror.invalid")
    with pytest.raises(DownloadError, match=r"mirror\.invalid.*name is not found.*put it at"):
        get()
    monkeypatch.setenv("MMNET_ENGINE_URL", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"Connection refused.*put it at"):
        get()


def _says(words):
    """A fault: these bytes in place of an answer."""
    return lambda handler: handler.wfile.write(words)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (answering(401), r"a user and a password .*`MMNET_ENGINE_URL`"),
        (answering(302, Location="/a"), r"from address to address.*\(HTTP 302\)"),
        (_says(b"SSH-2.0-OpenSSH_9.6\r\n"), "does not speak HTTP"),
        (
            _says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n\x7fELF"),
            r"the connection broke after 4 bytes\. The next call",
        ),
    ],
)
def test_a_server_that_misbehaves_is_described_in_words(get, server, fault, words):
    """And not by names of Python's exceptions."""
    server.put(PROGRAM, elf())
    server.faults = [fault] * 12
    with pytest.raises(DownloadError, match=words):
        get()


def test_a_server_without_encryption_is_described_in_words(get, server, monkeypatch):
    """As where https:// stands in place of http://."""
    monkeypatch.setenv("MMNET_ENGINE_URL", server.url.replace("http:", "https:"))
    with pytest.raises(DownloadError, match=r"does not encrypt as it should.*put it at") as caught:
        get()
    assert "_ssl.c" not in str(caught.value)


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

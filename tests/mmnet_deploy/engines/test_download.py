"""Downloads from a real server, which cuts off, lies and redirects."""

import ssl
import time
import urllib.error
import urllib.request

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmnet_deploy.engines import cache, listing
from mmnet_deploy.engines import server as server_module
from mmnet_deploy.engines.releases import PROGRAM
from mmnet_deploy.errors import DownloadError
from tests.support import engine_server
from tests.support.engine_server import (
    FILE,
    FOLDER,
    PAGE,
    answering,
    cut,
    elf,
    parts,
    sha256,
    silence,
)

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

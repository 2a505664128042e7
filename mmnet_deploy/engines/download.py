"""One file by HTTP: what has arrived is kept, and the next call goes on from there.

The standard library's client is enough, and takes proxies from the usual variables (HTTPS_PROXY,
HTTP_PROXY, NO_PROXY). A download goes on only where the server says by a validator (ETag or
Last-Modified) that the file is still the same (RFC 9110, sections 13.1.5 and 14.2).
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import email.utils
import http.client
import json
import re
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import Any

import mmnet_deploy
from mmnet_deploy import typed
from mmnet_deploy.engines.content import HEAD_BYTES, MOST_BYTES
from mmnet_deploy.engines.releases import without_password
from mmnet_deploy.errors import DownloadError, OutputError
from mmnet_deploy.files import reason, write_text
from mmnet_deploy.progress import Progress, silent

TIMEOUT_S = 30.0
"""How long a server may say nothing."""

ATTEMPTS = 3
"""How often a transfer that breaks off is taken up."""

PAUSE_S = 1.0
"""Between two attempts."""

CONTENT, NOTE = "content", "from.json"
_PIECE = 2**16


class UnreachableError(DownloadError):
    """The server, or the proxy, gives no file: a person has to get it in another way."""


class NotThereError(DownloadError):
    """The server has no such file."""


class _BrokenOffError(Exception):
    """The transfer ended before the file did; what has arrived is kept."""


@dataclasses.dataclass(frozen=True)
class _Note:
    """Of which file the first part has arrived: a later call asks for the rest of it."""

    address: str
    validator: str = ""
    total_bytes: int | None = None


def fetch(
    address: str,
    folder: Path,
    name: str,
    *,
    check: Callable[[bytes], str],
    progress: Progress = silent,
    tell: Callable[[str], None] = lambda line: None,
) -> Path:
    """Download a file into a folder that only this process writes to.

    Args:
        address: May hold a user and a password, which are sent to that server only, and are
            neither shown nor stored.
        folder: Takes the file and a note of where it is from; what is there already is gone on
            with.
        name: What the file is called, for messages.
        check: Says what is wrong with a file by its first bytes, empty if nothing is.
        progress: Told of kilobytes.
        tell: Takes the announcement, and other lines.

    Returns:
        The whole file, in the folder.

    Raises:
        UnreachableError: No network, no answer, or another one than the file.
        NotThereError: The server has no such file.
        DownloadError: It is not what it should be, or ends too early.
        OutputError: It cannot be written.
    """
    shown = without_password(address)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _attempt(address, folder, name, check, progress, tell)
        except _BrokenOffError as error:
            if attempt == ATTEMPTS:
                raise DownloadError(
                    f"The download of {name} from {shown} broke off {attempt} times: {error}. "
                    "What has arrived is kept; the next call goes on with it."
                ) from error
            tell(f"{name}: {error}. Trying again ({attempt} of {ATTEMPTS - 1}).")
            time.sleep(PAUSE_S)
        except KeyboardInterrupt:
            if (folder / CONTENT).exists():
                tell(f"What has arrived of {name} is kept; the next call goes on with it.")
            raise
        except OSError as error:
            raise OutputError(
                f"Cannot write {error.filename or folder / CONTENT}: {reason(error)}. What has "
                "arrived is kept."
            ) from error
    raise RuntimeError("Every attempt ends with a file or its error.")


def _attempt(
    address: str,
    folder: Path,
    name: str,
    check: Callable[[bytes], str],
    progress: Progress,
    tell: Callable[[str], None],
) -> Path:
    content, shown = folder / CONTENT, without_password(address)
    note = _read_note(folder, shown)
    have = content.stat().st_size if note and content.is_file() else 0
    if note and have and have == note.total_bytes:
        return content
    with _opened(address, name, have, note) as answer:
        begin, total = _extent(answer, have, note)
        validator = _validator(answer.headers)
        if total is not None and total > MOST_BYTES:
            raise DownloadError(f"{shown} is larger than {MOST_BYTES} bytes: it is no engine.")
        piece = _first(answer, begin, total)
        if begin == 0:
            fault = check(piece)
            if fault:
                raise _not_the_file(shown, name, fault)
            content.unlink(missing_ok=True)
            write_text(
                folder / NOTE, json.dumps(dataclasses.asdict(_Note(shown, validator, total)))
            )
        size = "size unknown" if total is None else megabytes(total)
        rest = f", the first {megabytes(begin)} of it are here" if begin else ""
        tell(f"Downloading {name} ({size}{rest}) from {shown}")
        # Without a size there is one step, the last.
        steps = 1 if total is None else -(-(total - begin) // 1000)
        with progress("Downloading, in kB", steps) as advance, content.open("ab") as file:
            done = begin
            while piece:
                file.write(piece)
                before, done = done, done + len(piece)
                if done > MOST_BYTES:
                    raise DownloadError(f"{shown} does not end: it is no engine.")
                if total is not None:
                    advance(steps=(done - begin) // 1000 - (before - begin) // 1000)
                piece = _piece(answer, done)
            if total is None or done == total:
                advance(steps=1 if total is None else steps - (done - begin) // 1000)
    if total is not None and done != total:
        raise _BrokenOffError(f"it ended after {done} of {total} bytes")
    return content


def _piece(answer: http.client.HTTPResponse, have: int) -> bytes:
    """The next bytes; none at the end.

    Raises:
        _BrokenOffError: The connection broke, or is too slow.
    """
    try:
        return answer.read1(_PIECE)
    except TimeoutError as error:
        raise _BrokenOffError(f"nothing came for {TIMEOUT_S:g} s, after {have} bytes") from error
    except (OSError, http.client.HTTPException) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise _BrokenOffError(f"the connection broke after {have} bytes ({why})") from error


def _first(answer: http.client.HTTPResponse, begin: int, total: int | None) -> bytes:
    """The first bytes of an answer, enough of them to tell what it is."""
    piece = b""
    while len(piece) < HEAD_BYTES and (more := _piece(answer, begin + len(piece))):
        piece += more
    have = begin + len(piece)
    if len(piece) < HEAD_BYTES and total is not None and have < total:
        raise _BrokenOffError(f"it ended after {have} of {total} bytes")
    return piece


def megabytes(count: int) -> str:
    """A number of bytes for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


# --- What has arrived before ------------------------------------------------------


def _read_note(folder: Path, address: str) -> _Note | None:
    """The note of what has arrived; None where it cannot be gone on with."""
    try:
        note = typed.from_json((folder / NOTE).read_bytes(), _Note)
    except (OSError, ValueError):
        return None
    return note if note.address == address and note.validator else None


def _validator(headers: HTTPMessage) -> str:
    """What tells one content of an address from another; a weak ETag does not tell bytes."""
    tag = headers.get("ETag", "").strip()
    if tag.startswith('"'):
        return tag
    changed = headers.get("Last-Modified", "").strip()
    return changed if changed and email.utils.parsedate(changed) else ""


def _extent(
    answer: http.client.HTTPResponse, have: int, note: _Note | None
) -> tuple[int, int | None]:
    """At which byte an answer begins, and the size of the whole file, None if it is unknown.

    Raises:
        UnreachableError: It is a part that was not asked for, or of another file.
    """
    if answer.status == 206:
        said = re.fullmatch(
            r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15})",
            answer.headers.get("Content-Range", "").strip(),
        )
        total = note.total_bytes if note else None
        if not said or int(said[1]) != have or (total is not None and int(said[2]) != total):
            raise UnreachableError(
                f"{answer.geturl()} sent another part of the file than the rest: remove what has "
                "arrived with `mmnet-deploy engines remove`, and try again"
            )
        return have, int(said[2])
    length = answer.headers.get("Content-Length", "").strip()
    return 0, int(length) if re.fullmatch(r"[0-9]{1,15}", length) else None


# --- The server --------------------------------------------------------------------


class _Redirects(urllib.request.HTTPRedirectHandler):
    """As the standard ones, except that no redirection leads away from encryption."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("it redirects to an address without encryption")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextlib.contextmanager
def _opened(
    address: str, name: str, have: int, note: _Note | None
) -> Iterator[http.client.HTTPResponse]:
    """The server's answer, from byte `have` on where it can.

    Raises:
        UnreachableError, NotThereError: There is none, or another than the file.
    """
    request = _request(address)
    if have and note:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", note.validator)
    opener = urllib.request.build_opener(_Redirects)
    try:
        answer = opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            # The file is shorter now than what is here: it is another one.
            with _opened(address, name, 0, None) as whole:
                yield whole
            return
        raise _refused(without_password(address), name, error.code, str(error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(
            f"Cannot reach {without_password(address)}{_via(address)} for {name}: {_why(error)}"
        ) from error
    with answer:
        yield answer


def _request(address: str) -> urllib.request.Request:
    parts = urllib.parse.urlsplit(address)
    request = urllib.request.Request(
        without_password(address),
        headers={"User-Agent": f"mmnet-deploy/{mmnet_deploy.__version__}"},
    )
    if parts.username:
        words = f"{parts.username}:{parts.password or ''}"
        token = base64.b64encode(urllib.parse.unquote(words).encode()).decode()
        # Not sent on to where the server redirects.
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


def _via(address: str) -> str:
    """The proxy that is used, for messages."""
    parts = urllib.parse.urlsplit(address)
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    host = proxy.rpartition("@")[2] or proxy
    return f" through the proxy {host.removeprefix('http://').rstrip('/')}"


def _why(error: Exception) -> str:
    """What an error of the network means, in words, with what helps."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({cause.verify_message}): `SSL_CERT_FILE` can name "
            "the certificates of your company"
        )
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    if isinstance(cause, socket.gaierror):
        return f"its name is not found ({cause.strerror})"
    if isinstance(cause, ValueError):  # Its words may hold a password.
        return "the address, or that of the proxy, is none"
    words = reason(cause) if isinstance(cause, OSError) else str(cause)
    if "407" in words:
        return _NEEDS_USER
    return " ".join(words.split())[:200] or type(cause).__name__


_NEEDS_USER = (
    "the proxy wants a user and a password (407): give them in `HTTPS_PROXY`, as in "
    "http://USER:PASSWORD@HOST:PORT"
)


def _refused(address: str, name: str, code: int, words: str) -> DownloadError:
    """The error that the code of an answer stands for."""
    if code in (404, 410):
        return NotThereError(f"There is no {name} at {address} (HTTP {code})")
    if code == 403:  # Some servers do not tell what is missing from what is forbidden.
        return NotThereError(
            f"There is no {name} at {address}{_via(address)}, or it may not be read (HTTP 403)"
        )
    if code == 407:
        return UnreachableError(f"Cannot reach {address}{_via(address)} for {name}: {_NEEDS_USER}")
    said = f"HTTP {code} {' '.join(words.split())[:100]}".rstrip()
    return UnreachableError(f"{address}{_via(address)} does not give {name} ({said})")


def _not_the_file(address: str, name: str, fault: str) -> UnreachableError:
    """The error of an answer with something else."""
    return UnreachableError(
        f"{address}{_via(address)} answered with something else than {name}: {fault}"
    )

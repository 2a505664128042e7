"""One file by HTTP: what has arrived is kept, and the next call goes on from there.

A download goes on only where the server says by a validator (ETag or Last-Modified) that the file
is still the same (RFC 9110, sections 13.1.5 and 14.2).
"""

from __future__ import annotations

import dataclasses
import email.utils
import http.client
import json
import re
import time
from collections.abc import Callable
from http.client import HTTPMessage
from pathlib import Path

from mmnet_deploy import typed
from mmnet_deploy.engines import server
from mmnet_deploy.engines.content import HEAD_BYTES, MOST_BYTES
from mmnet_deploy.engines.releases import without_password
from mmnet_deploy.errors import DownloadError, OutputError
from mmnet_deploy.files import reason, write_text
from mmnet_deploy.progress import Progress, silent

ATTEMPTS = 3
"""How often a transfer that breaks off is taken up."""

PAUSE_S = 1.0
"""Between two attempts."""

CONTENT, NOTE = "content", "from.json"
_PIECE = 2**16


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
                    f"{_what_is_next(folder, shown)}"
                ) from error
            tell(f"{name}: {error}. Trying again ({attempt} of {ATTEMPTS - 1}).")
            time.sleep(PAUSE_S)
        except KeyboardInterrupt:
            if (folder / CONTENT).exists():
                tell(f"{name}: {_what_is_next(folder, shown)}")
            raise
        except OSError as error:
            raise OutputError(
                f"Cannot write {error.filename or folder / CONTENT}: {reason(error)}. What has "
                "arrived is kept."
            ) from error
    raise RuntimeError("Every attempt ends with a file or its error.")


def _what_is_next(folder: Path, address: str) -> str:
    """What the next call does with what has arrived, in words."""
    if _read_note(folder, address) is None:
        return "The next call begins anew, since the server does not say which file it sends."
    return "What has arrived is kept; the next call goes on with it."


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
    with server.opened(address, name, have, note.validator if note else "") as answer:
        begin, total = _extent(answer, have, note)
        validator = _validator(answer.headers)
        if total is not None and total > MOST_BYTES:
            raise DownloadError(f"{shown} is larger than {MOST_BYTES} bytes: it is no engine.")
        piece = _first(answer, begin, total)
        if begin == 0:
            fault = check(piece)
            if fault:
                raise server.not_the_file(shown, name, fault)
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
        raise _BrokenOffError(
            f"nothing came for {server.TIMEOUT_S:g} s, after {have} bytes"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        why = f" ({reason(error)})" if isinstance(error, OSError) else ""
        raise _BrokenOffError(f"the connection broke after {have} bytes{why}") from error


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
            raise server.UnreachableError(
                f"{answer.geturl()} sent another part of the file than the rest: remove what has "
                "arrived with `mmnet-deploy engines remove`, and try again"
            )
        return have, int(said[2])
    length = answer.headers.get("Content-Length", "").strip()
    return 0, int(length) if re.fullmatch(r"[0-9]{1,15}", length) else None

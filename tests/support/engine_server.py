"""A real HTTP server with the files of engines, on the loopback interface, that can misbehave."""

import contextlib
import hashlib
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from mmnet_deploy.engines.releases import PROGRAM, EngineFile

VERSION = "2.3.0"
FOLDER = f"/{VERSION}/android_arm64"


def elf(size: int = 4096, *, machine: int = 183, fill: bytes = b"e") -> bytes:
    """The beginning of a program for a processor, with a table of sections at its end."""
    head = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, size - 64, 0, 64, 56, 0, 64, 1, 0)
    return head + fill * (size - len(head))


class EngineServer(ThreadingHTTPServer):
    """Serves files by their paths, and notes what is asked for.

    Attributes:
        files: Content by path.
        faults: What is done in place of the next answers, one each.
        asked: Path and headers of each request.
        ranges: Whether a part of a file can be had.
        validates: Whether files have an ETag.
        pause_s: Waits before each piece of a file.
        piece: Size of a piece.
    """

    daemon_threads = True
    request_queue_size = 32

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.faults: list[Callable[[_Handler], None]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.ranges = True
        self.validates = True
        self.pause_s = 0.0
        self.piece = 1 << 16

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, name: str, content: bytes, version: str = VERSION) -> bytes:
        """Offer a file of an engine; returns its content."""
        self.files[f"/{version}/android_arm64/{name}"] = content
        return content

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [path for path, _ in self.asked]


@contextlib.contextmanager
def serving() -> Iterator[EngineServer]:
    """A server that runs as long as the context."""
    with EngineServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: EngineServer

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        with contextlib.suppress(OSError):
            if self.server.faults:
                self.server.faults.pop(0)(self)
            else:
                self.whole()

    do_CONNECT = do_GET
    """What a proxy is asked for, before a connection that is encrypted."""

    def content(self) -> bytes | None:
        """The file; as a proxy gets the whole address, only the end of it counts."""
        path = re.sub(r"^http://[^/]*", "", self.path)
        return self.server.files.get(path)

    def whole(self, *, cut_after: int | None = None, length: int | None = None) -> None:
        """Answer as a server should, or break off after so many bytes of the answer's body."""
        content = self.content()
        if content is None:
            self.answer(404, b"<html>Not Found</html>")
            return
        tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        wanted = re.fullmatch(r"bytes=([0-9]+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", tag) == tag
        begin = int(wanted[1]) if wanted and same and self.server.ranges else 0
        if begin >= len(content):
            self.answer(416, b"")
            return
        body = content[begin:]
        self.send_response(206 if begin else 200)
        if self.server.validates:
            self.send_header("ETag", tag)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        body = body if cut_after is None else body[:cut_after]
        for start in range(0, len(body), self.server.piece):
            time.sleep(self.server.pause_s)
            self.wfile.write(body[start : start + self.server.piece])
        self.close_connection = True

    def answer(self, code: int, body: bytes, **headers: str) -> None:
        """Answer with a code and something else than a file."""
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


def answering(code: int, body: bytes = b"", **headers: str) -> Callable[[_Handler], None]:
    """A fault: this answer."""
    return lambda handler: handler.answer(code, body, **headers)


def cut(after: int, length: int | None = None) -> Callable[[_Handler], None]:
    """A fault: the connection ends after so many bytes."""
    return lambda handler: handler.whole(cut_after=after, length=length)


def silence(seconds: float) -> Callable[[_Handler], None]:
    """A fault: nothing comes for some time."""
    return lambda handler: time.sleep(seconds)


PAGE = b"<!DOCTYPE html>\n<html><title>Please log in</title></html>"


ABI = "arm64-v8a"
FILE = EngineFile(VERSION, ABI, PROGRAM)
"""The engine that most tests get."""


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def parts(cached):
    """Files of unfinished downloads, by name."""
    found = cached.glob("partial/**/*")
    return sorted(path.name for path in found if path.is_file())

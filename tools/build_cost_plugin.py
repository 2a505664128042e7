"""Build the instruction counter: a plugin of qemu's for this computer, and a clock for the guest.

    python tools/build_cost_plugin.py -o build/cost

The folder then holds `libcost.so`, `libsteadyclock.so` for arm64, and `manifest.json`, which has
the SHA-256 of both and the compilers. The same compilers and sources give the same bytes.
`mmnet-deploy cost` finds them there.

Needs gcc for this computer and for aarch64 (Debian: gcc, libc6-dev, gcc-aarch64-linux-gnu and
libc6-dev-arm64-cross); no header of qemu's.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "android_benchmark" / "native"
COMPILER = "gcc"
CROSS_COMPILER = "aarch64-linux-gnu-gcc"
PLUGIN = "libcost.so"
CLOCK = "libsteadyclock.so"
MANIFEST = "manifest.json"

WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wformat=2", "-Wconversion", "-Werror")
# No path, no time and no random identifier may get into the library.
FLAGS = ("-O2", "-fPIC", "-shared", "-s", "-Wl,--build-id=none")


class BuildError(Exception):
    """The counter cannot be built; the message says what is missing and how to get it."""


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip() or "no message").splitlines()
        raise BuildError("\n  ".join([f"{command[0]} failed:", *reason[-12:]]))
    return done.stdout


def _library(compiler: str, sources: Sequence[Path], output: Path, *flags: str) -> None:
    # Relative names from one folder: where the checkout lies cannot matter.
    names = sorted(str(path.relative_to(NATIVE)) for path in sources)
    if not names:
        raise BuildError(f"There are no sources in {NATIVE / 'cost'}.")
    _run([compiler, *WARNINGS, *FLAGS, *flags, "-o", str(output), *names], cwd=NATIVE)


def build(
    output: Path, compiler: str = COMPILER, cross_compiler: str = CROSS_COMPILER
) -> dict[str, object]:
    """Build both libraries into the folder `output`, file by file and each in one step.

    Returns:
        The manifest, as written to `manifest.json`.

    Raises:
        BuildError: There is no such compiler, or it refuses the sources.
    """
    missing = [name for name in (compiler, cross_compiler) if shutil.which(name) is None]
    if missing:
        raise BuildError(
            f"Not found: {', '.join(missing)}. Install C compilers (Debian and Ubuntu: apt-get "
            "install gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev-arm64-cross)."
        )
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cost-", dir=output.parent) as scratch:
        plugin, clock, text = (Path(scratch) / name for name in (PLUGIN, CLOCK, MANIFEST))
        sources = NATIVE / "cost"
        _library(compiler, list(sources.glob("*.c")), plugin, "-fvisibility=hidden")
        _library(cross_compiler, list((sources / "guest").glob("*.c")), clock)
        manifest: dict[str, object] = {
            "format": 1,
            "sha256": {
                file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (plugin, clock)
            },
            "compilers": [
                _run([name, "--version"]).splitlines()[0] for name in (compiler, cross_compiler)
            ],
        }
        text.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        for file in (plugin, clock, text):
            file.replace(output / file.name)
    return manifest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=ROOT / "build" / "cost",
        help="folder of the two libraries (default: build/cost)",
    )
    options = parser.parse_args(arguments)
    try:
        build(options.output)
    except (BuildError, OSError) as error:
        print(f"build_cost_plugin: error: {error}", file=sys.stderr)
        return 1
    print(f"Instruction counter for qemu: {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

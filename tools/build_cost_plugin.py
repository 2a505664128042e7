"""Build the instruction counter, a plugin of qemu's for this computer.

    python tools/build_cost_plugin.py -o build/cost

The folder then holds `libcost.so` and `manifest.json`, which has its SHA-256 and the compiler.
The same compiler and sources give the same bytes. `mmnet-deploy cost` finds it there.

Needs gcc (Debian: apt-get install gcc libc6-dev); no header of qemu's.
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
PLUGIN = "libcost.so"
MANIFEST = "manifest.json"

WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wformat=2", "-Wconversion", "-Werror")
# No path, no time and no random identifier may get into the library.
FLAGS = ("-O2", "-fPIC", "-shared", "-fvisibility=hidden", "-s", "-Wl,--build-id=none")


class BuildError(Exception):
    """The plugin cannot be built; the message says what is missing and how to get it."""


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip() or "no message").splitlines()
        raise BuildError("\n  ".join([f"{command[0]} failed:", *reason[-12:]]))
    return done.stdout


def build(output: Path, compiler: str = COMPILER) -> dict[str, object]:
    """Build the plugin into the folder `output`, file by file and each in one step.

    Returns:
        The manifest, as written to `manifest.json`.

    Raises:
        BuildError: There is no such compiler, or it refuses the sources.
    """
    if shutil.which(compiler) is None:
        raise BuildError(
            f"Not found: {compiler}. Install a C compiler "
            "(Debian and Ubuntu: apt-get install gcc libc6-dev)."
        )
    sources = sorted(str(path.relative_to(NATIVE)) for path in (NATIVE / "cost").glob("*.c"))
    if not sources:
        raise BuildError(f"There are no sources in {NATIVE / 'cost'}.")
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".cost-", dir=output.parent) as scratch:
        made = Path(scratch) / PLUGIN
        # Relative names from one folder: where the checkout lies cannot matter.
        _run([compiler, *WARNINGS, *FLAGS, "-o", str(made), *sources], cwd=NATIVE)
        manifest: dict[str, object] = {
            "format": 1,
            "sha256": hashlib.sha256(made.read_bytes()).hexdigest(),
            "compiler": _run([compiler, "--version"]).splitlines()[0],
        }
        text = Path(scratch) / MANIFEST
        text.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        for file in (made, text):
            file.replace(output / file.name)
    return manifest


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "cost")
    options = parser.parse_args(arguments)
    try:
        manifest = build(options.output)
    except (BuildError, OSError) as error:
        print(f"build_cost_plugin: error: {error}", file=sys.stderr)
        return 1
    print(f"Instruction counter for qemu: {options.output / PLUGIN} ({manifest['compiler']})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

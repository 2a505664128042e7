"""Build `tflbench` for arm64 and put together what it needs on a phone without glibc.

    python tools/build_engine.py -o build/engine

The folder then holds the engine, a TFLite library, the loader and the C and C++ libraries that
these two name, and `manifest.json`, which has the SHA-256 and the origin of each. The same
compiler and sources give the same bytes. On the device, in that folder:

    ./ld-linux-aarch64.so.1 --library-path . ./tflbench --graph=MODEL.tflite --use_xnnpack

Needs a cross compiler for aarch64 (Debian: gcc-aarch64-linux-gnu) and, once, a package index.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "android_benchmark" / "native"
TRIPLET = "aarch64-linux-gnu"
COMPILER = f"{TRIPLET}-gcc"
READELF = f"{TRIPLET}-readelf"

WHEEL = "ai_edge_litert-1.4.0-cp311-cp311-manylinux_2_17_aarch64.whl"
WHEEL_SHA256 = "131d1c12dedc0c45aa683106d71ea895117c2332b0efb52712965f8b5e63781d"
# Later releases have no library with the C API, nor has any wheel for x86-64.
WHEEL_REQUIREMENT = "ai-edge-litert==1.4.0"
LIBRARY = "libLiteRtRuntimeCApi.so"
LIBRARY_IN_WHEEL = f"ai_edge_litert/{LIBRARY}"

WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
LIBRARIES = ("-ldl", "-lm")
# No path, no time and no random identifier may get into the program.
REPRODUCIBLE = ("-O2", "-s", "-Wl,--build-id=none", f"-ffile-prefix-map={NATIVE}=.")

MANIFEST = "manifest.json"
MANIFEST_FORMAT = 1


class BuildError(Exception):
    """The bundle cannot be built; the message says what is missing and how to get it."""


def _run(command: Sequence[str | Path], what: str, cwd: Path | None = None) -> str:
    """Standard output of `command`; `what` begins the message of a failure."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{what}: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise BuildError("\n  ".join([f"{what} (exit code {done.returncode}):", *reason[-12:]]))
    return done.stdout


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def require_tools() -> None:
    """Check that the cross compiler is there.

    Raises:
        BuildError: It is not.
    """
    missing = [name for name in (COMPILER, READELF) if shutil.which(name) is None]
    if missing:
        raise BuildError(
            f"Not found: {', '.join(missing)}. Install a cross compiler for aarch64 "
            "(Debian and Ubuntu: apt-get install gcc-aarch64-linux-gnu)."
        )


# --- Runtime --------------------------------------------------------------------------------------


def verify_wheel(wheel: Path) -> None:
    """Check that `wheel` is the pinned one.

    Raises:
        BuildError: It is missing, or its hash is another.
    """
    if not wheel.is_file():
        raise BuildError(f"There is no wheel {wheel}. Leave `--wheel` out to download it.")
    if sha256(wheel) != WHEEL_SHA256:
        raise BuildError(
            f"{wheel} is not the pinned wheel. Wanted: SHA-256 {WHEEL_SHA256}. "
            f"Received: {sha256(wheel)}. Delete the file and try again."
        )


def fetch_wheel(downloads: Path) -> Path:
    """The pinned runtime wheel in `downloads`, downloaded with pip if it is not there.

    Raises:
        BuildError: pip cannot get it, or what it got has another hash.
    """
    wheel = downloads / WHEEL
    if not wheel.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--platform", "manylinux_2_17_aarch64", "--only-binary=:all:"]
        command += ["--python-version", "3.11", "--dest", str(downloads), WHEEL_REQUIREMENT]
        _run(
            command,
            f"pip cannot download {WHEEL}; without a package index, put the file into {downloads} "
            "or name it with --wheel",
        )
    verify_wheel(wheel)
    return wheel


def _extract_library(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            (folder / LIBRARY).write_bytes(archive.read(LIBRARY_IN_WHEEL))
    except (zipfile.BadZipFile, KeyError) as error:
        raise BuildError(f"{wheel} has no {LIBRARY_IN_WHEEL}: {error}.") from error


# --- Program --------------------------------------------------------------------------------------


def compile_engine(
    output: Path, *, compiler: str = COMPILER, flags: Sequence[str] = REPRODUCIBLE
) -> None:
    """Compile `tflbench`, warnings as errors.

    Args:
        output: Where the program goes.
        compiler: C compiler to use.
        flags: Further flags; those of the arm64 bundle by default.

    Raises:
        BuildError: There is no such compiler, or it refuses the sources.
    """
    sources = sorted(path.name for path in NATIVE.glob("*.c"))
    if not sources:
        raise BuildError(f"There are no sources in {NATIVE}.")
    # Relative names from one folder: where the checkout lies cannot matter.
    command = [compiler, *WARNINGS, *flags, "-o", str(output.resolve()), *sources, *LIBRARIES]
    _run(command, f"{compiler} cannot compile tflbench", cwd=NATIVE)


def engine_version() -> str:
    """Version of the engine, as it prints it."""
    found = re.search(r'#define TFLBENCH_VERSION "(.+)"', (NATIVE / "tflbench.c").read_text())
    if not found:
        raise BuildError(f"{NATIVE / 'tflbench.c'} does not define TFLBENCH_VERSION.")
    return found[1]


def needed_libraries(binary: Path) -> list[str]:
    """Names of the shared libraries that `binary` itself asks for."""
    dynamic = _run([READELF, "--dynamic", "--wide", str(binary)], f"{READELF} cannot read {binary}")
    return re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)


def _interpreter(binary: Path) -> str:
    headers = _run([READELF, "--segments", "--wide", str(binary)], f"{READELF} failed")
    found = re.search(r"interpreter: .*/(.+)\]", headers)
    if not found:
        raise BuildError(f"{binary} names no loader.")
    return found[1]


def _system_library(name: str) -> Path:
    """Where the cross compiler keeps a library; it prints the bare name where it does not."""
    printed = _run([COMPILER, f"-print-file-name={name}"], f"{COMPILER} cannot find {name}")
    path = Path(printed.strip())
    if not path.is_absolute() or not path.exists():
        raise BuildError(
            f"The cross compiler has no {name}. Install the arm64 C and C++ libraries "
            "(Debian and Ubuntu: apt-get install libc6-arm64-cross libstdc++6-arm64-cross)."
        )
    return path.resolve()


def _add_system_libraries(folder: Path) -> None:
    """Copy what the program and the runtime name, and what those name in turn."""
    wanted = [_interpreter(folder / "tflbench")]
    for name in ("tflbench", LIBRARY):
        wanted += needed_libraries(folder / name)
    while wanted:
        name = wanted.pop()
        if not (folder / name).exists():
            shutil.copyfile(_system_library(name), folder / name)
            wanted += needed_libraries(folder / name)


# --- Bundle ---------------------------------------------------------------------------------------


def _first_line(command: Sequence[str]) -> str:
    return _run(command, f"{command[0]} failed").splitlines()[0]


def _libc_version(libc: Path) -> str:
    found = re.search(rb"GNU C Library [ -~]+", libc.read_bytes())
    return found[0].decode() if found else "unknown"


def _origin(name: str) -> str:
    return {"tflbench": "built here", LIBRARY: WHEEL}.get(name, f"{COMPILER}'s libraries")


def _manifest(folder: Path) -> dict[str, object]:
    files = {
        path.name: {
            "size_bytes": path.stat().st_size,
            "sha256": sha256(path),
            "origin": _origin(path.name),
        }
        for path in sorted(folder.iterdir())
    }
    return {
        "format": MANIFEST_FORMAT,
        "engine": "tflbench",
        "engine_version": engine_version(),
        "target": TRIPLET,
        "verified_on_phone": False,
        "loader": _interpreter(folder / "tflbench"),
        "library": LIBRARY,
        "runtime": WHEEL_REQUIREMENT,
        "runtime_wheel_sha256": WHEEL_SHA256,
        "compiler": _first_line([COMPILER, "--version"]),
        "libc": _libc_version(folder / "libc.so.6"),
        "files": files,
    }


def _check_replaceable(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise BuildError(f"{output} is not a folder.")
    if output.exists() and any(output.iterdir()) and not (output / MANIFEST).is_file():
        raise BuildError(f"{output} is not empty and is no bundle; choose another folder.")


def _replace(output: Path, made: Path) -> None:
    """Put the finished folder in place of an older one."""
    if output.exists():
        shutil.rmtree(output)
    os.replace(made, output)


def build(output: Path, wheel: Path) -> dict[str, object]:
    """Build the bundle into `output`, which appears only when it is whole.

    Args:
        output: Folder to make; an earlier bundle there is replaced.
        wheel: The pinned runtime wheel.

    Returns:
        The manifest, as written to `manifest.json`.

    Raises:
        BuildError: Something is missing, or `output` holds something else.
    """
    require_tools()
    verify_wheel(wheel)
    _check_replaceable(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".engine-", dir=output.parent) as scratch:
        folder = Path(scratch) / "bundle"
        folder.mkdir()
        compile_engine(folder / "tflbench")
        _extract_library(wheel, folder)
        _add_system_libraries(folder)
        manifest = _manifest(folder)
        for path in folder.iterdir():
            executable = path.name in ("tflbench", manifest["loader"])
            path.chmod(0o755 if executable else 0o644)
        text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")
        _replace(output, folder)
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
        default=ROOT / "build" / "engine",
        help="folder of the bundle (default: build/engine)",
    )
    parser.add_argument("--wheel", type=Path, help="the runtime wheel, instead of pip's download")
    parser.add_argument(
        "--downloads",
        type=Path,
        default=ROOT / "build" / "downloads",
        help="where the downloaded wheel is kept (default: build/downloads)",
    )
    options = parser.parse_args(arguments)
    try:
        require_tools()  # before a download
        manifest = build(options.output, options.wheel or fetch_wheel(options.downloads))
    except (BuildError, OSError) as error:
        print(f"build_engine: error: {error}", file=sys.stderr)
        return 1
    sizes = [path.stat().st_size for path in options.output.iterdir()]
    print(f"tflbench {manifest['engine_version']} for {TRIPLET}: {options.output}")
    print(f"{len(sizes)} files, {sum(sizes) / 1e6:.1f} MB; not verified on a real phone")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The bundle of tflbench: the engine, a TFLite library, and the loader and libraries of both.

A phone has no glibc, so all that the engine needs is brought along. In the bundle's folder:

    ./ld-linux-aarch64.so.1 --library-path . ./tflbench --graph=MODEL.tflite --use_xnnpack

`manifest.json` has the SHA-256 and the origin of each file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from android_benchmark.building import parts, prebuilt
from android_benchmark.building.compiler import CROSS, READELF, TRIPLET, BuildError, require, run
from android_benchmark.building.compiler import version as version_of
from android_benchmark.building.program import TFLBENCH, engine_version

MANIFEST = "manifest.json"
_FORMAT = 1
_BUILT_HERE = "built here"


def bundle_name() -> str:
    """A name that differs wherever the engine, the runtime or a pinned library does."""
    pins = [TFLBENCH.sources_sha256(), parts.WHEEL_SHA256]
    pins += [digest for one in parts.DEBIAN_PACKAGES for digest in one.libraries.values()]
    return f"tflbench-{engine_version()}-{hashlib.sha256(' '.join(pins).encode()).hexdigest()[:12]}"


def assemble(folder: Path, wheel: Path, packages: Mapping[str, Path]) -> dict[str, object]:
    """Put the bundle together without a compiler: the same bytes on every computer.

    Args:
        folder: An empty folder.
        wheel: The pinned wheel with the runtime.
        packages: Files of `parts.DEBIAN_PACKAGES` by their names; needed are those whose
            libraries are not installed.

    Returns:
        The manifest, as written to `manifest.json`.

    Raises:
        BuildError: A part is missing or is another than the pinned one.
    """
    engine = prebuilt.find(TFLBENCH)
    contents = {
        TFLBENCH.name: (engine.read_bytes(), "part of mmnet-deploy"),
        parts.RUNTIME: (parts.runtime(wheel), parts.WHEEL),
    }
    for package in parts.DEBIAN_PACKAGES:
        libraries = parts.installed(package)
        if libraries is None:
            if package.file not in packages:
                raise BuildError(f"The bundle lacks {package.file}.")
            libraries = parts.unpacked(package, packages[package.file])
        contents |= {name: (content, package.file) for name, content in libraries.items()}
    return _write(folder, contents, parts.LOADER, str(prebuilt.stamp()["compiler"]))


def build(folder: Path, wheel: Path) -> dict[str, object]:
    """Compile the engine, and put the bundle together with the libraries of the compiler.

    Args:
        folder: An empty folder.
        wheel: The pinned wheel with the runtime.

    Returns:
        The manifest, as written to `manifest.json`.

    Raises:
        BuildError: The cross compiler is missing or refuses the sources, or a library is missing.
    """
    require(CROSS, READELF)
    runtime = folder / parts.RUNTIME
    runtime.write_bytes(parts.runtime(wheel))
    engine = folder / TFLBENCH.name
    TFLBENCH.compile(engine, CROSS)
    loader = _loader(engine)
    contents = {
        engine.name: (engine.read_bytes(), _BUILT_HERE),
        runtime.name: (runtime.read_bytes(), parts.WHEEL),
    }
    wanted = [loader, *needed_libraries(engine), *needed_libraries(runtime)]
    while wanted:
        name = wanted.pop()
        if name not in contents:
            path = _library_of_compiler(name)
            contents[name] = (path.read_bytes(), f"{CROSS}'s libraries")
            wanted += needed_libraries(path)
    return _write(folder, contents, loader, version_of(CROSS))


def needed_libraries(binary: Path) -> list[str]:
    """Names of the shared libraries that an arm64 binary itself asks for."""
    dynamic = run([READELF, "--dynamic", "--wide", binary], f"{READELF} cannot read {binary}")
    return re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)


def _loader(binary: Path) -> str:
    headers = run([READELF, "--segments", "--wide", binary], f"{READELF} cannot read {binary}")
    found = re.search(r"interpreter: .*/(.+)\]", headers)
    if not found:
        raise BuildError(f"{binary} names no loader.")
    return found[1]


def _library_of_compiler(name: str) -> Path:
    """Where the cross compiler keeps a library; it prints the bare name where it does not."""
    printed = run([CROSS, f"-print-file-name={name}"], f"{CROSS} cannot find {name}")
    path = Path(printed.strip())
    if not path.is_absolute() or not path.exists():
        raise BuildError(
            f"The cross compiler has no {name}. Install the arm64 C and C++ libraries "
            "(Debian and Ubuntu: apt-get install libc6-arm64-cross libstdc++6-arm64-cross)."
        )
    return path.resolve()


def _write(
    folder: Path, contents: Mapping[str, tuple[bytes, str]], loader: str, compiler: str
) -> dict[str, object]:
    """Write the files, each with its content and its origin, and the manifest of them."""
    files = {}
    for name, (content, origin) in sorted(contents.items()):
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o755 if name in (TFLBENCH.name, loader) else 0o644)
        files[name] = {
            "size_bytes": len(content),
            "sha256": parts.sha256(content),
            "origin": origin,
        }
    libc = re.search(rb"GNU C Library [ -~]+", contents[parts.LIBC][0])
    manifest: dict[str, object] = {
        "format": _FORMAT,
        "engine": TFLBENCH.name,
        "engine_version": engine_version(),
        "sources_sha256": TFLBENCH.sources_sha256(),
        "target": TRIPLET,
        "verified_on_phone": False,
        "loader": loader,
        "library": parts.RUNTIME,
        "runtime": parts.WHEEL_REQUIREMENT,
        "runtime_wheel_sha256": parts.WHEEL_SHA256,
        "compiler": compiler,
        "libc": libc[0].decode() if libc else "unknown",
        "files": files,
    }
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest

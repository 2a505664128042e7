"""The instruction counter: a plugin of qemu's for this computer, and a clock for the guest."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from android_benchmark.building import compiler, prebuilt
from android_benchmark.building.program import CLOCK, COUNTER


def counter_name() -> str:
    """A name that differs wherever the counter does."""
    pins = f"{COUNTER.sources_sha256()} {CLOCK.sources_sha256()}"
    return f"counter-{hashlib.sha256(pins.encode()).hexdigest()[:12]}"


def build_counter(folder: Path) -> dict[str, object]:
    """Compile the plugin into a folder, with gcc for this computer; the clock comes compiled.

    The same compiler gives the same bytes. No header of qemu's is needed.

    Args:
        folder: An empty folder.

    Returns:
        The manifest, as written to `manifest.json`: the SHA-256 of both, and the compilers.

    Raises:
        BuildError: There is no compiler, or it refuses the sources.
    """
    compiler.require(compiler.HOST)
    plugin, clock = folder / COUNTER.name, folder / CLOCK.name
    COUNTER.compile(plugin, compiler.HOST)
    shutil.copyfile(prebuilt.find(CLOCK), clock)
    files = (plugin, clock)
    manifest: dict[str, object] = {
        "format": 1,
        "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
        "compilers": [compiler.version(compiler.HOST), prebuilt.stamp()["compiler"]],
    }
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    return manifest


def check_counter(folder: Path) -> str:
    """Hash of the plugin of a counter that was built.

    Raises:
        BuildError: It is incomplete, or was changed.
    """
    try:
        known = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["sha256"]
        for name in (COUNTER.name, CLOCK.name):
            if hashlib.sha256((folder / name).read_bytes()).hexdigest() != known[name]:
                raise compiler.BuildError(f"{folder / name} was changed: build the counter anew.")
        return str(known[COUNTER.name])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise compiler.BuildError(f"{folder} is damaged: build the counter anew.") from error

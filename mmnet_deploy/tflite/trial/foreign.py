"""Files that were not made here: tried before they are used, and what a failure means."""

from __future__ import annotations

import re
from pathlib import Path

from mmnet_deploy.errors import CrashError, DelegateRefusedError, ModelFileError
from mmnet_deploy.tflite import trial
from mmnet_deploy.tflite.runtime import runtime, runtime_name

_MOST_WORDS = 160

_ENGINES = {"xnnpack": "XNNPACK", "none": "the built-in kernels"}
"""What a delegate's name stands for, in messages."""


def crash(name: str, verdict: trial.Verdict, delegate: str) -> CrashError:
    """The error for a file that crashed, called `name`."""
    return CrashError(
        f"{name} crashes {_ENGINES[delegate]} of {runtime_name()} ({verdict.reason}): it is "
        "damaged, or the runtime has a fault."
    )


def check(path: Path, content: bytes, delegate: str, threads: int) -> str:
    """Make sure, in another process, that loading and running a file ends no process.

    Returns:
        Why it does not run with either delegate, although it can be loaded; empty if it runs.

    Raises:
        CrashError: It crashes the runtime.
        ModelFileError: It cannot be loaded.
        DelegateRefusedError: Only without the delegate, or only with it, does it run.
    """
    module = runtime()
    tried = trial.shared(module.__name__)
    verdict = tried.verdict(content, delegate, threads=threads)
    if verdict.stage == "crash":
        raise crash(str(path), verdict, delegate)
    if verdict.runs:
        return ""
    other = "none" if delegate == "xnnpack" else "xnnpack"
    if tried.verdict(content, other, threads=threads).runs:
        wanted, reason = _ENGINES[delegate], brief(verdict.reason)
        raise DelegateRefusedError(
            f"{wanted[0].upper()}{wanted[1:]} cannot run {path} ({reason}); {_ENGINES[other]} can, "
            f"with `--delegate {other}`.",
            other,
            reason,
        )
    if verdict.stage == "load":
        raise ModelFileError(unloadable(path, verdict.reason))
    return verdict.reason


def unloadable(path: Path, reason: str) -> str:
    """Why a file cannot be loaded, from the runtime's own words."""
    if found := re.search(r"unresolved custom op: (\w+)", reason):
        name = runtime_name()
        other = "" if name.startswith("ai-edge-litert") else " ai-edge-litert has MediaPipe's own."
        return (
            f"{path} uses the operator {found[1]}, which is none of TFLite's and which {name} "
            f"lacks.{other}"
        )
    return (
        f"{path} cannot be loaded by {runtime_name()}: it is damaged, needs more than "
        f"{trial.MEMORY_BYTES // 2**30} GiB, or uses operators that this runtime lacks "
        f"({brief(reason)})."
    )


def brief(reason: str) -> str:
    """The first of a runtime's lines, which XNNPACK writes without any space between them."""
    line = (reason.strip() or "no reason given").splitlines()[0]
    line = re.split(r"(?<=XNNPACK delegate)(?=\w)|(?<=\S)(?=Node number )", line)[0].rstrip(".")
    return line if len(line) <= _MOST_WORDS else f"{line[:_MOST_WORDS]}…"

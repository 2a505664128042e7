"""The arguments of a run, made of flags that the binary is known to have."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping

from android_benchmark.engines.benchmark_model.delegate import Delegate
from android_benchmark.engines.benchmark_model.errors import (
    ArgumentError,
    UnknownToolError,
    UnsupportedDelegateError,
    UnsupportedFlagError,
)
from android_benchmark.engines.benchmark_model.flag import Flags, Tool

_MOST = 2**31 - 1

_DELEGATES: dict[Tool, dict[Delegate, dict[str, str]]] = {
    Tool.BENCHMARK_MODEL: {
        Delegate.XNNPACK: {"use_xnnpack": "true"},
        # Left unset, newer runtimes apply XNNPACK by themselves.
        Delegate.NONE: {"use_xnnpack": "false"},
        Delegate.GPU: {"use_gpu": "true"},
        Delegate.NNAPI: {"use_nnapi": "true"},
        Delegate.HEXAGON: {"use_hexagon": "true"},
    },
    # Its CPU is always XNNPACK, and takes what the others leave even with `use_cpu=false`.
    Tool.LITERT: {
        Delegate.XNNPACK: {"use_cpu": "true"},
        Delegate.GPU: {"use_gpu": "true", "use_cpu": "false"},
        Delegate.NPU: {"use_npu": "true", "use_cpu": "false"},
    },
}
"""Flags of each delegate; the first is the one that a binary must have to offer it."""

_PRECISIONS: dict[Tool, dict[Delegate, str]] = {
    Tool.BENCHMARK_MODEL: {
        Delegate.XNNPACK: "xnnpack_force_fp16",
        Delegate.GPU: "gpu_precision_loss_allowed",
        Delegate.NNAPI: "nnapi_allow_fp16",
    },
    Tool.LITERT: {Delegate.XNNPACK: "xnnpack_force_fp16", Delegate.GPU: "allow_fp16"},
}
"""The flag that lets a delegate compute in fp16, where a tool of the kind may have one."""

_BY_FILE = {
    "fp16": "half precision where the file allows it",
    "fp32": "single precision unless the file allows half precision",
}
"""What XNNPACK computes in by itself, in words for who wants a precision."""

_LIBRARY_FOLDERS = ("dispatch_library_path", "compiler_plugin_library_path")
"""Where LiteRT's tool looks for libraries of an NPU."""

_OLDER_DISPATCH = "qnn_dispatch_library_path"

_PROFILE = {Tool.BENCHMARK_MODEL: "enable_op_profiling", Tool.LITERT: "use_profiler"}

_OPTIONS = {
    "graph": "MODEL.tflite",
    "num_threads": "`--threads`",
    "num_runs": "`--min-runs`",
    "min_secs": "`--min-duration`",
    "max_secs": "`--max-duration`",
    "warmup_runs": "`--warmup-runs`",
    "warmup_min_secs": "`--warmup-duration`",
    **dict.fromkeys(_PROFILE.values(), "`--profile`"),
    **{name: "`--delegate`" for tool in _DELEGATES.values() for of in tool.values() for name in of},
}
"""What of `bench` sets a flag."""

_MEANINGS = {
    "help": "prints the help in place of a run",
    "dry_run": "makes no run",
    "gpu_invoke_loop_times": "divides the durations",
}
"""Flags that change what the figures mean, or leave none."""


def delegates(flags: Flags) -> tuple[Delegate, ...]:
    """What a binary offers, as its help says; none of one that is another tool."""
    offered = _DELEGATES.get(flags.tool, {})
    return tuple(
        delegate
        for delegate, needed in offered.items()
        # One without XNNPACK has nothing to switch off.
        if delegate is Delegate.NONE or next(iter(needed)) in flags
    )


def arguments(
    flags: Flags,
    *,
    graph: str,
    threads: int,
    delegate: Delegate,
    runs: int | None = None,
    min_duration_s: float | None = None,
    max_duration_s: float | None = None,
    warmup_runs: int | None = None,
    warmup_min_duration_s: float | None = None,
    profile: bool = False,
    precision: str = "",
    libraries: str = "",
    extra: Mapping[str, str] | None = None,
) -> list[str]:
    """The command line after the binary's own path, not quoted for any shell.

    Args:
        flags: Of the very binary that will run, from `probe`.
        graph: Path of the model on the device.
        threads: CPU threads. LiteRT's tool before about 2.1 takes the flag and ignores it.
        delegate: What is to run the model.
        runs, min_duration_s: Both are met, unless `max_duration_s` ends the series first.
        max_duration_s: Also ends the warm-up.
        warmup_runs, warmup_min_duration_s: The same two minima of the warm-up.
        profile: Whether to print the time by operator, which takes longer.
        precision: `fp16` lets the delegate compute in half precision, `fp32` does not.
        libraries: Folder on the device with the libraries of an NPU; empty if there are none.
        extra: Further flags by name, such as `nnapi_accelerator_name`.

    What is None keeps the binary's default.

    Raises:
        UnknownToolError: `flags` are not those of a tool that runs one model.
        UnsupportedFlagError: The binary does not list a flag that is needed.
        UnsupportedDelegateError: The tool has no flag for the delegate.
        ArgumentError: A value that no binary could use, or a further flag that is none.
    """
    offered = delegates(flags)
    if not offered:
        raise UnknownToolError(
            "The binary's `--help` must list the flags of benchmark_model. "
            f"Received: {flags.tool.value} with {len(flags.flags)} flags; "
            "check that it is benchmark_model and starts on the device."
        )
    if delegate not in offered:
        known = ", ".join(it.value for it in offered)
        raise UnsupportedDelegateError(
            f"`--delegate` must be one of {known} with this engine: its `--help` has no flag for "
            f"another. Received: {delegate.value}."
        )
    wanted = {
        "graph": _path(graph),
        "num_threads": _count("threads", threads),
        "num_runs": _count("runs", runs),
        "min_secs": _seconds("min_duration_s", min_duration_s),
        "max_secs": _seconds("max_duration_s", max_duration_s),
        "warmup_runs": _count("warmup_runs", warmup_runs, least=0),
        "warmup_min_secs": _seconds("warmup_min_duration_s", warmup_min_duration_s),
        _PROFILE[flags.tool]: "true" if profile else None,
        **_DELEGATES[flags.tool][delegate],
        **_precision(flags, delegate, precision),
    }
    for name, value in (extra or {}).items():
        if wanted.get(name) is not None or name in (*_OPTIONS, *_MEANINGS):
            raise ArgumentError(_not_free(name))
        if not _one_line(value):
            raise ArgumentError(
                f"The value of a flag must be one line. Received: {name}={value!r}."
            )
        if name not in flags:
            raise UnsupportedFlagError(name, _unknown(name, flags))
        wanted[name] = value
    if delegate is Delegate.NPU and libraries:
        older = _LIBRARY_FOLDERS[0] not in flags
        for name in (*_LIBRARY_FOLDERS, *([_OLDER_DISPATCH] if older else [])):
            if name in flags:
                wanted.setdefault(name, _path(libraries))
    if delegate is Delegate.NONE and "use_xnnpack" not in flags:
        # So old that there is nothing to switch off.
        del wanted["use_xnnpack"]
    given = {name: value for name, value in wanted.items() if value is not None}
    for name in given:
        if name not in flags:
            raise UnsupportedFlagError(
                name,
                f"This binary has no flag `--{name}`, which is needed for what was asked. "
                "Take a newer benchmark_model, or leave the option out.",
            )
    return [f"--{name}={value}" for name, value in given.items()]


def _precision(flags: Flags, delegate: Delegate, precision: str) -> dict[str, str]:
    """The flag for a precision; none where none is wanted.

    Raises:
        ArgumentError: It is another word.
        UnsupportedFlagError: The binary has no such flag for the delegate.
    """
    if not precision:
        return {}
    if precision not in ("fp16", "fp32"):
        raise ArgumentError(f"`precision` must be fp16 or fp32. Received: {precision}.")
    name = _PRECISIONS[flags.tool].get(delegate, "")
    if name not in flags:
        having = [of.value for of, flag in _PRECISIONS[flags.tool].items() if flag in flags]
        only = f"has one for {' and '.join(having)} only" if having else "has none at all"
        advice = "Take another engine, or leave the option out"
        if delegate is Delegate.XNNPACK:
            # A file can allow half precision by itself, which needs no flag.
            advice += f", since XNNPACK computes in {_BY_FILE[precision]}"
        raise UnsupportedFlagError(
            name,
            f"`--delegate-precision` needs a flag of the engine for {delegate.value}, and this one "
            f"{only}. Received: {precision}. {advice}.",
        )
    return {name: str(precision == "fp16").lower()}


def _not_free(name: str) -> str:
    """Why a flag cannot be given as a further one."""
    if name in _MEANINGS:
        return f"`--engine-flag` must leave the figures as they are; `{name}` {_MEANINGS[name]}."
    option = _OPTIONS.get(name, "`--delegate-precision`")
    return f"`--engine-flag` must name a flag that nothing else sets; {option} sets `{name}`."


def _unknown(name: str, flags: Flags) -> str:
    near = difflib.get_close_matches(name, [flag.name for flag in flags.flags], 3)
    meant = f"similar ones: {', '.join(near)}" if near else "`benchmark_model --help` lists them"
    return (
        f"`--engine-flag` must name a flag that the engine has ({meant}); an older one lacks those "
        f"that came later. Received: {name}."
    )


def _one_line(value: str) -> bool:
    return not any(character in value for character in "\n\r\0")


def _path(graph: str) -> str:
    if not graph or not _one_line(graph):
        raise ArgumentError(f"`graph` must be a path in one line. Received: {graph!r}.")
    return graph


def _count(name: str, value: int | None, least: int = 1) -> str | None:
    if value is not None and not least <= value <= _MOST:
        raise ArgumentError(f"`{name}` must be from {least} to {_MOST}. Received: {value}.")
    return None if value is None else str(value)


def _seconds(name: str, value: float | None) -> str | None:
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise ArgumentError(f"`{name}` must be 0 or more, and finite. Received: {value}.")
    return None if value is None else str(value)

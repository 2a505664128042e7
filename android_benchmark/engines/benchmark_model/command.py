"""The arguments of a run, made of flags that the binary is known to have."""

from __future__ import annotations

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
        # Left unset, newer runtimes apply XNNPACK by themselves.
        Delegate.NONE: {"use_xnnpack": "false"},
        Delegate.XNNPACK: {"use_xnnpack": "true"},
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
_PROFILE = {Tool.BENCHMARK_MODEL: "enable_op_profiling", Tool.LITERT: "use_profiler"}


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
        extra: Further flags by name, such as `nnapi_accelerator_name`.

    What is None keeps the binary's default.

    Raises:
        UnknownToolError: `flags` are not those of a tool that runs one model.
        UnsupportedFlagError: The binary does not list a flag that is needed.
        UnsupportedDelegateError: The tool has no flag for the delegate.
        ArgumentError: A value that no binary could use.
    """
    delegates = _DELEGATES.get(flags.tool)
    if delegates is None:
        raise UnknownToolError(
            "The binary's `--help` must list the flags of benchmark_model. "
            f"Received: {flags.tool.value} with {len(flags.flags)} flags; "
            "check that it is benchmark_model and starts on the device."
        )
    if delegate not in delegates:
        known = ", ".join(it.value for it in delegates)
        raise UnsupportedDelegateError(
            f"`delegate` must be one of {known} with this tool. Received: {delegate.value}."
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
        **delegates[delegate],
    }
    for name, value in (extra or {}).items():
        if wanted.get(name) is not None or not _one_line(value):
            raise ArgumentError(
                "`extra` must hold flags that nothing else sets, with values of one line. "
                f"Received: {name}={value!r}."
            )
        wanted[name] = value
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

"""What states of a device say about a result, and about a rest."""

from __future__ import annotations

from android_benchmark.device import DeviceState
from android_benchmark.measurement import Flag

SLOWER = 0.99
"""A core that may run at less than this share of its highest frequency is throttled."""


def judge_conditions(
    before: DeviceState,
    after: DeviceState,
    cores: tuple[int, ...],
    max_frequencies_khz: tuple[int, ...] = (),
) -> tuple[Flag, ...]:
    """The conditions of a run that make its result invalid.

    Args:
        before, after: The device around the run; what it does not tell is not judged.
        cores: Numbers of the cores that the run used.
        max_frequencies_khz: What each core can do, 0 where that is not known.
    """
    told = bool(before.governors and after.governors)
    governors = not told or before.governors == after.governors
    on = before.screen_on is not False and after.screen_on is not False
    return (
        _throttled(before, after, cores, max_frequencies_khz),
        Flag(
            "governor_kept",
            governors,
            ""
            if governors
            else f"the governor was {', '.join(before.governors)} before the run and "
            f"{', '.join(after.governors)} after it; repeat",
        ),
        Flag("screen_on", on, "" if on else "the screen was off, which slows a phone down; repeat"),
    )


def _throttled(
    before: DeviceState,
    after: DeviceState,
    cores: tuple[int, ...],
    max_frequencies_khz: tuple[int, ...],
) -> Flag:
    """Whether the device was slowed down, by its limits or its own verdict."""
    status = max(before.thermal_status or 0, after.thermal_status or 0)
    reason = f"Android's thermal status is {status} of 6; let the phone cool down" if status else ""
    for core in cores:
        can = _of(max_frequencies_khz, core)
        for when, limits in (("before", before), ("after", after)):
            may = _of(limits.frequency_limits_khz, core)
            if can and may and may < SLOWER * can:
                reason = (
                    f"core {core} may run at {may / 1e6:.2f} of its {can / 1e6:.2f} GHz {when} the "
                    "run; let the phone cool down, or turn off its power saving"
                )
    return Flag("throttled", bool(reason), reason, wanted=False)


def _of(values: tuple[int, ...], core: int) -> int:
    return values[core] if core < len(values) else 0


def judge_cores(
    pinned: tuple[int, ...], affinity: tuple[int, ...] | None, threads: int = 1
) -> Flag:
    """Whether the program ran on other cores than the ones it was to, or on too few."""
    wanted, reason = ", ".join(map(str, pinned)), ""
    if affinity is None:
        reason = f"cores {wanted} were wanted, the phone does not say which it gave"
    elif set(affinity) != set(pinned):
        given = ", ".join(map(str, affinity)) or "none"
        reason = f"cores {wanted} were wanted, the system gave {given}"
    elif len(pinned) < threads:
        reason = f"{threads} threads ran on {len(pinned)} core(s): name more with `--cores`"
    return Flag("wrong_cores", bool(reason), reason, wanted=False)


def warmer_by(cool: DeviceState, now: DeviceState) -> float | None:
    """By how many kelvin the warmest sensor has risen; None where no sensor is in both."""
    rises = [
        temperature - cool.temperatures_c[name]
        for name, temperature in now.temperatures_c.items()
        if name in cool.temperatures_c
    ]
    if not rises and cool.battery_c is not None and now.battery_c is not None:
        rises = [now.battery_c - cool.battery_c]
    return max(rises, default=None)

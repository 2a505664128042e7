"""What the state of a device, before and after, says about a result."""

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

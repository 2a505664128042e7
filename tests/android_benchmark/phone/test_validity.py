"""Which states of a device make its results invalid."""

import pytest

from android_benchmark import DeviceState
from android_benchmark.phone.validity import judge_conditions

MAX_KHZ = (1593600, 1593600, 2150400, 2150400)
BIG = (2, 3)


def _flag(name, before=None, after=None, cores=BIG, can=MAX_KHZ):
    flags = judge_conditions(before or DeviceState(), after or DeviceState(), cores, can)
    return next(flag for flag in flags if flag.name == name)


def test_a_device_that_tells_nothing_is_not_judged():
    """What cannot be read is no reason against a result."""
    flags = judge_conditions(DeviceState(), DeviceState(), BIG)
    assert [flag.name for flag in flags] == ["throttled", "governor_kept", "screen_on"]
    assert all(flag.good and not flag.reason for flag in flags)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lowered_limit_of_a_core_in_use_is_throttling(when):
    """The message says which core, how far and when, and what helps."""
    state = DeviceState(frequency_limits_khz=(1593600, 1593600, 2150400, 1075200))
    flag = _flag("throttled", **{when: state})
    assert not flag.good and flag.label == "throttled"
    assert flag.reason.startswith(
        f"core 3 may run at 1.08 of its 2.15 GHz {when} the run; let the phone cool down"
    )


@pytest.mark.parametrize(
    "limits",
    [
        (300000, 300000, 2150400, 2150400),
        MAX_KHZ,
        (1593600, 1593600, 2140000, 2150400),
        (1593600, 1593600, 0, 0),
        (1593600,),
    ],
)
def test_other_limits_do_not_matter(limits):
    """Of cores that the run did not use, by a hair, of cores that are off or show none."""
    state = DeviceState(frequency_limits_khz=limits)
    assert _flag("throttled", state, state).good


def test_limits_without_a_maximum_are_not_judged():
    """A phone that hides what its cores can do is not called slow."""
    state = DeviceState(frequency_limits_khz=(1, 1, 1, 1))
    assert _flag("throttled", state, state, can=()).good
    assert _flag("throttled", state, state, can=(0, 0, 0, 0)).good


def test_androids_own_verdict_is_throttling():
    """The worse of the two states counts."""
    flag = _flag("throttled", DeviceState(thermal_status=2), DeviceState(thermal_status=0))
    assert not flag.good and "thermal status is 2 of 6" in flag.reason
    assert _flag("throttled", DeviceState(thermal_status=0), DeviceState(thermal_status=0)).good


def test_a_governor_that_changed_spoils_the_result():
    """Both are named."""
    flag = _flag(
        "governor_kept",
        DeviceState(governors=("interactive",)),
        DeviceState(governors=("performance", "powersave")),
    )
    assert not flag.good
    assert "was interactive before the run and performance, powersave after it" in flag.reason


@pytest.mark.parametrize(("before", "after"), [((), ("walt",)), (("walt",), ()), (("walt",),) * 2])
def test_a_governor_that_is_the_same_or_unknown_does_not(before, after):
    """One that could be read only once did not change, as far as is known."""
    assert _flag("governor_kept", DeviceState(governors=before), DeviceState(governors=after)).good


@pytest.mark.parametrize(
    ("before", "after", "good"),
    [(True, True, True), (False, True, False), (True, False, False), (None, True, True)],
)
def test_the_screen_must_be_on(before, after, good):
    """With its screen off a phone is slower; one that does not tell is believed."""
    flag = _flag("screen_on", DeviceState(screen_on=before), DeviceState(screen_on=after))
    assert flag.good is good and bool(flag.reason) is not good

"""What phones say of themselves, read from texts that real ones could have printed."""

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_benchmark.phone.reading import PLAUSIBLE_C, parse_facts, parse_state

CPU = "/sys/devices/system/cpu"
ZONE = "/sys/class/thermal/thermal_zone"

MI_5_FACTS = f"""\
@mmnet:properties
[ro.board.platform]: [msm8996]
[ro.build.fingerprint]: [Xiaomi/gemini/gemini:8.0.0/OPR1.170623.032/V10.2.2.0:user/release-keys]
[ro.build.version.release]: [8.0.0]
[ro.build.version.sdk]: [26]
[ro.hardware]: [qcom]
[ro.product.cpu.abi]: [arm64-v8a]
[ro.product.manufacturer]: [Xiaomi]
[ro.product.model]: [MI 5]
[persist.odd]: []
@mmnet:kernel
3.18.71-perf-gd1e8d1f
@mmnet:online
0-3
@mmnet:files
{CPU}/cpu0/cpufreq/cpuinfo_max_freq:1593600
{CPU}/cpu1/cpufreq/cpuinfo_max_freq:1593600
{CPU}/cpu2/cpufreq/cpuinfo_max_freq:2150400
{CPU}/cpu3/cpufreq/cpuinfo_max_freq:2150400
"""

MI_5_STATE = f"""\
@mmnet:load
6.21 6.05 5.98 2/1234 4321
@mmnet:memory
MemTotal:        2830524 kB
MemFree:          101836 kB
MemAvailable:    1204312 kB
@mmnet:battery
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  status: 2
  level: 85
  scale: 100
  temperature: 285
@mmnet:power
  mWakefulness=Awake
@mmnet:thermal
@mmnet:files
{CPU}/cpu0/cpufreq/scaling_cur_freq:1056000
{CPU}/cpu1/cpufreq/scaling_cur_freq:1056000
{CPU}/cpu2/cpufreq/scaling_cur_freq:307200
{CPU}/cpu3/cpufreq/scaling_cur_freq:307200
{CPU}/cpu0/cpufreq/scaling_max_freq:1593600
{CPU}/cpu1/cpufreq/scaling_max_freq:1593600
{CPU}/cpu2/cpufreq/scaling_max_freq:1824000
{CPU}/cpu3/cpufreq/scaling_max_freq:1824000
{CPU}/cpu0/cpufreq/scaling_governor:interactive
{CPU}/cpu2/cpufreq/scaling_governor:interactive
{ZONE}0/type:battery
{ZONE}1/type:bms
{ZONE}2/type:tsens_tz_sensor0
{ZONE}3/type:tsens_tz_sensor0
{ZONE}4/type:pm8994_tz
{ZONE}5/type:xo_therm
{ZONE}6/type:pa_therm0
{ZONE}7/type:quiet_therm
{ZONE}8/type:vbat
{ZONE}9/type:soc
{ZONE}10/type:emmc_therm
{ZONE}0/temp:28500
{ZONE}1/temp:285
{ZONE}2/temp:412
{ZONE}3/temp:398
{ZONE}4/temp:37042
{ZONE}5/temp:34
{ZONE}6/temp:-273
{ZONE}7/temp:0
{ZONE}8/temp:4100
{ZONE}9/temp:85
{ZONE}11/temp:31
"""


def test_facts_of_an_old_phone():
    """A Mi 5 with Android 8 tells its chip by the board's platform."""
    facts = parse_facts("01ab", MI_5_FACTS)
    assert (facts.serial, facts.model, facts.processor) == ("01ab", "Xiaomi MI 5", "msm8996")
    assert (facts.cores, facts.system, facts.sdk) == (4, "Android 8.0.0", 26)
    assert (facts.abi, facts.kernel) == ("arm64-v8a", "3.18.71-perf-gd1e8d1f")
    assert facts.build.startswith("Xiaomi/gemini")
    assert facts.max_frequencies_khz == (1593600, 1593600, 2150400, 2150400)
    assert not facts.emulated


def test_state_of_an_old_phone():
    """Charge, screen, load and memory; before Android 10 there is no thermal status."""
    state = parse_state(MI_5_STATE)
    assert (state.load_1min, state.free_memory_bytes) == (6.21, 1204312 * 1024)
    assert (state.battery_percent, state.battery_c, state.charging) == (85, 28.5, True)
    assert (state.screen_on, state.thermal_status) == (True, None)
    assert state.governors == ("interactive",)
    assert state.frequencies_khz == (1056000, 1056000, 307200, 307200)
    assert state.frequency_limits_khz == (1593600, 1593600, 1824000, 1824000)


def test_sensors_in_mixed_units_are_read_in_degrees():
    """Degrees, tenths and thousandths on one phone; what no sensor can read is left out, and so
    are the currents, voltages and charges that some phones list among the temperatures."""
    assert parse_state(MI_5_STATE).temperatures_c == {
        "battery": 28.5,
        "bms": 28.5,
        "tsens_tz_sensor0": 41.2,
        "tsens_tz_sensor0 3": 39.8,
        "pm8994_tz": 37.042,
        "xo_therm": 34,
        "zone 11": 31,
    }


def test_a_sensor_keeps_its_name_when_its_namesake_fails():
    """Otherwise two readings of one zone would be compared with those of another."""
    text = MI_5_STATE.replace(f"{ZONE}2/temp:412", f"{ZONE}2/temp:-40")
    temperatures = parse_state(text).temperatures_c
    assert temperatures["tsens_tz_sensor0 3"] == 39.8
    assert "tsens_tz_sensor0" not in temperatures


def test_a_recent_phone_has_a_thermal_status():
    """A Pixel tells its chip by name, its maker in its model, and Android's own verdict."""
    facts = parse_facts(
        "9A",
        "@mmnet:properties\n[ro.soc.model]: [Tensor G2]\n[ro.board.platform]: [gs201]\n"
        "[ro.product.manufacturer]: [Google]\n[ro.product.model]: [Google Pixel 7]\n",
    )
    assert (facts.model, facts.processor) == ("Google Pixel 7", "Tensor G2")
    state = parse_state(
        "@mmnet:power\n  mWakefulness=Asleep\n  mWakefulnessChanging=false\n"
        "@mmnet:thermal\nThermal Status: 3\n"
        "@mmnet:battery\n  AC powered: false\n  USB powered: false\n  level: 100\n"
    )
    assert (state.thermal_status, state.screen_on, state.charging) == (3, False, False)
    assert (state.battery_percent, state.battery_c) == (100, None)


@pytest.mark.parametrize(
    ("wakefulness", "on"), [("Awake", True), ("Dozing", False), ("Dreaming", None), ("", None)]
)
def test_wakefulness_tells_of_the_screen(wakefulness, on):
    """A dozing phone has its screen off; of a screen saver nothing is claimed."""
    assert parse_state(f"@mmnet:power\nmWakefulness={wakefulness}\n").screen_on is on


def test_line_ends_of_old_adb_change_nothing():
    """A phone whose lines end in CR LF says the same."""
    assert parse_facts("x", MI_5_FACTS.replace("\n", "\r\n")) == parse_facts("x", MI_5_FACTS)
    assert parse_state(MI_5_STATE.replace("\n", "\r\n")) == parse_state(MI_5_STATE)


@pytest.mark.parametrize("text", ["", "@mmnet:properties\n@mmnet:files\n@mmnet:load\n"])
def test_a_phone_that_locks_everything_is_still_one(text):
    """What it does not say is empty or None, never a guess."""
    facts, state = parse_facts("01ab", text), parse_state(text)
    assert (facts.model, facts.cores, facts.system) == ("01ab", 1, "Android")
    assert (facts.sdk, facts.max_frequencies_khz, facts.emulated) == (None, (), False)
    assert state == parse_state("nothing at all")
    assert all(not value for value in dataclasses.asdict(state).values())


def test_an_offline_core_has_no_frequency():
    """Cores keep their numbers when one between them is off, or the first ones are."""
    lines = [f"{CPU}/cpu{core}/cpufreq/{{}}:{khz}" for core, khz in ((1, 1500000), (3, 2000000))]
    facts = parse_facts(
        "x",
        "@mmnet:online\n1,3\n@mmnet:files\n" + "\n".join(lines).format(*["cpuinfo_max_freq"] * 2),
    )
    assert (facts.cores, facts.max_frequencies_khz) == (2, (0, 1500000, 0, 2000000))
    state = parse_state("@mmnet:files\n" + "\n".join(lines).format(*["scaling_cur_freq"] * 2))
    assert state.frequencies_khz == (0, 1500000, 0, 2000000)


@pytest.mark.parametrize(
    ("lines", "expected_kib"),
    [
        ("MemFree:  1000 kB", 1000),
        ("MemAvailable: 0 kB\nMemFree: 7 kB", 0),
        ("MemAvailable: many kB\nMemFree: 7 kB", 7),
        ("MemFree: -5 kB", None),
        ("MemFree: 1234567890123456789 kB", None),
    ],
)
def test_free_memory(lines, expected_kib):
    """Kernels before 3.14 tell the free memory only; a number that cannot be is none."""
    free = parse_state(f"@mmnet:memory\n{lines}\n").free_memory_bytes
    assert free == (None if expected_kib is None else expected_kib * 1024)


@pytest.mark.parametrize("tenths", ["0", "-2730", "99999", "", "cold"])
def test_a_battery_without_a_sensor_has_no_temperature(tenths):
    """Zero degrees sharp is what a missing sensor reads."""
    assert parse_state(f"@mmnet:battery\n  temperature: {tenths}\n").battery_c is None


def test_what_a_vendor_appends_does_not_count():
    """The first of two values of one name is Android's own."""
    state = parse_state("@mmnet:battery\n  level: 50\n  temperature: 300\nextra:\n  level: 3\n")
    assert (state.battery_percent, state.battery_c) == (50, 30)


@pytest.mark.parametrize("name", ["ro.kernel.qemu", "ro.boot.qemu"])
def test_an_emulator_is_known(name):
    """Its times mean nothing, so it must not pass for a phone."""
    assert parse_facts("x", f"@mmnet:properties\n[{name}]: [1]\n").emulated


NUMBERS = st.integers().map(str) | st.sampled_from(["9" * 30, "9" * 5000, "-1", "0", "nan", "1e9"])
LINES = st.one_of(
    st.sampled_from([*MI_5_FACTS.splitlines(), *MI_5_STATE.splitlines()]),
    st.builds(
        "{}/cpu{}/cpufreq/{}:{}".format,
        st.just(CPU),
        NUMBERS,
        st.sampled_from(["cpuinfo_max_freq", "scaling_cur_freq", "scaling_max_freq"]),
        NUMBERS,
    ),
    st.builds(
        "{}{}/{}:{}".format, st.just(ZONE), NUMBERS, st.sampled_from(["type", "temp"]), NUMBERS
    ),
    st.builds(
        "{}: {}".format,
        st.sampled_from(["level", "temperature", "Thermal Status", "MemFree", "MemAvailable"]),
        NUMBERS | NUMBERS.map("{} kB".format),
    ),
    st.builds("[ro.build.version.sdk]: [{}]".format, NUMBERS),
    st.builds("{}-{}".format, NUMBERS, NUMBERS),
    st.builds("Features\t: {}".format, st.sampled_from(["fp asimd", "fp asimdhp", ""])),
    st.builds("CPU part\t: {}".format, NUMBERS | st.just("0xd05")),
    st.builds("{}.{} 1".format, NUMBERS, NUMBERS),
    st.text(max_size=30),
)
TEXTS = st.text() | st.lists(LINES, max_size=40).map("\n".join)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_no_text_makes_a_phone_implausible(text):
    """Whatever a phone prints, its facts and state are within what a phone can be."""
    facts, state = parse_facts("x", text), parse_state(text)
    assert facts.model and 1 <= facts.cores <= 1000
    assert facts.sdk is None or facts.sdk > 0
    cores = (facts.max_frequencies_khz, state.frequencies_khz, state.frequency_limits_khz)
    for frequencies in cores:
        assert len(frequencies) <= 1000
        assert all(0 <= khz <= 10**8 for khz in frequencies)
    temperatures = [*state.temperatures_c.values()]
    temperatures += [] if state.battery_c is None else [state.battery_c]
    assert all(PLAUSIBLE_C[0] <= value <= PLAUSIBLE_C[1] for value in temperatures)
    assert state.load_1min is None or 0 <= state.load_1min < math.inf
    assert state.free_memory_bytes is None or 0 <= state.free_memory_bytes <= 10**15 * 2
    assert state.battery_percent is None or 0 <= state.battery_percent <= 100
    assert state.thermal_status in (None, 0, 1, 2, 3, 4, 5, 6)

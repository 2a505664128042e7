"""A phone as a device: runs, cores, rests, and a connection that is lost."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time

import pytest

from android_benchmark import Settings, errors
from android_benchmark.emulator import (
    ChangeGovernor,
    Greeting,
    LinkerWarning,
    RestrictCores,
    Throttle,
)
from android_benchmark.engines import stand_in
from android_benchmark.phone import CoresError
from android_benchmark.phone.workspace import FOLDER
from tests.support.emulated import AWAKE, RULES, awake_settings, needs_adb

pytestmark = needs_adb


def flags_of(outcome):
    return {flag.name: flag for flag in outcome.flags}


def test_a_run_brings_back_what_the_engine_and_the_phone_say(start, tmp_path, model):
    """Statistics, delegate, cores, the state before and after, and a good verdict."""
    _, phone, _ = start(tmp_path)
    outcome = phone.measure(model, Settings(), RULES)
    assert outcome.measurement.statistics.median_us == 56125
    assert (outcome.engine.delegate, outcome.engine.requested) == ("xnnpack", "xnnpack")
    assert outcome.engine.sha256 == hashlib.sha256((tmp_path / "engine").read_bytes()).hexdigest()
    assert outcome.cores == (2, 3)
    # A stand-in answered, as it says; nothing else is wrong.
    assert [flag.name for flag in outcome.flags if not flag.good] == ["measured"]
    for state in (outcome.before, outcome.after):
        assert len(state.frequencies_khz) == 4
        assert state.temperatures_c and state.battery_percent and state.free_memory_bytes
    phone.close()


def test_facts_are_those_of_the_phone(start, tmp_path):
    """An emulated phone is said to be one, whatever it calls itself."""
    emulated, phone, _ = start(tmp_path)
    facts = phone.facts()
    assert facts.serial == emulated.serial
    assert facts.emulated
    assert (facts.processor, facts.abi, facts.sdk, facts.cores) == ("msm8996", "arm64-v8a", 26, 4)
    assert "/" in facts.build and facts.kernel
    assert len(facts.max_frequencies_khz) == 4
    assert "asimd" in facts.features and facts.fp16_arithmetic is False


@pytest.mark.parametrize(
    ("cores", "threads", "expected"),
    [
        ("big", 1, (2, 3)),
        ("big", 4, (0, 1, 2, 3)),
        ("little", 1, (0, 1)),
        ("all", 1, (0, 1, 2, 3)),
        ("8", 1, (3,)),
    ],
)
def test_cores_are_chosen_by_their_frequency(start, tmp_path, model, cores, threads, expected):
    """The engine's own process says which cores it may use."""
    _, phone, _ = start(tmp_path)
    outcome = phone.measure(model, Settings(threads=threads, cores=cores), RULES)
    assert outcome.cores == expected
    assert flags_of(outcome)["wrong_cores"].good
    phone.close()


def test_the_famous_mask_f0_is_refused_where_it_names_no_core(start, tmp_path, model):
    """On four cores it means none; nothing is run with it."""
    emulated, phone, _ = start(tmp_path)
    with pytest.raises(CoresError, match="Received: f0"):
        phone.measure(model, Settings(cores="f0"), RULES)
    assert awake_settings(emulated) == AWAKE


def test_cores_that_the_system_withholds_make_a_result_invalid(start, tmp_path, model):
    """A cpuset cuts the mask silently; the flag says what was wanted and what was given."""
    emulated, phone, _ = start(tmp_path)
    emulated.inject(RestrictCores(0b0111))
    outcome = phone.measure(model, Settings(), RULES)
    assert outcome.cores == (2,)
    assert flags_of(outcome)["wrong_cores"].reason == "cores 2, 3 were wanted, the system gave 2"
    phone.close()


def test_more_threads_than_cores_of_the_mask_make_a_result_invalid(start, tmp_path, model):
    """They would take turns."""
    _, phone, _ = start(tmp_path)
    outcome = phone.measure(model, Settings(threads=2, cores="8"), RULES)
    assert "2 threads ran on 1 core" in flags_of(outcome)["wrong_cores"].reason
    phone.close()


def test_a_phone_without_taskset_is_measured_and_flagged(start, tmp_path, model):
    """The run counts for what it is: not pinned."""
    _, phone, _ = start(tmp_path, missing=("taskset",))
    outcome = phone.measure(model, Settings(), RULES)
    assert not flags_of(outcome)["wrong_cores"].good
    phone.close()


def test_throttling_and_a_changed_governor_make_a_result_invalid(start, tmp_path, model):
    """Each with what happened and what helps."""
    emulated, phone, _ = start(tmp_path)
    emulated.inject(
        Throttle(temperature_c=70.0, frequency_share=0.5), ChangeGovernor("powersave", after_s=0.6)
    )
    flags = flags_of(phone.measure(model, Settings(), RULES))
    assert "may run at 1.0" in flags["throttled"].reason
    assert "let the phone cool down" in flags["throttled"].reason
    phone.close()


def test_a_delegate_that_is_skipped_is_not_credited(start, tmp_path, model):
    """The result says what ran, what was asked for, and that it fell back."""
    _, phone, _ = start(tmp_path)
    outcome = phone.measure(model, Settings(delegate="gpu"), RULES)
    assert (outcome.engine.delegate, outcome.engine.requested) == ("none", "gpu")
    assert not flags_of(outcome)["fell_back"].good
    phone.close()


# --- Connection ------------------------------------------------------------------


def test_a_phone_that_stays_away_is_an_error(start, tmp_path, model):
    """Its note stays on it for the next time."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    emulated.unplug()
    phone._patience_s = 0.5
    again = "mmnet-deploy bench --clean --device 127.0.0.1:"
    with pytest.raises(errors.NotPutBackError, match=f"still changed.*{again}"):
        phone.close()
    assert (emulated.root / FOLDER[1:] / "changed").is_file()


def test_stopping_ends_a_run_and_puts_things_back(start, tmp_path, model, monkeypatch):
    """The engine is killed, and the settings are restored although adb was stopped."""
    stop = threading.Event()
    monkeypatch.setattr(stand_in, "RUN_S", 20.0)
    emulated, phone, _ = start(tmp_path, stop=stop)

    def when_running():
        while not any("--graph" in str(p.arguments) for p in list(emulated.device.processes)):
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=when_running, daemon=True).start()
    with pytest.raises(errors.StoppedError):
        phone.measure(model, Settings(), RULES)
    phone.close()
    assert awake_settings(emulated) == AWAKE
    assert not any("--graph" in str(p.arguments) for p in list(emulated.device.processes))


# --- Rests -----------------------------------------------------------------------


def test_a_phone_rests_until_it_is_cool_again(start, tmp_path, model):
    """Within the margin of the first state, told meanwhile."""
    now = [0.0]
    emulated, phone, news = start(tmp_path, clock=lambda: now[0])
    phone.measure(model, Settings(), RULES)
    emulated.inject(Throttle(temperature_c=60.0))

    def cool_down():
        time.sleep(0.5)
        emulated.clear(Throttle)

    threading.Thread(target=cool_down, daemon=True).start()
    begin_s = time.monotonic()
    phone.rest(dataclasses.replace(RULES, rest_margin_c=2.0, rest_max_s=60.0))
    assert time.monotonic() - begin_s < 30
    assert any("too warm" in line for line in news)
    phone.close()


def test_a_rest_has_an_end(start, tmp_path, model):
    """A phone that stays warm is measured all the same after the longest rest."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    emulated.inject(Throttle(temperature_c=60.0))
    begin_s = time.monotonic()
    phone.rest(dataclasses.replace(RULES, rest_margin_c=1.0, rest_max_s=0.5))
    assert 0.4 < time.monotonic() - begin_s < 20
    phone.close()


# --- What a phone prints besides ----------------------------------------------------


@pytest.mark.parametrize("sdk", [23, 26])
def test_lines_that_a_phone_prints_besides_its_answers_change_nothing(start, tmp_path, model, sdk):
    """Greetings before and after, and warnings of every program: on Android 6 all in one stream."""
    outcomes = []
    greeting = Greeting("0-7\nCpus_allowed: 1\nno line end", "mmnet\nbye\n")
    for number, faults in enumerate(((), (greeting, LinkerWarning()))):
        folder = tmp_path / str(number)
        folder.mkdir()
        emulated, phone, news = start(folder, sdk=sdk, faults=faults)
        emulated.device.screen.on = False
        facts = phone.facts()
        outcomes.append(phone.measure(model, Settings(), RULES))
        phone.close()
        assert not emulated.device.screen.on and awake_settings(emulated) == AWAKE
        assert phone.clean() > model.stat().st_size
        assert not news
        outcomes.append(dataclasses.replace(facts, serial=""))
    plain, facts, chatty, chatty_facts = outcomes
    assert chatty_facts == facts and chatty.cores == plain.cores == (2, 3)
    for name in ("engine", "measurement", "flags", "cores", "init_us", "peak_memory_bytes"):
        assert getattr(chatty, name) == getattr(plain, name)
    for state in (chatty.before, chatty.after):
        missing = [it.name for it in dataclasses.fields(state) if getattr(state, it.name) is None]
        assert missing == ["thermal_status"]  # which Android has since version 10
        assert state.governors == plain.before.governors

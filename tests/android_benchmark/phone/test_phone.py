"""A phone as a device: pushes, cores, rests, and what is put back."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
import threading
import time

import pytest

from android_benchmark import RunRules, Settings, errors
from android_benchmark.emulator import (
    ChangeGovernor,
    EmulatedPhone,
    RestrictCores,
    Throttle,
    private_adb_server,
)
from android_benchmark.engines import stand_in
from android_benchmark.phone.adb import Adb, AdbDevice
from android_benchmark.phone.attached import attached_phones
from android_benchmark.phone.awake import Awake
from android_benchmark.phone.cores import CoresError
from android_benchmark.phone.phone import Phone
from android_benchmark.phone.workspace import FOLDER, Workspace

pytestmark = pytest.mark.skipif(
    shutil.which("adb") is None, reason="needs the adb program (Debian: apt install adb)"
)
RULES = RunRules(min_runs=1, min_duration_s=0.0)
AWAKE = {
    ("global", "stay_on_while_plugged_in"): "0",
    ("system", "screen_off_timeout"): "60000",
}


@pytest.fixture(scope="module")
def server():
    """An adb server of our own."""
    with private_adb_server() as server:
        yield server


@pytest.fixture
def start(server):
    """Start an emulated phone, and the device under test that drives it."""
    started = []

    def make(folder, *, stop=None, **options):
        emulated = EmulatedPhone(**options).start()
        started.append(emulated)
        server.connect(emulated.serial)
        adb = Adb(environment=server.environment, stop=stop)
        engine = stand_in.write_stand_in(folder / "engine")
        news: list[str] = []
        phone = Phone(adb, emulated.serial, engine, tell=news.append, patience_s=10.0)
        return emulated, phone, news

    yield make
    for emulated in started:
        server.run("disconnect", emulated.serial)
        emulated.close()


@pytest.fixture
def model(tmp_path):
    """Something to push; no engine here looks into it."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"a model" * 1000)
    return path


def _awake(emulated):
    return {key: emulated.device.settings.get(key) for key in AWAKE}


def _flags(outcome):
    return {flag.name: flag for flag in outcome.flags}


# --- Runs ----------------------------------------------------------------------


def test_a_run_brings_back_what_the_engine_and_the_phone_say(start, tmp_path, model):
    """Statistics, delegate, cores, the state before and after, and a good verdict."""
    _, phone, _ = start(tmp_path)
    outcome = phone.measure(model, Settings(), RULES)
    assert outcome.measurement.statistics.median_us == 56125
    assert (outcome.engine.delegate, outcome.engine.requested) == ("xnnpack", "xnnpack")
    assert outcome.engine.sha256 == hashlib.sha256((tmp_path / "engine").read_bytes()).hexdigest()
    assert outcome.cores == (2, 3)
    # A stand-in answered, as it says; nothing else is wrong.
    assert [flag.name for flag in outcome.flags if not flag.good] == ["real_engine"]
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
    assert _flags(outcome)["wrong_cores"].good
    phone.close()


def test_the_famous_mask_f0_is_refused_where_it_names_no_core(start, tmp_path, model):
    """On four cores it means none; nothing is run with it."""
    emulated, phone, _ = start(tmp_path)
    with pytest.raises(CoresError, match="Received: f0"):
        phone.measure(model, Settings(cores="f0"), RULES)
    assert _awake(emulated) == AWAKE


def test_cores_that_the_system_withholds_make_a_result_invalid(start, tmp_path, model):
    """A cpuset cuts the mask silently; the flag says what was wanted and what was given."""
    emulated, phone, _ = start(tmp_path)
    emulated.inject(RestrictCores(0b0111))
    outcome = phone.measure(model, Settings(), RULES)
    assert outcome.cores == (2,)
    assert _flags(outcome)["wrong_cores"].reason == "cores 2, 3 were wanted, the system gave 2"
    phone.close()


def test_more_threads_than_cores_of_the_mask_make_a_result_invalid(start, tmp_path, model):
    """They would take turns."""
    _, phone, _ = start(tmp_path)
    outcome = phone.measure(model, Settings(threads=2, cores="8"), RULES)
    assert "2 threads ran on 1 core" in _flags(outcome)["wrong_cores"].reason
    phone.close()


def test_a_phone_without_taskset_is_measured_and_flagged(start, tmp_path, model):
    """The run counts for what it is: not pinned."""
    _, phone, _ = start(tmp_path, missing=("taskset",))
    outcome = phone.measure(model, Settings(), RULES)
    assert not _flags(outcome)["wrong_cores"].good
    phone.close()


def test_throttling_and_a_changed_governor_make_a_result_invalid(start, tmp_path, model):
    """Each with what happened and what helps."""
    emulated, phone, _ = start(tmp_path)
    emulated.inject(
        Throttle(temperature_c=70.0, frequency_share=0.5), ChangeGovernor("powersave", after_s=0.6)
    )
    flags = _flags(phone.measure(model, Settings(), RULES))
    assert "may run at 1.0" in flags["throttled"].reason
    assert "let the phone cool down" in flags["throttled"].reason
    phone.close()


def test_a_delegate_that_is_skipped_is_not_credited(start, tmp_path, model):
    """The result says what ran, what was asked for, and that it fell back."""
    _, phone, _ = start(tmp_path)
    outcome = phone.measure(model, Settings(delegate="gpu"), RULES)
    assert (outcome.engine.delegate, outcome.engine.requested) == ("none", "gpu")
    assert not _flags(outcome)["fell_back"].good
    phone.close()


# --- Pushes ----------------------------------------------------------------------


def _pushes(emulated):
    return sum(name.startswith("sync:") for name in emulated.opened)


def test_what_is_on_the_phone_is_not_pushed_again(start, tmp_path, model):
    """Neither the engine nor a model; a file that was damaged there is."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    before = _pushes(emulated)
    phone.measure(model, Settings(), RULES)
    assert _pushes(emulated) == before
    (there,) = (emulated.root / FOLDER[1:]).glob("*.tflite")
    there.write_bytes(b"damaged")
    phone.measure(model, Settings(), RULES)
    assert _pushes(emulated) > before
    assert there.read_bytes() == model.read_bytes()
    phone.close()


@pytest.mark.parametrize("missing", [(), ("sha256sum",)])
def test_pushes_are_checked_with_the_hash_that_the_phone_has(start, tmp_path, model, missing):
    """Old phones have md5sum only."""
    emulated, phone, _ = start(tmp_path, missing=missing)
    phone.measure(model, Settings(), RULES)
    (there,) = (emulated.root / FOLDER[1:]).glob("*.tflite")
    assert there.read_bytes() == model.read_bytes()
    phone.close()


def test_a_phone_without_any_hash_is_refused(start, tmp_path, model):
    """A push that cannot be checked is no push."""
    _, phone, _ = start(tmp_path, missing=("sha256sum", "md5sum"))
    with pytest.raises(errors.RemoteError, match="neither sha256sum nor md5sum"):
        phone.measure(model, Settings(), RULES)


@pytest.mark.parametrize(
    "name", ["a b;$(reboot).tflite", "`id`.tflite", "-rf.tflite", "ü'\"\n.tflite", "a&b|c>d.tflite"]
)
def test_a_model_may_be_called_anything(start, tmp_path, model, name):
    """Its name never reaches the phone."""
    emulated, phone, _ = start(tmp_path)
    hostile = tmp_path / name
    shutil.copy(model, hostile)
    assert phone.measure(hostile, Settings(), RULES).measurement.runs == 50
    assert not any(name[:-7] in opened for opened in emulated.opened)
    phone.close()


def test_clean_removes_all_of_ours_and_nothing_else(start, tmp_path, model):
    """And says how much that was."""
    emulated, phone, _ = start(tmp_path)
    other = emulated.root / "data/local/tmp/other"
    other.write_text("mine")
    phone.measure(model, Settings(), RULES)
    size = sum(p.stat().st_size for p in (emulated.root / FOLDER[1:]).rglob("*") if p.is_file())
    phone.close()
    assert abs(phone.clean() - size) < 200  # the note of what was changed is gone before
    assert not (emulated.root / FOLDER[1:]).exists()
    assert other.read_text() == "mine"
    assert phone.clean() == 0


def test_a_workspace_quotes_its_folder(server, tmp_path):
    """A folder with a space and a command in its name is a folder."""
    with EmulatedPhone() as emulated:
        server.connect(emulated.serial)
        device = AdbDevice(Adb(environment=server.environment), emulated.serial)
        workspace = Workspace(device, "/data/local/tmp/a b;$(id)'")
        local = tmp_path / "x"
        local.write_bytes(b"content")
        workspace.push({"y z": local})
        assert (emulated.root / "data/local/tmp/a b;$(id)'/y z").read_bytes() == b"content"
        workspace.clean()
        assert not (emulated.root / "data/local/tmp/a b;$(id)'").exists()


# --- Awake -----------------------------------------------------------------------


def test_the_screen_is_kept_on_and_put_back(start, tmp_path, model):
    """A screen that was off is off again, and every setting has its first value."""
    emulated, phone, _ = start(tmp_path)
    emulated.device.screen.on = False
    outcome = phone.measure(model, Settings(), RULES)
    assert outcome.before.screen_on and outcome.after.screen_on
    assert _awake(emulated) != AWAKE
    phone.close()
    assert _awake(emulated) == AWAKE
    assert not emulated.device.screen.on


def test_a_setting_that_was_not_there_is_deleted_again(start, tmp_path, model):
    """`null` is not written as a value."""
    emulated, phone, _ = start(tmp_path)
    del emulated.device.settings["system", "screen_off_timeout"]
    phone.measure(model, Settings(), RULES)
    phone.close()
    assert ("system", "screen_off_timeout") not in emulated.device.settings


def test_what_an_earlier_computer_left_changed_is_put_back(start, server, tmp_path, model):
    """The first state counts, however often the harness died in between."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)  # and never closed
    engine = stand_in.write_stand_in(tmp_path / "another")
    again = Phone(Adb(environment=server.environment), emulated.serial, engine)
    again.measure(model, Settings(), RULES)
    again.close()
    assert _awake(emulated) == AWAKE


def test_restoring_twice_does_nothing_more(start, server, tmp_path):
    """There is nothing noted the second time."""
    emulated, _, _ = start(tmp_path)
    device = AdbDevice(Adb(environment=server.environment), emulated.serial)
    awake = Awake(device, "/data/local/tmp/changed")
    awake.keep()
    assert awake.restore()
    assert not awake.restore()
    assert _awake(emulated) == AWAKE


def test_what_was_changed_is_put_back_after_a_lost_connection(start, tmp_path, model):
    """The phone is waited for, then everything is as it was."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    emulated.unplug()
    threading.Timer(0.5, emulated.plug).start()
    phone.close()
    assert _awake(emulated) == AWAKE


def test_a_phone_that_stays_away_is_an_error(start, tmp_path, model):
    """Its note stays on it for the next time."""
    emulated, phone, _ = start(tmp_path)
    phone.measure(model, Settings(), RULES)
    emulated.unplug()
    phone._patience_s = 0.5
    with pytest.raises(errors.TransientError):
        phone.close()
    assert (emulated.root / FOLDER[1:] / "changed").is_file()


def test_stopping_ends_a_run_and_puts_things_back(start, tmp_path, model):
    """The engine is killed, and the settings are restored although adb was stopped."""
    stop = threading.Event()
    emulated, phone, _ = start(tmp_path, stop=stop)
    phone.measure(model, Settings(), RULES)

    def when_running():
        while not any("--graph" in str(p.arguments) for p in list(emulated.device.processes)):
            time.sleep(0.01)
        stop.set()

    threading.Thread(target=when_running, daemon=True).start()
    with pytest.raises(errors.StoppedError):
        phone.measure(model, Settings(), RULES)
    phone.close()
    assert _awake(emulated) == AWAKE
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


# --- Listing ----------------------------------------------------------------------


def test_attached_phones_are_described(start, server, tmp_path):
    """A phone that is ready says what it is; another one what to do about it."""
    emulated, phone, _ = start(tmp_path)
    with EmulatedPhone(keys=()) as locked:
        server.connect(locked.serial)
        deadline_s = time.monotonic() + 20
        while server.states().get(locked.serial) != "unauthorized":
            assert time.monotonic() < deadline_s
            time.sleep(0.05)
        found = {one.serial: one for one in attached_phones(phone.adb)}
        server.run("disconnect", locked.serial)
    assert found[emulated.serial].facts.processor == "msm8996"
    assert found[emulated.serial].state == "device"
    assert found[locked.serial].facts is None
    assert "accept" in found[locked.serial].advice

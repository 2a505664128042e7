"""`bench` and `devices` with phones: choice, sweeps, interruption, and the whole way at level 2."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

import models
from android_benchmark import emulator
from android_benchmark.emulator import EmulatedPhone, private_adb_server
from android_benchmark.engines import stand_in
from android_benchmark.phone import Adb
from android_benchmark.phone.adb import AdbDevice
from android_benchmark.phone.awake import Awake
from mmnet_deploy.cli import cli
from mmnet_deploy.errors import OutputError
from mmnet_deploy.results import store
from models import mmnet
from tests.support import counting, phone_faults, short_networks
from tests.support.emulated import AWAKE, awake_settings
from tests.support.int8 import quick_int8

pytestmark = pytest.mark.skipif(
    shutil.which("adb") is None, reason="needs the adb program (Debian: apt install adb)"
)


@pytest.fixture(scope="module")
def server():
    """An adb server of our own."""
    with private_adb_server() as server:
        yield server


@pytest.fixture
def phones(server):
    """Start as many phones as wanted."""
    with contextlib.ExitStack() as stack:

        def start(count, **options):
            started = [stack.enter_context(EmulatedPhone(**options)) for _ in range(count)]
            for phone in started:
                server.connect(phone.serial)
                stack.callback(server.run, "disconnect", phone.serial)
            return started

        yield start


@pytest.fixture
def run(server, tmp_path):
    """Run a command with that server, in this process."""
    stand_in.write_stand_in(tmp_path / "engine")

    def call(*words, **environment):
        hidden = {"ANDROID_SERIAL": None, "MMNET_BENCHMARK_MODEL": str(tmp_path / "engine")}
        result = CliRunner().invoke(
            cli, [str(word) for word in words], env=hidden | server.environment | environment
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    call.environment = server.environment
    return call


def _lose_a_session(run, phone):
    """Leave a phone as a session does that is killed while it measures."""
    device = AdbDevice(Adb(environment=run.environment), phone.serial)
    device.shell("mkdir -p /data/local/tmp/mmnet-deploy")
    Awake(device, "/data/local/tmp/mmnet-deploy/changed").keep()
    assert awake_settings(phone) != AWAKE


def _results(folder):
    return store.load([folder])


def _settings(records):
    return sorted((r.model.name, r.threads, r.engine.requested) for r in records)


QUICK = ("--preset", "quick")


def test_the_only_phone_needs_no_name(run, phones, tmp_path, tiny_models):
    """With exactly one, `--device` may be left out."""
    (phone,) = phones(1)
    result = run("bench", tiny_models["int8"], *QUICK, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (record,) = _results(tmp_path / "out")
    assert record.device.serial == phone.serial
    assert record.device.emulated


def test_android_serial_chooses(run, phones, tmp_path, tiny_models):
    """As it does for adb itself."""
    _, second = phones(2)
    words = ("bench", tiny_models["int8"], *QUICK, "-o", tmp_path / "out")
    result = run(*words, ANDROID_SERIAL=second.serial)
    assert result.exit_code == 0, result.output
    assert [r.device.serial for r in _results(tmp_path / "out")] == [second.serial]


@pytest.mark.parametrize("every", [False, True])
def test_several_phones_are_measured_at_once(run, phones, tmp_path, tiny_models, every):
    """Each by its own worker; their results stay apart."""
    serials = sorted(phone.serial for phone in phones(2))
    names = ["--all-devices"] if every else [w for s in serials for w in ("--device", s)]
    result = run("bench", tiny_models["int8"], *names, *QUICK, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert sorted(r.device.serial for r in _results(tmp_path / "out")) == serials


def test_a_lost_phone_does_not_disturb_another(run, phones, tmp_path, tiny_models):
    """The other's results are whole, and the exit code says that something failed."""
    good, bad = phones(2)
    bad.inject(emulator.NoExecution())
    names = ("--device", good.serial, "--device", bad.serial)
    result = run("bench", tiny_models["int8"], *names, *QUICK, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert f"Failed on {bad.serial}" in phone_faults.seen(result)
    assert [r.device.serial for r in _results(tmp_path / "out")] == [good.serial]


def test_a_sweep_covers_every_setting(run, phones, tmp_path, tiny_models):
    """Models × threads × delegates × repeats, in one call."""
    phones(1)
    models = (tiny_models["int8"], tiny_models["float32"])
    sweep = ("--threads", "1,2", "--delegate", "xnnpack,none,gpu", "--repeats", 2)
    result = run("bench", *models, *sweep, *QUICK, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    wanted = [
        (model.name, threads, delegate)
        for model in models
        for threads in (1, 2)
        for delegate in ("xnnpack", "none", "gpu")
    ]
    assert _settings(_results(tmp_path / "out")) == sorted(wanted * 2)
    assert "fell back" in result.output


def test_resume_runs_only_what_is_missing(run, phones, tmp_path, tiny_models):
    """A result that was lost is made again, and nothing else."""
    phones(1)
    words = ("bench", tiny_models["int8"], "--threads", "1,2", *QUICK, "-o", tmp_path / "out")
    assert run(*words).exit_code == 0
    files = sorted((tmp_path / "out").glob("benchmark-*.json"))
    before = {path: path.stat().st_mtime_ns for path in files[1:]}
    files[0].unlink()
    again = run(*words, "--resume")
    assert again.exit_code == 0, again.output
    assert "1 of 2 results are in" in again.output
    assert len(_results(tmp_path / "out")) == 2
    assert {path: path.stat().st_mtime_ns for path in files[1:]} == before
    assert "2 of 2 results are in" in run(*words, "--resume").output
    other = run(*words, "--resume", "--min-runs", 20)
    assert "0 of 2 results are in" in other.output


@pytest.mark.parametrize("measured_before", [False, True])
def test_resume_names_foreign_files_once_and_goes_on(
    run, phones, tmp_path, tiny_models, measured_before
):
    """JSON of other programs, damaged results and pipes are no results, and no reason to stop."""
    phones(1)
    out = tmp_path / "out"
    words = ("bench", tiny_models["int8"], *QUICK, "-o", out)
    if measured_before:
        assert run(*words).exit_code == 0
    out.mkdir(exist_ok=True)
    foreign = {"list": "[]", "object": '{"a": 1}', "cut": '{"kind": "bench', "empty": ""}
    for name, text in foreign.items():
        (out / f"{name}.json").write_text(text)
    os.mkfifo(out / "pipe.json")
    result = run(*words, "--resume")
    assert result.exit_code == 0, result.output
    assert f"{int(measured_before)} of 1 results are in" in result.output
    for name in (*foreign, "pipe"):
        assert result.output.count(f"{name}.json") == 1
    assert len(_results(out)) == 1


def test_clean_leaves_nothing_on_the_phone(run, phones, tmp_path, tiny_models):
    """With models after their runs, without models at once."""
    (phone,) = phones(1)
    ours = phone.root / "data/local/tmp/mmnet-deploy"
    words = ("bench", tiny_models["int8"], *QUICK, "-o", tmp_path / "out")
    assert run(*words).exit_code == 0
    assert ours.exists()
    result = run("bench", "--clean")
    assert (result.exit_code, ours.exists()) == (0, False)
    assert "MB removed" in result.output
    assert run(*words, "--clean").exit_code == 0
    assert not ours.exists()


def test_clean_needs_no_engine_and_puts_back_what_a_lost_session_changed(run, phones, tmp_path):
    """It is what a message tells a user to run."""
    (phone,) = phones(1)
    _lose_a_session(run, phone)
    result = run("bench", "--clean", "--device", phone.serial, MMNET_BENCHMARK_MODEL=None)
    assert result.exit_code == 0, result.output
    assert awake_settings(phone) == AWAKE


def test_options_that_cannot_be_kept_put_a_lost_session_back_all_the_same(
    run, phones, tmp_path, tiny_models
):
    """The phone was reached before the fault was found."""
    (phone,) = phones(1)
    _lose_a_session(run, phone)
    result = run("bench", tiny_models["int8"], "--threads", 64, "-o", tmp_path / "out")
    assert result.exit_code == 2 and "put back what a lost session had changed" in result.output
    assert awake_settings(phone) == AWAKE


def test_a_hostile_model_name_is_just_a_file(run, phones, tmp_path, tiny_models):
    """`a b;$(reboot).tflite` is measured like any other."""
    phones(1)
    hostile = tmp_path / "a b;$(reboot).tflite"
    shutil.copy(tiny_models["int8"], hostile)
    result = run("bench", hostile, *QUICK, "-o", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert [r.model.name for r in _results(tmp_path / "out")] == [hostile.name]


def test_the_chart_is_drawn_at_the_end(run, phones, tmp_path, tiny_models, portraits):
    """From the results and the evaluations that lie beside them."""
    phones(1)
    out = tmp_path / "out"
    for model in (tiny_models["float32"], tiny_models["int8"]):
        assert run("evaluate", model, "--data", portraits, "-o", out).exit_code == 0
    result = run("bench", *tiny_models.values(), *QUICK, "-o", out)
    assert result.exit_code == 0, result.output
    assert (out / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_a_result_that_cannot_be_stored_ends_the_sweep(
    run, phones, tmp_path, tiny_models, monkeypatch
):
    """One line, exit code 1, and the phone as it was: nothing is measured for nobody."""
    (phone,) = phones(1)
    whole = store.save

    def full(record, folder):
        if record.threads == 2:
            raise OutputError("Cannot write benchmark.json: No space left on device.")
        return whole(record, folder)

    monkeypatch.setattr(store, "save", full)
    out = tmp_path / "out"
    result = run("bench", tiny_models["int8"], "--threads", "1,2", *QUICK, "-o", out)
    assert result.exit_code == 1
    assert "Error: Cannot write benchmark.json: No space left" in phone_faults.seen(result)
    assert {r.threads for r in _results(out)} <= {1}
    assert phone.device.settings["global", "stay_on_while_plugged_in"] == "0"


def test_an_interruption_stores_and_puts_back(server, phones, tmp_path, tiny_models):
    """Ctrl-C during a run: exit code 130, the results so far, the phone as it was."""
    (phone,) = phones(1)
    engine = emulator.ScriptedEngine(
        (
            phone_faults.HELP,
            emulator.Reply(phone_faults.GOOD, when="--num_threads=1"),
            emulator.Reply(hang=True),
        )
    )
    (tmp_path / "engine").write_bytes(engine.to_bytes())
    seed = next(str(seed) for seed in range(100) if _first_threads(tiny_models["int8"], seed) == 1)
    words = ["bench", str(tiny_models["int8"]), "--threads", "1,2", "--seed", seed, *QUICK]
    words += ["--engine-binary", str(tmp_path / "engine"), "-o", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "mmnet_deploy", *words],
        env={**os.environ, **server.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline_s = time.monotonic() + 60
    while not any("num_threads=2" in str(p.arguments) for p in list(phone.device.processes)):
        assert time.monotonic() < deadline_s and process.poll() is None, process.communicate()
        time.sleep(0.02)
    assert phone.device.settings["global", "stay_on_while_plugged_in"] == "7"
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "`--resume` measures the rest" in " ".join(output.split())
    assert [r.threads for r in _results(tmp_path / "out")] == [1]
    assert phone.device.settings["global", "stay_on_while_plugged_in"] == "0"
    assert not any("--graph" in str(p.arguments) for p in list(phone.device.processes))


def _first_threads(model, seed):
    from android_benchmark import Settings
    from mmnet_deploy.benchmarking import sweep

    return sweep.plan([model], [Settings(1), Settings(2)], seed=seed)[0].settings.threads


# --- Listing ----------------------------------------------------------------------


def test_devices_lists_phones_the_emulated_one_and_this_computer(run, phones):
    """With state and, where something is to be done, advice; as a table and as JSON."""
    (phone,) = phones(1)
    (locked,) = phones(1, keys=())
    result = run("devices")
    assert result.exit_code == 0
    for word in (phone.serial, "msm8996", "arm64-v8a", "unauthorized", "emulated", "host"):
        assert word in result.output
    assert "accept this computer's key" in result.output
    rows = {row["serial"]: row for row in json.loads(run("devices", "--json").stdout)}
    assert rows[phone.serial]["state"] == "device"
    assert rows[locked.serial]["advice"]
    assert {"emulated", "host"} <= rows.keys()


def test_devices_without_adb_says_so_and_goes_on(run, tmp_path):
    """This computer is a device all the same."""
    result = run("devices", PATH=str(tmp_path))
    assert result.exit_code == 0
    assert "no adb program" in result.output
    assert "host" in result.output


# --- Engines -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "Cannot read the engine"), (b"#!/bin/sh\necho hello\n", "is not benchmark_model")],
)
def test_something_else_in_place_of_the_engine_is_one_line(
    run, phones, tmp_path, tiny_models, content, words
):
    """Whether it is not there, or another program."""
    phones(1)
    other = tmp_path / "other"
    if content:
        other.write_bytes(content)
    result = run(
        "bench", tiny_models["int8"], *QUICK, "--engine-binary", other, "-o", tmp_path / "out"
    )
    assert result.exit_code == 1
    assert words in phone_faults.seen(result)
    assert "Traceback" not in result.output


def test_an_emulated_result_never_stands_beside_a_real_one(run, phones, tmp_path, tiny_models):
    """The table says that its time is no phone's."""
    phones(1)
    result = run("bench", tiny_models["int8"], *QUICK, "-o", tmp_path / "out")
    assert "EMULATED" in result.output


def test_figures_of_a_stand_in_are_invalid(run, tmp_path, tiny_models):
    """Where no real engine can run, the emulated phone shows the way, and says that it lies."""
    words = ("bench", tiny_models["int8"], "--device", "emulated", "-o", tmp_path / "out")
    cache = str(tmp_path / "cache")
    result = run(*words, "--offline", MMNET_BENCHMARK_MODEL=None, MMNET_CACHE=cache)
    assert result.exit_code == 0, result.output
    assert "its figures are of no model" in phone_faults.seen(result)
    (record,) = _results(tmp_path / "out")
    assert [flag.name for flag in record.broken_rules] == ["measured"]


# --- Level 2 ------------------------------------------------------------------------


@pytest.fixture
def level_2():
    """Real arm64 programs run, and our own engine is there."""
    level = emulator.levels()[1]
    if not level.available:
        pytest.skip("; ".join(level.missing))
    counting.bundle()


def test_mmnet_runs_on_the_emulated_phone(call, level_2, portraits, tmp_path, monkeypatch):
    """Train, convert, evaluate, push, run real arm64 kernels, compare with this computer, draw."""
    quick_int8(monkeypatch)
    monkeypatch.setattr(mmnet, "BLOCKS", short_networks.MMNET)
    out, converted_to = tmp_path / "out", tmp_path / "models"
    training = models.build("mmnet", width_multiplier=0.5, input_size=64)
    logits = training.get_layer("logits")
    logits.kernel.assign(logits.kernel * 1e-3)
    models.inference_network(training).save(tmp_path / "mmnet.keras")
    converted = call(
        "convert", "mmnet.keras", "--precision", "float32", "--precision", "int8",
        "--representative", portraits, "-o", converted_to,
    )  # fmt: skip
    assert converted.exit_code == 0, converted.output
    files = sorted(converted_to.glob("*.tflite"))
    assert call("evaluate", *files, "--data", portraits, "-o", out).exit_code == 0
    result = call("bench", *files, "--device", "emulated", "--profile", "--find-culprit", "-o", out)
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert said.count("no culprit: cut after its last layers, it computes what it should") >= 1
    assert "is off" not in said
    records = [r for r in _results(out) if r.kind == "benchmark"]
    assert len(records) == 2
    for record in records:
        assert record.device.emulated and record.engine.name == "tflbench"
        assert record.engine.delegate == "xnnpack" and record.cores == (2, 3)
        assert record.output_difference.agrees, record.output_difference
        # A network that was not trained answers 0.5 everywhere, so its layers are compared below.
        assert not record.output_difference.conclusive
        assert len(record.measurement.samples_us) >= 10
        assert not [flag for flag in record.broken_rules if flag.name != "stable"]
    assert "emulation" in (out / "pareto.svg").read_text()
    assert (out / "pareto.png").read_bytes().startswith(b"\x89PNG")

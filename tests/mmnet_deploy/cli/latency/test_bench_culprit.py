"""`bench --find-culprit` and compared outputs on the emulated phone, with an engine at fault."""

from __future__ import annotations

import contextlib

import pytest
from click.testing import CliRunner

from android_benchmark import emulator
from android_benchmark.emulator import EmulatedPhone, private_adb_server
from mmnet_deploy.cli import cli
from mmnet_deploy.results import store
from tests.support import fault_engine
from tests.support.emulated import needs_adb
from tests.support.fault_engine import FaultEngine

pytestmark = needs_adb
GPU = ("--delegate", "gpu", "--preset", "quick")
PRINTING = tuple(name for name in fault_engine.FLAGS if name != "output_dir")


@pytest.fixture(scope="module")
def server():
    """An adb server of our own."""
    with private_adb_server() as server:
        yield server


@pytest.fixture
def bench(server, tmp_path):
    """Run `bench` on a phone with an engine; returns the result, its records, and the phone."""
    with contextlib.ExitStack() as stack:
        phones = []

        def call(engine, *words, programs=fault_engine.PROGRAMS):
            folder = tmp_path / "engine"
            if not phones:
                phones.append(stack.enter_context(EmulatedPhone(engines=engine.engines)))
                server.connect(phones[0].serial)
                stack.callback(server.run, "disconnect", phones[0].serial)
                engine.folder(folder, programs)
            (phone,) = phones
            options = ("--device", phone.serial, "--engine-binary", folder, "-o", tmp_path / "out")
            result = CliRunner().invoke(
                cli, ["bench", *map(str, (*words, *options))], env=server.environment
            )
            assert result.exception is None or isinstance(result.exception, SystemExit), result
            stored = list((tmp_path / "out").glob("*.json"))
            records = store.load([tmp_path / "out"]) if stored else []
            return " ".join(result.output.split()), result.exit_code, records, phone

        yield call


def test_a_faulty_layer_of_an_accelerator_is_named(bench, tiny_models):
    """The outputs differ, the layer is named with what it reads, and nothing is left behind."""
    engine = FaultEngine(fault_engine.other_pixel_centres)
    said, code, (record,), phone = bench(engine, tiny_models["float32"], *GPU, "--find-culprit")
    assert code == 0, said
    assert not record.output_difference.agrees and record.output_difference.conclusive
    assert "output_agrees" in {flag.name for flag in record.broken_rules}
    assert "the first layer whose output is off is " in said
    found = said.partition("the first layer whose output is off is ")[2]
    assert found.split()[1] == "RESIZE_BILINEAR"
    assert "What it reads, " in found and "is right. Found in " in found
    assert all("--accelerator=gpu" in words for words in engine.ran)
    work = phone.root / "data/local/tmp/mmnet-deploy"
    assert len(list(work.glob("*.tflite"))) == 1  # what was cut from it is gone
    assert not (work / "computed").exists()


@pytest.mark.parametrize(
    ("precision", "flags"), [("float32", fault_engine.FLAGS), ("int8", PRINTING)]
)
def test_right_outputs_agree(bench, tiny_models, precision, flags):
    """As files and as text; there is nothing to find then, and one run tells."""
    engine = FaultEngine(flags=flags)
    said, code, (record,), _ = bench(engine, tiny_models[precision], *GPU, "--find-culprit")
    assert code == 0, said
    assert record.output_difference.agrees and record.output_difference.conclusive
    assert record.broken_rules == ()
    assert "the output agrees with this computer's, so there is no culprit to find." in said
    assert len(engine.ran) == 1


@pytest.mark.parametrize(
    ("engine", "programs", "reason"),
    [
        (
            FaultEngine(),
            ("benchmark_model",),
            "benchmark_model hands out none; LiteRT's run_model beside it does",
        ),
        (
            FaultEngine(flags=("graph", "accelerator")),
            fault_engine.PROGRAMS,
            "this run_model is too old, it has no --input_dir",
        ),
        (
            FaultEngine(after=lambda values: values[:5]),
            fault_engine.PROGRAMS,
            "run_model must write",
        ),
        (
            FaultEngine(words="INFO: Though GPU delegate is explicitly applied, the model graph "
                        "will not be executed by the delegate.\n"),
            fault_engine.PROGRAMS,
            "gpu did not run the model",
        ),
    ],
)  # fmt: skip
def test_a_runner_that_cannot_costs_no_measurement(bench, tiny_models, engine, programs, reason):
    """The result is stored, with one line on why its outputs were not compared."""
    model = tiny_models["float32"]
    said, code, (record,), _ = bench(engine, model, *GPU, "--find-culprit", programs=programs)
    assert code == 1  # a search was asked for, and could not be made
    assert record.output_difference is None
    assert reason in record.outputs_not_compared
    assert f"outputs were not compared: {reason}" in said
    assert f"no search for a culprit: {reason}" in said


def test_stored_results_are_searched_without_measuring_again(bench, tiny_models):
    """`--resume` finds them; the search is what was asked for."""
    engine = FaultEngine(fault_engine.other_pixel_centres)
    said, _, (record,), _ = bench(engine, tiny_models["float32"], *GPU)
    assert not record.output_difference.agrees and "the first layer" not in said
    again = ("--resume", "--find-culprit")
    said, code, records, _ = bench(engine, tiny_models["float32"], *GPU, *again)
    assert (code, records) == (0, [record]), said
    assert "0 to go" in said and "the first layer whose output is off is " in said


def test_a_layer_that_crashes_the_engine_is_named(bench, tiny_models):
    """The failure stays one, with the layer beside it."""
    engine = FaultEngine(fault_engine.crash_on("RESIZE_BILINEAR"))
    said, code, records, _ = bench(engine, tiny_models["float32"], *GPU, "--find-culprit")
    assert (code, records) == (1, [])
    assert "the first layer that the engine fails on is " in said
    assert "RESIZE_BILINEAR" in said.partition("the engine fails on is ")[2][:30]


def test_a_phone_that_goes_away_during_the_search_loses_nothing(bench, tiny_models, monkeypatch):
    """What was measured is stored; the failure is said."""
    engine = FaultEngine(fault_engine.other_pixel_centres)
    whole = engine.run

    async def run(program, files, io, process):
        if len(engine.ran) == 2:
            phone.device.faults.inject(emulator.RefuseService("shell"))
        return await whole(program, files, io, process)

    phone = None
    original = EmulatedPhone.start

    def start(self):
        nonlocal phone
        phone = original(self)
        return phone

    monkeypatch.setattr(EmulatedPhone, "start", start)
    monkeypatch.setattr(engine, "run", run)
    model = tiny_models["float32"]
    said, code, records, _ = bench(engine, model, *GPU, "--find-culprit", "--patience", 0)
    assert code == 1 and len(records) == 1, said
    assert "Failed on " in said


def test_this_computer_has_no_culprit(call, tiny_models):
    """It is what phones are compared with."""
    result = call("bench", tiny_models["int8"], "--device", "host", "--find-culprit")
    assert result.exit_code == 2
    assert "`--find-culprit` compares what a phone computes with what this computer does" in (
        result.output
    )

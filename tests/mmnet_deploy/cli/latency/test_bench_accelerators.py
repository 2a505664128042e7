"""`bench` with an engine of LiteRT 2: what ran is what is stored, and what it lacks is one line."""

from __future__ import annotations

import shutil

import pytest
from click.testing import CliRunner

from android_benchmark.emulator import EmulatedPhone, private_adb_server
from mmnet_deploy.cli import cli
from mmnet_deploy.results import store
from tests.support import litert_engine
from tests.support.phone_faults import seen

pytestmark = pytest.mark.skipif(
    shutil.which("adb") is None, reason="needs the adb program (Debian: apt install adb)"
)


@pytest.fixture(scope="module")
def phone():
    """An emulated phone with an adb server of its own."""
    with private_adb_server() as server, EmulatedPhone() as phone:
        server.connect(phone.serial)
        phone.environment = server.environment
        yield phone


@pytest.fixture
def bench(phone, tmp_path, tiny_models):
    """Measure a model; returns what the user sees, and the results that are there now."""
    hidden = {"ANDROID_SERIAL": None, "MMNET_BENCHMARK_MODEL": None}

    def call(*words, model="int8"):
        fixed = ["bench", tiny_models[model], "--preset", "quick", "-o", tmp_path / "out"]
        result = CliRunner().invoke(
            cli, [str(word) for word in (*fixed, *words)], env=hidden | phone.environment
        )
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        there = any((tmp_path / "out").glob("benchmark-*.json"))
        return result, store.load([tmp_path / "out"]) if there else []

    return call


@pytest.fixture
def engine(tmp_path):
    """Write an engine; returns the words that choose it."""

    def write(*libraries, **options):
        folder = litert_engine.write_engine(tmp_path / "engine", libraries, **options)
        return ["--engine-binary", folder]

    return write


def test_a_gpu_is_stored_with_all_that_it_ran_on(bench, engine):
    """Its library was pushed and found; backend, precision and flags are conditions."""
    chosen = engine(*litert_engine.GPU)
    result, (record,) = bench(*chosen, "--delegate", "gpu")
    assert result.exit_code == 0, result.output
    assert "gpu, OpenCL, 1 thread" in seen(result)
    assert (record.engine.delegate, record.engine.backend) == ("gpu", "OpenCL")
    assert sorted(record.engine.libraries) == sorted(litert_engine.GPU)
    assert record.engine.origin and not record.broken_rules

    other = ("--delegate-precision", "fp32", "--engine-flag", "--gpu_backend=gl", "--resume")
    result, records = bench(*chosen, "--delegate", "gpu", *other)
    assert "0 of 1 results are in" in result.output
    assert "OpenGL, fp32, gpu_backend=gl" in seen(result)
    assert len(records) == 2
    told = {(r.engine.backend, r.delegate_precision, r.engine_flags) for r in records}
    assert told == {("OpenCL", "", ()), ("OpenGL", "fp32", ("gpu_backend=gl",))}

    result, records = bench(*chosen, "--delegate", "gpu", *other)
    assert "1 of 1 results are in" in result.output and len(records) == 2


def test_an_npu_is_stored_with_the_name_that_the_engine_gives(bench, engine):
    """Its libraries were found in the folder that the flags name."""
    result, (record,) = bench(*engine(*litert_engine.NPU), "--delegate", "npu")
    assert result.exit_code == 0, result.output
    assert (record.engine.delegate, record.engine.backend) == ("npu", "Qualcomm HTP")
    assert (record.engine.nodes, record.engine.delegated_nodes) == (1166, 1166)
    assert not record.broken_rules


def test_what_the_engine_lacks_is_one_line_before_anything_is_measured(bench, engine):
    """However many runs it would have been."""
    words = ("--engine-flag", "num_runs=3", "--threads", "1,2", "--repeats", 2)
    result, records = bench(*engine(), *words)
    assert (result.exit_code, records) == (1, [])
    (line,) = [line for line in result.output.splitlines() if line.startswith("Failed on")]
    assert "4 runs not made" in line and "`--min-runs` sets `num_runs`" in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine-flag", "gpu_backend"), "must be NAME=VALUE"),
        (("--engine-flag", "=3"), "must be NAME=VALUE"),
        (("--engine-flag", "a=1", "--engine-flag", "a=2"), "must give a flag one value"),
        (("--engine-flag", "a=1\n2"), "must have a value of one line"),
        (("--engine-binary", ""), "leave the option out for the official engine"),
        (("--device", "host", "--delegate-precision", "fp32"), "left out on this computer"),
        (("--device", "host", "--engine-flag", "a=1"), "left out on this computer"),
    ],
)
def test_what_no_engine_could_take_is_one_line(bench, words, said):
    """Nothing is looked at on any phone."""
    result, records = bench(*words)
    assert (result.exit_code, records) == (2, [])
    assert said in seen(result)

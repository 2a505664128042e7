"""Counting real models under emulation: exact, attributed, and clear about what fails."""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import flatbuffers
import pytest

from android_benchmark import errors
from android_benchmark.cost import CPUS, CostToolsError, count, find_tools
from mmnet_deploy.benchmarking import cost
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.results.record_json import from_json, to_json
from mmnet_deploy.tflite.half_precision import HALF, with_entry
from tests.support import counting
from tests.support.networks import conv, converted_network


@pytest.fixture(scope="module")
def tools():
    """qemu, the counter and the engine."""
    return counting.tools()


def test_who_stops_early_ends_the_emulators(monkeypatch):
    """The counts under way are told to stop, and those that wait do not begin."""
    begun, stopped = [], []

    def measure(model, *, stop, **options):
        begun.append(model)
        if len(begun) == 1:
            return "counted"
        assert stop.wait(30)
        stopped.append(model)
        raise errors.StoppedError("Stopped.")

    monkeypatch.setattr(cost, "measure", measure)
    models = [Path(f"{number}.tflite") for number in range(5)]
    options = {"cpus": ["max"], "delegate": "none", "timeout_s": 60.0, "jobs": 2}
    counting = cost.measure_all(models, None, **options)
    assert next(counting) == (models[0], "max", "counted")
    counting.close()
    assert len(stopped) == len(begun) - 1 < 4


def test_ten_counts_are_equal_to_the_last_instruction(tools, tiny_models, tmp_path, monkeypatch):
    """Neither a busy core, nor a large environment, nor another folder changes a count."""
    model = tiny_models["int8"]
    first = count(model, tools)
    busy = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        counts = [count(model, tools, trace=False) for _ in range(3)]
        monkeypatch.setenv("PADDING", "x" * 100_000)
        monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
        monkeypatch.setenv("QEMU_CPU", "max")
        counts += [count(model, tools, trace=False) for _ in range(3)]
        deep = tmp_path / ("a" * 100) / "b, c=d" / ("ü" * 30)
        deep.mkdir(parents=True)
        shutil.copy(model, deep / "another name, longer than the first one.tflite")
        monkeypatch.setenv("TMPDIR", str(deep))
        monkeypatch.setattr("tempfile.tempdir", None)
        monkeypatch.chdir(deep)
        counts += [count(next(deep.glob("*.tflite")), tools) for _ in range(3)]
    finally:
        busy.kill()
        busy.wait()
    assert {found.runs for found in (first, *counts)} == {first.runs}
    assert len(set(first.runs)) == 1


def test_built_in_kernels_do_not_depend_on_time(tools, tiny_models):
    """Built-in kernels, which look at the clock, count the same on a busy computer."""
    calm = count(tiny_models["float32"], tools, delegate="none")
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(3)]
    try:
        found = count(tiny_models["float32"], tools, delegate="none")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert found.runs == calm.runs and len(set(calm.runs)) == 1


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
def test_operators_account_for_the_inference(tools, tiny_models, precision, delegate):
    """Instructions by operator add up to those of the inference, but for the runtime's own."""
    found = cost.measure(tiny_models[precision], tools, delegate=delegate)
    assert found.operators_missing == "" and found.operators
    total = sum(operator.instructions for operator in found.operators)
    assert total == pytest.approx(found.counts.total, rel=0.05)
    assert any(operator.inside_delegate for operator in found.operators) == (delegate == "xnnpack")
    assert found.precision == precision and found.engine.delegate == delegate
    assert (found.counts.fma > 0) == (precision == "float32")
    assert found.computes_in == precision
    assert from_json(to_json(found)) == found


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Two convolutions of 32 channels, in a file that allows half precision and in one that does
    not: with few channels, float16 takes more instructions than float32."""
    plain = converted_network(lambda image: conv(32)(conv(32, 3)(image)), shape=(16, 16, 3))
    folder = tmp_path_factory.mktemp("wide")
    contents = {"plain": plain, "allowing": with_entry(plain, HALF)}
    for name, content in contents.items():
        (folder / f"{name}.tflite").write_bytes(content)
    return {name: folder / f"{name}.tflite" for name in contents}


@pytest.mark.parametrize("cpu", CPUS)
def test_half_precision_is_what_the_core_can_do(tools, wide, cpu):
    """With fp16 arithmetic, a file that allows half precision takes fewer instructions than one
    that does not; without, the same. Each core has an identity of its own."""
    core = CPUS[cpu]
    found = cost.measure(wide["allowing"], tools, cpu=cpu, operators=False)
    usual = count(wide["plain"], tools, cpu=cpu, trace=False).per_inference.total
    if core.fp16_arithmetic:
        assert found.counts.total < 0.8 * usual
    else:
        assert found.counts.total == usual > 10_000
    assert found.computes_in == ("float16" if core.fp16_arithmetic else "float32")
    assert (found.cpu, found.cpu_title) == (cpu, core.title)
    assert found.identity == core.identity.name


def test_choices_are_checked(tools, tiny_models):
    """An unknown core or delegate is refused with those that there are."""
    with pytest.raises(ValueError, match="cortex-a53"):
        count(tiny_models["float32"], tools, cpu="cortex-a9")
    with pytest.raises(ValueError, match="xnnpack, none"):
        count(tiny_models["float32"], tools, delegate="gpu")


# --- What fails --------------------------------------------------------------


def test_not_a_model(tools, tmp_path):
    """A file that is no TFLite file, is cut off or is missing is refused before it runs."""
    other = tmp_path / "other.tflite"
    other.write_bytes(b"not a model at all")
    with pytest.raises(errors.ModelRefusedError, match="not a TFLite file"):
        count(other, tools)
    with pytest.raises(errors.ModelRefusedError, match="Cannot read"):
        count(tmp_path / "none.tflite", tools)
    other.write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    with pytest.raises(ModelFileError, match="damaged"):
        cost.measure(other, tools)


def test_an_operator_that_the_runtime_lacks_is_named(tools, tiny_models, tmp_path):
    """The runtime's own word for what it lacks is in the message."""
    from mmnet_deploy.tflite.runtime import schema

    content = tiny_models["float32"].read_bytes()
    model = schema().ModelT.InitFromPackedBuf(content)
    code = model.operatorCodes[model.subgraphs[0].operators[-1].opcodeIndex]
    code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, "Sparkle"
    model.subgraphs[0].operators[-1].builtinOptionsType = 0
    model.subgraphs[0].operators[-1].builtinOptions = None
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "custom.tflite"
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(errors.ModelRefusedError, match="Sparkle"):
        count(path, tools)


@counting.needs_cross
def test_a_crash_names_its_signal(tools, tiny_models, tmp_path):
    """An engine that a signal ends is one line with the signal's name."""
    bundle = tmp_path / "engine"
    shutil.copytree(counting.bundle(), bundle)
    (tmp_path / "crash.c").write_text("int main(void) { *(volatile int *)8 = 1; return 0; }\n")
    subprocess.run([counting.CROSS, "-o", bundle / "tflbench", tmp_path / "crash.c"], check=True)
    manifest = json.loads((bundle / "manifest.json").read_text())
    digest = hashlib.sha256((bundle / "tflbench").read_bytes()).hexdigest()
    manifest["files"]["tflbench"]["sha256"] = digest
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    broken = find_tools(bundle, counting.counter())
    with pytest.raises(errors.EngineCrashedError, match="SIGSEGV"):
        count(tiny_models["float32"], broken)


def _children():
    """Names of this process's children."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # It ended meanwhile.
            name, rest = path.read_text().split("(", 1)[1].rsplit(")", 1)
            if int(rest.split()[1]) == os.getpid():
                found.append(name)
    return found


def test_time_limit_and_stop_end_the_emulator(tools, tiny_models):
    """Past its limit, or when it is asked to stop, no emulator is left behind."""
    with pytest.raises(errors.EngineHungError, match=r"0\.01 s"):
        count(tiny_models["float32"], tools, timeout_s=0.01)
    stop = threading.Event()
    stop.set()
    with pytest.raises(errors.StoppedError):
        count(tiny_models["float32"], tools, stop=stop)
    assert not [name for name in _children() if name.startswith("qemu")]


def test_a_counter_that_qemu_does_not_take_is_told(tools, tiny_models, tmp_path):
    """A plugin of another kind is one line with what qemu says of it."""
    (tmp_path / "libcost.so").write_bytes(b"no library")
    broken = dataclasses.replace(tools, plugin=tmp_path / "libcost.so")
    with pytest.raises(errors.EngineFileError, match="does not load the instruction counter"):
        count(tiny_models["float32"], broken)


def test_missing_tools_are_all_named(tmp_path, monkeypatch):
    """Without the programs, one message says how to get each."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CostToolsError) as caught:
        find_tools(tmp_path / "engine", tmp_path / "cost")
    for word in ("apt-get install qemu-user", "mmnet-deploy engines build counter"):
        assert word in str(caught.value)


def test_an_emulator_without_plugins_is_refused(tmp_path, monkeypatch):
    """A static qemu, which takes no plugins, is told from a dynamic one."""
    counting.require_programs()
    fake = tmp_path / "qemu-aarch64"
    fake.write_text("#!/bin/sh\necho 'qemu-aarch64 version 7.2.0'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(CostToolsError, match="takes no plugins"):
        find_tools(counting.bundle(), counting.counter())

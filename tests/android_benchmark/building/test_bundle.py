"""The arm64 bundle: what it holds, that it is reproducible, that it computes what the host does."""

import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest

from android_benchmark.building import (
    MANIFEST,
    BuildError,
    assemble,
    build,
    bundle_name,
    parts,
    program,
)
from android_benchmark.building.bundle import needed_libraries
from android_benchmark.engines import Tflbench, tflbench
from mmnet_deploy.benchmarking.outputs import differences
from mmnet_deploy.engines import own_parts
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.progress import quiet, silent
from mmnet_deploy.tflite.graph import Graph
from tests.support import ROOT, counting

QEMU = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
needs_emulator = pytest.mark.skipif(
    QEMU is None, reason="needs qemu-aarch64-static (Debian: apt install qemu-user-static)"
)


@pytest.fixture(scope="module")
def bundle():
    """The bundle without a compiler, in the tests' cache; tests must not change it."""
    return counting.bundle()


@pytest.fixture(scope="module")
def wheel():
    """The pinned runtime, which is downloaded if only the bundle made of it is in the cache."""
    part = next(one for one in own_parts.everything() if one.name == parts.WHEEL)
    try:
        own_parts.have([part], offline=False, progress=silent, tell=quiet)
    except DownloadError as error:
        pytest.skip(f"needs a package index, once: {error}")
    return part.path


@pytest.fixture(scope="module")
def built(wheel, tmp_path_factory):
    """A bundle that the cross compiler here made."""
    if shutil.which(counting.CROSS) is None:
        pytest.skip(f"needs {counting.CROSS}")
    folder = tmp_path_factory.mktemp("built")
    build(folder, wheel)
    return folder


# --- Bundle ------------------------------------------------------------------


def test_manifest_describes_every_file(bundle):
    """Each file but the manifest stands there with its size, its hash and its origin."""
    manifest = json.loads((bundle / MANIFEST).read_text())
    files = {path.name: path for path in bundle.iterdir() if path.name != MANIFEST}
    assert manifest["files"].keys() == files.keys()
    for name, facts in manifest["files"].items():
        content = files[name].read_bytes()
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
        assert facts["size_bytes"] == len(content) and facts["origin"]
    assert manifest["verified_on_phone"] is False
    assert str(ROOT) not in (bundle / MANIFEST).read_text()


def test_every_needed_library_is_there(built, bundle):
    """Whatever a file of a bundle asks for is in the bundle, and nothing else."""
    for folder in (built, bundle):
        names = {path.name for path in folder.iterdir()} - {MANIFEST}
        needed = {name for file in names for name in needed_libraries(folder / file)}
        assert needed <= names
        assert names - needed <= {"tflbench", parts.RUNTIME, parts.LOADER}


def test_engine_tells_what_it_is_made_of(bundle):
    """Results get the hash of each library, and where the program came from."""
    engine = Tflbench(bundle)
    assert engine.libraries[parts.RUNTIME] and "tflbench" not in engine.libraries
    assert engine.origin


def test_bundle_is_reproducible(built, wheel, tmp_path, monkeypatch):
    """From another place, the same sources and compiler give the same bytes."""
    shutil.copytree(program.NATIVE, tmp_path / "native")
    monkeypatch.setattr(program, "NATIVE", tmp_path / "native")
    (tmp_path / "again").mkdir()
    build(tmp_path / "again", wheel)
    for path in built.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name
        assert path.stat().st_mode == (tmp_path / "again" / path.name).stat().st_mode


def test_other_sources_have_another_name(tmp_path, monkeypatch):
    """A bundle of other sources, headers included, lies in another folder of the cache."""
    before = bundle_name()
    shutil.copytree(program.NATIVE, tmp_path / "native")
    monkeypatch.setattr(program, "NATIVE", tmp_path / "native")
    assert bundle_name() == before
    with (tmp_path / "native" / "clock.h").open("a") as file:
        file.write("/* changed */\n")
    assert bundle_name() != before


# --- What is missing is said -------------------------------------------------


def test_missing_compiler_is_named(monkeypatch, tmp_path):
    """Without a cross compiler the message names it and the package that has it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"aarch64-linux-gnu-gcc.*apt-get install gcc-aarch64"):
        build(tmp_path, tmp_path / parts.WHEEL)


def test_wrong_wheel_is_refused(tmp_path):
    """A wheel of another content is not unpacked; both hashes are told."""
    wrong = tmp_path / parts.WHEEL
    wrong.write_bytes(b"other")
    with pytest.raises(BuildError, match=hashlib.sha256(b"other").hexdigest()) as caught:
        assemble(tmp_path, wrong, {})
    assert parts.WHEEL_SHA256 in str(caught.value)
    with pytest.raises(BuildError, match=r"Cannot read .*absent\.whl"):
        assemble(tmp_path, tmp_path / "absent.whl", {})


def test_compiler_message_is_passed_on(monkeypatch, wheel, tmp_path):
    """Sources that do not compile are told in the compiler's words."""
    if shutil.which(counting.CROSS) is None:
        pytest.skip(f"needs {counting.CROSS}")
    (tmp_path / "tflbench.c").write_text('#define TFLBENCH_VERSION "0"\nint main(void) { oops }\n')
    monkeypatch.setattr(program, "NATIVE", tmp_path)
    (tmp_path / "out").mkdir()
    with pytest.raises(BuildError, match="oops"):
        build(tmp_path / "out", wheel)


# --- The same numbers as the host's ------------------------------------------

CORES = 4


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    """The files by which XNNPACK tells cores apart, for qemu to lay over the system's."""
    root = tmp_path_factory.mktemp("identity")
    cpu = root / "sys/devices/system/cpu"
    for core in range(CORES):
        (cpu / f"cpu{core}/topology").mkdir(parents=True)
        (cpu / f"cpu{core}/topology/physical_package_id").write_text("0\n")
        (cpu / f"cpu{core}/cpufreq").mkdir()
        (cpu / f"cpu{core}/cpufreq/cpuinfo_max_freq").write_text("1593600\n")
        (cpu / f"cpu{core}/cpufreq/cpuinfo_min_freq").write_text("307200\n")
    for name in ("possible", "present", "online"):
        (cpu / name).write_text(f"0-{CORES - 1}\n")
    (root / "proc").mkdir()
    core = "processor\t: {}\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32\n"
    core += "CPU implementer\t: 0x51\nCPU architecture: 8\nCPU variant\t: 0x2\n"
    core += "CPU part\t: 0x201\nCPU revision\t: 1\n\n"
    text = "".join(core.format(number) for number in range(CORES))
    (root / "proc/cpuinfo").write_text(text)
    return root


@pytest.fixture(scope="module")
def models(tiny_models, tmp_path_factory):
    """A network in float32 and int8, and an input for each."""
    folder = tmp_path_factory.mktemp("models")
    image = np.random.default_rng(7).random((1, 32, 32, 3), np.float32)
    for precision in ("float32", "int8"):
        shutil.copy(tiny_models[precision], folder / f"{precision}.tflite")
    (folder / "float32.raw").write_bytes(image.tobytes())
    (folder / "int8.raw").write_bytes(np.round(image * 255).astype(np.uint8).tobytes())
    return folder


def _host_output(model, raw):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model))
    interpreter.allocate_tensors()
    facts = interpreter.get_input_details()[0]
    values = np.frombuffer(raw.read_bytes(), facts["dtype"]).reshape(facts["shape"])
    interpreter.set_tensor(facts["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes()


def _run_emulated(bundle, identity, *options):
    command = [QEMU, "-cpu", "cortex-a57", "-L", identity]
    command += [bundle / "ld-linux-aarch64.so.1", "--library-path", bundle, bundle / "tflbench"]
    command += [f"--library={bundle / parts.RUNTIME}", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return tflbench.parse(done.stdout, done.stderr, done.returncode)


@needs_emulator
@pytest.mark.parametrize(("precision", "dtype"), [("float32", "float32"), ("int8", "uint8")])
def test_emulated_output_is_the_hosts(precision, dtype, bundle, identity, models, tmp_path):
    """On arm64 with XNNPACK the outputs are the host's: 1e-4 in float32, one step in int8."""
    model, raw = models / f"{precision}.tflite", models / f"{precision}.raw"
    out = tmp_path / "out.raw"
    report = _run_emulated(
        bundle,
        identity,
        *(f"--graph={model}", f"--input={raw}", f"--output={out}", "--use_xnnpack"),
        *("--num_runs=2", "--min_secs=0", "--warmup_min_secs=0", "--enable_op_profiling"),
    )
    assert (report.complete, report.problems) == (True, ())
    assert report.delegate.name == "XNNPACK"
    assert 0 < report.delegate.delegated_nodes <= report.delegate.nodes
    assert len(report.samples_ns) == 2 and report.op_profile.ops
    assert (report.outputs[0].dtype, report.outputs[0].shape) == (dtype, (1, 32, 32, 1))
    host, own = (np.frombuffer(it, dtype) for it in (_host_output(model, raw), out.read_bytes()))
    allowed = differences.tolerance(dtype, host, precision)
    difference = differences.compare(host, own, allowed)
    assert difference.elements == 32 * 32
    assert difference.agrees and difference.conclusive, difference


@needs_emulator
def test_library_runs_without_delegate(bundle, identity, models, tmp_path):
    """Unless XNNPACK is asked for, the library's own kernels run, one operator per node."""
    report = _run_emulated(
        bundle,
        identity,
        *(f"--graph={models / 'int8.tflite'}", "--num_runs=1", "--min_secs=0"),
        *("--warmup_min_secs=0", "--enable_op_profiling"),
    )
    assert report.complete and report.delegate.name is None
    names = [op.name for op in report.op_profile.ops]
    graph = Graph.from_bytes((models / "int8.tflite").read_bytes(), "int8")
    assert names.count("CONV_2D") == len([op for op in graph.ops if op.kind == "CONV_2D"]) > 0
    assert not any(op.inside_delegate for op in report.op_profile.ops)


@needs_emulator
def test_file_that_is_no_model_is_a_failure(bundle, identity, tmp_path):
    """A damaged model ends the engine with its own message, not with a crash."""
    (tmp_path / "damaged.tflite").write_bytes(b"TFL3" * 100)
    report = _run_emulated(bundle, identity, f"--graph={tmp_path / 'damaged.tflite'}")
    assert not report.complete
    assert "the engine ended with exit code 1" in report.problems
    assert any("the model cannot be loaded" in problem for problem in report.problems)

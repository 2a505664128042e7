"""The engine's command line: options, files, and how each failure ends."""

import subprocess
from pathlib import Path

import pytest

from android_benchmark.engines import tflbench
from android_benchmark.engines.tflbench.parser import FORMAT
from android_benchmark.engines.tflbench.record import Start
from tests.support.native_engine import BRIEF, needs_gcc, only_line

pytestmark = needs_gcc


@pytest.mark.parametrize("options", [("--help",), ("--version",), ("--graph=x", "--help")])
def test_help_needs_no_model(bench, options):
    """--help names every option, --version both versions; neither wants a file."""
    done = subprocess.run([bench.engine, *options], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    if "--help" in options:
        for field in Start.__dataclass_fields__:
            if field not in ("format", "version", "runtime"):
                assert f"--{field} " in done.stdout
        assert "--input" in done.stdout and "--output" in done.stdout
    else:
        assert f"output format {FORMAT}" in done.stdout


# --- Input and output --------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "dtype", "size"), [(1, "float32", 32), (9, "int8", 8), (4, "int64", 64)]
)
def test_noise_can_be_made_on_the_host(bench, tmp_path, number, dtype, size):
    """Without --input, the network gets the bytes that `noise` makes."""
    out = tmp_path / "out.raw"
    report = bench.report(*BRIEF, f"--output={out}", model=f"type={number}")
    assert report.inputs[0].source == "noise"
    assert (report.outputs[0].dtype, report.outputs[0].size_bytes) == (dtype, size)
    assert out.read_bytes() == tflbench.noise(dtype, size)
    assert list(tmp_path.iterdir()) == [out]


def test_input_comes_from_a_file(bench, tmp_path):
    """With --input, the network gets the file's bytes, and equal bytes have equal digests."""
    bytes_in, out = bytes(range(32)), tmp_path / "out.raw"
    (tmp_path / "in.raw").write_bytes(bytes_in)
    report = bench.report(*BRIEF, "--input", str(tmp_path / "in.raw"), "--output", str(out))
    assert report.inputs[0].source == "file"
    assert out.read_bytes() == bytes_in
    assert report.inputs[0].fnv1a64 == report.outputs[0].fnv1a64 == _fnv1a64(bytes_in)


def _fnv1a64(data):
    digest = 0xCBF29CE484222325
    for byte in data:
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return f"{digest:016x}"


@pytest.mark.parametrize(("size", "words"), [(31, "too short"), (33, "longer than"), (0, "short")])
def test_input_of_another_size_is_wrong_usage(bench, tmp_path, size, words):
    """A file that is not the inputs' size ends the run with exit code 2, nothing measured."""
    path = tmp_path / "in.raw"
    path.write_bytes(bytes(size))
    done = bench.run(*BRIEF, f"--input={path}")
    assert done.returncode == 2 and words in only_line(done)
    assert '"runs"' not in done.stdout


def test_type_without_noise_needs_a_file(bench, tmp_path):
    """Noise is not made up for a type whose values it may not fit."""
    done = bench.run(*BRIEF, model="type=6")
    assert done.returncode == 2 and "type bool" in only_line(done)
    path = tmp_path / "in.raw"
    path.write_bytes(bytes([0, 1] * 4))
    assert bench.report(*BRIEF, f"--input={path}", model="type=6").complete


def test_output_that_cannot_be_written_is_told(bench, tmp_path):
    """A folder in place of the output file costs the file, not the samples."""
    (tmp_path / "out.raw").mkdir()
    done = bench.run(*BRIEF, f"--output={tmp_path / 'out.raw'}")
    assert done.returncode == 1 and "cannot be written" in only_line(done)
    assert len(tflbench.parse(done.stdout, done.stderr, 1).samples_ns) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["out.raw"]


# --- Wrong usage -------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--threads=2"], "unknown option"),
        (["--num_thread=2"], "unknown option"),
        (["-h"], "begin with `--`"),
        (["graph.tflite"], "begin with `--`"),
        (["--num_runs"], "needs a value"),
        (["--num_runs=0"], "from 1 to 1000000. Received: 0."),
        (["--num_runs=ten"], "Received: ten."),
        (["--num_runs="], "whole number"),
        (["--num_runs=5x"], "Received: 5x."),
        (["--num_runs=99999999999999999999"], "whole number"),
        (["--num_threads=-1"], "from 1 to 256"),
        (["--min_secs=nan"], "seconds from 0"),
        (["--min_secs=-1"], "seconds from 0"),
        (["--max_secs=0"], "seconds from 0.001"),
        (["--run_delay=inf"], "seconds from 0"),
        (["--use_xnnpack=maybe"], "true or false. Received: maybe."),
        (["--graph="], "empty name"),
        (["--graph=absent.tflite"], "absent.tflite: No such file"),
        (["--graph=."], "not a file"),
        (["--library=./absent.so"], "./absent.so: No such file"),
        (["--input=absent.raw"], "absent.raw: No such file"),
        (["--output=absent/out.raw"], "absent/out.raw: No such file"),
        (["--graph=two\nlines"], "two lines"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(bench, options, words):
    """What is wrong with the command line is said in one line; nothing is run."""
    done = bench.run(*options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in only_line(done)


def test_model_must_be_named(bench):
    """Without --graph there is nothing to do."""
    done = subprocess.run([bench.engine], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and "`--graph` is required" in only_line(done)


# --- Failures ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("interpreter=0", "interpreter cannot be created"),
        ("allocate=0", "tensors cannot be allocated"),
        ("copy=0", "input 0 cannot be filled"),
        ("data=0", "output 0 has no data"),
        ("rank=17", "rank of 17"),
        ("invoke=1", 'run 1 of the phase "warmup" failed'),
        ("invoke=3", 'run 2 of the phase "runs" failed'),
    ],
)
def test_failure_is_one_line_and_exit_code_1(bench, model, words):
    """Each step that fails is named; the output has no end, and no memory is lost."""
    done = bench.run(*BRIEF, model=model)
    assert done.returncode == 1 and words in only_line(done)
    report = tflbench.parse(done.stdout, done.stderr, done.returncode)
    assert not report.complete and any(words in problem for problem in report.problems)


def test_runtime_messages_stand_beside_the_engines(bench):
    """What a library says on stderr is passed on before the engine's own line."""
    done = bench.run(*BRIEF, model="model=0")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "ERROR: not a model"
    assert "model cannot be loaded" in done.stderr.splitlines()[1]


def test_samples_before_a_failed_run_are_kept(bench):
    """A run that fails leaves the samples that were taken before it."""
    assert len(bench.report(*BRIEF, model="invoke=3").samples_ns) == 1


def test_library_that_is_none_is_a_failure(bench):
    """A file that cannot be loaded, and a library without the API, are named."""
    done = bench.run(*BRIEF, library=bench.model("text"))
    assert done.returncode == 1 and "cannot be loaded" in only_line(done)
    done = bench.run(*BRIEF, library=bench.make_library("without_version", "-DNO_VERSION"))
    assert done.returncode == 1 and "no function TfLiteVersion" in only_line(done)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_is_a_failure(bench):
    """Output that cannot be written ends the run with exit code 1."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            bench.command(*BRIEF), stdout=full, stderr=subprocess.PIPE, text=True, timeout=30
        )
    assert done.returncode == 1 and "standard output cannot be written" in only_line(done)

"""The engine itself: whole runs, run rules, delegate and profile."""

import json
import statistics
import subprocess
import time

import pytest

from android_benchmark.engines import tflbench
from android_benchmark.engines.tflbench.record import AppliedDelegate
from tests.support.native_engine import BRIEF, SOURCES, compile_engine, needs_gcc, only_line

pytestmark = needs_gcc


# --- Complete runs -----------------------------------------------------------


def test_complete_run_has_every_event_in_order(bench):
    """Output is one JSON object per line, its event first, `end` last."""
    done = bench.run(*BRIEF, "--enable_op_profiling")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert all(line.startswith('{"event":') for line in lines)
    assert " ".join(json.loads(line)["event"] for line in lines) == (
        "start init delegate input warmup runs statistics memory output op_profile op op op end"
    )


def test_complete_run_is_read_whole(bench):
    """The parser takes every event of a real output and finds no problem."""
    report = bench.report(*BRIEF, "--num_threads", "2", model="type=9")
    assert (report.complete, report.problems) == (True, ())
    assert (report.start.num_threads, report.start.num_runs) == (2, 3)
    assert report.start.runtime == 'fake "1"'
    assert report.inputs[0].name == 'in "quoted" \\ \x01'
    assert (report.inputs[0].dtype, report.inputs[0].shape) == ("int8", (1, 2, 4, 1))
    assert (report.outputs[0].scale, report.outputs[0].zero_point) == (
        pytest.approx(1 / 255, rel=1e-7),
        -128,
    )
    assert len(report.samples_ns) == 3 and len(report.warmup_ns) == 1
    assert report.memory.peak_bytes >= report.memory.start_peak_bytes > 2**20


def test_statistics_are_those_of_the_samples(bench):
    """The engine's percentiles are interpolated as Python's statistics module does it."""
    report = bench.report("--warmup_min_secs=0", "--num_runs=150", "--min_secs=0")
    cuts = statistics.quantiles(report.samples_ns, n=100, method="inclusive")
    engine = report.statistics
    told = [engine.p5_ns, engine.median_ns, engine.p90_ns, engine.p95_ns, engine.p99_ns]
    assert told == pytest.approx([cuts[4], cuts[49], cuts[89], cuts[94], cuts[98]])
    assert engine.mean_ns == pytest.approx(statistics.mean(report.samples_ns))
    assert engine.std_ns == pytest.approx(statistics.pstdev(report.samples_ns))
    assert (engine.count, engine.min_ns, engine.max_ns) == (
        150,
        min(report.samples_ns),
        max(report.samples_ns),
    )


# --- Run rules ---------------------------------------------------------------


def test_least_numbers_of_runs_are_kept(bench):
    """With no minimum of time, the minima of runs decide, warm-up apart."""
    report = bench.report("--warmup_runs=2", *BRIEF)
    assert (len(report.warmup_ns), len(report.samples_ns)) == (2, 3)


def test_warm_up_may_be_left_out(bench):
    """Zero warm-up runs are zero."""
    report = bench.report("--warmup_runs=0", *BRIEF)
    assert report.complete and report.warmup_ns == ()


def test_least_duration_is_kept(bench):
    """A network that is fast runs on until the minimum of time has passed."""
    report = bench.report(
        "--num_runs=1", "--min_secs=0.1", "--warmup_min_secs=0.05", model="sleep_us=2000"
    )
    assert 1 < len(report.warmup_ns) <= 25 and 1 < len(report.samples_ns) <= 50
    assert all(sample >= 2_000_000 for sample in report.samples_ns)


def test_greatest_duration_wins(bench):
    """The maximum of time ends both phases before their minima are met; one run is made."""
    report = bench.report("--max_secs=0.001", "--warmup_runs=9", model="sleep_us=5000")
    assert report.complete
    assert (len(report.warmup_ns), len(report.samples_ns)) == (1, 1)


def test_pause_between_runs_is_not_measured(bench):
    """--run_delay lengthens the measurement, not its samples."""
    begin = time.monotonic()
    report = bench.report(*BRIEF, "--run_delay=0.1")
    assert time.monotonic() - begin > 0.2
    assert max(report.samples_ns) < 1e8


def test_samples_arrive_in_chunks(bench):
    """At most 64 samples stand in one line, numbered on, and together they are all."""
    done = bench.run("--warmup_min_secs=0", "--num_runs=130", "--min_secs=0")
    runs = [json.loads(line) for line in done.stdout.splitlines() if '"event":"runs"' in line]
    assert [(run["first"], len(run["samples_ns"])) for run in runs] == [(0, 64), (64, 64), (128, 2)]


def test_killed_measurement_keeps_what_it_had(bench):
    """An engine that is killed in the middle has delivered its finished chunks, and no end."""
    command = bench.command("--num_runs=1000000", "--warmup_min_secs=0", model="sleep_us=500")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = []
        while '"event":"runs"' not in (lines or [""])[-1]:
            lines.append(process.stdout.readline())
        process.kill()
    report = tflbench.parse("".join(lines), "", process.returncode)
    assert len(report.samples_ns) == 64
    assert not report.complete
    assert any("`end`, is missing" in problem for problem in report.problems)


# --- Delegate ----------------------------------------------------------------


def test_delegate_is_not_used_unless_asked_for(bench):
    """By default no delegate is made, and no number is made up for it."""
    assert bench.report(*BRIEF).delegate == AppliedDelegate(None, None, None, None)


@pytest.mark.parametrize("switch", ["--use_xnnpack", "--use_xnnpack=true", "--use_xnnpack=1"])
def test_nodes_of_the_delegate_are_counted(bench, switch):
    """Nodes are counted from the execution plan before and after the delegate's turn."""
    assert bench.report(*BRIEF, switch).delegate == AppliedDelegate("XNNPACK", 3, 2, 1)


def test_silent_fallback_is_seen(bench):
    """A delegate that takes nothing is told by its count."""
    report = bench.report(*BRIEF, "--use_xnnpack", model="fallback=1")
    assert report.delegate == AppliedDelegate("XNNPACK", 3, 0, 0)


def test_nodes_are_unknown_where_the_library_does_not_tell(bench):
    """A library that refuses its execution plan gives no counts, and no failure."""
    report = bench.report(*BRIEF, "--use_xnnpack", model="plan=0")
    assert report.complete
    assert report.delegate == AppliedDelegate("XNNPACK", None, None, None)


def test_missing_delegate_is_a_failure(bench):
    """XNNPACK that was asked for and is not in the library ends the run with exit code 1."""
    library = bench.make_library("without_xnnpack", "-DNO_XNNPACK")
    done = bench.run(*BRIEF, "--use_xnnpack", library=library)
    assert done.returncode == 1
    assert "no XNNPACK delegate" in only_line(done)
    assert bench.report(*BRIEF, library=library).complete


def test_refused_delegate_is_a_failure(bench):
    """A delegate that cannot be made ends the run with exit code 1."""
    done = bench.run(*BRIEF, "--use_xnnpack", "--num_threads=13")
    assert done.returncode == 1 and "cannot be created" in only_line(done)


# --- Profile -----------------------------------------------------------------


def test_operators_are_profiled_in_runs_of_their_own(bench):
    """Operators are summed over as many runs as asked, none of them among the samples."""
    report = bench.report(*BRIEF, "--enable_op_profiling")
    profile = report.op_profile
    assert (profile.runs, profile.failure, len(report.samples_ns)) == (3, None, 3)
    assert [(op.name, op.count, op.inside_delegate) for op in profile.ops] == [
        ("CONV_2D", 3, False),
        ("ADD", 3, False),
        ("Copy (NC, X32)", 3, True),
    ]
    assert profile.ops[2].total_ns == 21_000


def test_library_without_profiler_is_measured_all_the_same(bench):
    """The profile says why it is empty; the measurement is complete."""
    library = bench.make_library("without_profiler", "-DNO_PROFILER")
    report = bench.report(*BRIEF, "--enable_op_profiling", library=library)
    assert report.complete and report.op_profile.ops == ()
    assert report.op_profile.failure == "the library has no profiler"


def test_profiler_that_crashes_takes_nothing_with_it(bench):
    """A library that dies while profiling leaves samples and outputs whole."""
    report = bench.report(*BRIEF, "--enable_op_profiling", model="crash=1")
    assert report.complete and len(report.samples_ns) == 3 and report.outputs
    assert report.op_profile.failure == "the library's profiler crashed with signal 9"
    assert report.problems == (
        "no complete profile of the operators: the library's profiler crashed with signal 9",
    )


def test_operators_are_traced_in_one_run(bench):
    """Each operator of one more run is named in its order, those of a delegate too."""
    report = bench.report(*BRIEF, "--trace_ops")
    assert report.trace.failure is None and len(report.samples_ns) == 3
    found = [(op.name, op.inside_delegate) for op in report.trace.ops]
    assert found == [("CONV_2D", False), ("ADD", False), ("Copy (NC, X32)", True)]
    assert bench.report(*BRIEF).trace is None


def test_trace_without_profiler_and_after_a_crash_says_why(bench):
    """A library without a profiler, or with one that crashes, is measured all the same."""
    library = bench.make_library("untraced", "-DNO_PROFILER")
    report = bench.report(*BRIEF, "--trace_ops", library=library)
    assert report.complete and report.trace.failure == "the library has no profiler"
    report = bench.report(*BRIEF, "--trace_ops", model="crash=1")
    assert report.complete and len(report.samples_ns) == 3
    assert report.trace.failure == "the library's profiler crashed with signal 9"


# --- Marks -------------------------------------------------------------------


def test_marks_surround_every_measured_run(bench, tmp_path):
    """An instruction counter sees warm-up, measurement, and both ends of each measured run."""
    engine = tmp_path / "marked"
    flags = ("-Wl,--wrap=prctl", str(SOURCES / "log_marks.c"))
    compile_engine(engine, flags)
    command = [engine, *bench.command("--warmup_runs=2", *BRIEF, "--enable_op_profiling")[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    marks = [line.split() for line in done.stderr.splitlines()]
    assert {mark[1] for mark in marks} == {"54464c42"}
    values = [int(mark[2], 16) for mark in marks]
    assert values == [1, 2, *[3, 4] * 3, *[0x10000, 0x20000, 0x10000, 0x20001] * 3]


def test_marks_surround_every_traced_operator(bench, tmp_path):
    """After a run that is not traced, marks tell the trace's ends and those of its operators."""
    engine = tmp_path / "marked"
    flags = ("-Wl,--wrap=prctl", str(SOURCES / "log_marks.c"))
    compile_engine(engine, flags)
    command = [engine, *bench.command(*BRIEF, "--trace_ops")[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    values = [int(line.split()[2], 16) for line in done.stderr.splitlines()]
    assert values[-6:] == [5, 0x10000, 0x20000, 0x10000, 0x20001, 6]
    assert values[:-6] == [1, 2, *[3, 4] * 3]

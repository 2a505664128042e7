"""What the parser takes from the output of `benchmark_model`, rule by rule and dialect by dialect.

The fixtures follow public logs; excerpts among those were completed in their own grammar.
"""

import dataclasses
from pathlib import Path

import pytest

from android_benchmark.engines.benchmark_model import (
    BenchmarkModelReport,
    Delegate,
    FailureKind,
    LoggedStatistics,
    Missing,
    parse,
)
from android_benchmark.engines.benchmark_model.delegate import (
    Application,
    Delegation,
    Extent,
    Fallback,
    FallbackKind,
)
from android_benchmark.engines.benchmark_model.failure import Failure
from android_benchmark.engines.benchmark_model.report import Dialect
from android_benchmark.engines.benchmark_model.summary import Memory, Summary

FIXTURES = Path(__file__).parents[2] / "fixtures" / "benchmark_model"
MIB = 2**20

WARMUP = "count=5 first=124020 curr=116061 min=115177 max=124020 avg=117225 std=3412"
MEASURED = "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=1906"
SUMMARY = (
    "Inference timings in us: Init: 530, First inference: 124020, "
    "Warmup (avg): 117225, Inference (avg): 116066"
)
RUNNING = (
    "Running benchmark for at least 50 iterations and at least 1 seconds "
    "but terminate if exceeding 150 seconds."
)


def _text(name):
    return (FIXTURES / f"{name}.txt").read_text(encoding="utf-8")


def _run(*between, warmup=WARMUP, measured=MEASURED, summary=SUMMARY):
    """A run without prefixes, with lines of choice before its first count line."""
    head = ["STARTING!", *between, "Initialized session in 0.53ms.", RUNNING]
    lines = [*head, warmup, "", RUNNING, measured, "", summary]
    return "".join(f"{line}\n" for line in lines if line is not None)


def _unprofiled(report):
    return dataclasses.replace(report, profiles=())


# --- Dialects ----------------------------------------------------------------


def test_tensorflow_1():
    """The oldest summary names no first inference; nothing tells the model's size or memory."""
    assert parse(_text("tf1_cpu")) == BenchmarkModelReport(
        dialect=Dialect.TF1,
        init_us=9933,
        warmup=LoggedStatistics(7, 127425, 66709, 66709, 127425, 76605.9, 20944),
        measured=LoggedStatistics(15, 66753, 66800, 66699, 66838, 66767.6, 39),
        summary=Summary(init_us=9933, warmup_avg_us=76605.9, inference_avg_us=66767.6),
    )


def test_tensorflow_1_prints_to_stderr():
    """The oldest builds log to stderr alone, where the numbers are found as well."""
    assert parse("", _text("tf1_cpu")) == parse(_text("tf1_cpu"))


def test_readme_form_of_the_oldest_summary():
    """The README's form says `Inference` where the builds say `no stats`."""
    summary = "Average inference timings in us: Warmup: 117225, Init: 38467, Inference: 116066"
    report = parse(_run(summary=summary))
    assert report.dialect is Dialect.TF1
    assert report.summary == Summary(init_us=38467, warmup_avg_us=117225, inference_avg_us=116066)


def test_tensorflow_2_4():
    """No prefixes, the first wording of the memory line, and a warning that is not marked."""
    report = parse(_text("tf2_4_cpu_profile"))
    assert _unprofiled(report) == BenchmarkModelReport(
        dialect=Dialect.TF2,
        init_us=855,
        model_size_bytes=4448,
        warmup=LoggedStatistics(15, 49060, 33682, 32825, 49060, 34825.1, 3930),
        measured=LoggedStatistics(50, 32891, 33978, 32641, 34005, 33209.4, 450),
        summary=Summary(855, 49060, 34825.1, 33209.4),
        memory=Memory(init_bytes=0, overall_bytes=12.8672 * MIB),
        warnings=("Duplicate flags: num_threads",),
    )
    assert report.faults == ()


def test_failed_run():
    """A failing delegate: every error is kept and classified, and nothing is measured."""
    report = parse(_text("tf2_4_nnapi_failed"))
    assert report == BenchmarkModelReport(
        fallbacks=(
            Fallback(
                FallbackKind.UNDONE,
                "Restored original execution plan after delegate application failure.",
            ),
        ),
        failures=(
            Failure(
                FailureKind.DELEGATE,
                "NN API returned error ANEURALNETWORKS_OP_FAILED at line 3779 while completing "
                "NNAPI compilation.",
            ),
            Failure(
                FailureKind.DELEGATE, "Node number 248 (TfLiteNnapiDelegate) failed to prepare."
            ),
            Failure(FailureKind.DELEGATE, "Failed to apply NNAPI delegate."),
            Failure(FailureKind.RUN, "Benchmarking failed."),
        ),
        missing=(Missing.WARMUP, Missing.MEASURED, Missing.SUMMARY),
    )
    assert report.ran(Delegate.NNAPI) is False


def test_prefix_of_the_runtime_is_no_sign_of_a_newer_tool():
    """In old builds the runtime's lines carry `INFO: ` and the tool's own do not."""
    report = parse(_text("tf2_4_gpu"))
    assert report == BenchmarkModelReport(
        dialect=Dialect.TF2,
        init_us=870557,
        model_size_bytes=7074790,
        warmup=LoggedStatistics(4, 130565, 120829, 117370, 130565, 122373, 4930),
        measured=LoggedStatistics(50, 119212, 118055, 113737, 124776, 119375, 1948),
        summary=Summary(870557, 130565, 122373, 119375),
        applications=(Application("GPU", Extent.COMPLETE),),
    )
    assert report.ran(Delegate.GPU) is True


def test_second_wording_of_the_memory_line():
    """From about 2.5 on the memory line says what it is: a growth."""
    report = parse(_text("tf2_5_memory"))
    assert report.memory == Memory(8.97656 * MIB, 18.7227 * MIB)
    assert (report.warmup.avg_us, report.measured.avg_us) == (70.3736, 69.691)


def test_scientific_notation_and_a_single_warm_up_run():
    """Means of seconds are printed as 2.95e+06; one run prints nothing but itself."""
    report = parse(_text("tf2_8_scientific"))
    assert report.warmup == LoggedStatistics(1, curr_us=3512391, all_same=True)
    assert report.measured.avg_us == 2_950_340
    assert report.summary == Summary(17187, 3512391, 3_512_390, 2_950_340)
    assert report.faults == ()


def test_tensorflow_2_13():
    """The tool's own lines carry `INFO: `."""
    assert parse(_text("tf2_13_info")) == BenchmarkModelReport(
        dialect=Dialect.TF2_13,
        init_us=530,
        model_size_bytes=4276350,
        warmup=LoggedStatistics(5, 124020, 116061, 115177, 124020, 117225, 3412),
        measured=LoggedStatistics(50, 121183, 115199, 111222, 121324, 116066, 1906),
        summary=Summary(530, 124020, 117225, 116066),
        memory=Memory(3.75 * MIB, 12.1914 * MIB),
    )


def test_peak_memory():
    """The monitored peak and the resident set at the end are read, the tool's typo and all."""
    assert parse(_text("tf2_13_peak_memory")).memory == Memory(
        init_bytes=2.43359 * MIB,
        overall_bytes=8.67578 * MIB,
        peak_bytes=13.1797 * MIB,
        resident_bytes=13 * MIB,
        anonymous_bytes=7 * MIB,
        file_and_shared_bytes=6 * MIB,
    )


def test_percentiles():
    """From 2.20 on every count line ends in percentiles, that of a single run too."""
    report = parse(_text("tf2_20_short"))
    assert report.dialect is Dialect.TF2_20
    assert report.warmup == LoggedStatistics(
        1, curr_us=1357602, p5_us=1357602, median_us=1357602, p95_us=1357602, all_same=True
    )
    assert report.measured == LoggedStatistics(
        50, 1249964, 1240143, 1238588, 1252566, 1_240_270, 2565, 1238753, 1239807, 1247415
    )
    assert report.faults == ()


def test_explicit_delegate():
    """A delegate that was asked for and took a part of the graph is named with its kernels."""
    report = parse(_text("tf2_20_xnnpack"))
    assert report.applications == (Application("XNNPACK", Extent.PARTIAL, 1),)
    assert report.ran(Delegate.XNNPACK) is True
    assert report.ran(Delegate.GPU) is None


def test_gpu():
    """Delegated nodes are recorded with the total and the partitions."""
    report = parse(_text("tf2_20_gpu_profile"))
    assert report.delegations == (Delegation("TfLiteGpuDelegateV2", 4, 4, 1, subgraph=0),)
    assert report.fallbacks == ()


def test_second_choice_of_the_gpu_delegate():
    """All nodes are delegated, yet by OpenGL; the reason is among the errors of a good run."""
    report = parse(_text("tf2_20_gpu_opengl"))
    assert report.delegations == (Delegation("TfLiteGpuDelegateV2", 4, 4, 1, subgraph=0),)
    assert report.fallbacks == (Fallback(FallbackKind.BACKEND, "Falling back to OpenGL"),)
    assert report.failures == (Failure(FailureKind.DELEGATE, "No selector for floor_mod"),)
    assert report.faults == ()
    assert report.ran(Delegate.GPU) is True


def test_silent_fallback():
    """A delegate that took nothing is told, whatever another one took of the graph."""
    report = parse(_text("tf2_20_nnapi_fallback"))
    assert (report.dialect, report.faults) == (Dialect.TF2_20, ())
    assert report.applications == (Application("NNAPI", Extent.NOTHING),)
    assert [it.kind for it in report.fallbacks] == [FallbackKind.NOT_RUN]
    assert report.delegations == (Delegation("TfLiteXNNPackDelegate", 539, 548, 19),)
    assert report.ran(Delegate.NNAPI) is False
    assert report.ran(Delegate.XNNPACK) is True


def test_litert_2():
    """LiteRT's own tool: no summary line, but a block with steps of 10 µs."""
    report = parse(_text("litert2_profile"))
    assert _unprofiled(report) == BenchmarkModelReport(
        dialect=Dialect.LITERT2,
        init_us=4478,
        model_size_bytes=3277740,
        warmup=LoggedStatistics(1055, 1033, 473, 443, 1033, 465.319, 18, 459, 463, 478),
        measured=LoggedStatistics(2112, 463, 459, 442, 979, 464.545, 13, 460, 462, 478),
        summary=Summary(
            init_us=4480,
            first_us=1030,
            warmup_avg_us=470,
            inference_avg_us=460,
            warmup_count=1055,
            inference_count=2112,
            inference_min_us=440,
            inference_max_us=980,
            inference_std_us=10,
            throughput_bytes_per_s=525.55 * MIB,
        ),
        memory=Memory(8.94 * MIB, 11.51 * MIB),
        delegations=(Delegation("TfLiteXNNPackDelegate", 1, 1, 1, subgraph=0),),
        warnings=(
            "NPU accelerator could not be loaded and registered: "
            "kLiteRtStatusErrorInvalidArgument.",
            "All log messages before absl::InitializeLog() is called are written to STDERR",
        ),
    )


def test_peak_memory_of_litert_2():
    """LiteRT's block names the peak where it was monitored."""
    assert parse(_text("litert2_wide_profile")).memory.peak_bytes == 13.18 * MIB


def test_litert_block_of_windows_paths():
    """The source before each line of the block may have backslashes."""
    text = _text("litert2_profile").replace("[./litert/tools/", "[.\\litert/tools/")
    assert parse(text) == parse(_text("litert2_profile"))


def test_init_of_litert_without_its_session_line():
    """With nothing finer, the block's own initialization is taken."""
    text = _text("litert2_profile").replace("INFO: Initialized session in 4.478ms.\n", "")
    assert parse(text).init_us == 4480


# --- Count lines -------------------------------------------------------------


def test_first_count_line_is_the_warm_up():
    """The order of the two tells which is which."""
    report = parse(_run())
    assert (report.warmup.count, report.measured.count) == (5, 50)


def test_warm_up_alone_is_no_measurement():
    """An output cut after the warm-up has no measured run."""
    report = parse(_run().split(MEASURED)[0])
    assert (report.warmup.count, report.measured) == (5, None)
    assert report.missing == (Missing.MEASURED, Missing.SUMMARY)


def test_count_line_without_a_beginning_is_neither():
    """Where the head is lost, nothing tells whether the one line left is the warm-up."""
    report = parse(f"{MEASURED}\n{SUMMARY}\n")
    assert (report.warmup, report.measured) == (None, None)
    assert Missing.BEGINNING in report.missing
    assert report.summary.inference_avg_us == 116066


def test_third_count_line():
    """With more than two, nothing tells which ones count."""
    report = parse(_run() + f"{MEASURED}\n")
    assert (report.warmup, report.measured) == (None, None)
    assert any("more than two" in doubt for doubt in report.doubts)


def test_two_runs():
    """Of two runs in one text the last is read, and the report says so."""
    second = _run().replace("0.53ms", "0.6ms").replace("Init: 530", "Init: 600")
    report = parse(_run() + second)
    assert (report.init_us, report.measured.count) == (600, 50)
    assert report.doubts == ("the output holds more than one run; only the last is read",)


def test_equal_runs():
    """`(all same)` is glued to the number; what the tool leaves out stays unknown."""
    report = parse(_run(warmup="count=3 curr=69(all same)", summary=None))
    assert report.warmup == LoggedStatistics(3, curr_us=69, all_same=True)


def test_dry_run():
    """No run at all is a count of 0 and no number else."""
    summary = (
        "Inference timings in us: Init: 530, First inference: 0, "
        "Warmup (avg): nan, Inference (avg): -nan"
    )
    report = parse(_run(warmup="count=0", measured="count=0", summary=summary))
    assert (report.warmup, report.measured) == (LoggedStatistics(0), LoggedStatistics(0))
    assert report.summary == Summary(530, 0, None, None)
    assert report.faults == ()


@pytest.mark.parametrize(
    "line",
    [
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=1.1.6 std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=nan std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=1e999 std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=1906 p5=1",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=19ERROR: no",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=-1",
        "count=50 first=121183 curr=115199 min=111222 max=12132 avg=116066 std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=16066 std=1906",
        "count=٥٠ first=121183 curr=115199 min=111222 max=121324 avg=116066 std=1906",
        "count=50 curr=115199",
        "count=1 curr=115199(all same)",
        "count=0 curr=3",
        "count=" + "9" * 5000,
        "INFO: Running benchmark.count=50 curr=1(all same)",
        "\0" + MEASURED,
        MEASURED.replace("std=1906", "std=19\r06"),
        MEASURED.replace("std=1906", "std=19\x1b[0m06"),
    ],
)
def test_malformed_count_line(line):
    """A line that is cut, garbled or impossible gives no number, keeps its place, and is told."""
    report = parse(_run(measured=line))
    assert (report.warmup.count, report.measured) == (5, None)
    assert report.missing == (Missing.MEASURED,)
    assert any("count line is malformed" in doubt for doubt in report.doubts)


def test_malformed_warm_up_does_not_make_the_measurement_the_warm_up():
    """The second line stays the second where the first cannot be read."""
    report = parse(_run(warmup=WARMUP[:-9]))
    assert (report.warmup, report.measured.count) == (None, 50)


@pytest.mark.parametrize(
    "line",
    [
        "Timings (microseconds): count=50 curr=1(all same)",
        "Memory (bytes): count=0",
        "Subgraph (index: 1) Timings (microseconds): count=1 curr=29",
        "Unconsumed cmdline flags: --warmup_count=5",
        "Graph: [/data/count=5/m.tflite]",
    ],
)
def test_other_counts_are_no_count_lines(line):
    """Only a count at the beginning of a word is one of the series."""
    report = parse(_run(line))
    assert (report.warmup.count, report.measured.count) == (5, 50)


@pytest.mark.parametrize(
    "summary",
    [
        SUMMARY.replace("116066", "116067.5"),
        SUMMARY.replace("117225", "11722"),
        SUMMARY.replace("124020", "124021.5"),
    ],
)
def test_summary_that_contradicts(summary):
    """Lines of different runs, or out of order, do not agree with the summary."""
    assert "disagree" in parse(_run(summary=summary)).doubts[0]


def test_litert_block_that_contradicts():
    """LiteRT's block has to fit, within its steps of 10 µs, and in the numbers of runs."""
    text = _text("litert2_profile")
    assert parse(text.replace("0.46 ms (2112", "0.47 ms (2112")).doubts
    assert parse(text.replace("(2112 runs)", "(2113 runs)")).doubts


def test_two_values():
    """The first of two values stays, and is doubted."""
    report = parse(
        _run("The input model file size (MB): 4.5", "The input model file size (MB): 5.5")
    )
    assert report.model_size_bytes == 4_500_000
    assert report.doubts == ("there are two values of model_size_bytes",)


# --- Cut and garbled texts ---------------------------------------------------


def test_empty_output():
    """Nothing printed is nothing but missing parts."""
    assert parse("") == BenchmarkModelReport(
        missing=(Missing.BEGINNING, Missing.WARMUP, Missing.MEASURED, Missing.SUMMARY)
    )


def test_last_line_without_its_end():
    """A number at the very end of a text may lack digits, so the line is not read for any."""
    whole = _run()
    report = parse(whole.split(SUMMARY)[0].rstrip("\n")[:-2])
    assert (report.warmup.count, report.measured) == (5, None)
    assert report.missing == (Missing.MEASURED, Missing.SUMMARY, Missing.LINE_END)
    assert "lacks the end of the last line" in " ".join(report.faults)


def test_last_line_without_its_end_is_read_for_messages():
    """What went wrong is told by the half of a line as well."""
    report = parse("STARTING!\n", "ERROR: Failed to load model /data/lo")
    assert report.failures == (Failure(FailureKind.MODEL_INVALID, "Failed to load model /data/lo"),)


def test_profile_that_was_asked_for_and_is_not_there():
    """The tool echoes that it profiles; an output without the tables is cut."""
    assert parse(_run("Enable op profiling: [1]")).missing == (Missing.PROFILE,)
    assert parse(_run("Enable op profiling: [0]")).missing == ()
    to_file = "CSV File to export profiling data to: [/data/local/tmp/p.csv]"
    assert parse(_run("Enable op profiling: [1]", to_file)).missing == ()


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n"])
def test_carriage_returns(end):
    """Old adb ends lines in CR LF, or adds one more."""
    text = _text("tf2_4_cpu_profile")
    assert parse(text.replace("\n", end)) == parse(text)


def test_colours():
    """Colour codes around words and numbers are dropped."""
    text = _text("tf2_13_info")
    coloured = text.replace("INFO:", "\x1b[32mINFO:\x1b[0m").replace(
        "count=50", "\x1b[1mcount=50\x1b[m"
    )
    assert parse(coloured) == parse(text)


def test_overlong_line():
    """A line longer than any tool prints is not read for numbers, and the rest is."""
    report = parse(_run("x" * 300_000))
    assert report.measured.count == 50
    assert "longer than any tool prints" in report.doubts[0]


def test_long_message_is_shortened():
    """A message is kept in part, so that a report stays small."""
    report = parse("", "ERROR: Failed to apply " + "x" * 10_000 + "\n")
    assert len(report.failures[0].text) < 1000


# --- Delegates ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Replacing 1 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 partitions.",
            Delegation("TfLiteGpuDelegateV2", 1, None, 1),
        ),
        (
            "VERBOSE: Replacing 5 out of 64 node(s) with delegate (TfLiteNnapiDelegate) node, "
            "yielding 5 partitions for the whole graph.",
            Delegation("TfLiteNnapiDelegate", 5, 64, 5),
        ),
        (
            "INFO: Replacing 7 out of 9 node(s) with delegate (LITERT_CL) node, "
            "yielding 3 partitions for subgraph 2.",
            Delegation("LITERT_CL", 7, 9, 3, 2),
        ),
        (
            "Replacing 518 out of 518 node(s) with delegate (TfLiteQnnDelegate) node",
            Delegation("TfLiteQnnDelegate", 518, 518),
        ),
    ],
)
def test_wordings_of_delegation(line, expected):
    """The line grew a total and a subgraph over time."""
    assert parse(_run(line)).delegations == (expected,)


def test_delegation_that_was_cut():
    """A number of partitions without what follows it is not taken, nor the line."""
    line = "Replacing 5 out of 64 node(s) with delegate (A) node, yielding 1"
    assert parse(_run(line)).delegations == ()


def test_two_delegates():
    """Each delegate has its line; the second finds what the first left."""
    lines = [
        "Replacing 5 out of 64 node(s) with delegate (TfLiteNnapiDelegate) node, "
        "yielding 5 partitions for the whole graph.",
        "Replacing 59 out of 62 node(s) with delegate (TfLiteXNNPackDelegate) node, "
        "yielding 5 partitions for the whole graph.",
    ]
    report = parse(_run(*lines))
    assert [(it.nodes, it.total_nodes) for it in report.delegations] == [(5, 64), (59, 62)]
    assert report.ran(Delegate.NNAPI) is report.ran(Delegate.XNNPACK) is True


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("GPU acceleration is unsupported on this platform.", FallbackKind.NOT_RUN),
        ("WARN: NNAPI acceleration is unsupported on this platform.", FallbackKind.NOT_RUN),
        (
            "Could not create Hexagon delegate: platform may not support delegate or required "
            "libraries are missing",
            FallbackKind.NOT_RUN,
        ),
        (
            "ERROR: Following operations are not supported by GPU delegate:",
            FallbackKind.PARTIAL,
        ),
        (
            "130 operations will run on the GPU, and the remaining 114 operations will run on "
            "the CPU.",
            FallbackKind.PARTIAL,
        ),
    ],
)
def test_notices_of_fallback(line, kind):
    """Whatever the stream and the severity, a notice is a fallback and no mere warning."""
    report = parse(_run(), f"{line}\n")
    assert [it.kind for it in report.fallbacks] == [kind]
    assert (report.warnings, report.failures) == ((), ())


def test_missing_delegate_did_not_run():
    """Of a delegate that the platform lacks, the run is not."""
    report = parse(_run("GPU acceleration is unsupported on this platform."))
    assert report.ran(Delegate.GPU) is False


# --- Messages ----------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "WARN: ", "WARNING: "])
def test_unconsumed_flags(prefix):
    """The tool only warns of flags it does not know; their names are kept, as a fault."""
    text = _text("tf2_5_unconsumed").replace("Unconsumed", f"{prefix}Unconsumed")
    report = parse(text)
    assert report.unconsumed_flags == ("allow_fp16", "use_foo", "stray")
    assert report.faults == ("the binary does not know the flags allow_fp16, use_foo, stray",)
    assert report.warnings == ()


def test_missing_model():
    """The chain of errors is kept in order, the cause first."""
    report = parse(_text("tf2_20_model_missing"))
    assert [it.kind for it in report.failures] == [
        FailureKind.MODEL_MISSING,
        FailureKind.MODEL_INVALID,
        FailureKind.MODEL_INVALID,
        FailureKind.RUN,
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("sh: /data/local/tmp/benchmark_model: not found", FailureKind.ENGINE),
        ("/system/bin/sh: ./benchmark_model: inaccessible or not found", FailureKind.ENGINE),
        ("taskset: exec ./benchmark_model: Permission denied", FailureKind.ENGINE),
        (
            'CANNOT LINK EXECUTABLE "./benchmark_model": library "libc++_shared.so" not found',
            FailureKind.ENGINE,
        ),
        (
            "ERROR: Failed to parse flag 'num_threads' against argv '--num_threads=x'",
            FailureKind.FLAG,
        ),
        ("ERROR: usage: ./benchmark_model <flags>", FailureKind.FLAG),
        (
            "ERROR: Model provided has model identifier 'PK..', should be 'TFL3'",
            FailureKind.MODEL_INVALID,
        ),
        (
            "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '9'. An older version of "
            "this builtin might be supported.",
            FailureKind.OPERATOR,
        ),
        ("ERROR: Encountered unresolved custom op: MyOp.", FailureKind.OPERATOR),
        ("ERROR: Disallowed CPU fallback detected.", FailureKind.DELEGATE),
        ("ERROR: TfLiteGpuDelegate Prepare: delegate is not initialized", FailureKind.DELEGATE),
        ("ERROR: [litert/runtime/a.cc:7] Failed to compile model.", FailureKind.DELEGATE),
        ("E0000 00:00:1758.5 62590 kernel.cc:51] accelerator is gone", FailureKind.DELEGATE),
        ("ERROR: Error: CL_OUT_OF_RESOURCES", FailureKind.MEMORY),
        ("terminating with uncaught exception of type std::bad_alloc", FailureKind.MEMORY),
        ("Killed", FailureKind.MEMORY),
        ("Segmentation fault", FailureKind.CRASH),
        ("Aborted", FailureKind.CRASH),
        ("ERROR: Failed to allocate tensors!", FailureKind.RUN),
        ("Benchmarking failed.", FailureKind.RUN),
        ("FATAL: something new", FailureKind.OTHER),
    ],
)
def test_kinds_of_failure(line, kind):
    """Marked as an error or not, a line that tells of a known fault is classified."""
    assert [it.kind for it in parse("", f"{line}\n").failures] == [kind]


@pytest.mark.parametrize(
    "line",
    [
        "Going to apply 0 delegates one after another.",
        "INFO: Created TensorFlow Lite delegate for GPU.",
        "INFO: push: done",
        "VERBOSE: Failed to load model hints",
        "Loaded model /data/local/tmp/Benchmarking failed.tflite",
    ],
)
def test_harmless_lines(line):
    """Words of errors in other lines make no error of them."""
    report = parse(_run(line))
    assert (report.failures, report.warnings, report.fallbacks) == ((), (), ())


def test_streams_apart():
    """Errors of stderr join the numbers of stdout."""
    text = _text("tf2_20_gpu_opengl").splitlines(keepends=True)
    stderr = "".join(line for line in text if line.startswith("ERROR"))
    stdout = "".join(line for line in text if not line.startswith("ERROR"))
    assert parse(stdout, stderr) == parse("".join(text))

"""What is taken from a whole output: dialects, the two series, and what is missing."""

import dataclasses

import pytest

from android_benchmark.engines.benchmark_model import (
    BenchmarkModelReport,
    Delegate,
    FailureKind,
    LoggedStatistics,
    Missing,
    parse,
)
from android_benchmark.engines.benchmark_model.backend import Backend
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
from tests.support.benchmark_model import MEASURED, MIB, SUMMARY, WARMUP, recorded, run


def _unprofiled(report):
    return dataclasses.replace(report, profiles=())


# --- Dialects ----------------------------------------------------------------


def test_tensorflow_1():
    """The oldest summary names no first inference; nothing tells the model's size or memory."""
    assert parse(recorded("tf1_cpu")) == BenchmarkModelReport(
        dialect=Dialect.TF1,
        init_us=9933,
        warmup=LoggedStatistics(7, 127425, 66709, 66709, 127425, 76605.9, 20944),
        measured=LoggedStatistics(15, 66753, 66800, 66699, 66838, 66767.6, 39),
        summary=Summary(init_us=9933, warmup_avg_us=76605.9, inference_avg_us=66767.6),
    )


def test_tensorflow_1_prints_to_stderr():
    """The oldest builds log to stderr alone, where the numbers are found as well."""
    assert parse("", recorded("tf1_cpu")) == parse(recorded("tf1_cpu"))


def test_readme_form_of_the_oldest_summary():
    """The README's form says `Inference` where the builds say `no stats`."""
    summary = "Average inference timings in us: Warmup: 117225, Init: 38467, Inference: 116066"
    report = parse(run(summary=summary))
    assert report.dialect is Dialect.TF1
    assert report.summary == Summary(init_us=38467, warmup_avg_us=117225, inference_avg_us=116066)


def test_tensorflow_2_4():
    """No prefixes, the first wording of the memory line, and a warning that is not marked."""
    report = parse(recorded("tf2_4_cpu_profile"))
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
    report = parse(recorded("tf2_4_nnapi_failed"))
    assert report == BenchmarkModelReport(
        backends=(Backend(Delegate.NNAPI, "qti-default"),),
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
    report = parse(recorded("tf2_4_gpu"))
    assert report == BenchmarkModelReport(
        dialect=Dialect.TF2,
        init_us=870557,
        model_size_bytes=7074790,
        warmup=LoggedStatistics(4, 130565, 120829, 117370, 130565, 122373, 4930),
        measured=LoggedStatistics(50, 119212, 118055, 113737, 124776, 119375, 1948),
        summary=Summary(870557, 130565, 122373, 119375),
        applications=(Application("GPU", Extent.COMPLETE),),
        backends=(Backend(Delegate.GPU, "OpenCL"),),
    )
    assert report.ran(Delegate.GPU) is True


def test_scientific_notation_and_a_single_warm_up_run():
    """Means of seconds are printed as 2.95e+06; one run prints nothing but itself."""
    report = parse(recorded("tf2_8_scientific"))
    assert report.warmup == LoggedStatistics(1, curr_us=3512391, all_same=True)
    assert report.measured.avg_us == 2_950_340
    assert report.summary == Summary(17187, 3512391, 3_512_390, 2_950_340)
    assert report.faults == ()


def test_tensorflow_2_13():
    """The tool's own lines carry `INFO: `."""
    assert parse(recorded("tf2_13_info")) == BenchmarkModelReport(
        dialect=Dialect.TF2_13,
        init_us=530,
        model_size_bytes=4276350,
        warmup=LoggedStatistics(5, 124020, 116061, 115177, 124020, 117225, 3412),
        measured=LoggedStatistics(50, 121183, 115199, 111222, 121324, 116066, 1906),
        summary=Summary(530, 124020, 117225, 116066),
        memory=Memory(3.75 * MIB, 12.1914 * MIB),
    )


def test_percentiles():
    """From 2.20 on every count line ends in percentiles, that of a single run too."""
    report = parse(recorded("tf2_20_short"))
    assert report.dialect is Dialect.TF2_20
    assert report.warmup == LoggedStatistics(
        1, curr_us=1357602, p5_us=1357602, median_us=1357602, p95_us=1357602, all_same=True
    )
    assert report.measured == LoggedStatistics(
        50, 1249964, 1240143, 1238588, 1252566, 1_240_270, 2565, 1238753, 1239807, 1247415
    )
    assert report.faults == ()


def test_litert_2():
    """LiteRT's own tool: no summary line, but a block with steps of 10 µs."""
    report = parse(recorded("litert2_profile"))
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
        fallbacks=(
            Fallback(
                FallbackKind.NOT_RUN,
                "NPU accelerator could not be loaded and registered: "
                "kLiteRtStatusErrorInvalidArgument.",
                Delegate.NPU,
            ),
        ),
        warnings=("All log messages before absl::InitializeLog() is called are written to STDERR",),
    )


def test_litert_block_of_windows_paths():
    """The source before each line of the block may have backslashes."""
    text = recorded("litert2_profile").replace("[./litert/tools/", "[.\\litert/tools/")
    assert parse(text) == parse(recorded("litert2_profile"))


def test_init_of_litert_without_its_session_line():
    """With nothing finer, the block's own initialization is taken."""
    text = recorded("litert2_profile").replace("INFO: Initialized session in 4.478ms.\n", "")
    assert parse(text).init_us == 4480


# --- Series ------------------------------------------------------------------


def test_first_count_line_is_the_warm_up():
    """The order of the two tells which is which."""
    report = parse(run())
    assert (report.warmup.count, report.measured.count) == (5, 50)


def test_warm_up_alone_is_no_measurement():
    """An output cut after the warm-up has no measured run."""
    report = parse(run().split(MEASURED)[0])
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
    report = parse(run() + f"{MEASURED}\n")
    assert (report.warmup, report.measured) == (None, None)
    assert any("more than two" in doubt for doubt in report.doubts)


def test_two_runs():
    """Of two runs in one text the last is read, and the report says so."""
    second = run().replace("0.53ms", "0.6ms").replace("Init: 530", "Init: 600")
    report = parse(run() + second)
    assert (report.init_us, report.measured.count) == (600, 50)
    assert report.doubts == ("the output holds more than one run; only the last is read",)


def test_malformed_warm_up_does_not_make_the_measurement_the_warm_up():
    """The second line stays the second where the first cannot be read."""
    report = parse(run(warmup=WARMUP[:-9]))
    assert (report.warmup, report.measured.count) == (None, 50)


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
    assert "disagree" in parse(run(summary=summary)).doubts[0]


def test_litert_block_that_contradicts():
    """LiteRT's block has to fit, within its steps of 10 µs, and in the numbers of runs."""
    text = recorded("litert2_profile")
    assert parse(text.replace("0.46 ms (2112", "0.47 ms (2112")).doubts
    assert parse(text.replace("(2112 runs)", "(2113 runs)")).doubts


# --- Cut texts ---------------------------------------------------------------


def test_empty_output():
    """Nothing printed is nothing but missing parts."""
    assert parse("") == BenchmarkModelReport(
        missing=(Missing.BEGINNING, Missing.WARMUP, Missing.MEASURED, Missing.SUMMARY)
    )


def test_last_line_without_its_end():
    """A number at the very end of a text may lack digits, so the line is not read for any."""
    whole = run()
    report = parse(whole.split(SUMMARY)[0].rstrip("\n")[:-2])
    assert (report.warmup.count, report.measured) == (5, None)
    assert report.missing == (Missing.MEASURED, Missing.SUMMARY, Missing.LINE_END)
    assert "lacks the end of the last line" in " ".join(report.faults)


def test_profile_that_was_asked_for_and_is_not_there():
    """The tool echoes that it profiles; an output without the tables is cut."""
    assert parse(run("Enable op profiling: [1]")).missing == (Missing.PROFILE,)
    assert parse(run("Enable op profiling: [0]")).missing == ()
    to_file = "CSV File to export profiling data to: [/data/local/tmp/p.csv]"
    assert parse(run("Enable op profiling: [1]", to_file)).missing == ()


def test_streams_apart():
    """Errors of stderr join the numbers of stdout."""
    text = recorded("tf2_20_gpu_opengl").splitlines(keepends=True)
    stderr = "".join(line for line in text if line.startswith("ERROR"))
    stdout = "".join(line for line in text if not line.startswith("ERROR"))
    assert parse(stdout, stderr) == parse("".join(text))

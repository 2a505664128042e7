"""Saved logs of benchmark_model, and Android's own log of its app."""

import pytest

from android_benchmark import RunRules
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported import benchmark_log
from mmnet_deploy.results.imported.run import NO_LIMIT_S
from tests.support import FIXTURES
from tests.support.benchmark_model import run
from tests.support.foreign_results import IMPORTED

RECORDED = FIXTURES / "benchmark_model"


def log(name):
    return (RECORDED / f"{name}.txt").read_text(encoding="utf-8")


def android(name):
    return (IMPORTED / f"logcat_{name}.txt").read_text(encoding="utf-8")


def only(text):
    (found,) = benchmark_log.read(text)
    if isinstance(found, ResultError):
        raise found
    return found


@pytest.mark.parametrize(
    ("name", "model", "threads", "delegate", "asked", "nodes", "mean_us"),
    [
        ("tf1_cpu", "mobilenet_v1_1.0_224_quant.tflite", 1, "none", "", None, 66767.6),
        ("tf2_4_gpu", "denoising_32bit.tflite", 4, "gpu", "gpu", None, 119375),
        ("tf2_8_scientific", "mobilenet_v1_1.0_224.tflite", 4, "unknown", "", None, 2.95034e6),
        ("tf2_16_blanks_profile", "1.tflite", 0, "xnnpack", "", None, 15517.6),
        (
            "tf2_20_xnnpack",
            "ssd_mobilenet_v2_coco.tflite",
            0,
            "xnnpack",
            "xnnpack",
            None,
            899641,
        ),
        ("tf2_20_gpu_profile", "gen0-espcn-ps.tflite", 0, "gpu", "", (4, 4), 8708.66),
        ("litert2_profile", "fc_fp32.tflite", 1, "xnnpack", "", (1, 1), 464.545),
    ],
)
def test_every_dialect_says_what_it_knows(name, model, threads, delegate, asked, nodes, mean_us):
    """And nothing of the rest."""
    run = only(log(name))
    assert (run.model_name, run.threads) == (model, threads)
    assert (run.engine.delegate, run.engine.requested) == (delegate, asked)
    if nodes:
        assert (run.engine.delegated_nodes, run.engine.nodes) == nodes
    assert run.measurement.statistics.mean_us == mean_us
    assert all(flag.good for flag in run.flags)


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.txt")), ids=lambda path: path.stem)
def test_every_recorded_output_is_read_or_refused(path):
    """Nothing but runs and errors comes of it."""
    for found in benchmark_log.read(path.read_text(encoding="utf-8")):
        assert isinstance(found, ResultError) or found.measurement.runs > 0


def test_the_rules_are_those_that_the_log_announces():
    """Tools of TensorFlow 1 know no greatest duration."""
    assert only(log("tf2_8_scientific")).rules == RunRules(1, 0.5, 50, 1.0, 150.0)
    assert only(log("tf1_cpu")).rules == RunRules(4, 0.5, 10, 1.0, NO_LIMIT_S)
    assert only(log("tf2_20_gpu_profile")).rules is None


def test_the_size_of_the_model_has_six_digits():
    """So a file of another size is told apart."""
    low, high = only(log("tf2_20_xnnpack")).model_bytes
    assert low <= 67312800 <= high and high - low < 1000


def test_a_fallback_is_no_result_of_what_was_asked_for():
    """The delegate is the one that ran, and the flag says why."""
    run = only(log("tf2_20_nnapi_fallback"))
    (flag,) = run.flags
    assert (run.engine.delegate, run.engine.requested) == ("xnnpack", "nnapi")
    assert flag.label == "fell back" and not flag.good and "nnapi was asked for" in flag.reason


def test_an_accelerator_that_is_not_named_is_not_confirmed():
    """Without a line that says so, the label may be wrong."""
    text = log("tf2_4_gpu")
    lines = [line for line in text.split("\n") if "GPU delegate" not in line]
    flags = only("\n".join(lines)).flags
    assert [flag.label for flag in flags if not flag.good] == ["not delegate confirmed"]


def test_what_else_the_tool_was_given_is_kept():
    """Two runs that differ in it are not repetitions of each other."""
    text = log("tf2_4_gpu").replace("Use gpu: [1]", "Use gpu: [1]\nGPU backend: [cl]")
    run = only(text.replace("Use gpu: [1]", "Use gpu: [1]\nAllow lower precision in gpu: [0]"))
    assert run.engine_flags == ("GPU backend=cl",)
    assert run.delegate_precision == "fp32"


def test_flags_that_the_tool_did_not_know_are_told():
    """It ran without them."""
    (flag,) = only(log("tf2_5_unconsumed")).flags
    assert flag.label == "not flags known" and not flag.good


def test_several_runs_of_a_log_are_several_results():
    """A failed one between them is its own words."""
    names = ("tf2_8_scientific", "tf2_20_model_missing", "tf2_20_xnnpack", "litert2_profile")
    found = benchmark_log.read("".join(map(log, names)))
    models = [it if isinstance(it, ResultError) else it.model_name for it in found]
    assert models[0] == "mobilenet_v1_1.0_224.tflite"
    assert "gone.tflite" in str(models[1])
    assert models[2:] == ["ssd_mobilenet_v2_coco.tflite", "fc_fp32.tflite"]


def test_runs_that_nothing_tells_apart_are_refused():
    """Excerpts without beginnings, one after the other."""
    lines = [line for line in log("tf2_8_scientific").split("\n") if "count=" in line]
    (error,) = benchmark_log.read("\n".join([*lines, *lines, ""]))
    assert isinstance(error, ResultError) and "more than two count lines" in str(error)


def test_runs_of_all_options_are_refused():
    """benchmark_model_performance_options measures many settings in one run."""
    text = (IMPORTED / "performance_options.txt").read_text(encoding="utf-8")
    (error,) = benchmark_log.read(text)
    assert "performance_options" in str(error)


@pytest.mark.parametrize(
    "name", ["tf2_20_xnnpack", "litert2_profile", "tf1_cpu", "tf2_8_scientific"]
)
def test_a_cut_log_never_gives_another_number(name):
    """At every place of the cut, the result is that of the whole log or there is none."""
    text = log(name)
    whole = only(text).measurement
    for end in range(0, len(text), 7):
        for found in benchmark_log.read(text[:end]):
            assert isinstance(found, ResultError) or found.measurement == whole


def test_a_missing_last_line_end_is_no_cut():
    """Editors and copied texts leave it out."""
    text = log("tf2_8_scientific")
    summary = text[: text.index("Note: as the benchmark")].rstrip("\n")
    assert only(summary).measurement == only(text).measurement


# --- Android's log -----------------------------------------------------------


def test_androids_log_is_read_without_its_prefixes():
    """Lines of other apps that use the runtime are left out."""
    run = only(android("threadtime"))
    assert run.form == "benchmark_model in Android's log"
    assert (run.engine.delegate, run.engine.delegated_nodes) == ("nnapi", 101)
    assert run.model_name == "model.tflite"
    assert run.measurement.statistics.mean_us == 12167.6
    assert run.measured_at == "", "the log has no year"


def test_androids_log_in_the_format_time():
    """A warning of the runtime is none of the tool."""
    run = only(android("time_fallback"))
    assert run.engine.delegate == "xnnpack" and run.flags[0].label == "fell back"


def formatted(text, kind, pid=4242):
    """Lines as logcat formats them."""
    stamp = "05-30 15:16:44.857"
    prefix = {
        "threadtime": f"{stamp}  {pid}  {pid} I tflite  : ",
        "year": f"2026-{stamp}  {pid}  {pid} I tflite  : ",
        "time": f"{stamp} I/tflite  ({pid:5d}): ",
        "brief": f"I/tflite  ({pid:5d}): ",
        "tag": "I/tflite  : ",
    }[kind]
    bare = (line.removeprefix("INFO: ") for line in text.split("\n"))
    return "\n".join(prefix + line for line in bare) + "\n"


@pytest.mark.parametrize("kind", ["threadtime", "year", "time", "brief", "tag"])
@pytest.mark.parametrize("name", ["tf2_20_xnnpack", "tf2_13_info", "tf1_cpu", "litert2_profile"])
def test_each_format_of_logcat_says_the_same(kind, name):
    """Only the format with a year has a date."""
    text = log(name)
    run, plain = only(formatted(text, kind)), only(text)
    assert run.measurement == plain.measurement
    assert (run.model_name, run.threads) == (plain.model_name, plain.threads)
    assert run.engine.delegate == plain.engine.delegate
    assert run.measured_at == ("2026-05-30T15:16:44" if kind == "year" else "")


def test_each_process_is_a_run():
    """Their lines stand between each other."""
    one, other = (formatted(log(name), "threadtime", pid).split("\n") for name, pid in (
        ("tf2_20_xnnpack", 11), ("tf2_8_scientific", 22)
    ))  # fmt: skip
    mixed = [line for pair in zip(one, other, strict=False) for line in pair]
    mixed += [*one[len(other) :], *other[len(one) :]]
    found = benchmark_log.read("\n".join(mixed))
    assert [it.model_name for it in found] == [
        "ssd_mobilenet_v2_coco.tflite",
        "mobilenet_v1_1.0_224.tflite",
    ]


def test_a_crash_of_the_app_is_its_reason():
    """Android reports it under another tag of the same process."""
    text = android("threadtime")
    begin = text[: text.index("05-30 15:16:45.362")]
    crash = "05-30 15:16:45.000  3380  3380 F libc    : Fatal signal 11 (SIGSEGV), code 1\n"
    (error,) = benchmark_log.read(begin + crash)
    assert isinstance(error, ResultError) and "Fatal signal 11" in str(error)


def test_an_accelerator_that_ran_a_part_fell_back():
    """The rest ran on the CPU, and its time is in the figure."""
    (flag,) = [flag for flag in only(android("threadtime")).flags if not flag.good]
    assert flag.label == "fell back" and "nnapi ran a part" in flag.reason


def test_what_an_accelerator_computed_with_is_kept():
    """In the log's own words."""
    assert only(log("tf2_20_gpu_opengl")).engine.backend == "OpenGL"


def test_where_nothing_tells_what_was_asked_for_no_fallback_is_ruled_out():
    """A GPU was asked for here, and LiteRT's log does not hold that."""
    run = only(log("litert2_gpu_missing"))
    assert (run.engine.delegate, run.engine.requested) == ("xnnpack", "")
    assert [flag.label for flag in run.flags] == ["delegate confirmed"]


def test_a_delegate_of_a_chip_maker_is_named():
    """XNNPACK is created beside it, and ran nothing."""
    lines = (
        "External delegate path: [/data/local/tmp/libQnnTFLiteDelegate.so]",
        "Use xnnpack: [0]",
        "INFO: Created TensorFlow Lite XNNPACK delegate for CPU.",
        "VERBOSE: Replacing 31 out of 31 node(s) with delegate (TfLiteQnnDelegate) node, yielding "
        "1 partitions for the whole graph.",
        "INFO: Explicitly applied EXTERNAL delegate, and the model graph will be completely "
        "executed by the delegate.",
    )
    found = only(run(*lines))
    assert (found.engine.delegate, found.engine.requested) == ("TfLiteQnnDelegate", "")
    assert all(flag.good for flag in found.flags)
    part = only(run(*(line.replace("31 out", "20 out") for line in lines)))
    assert (part.engine.delegated_nodes, part.engine.nodes) == (20, 31)
    assert not all(flag.good for flag in part.flags)

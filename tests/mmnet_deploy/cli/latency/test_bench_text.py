"""Benchmarks as text: tables that fit, and remarks that are true."""

from __future__ import annotations

import dataclasses

import pytest

from android_benchmark import (
    PRESETS,
    DeviceFacts,
    Engine,
    Flag,
    Measurement,
    Statistics,
)
from android_benchmark.engines import tflbench
from mmnet_deploy.cli.latency.bench_text import print_results, remarks
from mmnet_deploy.results.records import Benchmark, OutputDifference
from mmnet_deploy.tflite.card import ModelCard, ModelFile
from tests.support.results import benchmark

PHONE = DeviceFacts("1A2B", "Google Pixel 6", "GS101", 8, "Android 14")
EMULATED = DeviceFacts("emulator-5554", "Mi 5", "MSM8996", 4, "Android 8", emulated=True)
OLD = dataclasses.replace(PHONE, features=("asimd",))
NEW = dataclasses.replace(PHONE, features=("asimd", "fphp", "asimdhp"))
INVALID = Flag("stable", False, "the 90th percentile is 2.00 times the median; repeat")


def result(precision="float32", us=20_000.0, **changes) -> Benchmark:
    """A benchmark of a 1.0 network at 256×256."""
    card = ModelCard("mmnet", "MMNet", 1.0, 256, 256, precision, 5, "", "", weights_sha256="w")
    name = f"mmnet-1.0-256-{precision}"
    fields = {
        "device": PHONE,
        "engine": Engine("LiteRT", "2.1", "xnnpack", "xnnpack"),
        "measurement": Measurement((), tuple(us * (1 + n / 1000) for n in range(-25, 26))),
        "flags": (Flag("stable", True),),
    }
    file = changes.pop("model", ModelFile(f"{name}.tflite", f"sha of {name}", 777, card))
    return benchmark(file, **(fields | changes))


def engine(ran: str, requested: str = "", **more) -> Engine:
    return Engine("LiteRT", "2.1", ran, requested or ran, **more)


@pytest.fixture
def printed(capsys):
    """Lines on standard output and on standard error."""

    def lines(*results):
        print_results(results)
        captured = capsys.readouterr()
        return [
            [line.rstrip() for line in text.splitlines() if line.strip()]
            for text in (captured.out, captured.err)
        ]

    return lines


# --- The table ---------------------------------------------------------------


def test_what_all_rows_share_stands_in_the_title(printed):
    """Engine, delegate, threads and cores; of the rest a row has what differs."""
    pinned = {"cores": (6, 7), "cores_wanted": "big", "init_us": 5000.0}
    out, err = printed(result(**pinned), result("int8", 7_000.0, **pinned))
    title = " ".join(out[: next(n for n, line in enumerate(out) if "median" in line)])
    assert " ".join(title.split()) == (
        "Google Pixel 6, GS101, Android 14; "
        "LiteRT 2.1, xnnpack, 1 thread, cores big (6,7), all valid"
    )
    assert [line.split() for line in out[-2:]] == [
        ["mmnet-1.0-256-float32", "20.0", "19.9…20.1", "20.4", "51", "5.00"],
        ["mmnet-1.0-256-int8", "7.00", "6.95…7.05", "7.14", "51", "5.00"],
    ]
    assert not err


def test_what_differs_is_a_column(printed):
    """Threads, cores, delegate and engine; a dash where there is nothing to say."""
    out, _ = printed(
        result(),
        result("int8", threads=2, cores=(0,), cores_wanted="little", engine=engine("gpu")),
        result(engine=Engine("benchmark_model", "2", "xnnpack", "xnnpack")),
    )
    header = " ".join(out[1:4])
    assert all(word in header for word in ("engine", "delegate", "threads", "cores"))
    assert "init" not in header and "RAM" not in header
    rows = [line.split() for line in out[-3:]]
    assert rows[0][1:6] == ["LiteRT", "2.1", "xnnpack", "1", "–"]
    assert rows[1][1:7] == ["LiteRT", "2.1", "gpu", "2", "little", "(0)"]


def test_a_usual_table_fits_80_columns(printed):
    """With memory and two delegates or an invalid result, in every precision."""
    more = {"init_us": 480_000.0, "peak_memory_bytes": 130_000_000}
    rows = [result(p, **more) for p in ("float32", "float16", "int16x8")]
    for other in ({"engine": engine("gpu")}, {"flags": (INVALID,)}):
        out, _ = printed(*rows, result(**other, **more))
        assert max(map(len, out)) <= 80


def test_one_invalid_result_gives_a_column(printed):
    """Else the title tells."""
    out, _ = printed(result(), result("int8", flags=(INVALID,)))
    assert [line.split()[-1] for line in out[-2:]] == ["yes", "no"]
    out, _ = printed(result(flags=(INVALID,)))
    assert "none valid" in " ".join(out)


def test_the_header_names_what_is_quoted(printed):
    """The 90th percentile once, a mean without percentile, a mixture in each cell."""
    mlperf = result(rules=PRESETS["mlperf"])
    given = Statistics(50, 9.0, 19_000.0, 21_000.0, 20_000.0, 100.0)
    mean = result("int8", measurement=Measurement((), (), given))
    out, _ = printed(mlperf)
    assert sum(line.count("p90") for line in out) == 1
    out, _ = printed(mean)
    assert any("mean" in line for line in out) and not any("p90" in line for line in out)
    out, _ = printed(mlperf, mean)
    assert any("latency" in line for line in out)
    assert "p90" in out[-2] and "20.0 mean" in out[-1]


def test_each_device_has_its_table_and_emulated_ones_say_so(printed):
    """Devices of the same model are told apart."""
    twin = dataclasses.replace(PHONE, serial="3C4D")
    out, _ = printed(result(), result(device=EMULATED), result(device=twin), result("int8"))
    titles = [n for n, line in enumerate(out) if "Pixel 6" in line or "EMULATED" in line]
    assert len(titles) == 3
    assert "1A2B" in out[titles[0]] and "3C4D" in out[titles[2]]
    assert out[titles[1]].startswith("EMULATED: these times are not a phone's. Mi 5")


def test_a_fallback_is_never_called_by_what_was_asked_for(printed):
    """The row says what ran, and a part of the graph is told as one."""
    out, _ = printed(
        result(engine=engine("none", "gpu")),
        result("int8", engine=engine("gpu", nodes=60, delegated_nodes=50)),
    )
    assert "none (gpu asked for)" in out[-2]
    assert "gpu 50/60" in out[-1]


def test_backend_precision_and_flags_stand_where_they_differ(printed):
    """What all share is in the title, and remarks tell results apart by the same words."""
    opencl, opengl = (engine("gpu", backend=name) for name in ("OpenCL", "OpenGL"))
    same = {"delegate_precision": "fp16", "flags": (INVALID,)}
    out, _ = printed(
        result(engine=opencl, **same),
        result(engine=opengl, engine_flags=("gpu_backend=gl",), **same),
    )
    assert "gpu" in out[0] and "fp16" in out[0] and "OpenGL" not in out[0]
    assert "OpenCL" in out[-2] and "–" in out[-2]
    assert "OpenGL" in out[-1] and "gpu_backend=gl" in out[-1]
    for line in remarks([result(engine=opencl, **same), result(engine=opengl)]):
        assert "gpu, OpenCL, fp16, 1 thread: not stable" in line
    out, _ = printed(result())
    assert "backend" not in " ".join(out)


# --- Remarks -----------------------------------------------------------------


def test_a_broken_rule_is_said_with_its_reason():
    """Model, delegate and threads tell which result it is."""
    assert remarks([result(threads=2, flags=(INVALID,)), result()]) == [
        "mmnet-1.0-256-float32, xnnpack, 2 threads: not stable: "
        "the 90th percentile is 2.00 times the median; repeat."
    ]


def test_equal_reasons_are_said_once():
    """With the number of results; others are apart."""
    hot = Flag("throttled", True, "hot", wanted=False)
    lines = remarks([result(flags=(hot,)), result("int8", flags=(hot, INVALID))])
    assert lines[0] == "2 results: throttled: hot."
    assert lines[1].startswith("mmnet-1.0-256-int8, xnnpack, 1 thread: not stable: ")


def test_remarks_name_the_device_only_where_there_are_several():
    """Cores too."""
    twin = dataclasses.replace(PHONE, model="Mi 5")
    (line,) = remarks([result(flags=(INVALID,)), result(device=twin)])
    assert line.startswith("mmnet-1.0-256-float32, xnnpack, 1 thread, Google Pixel 6: not stable")
    pinned = {"cores_wanted": "big", "flags": (INVALID,)}
    (line,) = remarks([result(cores=(6,), **pinned), result(cores=(), cores_wanted="")])
    assert line.startswith("mmnet-1.0-256-float32, xnnpack, 1 thread, cores big (6): not stable")


@pytest.mark.parametrize(
    ("latencies", "expected"),
    [
        ((100.0, 102.1, 101.0), "mmnet-1.0-256-float32, xnnpack, 1 thread: 3 repeats within 2.1 %"),
        ((100.0, 105.0), "mmnet-1.0-256-float32, xnnpack, 1 thread: 2 repeats within 5.0 %"),
        (
            (100.0, 107.0),
            "Warning: mmnet-1.0-256-float32, xnnpack, 1 thread: 2 repeats differ by 7",
        ),
        ((0.0, 0.0), "mmnet-1.0-256-float32, xnnpack, 1 thread: 2 repeats within 0.0 %"),
    ],
)
def test_repeats_are_compared(latencies, expected):
    """By the slowest against the fastest; above 5 % it is a warning with a remedy."""
    (line,) = remarks([result(us=us) for us in latencies])
    assert line.startswith(expected)
    assert ("repeat." in line) is line.startswith("Warning")


def test_results_of_other_settings_are_no_repeats():
    """Other threads, models and delegates are not compared."""
    others = [result(threads=2), result("int8"), result(engine=engine("gpu"))]
    assert not remarks([result(), *others])


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (OutputDifference("int8", 65536, 12, 1.0, True), True),
        (OutputDifference("int8", 65536, 0, 0.0, True), False),
        (OutputDifference("float32", 65536, 12, 1e-5, True), False),
        (OutputDifference("int8", 65536, 12, 7.0, False), False),
        (None, False),
    ],
)
def test_quantized_outputs_that_differ_by_a_step_are_counted(difference, said):
    """Equal ones, rounding of floats, and what a flag tells already go without a word."""
    expected = (
        "mmnet-1.0-256-int8, xnnpack, 1 thread: "
        "output equals this computer's but for 12 of 65536 values by one step."
    )
    assert remarks([result("int8", output_difference=difference)]) == [expected] * said


def test_a_column_says_which_files_computed_in_half_precision(printed):
    """On cores that can: beside others in a column, else in the title. The table still fits."""
    more = {"init_us": 480_000.0, "peak_memory_bytes": 130_000_000}
    half = result("float16", computes_in="float16", **more)
    whole = result("float32", computes_in="float32", **more)
    int8 = result("int8", computes_in="int8", **more)
    out, err = printed(whole, half, int8, result("dynamic", **more))
    assert "computes" in out[1] and max(map(len, out)) <= 80 and not err
    rows = [line.split()[1] for line in out[-4:]]
    assert rows == ["float32", "float16", "int8", "–"]
    out, _ = printed(half)
    assert "computes in float16" in " ".join(out) and "computes" not in out[2]
    out, _ = printed(whole, int8)
    assert "computes" not in " ".join(out)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"device": OLD}, "XNNPACK has no fp16 arithmetic on these cores"),
        ({"device": NEW}, "the file does not allow half precision"),
        ({"device": NEW, "engine": engine("none")}, "the built-in kernels have no half precision"),
        ({"device": NEW, "engine": engine("gpu")}, "the delegate was told to"),
    ],
)
def test_a_float16_file_that_computes_in_float32_is_explained(changes, reason):
    """With what it is that the file, the cores or the delegate lacks; several in one line."""
    half = result("float16", computes_in="float32", **changes)
    (line,) = remarks([half, result("float32", computes_in="float32", **changes)])
    assert line.endswith(f": a float16 file that computes in float32 here: {reason}.")
    (line,) = remarks([half, dataclasses.replace(half, threads=2)])
    assert line.startswith("2 results: ")


def test_nothing_is_said_of_float16_that_is_not_known():
    """Results of earlier versions, and what computed in float16, need no remark."""
    assert not remarks([result("float16"), result("float16", computes_in="float16", threads=2)])


def test_our_own_engine_is_said_to_be_unverified_on_real_phones():
    """Once, and not of what was emulated."""
    own = Engine(tflbench.ENGINE, "1", "xnnpack", "xnnpack")
    assert remarks([result(engine=own), result("int8", engine=own)]) == [f"{tflbench.UNVERIFIED}."]
    assert not remarks([result(engine=own, device=EMULATED)])


def test_remarks_go_to_standard_error(printed):
    """Standard output is for results."""
    out, err = printed(result(flags=(INVALID,)))
    assert err == remarks([result(flags=(INVALID,))])
    assert not any("percentile" in line for line in out)


# --- Few runs ------------------------------------------------------------------


def test_an_open_interval_is_told_with_the_runs_that_close_it(printed):
    """In the table in words, and below it in one line for all that lack as many."""
    few = Measurement((), tuple(20_000.0 + n for n in range(10)))
    p90 = dataclasses.replace(PRESETS["quick"], percentile=90)
    one, other = (result(kind, measurement=few, rules=p90) for kind in ("float32", "int8"))
    table, notes = printed(one, other)
    assert sum("at least" in line for line in table) == 2
    assert not any("inf" in line for line in table)
    said = " ".join(notes)
    assert "2 results: 10 runs do not bound the 90th percentile; 36 do (`--min-runs`)." in said
    once = Measurement((), (20_000.0,))
    table, notes = printed(result(measurement=once))
    assert any("unbounded" in line for line in table)
    assert "1 run does not bound the median; 6 do" in " ".join(notes)
    assert not any("bound" in line for line in printed(result())[1])

"""Stored results as lists and tables."""

import dataclasses
import importlib.util
import json

import pandas as pd
import pytest

from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
)
from mmnet_deploy.results import store, table
from mmnet_deploy.tflite.card import ModelFile
from tests.support import results

INT8 = results.model("aa", "mmnet-1.0-256-int8.tflite", results.card(precision="int8"))
FOREIGN = results.model("bb", "other.tflite")

LATENCY = results.benchmark(
    INT8,
    (1000.0, 2000.0, 3000.0) * 2,
    engine=Engine("tflbench", "2", "xnnpack", nodes=60, delegated_nodes=60),
    threads=2,
    flags=(Flag("stable", False, "noise"), Flag("min_runs_met", True)),
    before=DeviceState(temperatures_c={"cpu": 31.5}),
    versions={"mmnet-deploy": "0.1.0"},
    created_at="2025-01-02T03:04:05+00:00",
)
QUALITY = results.evaluation(INT8)
HOST = dataclasses.replace(
    LATENCY,
    model=FOREIGN,
    device=DeviceFacts("host", "this computer", "Ryzen", 4, "Linux"),
    flags=(),
)


@pytest.fixture
def folder(tmp_path):
    """A folder with three results and what else may lie in one."""
    for result in (LATENCY, QUALITY, HOST):
        store.save(result, tmp_path / "results")
    (tmp_path / "results" / "notes.txt").write_text("mine")
    return tmp_path / "results"


def test_list_has_a_line_for_each_result(call, folder):
    """Model, device, settings, the number that counts, and validity."""
    result = call("results", "list", "results")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert len(lines) == 4
    assert any(
        "mmnet-1.0-256-int8.tflite Pixel 6 tflbench 2 xnnpack t2 2.00 ms median (1.00…3.00) no "
        "2025-01-02 03:04:05" in line
        for line in lines
    )
    assert any("portraits/test (1) 800×600 4.000e-3 gradient error" in line for line in lines)
    assert "3 results." in result.stderr


def test_list_says_what_files_computed_in_where_it_is_not_plain(call, tmp_path):
    """Of benchmarks and of counts; a count has the name of its core, and what that can do."""
    half = results.model("cc", "half.tflite", results.card(precision="float16"))
    told = [
        dataclasses.replace(LATENCY, computes_in="int8"),
        dataclasses.replace(LATENCY, model=half, computes_in="float16"),
        results.counted(85, "half", "float16", computes_in="float16", cpu_title="ARMv8.2"),
        results.counted(85, "whole", computes_in="float32"),
    ]
    for result in told:
        store.save(result, tmp_path / "results")
    lines = call("results", "list", "results").stdout.splitlines()
    assert sorted("in float16" in line for line in lines) == [False, False, False, True, True]
    assert not any("in int8" in line or "in float32" in line for line in lines)
    shown = call("results", "show", "results", "--kind", "cost", "--model", "half").stdout
    assert "computes_in" in shown and "cpu_title" in shown and "ARMv8.2" in shown


def test_list_tells_accelerators_and_their_flags_apart(call, tmp_path):
    """Lines of different conditions must not look like repeats."""
    engine = Engine("benchmark_model", "litert2", "gpu", "gpu", 9, 9, 1, backend="OpenCL")
    by_gl = dataclasses.replace(engine, backend="OpenGL")
    plain = dataclasses.replace(LATENCY, engine=engine)
    told = [
        plain,
        dataclasses.replace(plain, threads=1, delegate_precision="fp32"),
        dataclasses.replace(plain, engine=by_gl, threads=3, engine_flags=("gpu_backend=gl",)),
    ]
    for result in told:
        store.save(result, tmp_path / "results")
    lines = call("results", "list", "results").stdout
    assert "gpu, OpenCL t2" in lines and "gpu, OpenCL, fp32 t1" in lines
    assert "gpu, OpenGL, gpu_backend=gl t3" in lines
    page = tmp_path / "report.html"
    call("report", "results", "-o", page)
    assert "gpu, OpenGL, gpu_backend=gl" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "models"),
    [
        ((), {"mmnet-1.0-256-int8.tflite", "other.tflite"}),
        (("--model", "INT8"), {"mmnet-1.0-256-int8.tflite"}),
        (("--model", "*.tflite"), {"mmnet-1.0-256-int8.tflite", "other.tflite"}),
        (("--model", "mmnet"), {"mmnet-1.0-256-int8.tflite"}),
        (("--model", "int8*"), set()),
        (("--device", "host"), {"other.tflite"}),
        (("--device", "pixel"), {"mmnet-1.0-256-int8.tflite"}),
        (("--kind", "evaluation"), {"mmnet-1.0-256-int8.tflite"}),
        (("--kind", "evaluation", "--device", "host"), set()),
    ],
)
def test_results_are_chosen_by_model_device_and_kind(call, folder, words, models):
    """A part of a name or a pattern chooses, whatever its case."""
    result = call("results", "list", "results", "--json", *words)
    assert result.exit_code == 0
    assert {row["model"] for row in json.loads(result.stdout)} == models


def test_a_damaged_file_is_named_and_skipped(call, folder):
    """The rest is listed, and the exit code is 0."""
    (folder / "cut.json").write_text('{"kind": "bench')
    (folder / "new.json").write_text('{"kind": "benchmark", "schema_version": 99}')
    result = call("results", "list", "results")
    assert result.exit_code == 0
    assert "Skipped results/cut.json: is not a result" in result.stderr
    assert "Skipped results/new.json: was written by a newer mmnet-deploy" in result.stderr
    assert len(result.stdout.splitlines()) == 4


def test_many_damaged_files_do_not_flood_the_terminal(call, folder):
    """The first ones are named, the others counted."""
    for number in range(50):
        (folder / f"cut-{number}.json").write_text("{")
    lines = call("results", "list", "results").stderr.splitlines()
    assert len(lines) < 25
    assert any("30 more files" in line for line in lines)


def test_show_says_all_of_a_result(call, folder):
    """Rules with their reasons, temperatures and versions are there, raw samples are not."""
    shown = call("results", "show", "results", "--model", "int8", "--kind", "benchmark").stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for line in (
        "model mmnet-1.0-256-int8.tflite",
        "rule not stable noise",
        "rule min runs met kept",
        "before: cpu 31.5 °C",
        "version of mmnet-deploy 0.1.0",
        "latency_ms 2",
    ):
        assert line in lines
    (content,) = json.loads(call("results", "show", "results", "--device", "1a2b", "--json").stdout)
    assert content["measurement"]["samples_us"] == [1000.0, 2000.0, 3000.0] * 2


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_export_writes_what_other_tools_read(call, folder, tmp_path, kind):
    """Whole numbers stay whole where others lack them, and the kinds share the model's hash."""
    result = call("results", "export", "results", "-o", f"deep/all.{kind}")
    assert result.exit_code == 0, result.output
    path = tmp_path / "deep" / f"all.{kind}"
    read = pd.read_csv(path) if kind == "csv" else pd.read_parquet(path)
    assert len(read) == 3
    benchmarks = read[read["kind"] == "benchmark"].set_index("model")
    ours = benchmarks.loc[INT8.name]
    assert (ours["latency_ms"], ours["latency_low_ms"], ours["runs"]) == (2.0, 1.0, 6)
    assert ours["invalid"] == "not stable: noise"
    assert pd.isna(benchmarks.loc[FOREIGN.name]["parameters"])
    (quality,) = read[read["kind"] == "evaluation"].to_dict("records")
    assert (quality["gradient_error"], quality["model_sha256"]) == (0.004, "aa")
    if kind == "csv":
        assert ",777," in path.read_text()
    else:
        assert read["parameters"].dtype == "Int64" or read["parameters"].dropna().eq(1234).all()


def test_tables_of_other_kinds_are_refused(one_line, call, folder, tmp_path):
    """The two that can be written are named."""
    result = call("results", "export", "results", "-o", "all.xlsx")
    one_line(result, 2, ".csv or .parquet", "Received: all.xlsx")
    assert not (tmp_path / "all.xlsx").exists()


def test_parquet_without_pyarrow_is_one_line(one_line, call, folder, monkeypatch):
    """The pip command is in it."""
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyarrow" else real(name)
    )
    result = call("results", "export", "results", "-o", "all.parquet")
    one_line(result, 1, "pip install pyarrow")


def test_nothing_to_list_is_one_line(one_line, call, tmp_path):
    """A folder without results, and a file that is none."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.json").write_text("{}")
    one_line(call("results", "list", "empty"), 1, "No results in empty")
    one_line(call("results", "list", "x.json"), 1, "x.json", "not a result")


def test_a_row_of_a_kind_without_columns_of_its_own_says_what_all_share(tmp_path):
    """A kind of result that the table does not know yet is listed all the same."""

    @dataclasses.dataclass(frozen=True)
    class Other:
        model: ModelFile
        created_at: str = "2025"
        kind = "other"

    row = table.row(Other(INT8), tmp_path / "a.json")
    assert (row["kind"], row["model"], row["precision"]) == ("other", INT8.name, "int8")

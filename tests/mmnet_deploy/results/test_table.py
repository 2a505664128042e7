"""Benchmarks with their qualities as rows of a table."""

import json

import pytest

from android_benchmark import Engine, Flag, Measurement, Statistics
from mmnet_deploy.results import table, table_file, trade_offs
from tests.support.results import EMULATED, benchmark, card, evaluation, model


def test_table_has_a_row_per_benchmark():
    """Metrics, size, latency with its interval, settings and broken rules, with units."""
    file, foreign = model(described=card()), model("bb", "foreign.tflite")
    broken = (
        Flag("min_runs_met", False, "too few"),
        Flag("stable", True),
        Flag("throttled", True, "hot", wanted=False),
    )
    given_ = Statistics(50, 9.0, 1000.0, 3000.0, 2000.0, 0.0)
    frame = table_file.frame(
        table.trade_offs(
            trade_offs.join(
                [
                    evaluation(file),
                    evaluation(foreign, 0.006),
                    benchmark(
                        file,
                        [1000.0, 3000.0, 2000.0],
                        flags=broken,
                        engine=Engine("tflbench", "2", "none", "gpu", 60, 0, 0, "c" * 64),
                        cores=(6, 7),
                        cores_wanted="big",
                        init_us=5500.0,
                        peak_memory_bytes=2**40,
                        computes_in="float16",
                        delegate_precision="fp16",
                        engine_flags=("gpu_backend=cl", "verbose=true"),
                    ),
                    benchmark(
                        foreign, device=EMULATED, threads=2, measurement=Measurement((), (), given_)
                    ),
                ],
                emulated=True,
            )
        )
    )
    first, second = json.loads(frame.to_json(orient="records"))
    assert first == {
        "model": "net.tflite",
        "precision": "float32",
        "gradient_error": 0.004,
        "mad": 0.02,
        "mean_iou": 0.9,
        "size_bytes": 777,
        "latency_ms": 2.0,
        "statistic": "median",
        "latency_low_ms": None,
        "latency_high_ms": None,
        "latency_p90_ms": pytest.approx(2.8),
        "runs": 3,
        "init_ms": 5.5,
        "peak_memory_bytes": 2**40,
        "threads": 1,
        "cores": "6,7",
        "engine": "tflbench 2",
        "engine_sha256": "c" * 12,
        "requested_delegate": "gpu",
        "delegate": "none",
        "nodes": 60,
        "delegated_nodes": 0,
        "backend": "",
        "delegate_precision": "fp16",
        "engine_flags": "gpu_backend=cl verbose=true",
        "computes_in": "float16",
        "device": "Pixel 6",
        "serial": "1A2B",
        "emulated": False,
        "invalid": "not min runs met: too few; throttled: hot",
        "imported_from": "",
    }
    unknown = ("precision", "latency_p90_ms", "init_ms", "peak_memory_bytes", "nodes")
    assert [second[name] for name in unknown] == [None] * 5
    assert (second["statistic"], second["requested_delegate"]) == ("mean", "xnnpack")
    assert (second["emulated"], second["invalid"]) == (True, "")
    assert ",60,0,,fp16,gpu_backend=cl verbose=true,float16,Pixel 6," in frame.to_csv(index=False)


def test_a_table_of_nothing_is_empty():
    """No crash where nothing was joined."""
    assert table_file.frame(table.trade_offs(trade_offs.Joined((), ()))).empty

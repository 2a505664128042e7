"""Results of every kind that a report may meet, made up with a seed."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    Measurement,
    OperatorTime,
    RunRules,
    Statistics,
)
from mmnet_deploy.results import store
from mmnet_deploy.results.records import Benchmark, Evaluation, PictureScore
from mmnet_deploy.tflite.card import LayerError, ModelCard, ModelFile
from tests.support import results


def reading(results, skipped=()):
    """Results as they come from files."""
    files = tuple(Path(f"{number}.json") for number in range(len(results)))
    return store.StoredResults(tuple(results), files, tuple(skipped))


HOSTILE = "<script>alert(1)</script>.tflite"
HOSTILE_DEVICE = "\"><img src=x onerror=alert(2)>{{ 7 * 7 }}'&amp;"

PHONE = DeviceFacts(
    "1A2B3C", "Phone P", "SoC 1", 8, "Android 14", "arm64-v8a", 34, "maker/p/p:14/A1", "5.10"
)
EMULATED = DeviceFacts("emulated", "Phone E", "SoC 2", 4, "Android 8", emulated=True)
HOST = DeviceFacts("host", "this computer (CPU)", "CPU", 2, "Linux 6.1 x86_64")


def card(width: float, precision: str, size: int = 256) -> ModelCard:
    """A description; of int8 with the ranking of its layers."""
    layers = tuple(
        LayerError(f"net/enc{i}_expand/Relu6", "CONV_2D", 1e-4 / (i + 1) - 4e-6) for i in range(30)
    )
    return ModelCard(
        "mmnet", "MMNet", width, size, size, precision, int(2e5 * width), "rgb", "alpha", "w" * 64,
        layer_errors=layers if precision == "int8" else (),
        float_layers=("net/enc0_expand/Relu6",) if precision == "int8" else (),
    )  # fmt: skip


def model(width: float = 1.0, precision: str = "float32", **changes) -> ModelFile:
    """A file whose hash is of its name."""
    name = changes.pop("name", f"mmnet-{width}-256-{precision}.tflite")
    size = int(6e5 * width * {"float32": 1.0, "float16": 0.6, "int8": 0.4}[precision])
    file = ModelFile(
        name,
        hashlib.sha256(name.encode("utf-8", "replace")).hexdigest(),
        size,
        card(width, precision),
    )
    return dataclasses.replace(file, **changes)


def evaluation(file: ModelFile, gradient_error: float, count: int = 20, **changes) -> Evaluation:
    """Scores that scatter about a mean."""
    rng = np.random.default_rng(1)
    factors = rng.uniform(0.5, 1.5, count)
    pictures = tuple(
        PictureScore(
            f"p{i}",
            {"gradient_error": gradient_error * f, "mad": 4 * gradient_error * f, "mean_iou": 0.95},
        )
        for i, f in enumerate((factors / factors.mean()).tolist())
    )
    fields = {
        "engine": "ai-edge-litert 2.3.0",
        "pictures": pictures,
        "created_at": "2025-03-01T10:00:00+00:00",
    }
    return results.evaluation(file, **(fields | changes))


def state(temperature: float) -> DeviceState:
    """A phone that is as warm as it is told."""
    return DeviceState(
        load_1min=1.5,
        governors=("schedutil",),
        frequencies_khz=(600_000, 600_000, 1_400_000, 2_400_000),
        frequency_limits_khz=(1_800_000, 1_800_000, 2_400_000, 2_800_000),
        temperatures_c={"cpu-0": temperature, "skin": temperature - 4},
        battery_c=temperature - 6,
        charging=True,
        screen_on=False,
        free_memory_bytes=2_500_000_000,
    )


def benchmark(file: ModelFile, latency_us: float, number: int = 0, **changes) -> Benchmark:
    """Samples with noise and some outliers, on the phone."""
    rng = np.random.default_rng(number)
    count = max(50, round(1e6 / latency_us))
    samples = latency_us * np.exp(rng.normal(0, 0.02, count) + 0.3 * (rng.random(count) < 0.02))
    fields = {
        "device": PHONE,
        "engine": Engine("tflbench", "2.20", "xnnpack", "xnnpack", 60, 60, 1, "e" * 64),
        "rules": RunRules(rest_margin_c=2.0, rest_max_s=60.0),
        "measurement": Measurement((latency_us * 2,), tuple(samples.tolist())),
        "flags": (Flag("stable", True), Flag("min_runs_met", True)),
        "before": state(34 + number),
        "after": state(36 + 1.2 * number),
        "versions": {"mmnet-deploy": "0.1.0", "python": "3.11.7"},
        "created_at": f"2025-03-01T11:{number:02d}:00+00:00",
        "cores": (6, 7),
        "cores_wanted": "big",
        "init_us": 8000.0,
        "peak_memory_bytes": 42_000_000,
    }
    return results.benchmark(file, **(fields | changes))


def everything() -> list[Benchmark | Evaluation]:
    """Phones, an emulated one and a host; with and without quality, samples and profile."""
    found: list[Benchmark | Evaluation] = []
    number = 0
    for width, error in ((0.5, 0.0062), (0.75, 0.0049), (1.0, 0.0041), (1.4, 0.0038)):
        for precision, factor, more in (("float32", 1.0, 1.0), ("int8", 0.45, 1.03)):
            file = model(width, precision)
            found.append(evaluation(file, error * more))
            number += 1
            latency_us = 24_000 * width * factor
            profile = tuple(
                OperatorTime(f"net/enc{i}/Relu6", "CONV_2D", latency_us / (2 + i))
                for i in range(25)
            )
            found.append(benchmark(file, latency_us, number, profile=profile))
            host = {"device": HOST, "before": DeviceState(), "after": DeviceState()}
            if width == 1.0:
                engine = Engine("ai-edge-litert", "2.3.0", "xnnpack", "xnnpack")
                found.append(
                    benchmark(
                        file, latency_us / 8, number, engine=engine, cores=(), cores_wanted="",
                        peak_memory_bytes=None, **host,
                    )
                )  # fmt: skip
    hot = Flag("throttled", True, "the highest frequency fell to 60 %; let it cool", wanted=False)
    found.append(benchmark(model(1.4, "float32"), 45_000, 12, threads=4, flags=(hot,)))
    given = Statistics(120, 9100.0, 8000.0, 12000.0, 8900.0, 300.0)
    found.append(
        benchmark(
            model(0.75, "int8"), 9000, 13, threads=2, measurement=Measurement((), (), given),
            engine=Engine("benchmark_model", "2.16", "none", "gpu", 60, 0, 0, "f" * 64),
        )
    )  # fmt: skip
    found.append(benchmark(model(0.5, "int8"), 150_000, 14, device=EMULATED))
    hostile = model(1.0, "float32", name=HOSTILE, card=None)
    found.append(
        benchmark(hostile, 5000, 15, device=dataclasses.replace(PHONE, model=HOSTILE_DEVICE))
    )
    found.append(evaluation(hostile, 0.008))
    found.append(evaluation(model(1.0, "float16"), 0.00411))  # Nobody measured its latency.
    return found

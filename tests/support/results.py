"""Builders of results: small ones whose every field a test may change."""

from __future__ import annotations

import dataclasses

from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    InstructionCounts,
    Measurement,
    RunRules,
)
from mmnet_deploy.results import estimate
from mmnet_deploy.results.records import Benchmark, Cost, Evaluation, PictureScore
from mmnet_deploy.tflite.card import ModelCard, ModelFile

CREATED_AT = "2025-01-01T00:00:00+00:00"
PHONE = DeviceFacts("1A2B", "Pixel 6", "Tensor", 8, "Android 14")
EMULATED = dataclasses.replace(PHONE, serial="emulator-5554", emulated=True)
COUNTING_ENGINE = Engine("tflbench", "1", "xnnpack", "xnnpack", sha256="e" * 64)

PAIRS = ((50, 32), (90, 60), (140, 88), (200, 130))
"""Millions of instructions and milliseconds of the models of a phone."""


def card(width=1.0, size=256, precision="float32", title="MMNet"):
    """A model's description."""
    return ModelCard("mmnet", title, width, size, size, precision, 1234, "", "", "")


def model(sha="aa", name="net.tflite", described=None):
    """A model file."""
    return ModelFile(name, sha, 777, described)


def evaluation(file, gradient_error=0.004, **changes):
    """The quality of a model on one picture."""
    scores = {"gradient_error": gradient_error, "mad": 0.02, "mean_iou": 0.9}
    fields = {
        "data": "portraits",
        "data_sha256": "d" * 64,
        "split": "test",
        "height_px": 800,
        "width_px": 600,
        "engine": "LiteRT 2",
        "pictures": (PictureScore("a", scores),),
        "created_at": CREATED_AT,
    }
    return Evaluation(model=file, **(fields | changes))


def with_constant(result, **scores):
    """The evaluation with scores of a matte of one value, the same of every picture."""
    pictures = tuple(PictureScore(p.name, p.scores, scores) for p in result.pictures)
    return dataclasses.replace(result, pictures=pictures, constant_value=0.0)


def benchmark(file, samples_us=(1000.0,), **changes):
    """The latency of a model on a phone, without flags."""
    fields = {
        "device": PHONE,
        "engine": Engine("LiteRT", "2.1", "xnnpack"),
        "threads": 1,
        "rules": RunRules(),
        "measurement": Measurement((9e9,), tuple(samples_us)),
        "flags": (),
        "before": DeviceState(),
        "after": DeviceState(),
        "versions": {},
        "created_at": CREATED_AT,
    }
    return Benchmark(model=file, **(fields | changes))


def counted(millions, name="net", precision="float32", **changes):
    """A count of so many million instructions."""
    fields = {
        "model": ModelFile(f"{name}.tflite", f"{name}-{precision}", 100),
        "precision": precision,
        "counts": InstructionCounts(0, 0, 0, 0, round(millions * 1e6), 0),
        "runs": (round(millions * 1e6),),
        "cpu": "cortex-a57",
        "identity": "MSM8996",
        "engine": COUNTING_ENGINE,
        "runtime": "ai-edge-litert==1.4.0",
        "runtime_wheel_sha256": "w" * 64,
        "compiler": "gcc",
        "qemu_version": "7.2",
        "counter_sha256": "c" * 64,
        "warmup_runs": 1,
        "versions": {},
        "created_at": CREATED_AT,
    }
    return Cost(**(fields | changes))


def measured(cost, latency_ms, **changes):
    """A valid benchmark of a counted model with the same engine."""
    fields = {"engine": cost.engine, "measurement": Measurement((), (1000 * latency_ms,) * 50)}
    return benchmark(cost.model, **(fields | changes))


def fitted(pairs):
    """A profile of pairs such as `PAIRS`."""
    costs = [counted(millions, f"net{number}") for number, (millions, _) in enumerate(pairs)]
    return estimate.fit(costs, [ms for _, ms in pairs], "Phone", "a test")

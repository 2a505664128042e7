"""Benchmarks on this computer: raw samples, honest labels, and the seam they go through."""

import pytest

import android_benchmark
from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Measurement,
    Outcome,
    RunRules,
    Settings,
)
from mmnet_deploy.benchmarking import benchmark
from mmnet_deploy.benchmarking.host import Host
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import sha256

QUICK = RunRules(warmup_min_runs=2, warmup_min_s=0, min_runs=7, min_duration_s=0)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_a_benchmark_keeps_raw_samples(tiny_models, precision):
    """Warm-up apart, every run's duration is kept, with what ran it."""
    path = tiny_models[precision]
    result = benchmark.benchmark(path, Host(), settings=Settings(), rules=QUICK)
    assert len(result.measurement.samples_us) == 7
    assert len(result.measurement.warmup_us) == 2
    assert min(result.measurement.samples_us) > 0
    assert result.engine.name == "ai-edge-litert"
    assert result.engine.delegate == "xnnpack"
    assert result.model.sha256 == sha256(path)
    assert result.model.card.precision == precision
    assert result.device.cores >= 1
    assert result.before.load_1min is not None


def test_more_threads_than_cores_are_refused(tiny_models):
    """A thread count that this computer cannot run at once is wrong usage."""
    host = Host()
    for threads in (0, host.facts().cores + 1):
        with pytest.raises(UsageError, match=f"Received: {threads}"):
            benchmark.benchmark(tiny_models["int8"], host, settings=Settings(threads), rules=QUICK)


def test_a_truncated_model_is_refused(tmp_path, tiny_models):
    """A file that was cut off is one clear error, not a crash of the runtime."""
    content = tiny_models["int8"].read_bytes()
    path = tmp_path / "cut.tflite"
    for part in (8, len(content) // 2, len(content) - 40):
        path.write_bytes(content[:part])
        with pytest.raises(ModelFileError, match=r"cut\.tflite"):
            benchmark.benchmark(path, Host(), settings=Settings(), rules=QUICK)


class _Slow:
    """A device of another kind: it measures what it is told."""

    def facts(self):
        return DeviceFacts("slow", "Slow One", "none", 4, "none")

    def measure(self, model, settings, rules):
        measurement = Measurement((), (1e6, 9e6))
        return Outcome(Engine("sleep", "1", "none"), measurement, DeviceState(), DeviceState())

    def rest(self, rules):
        """Nothing."""

    def close(self):
        """Nothing."""


def test_any_device_of_the_seam_can_be_measured(tiny_models):
    """What is not this computer goes the same way, and its broken rules are recorded."""
    device: android_benchmark.Device = _Slow()
    result = benchmark.benchmark(tiny_models["int8"], device, settings=Settings(4), rules=QUICK)
    assert result.device.model == "Slow One"
    assert {flag.name for flag in result.broken_rules} == {"min_runs_met", "stable"}

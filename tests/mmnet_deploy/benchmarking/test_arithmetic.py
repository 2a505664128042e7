"""What a benchmark says that a file computed in: from the file, the cores and what ran it."""

import dataclasses

import pytest

from android_benchmark import DeviceFacts, Engine, RunRules, Settings
from mmnet_deploy.benchmarking.arithmetic import computes_in, require_precision
from mmnet_deploy.benchmarking.benchmark import benchmark
from mmnet_deploy.benchmarking.host import Host
from mmnet_deploy.errors import UsageError
from mmnet_deploy.tflite.half_precision import HALF, with_entry

OLD = DeviceFacts("1", "Mi 5", "msm8996", 4, "Android 8", "arm64-v8a", features=("fp", "asimd"))
NEW = dataclasses.replace(OLD, features=("fp", "asimd", "fphp", "asimdhp"))
XNNPACK = Engine("benchmark_model", "1", "xnnpack", "xnnpack")
BUILT_IN = Engine("benchmark_model", "1", "none", "xnnpack")
GPU = Engine("benchmark_model", "1", "gpu", "gpu")


@pytest.fixture(scope="module")
def files(tiny_models, tmp_path_factory):
    """The tiny models, and float ones that allow half precision."""
    folder = tmp_path_factory.mktemp("half")
    found = {name: tiny_models[name] for name in ("float32", "int8")}
    for name in ("float32", "float16"):
        for value in ("", HALF):
            path = found[f"{name} {value}".strip()] = folder / f"{name}{value}.tflite"
            path.write_bytes(with_entry(tiny_models[name].read_bytes(), value))
    return found


@pytest.mark.parametrize(
    ("name", "device", "engine", "settings", "expected"),
    [
        ("float16", NEW, XNNPACK, Settings(), "float32"),
        (f"float16 {HALF}", NEW, XNNPACK, Settings(), "float16"),
        (f"float32 {HALF}", NEW, XNNPACK, Settings(), "float16"),
        (f"float16 {HALF}", OLD, XNNPACK, Settings(), "float32"),
        (f"float16 {HALF}", dataclasses.replace(OLD, features=()), XNNPACK, Settings(), ""),
        # After a fallback, what ran it counts.
        (f"float16 {HALF}", NEW, BUILT_IN, Settings(), "float32"),
        ("int8", NEW, XNNPACK, Settings(), "int8"),
        ("float32", NEW, XNNPACK, Settings(precision="fp16"), "float16"),
        ("float32", NEW, XNNPACK, Settings(engine_flags=("xnnpack_force_fp16=true",)), "float16"),
        ("float32", NEW, BUILT_IN, Settings(engine_flags=("xnnpack_force_fp16=true",)), "float32"),
        ("float32", OLD, GPU, Settings(delegate="gpu"), ""),
        ("float32", OLD, GPU, Settings(delegate="gpu", precision="fp16"), "float16"),
        (
            "int8",
            OLD,
            GPU,
            Settings(delegate="gpu", engine_flags=("gpu_precision_loss_allowed=false",)),
            "float32",
        ),
    ],
)
def test_what_ran_decides(files, name, device, engine, settings, expected):
    """The file's entry, the cores, and the delegate that really ran it decide together."""
    assert computes_in(files[name], device, engine, settings) == expected


def test_a_file_that_cannot_be_read_computes_in_something_unknown(tmp_path):
    """A measurement stands, whatever its file has become meanwhile."""
    (tmp_path / "text.tflite").write_text("no model")
    assert computes_in(tmp_path / "text.tflite", NEW, XNNPACK, Settings()) == ""


def test_xnnpack_cannot_be_kept_from_half_precision_that_a_file_allows(files, tiny_models):
    """Such a run would not be in fp32 on a core that can; of other files it is."""
    settings = Settings(precision="fp32")
    with pytest.raises(UsageError, match=r"must not be fp32 .* `--reduced-precision forbid`"):
        require_precision(files[f"float16 {HALF}"], settings)
    require_precision(tiny_models["float32"], settings)
    require_precision(files[f"float16 {HALF}"], dataclasses.replace(settings, delegate="gpu"))


def test_a_benchmark_says_it(files):
    """A result holds it; this computer is asked for its own cores."""
    rules = RunRules(warmup_min_runs=1, warmup_min_s=0, min_runs=2, min_duration_s=0)
    host = Host()
    half = "float16" if host.facts().fp16_arithmetic else "float32"
    for name, expected in ((f"float16 {HALF}", half), ("float16", "float32"), ("int8", "int8")):
        result = benchmark(files[name], host, settings=Settings(), rules=rules)
        assert result.computes_in == expected

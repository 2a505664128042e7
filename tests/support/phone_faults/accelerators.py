"""Engines of LiteRT 2 that lack a library or a flag, and accelerators that fall back."""

from __future__ import annotations

from android_benchmark.emulator import (
    Reply,
)
from mmnet_deploy.benchmarking.reservation import reserved
from tests.support import litert_engine
from tests.support.benchmark_model import recorded
from tests.support.phone_faults.stage import Stage, scenario


@scenario(
    "The engine's own library is not beside it",
    r"lacks its library libLiteRt\.so: put that beside it",
    exit_code=1,
    kept=0,
)
def own_library_missing(stage: Stage) -> None:
    stage.replies = [litert_engine.LINKER]


@scenario(
    "The GPU's library is not beside the engine, and the CPU runs the model",
    r"gpu was asked for, xnnpack ran the model .*put libLiteRtClGlAccelerator\.so beside",
    exit_code=0,
    kept=2,
)
def gpu_library_missing(stage: Stage) -> None:
    _give(stage, (), "gpu")


@scenario(
    "The GPU runs a part of the model, and the CPU the rest",
    "gpu ran 48 of 90 operators, the CPU the rest",
    exit_code=0,
    kept=2,
)
def gpu_in_part(stage: Stage) -> None:
    partly = Reply(recorded("litert2_gpu_partial"), when="--use_gpu=true")
    _give(stage, litert_engine.GPU, "gpu", partly)


@scenario(
    "The NPU's dispatch library is not beside the engine",
    "needs the chip's dispatch library",
    exit_code=1,
    kept=0,
)
def dispatch_library_missing(stage: Stage) -> None:
    _give(stage, litert_engine.GPU, "npu")


@scenario(
    "A library of the NPU's vendor is missing, and the CPU runs the model",
    'npu was asked for, xnnpack ran the model .*"libQnnSystem.so" not found',
    exit_code=0,
    kept=2,
)
def vendor_library_missing(stage: Stage) -> None:
    _give(stage, litert_engine.NPU[:2], "npu")


@scenario(
    "The engine has no such delegate",
    "`--delegate` must be one of xnnpack, gpu, npu with this engine",
    exit_code=1,
    kept=0,
)
def no_such_delegate(stage: Stage) -> None:
    _give(stage, litert_engine.GPU, "nnapi")


@scenario(
    "The engine has no such flag",
    "must name a flag that the engine has .*Received: gpu_backends",
    exit_code=1,
    kept=0,
)
def no_such_flag(stage: Stage) -> None:
    _give(stage, litert_engine.GPU, "gpu")
    stage.options += ["--engine-flag", "gpu_backends=webgpu"]


@scenario(
    "An engine that is older than the flag for a precision",
    "`--delegate-precision` needs a flag of the engine for gpu",
    exit_code=1,
    kept=0,
)
def older_engine(stage: Stage) -> None:
    _give(stage, litert_engine.GPU, "gpu", help_name="help_litert2")
    stage.options += ["--delegate-precision", "fp16"]


@scenario("Another `bench` uses the phone", "in use by process .*wait until", exit_code=1, kept=0)
def in_use(stage: Stage) -> None:
    stage.until_the_end.enter_context(reserved(stage.phone.serial))


def _give(
    stage: Stage,
    libraries: tuple[str, ...],
    delegate: str,
    *first: Reply,
    help_name: str = "help_litert2_3",
) -> None:
    """Let `bench` use an engine of LiteRT 2 with some libraries, and a delegate."""
    stage.engine_folder = litert_engine.write_engine(
        stage.folder / "litert", libraries, first=first, help_name=help_name
    )
    stage.options += ["--delegate", delegate]

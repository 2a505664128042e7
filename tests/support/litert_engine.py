"""An engine of LiteRT 2 for the emulated phone: a folder, its libraries, and its own words.

It answers as the recordings of LiteRT's benchmark_model do. An accelerator runs only where its
libraries were pushed and are found by `LD_LIBRARY_PATH`; otherwise it does what LiteRT does: it
says so, and lets XNNPACK run the model.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from android_benchmark.emulator import Reply, ScriptedEngine
from tests.support.benchmark_model import recorded

GPU = ("libLiteRt.so", "libLiteRtClGlAccelerator.so")
NPU = (
    "libLiteRt.so",
    "libLiteRtDispatch_Qualcomm.so",
    "libLiteRtCompilerPlugin_Qualcomm.so",
    "libQnnSystem.so",
    "libQnnHtp.so",
)
HELP = Reply(recorded("help_litert2_3"), exit_code=1, when="--help")
"""What it can do."""

LINKER = Reply(
    stderr='CANNOT LINK EXECUTABLE "./benchmark_model": library "libLiteRt.so" not found: needed '
    "by main executable\n",
    exit_code=1,
)
"""What Android's linker says where its library is not beside it."""

REPLIES = (
    Reply(recorded("litert2_gpu_opengl"), when="--gpu_backend=gl", library=GPU[-1]),
    Reply(recorded("litert2_gpu_opencl"), when="--use_gpu=true", library=GPU[-1]),
    Reply(recorded("litert2_gpu_missing"), when="--use_gpu=true"),
    Reply(recorded("litert2_npu_whole"), when="--use_npu=true", library=NPU[-1]),
    Reply(recorded("litert2_npu_vendor_missing"), when="--use_npu=true", library=NPU[1]),
    Reply(recorded("litert2_npu_missing"), when="--use_npu=true"),
    Reply(recorded("litert2_profile"), when="--use_cpu=true"),
)


def write_engine(
    folder: Path,
    libraries: tuple[str, ...] = GPU,
    *,
    first: tuple[Reply, ...] = (),
    help_name: str = "help_litert2_3",
) -> Path:
    """Write the engine; returns its folder.

    Args:
        libraries: What lies beside the program.
        first: Replies before those that it has.
        help_name: The recording of its help.
    """
    folder.mkdir(parents=True, exist_ok=True)
    help_ = dataclasses.replace(HELP, stdout=recorded(help_name))
    engine = ScriptedEngine((help_, *first, *REPLIES))
    (folder / "benchmark_model").write_bytes(engine.to_bytes())
    for name in libraries:
        (folder / name).write_text(f"stands for {name}")
    return folder

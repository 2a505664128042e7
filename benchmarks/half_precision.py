"""How far mattes in half precision are: in arm64 kernels, as `convert` emulates them, and on x86.

    python benchmarks/half_precision.py [mmnet-1.0-256 …] [--pictures 12] [--random md8-0.5-128 …]

Bundled networks run on synthetic portraits. Networks of `--random` have seeded weights instead,
since other families are not bundled. XNNPACK's kernels for ARMv8.2 run in tflbench under qemu's
cortex-a76; XNNPACK's own emulation on x86 is forced by a flag of `CompiledModel`. Printed are mean
and largest |Δα| against the same file in float32, and the ratio of each mean to that of arm64.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.options import CpuOptions, Options
from common import random_network

from android_benchmark import RunRules, Settings
from android_benchmark.engines import Tflbench
from mmnet_deploy import conversion
from mmnet_deploy.conversion.emulation import HalfPrecision
from mmnet_deploy.engines import own
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import synthetic
from mmnet_deploy.portraits.pictures import pictures_in, read_image
from mmnet_deploy.runs import pretrained
from mmnet_deploy.tflite.half_precision import HALF, with_entry
from mmnet_deploy.tflite.interpreter import TFLiteModel

FORCE_FP16 = 4
"""TFLITE_XNNPACK_DELEGATE_FLAG_FORCE_FP16."""

Run = Callable[[np.ndarray], np.ndarray]
"""From an input tensor to the output tensor."""


def on_x86(content: bytes) -> Run:
    """XNNPACK with half precision forced on this computer."""
    options = Options(cpu_options=CpuOptions(num_threads=1, xnnpack_flags=FORCE_FP16))
    model = CompiledModel.from_buffer(content, options=options)
    inputs, outputs = model.create_input_buffers(0), model.create_output_buffers(0)

    def run(picture: np.ndarray) -> np.ndarray:
        inputs[0].write(picture)
        model.run_by_index(0, inputs, outputs)
        height, width = picture.shape[1:3]
        return outputs[0].read(height * width, np.float32).reshape(1, height, width, 1)

    return run


def on_arm64(content: bytes, folder: Path, cpu: str) -> Run:
    """tflbench under qemu on a core with fp16 arithmetic."""
    engine = Tflbench(own.bundle())
    for name, file in engine.files.items():
        (folder / name).symlink_to(file.resolve())
    (folder / "model.tflite").write_bytes(with_entry(content, HALF))
    rules = RunRules(
        warmup_min_runs=1, warmup_min_s=0.0, min_runs=1, min_duration_s=0.0, max_duration_s=3600.0
    )
    command = engine.command("model.tflite", Settings(cores=""), rules, "output.bin")
    command = ["qemu-aarch64", "-cpu", cpu, *command, "--input=input.bin"]

    def run(picture: np.ndarray) -> np.ndarray:
        (folder / "input.bin").write_bytes(picture.astype("<f4").tobytes())
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        return np.fromfile(folder / "output.bin", "<f4").reshape(1, *picture.shape[1:3], 1)

    return run


def compared(name: str, loaded: network.Network, data: Path, count: int, cpu: str) -> None:
    """Print a row of the table."""
    with tempfile.TemporaryDirectory() as scratch:
        options = conversion.Options(max_difference=1.0, max_mean_difference=1.0)
        (result,) = conversion.convert(loaded, ("float32",), data, Path(scratch), options)
        content = result.path.read_bytes()
        model = TFLiteModel(result.path)
        picture, matte = model.require_matting()
        paths = [on_arm64(content, Path(scratch), cpu), HalfPrecision(content).run, on_x86(content)]
        gaps: list[list[np.ndarray]] = [[], [], []]
        for path in pictures_in(data / "test" / "image")[:count]:
            image = read_image(path)
            expected = model.matte(image)
            for run, found in zip(paths, gaps, strict=True):
                found.append(np.abs(matte.matte(run(picture.tensor(image))) - expected))
    means = [float(np.mean(found)) for found in gaps]
    cells = [f"{mean:.2e}, {np.max(found):.3g}" for mean, found in zip(means, gaps, strict=True)]
    ratios = [f"{mean / means[0]:.2f}" for mean in means[1:]]
    print("|", " | ".join([name, *cells, *ratios]), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=pretrained.names())
    parser.add_argument("--random", nargs="*", default=[])
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--cpu", default="cortex-a76")
    options = parser.parse_args()
    print(
        f"| | {options.cpu}, mean and largest | emulated | x86 | emulated / {options.cpu} | x86 |"
    )
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        count = 5 * options.pictures
        synthetic.write_dataset(data, count=count, size=320, seed=5)
        for name in options.names:
            loaded = network.load(pretrained.run_folder(name))
            compared(name, loaded, data, options.pictures, options.cpu)
        for name in options.random:
            compared(f"{name}, random", random_network(name), data, options.pictures, options.cpu)


if __name__ == "__main__":
    main()

"""TensorFlow's quantizer against ai-edge-quantizer, which needs no TensorFlow, on the same graphs.

    python3.11 -m venv aeq && aeq/bin/pip install ai-edge-quantizer
    python benchmarks/other_quantizer.py --python aeq/bin/python --data eg1800

ai-edge-quantizer is no dependency of the project, so it runs in an environment of its own, whose
Python is `--python`. Both quantizers begin from the float32 graph that `convert` makes, calibrated
with the same pictures of the train split, and are judged on the test split. All files of a network
take turns when they are timed, in the thread's own time; ends are float32.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from common import latencies_ms, ratio

from mmnet_deploy.conversion.beginning import begin
from mmnet_deploy.conversion.file_graph import open_file
from mmnet_deploy.conversion.proof import Judge
from mmnet_deploy.conversion.quantization import PRECISIONS, Source
from mmnet_deploy.downloads import published
from mmnet_deploy.networks import network as networks
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits.pictures import preprocess, read_image
from mmnet_deploy.portraits.representative import Portrait, portraits_in
from mmnet_deploy.runs import pretrained
from mmnet_deploy.tflite.graph import Graph

RECIPES = {
    "dynamic": "dynamic_wi8_afp32",
    "int8-weights": "weight_only_wi8_afp32",
    "int8": "static_wi8_ai8",
}
"""What ai-edge-quantizer calls the precisions."""

QUANTIZE = """
import sys, time
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
path, samples, target, name = sys.argv[1:]
begin = time.perf_counter()
job = quantizer.Quantizer(path, getattr(recipe, name)())
ranges = None
if name.startswith("static"):
    (key, ends), = Interpreter(path).get_signature_list().items()
    (end,) = ends["inputs"]
    ranges = job.calibrate({key: [{end: sample} for sample in np.load(samples)]})
content = job.quantize(ranges).quantized_model
open(target, "wb").write(content)
print(round(time.perf_counter() - begin, 1), "s")
"""


def loaded(name: str) -> Network:
    """A network by the name that the command line takes."""
    kind, _, rest = name.partition(":")
    if kind == "mediapipe":
        return open_file(published.have(published.named(rest)))
    return networks.load(pretrained.run_folder(rest) if kind == "pretrained" else Path(name))


def quantized(python: Path, source: Source, folder: Path) -> dict[str, bytes]:
    """The files of ai-edge-quantizer, by precision."""
    path, samples = folder / "float32.tflite", folder / "samples.npy"
    graph = Graph.from_bytes(source.graph().to_bytes())
    # It calibrates by signature, which files of others may lack.
    path.write_bytes(graph.cut(graph.outputs))
    np.save(samples, source.samples)
    found = {}
    for precision, recipe in RECIPES.items():
        target = folder / f"{precision}.tflite"
        words = [python, "-c", QUANTIZE, path, samples, target, recipe]
        done = subprocess.run([*map(str, words)], capture_output=True, text=True)
        if done.returncode:
            print(f"{precision}: {done.stderr.strip().splitlines()[-1]}")
        else:
            found[precision] = target.read_bytes()
    return found


def rows(files: Mapping[str, bytes], judge: Judge, rounds: int) -> list[str]:
    """The table of one network; the first file is the float32 one."""
    times = latencies_ms(files, rounds, clock=time.thread_time)
    first = next(iter(files))
    found = []
    for name, content in files.items():
        gap = judge.difference(judge.mattes(content, Path(f"{name}.tflite")))
        change = 100 * (gap.gradient_error_change or 0)
        found.append(
            f"| {name} | {len(content) / 1024:.0f} | {gap.mean:.1e} | {gap.largest:.2f} "
            f"| {change:+.1f} % | {ratio(times, first, name):.2f} |"
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--network", nargs="+", default=["mediapipe:selfie", "pretrained:mmnet-1.0-256"]
    )
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=200)
    settings = parser.parse_args()
    for name in settings.network:
        network = loaded(name)
        train = every(portraits_in(settings.data, "train", None), settings.samples)
        test = every(portraits_in(settings.data, "test", None), settings.pictures)
        images = [read_image(portrait.image) for portrait in test]
        samples = [
            preprocess(read_image(portrait.image), *network.input_size, network.input_range)
            for portrait in train
        ]
        judge = Judge(test, images, [network.matte(image) for image in images])
        content, _ = begin(network).float_graph("deploy")
        source = Source(content, samples, phases=True, io="float32")
        files = {"float32": PRECISIONS["float32"].recipe(source)}
        with tempfile.TemporaryDirectory() as folder:
            others = quantized(settings.python, source, Path(folder))
        for precision in RECIPES:
            files[f"{precision}, ours"] = PRECISIONS[precision].recipe(source)
            if precision in others:
                files[f"{precision}, ai-edge-quantizer"] = others[precision]
        print(f"| {name} | KiB | mean \\|Δα\\| | largest | gradient error | speed |")
        print("|---|---|---|---|---|---|")
        print("\n".join(rows(files, judge, settings.rounds)), flush=True)


def every(portraits: Sequence[Portrait], count: int) -> list[Portrait]:
    """So many of them, evenly."""
    step = max(1, len(portraits) // count)
    return list(portraits[::step][:count])


if __name__ == "__main__":
    main()

"""int8 of a foreign file, step by step: what each step does for gradient error and speed.

    python benchmarks/foreign_int8.py mediapipe:selfie --representative DIR --data A/test B/test

Each row adds a step: rules alone (a HARD_SWISH as a sum and a product, ends of ranges that a
sigmoid or hard-swish cannot tell apart), activations in the operator before them, channels of one
range, biases that bring means back, ranges as narrow as the matte allows. Gradient errors are means
at 800×600, as a change from float32; latencies are medians of the thread's own time, all files
taking turns at one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from common import latencies_ms

from mmnet_deploy.conversion import beginning, file_graph, integers
from mmnet_deploy.conversion.integers import biases, equalization, ranges, trimming
from mmnet_deploy.conversion.integers.judge import Judge
from mmnet_deploy.conversion.passes.activations import fuse_activations
from mmnet_deploy.conversion.quantization import Source, float32
from mmnet_deploy.downloads import published
from mmnet_deploy.mattes import metrics
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits.pictures import preprocess, read_image, read_mask
from mmnet_deploy.portraits.representative import draw, portraits_in
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel


def gradient_error(content: bytes, folder: Path, count: int) -> float:
    """Mean gradient error of a file on evenly drawn pictures of a split, ×10⁻³."""
    portraits = portraits_in(folder.parent, folder.name)
    model = TFLiteModel(Path("file.tflite"), 1, content)
    model.require_matting()
    errors = []
    for portrait in portraits[:: max(1, len(portraits) // count)][:count]:
        matte, mask = model.matte(read_image(portrait.image)), read_mask(portrait.mask)
        pair = metrics.at_one_size(matte, mask, metrics.PUBLISHED_SIZE)
        errors.append(metrics.gradient_error(*pair))
    return 1000 * float(np.mean(errors))


def steps(network: Network, samples: list[np.ndarray]) -> Mapping[str, bytes]:
    """The int8 files by name, each with one step more than the one before."""
    content, _ = beginning.begin(network).float_graph("deploy")
    source = Source(content, samples, phases=True)
    found = {}

    def add(name: str, content: bytes, *, equal: bool = False, last: str = "") -> None:
        seen, graph = ranges.observe(content, samples), Graph.from_bytes(content)
        if equal:
            equalization.equalize(graph, seen)
        ranges.set_limits(graph, seen)
        graph.inputs[0].limits = network.input_range
        judge, moved = Judge(content, samples), {}
        if last:
            moved = biases.shifts(graph, judge)
        if last == "trimmed":
            trimming.trim(graph, judge, moved)
        found[name] = integers.quantize(graph, shifts=moved).to_bytes()

    add("rules alone", source.graph().to_bytes())
    graph = source.graph()
    fuse_activations(graph)
    suited = graph.to_bytes()
    add("+ activations before", suited)
    add("+ channels of one range", suited, equal=True)
    add("+ means by biases", suited, equal=True, last="moved")
    add("+ ranges by the matte", suited, equal=True, last="trimmed")
    return {"float32": float32(source), **found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", default="mediapipe:selfie")
    parser.add_argument("--representative", type=Path, required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="splits with masks")
    parser.add_argument("--pictures", type=int, default=100, help="of each split, at most")
    parser.add_argument("--rounds", type=int, default=200)
    settings = parser.parse_args()
    kind, _, rest = settings.file.partition(":")
    path = published.have(published.named(rest)) if kind == "mediapipe" else Path(settings.file)
    network = file_graph.open_file(path)
    drawn = draw(portraits_in(settings.representative), 100, 0, 0).calibration
    samples = [
        preprocess(read_image(it.image), *network.input_size, network.input_range) for it in drawn
    ]
    files = steps(network, samples)
    times = latencies_ms(files, settings.rounds, clock=time.thread_time)
    names = [folder.parent.name for folder in settings.data]
    print(f"| | {' | '.join(names)} | partitions | KiB | ms |\n|---{'|---' * (len(names) + 3)}|")
    base: list[float] = []
    for name, content in files.items():
        errors = [gradient_error(content, folder, settings.pictures) for folder in settings.data]
        base = base or errors
        changes = [f"{100 * (it / of - 1):+.1f} %" for it, of in zip(errors, base, strict=True)]
        cells = changes if name != "float32" else [f"{it:.3f}" for it in errors]
        partitions = len(TFLiteModel(Path("file.tflite"), 1, content).partitions)
        ms = statistics.median(times[name])
        print(
            f"| {name} | {' | '.join(cells)} | {partitions} | {len(content) / 1024:.0f} "
            f"| {ms:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

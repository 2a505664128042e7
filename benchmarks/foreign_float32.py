"""A foreign file against the float32 file made of it: speed, |Δα|, and which is nearer the truth.

    python benchmarks/foreign_float32.py [mediapipe:selfie other.tflite …] --data DIR

`given` is the file as it is; `float32` is what `convert` makes of it; the other rows add the
passes in turn, and the rewrites that were left out of float32. The truth is the given graph in
float64, by the definitions of its operators (`float64.py`). Latencies are medians of the thread's
own time, all files taking turns at one thread; above 1, a file is faster than the given one.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from common import latencies_ms, ratio
from float64 import computed

from mmnet_deploy.conversion import passes
from mmnet_deploy.conversion.file_graph import FileGraph, open_file
from mmnet_deploy.conversion.quantization import Source, float32
from mmnet_deploy.downloads import published
from mmnet_deploy.networks.imported import source
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits.pictures import pictures_in, preprocess, read_image
from mmnet_deploy.tflite.graph import Graph

BUILT_IN = "given, built-in kernels"


def variants(network: Network) -> dict[str, bytes]:
    """The files by name, `given` first."""
    base = FileGraph(network)
    deployed, _ = base.float_graph("deploy")
    phases, means = Graph.from_bytes(base.stock_graph()), Graph.from_bytes(deployed)
    passes.enlarge_by_phases(phases)
    passes.mean_of_planes(means)
    passes.enlarge_by_phases(means)
    return {
        "given": network.path.read_bytes(),
        "its graph in float32": base.stock_graph(),
        "+ `enlarge_by_phases` alone": phases.to_bytes(),
        "**float32**: `deploy`, too": float32(Source(deployed, (), phases=True)),
        "left out: `mean_of_planes`, too": means.to_bytes(),
    }


def mattes(content: bytes, inputs: list[np.ndarray], **options: object) -> np.ndarray:
    """The outputs (pictures, …) of a file, flattened."""
    interpreter = Interpreter(model_content=content, num_threads=1, **options)
    interpreter.allocate_tensors()
    (begin,), (end,) = interpreter.get_input_details(), interpreter.get_output_details()
    found = []
    for values in inputs:
        interpreter.set_tensor(begin["index"], values)
        interpreter.invoke()
        found.append(interpreter.get_tensor(end["index"]).ravel())
    return np.array(found)


def row(name: str, speed: str, given: np.ndarray, found: np.ndarray, truth: np.ndarray) -> str:
    """One line of the table; NaN in `truth` where it is not known."""
    gaps, errors = np.abs(found - given), np.abs(found - truth)
    over = np.count_nonzero(gaps.max(1) > 1e-5)
    cells = [name, speed, f"{gaps.max():.1e}", f"{over}", f"{gaps.mean():.1e}"]
    cells += [f"{errors.max():.1e}", f"{errors.mean():.1e}"]
    return "| " + " | ".join(cells) + " |"


def table(network: Network, folders: list[Path], count: int, rounds: int) -> None:
    """Print the table of one file."""
    files: Mapping[str, bytes] = variants(network)
    paths = [path for folder in folders for path in pictures_in(folder)][:count]
    inputs = [
        preprocess(read_image(path), *network.input_size, network.input_range) for path in paths
    ]
    graph, _, first = source.read_graph(network.path)
    if first or network.output_channels > 1:
        raise SystemExit(f"{network.path} must take (1, h, w, 3) and give one channel here.")
    times = latencies_ms(files, rounds, clock=time.thread_time)
    given = mattes(files["given"], inputs)
    try:
        truth = np.array([computed(graph, values).ravel() for values in inputs])
    except KeyError as error:
        print(f"No truth: {error}.")
        truth = np.full(given.shape, np.nan)
    print(
        f"| {network.path.name}, {len(inputs)} pictures | speed | largest \\|Δα\\| "
        "| pictures beyond 1e-5 | mean | largest, to the truth | mean, to the truth |\n"
        "|---|---|---|---|---|---|---|"
    )
    for name, content in files.items():
        found = mattes(content, inputs)
        print(row(name, f"{ratio(times, 'given', name):.2f}", given, found, truth))
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    found = mattes(files["its graph in float32"], inputs, experimental_op_resolver_type=plain)
    print(row(BUILT_IN, "", given, found, truth), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="*", default=["mediapipe:selfie"])
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of pictures")
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=300)
    settings = parser.parse_args()
    for name in settings.file:
        kind, _, rest = name.partition(":")
        path = published.have(published.named(rest)) if kind == "mediapipe" else Path(name)
        table(open_file(path), settings.data, settings.pictures, settings.rounds)


if __name__ == "__main__":
    main()

"""The deployment graph against the plain one: latency, size and largest |Δα|.

    python benchmarks/deployment_graph.py [--network mmnet-1.0-256 …] [--rounds 60] [--passes]

The weights are random: latency does not depend on them, and |Δα| is harder to keep. The
files of a network take turns; a ratio is that of the medians, at one thread, and above 1
where the second is faster. `converter` is TFLiteConverter.from_keras_model as it comes,
`stock` the plain graph with frozen weights and batch 1, `deploy` the rewritten one. With
`--passes`, each pass is added in turn, then each rejected rewrite is tried.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import tensorflow as tf
from common import alpha, latencies_ms, noise, random_network, ratio
from rejected_rewrites import REJECTED

from mmnet_deploy import conversion
from mmnet_deploy.conversion import passes, tracing
from mmnet_deploy.conversion.passes import pointwise
from mmnet_deploy.conversion.quantization import Source, float32, int8
from mmnet_deploy.networks.network import Network
from mmnet_deploy.tflite.graph import Graph

NETWORKS = ("mmnet-0.5-256", "mmnet-0.75-256", "mmnet-1.0-256", "mmnet-1.0-128", "mmnet-1.4-128")
CALIBRATION = 4


def from_keras_model(network: Network, quantize: bool) -> bytes:
    """What TensorFlow's converter makes of the Keras model without our help."""
    converter = tf.lite.TFLiteConverter.from_keras_model(network.model)
    if quantize:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [sample] for sample in noise(network.input_size[0], CALIBRATION)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    return converter.convert()


def both_precisions(content: bytes, size: int, phases: bool) -> tuple[bytes, bytes]:
    source = Source(content, noise(size, CALIBRATION), phases=phases)
    return float32(source), int8(source)


def against_stock(network: Network, rounds: int) -> str:
    """One row of the table."""
    size = network.input_size[0]
    stock, _ = conversion.float_graph(network, "stock")
    deploy, _ = conversion.float_graph(network, "deploy")
    files: dict[str, bytes] = {}
    files["stock float32"], files["stock int8"] = both_precisions(stock, size, False)
    files["deploy float32"], files["deploy int8"] = both_precisions(deploy, size, True)
    files["converter float32"] = from_keras_model(network, False)
    files["converter int8"] = from_keras_model(network, True)
    times = latencies_ms(files, rounds)
    picture = noise(size, 1)[0]
    gap = abs(alpha(files["deploy float32"], picture) - alpha(files["stock float32"], picture))
    cells = [network.path.stem]
    for precision in ("float32", "int8"):
        cells += [
            f"{ratio(times, f'stock {precision}', f'deploy {precision}'):.2f}",
            f"{ratio(times, f'converter {precision}', f'deploy {precision}'):.2f}",
            f"{len(files[f'stock {precision}']) / 1024:.0f} → "
            f"{len(files[f'deploy {precision}']) / 1024:.0f}",
        ]
    return "| " + " | ".join([*cells, f"{gap.max():.1e}"]) + " |"


def by_pass(network: Network, rounds: int) -> None:
    """What each pass gains, and what each rejected rewrite would."""
    size = network.input_size[0]
    stock = tracing.stock_graph(network)
    graph = Graph.from_bytes(stock)
    steps: list[tuple[str, Callable[[Graph], object]]] = [
        ("alpha_only", lambda graph: passes.alpha_only(graph, network.alpha_channel))
    ]
    steps += [(rewrite.__name__, rewrite) for rewrite in passes.PASSES]
    floats = {"stock": stock}
    for name, rewrite in steps:
        rewrite(graph)
        if name == "pointwise_before_resize":
            pointwise.collapse_pointwise(graph)
        floats[f"+ {name}"] = graph.to_bytes()
    base = graph.to_bytes()
    passes.resize_by_phases(graph)
    floats["+ resize_by_phases"] = graph.to_bytes()
    for name, rejected in REJECTED.items():
        graph = Graph.from_bytes(base)
        if rejected(graph):
            passes.resize_by_phases(graph)
            floats[f"rejected: {name}"] = graph.to_bytes()
    eights = {
        name: int8(Source(content, noise(size, CALIBRATION), phases=False))
        for name, content in floats.items()
    }
    picture = noise(size, 1)[0]
    expected = alpha(stock, picture)
    print(
        f"| {network.path.stem} | float32 | int8 | largest \\|Δα\\| in float32 |\n|---|---|---|---|"
    )
    float_times, int8_times = latencies_ms(floats, rounds), latencies_ms(eights, rounds)
    for name, content in floats.items():
        gap = abs(alpha(content, picture) - expected).max()
        print(
            f"| {name} | {ratio(float_times, 'stock', name):.3f} "
            f"| {ratio(int8_times, 'stock', name):.3f} | {gap:.1e} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", nargs="+", default=NETWORKS)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--passes", action="store_true")
    settings = parser.parse_args()
    if not settings.passes:
        print(
            "| network | float32: stock / deploy | converter / deploy | KiB "
            "| int8: stock / deploy | converter / deploy | KiB | largest \\|Δα\\| |"
        )
        print("|---|---|---|---|---|---|---|---|")
    for name in settings.network:
        network = random_network(name)
        if settings.passes:
            by_pass(network, settings.rounds)
        else:
            print(against_stock(network, settings.rounds), flush=True)


if __name__ == "__main__":
    main()

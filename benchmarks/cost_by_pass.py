"""What each deployment pass does to the count of arm64 instructions, as a share of the stock graph.

    python benchmarks/cost_by_pass.py [--network mmnet-1.0-256 …]

Seeded weights, XNNPACK, with the defaults of `mmnet-deploy cost`. Passes are added in turn;
`deployment_graph.py --passes` measures the latency of the same files on this computer.
"""

from __future__ import annotations

import argparse

import counted
from common import random_network

from mmnet_deploy.conversion import passes, tracing
from mmnet_deploy.conversion.passes import pointwise
from mmnet_deploy.networks.network import Network
from mmnet_deploy.tflite.graph import Graph

NETWORKS = ("mmnet-1.0-256", "md16-0.75-128", "md8-0.35-128", "ldn-fb-128")
KINDS = ("float32", "int8")


def by_pass(network: Network) -> dict[str, bytes]:
    """The float32 graph after each pass, by the name of the last one."""
    stock = tracing.stock_graph(network)
    graph = Graph.from_bytes(stock)
    graphs = {"stock": stock}
    passes.alpha_only(graph, network.alpha_channel)
    graphs["+ alpha_only"] = graph.to_bytes()
    for rewrite in passes.PASSES:
        rewrite(graph)
        if rewrite is pointwise.pointwise_before_resize:
            pointwise.collapse_pointwise(graph)  # As `deploy` does: there may be a new place.
        graphs[f"+ {rewrite.__name__}"] = graph.to_bytes()
    passes.resize_by_phases(graph)
    graphs["+ resize_by_phases"] = graph.to_bytes()
    return graphs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", nargs="+", default=NETWORKS)
    for name in parser.parse_args().network:
        network = random_network(name)
        print(f"\n| {name} | float32, M | share | int8, M | share |\n|---|---|---|---|---|")
        base: dict[str, int] = {}
        for step, content in by_pass(network).items():
            cells = [step]
            for precision, file in counted.precisions(
                network, content, KINDS, phases=False
            ).items():
                total = counted.count(counted.write(file, name)).counts.total
                base.setdefault(precision, total)
                cells += [f"{total / 1e6:.2f}", f"{total / base[precision]:.3f}"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()

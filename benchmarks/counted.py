"""What the scripts about instruction counts share: operating points as files, and their counts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from common import noise, random_network

from mmnet_deploy import conversion
from mmnet_deploy.benchmarking import cost
from mmnet_deploy.conversion.quantization import PRECISIONS, Source
from mmnet_deploy.networks.network import Network
from mmnet_deploy.results.records import Cost
from mmnet_deploy.tflite import half_precision

CALIBRATION = 2
"""Pictures that int8 is calibrated with; a count does not depend on the ranges that they set."""


def write(content: bytes, name: str) -> Path:
    """`content` as a file of that name in a folder of its own."""
    path = Path(tempfile.mkdtemp(prefix="mmnet-counted-")) / f"{name}.tflite"
    path.write_bytes(content)
    return path


def precisions(
    network: Network, content: bytes, names: Sequence[str], *, phases: bool
) -> dict[str, bytes]:
    """A float32 graph in precisions, by their names; float16 allows half precision."""
    height, _ = network.input_size
    source = Source(content, noise(height, CALIBRATION), phases=phases)
    found = {name: PRECISIONS[name].recipe(source) for name in names}
    if "float16" in found:
        found["float16"] = half_precision.with_entry(found["float16"], half_precision.HALF)
    return found


def converted(name: str, graph: str) -> dict[str, Path]:
    """An operating point with seeded weights as files, by precision.

    Args:
        name: Of the operating point.
        graph: `stock` or `deploy`.
    """
    network = random_network(name)
    content, _ = conversion.float_graph(network, graph)
    contents = precisions(network, content, ("float32", "int8"), phases=graph == "deploy")
    return {
        precision: write(content, f"{name}-{graph}-{precision}")
        for precision, content in contents.items()
    }


def count(path: Path) -> Cost:
    """The count of a file with the defaults of `mmnet-deploy cost`."""
    return cost.measure(path, cost.find_tools(), operators=False)

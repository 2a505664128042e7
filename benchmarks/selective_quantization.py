"""int8 against float32 gradient error on trained weights, with and without float layers.

    python benchmarks/selective_quantization.py RUN --data DIR [--limit 2%] [--input-size 128]

RUN is an MMNet that `mmnet-deploy train` trained. Each network is converted to float32, to
int8, and to int8 with `--max-error-increase`; the gradient error is measured on the test
split, latency at one thread with the three files taking turns. The second network is the
first with the channels of two linear bottlenecks multiplied by factors by which the next
layers divide again: the same function in float, but hard for int8, as after a training
without weight decay.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import numpy as np
from common import latencies_ms, resized_network

import models
from mmnet_deploy import conversion, evaluation, parallel
from mmnet_deploy.networks.network import Network, load
from mmnet_deploy.tflite import interpreter
from mmnet_deploy.tflite.card import describe
from mmnet_deploy.tflite.runtime import runtime_name

RESCALED = {"enc2": ("enc3", (1, 2, 4, 8)), "dec2": ("dec3", (1, 2, 4))}
"""Linear blocks, and for each the block and the rates whose 1×1 convolutions read it."""


def rescaled(network: Network) -> Network:
    """The same function, with very different ranges of channels between two blocks."""
    rng = np.random.default_rng(0)
    model = network.model
    for block, (reader, rates) in RESCALED.items():
        norm = model.get_layer(f"{block}_project_norm")
        factor = np.exp(rng.uniform(-4, 4, norm.gamma.shape)).astype(np.float32)
        norm.gamma.assign(norm.gamma * factor)
        norm.beta.assign(norm.beta * factor)
        for rate in rates:
            kernel = model.get_layer(f"{reader}_rate{rate}_expand").kernel
            kernel.assign(kernel / factor[:, None])
    path = Path(tempfile.mkdtemp()) / "rescaled.keras"
    model.save(path)
    return load(path)


def rows(network: Network, name: str, data: Path, limit: float) -> None:
    """Convert, evaluate on the test split and time."""
    scratch = Path(tempfile.mkdtemp())
    kinds = {
        "float32": ("float32", None),
        "int8": ("int8", None),
        f"int8, limit {100 * limit:g} %": ("int8", limit),
    }
    files, cards = {}, {}
    for kind, (precision, bound) in kinds.items():
        options = conversion.Options(max_error_increase=bound, max_mean_difference=1.0)
        folder = scratch / kind.replace(" ", "")
        (result,) = conversion.convert(network, (precision,), data, folder, options)
        files[kind], cards[kind] = result.path, result.card
    errors = {
        kind: evaluation.evaluate(
            interpreter.TFLiteModel(path, parallel.usable_cores()).matte,
            describe(path),
            runtime_name(),
            data,
            "test",
        ).scores["gradient_error"]
        for kind, path in files.items()
    }
    times = latencies_ms({kind: path.read_bytes() for kind, path in files.items()}, 100)
    for kind, card in cards.items():
        change = errors[kind] / errors["float32"] - 1
        print(
            f"| {name} | {kind} | {len(card.float_layers)} | {card.mean_difference:.1e} "
            f"| {1000 * errors[kind]:.3f} | {100 * change:+.2f} % "
            f"| {statistics.median(times[kind]):.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--input-size", type=int)
    parser.add_argument("--limit", default="2%")
    settings = parser.parse_args()
    limit = float(settings.limit.rstrip("%")) / (100 if "%" in settings.limit else 1)
    config = load(settings.run).config
    size = settings.input_size or config.input_size
    name = models.member_name(config.family, config.width_multiplier, size)
    print(
        "| network | precision | float layers | mean \\|Δα\\| | gradient error, test (×10⁻³) "
        "| change | ms |\n|---|---|---|---|---|---|---|"
    )
    rows(resized_network(settings.run, size), name, settings.data, limit)
    rows(rescaled(resized_network(settings.run, size)), f"{name}, rescaled", settings.data, limit)


if __name__ == "__main__":
    main()

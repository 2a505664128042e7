"""A transposed convolution against its 1×1 convolution and DEPTH_TO_SPACE, by size.

    python benchmarks/transposed_convolutions.py [--rounds 100]

Both files take turns, in the thread's own time; instructions are those of `mmnet-deploy cost` with
its defaults. A ratio above 1 says that `passes.transposed_by_phases` saves.
"""

from __future__ import annotations

import argparse
import time

import counted
import keras
import tensorflow as tf
from common import latencies_ms, ratio

from mmnet_deploy.conversion import passes
from mmnet_deploy.tflite.graph import Graph

CASES = ((128, 16, 1, 2), (64, 32, 1, 4), (128, 16, 4, 2), (64, 32, 16, 2), (64, 64, 32, 2))
"""Height and width, channels before, channels after, stride."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    print("| before | after | latency | instructions |\n|---|---|---|---|")
    for size, before, after, stride in CASES:
        keras.utils.set_random_seed(0)
        image = keras.Input((size, size, before), batch_size=1)
        layer = keras.layers.Conv2DTranspose(after, stride, strides=stride)
        model = keras.Model(image, layer(image))
        given = tf.lite.TFLiteConverter.from_keras_model(model).convert()
        graph = Graph.from_bytes(given)
        if passes.transposed_by_phases(graph) != 1:
            raise SystemExit(f"{size}×{size}×{before}: nothing to rewrite.")
        files = {"given": given, "phases": graph.to_bytes()}
        times = latencies_ms(files, rounds, clock=time.thread_time)
        totals = {
            name: counted.count(counted.write(content, name)).counts.total
            for name, content in files.items()
        }
        print(
            f"| {size}×{size}×{before} | {size * stride}×{size * stride}×{after} "
            f"| {ratio(times, 'given', 'phases'):.1f} "
            f"| {totals['given'] / totals['phases']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

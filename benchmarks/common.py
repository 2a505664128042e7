"""What the benchmark scripts share: networks with random weights, and paired timings."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

import models
from mmnet_deploy.networks import network


def random_network(name: str) -> network.Network:
    """An operating point with seeded weights and batch norms that are not the identity."""
    keras.utils.set_random_seed(0)
    point = models.member(name)
    built = models.build(
        point.family, width_multiplier=point.width_multiplier, input_size=point.input_size or 256
    )
    rng = np.random.default_rng(0)
    for layer in built.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            low, high = rng.uniform(0.5, 1.5, shape), rng.uniform(0.5, 1.5, shape)
            layer.set_weights([low, rng.normal(0, 0.3, shape), rng.normal(0, 0.3, shape), high])
    return saved(models.inference_network(built), name)


def resized_network(run: Path, input_size: int) -> network.Network:
    """The network of a run at another input size; the weights do not depend on it."""
    loaded = network.load(run)
    assert loaded.config is not None
    config = loaded.config
    if config.input_size == input_size:
        return loaded
    built = models.build(
        config.family, width_multiplier=config.width_multiplier, input_size=input_size
    )
    other = models.inference_network(built)
    other.set_weights(loaded.model.get_weights())
    name = models.member_name(config.family, config.width_multiplier, input_size)
    return saved(other, name)


def saved(model: keras.Model, name: str) -> network.Network:
    """A model as the network of a file of that name."""
    path = Path(tempfile.mkdtemp()) / f"{name}.keras"
    model.save(path)
    return network.load(path)


def noise(input_size: int, count: int) -> list[np.ndarray]:
    """Inputs to calibrate with where only the speed of the file matters."""
    rng = np.random.default_rng(0)
    return [rng.random((1, input_size, input_size, 3), np.float32) for _ in range(count)]


def latencies_ms(
    files: Mapping[str, bytes],
    rounds: int,
    threads: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Latencies of `.tflite` contents in milliseconds, all taking turns in every round.

    So that whatever else the machine does meets all of them. With `time.thread_time` as the
    clock, what it does meanwhile does not count, which needs one thread.
    """
    interpreters = {}
    for name, content in files.items():
        interpreter = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
        (source,) = interpreter.get_input_details()
        picture = np.random.default_rng(0).random(source["shape"])
        scale = 255 if source["dtype"] is np.uint8 else 1
        interpreter.set_tensor(source["index"], (picture * scale).astype(source["dtype"]))
        for _ in range(3):
            interpreter.invoke()
        interpreters[name] = interpreter
    times: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(rounds):
        for name, interpreter in interpreters.items():
            begin = clock()
            interpreter.invoke()
            times[name].append(1000 * (clock() - begin))
    return times


def ratio(times: Mapping[str, list[float]], base: str, other: str) -> float:
    """Median of `base` over median of `other`: above 1, `other` is faster."""
    return statistics.median(times[base]) / statistics.median(times[other])


def alpha(content: bytes, picture: np.ndarray) -> np.ndarray:
    """Alpha, (h, w), of a float32 file: its only channel, or the second of two."""
    interpreter = Interpreter(model_content=content, num_threads=2)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0, ..., -1]

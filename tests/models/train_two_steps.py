"""Run by `test_other_backends.py` in a process of its own: train families on this backend.

    KERAS_BACKEND=jax python train_two_steps.py FOLDER

FOLDER gets FAMILY.keras, the inference network, and FAMILY.npz with pictures, alpha of them,
and the losses. Of the families of one module the first is trained, the others get noise: they
have the same layers.
"""

import sys
from pathlib import Path

import jax
import numpy as np


class _NoTensorFlow:
    """Refuses to find TensorFlow, which this backend must do without."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, _NoTensorFlow)

# JAX compiles a program for the initial values of each shape of weights, which takes longer than
# the training; which values they are does not matter here.
_rng = np.random.default_rng(0)
jax.random.uniform = lambda key, shape=(), dtype=float, minval=0.0, maxval=1.0: _rng.uniform(
    minval, maxval, shape
).astype(dtype)
jax.random.truncated_normal = lambda key, lower, upper, shape=None, dtype=float: np.clip(
    _rng.normal(size=shape), lower, upper
).astype(dtype)

import keras  # noqa: E402

import models  # noqa: E402
from mmnet_deploy.runs.recipe import Recipe  # noqa: E402
from mmnet_deploy.training.trainer import Trainer  # noqa: E402
from models import mmnet, mobile_deeplab  # noqa: E402
from tests.support import short_networks  # noqa: E402

SIZE = (32, 48)

# Compiling takes nearly all of the time.
mmnet.BLOCKS = short_networks.MMNET
mobile_deeplab.BACKBONE = short_networks.MOBILE_DEEPLAB


def _vary(network: keras.Model) -> None:
    """Give a network that was not trained weights with which its alpha differs by pixel."""
    for weight in network.weights:
        if weight.name in ("gamma", "beta", "kernel"):
            noise = _rng.normal(0, 1, weight.shape).astype(np.float32)
            values = keras.ops.convert_to_numpy(weight)
            weight.assign(values * (1 + 0.3 * noise) + 0.1 * noise)


def main(folder: Path) -> None:
    pictures = _rng.integers(0, 256, (2, *SIZE, 4), np.uint8)
    pictures[..., 3] = np.where(pictures[..., :3].mean(axis=-1) > 127, 255, 0)
    images = pictures[..., :3].astype(np.float32) / 255
    trained = set()
    for name in sorted({point.family for point in models.operating_points()}):
        facts = models.family(name)
        network = models.build(
            name,
            width_multiplier=min(facts.width_multipliers, default=None),
            input_size=SIZE,
            batch_norm_momentum=0.9,
        )
        losses = []
        if facts.builder.__module__ in trained:
            _vary(network)
        else:
            trained.add(facts.builder.__module__)
            trainer = Trainer(network, Recipe(learning_rate=1e-4))
            trainer.begin(facts.stages[-1], 10)
            losses = [trainer.step({"picture": pictures})["loss"] for _ in "12"]
        inference = models.inference_network(network)
        inference.save(folder / f"{name}.keras")
        alpha = np.asarray(inference.predict_on_batch(images))[..., -1]
        np.savez(folder / f"{name}.npz", images=images, alpha=alpha, losses=losses)


if __name__ == "__main__":
    assert keras.backend.backend() != "tensorflow"
    main(Path(sys.argv[1]))
    assert "tensorflow" not in sys.modules

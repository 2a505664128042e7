"""Run by `test_other_backends.py` in a process of its own: train families on this backend.

    KERAS_BACKEND=jax python train_two_steps.py FOLDER FAMILY…

The first family is trained, the others get noise. FOLDER gets FAMILY.keras, the
inference network, and FAMILY.npz with pictures, alpha of them, and the losses.
"""

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np

import models
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.training.trainer import Trainer
from models import mmnet, mobile_deeplab

SIZE = (32, 48)

# Rows and blocks repeat each other, and compiling them takes nearly all of the time.
REPEATED = ("enc2", "enc3", "enc6", "enc7", "dec3")
mmnet.BLOCKS = tuple(block for block in mmnet.BLOCKS if block.name not in REPEATED)
mobile_deeplab.BACKBONE = tuple(
    dataclasses.replace(row, count=1) for row in mobile_deeplab.BACKBONE
)


def main(folder: Path, families: list[str]) -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (2, *SIZE, 4), np.uint8)
    pictures[..., 3] = np.where(pictures[..., :3].mean(axis=-1) > 127, 255, 0)
    images = pictures[..., :3].astype(np.float32) / 255
    for name in families:
        keras.utils.set_random_seed(0)
        facts = models.family(name)
        network = models.build(
            name,
            width_multiplier=min(facts.width_multipliers, default=None),
            input_size=SIZE,
            batch_norm_momentum=0.9,
        )
        losses = []
        if name == families[0]:
            trainer = Trainer(network, Recipe(learning_rate=1e-4))
            trainer.begin(facts.stages[-1], 10)
            losses = [trainer.step({"picture": pictures})["loss"] for _ in "12"]
        else:
            for weight in network.weights:  # As it begins, it gives one value everywhere.
                if weight.name in ("gamma", "beta", "kernel"):
                    noise = rng.normal(0, 1, weight.shape).astype(np.float32)
                    values = keras.ops.convert_to_numpy(weight)
                    weight.assign(values * (1 + 0.3 * noise) + 0.1 * noise)
        inference = models.inference_network(network)
        inference.save(folder / f"{name}.keras")
        alpha = np.asarray(inference.predict_on_batch(images))[..., -1]
        np.savez(folder / f"{name}.npz", images=images, alpha=alpha, losses=losses)


if __name__ == "__main__":
    assert keras.backend.backend() != "tensorflow"
    main(Path(sys.argv[1]), sys.argv[2:])

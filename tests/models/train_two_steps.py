"""Run by `test_second_backend.py` in a process of its own: train each family on this backend.

    KERAS_BACKEND=jax python train_two_steps.py FOLDER FAMILY…

FOLDER gets FAMILY.keras, the inference network, and FAMILY.npz with a picture, alpha of it,
and the losses.
"""

import sys
from pathlib import Path

import keras
import numpy as np

import models
from mmnet_deploy import training

SIZE = (32, 48)


def main(folder: Path, families: list[str]) -> None:
    rng = np.random.default_rng(0)
    images = rng.random((2, *SIZE, 3), dtype=np.float32)
    masks = (images.mean(axis=-1, keepdims=True) > 0.5).astype(np.float32)
    for name in families:
        keras.utils.set_random_seed(0)
        facts = models.family(name)
        network = models.build(
            name,
            width_multiplier=min(facts.width_multipliers, default=None),
            input_size=SIZE,
            batch_norm_momentum=0.9,
        )
        trainer = training.Trainer(network, 4e-7)
        trainer.build((None, *SIZE, 3))
        trainer.begin(facts.stages[-1], 1e-4, 10)
        # Operator by operator, JAX compiles each one for itself, which takes longer.
        trainer.compile(trainer.optimizer, jit_compile=True)
        losses = [trainer.train_on_batch(images, masks, return_dict=True)["loss"] for _ in "12"]
        inference = models.inference_network(network)
        inference.save(folder / f"{name}.keras")
        alpha = np.asarray(inference.predict_on_batch(images))[..., -1]
        np.savez(folder / f"{name}.npz", images=images, alpha=alpha, losses=losses)


if __name__ == "__main__":
    assert keras.backend.backend() != "tensorflow"
    main(Path(sys.argv[1]), sys.argv[2:])

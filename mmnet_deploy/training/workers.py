"""One training on several devices and several machines, with the engine's own means.

JAX has both: `keras.distribution` shards every batch over all devices of all processes,
and `jax.distributed` connects the processes. What a step computes is written for the whole
batch, so that batch norm is synchronised and the losses are those of one process.
Keras 3 does not train under TensorFlow's `MultiWorkerMirroredStrategy`
(https://github.com/keras-team/keras/issues/20585).
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import os
from collections.abc import Iterator

import keras

from mmnet_deploy.errors import TrainingError, UsageError

PREFIX = "KERAS_DISTRIBUTION_"
"""Of the variables that Keras defines: JOB_ADDRESSES, NUM_PROCESSES, PROCESS_ID."""

PREEMPTION = "jax_enable_preemption_service"
SHUTDOWN = "shutdown_timeout_seconds"
SHUTDOWN_S = 10
"""How long a worker that ends waits for the others to end too."""


@dataclasses.dataclass(frozen=True)
class Workers:
    """The processes that train together.

    Attributes:
        index: This one's number, from 0; number 0 alone writes the run folder.
        count: How many there are.
        devices: How many devices they have in all.
    """

    index: int = 0
    count: int = 1
    devices: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes the run folder."""
        return self.index == 0

    def check(self, batch_size: int) -> None:
        """Refuse a batch that does not divide among the devices.

        Raises:
            UsageError: It leaves a remainder.
        """
        if batch_size % self.devices:
            raise UsageError(
                f"`batch_size` must be a multiple of the {self.devices} devices. "
                f"Received: {batch_size}."
            )

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Share what is computed within among all devices."""
        if self.devices == 1:
            yield
            return
        with _distribution(keras.distribution.DataParallel(auto_shard_dataset=False)):
            yield

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Compute what is within on this process's own first device."""
        with _distribution(None):
            yield

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Say that a worker may be lost where that is why a step failed.

        Raises:
            TrainingError: Computing failed, and there are several workers.
        """
        try:
            yield
        except RuntimeError as error:
            if self.count == 1:
                raise
            raise TrainingError(
                "A step failed, as it does when a worker is lost; the last whole epoch is kept. "
                f"Start all {self.count} workers again with --resume. "
                f"({str(error).partition(chr(10))[0][:200]})"
            ) from error


@contextlib.contextmanager
def _distribution(value: keras.distribution.DataParallel | None) -> Iterator[None]:
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(value)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def _setting(name: str) -> str:
    return os.environ[PREFIX + name]


def join() -> Workers:
    """Meet the other processes, if the environment says that there are any.

    Raises:
        UsageError: The backend cannot train on several machines.
        TrainingError: The others were not met.
    """
    backend = keras.backend.backend()
    several = f"{PREFIX}NUM_PROCESSES" in os.environ
    if backend != "jax":
        if several or "TF_CONFIG" in os.environ:
            variable = f"{PREFIX}NUM_PROCESSES" if several else "TF_CONFIG"
            raise UsageError(
                f"`KERAS_BACKEND` must be jax to train with several workers ({variable} is set). "
                f"Received: {backend}."
            )
        return Workers()
    import jax

    if several and not jax.distributed.is_initialized():
        # What `keras.distribution.initialize` does, but for how long a worker that ends waits
        # for one that was lost: 300 s there. Older releases of JAX have no such choice.
        # Its preemption service would swallow SIGTERM, which stops a training here.
        if hasattr(jax.config, PREEMPTION):
            jax.config.update(PREEMPTION, False)
        known = inspect.signature(jax.distributed.initialize).parameters
        limit = {SHUTDOWN: SHUTDOWN_S} if SHUTDOWN in known else {}
        try:
            jax.distributed.initialize(
                coordinator_address=_setting("JOB_ADDRESSES").split(",")[0],
                num_processes=int(_setting("NUM_PROCESSES")),
                process_id=int(_setting("PROCESS_ID")),
                **limit,
            )
        except (RuntimeError, ValueError, KeyError) as error:
            raise TrainingError(
                f"The workers did not meet ({str(error).partition(chr(10))[0]}). Each needs "
                f"{PREFIX}JOB_ADDRESSES, {PREFIX}NUM_PROCESSES and {PREFIX}PROCESS_ID."
            ) from error
    return Workers(jax.process_index(), jax.process_count(), jax.device_count())

"""Other backends and several processes: the same losses, and nothing lost with a worker."""

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from mmnet_deploy import training
from mmnet_deploy.errors import UsageError
from mmnet_deploy.runs.run import BEST_BY, Run
from mmnet_deploy.training import workers
from tests.support import ROOT

PROGRAM = ROOT / "tests" / "support" / "tiny_worker.py"
STEPS = 5
LIMIT_S = 240


def _start(portraits, folder, *words, process=0, processes=1, port=0, devices=1):
    """A process that trains with JAX, as one of several if there are."""
    root = str(ROOT)
    env = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": root}
    # A network that computes for milliseconds is not worth seconds of optimising.
    flags = f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0"
    env["XLA_FLAGS"] = f"{flags} --xla_llvm_disable_expensive_passes=true"
    if processes > 1:
        env |= {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": str(processes),
            "KERAS_DISTRIBUTION_PROCESS_ID": str(process),
        }
    command = [sys.executable, str(PROGRAM), str(portraits), str(folder), *words]
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _end(*processes):
    """Wait for processes to succeed."""
    for process in processes:
        _, said = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, said


@dataclasses.dataclass
class _Killed:
    """Two workers of which one was killed: their run, and what the other one did then."""

    run: Run
    exit_code: int
    said: str


@pytest.fixture(scope="module")
def runs(portraits, tmp_path_factory):
    """The same training by one process, by two devices, and by two workers until one is killed."""
    root = tmp_path_factory.mktemp("workers")
    # An epoch of one step, so that the log has the loss of each.
    words = (
        "steps_per_epoch=1", "batch_size=8", "gamma=0.2", "ema_decay=0.9", "schedule=fixed",
        # An input of every step, and the same in the first ones whatever the number of epochs.
        f"loss_cross_entropy={[1] * 19 + [0]}",
    )  # fmt: skip
    port = _free_port()
    both = [
        _start(
            portraits, root / "two", *words, "epochs=1000", process=number, processes=2, port=port
        )
        for number in range(2)
    ]
    alone = [
        _start(portraits, root / "one", *words, f"epochs={STEPS}"),
        _start(portraits, root / "devices", *words, f"epochs={STEPS}", devices=2),
    ]
    run = Run(root / "two")
    try:
        until = time.monotonic() + LIMIT_S
        while len(run.read_log()) < STEPS and time.monotonic() < until:
            assert all(process.poll() is None for process in both)
            time.sleep(0.1)
        both[1].kill()
        _, said = both[0].communicate(timeout=60)
        _end(*alone)
    finally:
        for process in (*both, *alone):
            process.kill()
            process.communicate()
    return Run(root / "one"), Run(root / "devices"), _Killed(run, both[0].returncode, said)


def test_two_workers_or_devices_train_as_one_process_does(runs):
    """Step by step of one global batch, two JAX processes and two devices have its losses."""
    one, devices, killed = runs
    expected = one.read_log()
    assert len(expected) == len(devices.read_log()) == STEPS <= len(killed.run.read_log())
    for other in (devices, killed.run):
        rows = other.read_log()[:STEPS]
        for name in ("loss", "val_mad"):
            np.testing.assert_allclose(
                [row[name] for row in rows], [row[name] for row in expected], atol=1e-3
            )
    assert expected[-1]["loss"] < expected[0]["loss"]


def test_a_run_goes_on_after_a_worker_was_killed(runs, tmp_path):
    """What was whole when a worker was killed is kept, and another backend goes on from it."""
    _, _, killed = runs
    assert killed.exit_code != 0
    assert "Start all 2 workers again with --resume" in killed.said or "worker" in killed.said
    rows = killed.run.read_log()
    assert STEPS <= len(rows) < 1000

    @contextlib.contextmanager
    def until_three_more(title, total):
        def advance(note="", steps=1):
            if note.startswith(f"epoch {len(rows) + 3}:"):
                raise KeyboardInterrupt

        yield advance

    shutil.copytree(killed.run.folder, tmp_path / "run")
    run = Run(tmp_path / "run")
    assert keras.backend.backend() == "tensorflow"
    with pytest.raises(KeyboardInterrupt):
        training.train(run.read_config(), run.folder, resume=True, progress=until_three_more)
    after = run.read_log()
    # The row of an epoch is written before its state, so the last one may be trained again.
    assert len(rows) + 2 <= len(after) <= len(rows) + 3
    assert after[: len(rows) - 1] == rows[: len(rows) - 1]
    assert after[-1]["loss"] < rows[0]["loss"] and BEST_BY in after[-1]


@pytest.mark.parametrize("variable", ["TF_CONFIG", "KERAS_DISTRIBUTION_NUM_PROCESSES"])
def test_other_backends_refuse_to_train_on_several_machines(monkeypatch, variable):
    """Where only JAX can, TensorFlow says so instead of training apart."""
    monkeypatch.setenv(variable, "2")
    with pytest.raises(UsageError, match="`KERAS_BACKEND` must be jax"):
        workers.join()


def test_a_batch_must_divide_among_the_devices():
    """A remainder would leave a device without its part."""
    workers.Workers(devices=4).check(8)
    with pytest.raises(UsageError, match="multiple of the 4 devices"):
        workers.Workers(devices=4).check(6)

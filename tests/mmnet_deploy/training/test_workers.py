"""Other backends and several processes: the same losses, and nothing lost with a worker."""

import os
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
STEPS = 20
LIMIT_S = 240


def _start(portraits, folder, *words, process=0, processes=1, port=0, devices=1):
    """A process that trains with JAX, as one of several if there are."""
    root = str(ROOT)
    env = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": root}
    env["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
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


@pytest.mark.slow
def test_two_workers_or_devices_train_as_one_process_does(portraits, tmp_path):
    """Over 20 steps of one global batch, two JAX processes and two devices have its losses."""
    # An epoch of one step, so that the log has the loss of each.
    words = ("steps_per_epoch=1", f"epochs={STEPS}", "batch_size=8", "gamma=0.2", "ema_decay=0.9")
    _end(
        _start(portraits, tmp_path / "one", *words),
        _start(portraits, tmp_path / "devices", *words, devices=2),
    )
    port = _free_port()
    both = [
        _start(portraits, tmp_path / "two", *words, process=number, processes=2, port=port)
        for number in range(2)
    ]
    _end(*both)
    one = Run(tmp_path / "one").read_log()
    for other in ("two", "devices"):
        rows = Run(tmp_path / other).read_log()
        assert len(rows) == len(one) == STEPS
        for name in ("loss", "val_mad"):
            np.testing.assert_allclose(
                [row[name] for row in rows], [row[name] for row in one], atol=1e-3
            )
    assert one[-1]["loss"] < one[0]["loss"]


@pytest.mark.slow
def test_a_run_goes_on_after_a_worker_was_killed(portraits, tmp_path, config):
    """What was whole when a worker was killed is kept, and another backend goes on from it."""
    folder = tmp_path / "run"
    port = _free_port()
    words = ("steps_per_epoch=2", "epochs=100", "batch_size=8")
    both = [
        _start(portraits, folder, *words, process=number, processes=2, port=port)
        for number in range(2)
    ]
    run = Run(folder)
    until = time.monotonic() + LIMIT_S
    while len(run.read_log()) < 2 and time.monotonic() < until:
        assert all(process.poll() is None for process in both)
        time.sleep(0.1)
    both[1].kill()
    try:
        _, said = both[0].communicate(timeout=60)
        assert both[0].returncode != 0
        assert "Start all 2 workers again with --resume" in said or "worker" in said.lower()
    finally:
        for process in both:
            process.kill()
            process.communicate()
    rows = run.read_log()
    assert 2 <= len(rows) < 100

    stored = run.read_config()
    assert keras.backend.backend() == "tensorflow"
    training.train(stored, folder, resume=True)
    after = run.read_log()
    assert len(after) == 100 and after[: len(rows) - 1] == rows[: len(rows) - 1]
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

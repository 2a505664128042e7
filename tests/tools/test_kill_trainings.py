"""The script that kills trainings: what it compares, and one training killed for the suite."""

import shutil
import signal
import time

import numpy as np

from mmnet_deploy import training
from mmnet_deploy.runs.run import Run
from tests.support import scripts

tool = scripts.load("tools/kill_trainings.py")


def test_a_killed_training_is_resumed_exactly(portraits, tiny_run, config, tmp_path, monkeypatch):
    """After SIGKILL nothing half-written stays, and every weight is that of a whole training."""
    monkeypatch.setattr(tool, "SETTINGS", ())
    run = Run(tmp_path / "run")
    process = tool.start(portraits, run.folder)
    tool.wait_for(process, run.folder)
    until = time.monotonic() + 120
    while not run.read_log() and process.poll() is None and time.monotonic() < until:
        time.sleep(tool.POLL_S)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    training.train(config(), run.folder, resume=True)
    assert tool.differences(tiny_run, run.folder) == []


def test_every_difference_is_found(tiny_run, tmp_path):
    """Another weight, another log, a file more and a half-written file each count."""
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    assert tool.differences(tiny_run, folder) == []
    run = Run(folder)
    with np.load(run.state) as stored:
        arrays = dict(stored)
    arrays["optimizer.3"] = arrays["optimizer.3"] + 1e-6
    np.savez(run.state, **arrays)
    run.write_log(run.read_log()[:-1])
    assert tool.differences(tiny_run, folder) == ["log.csv differs", "state.npz differs"]
    (folder / ".half.json").touch()
    (folder / "more.txt").touch()
    assert len(tool.differences(tiny_run, folder)) == 2

"""What the tests share: a network that trains in seconds, and small data sets."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Shared by all test processes of a checkout, so that what is downloaded is downloaded once; the
# user's own cache is left alone.
os.environ["MMNET_CACHE"] = str(Path(__file__).resolve().parents[1] / "build" / "cache")

import keras
import pytest

import models
from mmnet_deploy.portraits import synthetic

MUST_RUN = "MMNET_TESTS_MUST_RUN"
"""Set where everything that the tests use is installed: then a skipped test is a failure."""

MEMORY, ROOM_BYTES = "/dev/shm", 4 * 2**30
"""Where files are in memory, and the room that must be left there for the tests."""


def pytest_configure(config):
    """Prepare the process for tests that write many files and send signals."""
    _keep_temporary_files_in_memory()
    # What `nohup` or a script in the background starts ignores some signals.
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


def _keep_temporary_files_in_memory():
    """Where there is room: a disk takes 0.1 s to remove the 170 files of an emulated phone."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    holds_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if holds_programs and shutil.disk_usage(MEMORY).free >= ROOM_BYTES:
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


LONGEST = (
    "models/test_other_backends.py",
    "models/test_networks.py",
    "test_wheel.py",
    "mmnet_deploy/training/test_workers.py",
    "mmnet_deploy/training/test_checkpoints.py",
    "fuzz/test_killed_commands.py",
    "mmnet_deploy/conversion/passes/test_deployment.py",
    "mmnet_deploy/cli/test_demo.py",
    "mmnet_deploy/conversion/passes/test_pointwise.py",
    "benchmarks/test_cost_baseline.py",
)
"""Files that take longest: they begin first, so that no process is left alone with one."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Put the longest files first, and leave the order of all others."""
    root = Path(__file__).parent
    ranks = {root / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Fail what would be skipped for want of a program, where none may be wanting."""
    outcome = yield
    report = outcome.get_result()
    if os.environ.get(MUST_RUN) and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{MUST_RUN} is set, and this test was skipped: {reason}"


@models.register("tiny", title="Tiny", width_multipliers=(1.0,), stride=16)
def tiny(input_size, *, width_multiplier, batch_norm_momentum=0.9, dropout=0.0):
    """The smallest network with all that the stages rely on: two heads and batch norm."""
    layers = keras.layers
    image = keras.Input((*input_size, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(momentum=batch_norm_momentum, name="stem_norm")(x)
    x = layers.ReLU(name="stem_relu")(x)
    coarse = layers.AveragePooling2D(8, name="pool")(x)
    auxiliary = layers.Conv2D(2, 1, name="auxiliary_logits")(coarse)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="double")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    logits = layers.Conv2D(2, 3, padding="same", name="logits")(x)
    return keras.Model(
        image, {"logits": logits, "auxiliary_logits": auxiliary}, name="tiny_training"
    )


@pytest.fixture(scope="session")
def portraits(tmp_path_factory) -> Path:
    """A synthetic data set of 16 training and 4 test pairs; tests must not change it."""
    root = tmp_path_factory.mktemp("portraits")
    synthetic.write_dataset(root, count=20, size=48, seed=18)
    return root


@pytest.fixture(scope="session")
def tiny_run(portraits, tmp_path_factory) -> Path:
    """A finished run of the tiny network; tests must not change it."""
    from mmnet_deploy import training

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    training.train(tiny_config(portraits, epochs=4), folder)
    return folder


def tiny_config(portraits: Path | str, **changes):
    """A configuration of a training that takes seconds."""
    from mmnet_deploy.runs.run import RunConfig

    settings = {
        "family": "tiny",
        "width_multiplier": 1.0,
        "input_size": 32,
        "data": str(portraits),
        "split": "train",
        "validation_share": 0.2,
        "epochs": 4,
        "steps_per_epoch": 4,
        "batch_size": 4,
        "learning_rate": 1e-2,
        "weight_decay": 4e-7,
        "batch_norm_momentum": 0.9,
        "seed": 1,
    }
    return RunConfig(**(settings | changes))


@pytest.fixture(scope="session")
def tiny_models(tiny_run, portraits, tmp_path_factory) -> dict[str, Path]:
    """The finished run as one file per precision; tests must not change them."""
    from mmnet_deploy import conversion
    from mmnet_deploy.conversion.quantization import PRECISIONS
    from mmnet_deploy.networks import network

    folder = tmp_path_factory.mktemp("models")
    converted = conversion.convert(network.load(tiny_run), tuple(PRECISIONS), portraits, folder)
    return {result.card.precision: result.path for result in converted}


@pytest.fixture
def config(portraits):
    """`tiny_config` on the shared data set."""
    return lambda **changes: tiny_config(portraits, **changes)


@pytest.fixture
def eager(monkeypatch):
    """Trainings run op by op: to compile a step takes as long as ten of them."""
    from mmnet_deploy.training.trainer import Trainer

    begin = Trainer.begin

    def begin_eagerly(trainer, *args, **kwargs):
        begin(trainer, *args, **kwargs)
        trainer.run_eagerly = True

    monkeypatch.setattr(Trainer, "begin", begin_eagerly)


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Run a command in an empty folder; no traceback may ever come out of it."""
    from click.testing import CliRunner

    from mmnet_deploy.cli import cli

    monkeypatch.chdir(tmp_path)

    def run(*words):
        result = CliRunner().invoke(cli, [str(word) for word in words])
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        assert "Traceback" not in result.output
        return result

    return run


@pytest.fixture
def taken():
    """Signals do what they do to the program."""
    from mmnet_deploy.cli import signals

    put_back = signals.take()
    yield
    put_back()


@pytest.fixture
def one_line():
    """Assert that a command failed with a code and one line that has all the words."""

    def check(result, code, *words):
        assert result.exit_code == code, result.output
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        for word in words:
            assert word in line, line

    return check

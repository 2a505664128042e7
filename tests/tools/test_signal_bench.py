"""Signals at the real command with the real adb: nothing is left behind."""

import shutil
import signal

import pytest

from android_benchmark.emulator import private_adb_server
from tests.support import scripts

pytestmark = pytest.mark.skipif(
    shutil.which("adb") is None, reason="needs the adb program (Debian: apt install adb)"
)

TRIALS = {
    "run": ("phone", signal.SIGTERM, None, (0.3,), False),
    "hang-up": ("phone", signal.SIGHUP, None, (), True),
    "set-up": ("emulated", signal.SIGHUP, 1.3, (), False),
    "unplugged": ("unplugged", signal.SIGINT, None, (1.2,), False),
}


@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS)
def test_a_signal_leaves_nothing_behind(trial, tmp_path, tiny_models):
    """A few trials of `tools/signal_bench.py`, which does as many as you like."""
    script = scripts.load("tools/signal_bench.py")
    models = [tiny_models["float32"], tiny_models["int8"]]
    with private_adb_server() as server:
        ending, wrong = script.Bench(server, tmp_path, models).run(script.Trial(*trial), "trial")
    assert not wrong
    assert ending == f"exit {128 + trial[1]}"


def test_the_check_sees_what_is_left(tmp_path):
    """A folder for temporary files that is not empty is no success."""
    script = scripts.load("tools/signal_bench.py")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "adb-home-x").mkdir()
    trial = script.Trial(*TRIALS["run"])
    assert list(script._left(trial, tmp_path, None))
    assert list(script._words(trial, 1, "Traceback"))

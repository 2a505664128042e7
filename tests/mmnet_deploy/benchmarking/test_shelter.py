"""Work that a signal does not break off."""

import os
import signal
import threading
import time

import pytest

from mmnet_deploy.benchmarking import shelter
from mmnet_deploy.benchmarking.shelter import sheltered, undone


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_waits_for_the_end_of_the_work(name, taken):
    """It is raised then, and not before."""
    done = []

    def act():
        os.kill(os.getpid(), signal.Signals[name])
        time.sleep(0.3)
        done.append(True)

    with pytest.raises(KeyboardInterrupt):
        sheltered(act)
    assert done == [True]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_interruption_within_the_start_of_the_thread_loses_nothing(monkeypatch, after):
    """The work is done once, by whichever thread there is."""
    done = []

    def start(thread):
        monkeypatch.undo()
        if after:
            thread.start()
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(KeyboardInterrupt):
        sheltered(lambda: done.append(True))
    assert done == [True]


def test_results_and_errors_come_back():
    """Without an interruption it is a plain call."""
    assert sheltered(lambda: 7) == 7
    with pytest.raises(OSError, match="full"):
        sheltered(lambda: (_ for _ in ()).throw(OSError("full")))


def test_an_interruption_before_anything_is_undone_does_not_prevent_it(monkeypatch):
    """It is raised once all is undone."""
    done, tries = [], []

    def interrupted_once(act):
        tries.append(True)
        if len(tries) == 1:
            raise KeyboardInterrupt
        return sheltered(act)

    monkeypatch.setattr(shelter, "sheltered", interrupted_once)
    with pytest.raises(KeyboardInterrupt):
        undone(lambda: done.append(True))
    assert done == [True]

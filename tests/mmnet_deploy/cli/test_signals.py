"""Signals: every command ends the same way, whenever one comes and whatever makes of it."""

import os
import signal
import subprocess
import time

import click
import pytest

from mmnet_deploy import cli
from mmnet_deploy.cli import signals
from tests.support.commands import running, wait_for_here

NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

SLEEP = "print('here', flush=True); time.sleep(60)"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "work",
    [
        SLEEP,
        # What libraries make of the exception.
        f"try:\n    {SLEEP}\nexcept BaseException:\n    raise TypeError('not callable')",
        f"try:\n    {SLEEP}\nexcept BaseException:\n    raise OSError(5, 'gone')",
        f"class Lost:\n    def __del__(self):\n        {SLEEP}\n"
        "lost = Lost()\ndel lost\ntime.sleep(60)",
    ],
    ids=["asleep", "other-error", "helper-gone", "swallowed"],
)
def test_a_signal_is_one_line_and_its_exit_code(name, work):
    """130, 143 or 129, whatever error comes out of the library that was interrupted."""
    with running(work) as process:
        process.send_signal(signal.Signals[name])
        out, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.Signals[name]
    assert (out, said) == ("", "Interrupted.\n")


WIND_UP = (
    "try:\n    print('here', flush=True); time.sleep(60)\n"
    "finally:\n    print('here', flush=True); time.sleep({seconds}); print('put back')"
)


def test_a_second_signal_does_not_break_the_winding_up_off():
    """It says that the winding-up goes on; the exit code is that of the first."""
    with running(WIND_UP.format(seconds=signals.SAME_S + 1)) as process:
        process.send_signal(signal.SIGTERM)
        wait_for_here(process)
        # So soon, it is the same wish: a terminal and a batch system send theirs to all.
        process.send_signal(signal.SIGINT)
        time.sleep(signals.SAME_S + 0.2)
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert out == "put back\n"
    assert said.split("\n") == ["", signals.WINDING_UP, "Interrupted.", ""]


def test_a_third_signal_ends_at_once(taken, monkeypatch):
    """And says what that leaves behind; the exit code is that of the first."""
    told, ended, now = [], [], [0.0]
    monkeypatch.setattr(signals, "_tell", told.append)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(os, "_exit", ended.append)
    with pytest.raises(signals.Interrupted):
        os.kill(os.getpid(), signal.SIGHUP)
    for _ in range(2):
        assert not ended
        now[0] += signals.SAME_S
        os.kill(os.getpid(), signal.SIGTERM)
    assert told == [signals.WINDING_UP, signals.AT_ONCE]
    assert ended == [129]


@pytest.mark.parametrize("name", NAMES)
def test_an_ignored_signal_stays_ignored(name):
    """`nohup` and the shell's `&` have their way."""

    def ignore():
        signal.signal(signal.Signals[name], signal.SIG_IGN)

    work = "print('here', flush=True); sys.stdin.readline(); print('whole')"
    with running(work, preexec_fn=ignore, stdin=subprocess.PIPE) as process:
        process.send_signal(signal.Signals[name])
        out, said = process.communicate("\n", timeout=60)
    assert (process.returncode, out, said) == (0, "whole\n", "")


def test_what_is_kept_is_told(call, monkeypatch):
    """A command's own sentence stands in the one line, also where the error is another's."""

    @click.command()
    def made_up():
        with signals.keeping(lambda: "Three epochs are whole."):
            raise KeyboardInterrupt

    monkeypatch.setattr(cli._Commands, "get_command", lambda *_: made_up)
    result = call("made-up")
    assert result.exit_code == 130
    assert result.stderr == "Interrupted. Three epochs are whole.\n"


def test_an_error_without_a_signal_stays_what_it_is(taken):
    """Only what follows a signal is an interruption."""
    assert signals.interruption(ValueError()) is None
    with pytest.raises(ValueError), signals.keeping(lambda: "nothing"):
        raise ValueError

"""Interruptions end the work whatever a library makes of them."""

import contextlib
import os
import signal
import threading

import pytest

from mmnet_deploy import interrupts, training
from mmnet_deploy.progress import silent
from mmnet_deploy.runs.run import Run
from mmnet_deploy.training import trainer


def _swallowing():
    """A library that carries on where a signal came."""
    with contextlib.suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def _renaming():
    """A library that fails in its own way where a signal came."""
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        raise TypeError("bad argument") from None


@pytest.mark.parametrize("library", [_swallowing, _renaming])
def test_an_interruption_stays_one(library):
    """It is raised at the next step, or in place of the error that it became."""
    before = signal.getsignal(signal.SIGINT)
    done = []
    with (
        pytest.raises(KeyboardInterrupt),
        interrupts.kept(silent) as progress,
        progress("Work", 2) as advance,
    ):
        advance()
        done.append("before")
        library()
        advance()
        done.append("after")
    assert done == ["before"]
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interruption_that_is_swallowed_last_is_raised_at_the_end():
    """Though no step follows."""
    with pytest.raises(KeyboardInterrupt), interrupts.kept(silent):
        _swallowing()


def test_another_error_stays_what_it_is():
    """Without a signal nothing is turned into an interruption, in no thread."""
    errors = []

    def work():
        try:
            with interrupts.kept(silent):
                raise TypeError("bad argument")
        except BaseException as error:
            errors.append(type(error))

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert errors == [TypeError, TypeError]


def test_the_handler_decides_what_is_raised():
    """What another handler raises, or does without raising, is respected."""

    class Ended(BaseException):
        pass

    def stop(number, frame):
        raise Ended

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with pytest.raises(Ended), interrupts.kept(silent), contextlib.suppress(Ended):
            os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, lambda *_: None)
        with interrupts.kept(silent):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("library", [_swallowing, _renaming])
def test_a_training_is_interrupted_while_its_step_is_built(tmp_path, config, monkeypatch, library):
    """What Keras makes of Ctrl-C within the step is an interruption, and the run can go on."""
    real = trainer.Trainer.step

    def step(self, batch):
        library()
        return real(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.Trainer, "step", step)
        with pytest.raises(KeyboardInterrupt):
            training.train(config(epochs=1), tmp_path / "run")
    assert Run(tmp_path / "run").state.is_file()
    training.train(config(epochs=1), tmp_path / "run", resume=True)
    assert len(Run(tmp_path / "run").read_log()) == 1

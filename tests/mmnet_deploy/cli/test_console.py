"""What commands share: progress, and how long it says that the rest takes."""

import io

import pytest
from rich.console import Console

from mmnet_deploy.cli import console


@pytest.fixture
def clock():
    """A clock that goes on only where a test says so."""

    class Clock:
        now = 1000.0

        def __call__(self):
            return self.now

    return Clock()


def test_the_time_left_does_not_count_what_the_first_step_builds(clock, capsys):
    """A minute of building says nothing of 640 steps of a quarter of a second each."""
    with console._lines("Training", 641, clock) as advance:
        clock.now += 60
        advance("loss 1")
        for _ in range(40):
            clock.now += 0.25
            advance("loss 0.5")
    lines = capsys.readouterr().err.splitlines()
    assert lines[:3] == [
        "Training …",
        "  1 of 641  loss 1",
        "  41 of 641, about 150 s left  loss 0.5",
    ]
    assert lines[-1] == "  41 of 641 in 70.0 s"


def test_nothing_is_left_after_the_last_step(clock, capsys):
    """No estimate is made of it, and notes of no step are shown at once."""
    with console._lines("Training", 2, clock) as advance:
        advance("epoch 1", steps=0)
        for _ in range(2):
            clock.now += 30
            advance()
    assert capsys.readouterr().err.splitlines() == [
        "Training …", "  epoch 1", "  1 of 2", "  2 of 2", "  2 of 2 in 60.0 s",
    ]  # fmt: skip


def test_the_bar_does_not_count_the_first_step_either(clock):
    """On a terminal the same work takes the same time."""
    with console._progress(Console(file=io.StringIO()), clock) as bar:
        task = bar.add_task("Training", total=641, note="")
        clock.now += 60
        bar.update(task, advance=1)
        assert bar.tasks[0].time_remaining is None
        for _ in range(40):
            clock.now += 0.25
            bar.update(task, advance=1)
        assert bar.tasks[0].time_remaining == pytest.approx(150, abs=1)

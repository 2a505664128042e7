"""Threads before and behind a loop: order, bounds, errors and ends."""

import threading

import pytest

from mmnet_deploy.prediction.video.threads import Behind, read_ahead


def test_items_come_in_order_and_no_further_ahead_than_allowed():
    """The reading thread waits for the loop."""
    fetched = []

    def items():
        for number in range(50):
            fetched.append(number)
            yield number

    with read_ahead(items(), 3) as ahead:
        for number in range(50):
            assert next(ahead) == number
            # Those that wait, the one that is being handed over, and the one in the loop.
            assert len(fetched) <= number + 1 + 3 + 1
        assert next(ahead, "end") == "end"


def test_what_the_reading_thread_raises_comes_after_what_it_read():
    """So that a loop can work off what there was."""

    def items():
        yield 1
        raise KeyError("broken")

    with read_ahead(items(), 3) as ahead:
        assert next(ahead) == 1
        with pytest.raises(KeyError, match="broken"):
            next(ahead)


def test_leaving_early_ends_the_reading_thread():
    """Also while it waits for a place."""
    with read_ahead(iter(range(10**9)), 2) as ahead:
        assert next(ahead) == 0
    assert not [one for one in threading.enumerate() if one.name == "reading"]


def test_what_was_put_is_worked_off_in_order_also_after_a_fault_of_the_loop():
    """An interruption loses nothing that was handed over."""
    done = []
    with pytest.raises(KeyboardInterrupt), Behind(done.append, 2) as behind:
        for number in range(10):
            behind.put(number)
        raise KeyboardInterrupt
    assert done == list(range(10))


def test_what_the_function_raises_ends_the_loop():
    """With the error itself; what was put after it is left."""
    done = []

    def work(number):
        if number == 3:
            raise OSError("full")
        done.append(number)

    with pytest.raises(OSError, match="full"), Behind(work, 2) as behind:
        for number in range(1000):
            behind.put(number)
    assert done == [0, 1, 2]
    with pytest.raises(OSError, match="full"), Behind(work, 2) as behind:
        behind.put(3)

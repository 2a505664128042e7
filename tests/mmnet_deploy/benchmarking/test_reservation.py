"""A phone belongs to one process at a time, where a lock can be had at all."""

import os

import pytest

from android_benchmark.errors import DeviceNotReadyError
from mmnet_deploy.benchmarking import reservation
from mmnet_deploy.benchmarking.reservation import reserved


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Locks lie in a folder of the test's own."""
    monkeypatch.setattr(reservation, "SHARED", tmp_path)
    return tmp_path


def test_a_phone_is_reserved_once(scratch):
    """The message names who has it; another phone is free, and nothing is left behind."""
    with (
        reserved("one"),
        reserved("adb-R5CT (2)._adb-tls-connect._tcp"),
        pytest.raises(DeviceNotReadyError, match=f"in use by process {os.getpid()} on"),
        reserved("one"),
    ):
        raise AssertionError
    with reserved("one"):
        pass
    assert not list(scratch.iterdir())


def test_without_a_place_for_locks_a_phone_is_used_all_the_same(scratch, monkeypatch):
    """Measuring matters more than the lock."""
    (scratch / "file").write_text("")
    monkeypatch.setattr(reservation, "SHARED", scratch / "file")
    with reserved("one"), reserved("one"):
        pass


def test_commands_with_temporary_folders_of_their_own_see_each_other(tmp_path, monkeypatch):
    """The process that waits for a command gives it one, which goes with it."""
    with reserved("one"):
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "own"))
        monkeypatch.setenv("TMPDIR", str(tmp_path / "other"))
        with pytest.raises(DeviceNotReadyError), reserved("one"):
            raise AssertionError

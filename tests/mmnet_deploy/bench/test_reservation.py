"""A phone belongs to one process at a time, where a lock can be had at all."""

import os

import pytest

from android_benchmark.errors import DeviceNotReadyError
from mmnet_deploy.bench.reservation import reserved


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Locks lie in the folder for temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
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
    monkeypatch.setattr("tempfile.tempdir", str(scratch / "file"))
    with reserved("one"), reserved("one"):
        pass

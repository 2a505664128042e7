"""What adb's words mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import errors
from android_benchmark.phone.adb.trouble import not_ready, trouble


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("error: device offline", errors.OfflineError),
        ("error: device 'abc' not found", errors.TransportLostError),
        ("error: closed", errors.TransportLostError),
        ("error: more than one device/emulator", errors.DeviceChoiceError),
        ("error: insufficient permissions for device", errors.NoPermissionsError),
        (
            "* daemon not running; starting now at tcp:5037\nerror: cannot connect to daemon",
            errors.AdbServerError,
        ),
        (
            "adb server version (41) doesn't match this client (39); killing...",
            errors.AdbServerError,
        ),
        (
            "adb: error: failed to copy 'a' to 'b': remote No space left on device",
            errors.NoSpaceError,
        ),
        (
            "adb: error: failed to copy 'a' to 'b': couldn't read from device",
            errors.TransportLostError,
        ),
        ("adb: usage: unknown command", errors.RemoteError),
        ("", errors.RemoteError),
    ],
)
def test_what_adb_says_has_a_meaning(said, kind):
    """Each of adb's messages is the error that tells what to do."""
    found = trouble(said, ("push",))
    assert type(found) is kind
    assert "\n" not in str(found) and str(found).endswith(".")


def test_a_line_of_adbs_own_log_says_what_and_not_where():
    """A cable that comes off while adb looks at a file makes adb itself crash."""
    said = (
        "adb F 11-29 11:35:38 19369 19369 file_sync_client.cpp:328] protocol fault: failed to "
        "read stat response: Success"
    )
    error = trouble(said, ["push"])
    assert f"{error}" == "protocol fault: failed to read stat response: check the cable."


def test_a_failed_push_names_the_file_and_nothing_else():
    """Folders here and hashes there help nobody, and a file's name is not adb's complaint."""
    copy = "failed to copy '/some/where/device offline.tflite' to '/data/local/tmp/x/1f.part'"
    found = trouble(f"adb: error: {copy}: remote No space left on device", ("push",))
    assert type(found) is errors.NoSpaceError
    assert str(found).startswith(
        "cannot copy device offline.tflite to the phone: remote No space left on device: free some"
    )


@given(st.text())
def test_whatever_adb_says_is_one_line(said):
    """No text makes the translation fail."""
    assert isinstance(trouble(said, ("shell",)), errors.HarnessError)


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("unauthorized", errors.UnauthorizedError, "accept this computer's key"),
        ("authorizing", errors.UnauthorizedError, "accept this computer's key"),
        ("no permissions", errors.NoPermissionsError, "udev"),
        ("offline", errors.OfflineError, "plug it in again"),
        ("recovery", errors.DeviceNotReadyError, "start Android"),
        ("unknown", errors.DeviceNotReadyError, "plug it in again"),
    ],
)
def test_every_state_is_an_error_with_advice(state, kind, words):
    """Only a phone that does not answer may be back on the next try."""
    error = not_ready(state, "01ab")
    assert type(error) is kind and words in str(error) and "01ab" in str(error)
    assert isinstance(error, errors.TransientError) is (state == "offline")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("error: protocol fault (couldn't read status): Success", errors.TransportLostError),
        ("adb: error: failed to copy 'a' to 'b': remote EOF", errors.TransportLostError),
        ("error: closed", errors.TransportLostError),
        (
            "adb: error: failed to stat '/sdcard/enclosed.tflite': No such file or directory",
            errors.RemoteError,
        ),
        (
            "adb: error: failed to stat '/sdcard/typeofx': No such file or directory",
            errors.RemoteError,
        ),
        ("error: device unauthorized.\nThis adb server's $ADB_VENDOR", errors.UnauthorizedError),
    ],
)
def test_a_file_name_is_not_taken_for_a_broken_connection(said, kind):
    """Only adb's own words tell whether another try is worth it."""
    assert type(trouble(said, ("pull",))) is kind

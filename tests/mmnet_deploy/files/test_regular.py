"""Reading of regular files only."""

import errno
import os
import socket

import pytest

from mmnet_deploy.files import NotRegularError, read_regular


def test_content(tmp_path):
    """A regular file is read whole."""
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert read_regular(path) == b"abc"
    assert read_regular(path, most_bytes=3) == b"abc"


def test_a_pipe_is_refused_at_once(tmp_path):
    """A pipe that nobody writes to is not waited for."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(NotRegularError, match="not a regular file"):
        read_regular(path)


def test_devices_and_sockets_are_refused(tmp_path):
    """An endless device and a socket are no files to read."""
    with pytest.raises(NotRegularError):
        read_regular("/dev/zero")
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        with pytest.raises(OSError):
            read_regular(path)


def test_a_folder_is_named_as_one(tmp_path):
    """A folder has the system's own error."""
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path)


def test_a_large_file_is_not_read(tmp_path):
    """A file beyond the limit is refused by its size."""
    path = tmp_path / "file"
    path.write_bytes(b"abcd")
    with pytest.raises(OSError) as caught:
        read_regular(path, most_bytes=3)
    assert caught.value.errno == errno.EFBIG

"""Files that are whole or absent."""

import hashlib
import os
import tempfile
from pathlib import Path

import pytest

from mmnet_deploy import files
from mmnet_deploy.errors import OutputError


def test_written_text_is_utf8_and_alone(tmp_path):
    """The file has the content, and nothing else is left in the folder."""
    path = files.write_text(tmp_path / "a.json", "α ≤ 1\n")
    assert path.read_bytes() == "α ≤ 1\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_writing_replaces(tmp_path):
    """A file that was there is replaced as a whole."""
    path = tmp_path / "a"
    path.write_bytes(b"a longer content")
    files.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"


def test_reader_of_the_old_file_is_not_disturbed(tmp_path):
    """Whoever has the old file open reads it to its end: the new one takes its name only."""
    path = files.write_bytes(tmp_path / "a", b"old")
    with path.open("rb") as reader:
        files.write_bytes(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_failure_leaves_the_old_file(tmp_path):
    """An error while writing keeps what was there, leaves no rest, and is passed on."""
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), files.written_aside(path) as aside:
        aside.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_interruption_leaves_the_old_file(tmp_path):
    """The same holds for Ctrl-C."""
    path = tmp_path / "a.png"
    with pytest.raises(KeyboardInterrupt), files.written_aside(path) as aside:
        aside.write_bytes(b"half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_temporary_name_is_hidden_beside_the_file_and_has_its_suffixes(tmp_path):
    """Writers that choose the format by name see the right one; listings see nothing."""
    path = tmp_path / "state.weights.h5"
    with files.written_aside(path) as aside:
        aside.write_bytes(b"")
        assert aside.parent == path.parent
        assert aside.name.startswith(".") and aside.name.endswith(".state.weights.h5")
        assert not path.exists()
    assert path.exists()


@pytest.mark.parametrize(
    "name",
    ["missing/a.json", "folder", "file/a.json", "a" * 300 + ".json"],
    ids=["missing folder", "folder in the way", "file as folder", "name too long"],
)
def test_file_that_cannot_be_written(tmp_path, name):
    """Whatever the system's reason, it is one kind of error, and nothing is left."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"^Cannot write .+: [A-Z].+\.$"):
        files.write_text(tmp_path / name, "content")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_folder_is_made_with_its_parents(tmp_path):
    """A folder that is missing is made, one that is there is taken."""
    folder = tmp_path / "a" / "b"
    assert files.make_folder(folder) == folder == files.make_folder(folder)
    assert folder.is_dir() and not list(folder.iterdir())


def test_file_is_no_folder(tmp_path):
    """A file in the way of a folder is refused with the system's reason, without number."""
    path = tmp_path / "a"
    path.write_text("")
    for folder in (path, path / "b"):
        with pytest.raises(OutputError, match=r"^Cannot write to the folder .+: [A-Z]\w+.*\.$"):
            files.make_folder(folder)


def test_folder_of_somebody_else_is_refused():
    """A folder without permission is found out before any work is done."""
    user = os.geteuid()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        try:
            if user == 0:  # may write anywhere; nobody may not
                os.seteuid(65534)
            with pytest.raises(OutputError, match="Permission denied"):
                files.make_folder(Path(folder))
        finally:
            os.seteuid(user)
            os.chmod(folder, 0o700)


def test_hash_is_that_of_the_content(tmp_path):
    """The hash is hexadecimal SHA-256."""
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()


def test_reason_is_the_words_of_the_system():
    """Neither number nor path stands in a reason; an error without words keeps its text."""
    assert files.reason(FileNotFoundError(2, "No such file or directory", "a")) == (
        "No such file or directory"
    )
    assert files.reason(OSError("odd")) == "odd"

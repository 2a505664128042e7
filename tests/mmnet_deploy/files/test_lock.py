"""A folder that one command at a time writes to, and what killed processes leave."""

import contextlib
import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmnet_deploy.errors import OutputError
from mmnet_deploy.files import is_empty, lock, locked
from tests.support import ROOT

HOLD = (
    "import sys, time\nfrom pathlib import Path\nfrom mmnet_deploy.files import locked\n"
    "{before}\n"
    "with locked(Path(sys.argv[1])):\n    print('locked', flush=True)\n    time.sleep(60)\n"
)
NO_LOCKS = (
    "import errno, fcntl\n"
    "def none(*_): raise OSError(errno.ENOLCK, 'No locks available')\n"
    "fcntl.flock = none"
)


@contextlib.contextmanager
def _holder(folder, before=""):
    """A process that holds the lock of a folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(before=before), str(folder), "a word"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline() == b"locked\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def no_locks(monkeypatch):
    """A file system that knows no locks."""

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(lock, "SETTLED_S", 0.01)


def _refused(folder):
    with pytest.raises(OutputError) as refused, locked(folder):
        pass
    return str(refused.value)


@pytest.mark.parametrize("before", ["", NO_LOCKS], ids=["locks", "no locks"])
def test_a_folder_in_use_is_refused_until_its_process_is_killed(tmp_path, before, request):
    """The message names process, computer and command; death frees the folder, with no rest."""
    if before:
        request.getfixturevalue("no_locks")
    folder = tmp_path / "run"
    with _holder(folder, before) as process:
        said = _refused(folder)
        for word in (str(folder), str(process.pid), os.uname().nodename, "since 20", "'a word'"):
            assert word in said
        assert "\n" not in said and (("remove" in said) == bool(before))
        process.kill()
        process.wait()
    with locked(folder):
        assert [path.name for path in folder.iterdir()] == [lock.LOCK]
        assert is_empty(folder)
        assert str(os.getpid()) in _refused(folder)
        (folder / "file").touch()
        assert not is_empty(folder)
    assert [path.name for path in folder.iterdir()] == ["file"]


def test_without_locks_a_process_elsewhere_is_believed_to_run(tmp_path, no_locks, monkeypatch):
    """What another computer wrote frees the folder when the user removes it, as the line says."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("mmnet_deploy.files.process.this_place", lambda: "abcdef")
        with locked(tmp_path):
            content = (tmp_path / lock.LOCK).read_bytes()
    (tmp_path / lock.LOCK).write_bytes(content)
    assert f"remove {tmp_path / lock.LOCK}" in _refused(tmp_path)
    (tmp_path / lock.LOCK).write_bytes(b"damaged")
    with locked(tmp_path):
        pass


def test_a_folder_that_stays_empty_goes_again(tmp_path):
    """Nothing is left of a command that fails, nor of the folders above that were made."""
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a" / "b"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    (tmp_path / "a").mkdir()
    with locked(tmp_path / "a"):
        pass
    assert (tmp_path / "a").is_dir()


def test_many_processes_take_turns(tmp_path):
    """Of several that try again and again, one at a time has the folder."""
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from mmnet_deploy.errors import OutputError\nfrom mmnet_deploy.files import locked\n"
        "folder, had = Path(sys.argv[1]), 0\n"
        "while had < 40:\n"
        "    try:\n"
        "        with locked(folder):\n"
        "            mark = os.open(folder.with_name('mark'), os.O_CREAT | os.O_EXCL)\n"
        "            os.close(mark)\n"
        "            folder.with_name('mark').unlink()\n"
        "            had += 1\n"
        "    except OutputError:\n"
        "        pass\n"
    )
    ours = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", script, str(tmp_path / "run")]
    processes = [subprocess.Popen(words, cwd=ROOT, env=ours) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert not list((tmp_path / "run").parent.rglob("*.lock"))


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path):
    """A file in the way, and a lock that is a folder, are said with the system's reason."""
    (tmp_path / "file").touch()
    assert _refused(tmp_path / "file").startswith("Cannot write to the folder")
    (tmp_path / lock.LOCK).mkdir()
    assert _refused(tmp_path).startswith("Cannot write to the folder")


def _let_others_reach(folder):
    """Let every user enter a folder of pytest's, which makes them for one user."""
    for parent in (folder, *folder.parents):
        if "pytest-" not in str(parent):
            break
        parent.chmod(0o755)


def test_a_read_only_folder_is_one_line(tmp_path):
    """Whoever may not write there is told so."""
    user = os.geteuid()
    tmp_path.chmod(0o555)
    _let_others_reach(tmp_path.parent)
    try:
        if user == 0:  # may write anywhere; nobody may not
            os.seteuid(65534)
        assert "Permission denied" in _refused(tmp_path)
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)


def test_another_users_file_of_a_dead_process_is_no_obstacle(tmp_path):
    """In a shared folder a lock's file that may only be read is replaced."""
    user = os.geteuid()
    if user != 0:
        pytest.xfail("another user is needed")
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / lock.LOCK).write_bytes(b"{}")
    shared.chmod(0o777)
    _let_others_reach(tmp_path)
    try:
        os.seteuid(65534)
        with locked(shared):
            assert (shared / lock.LOCK).stat().st_uid == 65534
    finally:
        os.seteuid(user)
    assert not list(Path(shared).iterdir())

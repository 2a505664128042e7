"""What killed processes leave half-written is told from what is being written, and removed."""

import os
import subprocess
import sys
import time

from mmnet_deploy import files
from mmnet_deploy.files import aside
from mmnet_deploy.files.process import Owner, this_process
from tests.support import ROOT

KILLED = (
    "import os, signal, sys\nfrom pathlib import Path\nfrom mmnet_deploy import files\n"
    "folder = Path(sys.argv[1])\n"
    "with files.written_aside(folder / 'a.png') as one, files.folder_aside(folder / 'b') as two:\n"
    "    one.write_bytes(b'half')\n"
    "    (two / 'c').write_bytes(b'half')\n"
    "    os.kill(os.getpid(), signal.SIGKILL)\n"
)


def _named(folder, owner, name="a.json"):
    path = folder / f".{owner.pid}-{owner.started:x}-{owner.place}.{name}"
    path.write_bytes(b"half")
    return path


def test_what_a_killed_process_left_goes_with_the_next_writing(tmp_path):
    """Files and folders of a dead process go; the user's own hidden files stay."""
    (tmp_path / ".1234.mine").write_bytes(b"mine")
    (tmp_path / ".keep").write_bytes(b"mine")
    words = [sys.executable, "-c", KILLED, str(tmp_path)]
    subprocess.run(words, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert len(list(tmp_path.iterdir())) == 4
    files.write_text(tmp_path / "d.txt", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".1234.mine", ".keep", "d.txt"]


def test_what_a_living_process_writes_stays(tmp_path):
    """Neither this process's own files nor another's are touched."""
    with files.written_aside(tmp_path / "a") as ours:
        ours.write_bytes(b"half")
        aside.clear(tmp_path)
        assert ours.read_bytes() == b"half"
    waiting = KILLED.replace(
        "os.kill(os.getpid(), signal.SIGKILL)", "print(1, flush=True); input()"
    )
    words = [sys.executable, "-c", waiting, "."]
    with subprocess.Popen(
        words, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.readline()
        before = sorted(tmp_path.iterdir())
        aside.clear(tmp_path)
        assert sorted(tmp_path.iterdir()) == before and len(before) == 3
        process.kill()


def test_a_number_that_another_process_got_is_not_mistaken(tmp_path):
    """The time of its beginning tells a process from one that had its number before."""
    ours = this_process()
    left = _named(tmp_path, Owner(ours.pid, ours.started - 1, ours.place))
    living = _named(tmp_path, ours)
    unknown = _named(tmp_path, Owner(ours.pid, 0, ours.place))
    aside.clear(tmp_path)
    assert not left.exists()
    assert living.exists() and unknown.exists()


def _age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_what_another_computer_writes_stays_for_a_day(tmp_path):
    """Nothing tells whether its process runs; what nobody touches for a day is left over."""
    ours = this_process()
    elsewhere = Owner(ours.pid + 1, ours.started, "abcdef" if ours.place != "abcdef" else "fedcba")
    file = _named(tmp_path, elsewhere)
    folder = _named(tmp_path, elsewhere, "folder")
    folder.unlink()
    folder.mkdir()
    (folder / "within").touch()
    _age(file, aside.UNTOUCHED_S - 60)
    _age(folder, aside.UNTOUCHED_S + 60)  # A file within it is new.
    aside.clear(tmp_path)
    assert file.exists() and folder.exists()
    for path in (file, folder / "within", folder):
        _age(path, aside.UNTOUCHED_S + 60)
    aside.clear(tmp_path)
    assert not list(tmp_path.iterdir())


def test_long_names_can_be_written(tmp_path):
    """A name of all the bytes that a file's name can have leaves room for the writer's mark."""
    for name in ("a" * 250 + ".json", "é" * 120 + ".weights.h5", "a" * 255):
        path = tmp_path / name
        with files.written_aside(path) as there:
            assert there.name.endswith(path.suffix)
            there.write_bytes(b"whole")
        assert path.read_bytes() == b"whole"


def test_a_folder_that_another_process_made_meanwhile_stays(tmp_path):
    """Its files may be in use: the new ones go."""
    target = tmp_path / "decoded"
    with files.folder_aside(target) as ours:
        (ours / "ours").touch()
        target.mkdir()
        (target / "theirs").touch()
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "decoded",
        "decoded/theirs",
    ]

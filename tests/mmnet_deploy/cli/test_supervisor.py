"""The process that waits for the command: crashes, signals to either of the two, streams."""

import contextlib
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time

import pytest

from mmnet_deploy.cli import signals, supervisor
from mmnet_deploy.cli.supervisor import last_words
from tests.support import ROOT
from tests.support.commands import running

HERE = "print('here', flush=True)\n"


@pytest.mark.parametrize(
    ("crash", "words"),
    [
        ("ctypes.CDLL(None).abort()", ("(SIGABRT)", "It said nothing.")),
        ("ctypes.string_at(0)", ("(SIGSEGV)", "It said nothing.")),
        ("os.kill(os.getpid(), signal.SIGBUS)", ("(SIGBUS)",)),
        ("os.kill(os.getpid(), signal.SIGILL)", ("(SIGILL)",)),
        ("os.kill(os.getpid(), signal.SIGKILL)", ("SIGKILL", "memory ran out")),
        (
            "os.write(2, b'loading\\nbad \\x1b[2J\\xff tensor.\\n    @ 0x7f04 main\\n')\n"
            "ctypes.CDLL(None).abort()",
            ("SIGABRT", "Its last words: bad \\x1b[2J\ufffd tensor. "),
        ),
        ("os.write(2, b'x' * 5_000_000)\nctypes.CDLL(None).abort()", ("xxx …. --debug",)),
    ],
    ids=["abort", "segfault", "bus", "illegal", "killed", "last words", "many words"],
)
def test_a_crash_of_a_library_is_one_line(crash, words):
    """It names the signal and what the library said last; the exit code is 1."""
    with running(HERE + crash) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = said.splitlines()
    assert line.startswith("Error: ") and len(line) < 500
    for word in words:
        assert word in line


def test_debug_shows_where_a_crash_was():
    """Python's stack is there, and what the library says is where it is said."""
    crash = "os.write(2, b'bad tensor\\n')\nctypes.CDLL(None).abort()"
    with running(HERE + crash, "--debug") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said.startswith("bad tensor\nFatal Python error: Aborted\n")
    assert "Error: A native library crashed" in said.splitlines()[-1]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"F tensor.cc:9] Check failed: a == b\n*** Check failure stack trace: ***\n    @  0x1 f\n",
         "F tensor.cc:9] Check failed: a == b"),
        (b"    @  0x1 f\n", "@ 0x1 f"),
        ("größe\n".encode()[3:], "\ufffdße"),
    ],
)  # fmt: skip
def test_the_last_words_are_those_that_tell_something(said, words):
    """Frames of a stack are taken only where there is nothing else."""
    assert last_words(said) == words


@pytest.mark.parametrize("code", [0, 1, 2, 77])
def test_the_exit_code_is_the_commands(code):
    """Whatever it is."""
    with running(f"{HERE}print('all'); raise SystemExit({code})") as process:
        assert process.communicate(timeout=60) == ("all\n", "")
    assert process.returncode == code


def _child(process):
    """The process that does the work."""
    with open(f"/proc/{process.pid}/task/{process.pid}/children") as file:
        (child,) = map(int, file.read().split())
    return child


# A signal just before one long sleep would be told after it; in short ones it is told at once.
WORK = (
    "try:\n    print('here', flush=True)\n    for _ in range(600): time.sleep(0.1)\n"
    "finally:\n    time.sleep(0.2); print('put back')"
)


@pytest.mark.parametrize("whom", ["parent", "child", "group", "session"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_to_any_of_them_is_one_interruption(whom, name):
    """By its number, by a terminal or a batch system: one line, and all is put back."""
    number = signal.Signals[name]
    with running(WORK, start_new_session=True) as process:
        if whom == "parent":
            process.send_signal(number)
        elif whom == "child":
            os.kill(_child(process), number)
        else:
            os.killpg(process.pid, number)
            if whom == "session":
                process.send_signal(number)
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out, said) == (128 + number, "put back\n", "Interrupted.\n")


def test_a_signal_that_the_child_slept_through_is_passed_on_again():
    """Once, if it goes on: the child here counts what it hears."""
    work = (
        "heard = []\nsignal.signal(signal.SIGTERM, lambda *it: heard.append(it))\n"
        f"{HERE}until = time.monotonic() + 1\n"
        "while time.monotonic() < until: time.sleep(0.05)\n"
        "print(len(heard))"
    )
    with running(work) as process:
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=60) == ("2\n", "")


def _ends(pid):
    until = time.monotonic() + 60
    with contextlib.suppress(FileNotFoundError):
        while time.monotonic() < until:
            with open(f"/proc/{pid}/stat") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    return True
            time.sleep(0.01)
        return False
    return True


def test_who_kills_the_parent_kills_the_command():
    """What is killed does not go on unseen."""
    with running(WORK) as process:
        child = _child(process)
        process.kill()
        process.wait(60)
        assert _ends(child)


def test_the_third_signal_ends_a_library_that_does_not_listen():
    """The winding-up of one that is busy for hours is no reason to wait for hours."""
    work = f"signal.pthread_sigmask(signal.SIG_BLOCK, signals.NUMBERS)\n{HERE}time.sleep(60)"
    with running(work) as process:
        for wait in (signals.SAME_S, signals.SAME_S, 0):
            process.send_signal(signal.SIGTERM)
            time.sleep(wait + 0.1)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert said == f"{signals.AT_ONCE}\n"


def test_in_a_terminal_ctrl_c_interrupts_and_ctrl_z_stops():
    """The two processes are one job."""
    parent, terminal = pty.openpty()

    def control():
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    with running(WORK, stderr=terminal, stdin=terminal, preexec_fn=control) as process:
        child = _child(process)
        # A session's leader alone is an orphan, which a terminal cannot stop; a signal can.
        os.killpg(process.pid, signal.SIGSTOP)
        os.killpg(process.pid, signal.SIGCONT)
        os.write(parent, b"\x03")
        out, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert out == "put back\n"
        assert _ends(child)
    assert os.read(parent, 1000).decode().split() == ["^C", "Interrupted."]
    os.close(parent)
    os.close(terminal)


def test_a_terminal_that_is_closed_breaks_no_winding_up_off():
    """Nobody reads the news any more, so a bar and a line that cannot be drawn are left out."""
    parent, terminal = pty.openpty()

    def control():
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    work = (
        "with console.progress('Work', 9) as advance:\n"
        "    try:\n        print('here', flush=True); time.sleep(60)\n"
        "    finally:\n        advance('putting back', steps=0); print('put back')"
    )
    with running(work, stderr=terminal, stdin=terminal, preexec_fn=control) as process:
        os.close(terminal)
        os.close(parent)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (129, "put back\n")


def test_a_signal_at_the_very_end_is_no_crash():
    """The work is done, so it comes too late; Python takes its handlers away while it ends."""
    work = "import atexit\natexit.register(lambda: (print('here', flush=True), time.sleep(0.5)))"
    with running(work, start_new_session=True) as process:
        os.killpg(process.pid, signal.SIGTERM)
        assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0


def test_who_ends_by_a_signal_without_a_handler_was_interrupted():
    """As by one that comes before there is any."""
    work = HERE + "signal.signal(signal.SIGTERM, signal.SIG_DFL)\nsignal.raise_signal(15)"
    with running(work) as process:
        assert process.communicate(timeout=60) == ("", "Interrupted.\n")
    assert process.returncode == 143


def test_a_process_with_threads_is_not_split():
    """A fork would leave out all threads but one, and their locks taken."""
    thread = threading.Thread(target=time.sleep, args=(0.2,))
    thread.start()
    assert supervisor.split(keep_words=True) is None
    thread.join()


# --- Streams ----------------------------------------------------------------------


def test_news_that_nobody_can_read_stop_no_work():
    """The reader of standard error is gone; the work goes on and ends well."""
    reader, writer = os.pipe()
    os.close(reader)
    work = HERE + "for _ in range(3): console.say('news')\nprint('whole')"
    with running(work, stderr=writer) as process:
        out, _ = process.communicate(timeout=60)
    os.close(writer)
    assert (process.returncode, out) == (0, "whole\n")


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_a_file_never_gets_the_number_of_a_closed_stream(closed, tmp_path):
    """What native libraries write to standard error would be in the middle of it."""
    shell = " ".join(f"{number}>&-" for number in closed)
    program = (
        "import os, sys\n"
        "from mmnet_deploy import cli\n"
        "def work(*_, **__):\n"
        "    with open('out', 'wb', buffering=0) as file:\n"
        "        os.write(2, b'chatter'); print('result'); sys.stdout.flush()\n"
        "        cli.console.say('news') if hasattr(cli, 'console') else None\n"
        "        file.write(b'whole')\n"
        "cli._Commands.invoke = work\n"
        "sys.argv = ['mmnet-deploy', 'models']\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {shell}', sys.executable, program],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert (tmp_path / "out").read_bytes() == b"whole"


TEMPORARY = "import tempfile\nopen(tempfile.mkdtemp() + '/a', 'w').write('a')\n" + HERE


def _with_temporary_folder(folder):
    return {"env": os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}}


@pytest.mark.parametrize(
    "end", ["pass", "ctypes.CDLL(None).abort()", "os.kill(os.getpid(), signal.SIGKILL)"]
)
def test_temporary_folders_are_removed_however_a_command_ends(tmp_path, end):
    """Also where its process had no chance to do so."""
    with running(TEMPORARY + end, **_with_temporary_folder(tmp_path)) as process:
        process.communicate(timeout=60)
    assert not list(tmp_path.iterdir())


def test_what_two_killed_processes_leave_is_removed_by_the_next_command(tmp_path):
    """And what belongs to a process that runs, or to nobody, stays."""
    (tmp_path / "other").mkdir()
    given = _with_temporary_folder(tmp_path)
    with running(TEMPORARY + "time.sleep(60)", **given) as process:
        child = _child(process)
        process.kill()
        process.wait(timeout=60)
        assert _ends(child)
    assert len(list(tmp_path.iterdir())) == 2
    with running(TEMPORARY + "time.sleep(60)", **given) as living:
        with running(HERE, **given) as process:
            process.communicate(timeout=60)
        assert len(list(tmp_path.iterdir())) == 2
        living.terminate()
        living.communicate(timeout=60)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]

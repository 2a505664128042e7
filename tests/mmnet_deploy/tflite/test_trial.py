"""Files are tried in another process."""

import os
import signal
import threading

import pytest

from mmnet_deploy.tflite import trial
from tests.support.rejected import crashing, refused

FAKE = '''
"""A runtime that does what the content of a file says."""
import enum, os, sys, time

OpResolverType = enum.Enum("OpResolverType", ["AUTO", "BUILTIN_WITHOUT_DEFAULT_DELEGATES"])
seen = []

class Interpreter:
    def __init__(self, model_content, **options):
        self.says = model_content.decode()
        seen.append(self.says)
        if self.says == "abort":
            os.abort()
        if self.says == "leave":
            os._exit(3)
        if self.says == "sleep":
            time.sleep(1000)
        if self.says == "spoil":
            seen.append("spoilt")
        if self.says == "after" and "spoilt" in seen:
            os.abort()
        if self.says == "print":
            os.write(1, b"words on standard output")
            print("more words")
        if self.says == "memory":
            bytearray(2**36)
        if self.says == "refuse":
            raise ValueError("not this one")

    def allocate_tensors(self): pass
    def get_input_details(self): return []
    def get_output_details(self): return []

    def invoke(self):
        if self.says == "fail":
            raise RuntimeError("it does not run")
        if self.says == "interrupt":
            os.kill(os.getppid(), 2)
            time.sleep(1000)
'''


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A trial with a runtime that is told what to do."""
    (tmp_path / "told_runtime.py").write_text(FAKE)
    monkeypatch.syspath_prepend(tmp_path)
    made = trial.Trial("told_runtime")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("says", "stage", "reason"),
    [
        ("nothing", "", ""),
        ("print", "", ""),
        ("refuse", "load", "not this one"),
        ("fail", "run", "it does not run"),
        ("memory", "load", "MemoryError"),
        ("abort", "crash", "signal SIGABRT"),
        ("leave", "crash", "exit code 3"),
    ],
)
def test_a_verdict_says_what_failed(fake, says, stage, reason):
    """Loading, running or the process itself, with the runtime's words or the process's end."""
    assert fake.verdict(says.encode(), "none") == trial.Verdict(stage, reason)
    assert fake.verdict(b"the next", "none").runs


def test_what_never_ends_is_ended(fake, monkeypatch):
    """A file that takes longer than the limit counts as a crash, and the next one is tried."""
    monkeypatch.setattr(trial, "LIMIT_S", 0.5)
    assert fake.verdict(b"sleep", "none") == trial.Verdict("crash", "it did not end within 0.5 s")


def test_a_file_does_not_pay_for_the_one_before(fake):
    """A crash in a process that tried another file is tried again in a fresh one."""
    assert fake.verdict(b"spoil", "none").runs
    assert fake.verdict(b"after", "none").runs


def test_an_interrupt_leaves_no_process_and_no_stale_answer(fake):
    """Ctrl-C during a trial is passed on; the next file gets its own answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            fake.verdict(b"interrupt", "none")
    finally:
        signal.signal(signal.SIGINT, before)
    assert fake.verdict(b"refuse", "none").stage == "load"


def test_a_process_that_cannot_start_blames_no_file(tmp_path, monkeypatch):
    """Without its runtime no file can be tried, which is an error of its own."""
    (tmp_path / "broken_runtime.py").write_text("raise ImportError('no library')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(trial.TrialError, match=r"broken_runtime .* did not start \(exit code 1\)"):
        trial.Trial("broken_runtime").verdict(b"nothing", "none")


def test_an_answer_is_remembered(fake, tmp_path):
    """The same content with the same delegate is tried once, from several threads too."""
    threads = [
        threading.Thread(
            target=fake.verdict,
            args=(
                b"nothing",
                "none",
            ),
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (tmp_path / "told_runtime.py").unlink()
    fake.close()
    assert fake.verdict(b"nothing", "none").runs


def test_a_crash_leaves_nothing_in_the_working_folder(fake, tmp_path, monkeypatch):
    """No core file, and a module of that folder is not taken for one of ours."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    monkeypatch.chdir(folder)
    assert fake.verdict(b"abort", "none").stage == "crash"
    assert fake.verdict(b"nothing", "none").runs
    assert os.listdir(folder) == ["numpy.py"]


def test_the_real_runtime_is_survived(tiny_models):
    """XNNPACK dies of one file and refuses another; this process lives and says so."""
    tried, content = trial.shared("ai_edge_litert.interpreter"), tiny_models["int8"].read_bytes()
    assert tried.verdict(content, "xnnpack").runs
    assert tried.verdict(crashing(content), "xnnpack").stage == "crash"
    assert tried.verdict(crashing(content), "none").runs
    assert tried.verdict(refused(content), "xnnpack").stage == "load"
    assert tried.verdict(refused(content), "none").runs

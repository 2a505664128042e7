"""Scripted engines: what a benchmark program printed, printed again."""

import hashlib

import pytest

from android_benchmark.emulator import (
    EmulatedPhone,
    EngineError,
    ProfileError,
    Reply,
    ScriptedEngine,
)
from android_benchmark.emulator.programs.engines import MARK
from tests.android_benchmark.emulator.test_shell import run

ENGINE = "/data/local/tmp/benchmark_model"


@pytest.fixture
def install():
    """Put a scripted engine on a phone; return how to run it with arguments."""
    with EmulatedPhone() as phone:

        def make(*replies, content=None, mode=0o755):
            path = phone.root / ENGINE[1:]
            path.write_bytes(ScriptedEngine(replies).to_bytes() if content is None else content)
            path.chmod(mode)
            make.phone = phone
            return lambda arguments="", before="": run(phone, f"{before} {ENGINE} {arguments}")

        yield make


def test_prints_and_exits_as_recorded(install):
    """Both outputs and the exit code are the reply's."""
    ask = install(Reply("count=50\n", stderr="ERROR: no\n", exit_code=3))
    assert ask() == (3, "count=50\n", "ERROR: no\n")


def test_first_reply_that_fits_the_arguments(install):
    """An engine can answer a probe, a good run and a bad one differently."""
    ask = install(Reply("usage\n", when="--help"), Reply("four\n", when="--num_threads=4"),
                  Reply("else\n"))  # fmt: skip
    assert ask("--help")[1] == "usage\n"
    assert ask("--num_threads=4 --warmup_runs=1")[1] == "four\n"
    assert ask()[1] == "else\n"


def test_no_reply_that_fits(install):
    """Without a fitting reply the engine says so and fails."""
    code, out, err = install(Reply("x", when="--only"))("--other")
    assert (code, out) == (1, "")
    assert "--other" in err


def test_missing_model_fails_like_the_real_program(install):
    """A `--graph` that was not pushed is an error before any reply."""
    ask = install(Reply("fine\n"))
    code, out, err = ask("--graph=/data/local/tmp/none.tflite")
    assert (code, out) == (1, "")
    assert "Could not open '/data/local/tmp/none.tflite'" in err
    assert ask("--graph=/proc/version")[:2] == (0, "fine\n")


@pytest.mark.parametrize(
    "number, words", [(11, "Segmentation fault"), (6, "Aborted"), (9, "Killed"), (4, "Illegal")]
)
def test_crash_is_128_and_the_signal(install, number, words):
    """A crash ends in the middle of a line, with the shell's word for the signal."""
    ask = install(Reply("Inference timings in us: Ini", signal=number))
    for before in ("", "taskset 0c", "X=1", "env X=1"):
        code, out, err = ask(before=before)
        assert (code, out) == (128 + number, "Inference timings in us: Ini")
        assert words in err
        assert err.count("\n") == 1


def test_hanging_engine_can_be_stopped(install):
    """`timeout` ends an engine that goes on for ever."""
    ask = install(Reply("STARTING!\n", hang=True))
    code, out, _ = ask(before="timeout 0.05")
    assert (code, out) == (124, "STARTING!\n")
    assert install.phone.running() == ()


def test_file_without_the_execute_bit(install):
    """A program that was not made executable is 126."""
    code, out, err = install(Reply("x"), mode=0o644)()
    assert (code, out) == (126, "")
    assert "Permission denied" in err


def test_registered_by_hash():
    """A file with a known SHA-256, such as the real program, is the engine given for it."""
    content = b"\x7fELF the real program"
    digest = hashlib.sha256(content).hexdigest()
    with EmulatedPhone(engines={digest: ScriptedEngine((Reply("known\n"),))}) as phone:
        path = phone.root / ENGINE[1:]
        path.write_bytes(content)
        path.chmod(0o755)
        assert run(phone, ENGINE)[:2] == (0, "known\n")


def test_unknown_binary_is_not_executed(install):
    """Without `arm64`, machine code is refused as mksh does for another processor's."""
    ask = install(content=b"\x7fELF\x02\x01\x01")
    assert ask() == (1, "", f"/system/bin/sh: {ENGINE}: not executable: 64-bit ELF file\n")
    assert ask(before="exec") == ask()


@pytest.mark.parametrize("before", ["taskset c", "env", "timeout 5", "exec taskset c"])
def test_toybox_says_otherwise_what_cannot_run(install, before):
    """What `taskset` and its like cannot start is said in their words."""
    ask = install(content=b"\x7fELF\x02\x01\x01")
    name = before.removeprefix("exec ").split()[0]
    assert ask(before=before) == (1, "", f"{ENGINE}[1]: syntax error: '(' unexpected\n")
    path = install.phone.root / ENGINE[1:]
    path.chmod(0o644)
    assert ask(before=before) == (126, "", f"{name}: exec {ENGINE}: Permission denied\n")
    path.unlink()
    assert ask(before=before) == (127, "", f"{name}: exec {ENGINE}: No such file or directory\n")


def test_shell_script_runs(install):
    """A script is run by the emulated shell, never by the computer's."""
    code, out, _ = install(content=b"#!/system/bin/sh\ncd /sdcard\npwd\nexit 5\n")()
    assert (code, out) == (5, "/sdcard\n")


def test_engine_survives_the_round_trip():
    """An engine written to bytes reads back equal."""
    engine = ScriptedEngine((Reply("a\té\n", when="x", delay_s=0.5, hang=True, signal=9),))
    assert ScriptedEngine.from_bytes(engine.to_bytes()) == engine


@pytest.mark.parametrize(
    "rest",
    ["", "[", "[]", "{}", '{"replies": 3}', '{"replies": [3]}', '{"replies": [{"colour": 1}]}',
     '{"replies": [{"stdout": 3}]}', "[" * 5000],
)  # fmt: skip
def test_bad_description_is_an_error(install, rest):
    """What is no engine raises `EngineError`; on the phone it is 126 with the reason."""
    content = f"{MARK}\n{rest}".encode()
    with pytest.raises(EngineError):
        ScriptedEngine.from_bytes(content)
    assert install(content=content)()[0] == 126


def test_profile_that_is_not_there():
    """An unknown profile names those that there are."""
    with pytest.raises(ProfileError, match="msm8996"):
        EmulatedPhone("none")


def test_profile_with_a_bad_line(tmp_path):
    """A captured file that is none says which line cannot be read."""
    (tmp_path / "getprop.txt").write_text("[a]: [b]\nnonsense\n")
    with pytest.raises(ProfileError, match="nonsense"):
        EmulatedPhone(tmp_path)

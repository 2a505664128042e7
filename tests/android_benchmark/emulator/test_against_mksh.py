"""The emulated shell against Android's own, mksh with the commands of toybox."""

import ast
import hashlib
import json
import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import android_benchmark
from android_benchmark import Settings, errors
from android_benchmark.device import Port, Ports
from android_benchmark.emulator import EmulatedPhone, Reply, ScriptedEngine
from android_benchmark.emulator.commands import COMMANDS
from android_benchmark.engines import BenchmarkModel, Tflbench, stand_in
from android_benchmark.phone import Adb, Phone, attached_phones
from tests.android_benchmark.emulator import mksh
from tests.android_benchmark.emulator.test_shell import TMP, run
from tests.android_benchmark.emulator.test_shell_language import CASES
from tests.android_benchmark.engines.tflbench.test_parser import EVENTS
from tests.support.emulated import RULES

HARNESS = Path(android_benchmark.__file__).parent
LINES = Path(__file__).with_name("shell_lines.txt").read_text().removesuffix("\n").split("\n%\n")

pytestmark = pytest.mark.skipif(
    bool(mksh.missing()), reason=f"needs {mksh.missing()} (Debian: apt install {mksh.missing()})"
)


# --- Lines that a person may type ------------------------------------------------


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A phone whose temperatures never change, and mksh with its files."""
    with pytest.MonkeyPatch.context() as patch:
        mksh.use_numbers_of_no_process(patch)
        phone = EmulatedPhone(clock=lambda: 0.0)
        real = mksh.Mksh(tmp_path_factory.mktemp("mksh"), phone)
        real.listen(patch)
        yield phone, real
        phone.close()


def agree(pair, command):
    """Run a command in both, in a folder with two empty files; all that it does is the same."""
    phone, real = pair
    folder = phone.root / TMP[1:]
    for path in folder.iterdir():
        run(phone, f"rm -r {TMP}/'{path.name}'")
    for name in ("one", "two"):
        (folder / name).touch(mode=0o644)
    line = f"cd {TMP}\n{command}"
    real.copy()
    code, out, err = run(phone, line)
    assert (code, out) == real.run(line), err
    assert mksh.contents(phone.root) == real.files()


@pytest.mark.parametrize("command", [*LINES, *(case[0] for case in CASES)])
def test_a_line_does_what_it_does_in_mksh(pair, command):
    """Standard output, exit code, and what is in the files afterwards are those of mksh."""
    agree(pair, command)


_word = st.sampled_from(
    ["a", "'b  c'", '"d  e"', "$x", '"$x"', "${y}z", '"$y"', "$none", '"$none"', "$?", "$#", "o*",
     "?wo", "'*'", "[!o]*", "x*y", "\\$x", '"\\$x"', "''", "~", "=", "a=b", "#", "a#b", "!", "-",
     "$(echo 'f  g')", '"$(echo f  g; false)"', "$(exit 3)", "{}", "'a\\tb'"]
)  # fmt: skip
_words = st.lists(_word, min_size=1, max_size=4).map(" ".join)
_simple = st.one_of(
    _words.map("echo {}".format),
    _words.map("printf '<%s>' {}".format),
    st.sampled_from(["true", "false", ":", "(exit 3)", "cat", "cat one", "grep -c b", "wc -l",
                     "ls none", "[ -e one ]", '[ "$y" = b ]',
                     "export x=d", "unset y", "sha256sum one", "head -n 1"]),
    _word.map("x={}".format),
    st.tuples(_word, _word).map("x={0[0]} y={0[1]}".format),
    _word.map("y={} sh -c 'echo $y'".format),
)  # fmt: skip
_redirections = st.sampled_from(
    ["", "", "", " >f", " >>f", " 2>/dev/null", " >f 2>&1", " <one", " 2>&1", " >&2"]
)
_redirected = st.one_of(
    st.tuples(_simple, _redirections).map("".join),
    # The shell's own complaints are not in the words of mksh, which vary with its version.
    st.sampled_from(
        [
            "nothing",
            "cd none",
            "[ $x = b ]",
            "cat <none",
            ">none/x",
            "./one",
            "echo a >&7",
            "exit 1x",
        ]
    ),
)


def _larger(line):
    return st.one_of(
        st.tuples(line, st.sampled_from([" && ", " || ", "; ", "\n"]), line).map("".join),
        # What reads all, and writes no file: both ends of a pipe run at once in mksh.
        st.tuples(line, st.sampled_from(["cat", "wc -l", "grep -c b", "{ cat; exit 3; }"])).map(
            " | ".join
        ),
        line.map("( {} )".format),
        line.map("{{ {}; }}".format),
        line.map("! {{ {}; }}".format),
        line.map("echo $( {} )".format),
        line.map("x=$( {} ); echo $? $x".format),
        st.tuples(line, line, line).map("if {0[0]}; then {0[1]}; else {0[2]}; fi".format),
        line.map("{{ {}; }} >g 2>/dev/null; cat g".format),
    )


@settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.recursive(_redirected, _larger, max_leaves=6))
def test_any_plain_line_does_what_it_does_in_mksh(pair, command):
    """So do lines that are put together at random, always the same ones."""
    agree(pair, f"x='b  c*' y=; {command}\necho $? $x")


# --- What the harness sends --------------------------------------------------------


class Recorder:
    """Repeats in mksh whatever the harness sends to the shell of an emulated phone.

    Attributes:
        sent: The command lines.
        places: Where in the harness each came from: a file and a line.
        differences: What was not the same in mksh, as text.
    """

    def __init__(self, patch):
        self.sent, self.places, self.differences = [], set(), []
        self._attempt = Adb.attempt
        self._real = {}
        patch.setattr(Adb, "attempt", lambda *words, **options: self._act(*words, **options))

    def add(self, phone, real):
        self._real[phone.serial] = phone, real

    def _act(self, adb, *arguments, **options):
        if arguments[2:3] != ("shell",):
            return self._attempt(adb, *arguments, **options)
        phone, real = self._real[arguments[1]]
        line = arguments[3]
        caller = sys._getframe(3)  # past the lambda above and `AdbDevice.shell`
        self.sent.append(line)
        self.places.add((caller.f_code.co_filename, caller.f_lineno))
        unknown = set(mksh.commands_in(line)) - real.known
        if unknown:
            self.differences.append(f"{line}\nneeds a stand-in: {', '.join(sorted(unknown))}")
        real.copy()
        done = self._attempt(adb, *arguments, **options)
        found, wanted = (done.returncode, done.stdout), real.run(line)
        files = {name for name, _ in mksh.contents(phone.root).items() ^ real.files().items()}
        if found != wanted or files:
            self.differences.append(f"{line}\nemulated: {found}\nmksh: {wanted}\n{files or ''}")
        return done


@pytest.fixture
def recorder(monkeypatch):
    """What the harness sends, repeated in mksh."""
    return Recorder(monkeypatch)


@pytest.fixture
def harness(connect, recorder, tmp_path, monkeypatch):
    """Start an emulated phone, and the harness with an engine for it."""
    mksh.use_numbers_of_no_process(monkeypatch)

    def start(engine, *, timeout_s=None, **options):
        host = connect(clock=lambda: 0.0, **options)
        real = mksh.Mksh(tmp_path / f"mksh-{host.phone.port}", host.phone)
        real.listen(monkeypatch)
        recorder.add(host.phone, real)
        adb = Adb(environment=host.server.environment)
        return host.phone, Phone(adb, host.phone.serial, engine, timeout_s=timeout_s)

    return start


@pytest.fixture
def model(tmp_path):
    """A model file; no engine here looks into it."""
    path = tmp_path / "model.tflite"
    path.write_bytes(b"a model" * 1000)
    return path


@pytest.fixture
def bundle(tmp_path):
    """A bundle of tflbench, whose loader is a shell script that prints a recorded run."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    run = "".join(json.dumps(event) + "\n" for event in EVENTS)
    (folder / "ld.so").write_text(
        'if [ "$4" = --version ]; then echo tflbench; exit; fi\n'
        "cat run.json\nprintf abcd > ../output.bin\n"
        "if [ -e ../computed ]; then printf abcd > ../computed/output.bin; fi\n"
    )
    (folder / "run.json").write_text(run)
    for name in ("libtflite.so", "tflbench"):
        (folder / name).write_text(name)
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "origin": "a test"}
        for path in folder.iterdir()
    }
    manifest = {"loader": "ld.so", "library": "libtflite.so", "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _script_of(path, *replies):
    """The engine with these replies as a shell script, which both shells run."""
    lines = [
        f'if echo "$*" | grep -q -F -- {shlex.quote(reply.when)}; then '
        f"printf %s {shlex.quote(reply.stdout)}; {'sleep 99; ' * reply.hang}"
        f"exit {reply.exit_code}; fi\n"
        for reply in replies
    ]
    path.write_text("".join(lines))
    return BenchmarkModel(path)


def _calls():
    """Every place in the harness that sends a shell command: its file, first and last line."""
    for path in [*HARNESS.glob("phone/**/*.py"), *HARNESS.glob("engines/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "shell":
                yield str(path), node.lineno, node.end_lineno


def test_all_that_the_harness_sends_does_what_it_does_in_mksh(
    harness, recorder, bundle, model, tmp_path
):
    """From the first look at a phone to its clean-up, with each kind of engine, nothing differs."""
    stand_in.write_stand_in(tmp_path / "stand-in")
    replies = ScriptedEngine.from_bytes((tmp_path / "stand-in").read_bytes()).replies
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "libQnnHtp.so").write_text("a library")
    _script_of(tmp_path / "engine" / "benchmark_model", *replies)
    emulated, phone = harness(BenchmarkModel(tmp_path / "engine"))
    emulated.device.screen.on = False
    del emulated.device.settings["system", "screen_off_timeout"]
    attached_phones(phone.adb)
    phone.measure(model, Settings(profile=True), RULES)
    phone.measure(model, Settings(delegate="gpu", threads=2), RULES)
    phone.rest(RULES)
    phone.close()
    assert phone.clean() > 0

    _, phone = harness(Tflbench(bundle), missing=("taskset", "sha256sum"))
    outcome = phone.measure(model, Settings(), RULES)
    assert [output.content for output in outcome.outputs] == [b"abcd"]
    ports = Ports({"input": b"1234"}, (Port("output", "uint8", 4),))
    computed = phone.compute(model, Settings(), ports, keep=False)
    assert [output.content for output in computed.outputs] == [b"abcd"]
    phone.close()

    slow = _script_of(tmp_path / "slow", replies[0], Reply("STARTING!\n", hang=True))
    _, phone = harness(slow, timeout_s=1.0)
    with pytest.raises(errors.EngineHungError):
        phone.measure(model, Settings(), RULES)
    phone.close()

    assert not recorder.differences, "\n\n".join(recorder.differences)
    never = [
        f"{name}:{first}"
        for name, first, last in _calls()
        if not any(name == file and first <= line <= last for file, line in recorder.places)
    ]
    assert not never, "sent by the harness, but not in this test"


def test_another_result_than_that_of_mksh_is_noticed(harness, recorder, tmp_path, monkeypatch):
    """What the phone answers otherwise than mksh is a difference, and so is an unknown command."""

    async def lie(call):
        await call.out("0 sectors")
        return 0

    _, phone = harness(stand_in.write_stand_in(tmp_path / "engine"))
    phone._device.shell("echo same; wc -c /proc/version")
    assert not recorder.differences
    monkeypatch.setitem(COMMANDS, "wc", lie)
    phone._device.shell("wc -c /proc/version")
    phone._device.shell("vmstat")
    assert "0 sectors" in recorder.differences[0]
    assert "needs a stand-in: vmstat" in recorder.differences[1]

"""LiteRT's run_model as the part of an engine that hands out outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import Port, Ports, Settings, errors
from android_benchmark.engines.run_model import RunModel, printed
from android_benchmark.phone.adb import Completed
from android_benchmark.phone.engine import Exchange
from tests.support import fault_engine

EXCHANGE = Exchange("/w/given", "/w/computed", "/w/engine")
GPU = Settings(delegate="gpu")
PRINTING = tuple(name for name in fault_engine.FLAGS if name != "output_dir")
OLDEST = tuple(name for name in PRINTING if name != "input_dir")
ONE = Ports({"image": b"\0" * 16}, (Port("alpha", "float32", 8),))


def _runner(flags=fault_engine.FLAGS):
    runner = RunModel()
    runner.learn(Completed(fault_engine.help_text(flags), "", 1))
    return runner


def _read(runner, text="", ports=ONE, files=None, code=0, settings=GPU):
    return runner.read(Completed("", text, code), settings, ports, files or {})


def test_the_newest_build_writes_files():
    """It gets inputs as files of their names, and leaves outputs as such."""
    runner = _runner()
    assert runner.given(ONE) == {"image.raw": b"\0" * 16}
    assert runner.computed(ONE) == ("alpha.raw",)
    assert runner.command("/w/m.tflite", GPU, ONE, EXCHANGE) == [
        "./run_model",
        "--graph=/w/m.tflite",
        "--accelerator=gpu",
        "--input_dir=/w/given",
        "--output_dir=/w/computed",
    ]
    computed = _read(runner, fault_engine.GPU, files={"alpha.raw": b"12345678"})
    assert computed.outputs[0].content == b"12345678"
    assert computed.delegated is True


def test_an_npu_is_told_where_its_libraries_are():
    """The folder of the engine, where the flags for it are there."""
    runner = _runner((*fault_engine.FLAGS, "dispatch_library_dir"))
    command = runner.command("m", Settings(delegate="npu"), ONE, EXCHANGE)
    assert {"--accelerator=npu", "--dispatch_library_dir=/w/engine"} <= set(command)


def test_an_older_build_prints_every_value():
    """It is asked for all of them, and writes no file."""
    runner = _runner(PRINTING)
    command = runner.command("m", GPU, ONE, EXCHANGE)
    assert command[-3:] == ["--print_tensors=true", "--compare_numerical=true", "--sample_size=2"]
    assert runner.computed(ONE) == ()
    text = fault_engine.printed(0, np.array([0.25, np.inf], np.float32))
    (output,) = _read(runner, text).outputs
    assert np.frombuffer(output.content, np.float32).tolist() == [0.25, np.inf]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (fault_engine.help_text(OLDEST), "too old, it has no --input_dir"),
        (
            fault_engine.help_text(("graph", "accelerator", "input_dir")),
            "too old, it has no --output_dir",
        ),
        ("Segmentation fault\n", "does not list its flags; it says: Segmentation fault"),
        ("", "it says: nothing"),
        ("usage: other --graph FILE\n", "does not list its flags"),
    ],
)
def test_a_build_that_cannot_hand_out_outputs_is_known(text, said):
    """From its help, before anything is run."""
    with pytest.raises(errors.NoOutputsError, match=said):
        RunModel().learn(Completed("", text, 1))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(delegate="none"), "runs xnnpack, gpu, npu only, not none"),
        (Settings(delegate="gpu", precision="fp32"), "no flag for the delegate's precision"),
        (Settings(delegate="gpu", engine_flags=("other=1",)), "has no flag other"),
    ],
)
def test_what_it_cannot_run_alike_is_not_run(settings, said):
    """Outputs under other settings than those of the benchmark would mislead."""
    with pytest.raises(errors.NoOutputsError, match=said):
        _runner().command("m", settings, ONE, EXCHANGE)
    flags = Settings(delegate="gpu", engine_flags=("iterations=2",))
    assert "--iterations=2" in _runner().command("m", flags, ONE, EXCHANGE)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ((Port("a", "float32", 4), Port("b", "float32", 4)), "the model has 2"),
        ((Port("a", "int16", 4),), "prints no int16"),
        ((Port("a", "uint8", 5_000_000),), "5000000 values are too many"),
    ],
)
def test_outputs_that_cannot_be_read_as_text_are_not_asked_for(outputs, said):
    """The older build is named as the reason."""
    with pytest.raises(errors.NoOutputsError, match=said):
        _runner(PRINTING).command("m", GPU, Ports({}, outputs), EXCHANGE)


@pytest.mark.parametrize("name", ["", "..", "a/../b", "/etc/passwd", "a\nb", "a//b", "x" * 300])
def test_names_that_are_none_of_files_reach_no_phone(name):
    """A file of any origin may have such."""
    runner = _runner()
    with pytest.raises(errors.NoOutputsError, match="files of the tensors' names"):
        runner.given(Ports({name: b""}, ()))
    with pytest.raises(errors.NoOutputsError, match="files of the tensors' names"):
        runner.computed(Ports({}, (Port(name, "int8", 1),)))


def test_a_name_may_lead_through_folders():
    """As those of TensorFlow's operators do."""
    assert _runner().given(Ports({"net/a;b:0": b""}, ())) == {"net/a;b:0.raw": b""}


def test_a_run_that_failed_says_why():
    """In the words of its log, or of the runtime."""
    log = fault_engine.log("Model: m").replace("I0000", "E0000").replace("Model: m", "No GPU found")
    with pytest.raises(errors.EngineError, match=r"run_model failed \(exit code 1\): No GPU found"):
        _read(_runner(), log, code=1)
    with pytest.raises(errors.EngineError, match="it says nothing of why"):
        _read(_runner(), "", code=1)


@pytest.mark.parametrize("content", [None, b"", b"1234567", b"123456789"])
def test_an_output_of_another_size_is_refused(content):
    """Half a file is no output."""
    files = {} if content is None else {"alpha.raw": content}
    with pytest.raises(errors.UnreadableOutputError, match="must write 8 bytes"):
        _read(_runner(), files=files)


@pytest.mark.parametrize(
    "text",
    [
        "",
        fault_engine.printed(0, np.zeros(3, np.float32)),
        fault_engine.printed(1, np.zeros(2, np.float32)),
        fault_engine.printed(0, np.zeros(2, np.float32)).replace(" 1: 0", " 1: zero"),
        fault_engine.printed(0, np.zeros(2, np.float32)).partition("    1: 0")[0],
    ],
)
def test_printed_values_must_be_all_there(text):
    """No more, no fewer, and numbers each."""
    with pytest.raises(errors.UnreadableOutputError, match="must print every value"):
        _read(_runner(PRINTING), text)


@given(
    st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=30),
    st.lists(st.integers(-128, 127), min_size=1, max_size=30),
)
def test_what_is_printed_is_read_again(reals, integers):
    """Floats with six digits, bytes exactly, the second tensor after the first."""
    first, second = np.array(reals, np.float32), np.array(integers, np.int8)
    text = fault_engine.printed(0, first) + fault_engine.printed(1, second.view(np.uint8))
    log, others = printed.split(text)
    assert not others
    with np.errstate(over="ignore"):
        read = np.frombuffer(printed.output(log, 0, "float32", first.size), np.float32)
        np.testing.assert_allclose(read, first, rtol=6e-6)
    assert printed.output(log, 1, "int8", second.size) == second.tobytes()


@given(st.text())
def test_any_text_is_taken(text):
    """As help and as log: it gives a value or the one error that is declared."""
    printed.flags(text)
    log, _ = printed.split(text)
    with pytest.raises(ValueError):
        printed.output(log, 0, "float32", 3)

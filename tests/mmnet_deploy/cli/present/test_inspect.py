"""`mmnet-deploy inspect`: what a user types and reads."""

import json
import os
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from mmnet_deploy.tflite.half_precision import HALF, with_entry
from tests.support.networks import converted


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """A file with a batch of any size and an operator that XNNPACK leaves."""

    def network(x):
        return tf.raw_ops.ResizeNearestNeighbor(
            images=tf.nn.relu(x), size=(16, 16), half_pixel_centers=True
        )

    path = tmp_path_factory.mktemp("faulty") / "faulty.tflite"
    path.write_bytes(converted(network, (None, 8, 8, 3)))
    return path


# --- One file ----------------------------------------------------------------


def test_the_first_screen(call, tiny_models):
    """What the file is, its ends, what it costs and what is wrong, in 80 columns."""
    result = call("inspect", tiny_models["int8"])
    assert result.exit_code == 0, result.output
    assert not result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = " ".join(result.stdout.split())
    for part in (
        "tiny-1.0-32-int8.tflite", "Tiny 1.0 at 32", "1×32×32×3 uint8",
        "scale 0.00392157, zero point 0",
        "2 CONV_2D", "XNNPACK takes", "in 1 partition", "made with", "|Δα|", "findings none",
    ):  # fmt: skip
        assert part in text, part


def test_a_foreign_file_is_shown_too(call, faulty):
    """Without a description of ours; every finding has its place, its price and its remedy."""
    result = call("inspect", faulty)
    assert result.exit_code == 0
    assert "carries no description" in result.stdout
    assert "?×8×8×3" in result.stdout
    assert "findings     dynamic_batch, delegation" in result.stdout
    for word in ("where", "why", "what to do"):
        assert sum(line.startswith(f"  {word} ") for line in result.stdout.splitlines()) == 2
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_strict_turns_findings_into_an_exit_code(call, faulty, tiny_models):
    """For one file or two, as text or JSON, after everything was printed."""
    assert call("inspect", tiny_models["int8"], "--strict").exit_code == 0
    assert call("inspect", faulty).exit_code == 0
    for words in ((), ("--json",), (tiny_models["float32"],)):
        result = call("inspect", faulty, *words, "--strict")
        assert result.exit_code == 1
        assert "delegation" in result.stdout


def test_it_says_what_a_file_computes_in(call, tiny_models, faulty, tmp_path):
    """By core where that matters, with the mattes in half precision; also in a comparison."""
    said = " ".join(call("inspect", tiny_models["float16"]).stdout.split())
    assert "computes in float16 on cores with fp16 arithmetic (ARMv8.2-A" in said
    assert "at most in float16, emulated on 8 pictures" in said
    assert "computes in float32 on every core" in " ".join(
        call("inspect", tiny_models["float32"]).stdout.split()
    )
    partial = tmp_path / "partial.tflite"
    partial.write_bytes(with_entry(faulty.read_bytes(), HALF))
    said = " ".join(call("inspect", partial).stdout.split())
    assert "float16 in what XNNPACK takes on cores with fp16" in said
    result = call("inspect", tiny_models["float32"], tiny_models["float16"])
    (row,) = [line for line in result.stdout.splitlines() if line.startswith(" computes in")]
    assert row.split()[-2:] == ["float32", "float16"]


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_layers_fit_the_screen(call, tiny_models, precision):
    """One row per operator in 80 columns, with what it costs."""
    result = call("inspect", tiny_models[precision], "--layers")
    assert max(map(len, result.stdout.splitlines())) <= 80
    # 16×16 outputs of 8 channels, each of 3×3×3 products.
    (row,) = [line for line in result.stdout.splitlines() if "stem" in line and "CONV_2D" in line]
    assert f"{16 * 16 * 8 * 27 / 1e6:.2f}" in row
    assert "16×16×8" in row


def test_layers_that_are_left_out_are_marked(call, faulty):
    """A star says which operators the delegate does not take."""
    result = call("inspect", faulty, "--layers")
    rows = [line for line in result.stdout.splitlines() if "×" in line][2:]
    assert [("*" in row, "RELU" in row) for row in rows] == [(False, True), (True, False)]
    assert "* left to the built-in kernels" in result.stdout


def test_json_is_all_there_is_on_standard_output(call, tiny_models, portraits):
    """Facts, layers, findings and the quantization error can be read by a program."""
    result = call(
        "inspect", tiny_models["int8"], "--against", tiny_models["float32"], "--data", portraits,
        "--pictures", 2, "--json",
    )  # fmt: skip
    content = json.loads(result.stdout)
    assert content["file"]["card"]["family"] == "tiny"
    assert content["quantization_error"]["pictures"] == 2
    assert content["delegation"]["partitions"]
    assert "quantization_error" not in json.loads(
        call("inspect", tiny_models["int8"], "--json").stdout
    )


def test_it_needs_no_tensorflow(tiny_models, portraits):
    """Neither it nor Keras is imported, not even to compare with a float file."""
    script = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from mmnet_deploy.cli import cli\n"
        "cli(sys.argv[1:], standalone_mode=False)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, "inspect", str(tiny_models["int8"]), "--against",
         str(tiny_models["float32"]), "--data", str(portraits), "--pictures", "1"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


# --- The quantization error --------------------------------------------------


def test_layers_are_ranked_against_the_network(call, tiny_models, tiny_run, portraits):
    """The run that a file was made of gives the same error as its float file."""
    tables = []
    for against in (tiny_run, tiny_models["float32"]):
        result = call(
            "inspect",
            tiny_models["int8"],
            "--against",
            against,
            "--data",
            portraits,
            "--pictures",
            2,
        )
        assert result.exit_code == 0, result.output
        assert "is not the network" not in result.stderr
        _, table = result.stdout.split("Signal to noise against float32 on 2 pictures")
        tables.append(table)
        numbers = [float(line.split()[-1]) for line in table.splitlines() if "_2D" in line]
        assert numbers == sorted(numbers)
        assert len(numbers) == 2
    assert tables[0] == tables[1]


def test_another_network_is_noticed(call, tiny_models, tiny_run, portraits, tmp_path):
    """The description knows the hash of the file that the model was made of."""
    network = keras.saving.load_model(tiny_run / "last.keras", compile=False)
    network.set_weights([1.5 * weights for weights in network.get_weights()])
    network.save(tmp_path / "other.keras")
    words = ("--data", portraits, "--pictures", 1)
    other = call("inspect", tiny_models["int8"], "--against", "other.keras", *words)
    assert other.exit_code == 0, other.output
    assert "other.keras is not the network" in other.stderr
    own = call("inspect", tiny_models["int8"], "--against", tiny_run, *words)
    assert "is not the network" not in own.stderr


def test_the_chart_is_written(call, tiny_models, portraits, tmp_path):
    """Into a folder that it makes, and standard error says where."""
    result = call(
        "inspect", tiny_models["int8"], "--against", tiny_models["float32"], "--data", portraits,
        "--pictures", 1, "--plot", "deep/error.svg",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "deep/error.svg" in result.stderr
    assert (tmp_path / "deep" / "error.svg").stat().st_size > 1000


# --- Two files ---------------------------------------------------------------


def test_two_files_show_what_differs(call, tiny_models):
    """In size, precision, ends, operators and description; --layers adds the layers."""
    result = call("inspect", tiny_models["float32"], tiny_models["int8"], "--layers")
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    for part in (
        "precision float32 int8",
        "QUANTIZE – 2",
        "input dtype FLOAT32 UINT8",
        "Layers: 0 gone",
    ):
        assert part in text, part
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "macs" not in text.lower()


def test_equal_files_are_said_to_be(call, tiny_models):
    """Byte for byte, whatever their names are."""
    result = call("inspect", tiny_models["int8"], tiny_models["int8"])
    assert result.stdout == "The files are the same, byte for byte.\n"


# --- Bad input ---------------------------------------------------------------


def test_bad_files_are_one_line(one_line, call, tmp_path, tiny_models, portraits):
    """A missing, a text, a truncated file and a folder each say what they are."""
    content = tiny_models["float32"].read_bytes()
    (tmp_path / "text.tflite").write_text("hello, I am no model")
    (tmp_path / "cut.tflite").write_bytes(content[: len(content) // 2])
    model = tiny_models["int8"]
    for name, words in (
        ("none.tflite", "Cannot read the model none.tflite"),
        ("text.tflite", "text.tflite is not a TFLite model"),
        ("cut.tflite", "cut.tflite is damaged"),
        (".", "Is a directory"),
    ):
        one_line(call("inspect", name), 1, words)
        one_line(call("inspect", model, name), 1, words)
        if name != ".":
            one_line(call("inspect", model, "--against", name, "--data", portraits), 1, words)
    one_line(
        call("inspect", model, "--against", "nowhere", "--data", portraits),
        1,
        "no file or folder nowhere",
    )
    one_line(
        call("inspect", model, "--against", model, "--data", portraits),
        1,
        "must be a network in float",
        "int8",
    )


def test_options_that_do_not_belong_together_are_one_line(one_line, call, tiny_models, portraits):
    """The rule is said before any work, and nothing is written."""
    model, reference = tiny_models["int8"], tiny_models["float32"]
    one_line(call("inspect", model, "--against", reference), 2, "`--against` needs `--data DIR`")
    one_line(call("inspect", model, "--data", portraits), 2, "`--data` needs `--against`")
    one_line(call("inspect", model, "--plot", "a.svg"), 2, "`--plot` needs `--against`")
    full = ("--against", reference, "--data", portraits)
    one_line(call("inspect", model, reference, *full), 2, "takes one file")
    one_line(call("inspect", model, *full, "--plot", "a.jpg"), 2, ".svg, .png or .pdf")
    one_line(call("inspect", model, *full, "--pictures", 0), 2, "`pictures` must be at least 1")
    one_line(call("inspect", model, "--against", reference, "--data", "nowhere"), 1, "nowhere")
    assert not os.listdir()


def test_without_tensorflow_the_network_is_refused_in_one_line(
    one_line, call, tiny_models, tiny_run, portraits, monkeypatch
):
    """The line says what is missing and how to install it."""
    from mmnet_deploy.networks import backend

    monkeypatch.setattr(backend.importlib.util, "find_spec", lambda name: None)
    result = call("inspect", tiny_models["int8"], "--against", tiny_run, "--data", portraits)
    one_line(result, 1, "`mmnet-deploy inspect --against` needs tensorflow", "pip install")

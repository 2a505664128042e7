"""Snippets: the Python one is run, and the Kotlin ones say what the file says."""

import dataclasses
import importlib.util
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy import snippets
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.tflite import app_metadata
from mmnet_deploy.tflite.app_metadata import Metadata, TensorMetadata
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support.matting_files import file_of, logits, quantized

PICTURE = np.random.default_rng(1).integers(0, 256, (60, 50, 3), np.uint8)
SIGNED = Meaning(input_range=(-1.0, 1.0))
FILES = {
    "first": (
        lambda: file_of(lambda x: tf.transpose(logits(x), [0, 3, 1, 2])),
        Meaning(output="softmax", input_range=(-1.0, 1.0)),
    ),
    "logit": (
        lambda: file_of(lambda x: logits(x / 255)[..., 1:]),
        Meaning(output="logit", input_range=(0.0, 255.0)),
    ),
    "bytes": (
        lambda: quantized(lambda x: 255 * tf.sigmoid(logits(x)[..., 1:]), 0, 1),
        Meaning(output="bytes"),
    ),
    "classes": (
        lambda: file_of(lambda x: tf.argmax(logits(x), -1, output_type=tf.int32)),
        Meaning(input_range=(0.0, 1.0)),
    ),
    "shifted": (
        lambda: quantized(lambda x: tf.nn.softmax(logits(x)), -0.9, 1.05, tf.int8), SIGNED
    ),
    "colours": (
        lambda: file_of(
            lambda x: tf.nn.softmax(logits(tf.transpose(x, [0, 2, 3, 1]))), shape=(1, 3, 32, 32)
        ),
        Meaning(input_range=(0.0, 1.0)),
    ),
}  # fmt: skip
"""Files of every kind of end, with what has to be said of them."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Their paths."""
    folder = tmp_path_factory.mktemp("others")
    for name, (content, _) in FILES.items():
        (folder / f"{name}.tflite").write_bytes(content())
    return {name: folder / f"{name}.tflite" for name in FILES}


def _imported(path, text):
    target = path.with_suffix(".py")
    target.write_text(text, "utf-8")
    found = importlib.util.spec_from_file_location(f"snippet_{path.stem}", target)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", FILES)
def test_python_computes_the_interpreters_mattes(files, name):
    """Layout, range, parameters and activation are those of the file; not a digit differs."""
    path, (_, meaning) = files[name], FILES[name]
    model = TFLiteModel(path)
    model.require_matting(meaning)
    expected = model.matte(PICTURE)
    assert expected.std() > 0.1
    facts = snippets.facts_of(path, meaning)
    module = _imported(path, snippets.snippet(facts, "python"))
    np.testing.assert_array_equal(module.alpha_of(PICTURE), expected)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("first", "exp(value(channel * size + pixel) - person)"),
        ("first", "byte * 0.007843138f + -1.0f"),
        ("logit", "1f / (1f + exp(-value(pixel)))"),
        ("logit", "Float = byte * 1.0f"),
        ("bytes", "(output[place].toInt() and 0xff)"),
        ("bytes", "= byte.toByte()"),
        ("classes", "if (value(pixel) == 1f) 1f else 0f"),
        ("classes", "outputs[0].readInt()"),
        ("shifted", "round(value / 0.0076470"),
        ("shifted", "value(pixel * 2 + 1).coerceIn(0f, 1f)"),
        ("colours", "values[colour * pixels.size + i]"),
    ],
)
def test_kotlin_says_what_the_file_says(files, name, line):
    """For LiteRT: where each value is, and how it becomes what is stored, or alpha."""
    text = snippets.snippet(snippets.facts_of(files[name], FILES[name][1]), "kotlin-litert")
    assert line in text
    assert "WIDTH = 32\n" in text and "HEIGHT = 32\n" in text and "Not compiled" in text


def test_tasks_is_for_what_media_pipe_takes(files, tiny_models):
    """Our files, float and 8-bit; for others one line says what is in the way, and what to do."""
    for precision in ("float32", "int8"):
        text = snippets.snippet(snippets.facts_of(tiny_models[precision]), "kotlin-tasks")
        assert f'MODEL = "tiny-1.0-32-{precision}.tflite"' in text
        assert "confidenceMasks().get()[0]" in text and "Not compiled" in text
    for name, reason in (
        ("first", "not (1, height, width, masks)"),
        ("logit", "no metadata with NormalizationOptions"),
        ("bytes", "its output is bytes"),
        ("shifted", "its input is int8"),
        ("colours", "the colours first"),
    ):
        facts = snippets.facts_of(files[name], FILES[name][1])
        with pytest.raises(UsageError, match=re.escape(reason)):
            snippets.snippet(facts, "kotlin-tasks")


def test_what_a_file_does_not_say_is_asked_for(files):
    """Its range, and what its output is: the values of a test picture show that it is no alpha."""
    with pytest.raises(UsageError, match="`--input-range` must say"):
        snippets.facts_of(files["logit"], Meaning(output="logit"))
    with pytest.raises(ModelFileError, match="`--output softmax`"):
        snippets.facts_of(files["first"], SIGNED)
    with pytest.raises(UsageError, match=r"kotlin-litert, python\. Received: swift"):
        snippets.snippet(None, "swift")


def test_metadata_of_a_foreign_file_says_its_range_and_activation(tmp_path, monkeypatch):
    """What a user says all the same comes first, except of a published network."""
    path = tmp_path / "told.tflite"
    picture = TensorMetadata(mean=(127.5,), std=(127.5,))
    said = Metadata(inputs=(picture,), outputs=(TensorMetadata(),), activation="sigmoid")
    plain = file_of(lambda x: logits(x)[..., 1:])
    path.write_bytes(app_metadata.with_app_metadata(plain, said))
    facts = snippets.facts_of(path)
    assert (facts.picture.input_range, facts.matte.kind) == ((-1.0, 1.0), "logit")
    assert "confidenceMasks" in snippets.snippet(facts, "kotlin-tasks")
    other = snippets.facts_of(path, Meaning(input_range=(0.0, 1.0)))
    with pytest.raises(UsageError, match="says that black and white are -1 and 1, not 0 and 1"):
        snippets.snippet(other, "kotlin-tasks")
    known = dataclasses.replace(published.NETWORKS[0], sha256=sha256(path))
    monkeypatch.setattr(published, "NETWORKS", (known,))
    with pytest.raises(UsageError, match="which says -1 1 of itself"):
        snippets.facts_of(path, Meaning(input_range=(0.0, 1.0)))
    coloured = Metadata(inputs=(TensorMetadata(mean=(1.0, 2.0, 3.0), std=(4.0, 4.0, 4.0)),))
    path.write_bytes(app_metadata.with_app_metadata(plain, coloured))
    with pytest.raises(UsageError, match="normalises them by means 1, 2, 3"):
        snippets.facts_of(path)


def test_names_end_no_string_and_no_comment(files, tmp_path):
    """A file's name is text in both languages, whatever is in it."""
    path = tmp_path / 'a"""$b\\\'*\u2028.tflite'
    path.write_bytes(files["colours"].read_bytes())
    facts = snippets.facts_of(path, FILES["colours"][1])
    module = _imported(path, snippets.snippet(facts, "python"))
    assert path == module.MODEL
    text = snippets.snippet(facts, "kotlin-litert")
    assert 'MODEL = "a\\"\\"\\"\\$b\\\\\'*\\u2028.tflite"' in text and "\u2028" not in text


def test_the_command_writes_a_program_that_runs(call, tiny_models, tmp_path):
    """A picture becomes a person cut out, or on a background; the model is found from there."""
    done = call(
        "snippet", tiny_models["int8"], "--for", "python", "-o", tmp_path / "in" / "matting.py"
    )
    assert done.exit_code == 0 and "Next: python" in done.output
    (tmp_path / "mine.py").write_text("edited")
    words = ("snippet", tiny_models["int8"], "--for", "python", "-o", tmp_path / "mine.py")
    kept = call(*words)
    assert kept.exit_code == 1 and "--replace" in kept.output
    assert (tmp_path / "mine.py").read_text() == "edited"
    assert call(*words, "--replace").exit_code == call(*words).exit_code == 0
    cv2.imwrite(str(tmp_path / "a.png"), PICTURE)
    words = [sys.executable, tmp_path / "in" / "matting.py", tmp_path / "a.png"]
    subprocess.run([*words, tmp_path / "cut.png"], check=True, capture_output=True)
    cut = cv2.imread(str(tmp_path / "cut.png"), cv2.IMREAD_UNCHANGED)
    assert cut.shape == (60, 50, 4) and (cut[..., :3] == PICTURE).all()
    assert cut[..., 3].std() > 0
    shown = call("snippet", tiny_models["int8"], "--for", "kotlin-litert")
    assert shown.output.startswith("// Tiny: the alpha") and shown.output.endswith("}\n")
    (tmp_path / "own.tflite").write_bytes(tiny_models["int8"].read_bytes())
    for words, reason in (
        (("own.tflite", "--for", "python", "-o", "own.tflite", "--replace"), "another file than"),
        (("own.tflite", "--for", "python", "-o", "."), "must be a file"),
        (("a.png", "--for", "python"), "is not a .tflite file"),
        (("no.tflite", "--for", "python"), "no file"),
        ((tiny_models["int8"], "--for", "swift"), "Received: swift"),
        ((tiny_models["int8"], "--for", "python", "--output", "logit"), "leave the option out"),
    ):
        refused = call("snippet", *words)
        assert refused.exit_code and reason in refused.output

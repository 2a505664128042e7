"""`mmnet-deploy train FILE.tflite`: a run like any other, from a network like none of ours."""

import contextlib
import itertools

import keras
import numpy as np
import pytest

from mmnet_deploy import training
from mmnet_deploy.networks import network
from mmnet_deploy.portraits.synthetic.scene import portrait
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support.drawn_graphs import Drawing

SHAPE = (1, 16, 24, 3)
SHORT = ("--epochs", 1, "--steps-per-epoch", 1, "--batch-size", 2)


@pytest.fixture
def file(tmp_path):
    """A small float16 file for pictures that are wider than high, alpha first of two channels."""
    drawing = Drawing(SHAPE)
    x = drawing.conv(drawing.image, 4, 3, fusedActivationFunction=3)
    drawing.halve(drawing.ops[-1])
    x = drawing.add("AVERAGE_POOL_2D", [x], (1, 8, 12, 4), strideW=2, strideH=2,
                    filterWidth=2, filterHeight=2)  # fmt: skip
    x = drawing.add("RESIZE_BILINEAR", [x, [16, 24]], (1, 16, 24, 4), alignCorners=True)
    y = drawing.add("SOFTMAX", [drawing.conv(x, 2)], (1, 16, 24, 2), beta=1.0)
    path = tmp_path / "my segmenter.tflite"
    path.write_bytes(drawing.content(y))
    return path


def _weights(path):
    return keras.saving.load_model(path, compile=False).get_weights()


def matte(model):
    """What a model makes of a portrait."""
    return model.matte(portrait(5, 0, 64)[0])


def test_a_file_becomes_a_run_that_is_resumed_and_converted(
    call, one_line, portraits, tmp_path, file
):
    """The run has the file's size and the fine-tuning recipe; at a rate of 0 its mattes stay."""
    words = (
        "train", file, "--data", portraits, "--out", "run", "--alpha-channel", 0,
        "--input-range", -1, 1, "--set", "learning_rate=1e-30", *SHORT[2:],
    )  # fmt: skip
    first = call(*words, "--epochs", 1)
    assert first.exit_code == 0, first.output
    assert "as imported: validation MAD" in first.stderr and "at 16×24" in first.stderr
    assert "no epoch was better than the imported network" in first.stderr
    run = Run(tmp_path / "run")
    stored = run.read_config()
    assert (stored.family, stored.picture_size) == ("my-segmenter", (16, 24))
    assert (stored.loss_cross_entropy, stored.loss_gradient, stored.ema_decay) == (0.0, 2.0, 0.98)
    expected = TFLiteModel(file)
    meaning = network.Meaning(alpha_channel=0, input_range=(-1.0, 1.0))
    expected.require_matting(meaning)
    # What the run continues from is in it, whatever becomes of the file.
    resumed = call(*words[:6], "--epochs", 2, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "Trained 2 epochs" in resumed.stderr and "as imported: " not in resumed.stderr
    assert "no epoch was better than the imported network" in resumed.stderr
    ours = network.load(run.folder)
    assert (ours.title, ours.input_size) == ("my-segmenter, tuned", (16, 24))
    assert np.ptp(matte(expected)) > 0.02
    np.testing.assert_allclose(matte(ours), matte(expected), atol=1e-5)
    done = call("convert", "run", "--precision", "float32", "--representative", portraits,
                "-o", "out", "--checked-pictures", 2)  # fmt: skip
    assert done.exit_code == 0, done.output
    (made,) = (tmp_path / "out").glob("my-segmenter-16x24-float32.tflite")
    np.testing.assert_allclose(matte(TFLiteModel(made)), matte(expected), atol=1e-5)
    file.write_bytes(file.read_bytes() + b"\0")
    changed = call(*words, "--epochs", 3, "--resume")
    one_line(changed, 2, "was begun with `imported_sha256`", "cannot change it")


def test_a_stopped_run_ends_as_if_it_had_not_been(call, portraits, tmp_path, file):
    """Interrupted in its second epoch and resumed, it has the same log and weights, to the bit."""
    done = call("train", file, "--alpha-channel", 0, "--data", portraits, "--out", "whole",
                "--epochs", 2, "--steps-per-epoch", 2, "--batch-size", 2)  # fmt: skip
    assert done.exit_code == 0, done.output
    whole = Run(tmp_path / "whole")

    @contextlib.contextmanager
    def stopping(title, total):
        step = itertools.count(1)

        def advance(note="", steps=1):
            if steps and title.startswith("Training") and next(step) == 3:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        training.train(whole.read_config(), tmp_path / "run", progress=stopping)
    assert len(Run(tmp_path / "run").read_log()) == 1
    run = training.train(whole.read_config(), tmp_path / "run", resume=True)
    assert run.read_log() == whole.read_log()
    for one, other in ((run.last, whole.last), (run.best, whole.best)):
        for resumed, uninterrupted in zip(_weights(one), _weights(other), strict=True):
            np.testing.assert_array_equal(resumed, uninterrupted)
    moved = zip(_weights(run.last), _weights(run.imported), strict=True)
    assert any((now != before).any() for now, before in moved)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--width-multiplier", 0.5), 2, ["`width_multiplier` must be left out", "0.5"]),
        (("--input-size", 32), 2, ["`input_size` must be left out", "takes 16×24"]),
        (("--alpha-channel", 4), 2, ["`--alpha-channel` must be 0 … 1"]),
        (("--set", "mixed_precision=float16"), 2, ["`mixed_precision` must be left out"]),
        (("--set", "dropout=0.1"), 2, ["`dropout` must be left out"]),
        (("--output", "logit", "--alpha-channel", 1), 2, ["SOFTMAX", "leave out `--output logit`"]),
    ],
)
def test_what_does_not_fit_the_file_is_refused_in_one_line(
    call, one_line, portraits, tmp_path, file, words, code, said
):
    """No run folder appears."""
    result = call("train", file, "--data", portraits, "--out", "run", *SHORT, *words)
    one_line(result, code, *said)
    assert not (tmp_path / "run").exists()


def test_no_network_of_a_family_has_an_output_of_its_own(call, one_line, portraits):
    """The options of files are for files."""
    result = call("train", "tiny", "--data", portraits, "--out", "run", "--output", "logit")
    one_line(result, 2, "`--output` is for a .tflite file", "tiny is the name of a network")
    missing = call("train", "none.tflite", "--data", portraits, "--out", "run")
    one_line(missing, 1, "Cannot read the model none.tflite")

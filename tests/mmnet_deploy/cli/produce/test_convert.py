"""`mmnet-deploy convert` as a user meets it: what is printed, refused and kept."""

import os
import shutil

import keras
import pytest

from mmnet_deploy.tflite.card import describe


def test_all_is_every_precision(call, tiny_run):
    """`--precision all` makes six files and a row for each; the data are the run's."""
    result = call("convert", tiny_run, "--precision", "all", "-o", "models")
    assert result.exit_code == 0, result.output
    assert len(os.listdir("models")) == 6
    for name in os.listdir("models"):
        assert name in result.stdout
    assert "held-out pictures" in result.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--precision", "int4"), "`precision` must be one of float32, float16, int8-weights, "),
        (("--graph", "fast"), "`graph` must be one of deploy, stock. Received: fast."),
        (("--precision", "int8", "--io", "int4"), "`io` must be one of uint8, int8, float32."),
        (("--max-error-increase", "2%"), "`precision` must include int8. Received: float32."),
        (
            ("--precision", "int8", "--max-error-increase", "two"),
            "`max_error_increase` must be a share such as 2% or 0.02. Received: two.",
        ),
        (("--precision", "int8", "--float-layers", "["), "must be a regular expression"),
        (("--reduced-precision", "on"), "`reduced_precision` must be one of allow, forbid."),
        (
            ("--precision", "int8", "--reduced-precision", "allow"),
            "`precision` must include one of them. Received: int8.",
        ),
        (("--representative", "nowhere"), "nowhere"),
        (("--alpha-channel", 2), "alpha"),
    ],
)
def test_wrong_options_are_one_line_and_leave_nothing(one_line, call, tiny_run, words, message):
    """Each says the rule and what was received."""
    result = call("convert", tiny_run, *words, "-o", "models")
    one_line(result, 1 if "nowhere" in words else 2, message)
    assert not os.path.exists("models") or not os.listdir("models")


def test_it_says_what_the_files_compute_in(call, tiny_run):
    """Which of them on which cores, how far the mattes then are, and why others do not."""
    words = ("convert", tiny_run, "--precision", "float16", "-o", "models")
    said = " ".join(call(*words).output.split())
    assert "in half precision" in said
    assert "tiny-1.0-32-float16.tflite computes in float16 on cores with fp16 arithmetic" in said
    result = call(*words, "--reduced-precision", "forbid", "--strict")
    assert result.exit_code == 0
    assert "in half precision" not in result.stdout
    said = " ".join(result.output.split())
    assert "float32 on every core: `--reduced-precision forbid` was given." in said
    # What a limit of one's own keeps from half precision is not as it was wanted.
    result = call(*words, "--max-mean-difference", "1e-4", "--strict")
    assert result.exit_code == 1
    assert "on every core: in half precision |Δα| is" in " ".join(result.output.split())


def test_a_file_outside_a_limit_ends_in_1(one_line, call, tiny_run):
    """The limit can be set by hand; the file is not kept, and what may help is named."""
    result = call(
        "convert", tiny_run, "--precision", "int8", "--max-mean-difference", 1e-9, "-o", "models"
    )
    one_line(
        result, 1, "The file was not kept. It is the precision:", "`--max-error-increase 2%` leaves"
    )
    assert not os.listdir("models")


def test_a_network_from_elsewhere_needs_its_own_pictures(
    one_line, call, tiny_run, tmp_path, portraits
):
    """Outside a run folder nothing says what it was trained on."""
    (tmp_path / "mine.keras").write_bytes((tiny_run / "best.keras").read_bytes())
    result = call("convert", "mine.keras", "-o", "models")
    one_line(result, 2, "`representative` must name a data set or a folder")
    result = call("convert", "mine.keras", "--representative", portraits, "-o", "models")
    assert result.exit_code == 0, result.output


def test_another_networks_file_is_not_overwritten(one_line, call, tiny_run, tmp_path, portraits):
    """The refusal names the ways out, and each of them works."""
    words = ("convert", "mine.keras", "--representative", portraits, "-o", "models")
    for graph, ways in (
        ("best.keras", [()]),
        ("last.keras", [(), ("--name", "b"), ("--replace",)]),
    ):
        (tmp_path / "mine.keras").write_bytes((tiny_run / graph).read_bytes())
        for way in ways:
            result = call(*words, *way)
            if graph == "last.keras" and not way:
                one_line(result, 1, "made from other weights", "`--name`", "`--replace`")
            else:
                assert result.exit_code == 0, result.output
    assert sorted(os.listdir("models")) == ["b-32-float32.tflite", "mine-32-float32.tflite"]


def test_one_picture_is_not_called_held_out(call, tiny_run, tmp_path, portraits):
    """What calibrates and judges is said to, and is a finding for `--strict`."""
    (tmp_path / "one").mkdir()
    picture = next((portraits / "test" / "image").iterdir())
    for name in ("a", "b"):
        shutil.copy(picture, tmp_path / "one" / f"{name}{picture.suffix}")
    words = ("convert", tiny_run, "--precision", "int8", "--representative", "one", "-o", "models")
    result = call(*words)
    assert result.exit_code == 0, result.output
    assert "on 1 picture\n" in result.stdout and "held-out" not in result.stdout
    assert "No picture is held out: tiny-1.0-32-int8.tflite" in result.stderr + result.stdout
    assert call(*words, "--strict").exit_code == 1


def test_mixed_precision_is_said(call, tmp_path, portraits):
    """The user learns that the files compute otherwise, and how much it changes."""
    image = keras.Input((32, 32, 3))
    half = {"dtype": "mixed_float16"}
    x = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", **half)(image)
    keras.Model(image, x).save(tmp_path / "half.keras")
    result = call("convert", "half.keras", "--representative", portraits, "-o", "models")
    assert result.exit_code == 0, result.output
    assert "The network computes in float16, and the files are made in float32" in result.output


def test_the_ranking_is_printed_and_stored(call, tmp_path, portraits):
    """A network that int8 breaks is mended by layers in float, which the file lists."""
    _fragile().save(tmp_path / "fragile.keras")
    words = ("convert", "fragile.keras", "--representative", portraits, "-o", "models")
    broken = call(*words, "--precision", "int8", "--max-mean-difference", 1)
    assert broken.exit_code == 0, broken.output
    assert "% above the network's" in broken.stderr and "--max-error-increase 2%" in broken.stderr
    assert "--float-layers '>=16'" in broken.stderr
    by_rows = call(*words, "--precision", "int8", "--float-layers", ">=16")
    assert by_rows.exit_code == 0 and "above the network's" not in by_rows.output
    mended = call(*words, "--precision", "int8", "--max-error-increase", "2%")
    assert mended.exit_code == 0, mended.output
    assert "Cost of quantizing a layer" in mended.stdout
    card = describe(tmp_path / "models" / "fragile-32-int8.tflite").card
    assert "huge" in card.float_layers and card.gradient_error_change <= 0.02
    assert card.layer_errors[0].layer in card.float_layers
    assert card.layer_errors[0].error > 0


def _fragile():
    """A matte of edges, and a channel of huge values that are subtracted again."""
    keras.utils.set_random_seed(3)
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", activation="relu6", name="features")(image)
    huge = keras.layers.Conv2D(2, 1, name="huge")(x)
    x = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid", name="matte")(huge)
    model = keras.Model(image, x, name="fragile")
    kernel, bias = model.get_layer("huge").get_weights()
    kernel[..., 0] = 40 * kernel[..., 0]
    kernel[..., 1] = -kernel[..., 0] + 0.02 * kernel[..., 1]
    model.get_layer("huge").set_weights([kernel, bias])
    kernel, bias = model.get_layer("matte").get_weights()
    kernel[:, :, 1] = kernel[:, :, 0] = 20 * kernel[:, :, 0]
    model.get_layer("matte").set_weights([kernel, bias])
    return model

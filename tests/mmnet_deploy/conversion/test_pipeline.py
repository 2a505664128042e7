"""Conversion: the files compute the network, say what they are, or are not there."""

import dataclasses
import shutil

import cv2
import keras
import numpy as np
import pytest

import mmnet_deploy
from mmnet_deploy import conversion
from mmnet_deploy.conversion import Options, passes, pipeline, quantization
from mmnet_deploy.conversion.options import GRAPHS
from mmnet_deploy.errors import ConversionError, ModelFileError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.tflite import app_metadata, interpreter
from mmnet_deploy.tflite.card import describe
from mmnet_deploy.tflite.graph import Graph
from tests.support.int8 import quick_int8
from tests.support.matting_files import run_by_hand

BOUNDS = {"float32": 1e-5, "float16": 5e-3, "int8-weights": 5e-2, "dynamic": 5e-2, "int8": 0.1}
BOUNDS["int16x8"] = 2e-2


@pytest.fixture(scope="module")
def loaded(tiny_run):
    """The network of the finished run."""
    return network.load(tiny_run)


def test_the_precision_is_part_of_the_file_name(tiny_models):
    """Each precision has its own file, named after family, width, size and precision."""
    assert {path.name for path in tiny_models.values()} == {
        f"tiny-1.0-32-{precision}.tflite" for precision in BOUNDS
    }


@pytest.mark.parametrize("precision", BOUNDS)
def test_a_file_computes_the_keras_network(precision, tiny_models, tiny_run, portraits):
    """On pictures that conversion never saw, each file and Keras give nearly the same matte."""
    loaded = network.load(tiny_run)
    model = interpreter.TFLiteModel(tiny_models[precision])
    for path in pictures.pictures_in(portraits / "test" / "image"):
        image = pictures.read_image(path)
        np.testing.assert_allclose(model.matte(image), loaded.matte(image), atol=BOUNDS[precision])


def test_int8_has_byte_ends_and_whole_integer_arithmetic(tiny_models):
    """The int8 file takes and gives uint8, and no operator works on floats."""
    model = interpreter.TFLiteModel(tiny_models["int8"])
    assert model.inputs[0]["dtype"] is model.outputs[0]["dtype"] is np.uint8
    details = model._interpreter.get_tensor_details()
    assert not [tensor["name"] for tensor in details if tensor["dtype"] is np.float32]


def test_the_batch_is_one_and_the_output_is_alpha_alone(tiny_models):
    """Every file has a static batch of one and gives one channel."""
    for path in tiny_models.values():
        model = interpreter.TFLiteModel(path)
        assert list(model.inputs[0]["shape"]) == [1, 32, 32, 3]
        assert list(model.outputs[0]["shape"]) == [1, 32, 32, 1]


def test_a_file_carries_its_description(tiny_models, tiny_run, loaded, portraits):
    """The card in the file says family, precision, weights and how it was checked."""
    card = describe(tiny_models["int8"]).card
    assert (card.family, card.title, card.width_multiplier) == ("tiny", "Tiny", 1.0)
    assert (card.height_px, card.width_px, card.precision) == (32, 32, "int8")
    assert (card.graph, card.alpha_channel, card.input_range) == ("deploy", 0, (0.0, 1.0))
    assert card.weights_sha256 == sha256(tiny_run / "best.keras")
    assert card.parameters == loaded.model.count_params()
    assert card.macs == 16 * 16 * 8 * 27 + 32 * 32 * 9 * 8
    names = [path.name for path in pictures.pictures_in(portraits / "train" / "image")]
    assert set(card.calibration_files) < set(names)
    assert card.checked_pictures == len(names) - len(card.calibration_files)
    assert 0 < card.mean_difference <= card.largest_difference < 0.2
    assert abs(card.gradient_error_change) < 0.1
    assert card.versions["keras"] == keras.version()


@pytest.mark.parametrize("precision", BOUNDS)
def test_a_file_tells_apps_how_to_use_it(precision, tiny_models):
    """Normalisation, what comes out, name and version; no author or licence that nobody gave."""
    said = app_metadata.read(tiny_models[precision].read_bytes())
    (picture,), (mask,) = said.inputs, said.outputs
    assert (picture.content, picture.color_space) == ("image", "RGB")
    assert (picture.mean, picture.std) == ((0.0,), (255.0,))
    assert (mask.content, mask.color_space, mask.high) == ("image", "grayscale", (1.0,))
    card = describe(tiny_models[precision]).card
    assert said.name == "Tiny 1"
    assert said.version == f"{mmnet_deploy.__version__}+{card.weights_sha256[:12]}"
    assert (said.author, said.license, said.activation) == ("", "", "none")


def test_stock_keeps_the_plain_graph(tmp_path, tiny_run, portraits, tiny_models):
    """`graph="stock"` keeps the softmax of two classes, and says so in name and card."""
    loaded = network.load(tiny_run)
    (result,) = conversion.convert(
        loaded, ("float32",), portraits, tmp_path, Options(graph="stock")
    )
    assert result.path.name == "tiny-1.0-32-float32-stock.tflite"
    assert (result.card.graph, result.card.alpha_channel) == ("stock", 1)
    kinds = [op.kind for op in Graph.from_bytes(result.path.read_bytes()).ops]
    assert kinds[-1] == "SOFTMAX"
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    stock, deploy = (
        interpreter.TFLiteModel(path).matte(image) for path in (result.path, tiny_models["float32"])
    )
    np.testing.assert_allclose(stock, deploy, atol=1e-5)


def test_int8_may_keep_float_ends(tmp_path, loaded, portraits, monkeypatch):
    """With `io="float32"` the ends are float32 and the arithmetic is not."""
    quick_int8(monkeypatch)
    (result,) = conversion.convert(loaded, ("int8",), portraits, tmp_path, Options(io="float32"))
    assert result.path.name == "tiny-1.0-32-int8-float32-io.tflite"
    model = interpreter.TFLiteModel(result.path)
    assert model.inputs[0]["dtype"] is model.outputs[0]["dtype"] is np.float32
    kinds = [op.kind for op in Graph.from_bytes(result.path.read_bytes()).ops]
    assert kinds[0] == "QUANTIZE" and kinds[-1] == "DEQUANTIZE"


def test_int8_may_have_int8_ends(tmp_path, loaded, tiny_models, portraits):
    """Alpha computed by hand from the tensors is what every command reads, and that of uint8."""
    (result,) = conversion.convert(loaded, ("int8",), portraits, tmp_path, Options(io="int8"))
    assert result.path.name == "tiny-1.0-32-int8-int8-io.tflite"
    model, usual = (interpreter.TFLiteModel(path) for path in (result.path, tiny_models["int8"]))
    assert model.inputs[0]["dtype"] is model.outputs[0]["dtype"] is np.int8
    (partition,) = model.partitions
    assert len(partition) == len(Graph.from_bytes(result.path.read_bytes()).ops)
    for path in pictures.pictures_in(portraits / "test" / "image"):
        image = pictures.read_image(path)
        stored = pictures.resized(image, 32, 32)[np.newaxis].astype(int) - 128
        given = run_by_hand(result.path.read_bytes(), stored.astype(np.int8))
        scale, zero = model.outputs[0]["quantization"]
        alpha = np.float32(scale) * (given[0, ..., 0].astype(np.float32) - zero)
        np.testing.assert_array_equal(model.matte(image), np.clip(alpha, 0, 1))
        np.testing.assert_array_equal(model.matte(image), usual.matte(image))


def test_layers_chosen_by_hand_stay_in_float(tmp_path, loaded, portraits, monkeypatch):
    """The layers that a pattern names compute in float, and the card lists them."""
    quick_int8(monkeypatch)
    (result,) = conversion.convert(
        loaded, ("int8",), portraits, tmp_path, Options(float_layers=("^stem",))
    )
    assert result.card.float_layers == ("stem_relu",)
    graph = Graph.from_bytes(result.path.read_bytes())
    assert [op.name for op in graph.ops if op.kind == "CONV_2D" and op.output.dtype == "FLOAT32"]


def test_converting_twice_gives_the_same_bytes(tmp_path, tiny_models, loaded, portraits):
    """Nothing in a file depends on when or where it was converted."""
    again = conversion.convert(loaded, tuple(tiny_models), portraits, tmp_path / "again")
    for result in again:
        assert result.path.read_bytes() == tiny_models[result.card.precision].read_bytes()


def test_a_file_outside_its_limits_is_not_put_in_place(tmp_path, loaded, portraits):
    """If a converted file does not compute the network, it is an error and no file."""
    old = tmp_path / "tiny-1.0-32-int8.tflite"
    old.write_bytes(b"an earlier file")
    strict = Options(max_mean_difference=1e-9, replace=True)
    with pytest.raises(ConversionError, match="does not compute the network"):
        conversion.convert(loaded, ("int8",), portraits, tmp_path, strict)
    assert old.read_bytes() == b"an earlier file"
    assert list(tmp_path.iterdir()) == [old]


def test_every_precision_has_a_limit_that_a_broken_file_exceeds(
    tmp_path, tiny_run, portraits, monkeypatch
):
    """A recipe that gives another network's file is found out by the default limits."""
    other = network.load(tiny_run)
    other.model.get_layer("logits").bias.assign([5.0, -5.0])
    (wrong,) = conversion.convert(other, ("float32",), portraits, tmp_path / "wrong")
    for name, precision in quantization.PRECISIONS.items():
        broken = dataclasses.replace(precision, recipe=lambda source: wrong.path.read_bytes())
        monkeypatch.setattr(pipeline, "PRECISIONS", quantization.PRECISIONS | {name: broken})
        with pytest.raises(ConversionError, match="does not compute the network"):
            conversion.convert(network.load(tiny_run), (name,), portraits, tmp_path / name)


def test_plain_pictures_without_masks_convert(tmp_path, loaded, portraits, monkeypatch):
    """A folder of photographs calibrates; what needs masks is unknown."""
    quick_int8(monkeypatch)
    (result,) = conversion.convert(loaded, ("int8",), portraits / "test" / "image", tmp_path)
    assert result.card.gradient_error_change is None
    assert len(result.card.calibration_files) == 2


@pytest.mark.parametrize(
    ("precisions", "change", "words"),
    [
        (("int4",), {}, "`precision` must be one of .* Received: int4"),
        ((), {}, "Received: none"),
        (("int8",), {"calibration_samples": 0}, "`calibration_samples`"),
        (("int8",), {"checked_pictures": 0}, "`checked_pictures`"),
        (("int8",), {"graph": "fast"}, "`graph` must be one of deploy, stock. Received: fast"),
        (("int8",), {"io": "int4"}, "`io` must be one of uint8, int8, float32. Received: int4"),
        (("int8",), {"seed": -1}, "`seed`"),
        (("int8",), {"max_error_increase": float("nan")}, "`max_error_increase` must be 0 or more"),
        (("float16",), {"float_layers": ("stem",)}, "`precision` must include int8"),
        (("int8",), {"float_layers": ("nothing",)}, "None matches nothing;"),
        (("int8",), {"float_layers": ("(",)}, "must be a regular expression"),
    ],
)
def test_impossible_settings_are_refused(tmp_path, loaded, portraits, precisions, change, words):
    """An unknown precision, no samples at all and the like are wrong usage; no file is left."""
    with pytest.raises(UsageError, match=words):
        conversion.convert(loaded, precisions, portraits, tmp_path, Options(**change))
    assert not list(tmp_path.iterdir())


def test_a_network_from_elsewhere_converts_and_says_what_is_unknown(tmp_path, tiny_run, portraits):
    """A `.keras` file outside a run folder converts; its width multiplier is unknown."""
    path = tmp_path / "mine.keras"
    path.write_bytes((tiny_run / "best.keras").read_bytes())
    (result,) = conversion.convert(network.load(path), ("float32",), portraits, tmp_path / "out")
    assert result.path.name == "mine-32-float32.tflite"
    assert result.card.width_multiplier is None


def _foreign(channels, activation, size=(48, 32)):
    """A network of other sizes, channels and ends than ours."""
    keras.utils.set_random_seed(2)
    image = keras.Input((*size, 3))
    x = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(image)
    return keras.Model(image, keras.layers.Conv2D(channels, 1, activation=activation)(x))


@pytest.mark.parametrize("graph", GRAPHS)
def test_other_channels_sizes_and_ranges_convert(tmp_path, portraits, graph):
    """A 48×32 network with three channels and inputs in −1 … 1 gives its own matte."""
    _foreign(3, "sigmoid").save(tmp_path / "foreign.keras")
    loaded = network.load(
        tmp_path / "foreign.keras", meaning=Meaning(alpha_channel=2, input_range=(-1.0, 1.0))
    )
    results = conversion.convert(
        loaded, ("float32", "int8"), portraits, tmp_path / "out", Options(graph=graph)
    )
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    for result, bound in zip(results, (1e-5, 0.05), strict=True):
        assert "48x32" in result.path.name
        matte = interpreter.TFLiteModel(result.path).matte(image)
        np.testing.assert_allclose(matte, loaded.matte(image), atol=bound)


def test_a_saved_model_converts_like_its_keras_file(tmp_path, portraits):
    """An exported SavedModel with a dynamic batch gives the file that its .keras file gives."""
    model = _foreign(1, "sigmoid", (32, 32))
    model.save(tmp_path / "foreign.keras")
    model.export(tmp_path / "exported", verbose=False)
    image = pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
    mattes = []
    for source in ("foreign.keras", "exported"):
        loaded = network.load(tmp_path / source)
        (result,) = conversion.convert(loaded, ("float32",), portraits, tmp_path / f"out-{source}")
        mattes.append(interpreter.TFLiteModel(result.path).matte(image))
    np.testing.assert_allclose(*mattes, atol=1e-6)


def test_an_output_that_is_no_alpha_is_refused(tmp_path, portraits):
    """A network that ends in logits is told what it may lack."""
    model = _foreign(1, None)
    model.layers[-1].bias.assign([7.0])
    model.save(tmp_path / "logits.keras")
    with pytest.raises(ModelFileError, match="alpha must be 0 … 1"):
        conversion.convert(
            network.load(tmp_path / "logits.keras"), ("float32",), portraits, tmp_path / "out"
        )


# --- Held-out pictures -------------------------------------------------------


def _copied(portraits, folder, *names):
    """A folder with the same picture under each of the names, in the format that each says."""
    folder.mkdir()
    image = cv2.imread(str(pictures.pictures_in(portraits / "test" / "image")[0]))
    for name in names:
        cv2.imwrite(str(folder / name), image)
    return folder


@pytest.mark.parametrize("names", [("a.png",), ("a.png", "b.png"), ("a.png", "b.bmp", "c.png")])
def test_copies_of_what_calibrates_are_not_held_out(
    tmp_path, loaded, portraits, names, monkeypatch
):
    """One picture, under however many names, calibrates and judges, which is said."""
    quick_int8(monkeypatch)
    folder = _copied(portraits, tmp_path / "copies", *names)
    results = conversion.convert(loaded, ("float32", "int8"), folder, tmp_path / "out")
    assert [result.held_out for result in results] == [True, False]
    assert [result.checked for result in results] == [1, 1]


def test_one_other_picture_is_held_out(tmp_path, loaded, portraits, monkeypatch):
    """Among copies, the one that is different judges, wherever the draw found it."""
    quick_int8(monkeypatch)
    folder = _copied(portraits, tmp_path / "copies", *(f"{letter}.png" for letter in "acdefgh"))
    other = pictures.pictures_in(portraits / "test" / "image")[1]
    shutil.copy(other, folder / "b.png")
    for seed in range(3):
        (result,) = conversion.convert(
            loaded, ("int8",), folder, tmp_path / "out", Options(seed=seed)
        )
        assert (result.held_out, result.checked) == (True, 1)
        # It judges what the copies calibrate, or the other way round.
        assert len({name == "b.png" for name in result.card.calibration_files}) == 1


# --- Refusals ----------------------------------------------------------------


def test_what_keras_quantized_is_refused_by_name(tmp_path, portraits):
    """The layers of `model.quantize` cannot be converted; the message says what to do."""
    image = keras.Input((32, 32, 3))
    model = keras.Model(image, keras.layers.Dense(1, activation="sigmoid")(image))
    model.quantize("int8")
    model.save(tmp_path / "quantized.keras")
    with pytest.raises(ConversionError, match=r"quantized by Keras \(int8, dense.*`--precision"):
        conversion.convert(
            network.load(tmp_path / "quantized.keras"), ("float32",), portraits, tmp_path / "out"
        )


def test_an_operator_that_tflite_lacks_is_named(tmp_path, portraits):
    """The message has the operator, and none of the converter's intermediate language."""
    image = keras.Input((32, 32, 3))
    x = keras.ops.erfinv(keras.layers.Conv2D(1, 1, activation="sigmoid")(image) * 0.5)
    keras.Model(image, x).save(tmp_path / "odd.keras")
    with pytest.raises(ConversionError) as refusal:
        conversion.convert(
            network.load(tmp_path / "odd.keras"), ("float32",), portraits, tmp_path / "out"
        )
    message = str(refusal.value)
    assert "no operator for: Erfinv. Replace it" in message
    assert "MLIR" not in message and "error:" not in message


def _magnifying(path):
    """A network whose matte of a plain picture is nothing but the rounding of a mean."""
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(1, 1, use_bias=False)(image)
    difference = keras.layers.Subtract()([x, keras.ops.mean(x, axis=(1, 2), keepdims=True)])
    x = keras.layers.Activation("sigmoid")(keras.layers.Rescaling(1e7)(difference))
    model = keras.Model(image, x)
    model.layers[1].set_weights([np.full((1, 1, 3, 1), 0.3)])
    model.save(path)
    return path


def test_a_conversion_that_is_far_by_itself_is_not_blamed_on_us(tmp_path, tiny_run, portraits):
    """The message tells the converter, our passes and the precision apart."""
    plain = tmp_path / "plain"
    plain.mkdir()
    for level in range(60, 200, 20):
        cv2.imwrite(str(plain / f"{level}.png"), np.full((32, 32, 3), level, np.uint8))
    loaded = network.load(_magnifying(tmp_path / "magnifying.keras"))
    with pytest.raises(ConversionError, match="The conversion itself is that far"):
        conversion.convert(loaded, ("float32",), plain, tmp_path / "out")
    loaded = network.load(tiny_run)
    with pytest.raises(ConversionError, match="It is the precision: in float32"):
        conversion.convert(
            loaded, ("int8",), portraits, tmp_path / "out", Options(max_mean_difference=1e-6)
        )


def test_a_pass_that_breaks_the_network_is_found_and_told(tmp_path, loaded, portraits, monkeypatch):
    """Where TensorFlow's own graph is near, the rewriting is not: `--graph stock` is the way."""

    def broken(graph, channel):
        done = deploy(graph, channel)
        for op in graph.ops:
            if op.kind == "CONV_2D":
                op.inputs[1].data = op.inputs[1].data * 1.5
        return done

    deploy = passes.deploy
    monkeypatch.setattr(passes, "deploy", broken)
    with pytest.raises(ConversionError, match="only: use `--graph stock`"):
        conversion.convert(loaded, ("float32",), portraits, tmp_path)

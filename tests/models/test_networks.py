"""What every family must do, whatever its architecture: one set of tests for all."""

import dataclasses

import keras
import numpy as np
import pytest

import models
from mmnet_deploy.conversion import tracing
from mmnet_deploy.conversion.passes import deploy
from mmnet_deploy.conversion.quantization import Source, float32, int8
from mmnet_deploy.inspection.lint import lint
from mmnet_deploy.networks import network
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.training.trainer import Trainer
from tests.support.int8 import quick_int8
from tests.support.networks import vary_batch_norms

FAMILIES = sorted({point.family for point in models.operating_points()})
SIZE = (64, 96)
"""Of most tests: small, and height and width differ."""


@dataclasses.dataclass(frozen=True)
class Member:
    """The narrowest network of a family, with batch norms as after a training."""

    facts: models.Family
    training: keras.Model
    inference: keras.Model

    def alpha(self, picture):
        return keras.ops.convert_to_numpy(self.inference(picture, training=False))[..., -1]


def _width(facts):
    return min(facts.width_multipliers, default=None)


def _build(facts, size, **options):
    keras.utils.set_random_seed(0)
    return models.build(facts.name, width_multiplier=_width(facts), input_size=size, **options)


def _pictures(count, size=SIZE):
    return np.random.default_rng(1).random((count, *size, 3), dtype=np.float32)


@pytest.fixture(scope="module", params=FAMILIES)
def member(request):
    facts = models.family(request.param)
    built = _build(facts, SIZE)
    vary_batch_norms(built)
    return Member(facts, built, models.inference_network(built))


@dataclasses.dataclass(frozen=True)
class Files:
    """The member's deployment graph in the precisions that are tested, and the plain graph."""

    stock: bytes
    float32: bytes
    int8: bytes


@pytest.fixture(scope="module")
def loaded(member, tmp_path_factory):
    """The member's inference form, stored and loaded in safe mode without custom objects."""
    path = tmp_path_factory.mktemp("network") / "network.keras"
    member.inference.save(path)
    return network.load(path)


@pytest.fixture(scope="module")
def files(member, loaded):
    stock = tracing.Traced(loaded).stock_graph()
    graph = Graph.from_bytes(stock)
    deploy(graph, member.inference.output_shape[-1] - 1)
    source = Source(graph.to_bytes(), [x[None] for x in _pictures(4)], phases=True)
    with pytest.MonkeyPatch.context() as patch:
        quick_int8(patch)
        return Files(stock, float32(source), int8(source))


def _opened(content, tmp_path):
    return TFLiteModel(tmp_path / "network.tflite", content=content)


def _run(content, tmp_path, picture):
    model = _opened(content, tmp_path)
    model.set_inputs([np.ascontiguousarray(picture).tobytes()])
    model.invoke()
    ((tensor, raw),) = model.raw_outputs()
    return np.frombuffer(raw, tensor["dtype"]).reshape(tensor["shape"])[..., -1]


# --- Shapes ------------------------------------------------------------------


def test_output_has_the_size_of_the_input(member):
    """The matte and every logit that a stage reads are as high and wide as the picture."""
    built = member.training
    assert built.input_shape == (None, *SIZE, 3)
    for name in {"logits", *(stage.logits for stage in member.facts.stages)}:
        assert built.output[name].shape[:3] == (None, *SIZE)
    assert member.inference.output_shape == built.output["logits"].shape
    assert member.inference.output_shape[-1] in (1, 2)


def test_output_is_alpha(member):
    """Values are of 0 … 1, differ from pixel to pixel, and two classes sum to one."""
    output = keras.ops.convert_to_numpy(member.inference(_pictures(2)))
    assert output.min() >= 0 and output.max() <= 1 and output[..., -1].std() > 1e-4
    if output.shape[-1] == 2:
        np.testing.assert_allclose(output.sum(axis=-1), 1, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_sizes_that_do_not_fit_are_refused(family):
    """Both sides must be multiples of the stride; one line says so, with what was received."""
    facts = models.family(family)
    for size in (facts.stride + 1, 0, -facts.stride, (facts.stride, facts.stride + 1)):
        with pytest.raises(models.ModelError, match=f"multiple of {facts.stride}. Received: "):
            models.check(family, _width(facts), size)


# --- Storage -----------------------------------------------------------------


def test_network_survives_its_file(member, loaded):
    """A stored network has the same configuration when it is loaded, and computes the same."""
    assert loaded.model.to_json() == member.inference.to_json()
    other = dataclasses.replace(member, inference=loaded.model)
    np.testing.assert_allclose(other.alpha(_pictures(1)), member.alpha(_pictures(1)), atol=1e-6)


# --- Training ----------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_lowers_the_loss_and_moves_the_stages_layers_alone(family):
    """In every stage the second loss of a batch is less, at equal dropout; frozen is frozen."""
    facts = models.family(family)
    size = (32, 48)
    recipe = Recipe(learning_rate=1e-5, loss_cross_entropy=1.0)
    trainer = Trainer(_build(facts, size, batch_norm_momentum=0.9), recipe)
    images = np.rint(255 * _pictures(4, size))
    masks = np.where(images.mean(axis=-1, keepdims=True) > 127, 255, 0)
    batch = {"picture": np.concatenate([images, masks], axis=-1).astype(np.uint8)}
    for stage in facts.stages:
        trainer.begin(stage, 10)
        trainer.run_eagerly = True  # Two steps take less time than to build one.
        before = [weights.numpy() for weights in trainer.network.weights]
        losses = []
        for _ in range(2):
            trainer.settle_dropout(0)
            losses.append(trainer.step(batch))
        assert losses[1]["loss"] < losses[0]["loss"]
        moved = {
            layer.name
            for layer in trainer.network.layers
            for weights in layer.weights
            for place, other in enumerate(trainer.network.weights)
            if other is weights and not np.array_equal(before[place], weights.numpy())
        }
        assert moved and all(name.startswith(stage.trains) for name in moved)


# --- Conversion --------------------------------------------------------------


def test_both_graphs_compute_the_network(member, files, tmp_path):
    """In float32, the plain graph and the deployment graph give the network's alpha."""
    for picture in _pictures(2):
        expected = member.alpha(picture[None])
        for content in (files.stock, files.float32):
            np.testing.assert_allclose(_run(content, tmp_path, picture), expected, atol=1e-5)


def test_the_float32_file_is_one_partition(files, tmp_path):
    """XNNPACK takes every operator, and nothing is left that makes the graph slow."""
    graph = Graph.from_bytes(files.float32)
    (partition,) = _opened(files.float32, tmp_path).partitions
    assert len(partition) == len(graph.ops)
    assert lint(graph, (partition,)) == []


def test_every_operator_of_the_int8_file_is_quantized(files):
    """No tensor holds real numbers, at the ends either."""
    for op in Graph.from_bytes(files.int8).ops:
        for tensor in (*op.inputs, *op.outputs):
            assert tensor is None or tensor.dtype in ("INT8", "UINT8", "INT32"), op.name


def test_the_int8_file_is_one_partition_between_its_ends(files, tmp_path):
    """XNNPACK takes all but the two changes between uint8 and int8, which it has no kernel for."""
    graph = Graph.from_bytes(files.int8)
    (partition,) = _opened(files.int8, tmp_path).partitions
    left_out = [op.kind for place, op in enumerate(graph.ops) if place not in partition]
    assert left_out == ["QUANTIZE", "QUANTIZE"]
    assert lint(graph, (partition,)) == []


def test_dilation_leaves_no_change_of_layout_behind(files):
    """Dilated convolutions stay convolutions, in every graph."""
    for content in dataclasses.astuple(files):
        kinds = {op.kind for op in Graph.from_bytes(content).ops}
        assert not kinds & {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "TRANSPOSE"}

"""The training losses, each against plain numpy."""

import keras
import numpy as np
import pytest
from keras import ops

import models
from mmnet_deploy.runs.recipe import Recipe
from mmnet_deploy.training import losses, trainer

BATCH, SIZE = 2, 8
TERMS = ["alpha", "compositional", "gradient", "cross_entropy", "auxiliary"]


@pytest.fixture(scope="module")
def sample():
    """A batch of noise: picture, alpha, truth, logits and coarse logits."""
    rng = np.random.default_rng(5)

    def noise(*shape):
        return rng.random((BATCH, *shape), dtype=np.float32)

    return {
        "image": noise(SIZE, SIZE, 3),
        "alpha": noise(SIZE, SIZE, 1),
        "truth": noise(SIZE, SIZE, 1),
        "logits": 6 * noise(SIZE, SIZE, 2) - 3,
        "auxiliary": 6 * noise(SIZE // 4, SIZE // 4, 2) - 3,
    }


def _softmax(logits):
    powers = np.exp(logits.astype(float))
    return powers / powers.sum(axis=-1, keepdims=True)


def _cross_entropy(logits, truth):
    probability = _softmax(logits)
    truth = truth[..., 0].astype(float)
    return -np.mean((1 - truth) * np.log(probability[..., 0]) + truth * np.log(probability[..., 1]))


def _sobel(picture):
    """Sobel/8 differences of (h, w), written out pixel by pixel of the neighbourhood."""
    p = picture.astype(float)
    right = p[:-2, 2:] + 2 * p[1:-1, 2:] + p[2:, 2:]
    left = p[:-2, :-2] + 2 * p[1:-1, :-2] + p[2:, :-2]
    bottom = p[2:, :-2] + 2 * p[2:, 1:-1] + p[2:, 2:]
    top = p[:-2, :-2] + 2 * p[:-2, 1:-1] + p[:-2, 2:]
    return np.stack([right - left, bottom - top]) / 8


def _number(tensor):
    return float(ops.convert_to_numpy(tensor))


def test_alpha_term(sample):
    """The alpha term is the mean absolute difference."""
    expected = np.abs(sample["alpha"] - sample["truth"]).mean()
    assert _number(losses.alpha_loss(sample["alpha"], sample["truth"])) == pytest.approx(expected)


def test_compositional_term(sample):
    """The compositional term compares the pictures under the two mattes."""
    image, alpha, truth = sample["image"], sample["alpha"], sample["truth"]
    expected = np.abs(image * alpha - image * truth).mean()
    assert _number(losses.compositional_loss(image, alpha, truth)) == pytest.approx(
        expected, rel=1e-5
    )


def test_compositional_term_has_its_full_weight(sample):
    """Under a white picture in 0 … 1 the term is the alpha term, not a 255th of it."""
    white = np.ones_like(sample["image"])
    alpha, truth = sample["alpha"], sample["truth"]
    assert _number(losses.compositional_loss(white, alpha, truth)) == pytest.approx(
        _number(losses.alpha_loss(alpha, truth))
    )


def test_gradient_term(sample):
    """The gradient term is the mean absolute difference of Sobel/8 gradients, both axes."""
    alpha, truth = sample["alpha"], sample["truth"]
    expected = np.mean(
        [np.abs(_sobel(a) - _sobel(t)) for a, t in zip(alpha[..., 0], truth[..., 0], strict=True)]
    )
    assert _number(losses.gradient_loss(alpha, truth)) == pytest.approx(expected, rel=1e-5)


def test_gradient_term_ignores_a_constant_offset(sample):
    """Mattes that differ by a constant have the same gradients, up to the very border."""
    truth = sample["truth"] / 2
    assert _number(losses.gradient_loss(truth + 0.25, truth)) == pytest.approx(0, abs=1e-6)


def test_cross_entropy_term(sample):
    """The cross-entropy is soft: background has weight 1 - truth, foreground truth."""
    logits, truth = sample["logits"], sample["truth"]
    assert _number(losses.cross_entropy_loss(logits, truth)) == pytest.approx(
        _cross_entropy(logits, truth), rel=1e-5
    )


def test_second_channel_is_the_foreground():
    """Logits that favour channel 1 are right about foreground and wrong about background."""
    logits = np.tile(np.array([-4, 4], np.float32), (1, 4, 4, 1))
    right = _number(losses.cross_entropy_loss(logits, np.ones((1, 4, 4, 1), np.float32)))
    wrong = _number(losses.cross_entropy_loss(logits, np.zeros((1, 4, 4, 1), np.float32)))
    assert right < 0.01 < 7 < wrong


def test_auxiliary_term_takes_the_nearest_pixel(sample):
    """The mask is thinned out, not averaged: each coarse pixel has one pixel's value."""
    logits, truth = sample["auxiliary"], sample["truth"]
    expected = _cross_entropy(logits, truth[:, 2::4, 2::4])
    averaged = _cross_entropy(logits, truth.reshape(BATCH, 2, 4, 2, 4, 1).mean(axis=(2, 4)))
    assert abs(expected - averaged) > 0.01
    assert _number(losses.auxiliary_loss(logits, truth)) == pytest.approx(expected, rel=1e-5)


def test_terms_of_a_network_with_an_auxiliary_head(sample):
    """Every term is computed from the softmax of the logits and comes under its name."""
    image, truth, logits = sample["image"], sample["truth"], sample["logits"]
    terms = losses.loss_terms(
        image, truth, {"logits": logits, "auxiliary_logits": sample["auxiliary"]}
    )
    alpha = _softmax(logits)[..., 1:].astype(np.float32)
    assert {name: _number(term) for name, term in terms.items()} == pytest.approx(
        {
            "alpha": _number(losses.alpha_loss(alpha, truth)),
            "compositional": _number(losses.compositional_loss(image, alpha, truth)),
            "gradient": _number(losses.gradient_loss(alpha, truth)),
            "cross_entropy": _cross_entropy(logits, truth),
            "auxiliary": _cross_entropy(sample["auxiliary"], truth[:, 2::4, 2::4]),
        },
        rel=1e-4,
    )


def test_networks_without_an_auxiliary_head_lack_its_term(sample):
    """The auxiliary term is there only if the network has the head."""
    terms = losses.loss_terms(sample["image"], sample["truth"], {"logits": sample["logits"]})
    assert list(terms) == TERMS[:-1]


def test_total_is_the_weighted_mean_of_the_terms():
    """Weights are divided by the sum of those whose terms there are."""
    terms = {"a": 1.0, "b": 2.0, "c": 6.0}
    assert losses.total_loss(terms, {"a": 1, "b": 1, "c": 1, "d": 1}) == 3.0
    assert losses.total_loss(terms, {"a": 3, "b": 1, "c": 0}) == 1.25
    assert losses.total_loss({"a": 5.0}, {"a": 0.5}) == 5.0


def test_weights_of_terms_change_from_step_to_step(config, monkeypatch):
    """Each step minimises the terms with its own weights, and is compiled once for all of them."""
    traced = []
    total = losses.total_loss
    monkeypatch.setattr(losses, "total_loss", lambda *said: (traced.append(1), total(*said))[1])
    settings = config(
        weight_decay=0.0, loss_cross_entropy=(1.0, 0.0, 0.0), loss_gradient=(2.0, 6.0)
    )
    trained = trainer.build(settings)
    trained.begin(models.Stage(), 4, done=1)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 4), np.uint8)
    compiled = []
    for cross_entropy, gradient in ((0.5, 3.0), (0.0, 4.0), (0.0, 5.0)):
        terms = trained.step({"picture": pictures})
        weights = {"cross_entropy": cross_entropy, "gradient": gradient}
        weights = {name: weights.get(name, 1.0) for name in TERMS}
        expected = sum(weights[name] * terms[name] for name in TERMS) / sum(weights.values())
        assert terms["loss"] == pytest.approx(expected, rel=1e-5)
        compiled.append(len(traced))
    assert len(set(compiled)) == 1


def test_a_stage_of_one_term_has_it_throughout():
    """The segmentation of LDN+FB is learnt from cross-entropy, wherever that leaves others."""
    recipe = Recipe(loss_cross_entropy=(1.0, 0.0))
    alone = losses.Weights(recipe, ("cross_entropy",), steps=4, done=4)
    assert not alone.change and alone.now()["cross_entropy"] == 1.0
    assert not losses.Weights(recipe, ("alpha", "compositional"), steps=4).change
    assert losses.Weights(recipe, (), steps=4, done=3).now()["cross_entropy"] == 0.25


@pytest.mark.parametrize("label", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_extreme_logits_give_finite_losses(size, label):
    """However sure and however wrong a network is, no term is infinite or NaN."""
    sides = np.array([size, -size], np.float32)
    logits = np.stack([sides, sides[::-1]])[:, None, None, :] * np.ones((1, SIZE, SIZE, 1))
    logits = logits.astype(np.float32)
    terms = losses.loss_terms(
        np.ones((BATCH, SIZE, SIZE, 3), np.float32),
        np.full((BATCH, SIZE, SIZE, 1), label, np.float32),
        {"logits": logits, "auxiliary_logits": logits[:, ::4, ::4]},
    )
    assert list(terms) == TERMS
    assert all(np.isfinite(_number(term)) for term in terms.values())


@pytest.mark.parametrize("name", TERMS)
def test_every_term_can_be_descended(sample, name):
    """Plain gradient steps on the logits reduce each term."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes its gradients from TensorFlow")
    import tensorflow as tf

    variables = [tf.Variable(sample["logits"]), tf.Variable(sample["auxiliary"])]

    def term():
        outputs = {"logits": variables[0], "auxiliary_logits": variables[1]}
        return losses.loss_terms(sample["image"], sample["truth"], outputs)[name]

    with tf.GradientTape() as tape:
        before = term()
    moved = False
    for variable, slope in zip(variables, tape.gradient(before, variables), strict=True):
        if slope is not None:
            assert np.isfinite(slope.numpy()).all() and slope.numpy().any()
            variable.assign_sub(slope)
            moved = True
    assert moved and float(term()) < float(before)


def test_a_difference_of_logits_is_as_good_as_the_two(sample):
    """One channel d means (0, d): every term is that of logits with this difference."""
    background, foreground = sample["logits"][..., :1], sample["logits"][..., 1:]
    outputs = {"logits": sample["logits"], "other": foreground - background}
    image, truth = sample["image"], sample["truth"]
    both = losses.loss_terms(image, truth, outputs)
    one = losses.loss_terms(image, truth, outputs, "other")
    assert both.keys() == one.keys()
    for name, term in both.items():
        assert float(one[name]) == pytest.approx(float(term), rel=1e-5)


# --- Weights of pictures, and two truths --------------------------------------


@pytest.mark.parametrize("weight", [(1.0, 1.0), (1.0, 0.25), (0.0, 3.0)])
def test_a_weight_of_each_picture(sample, weight):
    """Each term is the weighted mean of what it is on each picture alone."""
    outputs = {"logits": sample["logits"], "auxiliary_logits": sample["auxiliary"]}
    image, truth = sample["image"], sample["truth"]
    found = losses.loss_terms(image, truth, outputs, weight=np.array(weight, np.float32))
    alone = [
        losses.loss_terms(
            image[[row]], truth[[row]], {name: value[[row]] for name, value in outputs.items()}
        )
        for row in range(BATCH)
    ]
    assert list(found) == TERMS
    for name in TERMS:
        parts = [_number(terms[name]) for terms in alone]
        expected = np.dot(weight, parts) / sum(weight)
        assert _number(found[name]) == pytest.approx(expected, rel=1e-5)


def test_two_truths_share_a_term():
    """The share is that of the second."""
    terms = losses.mixed({"a": 1.0, "b": 4.0}, {"a": 2.0, "b": 8.0}, 0.25)
    assert terms == {"a": 1.25, "b": 5.0}

"""The registry of families, and the names of their operating points."""

import subprocess
import sys

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from models import mmnet, registry

FAMILIES = ("ldn-fb", "lean-unet", "md16", "md8", "mmnet")
WIDTHS = (0.5, 0.75, 1.0, 1.4)


@pytest.fixture
def dot(monkeypatch):
    """A family as docs/guide/extend.md adds one: a builder with the decorator, and nothing more."""
    monkeypatch.setattr(registry, "_FAMILIES", dict(registry._FAMILIES))

    @models.register("dot", title="Dot", width_multipliers=(1.0, 2.0), stride=4)
    def dot(input_size, *, width_multiplier, bias=True):
        image = keras.Input((*input_size, 3))
        logits = keras.layers.Conv2D(2, 1, use_bias=bias)(image)
        return keras.Model(image, {"logits": logits}, name="dot_training")

    return dot


# --- Families ----------------------------------------------------------------


@pytest.mark.parametrize("width", [0.6, 0, -1.0, 2])
def test_unknown_width_is_refused(width):
    """The message lists the widths and has the one received."""
    with pytest.raises(models.ModelError) as error:
        models.build("mmnet", width_multiplier=width, input_size=256)
    assert str(error.value) == (
        f"`width_multiplier` must be one of 0.5, 0.75, 1.0, 1.4. Received: {width}."
    )


def test_width_must_be_given_where_there_are_several_and_only_there():
    """A family of one width has no multiplier; the others have one in every network."""
    with pytest.raises(models.ModelError, match=r"0\.75, 1\.0, 1\.4\. Received: none\."):
        models.build("mmnet", input_size=256)
    with pytest.raises(models.ModelError, match=r"must be left out: LDN\+FB .* Received: 1\.0\."):
        models.build("ldn-fb", width_multiplier=1.0, input_size=128)


@pytest.mark.parametrize("size", [100, 0, -16, 8, 257])
def test_unfit_size_is_refused(size):
    """The message has the rule and the size received."""
    with pytest.raises(models.ModelError) as error:
        models.build("mmnet", width_multiplier=1.0, input_size=size)
    assert str(error.value) == f"`input_size` must be a positive multiple of 16. Received: {size}."


def test_height_and_width_are_both_checked():
    """One side that does not fit is enough."""
    with pytest.raises(models.ModelError, match=r"multiple of 16\. Received: 256x100\."):
        models.check("mmnet", 1.0, (256, 100))


@pytest.mark.parametrize("name", ["resnet", "", "os", "MMNet", "models.mmnet"])
def test_unknown_family_is_refused(name):
    """The message lists the families and has the name received."""
    with pytest.raises(models.ModelError, match=r"must be one of .*mmnet.*\. Received: ") as error:
        models.build(name, width_multiplier=1.0, input_size=256)
    assert str(error.value).endswith(f"Received: {name}.")


def test_refusals_are_value_errors():
    """Whoever uses the networks as a library may catch the built-in class."""
    assert issubclass(models.ModelError, ValueError)


def test_family_has_its_facts():
    """What is known of MMNet without building it."""
    facts = models.family("mmnet")
    assert (facts.name, facts.title, facts.stride) == ("mmnet", "MMNet", 16)
    assert facts.width_multipliers == WIDTHS
    assert facts.builder is mmnet.mmnet


@pytest.mark.parametrize("family", FAMILIES)
def test_the_shares_of_the_stages_are_a_whole(family):
    """Each stage has a share of the training, and names layers and an output that exist."""
    facts = models.family(family)
    network = models.build(
        family, width_multiplier=min(facts.width_multipliers, default=None), input_size=32
    )
    assert sum(stage.share for stage in facts.stages) == pytest.approx(1)
    for stage in facts.stages:
        assert stage.logits in network.output
        assert any(
            layer.name.startswith(stage.trains) and layer.weights for layer in network.layers
        )
    assert facts.stages[-1].trains == "" and facts.stages[-1].logits == "logits"


def test_registered_family_can_be_built(dot):
    """A builder with the decorator is a family: listed, named, checked, built with options."""
    assert "dot" in models.family_names()
    assert models.member("dot-2.0-12") == models.Member("dot", 2.0, 12)
    network = models.build("dot", width_multiplier=2.0, input_size=12, bias=False)
    assert network.count_params() == 6
    deployed = models.inference_network(network)
    assert (deployed.name, deployed.output_shape) == ("dot", (None, 12, 12, 2))
    assert models.multiply_adds(deployed) == 12 * 12 * 6
    with pytest.raises(models.ModelError, match=r"one of 1\.0, 2\.0"):
        models.build("dot", width_multiplier=0.5, input_size=12)
    with pytest.raises(models.ModelError, match="multiple of 4"):
        models.build("dot", width_multiplier=1.0, input_size=14)


def test_a_file_in_the_package_is_a_family(monkeypatch, tmp_path):
    """One file with one decorator: the family is found, and nothing else names it."""
    (tmp_path / "speck.py").write_text(
        "import keras\n"
        "from models import register\n\n\n"
        "@register('speck', title='Speck', stride=2)\n"
        "def speck(input_size):\n"
        "    image = keras.Input((*input_size, 3))\n"
        "    logits = keras.layers.Conv2D(1, 3, padding='same')(image)\n"
        "    return keras.Model(image, {'logits': logits}, name='speck_training')\n"
    )
    monkeypatch.setattr(registry, "_FAMILIES", dict(registry._FAMILIES))
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])
    try:
        assert models.member("speck-64") == models.Member("speck", None, 64)
        assert models.family("speck").title == "Speck" and "speck" in models.family_names()
        deployed = models.inference_network(models.build("speck", input_size=(4, 6)))
        assert deployed.output_shape == (None, 4, 6, 1)
    finally:
        sys.modules.pop("models.speck", None)


def test_decorated_builder_stays_itself(dot):
    """The decorator gives back the function that it was given."""
    assert models.family("dot").builder is dot


def test_import_of_the_package_does_not_import_keras():
    """Names and costs are known at once; Keras comes with the first family asked for."""
    program = (
        "import sys, models; names = models.family_names(); points = models.operating_points(); "
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'numpy', 'cv2'} & set(sys.modules); "
        f"sys.exit(str((heavy, names)) if heavy or names != {FAMILIES} or not points else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# --- Names -------------------------------------------------------------------


def test_every_operating_point_has_the_name_of_its_member():
    """A listed name says family, width multiplier and input size, which the family has."""
    for point in models.operating_points():
        said = models.member(point.name)
        assert said == models.Member(point.family, point.width_multiplier, point.input_size)
        models.check(point.family, point.width_multiplier, point.input_size)
        assert point.name == models.member_name(
            point.family, point.width_multiplier, point.input_size
        )


def test_points_of_the_paper_are_listed():
    """All thirteen points of the published figure that are networks, and only they."""
    assert {point.name for point in models.operating_points() if point.published} == {
        "mmnet-1.0-128", "mmnet-1.4-128", "mmnet-0.5-256", "mmnet-0.75-256", "mmnet-1.0-256",
        "md16-0.75-128", "md16-1.0-128", "md16-0.5-256", "md16-0.75-256",
        "md8-0.35-128", "md8-0.5-128", "md8-0.75-128", "ldn-fb-128",
    }  # fmt: skip


def test_a_name_need_not_be_listed():
    """Any width and size may be named; whether the family has them is for `check` to say."""
    assert models.member("mmnet-1.0-96") == models.Member("mmnet", 1.0, 96)
    assert models.member("ldn-fb-64") == models.Member("ldn-fb", None, 64)
    assert models.member("mmnet-9.9-100") == models.Member("mmnet", 9.9, 100)
    assert models.member("md8") == models.Member("md8")


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("mnet-1.0-256", "nearest: mmnet-1.0-256"),
        ("mmnet-256", "mmnet-1.0-256"),
        ("ldn-fb-1.0-128", "nearest: ldn-fb-128"),
        ("md16-0.5-", "nearest: md16-0.5-"),
        ("mmnett", "nearest: mmnet"),
    ],
)
def test_a_mistyped_name_is_told_the_nearest(name, near):
    """One line has the families, the nearest names and what was received."""
    with pytest.raises(models.ModelError) as error:
        models.member(name)
    message = str(error.value)
    assert near in message and "ldn-fb, lean-unet, md16, md8, mmnet" in message
    assert message.endswith(f"Received: {name}.") and "\n" not in message


@given(st.text(max_size=20))
def test_any_text_is_a_member_or_one_refusal(name):
    """Whatever stands there, it is a known family or a `ModelError`."""
    try:
        assert models.member(name).family in models.family_names()
    except models.ModelError as error:
        assert name in str(error)

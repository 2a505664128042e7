"""Masks of class numbers: told from alpha, refused with the way out, and read by it."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmnet_deploy.errors import DataError, UsageError
from mmnet_deploy.portraits import dataset, pictures
from mmnet_deploy.portraits.masks import class_numbers, parse_mask_values
from tests.support.datasets import SMOOTH, write

ROWS, COLUMNS = np.mgrid[:120, :96]
RADIUS = np.hypot(ROWS - 60, COLUMNS - 48)
INSIDE = RADIUS < 32


def _levels(values):
    return np.ascontiguousarray(np.asarray(values).astype(np.uint8))


def _soft(alpha):
    return cv2.GaussianBlur(_levels(alpha), (0, 0), 1.5)


CLASSES = {
    "0/1": INSIDE * 1,
    "0/2": INSIDE * 2,
    "0/15": INSIDE * 15,
    "0/128": INSIDE * 128,
    "1/2": INSIDE + 1,
    "all 1": np.ones_like(RADIUS),
    "one pixel of 1": RADIUS == 0,
    "0/1/2 nested": INSIDE * 1 + (RADIUS < 16),
    "0/2, enlarged": cv2.resize(_levels(INSIDE * 2), (200, 200)),
    "parts of a face": np.select(
        [RADIUS < 6, RADIUS < 14, RADIUS < 24, INSIDE, ROWS > 100], [2, 10, 1, 17, 18], 0
    ),
    "a whole scene": COLUMNS // 12 * 20 + ROWS // 30,
    "0/15 with an outline of 255": np.where(abs(RADIUS - 32) < 2, 255, INSIDE * 15),
    "0/1 with a thin outline of 255": np.where(abs(RADIUS - 32) < 0.6, 255, INSIDE * 1),
}

ALPHA = {
    "hard": INSIDE * 255,
    "soft": np.clip((32 - RADIUS) * 20 + 127, 0, 255),
    "nothing": RADIUS * 0,
    "everything": RADIUS * 0 + 255,
    "three levels": np.select([RADIUS < 24, RADIUS < 32], [255, 128], 0),
    "steps of 32": np.clip((48 - RADIUS) * 5, 0, 255) // 32 * 32,
    "video range": np.where(INSIDE, 235, 16),
    "background of 1": np.where(INSIDE, 255, 1),
    "noise of 0 and 1": np.where(INSIDE, 255, np.random.default_rng(0).integers(0, 2, (120, 96))),
    "faint, soft edges": _soft(INSIDE * 30),
    "fainter, soft edges": _soft(INSIDE * 12),
    "faint ramp": np.clip((48 - RADIUS) / 5, 0, 9),
    "faint steep ramp": np.clip((32 - RADIUS) * 6, 0, 24),
    "half transparent, soft edges": _soft(INSIDE * 120),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_class_numbers_are_told(kind):
    """Few low levels that meet without soft edges, with 255 for no class or without."""
    mask = _levels(CLASSES[kind])
    assert class_numbers(mask).tolist() == np.unique(mask).tolist()


@pytest.mark.parametrize("kind", ALPHA)
def test_alpha_is_never_taken_for_class_numbers(kind):
    """Neither faint mattes nor those of few levels."""
    assert class_numbers(_levels(ALPHA[kind])) is None


@given(st.integers(10, 254), st.floats(1.0, 6.0), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_soft_masks_of_any_strength_are_alpha(peak, width, seed):
    """A soft shape, however faint, at whatever softness."""
    rng = np.random.default_rng(seed)
    shape = np.zeros((90, 80), np.float32)
    for _ in range(3):
        centre = [int(value) for value in rng.integers(20, 60, 2)]
        cv2.circle(shape, centre, int(rng.integers(8, 24)), float(peak), -1)
    mask = np.round(cv2.GaussianBlur(shape, (0, 0), width)).astype(np.uint8)
    assert class_numbers(mask) is None


@given(
    st.lists(st.integers(0, 120), min_size=2, max_size=12, unique=True), st.integers(0, 2**32 - 1)
)
@settings(max_examples=30, deadline=None)
def test_maps_of_any_classes_are_told(numbers, seed):
    """Areas side by side, whatever their numbers."""
    rng = np.random.default_rng(seed)
    places = rng.choice(numbers, (6, 5))
    places[0, :2] = numbers[:2]
    mask = _levels(np.kron(places, np.ones((15, 16))))
    # A chain of neighbouring numbers may be a ramp; all else is none.
    steps = [abs(np.diff(places.astype(int), axis=axis)).ravel() for axis in (0, 1)]
    met = np.concatenate(steps)
    if (met[met > 0] == 1).mean() < 0.9 or len(np.unique(mask[mask > 0])) <= 4:
        assert class_numbers(mask) is not None


# --- Reading -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["0/1", "0/2", "parts of a face", "0/15 with an outline of 255"])
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".bmp"])
def test_reading_class_numbers_is_refused_with_the_way_out(tmp_path, kind, suffix):
    """Wherever the mask is read, alone or as a pair, one message names levels and option."""
    mask = write(tmp_path / "train" / "mask" / f"a{suffix}", _levels(CLASSES[kind]))
    image = write(tmp_path / "train" / "image" / "a.png", np.zeros((120, 96, 3), np.uint8))
    first = r"holds 0(, | and )\d+.* only, which are class numbers.*--mask-values 0"
    with pytest.raises(DataError, match=first):
        pictures.read_mask(mask)
    with pytest.raises(DataError, match=first):
        dataset.read_pair(dataset.Pair("a", image, mask))
    (summary,) = dataset.examine(tmp_path)
    assert [problem.path for problem in summary.problems] == [mask]


@pytest.mark.parametrize(
    ("numbers", "example"),
    [((1, 2), "1,2"), ((1, 2, 3), "1,2+3"), ((1,), "0,1"), ((0, 2), "0,2"), ((0, 1, 2), "0,1+2")],
)
def test_the_example_keeps_a_background(tmp_path, numbers, example):
    """What the refusal proposes never makes the foreground of a whole mask of several classes."""
    levels = np.repeat(np.uint8(numbers), 30)[:, np.newaxis].repeat(40, axis=1)
    mask = write(tmp_path / "a.png", levels)
    with pytest.raises(DataError) as refused:
        pictures.read_mask(mask)
    assert str(refused.value).endswith(f" --mask-values {example}.")
    found = pictures.read_mask(mask, parse_mask_values(example))
    assert len(np.unique(found)) == min(len(numbers), 2)


@pytest.mark.parametrize(
    ("levels", "rule"), [([0, 1], "holds 0 to 1 in 16 bits"), ([0, 255], "holds 0 to 255 in")]
)
def test_numbers_of_8_bits_in_16_are_refused(tmp_path, levels, rule):
    """They would be alpha of at most 1/257, which is an empty mask."""
    path = write(tmp_path / "a.png", np.array([levels] * 2, np.uint16))
    with pytest.raises(DataError, match=rf"{rule}.*--mask-values 0,{levels[1]}"):
        pictures.read_mask(path)
    read = pictures.read_mask(path, parse_mask_values(f"0,{levels[1]}"))
    assert read.tolist() == [[0, 255]] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0,2", None),
        ("0,1+2", [0, 255, 255, 255]),
        ("0+1,2+200", [0, 0, 255, 255]),
        ("rest,2", [0, 0, 255, 0]),
        ("0,rest", [0, 255, 255, 255]),
        (" 0 , 1+2+200 ", [0, 255, 255, 255]),
    ],
)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_values_say_what_numbers_mean(tmp_path, text, expected, depth):
    """Those of the foreground become 255, those of the background 0, and others are named."""
    path = write(tmp_path / "a.png", np.array([[0, 1, 2, 200]], depth))
    values = parse_mask_values(text)
    if expected is None or text == "0,1+2":
        with pytest.raises(DataError, match=r"holds (1 and )?200 too, which --mask-values 0,"):
            pictures.read_mask(path, values)
    else:
        assert pictures.read_mask(path, values).tolist() == [expected]


@pytest.mark.parametrize(
    "text",
    [
        *("1", "0,", ",1", "0,1,2", "a,b", "0,0", "1+2,2", "rest,rest", "-1,1", "0,1+", "0.5,1"),
        *("0,1+rest", "٣,1", "0,1234567"),
    ],
)
def test_values_that_say_nothing_are_refused(text):
    """The rule and what was received."""
    with pytest.raises(UsageError, match="`--mask-values` must be BACKGROUND,FOREGROUND"):
        parse_mask_values(text)


@given(st.sets(st.integers(0, 65535), min_size=2), st.data())
def test_values_are_written_as_they_are_read(numbers, data):
    """A run keeps them as text."""
    cut = data.draw(st.integers(1, len(numbers) - 1))
    ordered = sorted(numbers)
    sides = ["+".join(map(str, side)) for side in (ordered[:cut], ordered[cut:])]
    sides[data.draw(st.integers(0, 1))] = data.draw(st.sampled_from([sides[0], "rest"]))
    if sides[0] != sides[1]:
        values = parse_mask_values(",".join(sides))
        assert parse_mask_values(str(values)) == values


def test_a_palette_of_colours_holds_class_numbers(tmp_path):
    """As segmentation sets store them: refused by name, read by the numbers."""
    picture = Image.fromarray(_levels(np.where(INSIDE, 15, COLUMNS > 90)))
    picture.putpalette([value for index in range(256) for value in (index * 7 % 256, index, 90)])
    picture.save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a palette of colours for the class numbers 0, 1 and 15"):
        pictures.read_mask(tmp_path / "a.png")
    read = pictures.read_mask(tmp_path / "a.png", parse_mask_values("rest,15"))
    assert np.array_equal(read, INSIDE * 255)


def test_training_and_evaluation_read_by_the_same_values(tmp_path):
    """A pair carries what its mask's numbers mean, whoever reads it."""
    from mmnet_deploy.training.pictures import decoded

    write(tmp_path / "test" / "image" / "a.png", SMOOTH)
    write(tmp_path / "test" / "mask" / "a.png", _levels(SMOOTH[..., 0] > 99) * 2)
    (plain,) = dataset.find_pairs(tmp_path, "test")
    (pair,) = dataset.find_pairs(tmp_path, "test", parse_mask_values("0,2"))
    expected = np.where(SMOOTH[..., 0] > 99, 255, 0)
    assert np.array_equal(dataset.read_pair(pair)[1], expected)
    store = decoded.PictureStore(tmp_path / "cache", memory_limit_bytes=100)
    found = decoded.decode([pair], 24, store)
    assert np.array_equal(found.masks[0], pictures.resized(expected.astype(np.uint8), 24, 24))
    # What is kept for one meaning is not taken for another.
    with pytest.raises(DataError, match="class numbers"):
        decoded.decode([plain], 24, store)
    (summary,) = dataset.examine(tmp_path, mask_values=parse_mask_values("0,2"))
    assert summary.foreground_share[0] == pytest.approx(float(expected.mean()) / 255)
    assert not summary.problems

"""Made-up portraits: repeatable, exact, of any size, and safely written."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet_deploy.errors import DataError, OutputError, UsageError
from mmnet_deploy.portraits.dataset import examine, find_pairs
from mmnet_deploy.portraits.representative import portraits_in
from mmnet_deploy.portraits.synthetic import person, portrait, write_dataset
from mmnet_deploy.portraits.synthetic.scene import compose


def test_same_numbers_give_the_same_bytes():
    """A portrait depends on seed, index and size alone."""
    first, second = portrait(3, 5, 64), portrait(3, 5, 64)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first, second, strict=True))


def test_order_of_drawing_does_not_matter():
    """Drawing other portraits first changes nothing."""
    alone = portrait(0, 2, 48)[0]
    for index in range(2):
        portrait(0, index, 48)
    assert np.array_equal(portrait(0, 2, 48)[0], alone)


def test_global_random_state_is_left_alone():
    """Drawing neither reads nor moves numpy's global generator."""
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    portrait(0, 0, 32)
    assert np.array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("other", [(3, 6), (4, 5)])
def test_other_numbers_give_another_portrait(other):
    """Each seed and each index has its own scene."""
    image, alpha = portrait(3, 5, 64)
    other_image, other_alpha = portrait(*other, 64)
    assert not np.array_equal(image, other_image)
    assert not np.array_equal(alpha, other_alpha)


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(size=st.integers(32, 200), seed=st.integers(0, 2**40), index=st.integers(0, 10**6))
def test_every_size_gives_a_person_and_a_background(size, seed, index):
    """At any size the picture is well-formed and shows both person and background."""
    image, alpha = portrait(seed, index, size)
    assert image.shape == (size, size, 3) and image.dtype == np.uint8
    assert alpha.shape == (size, size) and alpha.dtype == np.uint8
    assert alpha.max() == 255 and alpha.min() == 0
    assert 0.08 < alpha.mean() / 255 < 0.95
    assert image.std() > 2


def test_alpha_is_soft_at_outlines_only():
    """Some pixels are partly covered, but most are wholly person or wholly background."""
    shares = [_soft_share(portrait(7, index, 128)[1]) for index in range(12)]
    assert min(shares) > 0.002
    assert 0.01 < np.mean(shares) < 0.12


def test_coverage_is_that_of_a_portrait():
    """On average the person fills about half of the picture, and the lower half more."""
    alphas = np.stack([portrait(8, index, 64)[1] for index in range(24)]) / 255
    assert 0.4 < alphas.mean() < 0.7
    assert alphas[:, 32:].mean() > alphas[:, :32].mean() + 0.1


@pytest.mark.parametrize("seed", range(4))
def test_scene_is_composed_by_its_alpha(seed):
    """The picture before the camera is alpha * foreground + (1 - alpha) * background."""
    layers = compose(np.random.default_rng(seed), 96)
    share = layers.alpha[..., None]
    expected = share * layers.foreground + (1 - share) * layers.background
    assert np.abs(layers.composed - expected).max() < 1e-6
    for colours in (layers.foreground, layers.background, layers.composed):
        assert colours.min() >= 0 and colours.max() <= 1 + 1e-6
    assert ((share > 0) & (share < 1)).any()


@pytest.mark.parametrize("index", range(3))
def test_a_person_alone_is_that_of_the_portrait(index):
    """It has the scene's colours and alpha, and no black rim where it ends."""
    colours, alpha = person(6, index, 96)
    layers = compose(np.random.default_rng([6, index]), 96)
    assert np.array_equal(alpha, np.round(layers.alpha * 255))
    assert np.array_equal(colours, np.round(layers.foreground * 255))
    # Beyond the outline, colours go on as they are at it.
    rim = cv2.dilate((alpha > 100).astype(np.uint8), np.ones((5, 5))) == 1
    outside = colours[rim & (alpha < 20)].mean(axis=1)
    inside = colours[cv2.dilate((alpha < 100).astype(np.uint8), np.ones((5, 5))) == 1]
    assert abs(np.median(outside) - np.median(inside)) < 40


def test_same_person_at_every_size():
    """A smaller portrait shows the same scene, so that alpha agrees after scaling."""
    large = portrait(11, 4, 256)[1]
    small = portrait(11, 4, 128)[1]
    shrunk = cv2.resize(large, (128, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk.astype(int) - small).mean() < 6


def test_dataset_has_pairs_in_each_split(tmp_path):
    """Every image has its mask of the same name, and the counts are those returned."""
    pairs = write_dataset(tmp_path / "new", count=10, size=32, seed=1)
    assert pairs == {"train": 8, "test": 2}
    names = []
    for split, amount in pairs.items():
        images = sorted(path.name for path in (tmp_path / "new" / split / "image").iterdir())
        masks = sorted(path.name for path in (tmp_path / "new" / split / "mask").iterdir())
        assert images == masks and len(images) == amount
        names += images
    assert sorted(names) == [f"{index:05d}.png" for index in range(10)]


def test_files_hold_the_portraits(tmp_path):
    """What is read back from the PNG files is what `portrait` returns."""
    write_dataset(tmp_path, count=2, size=40, seed=9, splits={"all": 1.0})
    image, alpha = portrait(9, 1, 40)
    read = cv2.imread(str(tmp_path / "all/image/00001.png"))[..., ::-1]
    mask = cv2.imread(str(tmp_path / "all/mask/00001.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read, image) and np.array_equal(mask, alpha)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_no_split_is_left_empty(tmp_path, count):
    """Even a small data set has at least one pair in each split."""
    pairs = write_dataset(tmp_path, count=count, size=32, seed=0)
    assert sum(pairs.values()) == count and min(pairs.values()) >= 1


def test_progress_hears_of_every_pair(tmp_path):
    """The listener gets the total first and then one call for each pair."""
    heard = []

    class Listener:
        def __init__(self, title, total):
            heard.append(total)

        def __enter__(self):
            return lambda note="": heard.append(note)

        def __exit__(self, *_):
            return None

    write_dataset(tmp_path, count=3, size=32, seed=0, progress=Listener)
    assert heard == [3, "", "", ""]


def test_content_is_not_overwritten(tmp_path):
    """A split folder with anything in it is refused before a file is written."""
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="must be empty"):
        write_dataset(tmp_path, count=4, size=32, seed=0)
    assert [path.name for path in tmp_path.rglob("*")] == ["test", "mine.txt"]


def test_file_in_place_of_the_folder_is_an_error(tmp_path):
    """A file where the data set should go gives one clear line, from the system's error."""
    (tmp_path / "data").write_text("a file")
    with pytest.raises(OutputError) as caught:
        write_dataset(tmp_path / "data", count=4, size=32, seed=0)
    assert isinstance(caught.value.__cause__, OSError)
    assert "\n" not in str(caught.value)


def test_stopped_run_leaves_only_whole_files(tmp_path):
    """After an interruption every file under a final name can be read."""
    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path, count=8, size=32, seed=0, progress=_Stopping)
    files = [path for path in Path(tmp_path).rglob("*") if path.is_file()]
    drawn = [path for path in files if path.suffix == ".png"]
    assert len(drawn) == 6 and len(files) == 7
    assert all(cv2.imread(str(path)) is not None for path in drawn)


class _Stopping:
    """Progress that is interrupted after three pairs."""

    def __init__(self, title, total):
        self.left = 3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __call__(self, note=""):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


NUMBERS = {"count": 8, "size": 32, "seed": 5}


@pytest.fixture
def stopped(tmp_path):
    """A data set of eight pairs, three of which were drawn."""
    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "data", **NUMBERS, progress=_Stopping)
    return tmp_path / "data"


def test_an_unfinished_set_is_named_where_it_is_read(stopped):
    """By every way to its pictures, with the command that draws the rest."""
    words = f"not finished. Draw the rest with: mmnet-deploy dataset synth {stopped} --count 8"
    for read in (lambda root: find_pairs(root, "train"), portraits_in):
        with pytest.raises(DataError, match=re.escape(words)):
            read(stopped)
    assert any(words in str(problem) for s in examine(stopped) for problem in s.problems)


def test_the_same_command_continues(stopped, tmp_path):
    """What is there is kept, the rest is drawn, and no byte differs from an uninterrupted set."""
    kept = stopped / "train" / "image" / "00000.png"
    before = kept.stat().st_ino
    # As if the process had been killed between a picture and its mask.
    (stopped / "train" / "mask" / "00002.png").unlink()
    write_dataset(stopped, **NUMBERS)
    assert kept.stat().st_ino == before
    write_dataset(tmp_path / "whole", **NUMBERS)
    ours, theirs = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (stopped, tmp_path / "whole")
    )
    assert ours == theirs
    assert len(find_pairs(stopped, "train,test")) == 8


@pytest.mark.parametrize("change", [{"count": 9}, {"size": 40}, {"seed": 6}])
def test_another_command_does_not_continue(stopped, change):
    """Other numbers would mix two series; nothing is written."""
    before = sorted(stopped.rglob("*"))
    with pytest.raises(OutputError, match="begun with --count 8 --size 32 --seed 5"):
        write_dataset(stopped, **(NUMBERS | change))
    assert sorted(stopped.rglob("*")) == before


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"finished": 1}', b"[" * 9999])
def test_a_damaged_manifest_is_named(stopped, content):
    """It is neither taken for a finished set nor for none of ours."""
    (stopped / "synthetic.json").write_bytes(content)
    for use in (lambda: find_pairs(stopped, "train"), lambda: write_dataset(stopped, **NUMBERS)):
        with pytest.raises(DataError, match=r"synthetic\.json is damaged"):
            use()


def test_finished_sets_and_foreign_ones_are_read(stopped):
    """Without a manifest, a set is somebody else's and is taken as it is."""
    (stopped / "synthetic.json").unlink()
    assert len(find_pairs(stopped, "train")) == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 8}, "`size` must be at least 32. Received: 8."),
        ({"count": 1}, "`count` must be at least 2. Received: 1."),
        ({"seed": -1}, "`seed` must be at least 0. Received: -1."),
        ({"splits": {"train": 0.7, "test": 0.2}}, "add up to 1"),
        ({"splits": {}}, "add up to 1"),
        ({"count": 2, "splits": {"a": 0.5, "b": 0.25, "c": 0.25}}, "`count` must be at least 3."),
    ],
)
def test_wrong_numbers_are_refused(tmp_path, wrong, message):
    """A number that breaks a rule is named with the rule, and nothing is made."""
    with pytest.raises(UsageError) as caught:
        write_dataset(tmp_path / "new", **({"count": 4, "size": 32, "seed": 0} | wrong))
    assert message in str(caught.value)
    assert not (tmp_path / "new").exists()


def _soft_share(alpha):
    return float(((alpha > 12) & (alpha < 243)).mean())

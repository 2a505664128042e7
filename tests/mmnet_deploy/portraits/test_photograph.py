"""Photographs: their colours as sRGB, and their own transparency, upright."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.photograph import read_photograph
from tests.support.datasets import SMOOTH
from tests.support.picture_files import TURNS, exif, grey_profile, png


def _saved(path, picture, **options):
    picture.save(path, **options)
    return path


def _profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_colours_of_a_profile_become_srgb(tmp_path, suffix):
    """A file whose numbers mean other colours is shown with those colours."""
    # With the primaries of red and blue exchanged, red numbers mean blue.
    profile = _swapped_primaries()
    picture = Image.fromarray(np.full((16, 16, 3), (230, 20, 20), np.uint8))
    path = _saved(tmp_path / f"a.{suffix}", picture, icc_profile=profile)
    red, green, blue = read_photograph(path).image.reshape(-1, 3).mean(0)
    assert blue > 200 > 60 > max(red, green)
    assert pictures.read_image(path)[0, 0, 0] > 200


def _swapped_primaries():
    """An RGB profile of sRGB whose columns of red and blue are exchanged."""
    content = bytearray(_profile("sRGB"))
    tags = {}
    for number in range(int.from_bytes(content[128:132], "big")):
        entry = 132 + 12 * number
        tags[bytes(content[entry : entry + 4])] = entry + 4
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    content[red : red + 8], content[blue : blue + 8] = (
        content[blue : blue + 8],
        content[red : red + 8],
    )
    return bytes(content)


def _srgb(light):
    """The sRGB level in 0 … 255 of an amount of light in 0 … 1 (IEC 61966-2-1)."""
    return 255 * (1.055 * light ** (1 / 2.4) - 0.055)


def test_a_name_does_not_say_what_a_profile_is(tmp_path):
    """One that is called sRGB and is almost linear is converted by its curve."""
    profile = _profile("sRGB").replace(b"\0\2\x66\x66", b"\0\1\0\0")
    picture = Image.fromarray(np.full((16, 16, 3), 128, np.uint8))
    path = _saved(tmp_path / "a.png", picture, icc_profile=profile)
    expected = _srgb((128 / 255 + 0.055) / 1.055)
    assert np.abs(read_photograph(path).image - expected).max() < 1 < expected - 128


@pytest.mark.parametrize(("mode", "suffix"), [("L", "png"), ("L", "jpg"), ("LA", "png")])
def test_greys_of_another_gamma_become_srgb(tmp_path, mode, suffix):
    """A grey photograph has a profile of greys, which old Macs took for a gamma of 1.8."""
    picture = Image.fromarray(np.full((16, 16), 128, np.uint8)).convert(mode)
    path = _saved(tmp_path / f"a.{suffix}", picture, icc_profile=grey_profile(1.8))
    image = read_photograph(path).image
    assert image.shape == (16, 16, 3)
    assert np.abs(image - _srgb((128 / 255) ** 1.8)).max() < 1.5


@pytest.mark.parametrize(
    "profile", [None, b"no profile", _profile("sRGB"), _profile("LAB"), grey_profile(1)]
)
def test_other_files_keep_their_numbers(tmp_path, profile):
    """No profile, a damaged one, that of sRGB, and one that is not of RGB."""
    path = _saved(tmp_path / "a.png", Image.fromarray(SMOOTH), icc_profile=profile)
    found = read_photograph(path)
    assert np.array_equal(found.image, SMOOTH)
    assert found.opacity is None


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("bits", [8, 16])
def test_transparency_is_kept_and_turned(tmp_path, bits, orientation):
    """The alpha channel is upright like the colours, which stand over white."""
    opacity = np.full((24, 32), 255, np.uint8)
    opacity[:5, :9] = 0
    pixels = np.dstack([SMOOTH, opacity])
    if bits == 16:
        pixels = pixels.astype(np.uint16) * 257
    (tmp_path / "a.png").write_bytes(png(pixels, orientation))
    found = read_photograph(tmp_path / "a.png")
    turned = TURNS[orientation](opacity)
    assert np.array_equal(found.opacity, turned)
    assert (found.image[turned == 0] == 255).all()
    assert np.array_equal(found.image[turned == 255], TURNS[orientation](SMOOTH)[turned == 255])


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("LA", "png"), ("P", "png"), ("RGBA", "webp"), ("RGBA", "tiff"), ("RGBA", "avif")],
)
def test_transparency_of_other_forms(tmp_path, mode, suffix):
    """Grey, palettes, and the formats that have an alpha channel."""
    pixels = np.full((32, 32, 4), 255, np.uint8)
    pixels[:16, :, 3] = 0
    picture = Image.fromarray(pixels)
    if mode == "P":
        picture = picture.convert("P")
        picture.info["transparency"] = picture.getpixel((0, 0))
        picture.putpixel((31, 31), 1)
    path = _saved(tmp_path / f"a.{suffix}", picture.convert(mode), **_lossless(suffix))
    found = read_photograph(path)
    assert found.opacity is not None
    assert found.opacity.shape == found.image.shape[:2] == (32, 32)
    assert not found.opacity[:12].any()


def _lossless(suffix):
    return {"lossless": True} if suffix == "webp" else {}


def test_an_opaque_alpha_channel_counts_for_nothing(tmp_path):
    """As of screen shots."""
    pixels = np.dstack([SMOOTH, np.full((24, 32), 255, np.uint8)])
    (tmp_path / "a.png").write_bytes(png(pixels))
    assert read_photograph(tmp_path / "a.png").opacity is None


@pytest.mark.parametrize(
    ("pixels", "suffix"),
    [
        (np.full((3, 50), 90, np.uint8), "png"),
        (np.full((3, 50), 90 * 257, np.uint16), "png"),
        (np.full((3, 50), 90, np.uint8), "jpg"),
    ],
)
def test_grey_and_16_bits_have_three_colours(tmp_path, pixels, suffix):
    """Of whatever depth, a photograph is RGB of 8 bits."""
    buffer = io.BytesIO()
    if suffix == "png":
        buffer.write(png(pixels))
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=100)
    (tmp_path / f"a.{suffix}").write_bytes(buffer.getvalue())
    image = read_photograph(tmp_path / f"a.{suffix}").image
    assert image.shape == (3, 50, 3) and np.abs(image.astype(int) - 90).max() <= 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_is_read_where_pillow_heif_is_installed(tmp_path, orientation):
    """Upright, as phones show it."""
    plugin = pytest.importorskip("pillow_heif")
    plugin.register_heif_opener()
    large = np.kron(SMOOTH, np.ones((4, 4, 1), np.uint8))
    path = _saved(
        tmp_path / "a.heic", Image.fromarray(large), quality=95, exif=exif(orientation).tobytes()
    )
    found = read_photograph(path).image.astype(int)
    assert np.abs(found - TURNS[orientation](large)).mean() < 6
    assert pictures.pictures_in(tmp_path) == [path]

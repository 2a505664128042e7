"""What a camera makes of a scene: exposure, colours, blur, sharpening, noise and compression."""

from __future__ import annotations

import cv2
import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import soften


def photograph(
    picture: np.ndarray, alpha: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Take the picture; only blur touches alpha, and in the same way.

    Args:
        picture: The scene, float32 (size, size, 3), 0..1.
        alpha: Its matte, float32 (size, size), 0..1.

    Returns:
        The photograph, uint8 (size, size, 3), and the alpha that belongs to it, float32.
    """
    size = alpha.shape[0]
    if rng.random() < 0.3:
        kernel = _shake(rng, size)
        picture = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        alpha = cv2.filter2D(alpha, -1, kernel, borderType=cv2.BORDER_REPLICATE)

    picture = _developed(_exposed(picture, rng), rng)
    if rng.random() < 0.55:  # as telephones do
        blurred = soften(picture, rng.uniform(0.5, 1.2))
        picture = picture + np.float32(rng.uniform(0.2, 1.0)) * (picture - blurred)
    picture = np.clip(picture, 0, 1)
    noise = rng.standard_normal(picture.shape, np.float32)
    noise = soften(noise, rng.choice([0.0, 0.6])) * np.float32(min(rng.gamma(1.5, 0.008), 0.035))
    picture = picture + noise * (np.float32(0.4) + np.sqrt(picture))
    image = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))]
        image = _decoded(cv2.imencode(".jpg", image, quality)[1])
    return image, alpha


def _exposed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Light and colour of the whole: what is darkest and lightest is brought near the ends."""
    sample = picture[:: max(1, len(picture) // 48), :: max(1, len(picture) // 48)].mean(axis=2)
    dark, light = np.percentile(sample, (2, 98))
    # Fog and white studios keep some of their evenness.
    effort = rng.beta(3, 1.5)
    low = effort * (dark - rng.uniform(0, 0.05))
    high = effort * (light + rng.uniform(-0.05, 0.15)) + (1 - effort)
    high = min(high, 1.8 * light)  # no camera leaves all of a picture dark
    gain = 1 / max(high - low, 0.25)
    warmth = rng.normal(0, 0.045)
    balance = 1 + np.array([warmth, 0, -warmth]) + rng.normal(0, 0.015, 3)
    return (picture - np.float32(low)) * (balance * gain).astype(np.float32)


def _developed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Vignette, the curve of tones, saturation; now and then without colours."""
    size = picture.shape[0]
    side = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    vignette = 1 - np.float32(rng.gamma(1, 0.06)) * (side[:, None] + side)
    picture = np.clip(picture * cv2.merge([vignette] * 3), 0, 1)
    picture = cv2.pow(picture, float(np.exp(rng.normal(0, 0.25))))
    steep = np.float32(rng.uniform(-0.1, 0.6))  # of an S through black, middle grey and white
    picture = picture + steep * (picture * picture * (3 - 2 * picture) - picture)
    grey = cv2.merge([picture.mean(axis=2)] * 3)
    vivid = 0.0 if rng.random() < 0.1 else float(rng.uniform(0.75, 1.25))
    return grey + np.float32(vivid) * (picture - grey)


def _decoded(content: np.ndarray) -> np.ndarray:
    # OpenCV takes the channels for blue, green, red both ways, so their order stays.
    picture = cv2.imdecode(content, cv2.IMREAD_COLOR)
    if picture is None:
        raise RuntimeError("OpenCV cannot read the JPEG that it has just written.")
    return picture


def _shake(rng: np.random.Generator, size: int) -> np.ndarray:
    """Kernel of a slightly moved or defocused camera, float32, sum 1."""
    reach = max(3, 2 * round(0.012 * size) + 1)
    kernel = np.zeros((reach, reach), np.float32)
    middle = (reach - 1) / 2
    if rng.random() < 0.5:
        step = (
            rng.uniform(0.2, 1) * middle * np.array([np.cos(a := rng.uniform(0, 3.2)), np.sin(a)])
        )
        ends = [tuple(np.round(middle + s * step).astype(int).tolist()) for s in (-1, 1)]
        cv2.line(kernel, ends[0], ends[1], 1.0)
        kernel = soften(kernel, 0.5)
    else:
        axis = np.arange(reach) - middle
        radius = rng.uniform(0.3, 0.8) * middle
        far = np.hypot(axis[:, None], axis[None, :])
        kernel = np.clip(radius + 0.5 - far, 0, 1).astype(np.float32)
    return kernel / kernel.sum()

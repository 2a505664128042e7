"""Draws a described person, part by part from back to front, as one premultiplied layer."""

from __future__ import annotations

import numpy as np

from mmnet_deploy.portraits.synthetic.canvas import (
    Canvas,
    Frame,
    brighten,
    ellipse,
    fractal,
    over,
    soften,
    spline,
)
from mmnet_deploy.portraits.synthetic.people import hair as styles
from mmnet_deploy.portraits.synthetic.people.body import limb
from mmnet_deploy.portraits.synthetic.people.clothes import dress
from mmnet_deploy.portraits.synthetic.people.face import (
    aside,
    draw_features,
    draw_glasses,
    draw_head,
)
from mmnet_deploy.portraits.synthetic.people.lighting import Light, LitPicture
from mmnet_deploy.portraits.synthetic.people.person import Person, Pose
from mmnet_deploy.portraits.synthetic.people.shading import blemish, shade_head


def draw_person(person: Person, light: Light, rng: np.random.Generator, size: int) -> np.ndarray:
    """The person without surroundings, premultiplied float32 (size, size, 4)."""
    head, body = _frames(person.pose, size)
    picture = LitPicture(size, light, person.pose.unit)
    covered = person.hat in ("beanie", "cap", "brim")
    hidden = person.hat == "scarf"

    back = person.pose.back
    if not (hidden or back):
        canvas = Canvas(size, _crown(head, person))
        styles.draw_back(canvas, rng, person.hair, person.face)
        picture.put(_glossy(canvas.layer(), head, person), bulge=0.3)
    if hidden:
        canvas = Canvas(size, head)
        canvas.fill(_veil(person.face.width), person.hat_colour * 0.6)
        picture.put(canvas.layer(), bulge=0.4)
    if person.hat == "brim":
        canvas = Canvas(size, head)
        canvas.ellipse((0, -0.5), (1.45, 0.42), person.hat_colour * 0.55)
        picture.put(canvas.layer(), bulge=0.2)

    sleeves = dress(picture, person, body, rng)
    (_put_nape if back else _put_face)(picture, person, head, light, rng)
    _cover_head(picture, person, head, rng)
    if not hidden:
        canvas = Canvas(size, _crown(head, person))
        styles.draw_wisps(canvas, rng, person.hair, person.face, covered)
        picture.put(canvas.layer() * np.float32(rng.uniform(0.35, 0.9)))
    if person.arm != "none":
        _raise_arm(picture, person, body, sleeves, rng)
    return picture.pixels


def _crown(head: Frame, person: Person) -> Frame:
    """The head's frame for its hair: a head that looks aside reaches further back."""
    pose, share = person.pose, 0.0 if person.pose.back else aside(person.pose.yaw)
    middle = head.pixels((-0.2 * share * np.sign(pose.yaw), 0.0))
    scale = (head.scale[0] * (1 + 0.1 * share), head.scale[1])
    return Frame((float(middle[0]), float(middle[1])), scale, head.tilt)


def _put_nape(
    picture: LitPicture, person: Person, head: Frame, light: Light, rng: np.random.Generator
) -> None:
    """The head as seen from behind."""
    size = picture.pixels.shape[0]
    canvas = Canvas(size, head)
    draw_head(canvas, person.face, 0.0)
    layer = canvas.layer()
    blemish(layer, rng, person.pose.unit)
    picture.put(layer, bulge=0.8, shadow=0.4)
    if person.hat != "scarf":
        canvas = Canvas(size, head)
        styles.draw_from_behind(canvas, rng, person.hair, person.face)
        picture.put(_glossy(canvas.layer(), head, person), bulge=0.8, shadow=0.35)
        canvas = Canvas(size, head)
        styles.draw_back(canvas, rng, person.hair, person.face)
        if person.hair.style in ("tail", "bun"):
            picture.put(_glossy(canvas.layer(), head, person), bulge=0.3, shadow=0.2)


def _put_face(
    picture: LitPicture, person: Person, head: Frame, light: Light, rng: np.random.Generator
) -> None:
    """The head as seen from before, with beard, hair and glasses."""
    size, face, yaw = picture.pixels.shape[0], person.face, person.pose.yaw
    canvas = Canvas(size, head)
    draw_head(canvas, face, yaw)
    shape = canvas.pixels[..., 3].copy()
    draw_features(canvas, face, yaw, person.pose.pitch, person.hair.colour)
    if aside(yaw):
        canvas.keep_within(shape)
    layer = soften(canvas.layer(), 0.008 * head.scale[1])
    shade_head(layer, head, face, yaw, person.pose.pitch, light)
    blemish(layer, rng, person.pose.unit)
    picture.put(layer, bulge=0.15, shadow=0.5)
    if face.beard != "none" and not aside(yaw):
        canvas = Canvas(size, head)
        tone = 0.75 * person.hair.colour + 0.15 * face.skin
        styles.draw_beard(canvas, rng, face, tone, yaw)
        light_one = face.beard == "stubble"
        layer = soften(canvas.layer(), 0.02 * head.scale[1] * (1 + light_one))
        picture.put(layer * np.float32(0.45 if light_one else 0.95), bulge=0.2)
    if person.hat != "scarf":
        canvas = Canvas(size, _crown(head, person))
        covered = person.hat in ("beanie", "cap", "brim")
        styles.draw_front(canvas, rng, person.hair, face, yaw, covered)
        if aside(yaw):
            styles.draw_side(canvas, rng, person.hair, face, yaw)
        picture.put(_glossy(canvas.layer(), head, person), bulge=0.5, shadow=0.35)
    if person.glasses != "none":
        picture.put(draw_glasses(size, head, person.glasses, face, yaw, rng), shadow=0.15)


def _frames(pose: Pose, size: int) -> tuple[Frame, Frame]:
    """The frames of head and body; the body's origin is the middle of the tilted head."""
    unit = pose.unit * size
    scale = (unit * pose.stretch, unit)
    centre = (pose.head[0] * size, pose.head[1] * size)
    head = Frame(centre, scale, pose.tilt)
    # The head turns about the neck, one unit below its middle.
    neck = head.pixels((0.0, 1.0))
    upright = Frame((float(neck[0]), float(neck[1])), scale, pose.body_tilt)
    origin = upright.pixels((0.0, -1.0))
    return head, Frame((float(origin[0]), float(origin[1])), scale, pose.body_tilt)


def _glossy(layer: np.ndarray, head: Frame, person: Person) -> np.ndarray:
    """Brighten a band of the hair, where a dome would shine."""
    x, y = head.grid(layer.shape[0])
    band = np.hypot(x, y + 0.1) - 0.85
    brighten(
        layer,
        1
        + np.float32(0.35) * np.exp(-((band / np.float32(0.13)) ** 2)) * np.clip(0.4 - 2 * y, 0, 1),
    )
    return layer


# --- Hats, headphones, arms ------------------------------------------------------------------


def _cover_head(picture: LitPicture, person: Person, head: Frame, rng: np.random.Generator) -> None:
    size, colour, width = picture.pixels.shape[0], person.hat_colour, person.face.width
    canvas = Canvas(size, head)
    yaw = 0.25 * person.pose.yaw
    brow = np.linspace(-1, 1, 21)
    if person.hat == "beanie":
        rise = 1.12 + 0.2 * person.hair.wildness
        dome = ellipse((0, -0.35), (width * 1.14, rise - 0.3))
        canvas.fill(dome[dome[:, 1] < -0.2], colour)
        ribs = [spline([(s * width, -0.3), (s * 0.75 * width, -0.9), (0, -rise)]) for s in brow]
        canvas.stroke(ribs, colour * 0.8, 0.02)
        edge = np.stack([brow * width * 1.17, -0.28 - 0.2 * (1 - brow**2)], axis=1)
        canvas.fill(np.concatenate([edge, edge[::-1] - (0, 0.3)]), colour * 0.9)
        canvas.stroke([[(e[0], e[1]), (e[0], e[1] - 0.3)] for e in edge], colour * 0.7, 0.015)
    elif person.hat in ("cap", "brim"):
        dome = ellipse((0, -0.45), (width * 1.1, 0.82))
        canvas.fill(dome[dome[:, 1] < -0.38], colour)
        canvas.stroke([spline([(yaw, -0.5), (yaw * 1.3, -0.9), (yaw, -1.26)])], colour * 0.7, 0.02)
        if person.hat == "cap":
            canvas.ellipse((yaw * 2, -0.5), (width * 0.98, 0.17), colour * 0.75)
            canvas.ellipse((yaw * 2, -0.56), (width * 0.95, 0.13), colour * 1.05)
        else:
            band = np.stack([brow * width * 1.1, -0.52 + 0.1 * (1 - brow**2)], axis=1)
            canvas.fill(np.concatenate([band, band[::-1] - (0, 0.2)]), colour * 0.4)
            front = np.stack([brow * 1.45, -0.5 + 0.2 * (1 - brow**2)], axis=1)
            canvas.fill(np.concatenate([front, front[::-1] - (0, 0.12)]), colour * 0.9)
    elif person.hat == "scarf":
        face = None if person.pose.back else ellipse((0.5 * yaw, 0.12), (width * 0.88, 0.9))
        canvas.fill(_veil(width), colour, hole=face)
        folds = [ellipse((0, 0.1), (width * r, r + 0.05)) for r in rng.uniform(1.0, 1.25, 7)]
        canvas.stroke(folds, colour * 0.85, 0.025)
    elif person.headphones:
        arc = np.pi * np.linspace(-0.02, 1.02, 30)
        over_head = np.stack([np.cos(arc) * width * 1.2, -1.24 * np.sin(arc)], axis=1)
        canvas.stroke([over_head], colour * 0.7, 0.12)
        for side in (-1, 1):
            canvas.ellipse((side * width * 1.12, 0.08), (0.15, 0.32), colour)
    else:
        return
    layer = canvas.layer()
    brighten(layer, 1 + np.float32(0.04) * fractal(rng, size, (40, 40), 2))
    picture.put(layer, bulge=0.7, shadow=0.5)


def _veil(width: float) -> np.ndarray:
    """Outline of a headscarf, round above and wide at the shoulders."""
    veil = ellipse((0, 0.05), (width * 1.26, 1.2))
    below = np.clip(veil[:, 1:], 0, None)
    return veil * np.concatenate([1 + 0.4 * below, np.ones_like(below)], axis=1) + below * (0, 0.4)


def _raise_arm(
    picture: LitPicture,
    person: Person,
    body: Frame,
    sleeves: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """An arm that holds the camera, or a hand beside the face."""
    size = picture.pixels.shape[0]
    canvas, cloth = Canvas(size, body), Canvas(size, body)
    side, clothes, skin = person.arm_side, person.clothes, picture.on_body(person.face.skin)
    if person.arm == "selfie":
        # It grows towards the camera, and leaves the picture at the side or below.
        shoulder = np.array([side * clothes.shoulders * 0.8, 2.1])
        wrist = np.array([side * rng.uniform(3.2, 4.6), rng.uniform(1.8, 4.4)])
        elbow = 0.5 * (shoulder + wrist) + (0, rng.uniform(0.0, 0.6))
        radii = np.array([0.5, 0.48, 0.5, 0.58]) * rng.uniform(0.9, 1.2)
        canvas.fill(limb([shoulder, elbow, wrist], radii), skin * 0.96)
        canvas.ellipse(wrist, (0.7, 0.7), skin)
        until = max(clothes.sleeve, 0.3)
        ends = spline([shoulder, elbow, wrist])
        cloth.fill(
            limb(ends[: round(until * len(ends))][::4], radii[:3] + clothes.loose), np.ones(3)
        )
    else:
        wrist = np.array([side * rng.uniform(0.7, 1.3), rng.uniform(0.9, 1.5)])
        elbow = np.add(wrist, (side * rng.uniform(0.2, 0.9), 2.6))
        canvas.fill(limb([wrist, elbow], (0.2, 0.32)), skin * 0.95)
        cloth.fill(limb([0.35 * elbow + 0.65 * wrist, elbow], (0.3, 0.42)), np.ones(3))
        palm = np.add(wrist, (-side * 0.08, -0.3))
        bent = rng.uniform(0.15, 0.55)
        lean = rng.uniform(-0.4, 0.4)
        for i in range(4):
            knuckle = np.add(palm, (0.13 * (i - 1.5), -0.16 - 0.03 * (i in (1, 2))))
            tip = np.add(knuckle, (lean * bent + 0.05 * (i - 1.5), -bent))
            canvas.stroke([[palm, knuckle, tip]], skin * (0.9 + 0.04 * i), 0.13)
        thumb = np.add(palm, (-side * 0.32, -0.12))
        canvas.stroke([[palm, thumb, np.add(thumb, (0, -0.18))]], skin * 0.92, 0.13)
        canvas.ellipse(palm, (0.26, 0.3), skin)
    sleeve = cloth.layer()
    brighten(sleeve, sleeves)
    picture.put(over(canvas.layer(), sleeve), bulge=0.6, shadow=0.35)

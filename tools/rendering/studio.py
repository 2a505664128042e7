"""A studio: a camera and lights at random, and OpenGL that draws a person in them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mmnet_deploy.errors import UsageError
from rendering.character import Part
from rendering.makehuman import Floats, Image

WIDTH, HEIGHT = 624, 780
"""Size in pixels of what is written."""

SAMPLES = 2
"""Samples of a pixel in each direction."""

SHADOW_SIDE = 1024
"""Side of the map of shadows in texels."""

GREY = 0.45
"""Value of the background, which the matte leaves out."""

VERTEX = """
#version 330
uniform mat4 view; uniform mat4 projection; uniform mat4 light_matrix;
in vec3 position; in vec3 normal; in vec2 uv;
out vec3 at; out vec3 facing; out vec2 texel; out vec4 lit;
void main() {
    vec4 eye = view * vec4(position, 1.0);
    at = eye.xyz; facing = mat3(view) * normal; texel = uv;
    lit = light_matrix * vec4(position, 1.0);
    gl_Position = projection * eye;
}
"""

FRAGMENT = """
#version 330
uniform sampler2D colours; uniform sampler2D bumps; uniform sampler2D shadows;
uniform bool bumpy; uniform bool cut;
uniform float wrap; uniform float gloss; uniform float exposure;
uniform vec3 sun; uniform vec3 sun_colour; uniform vec3 sky; uniform vec3 ground; uniform vec3 side;
in vec3 at; in vec3 facing; in vec2 texel; in vec4 lit;
out vec4 colour;

// Interleaved gradient noise (Jimenez, Next Generation Post Processing in Call of Duty, 2014).
float noise(vec2 p) { return fract(52.9829189 * fract(dot(p, vec2(0.06711056, 0.00583715)))); }

// Share of the key light that arrives.
float seen() {
    vec3 place = lit.xyz / lit.w * 0.5 + 0.5;
    float sum = 0.0;
    for (int y = -2; y <= 2; ++y) for (int x = -2; x <= 2; ++x) {
        vec2 step = vec2(x, y) * 1.5 / textureSize(shadows, 0);
        sum += texture(shadows, place.xy + step).r + 0.006 < place.z ? 0.0 : 1.0;
    }
    return sum / 25.0;
}

// Normal by a map, its frame from derivatives (Schueler, ShaderX 5, 2006).
vec3 bumped(vec3 n) {
    vec3 dx = dFdx(at), dy = dFdy(at);
    vec2 du = dFdx(texel), dv = dFdy(texel);
    vec3 a = cross(dy, n), b = cross(n, dx);
    vec3 t = a * du.x + b * dv.x, s = a * du.y + b * dv.y;
    float size = inversesqrt(max(max(dot(t, t), dot(s, s)), 1e-12));
    vec3 m = texture(bumps, texel).xyz * 2.0 - 1.0;
    return normalize(mat3(t * size, s * size, n) * m);
}

void main() {
    vec4 surface = texture(colours, texel);
    if (cut && surface.a < noise(gl_FragCoord.xy)) discard;
    vec3 n = normalize(facing);
    if (dot(n, at) > 0.0) n = -n;
    if (bumpy) n = bumped(n);
    vec3 base = pow(surface.rgb, vec3(2.2));
    float open = seen();
    float facing_sun = dot(n, sun);
    float direct = max((facing_sun + wrap) / (1.0 + wrap), 0.0) * mix(open, 1.0, 0.1);
    vec3 ambient = mix(ground, sky, 0.5 + 0.5 * n.y) + side * max(-n.x * sign(sun.x), 0.0);
    vec3 middle = normalize(sun - normalize(at));
    float shine = gloss * pow(max(dot(n, middle), 0.0), 24.0) * open;
    float rim = 0.04 * pow(1.0 - max(dot(n, -normalize(at)), 0.0), 3.0);
    vec3 light = base * (ambient + sun_colour * direct) + sun_colour * shine + sky * rim;
    colour = vec4(pow(clamp(light * exposure, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
"""

DEPTH_FRAGMENT = """
#version 330
uniform sampler2D colours; uniform bool cut;
in vec2 texel;
void main() { if (cut && texture(colours, texel).a < 0.5) discard; }
"""

GLOSS = {"skin": 0.06, "hair": 0.05, "eyes": 0.5}
"""Strength of the highlight, by kind of part; others have 0.01."""

WRAP = {"skin": 0.35, "hair": 0.3}
"""How far light goes around an edge, as it does in skin and hair; others have 0.1."""

CUT = ("hair", "eyebrows", "eyelashes", "clothes", "eyes")
"""Kinds of parts whose textures have transparent places."""


def look_at(eye: Floats, target: Floats, roll: float) -> Floats:
    """View matrix of a camera at `eye`, which looks at `target`."""
    back = (eye - target) / np.linalg.norm(eye - target)
    up = np.array([np.sin(roll), np.cos(roll), 0.0])
    right = np.cross(up, back)
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(back, right), back])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, -turn @ eye
    return matrix.astype(np.float32)


def perspective(height_deg: float, aspect: float, near: float, far: float) -> Floats:
    """Projection matrix of OpenGL (gluPerspective)."""
    scale = 1 / np.tan(np.radians(height_deg) / 2)
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = scale / aspect, scale
    matrix[2, 2], matrix[2, 3] = (far + near) / (near - far), 2 * far * near / (near - far)
    matrix[3, 2] = -1
    return matrix.astype(np.float32)


def orthographic(half: float, near: float, far: float) -> Floats:
    """Projection matrix of OpenGL without perspective."""
    matrix = np.diag([1 / half, 1 / half, 2 / (near - far), 1.0])
    matrix[2, 3] = (far + near) / (near - far)
    return matrix.astype(np.float32)


class Studio:
    """An OpenGL context that draws persons."""

    def __init__(self) -> None:
        try:
            import moderngl

            self._gl: Any = moderngl
            self._context = context = moderngl.create_standalone_context(require=330, backend="egl")
        except Exception as error:  # moderngl raises a bare one where there is no EGL
            raise UsageError(
                f"Rendering needs the package moderngl and OpenGL 3.3 by EGL ({error})."
            ) from error
        self._program = context.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT)
        self._depth = context.program(vertex_shader=VERTEX, fragment_shader=DEPTH_FRAGMENT)
        size = (WIDTH * SAMPLES, HEIGHT * SAMPLES)
        self._frame = context.framebuffer(
            [context.texture(size, 4)], context.depth_renderbuffer(size)
        )
        self._shadows = context.depth_texture((SHADOW_SIDE, SHADOW_SIDE))
        self._shadows.compare_func = ""
        self._shadow_frame = context.framebuffer([], self._shadows)

    def picture(self, parts: list[Part], rng: np.random.Generator) -> tuple[Image, Image]:
        """RGB before grey and the matte, both WIDTH by HEIGHT, seen by a camera at random."""
        view, projection = self._camera(parts, rng)
        sun, lights = _lights(rng)
        head = _top(parts) - np.array([0, 3.0, 0])
        world_sun = view[:3, :3].T @ sun
        light = orthographic(8.0, 1.0, 60.0) @ look_at(head + 30 * world_sun, head, 0.01)
        buffers = [self._buffers(part) for part in parts]
        self._draw_shadows(parts, buffers, light)
        self._draw_parts(
            parts, buffers, view=view, projection=projection, light_matrix=light, sun=sun, **lights
        )
        for item in (item for buffer in buffers for item in buffer if item is not None):
            item.release()
        return self._read()

    def _draw_shadows(self, parts: list[Part], buffers: list[Any], light: Floats) -> None:
        """The depth of what the key light sees."""
        self._context.enable(self._gl.DEPTH_TEST)
        self._shadow_frame.use()
        self._context.clear(depth=1.0)
        _set(self._depth, view=light, projection=np.eye(4, dtype=np.float32), colours=0)
        for part, (vertices, colours, _) in zip(parts, buffers, strict=True):
            _set(self._depth, cut=part.kind in CUT)
            colours.use(0)
            self._draw(self._depth, vertices)

    def _draw_parts(self, parts: list[Part], buffers: list[Any], **scene: Any) -> None:
        """Colours, and an alpha of 1, of what the camera sees."""
        self._frame.use()
        self._context.clear(0, 0, 0, 0, depth=1.0)
        self._shadows.use(2)
        _set(self._program, colours=0, bumps=1, shadows=2, **scene)
        for part, (vertices, colours, bumps) in zip(parts, buffers, strict=True):
            _set(self._program, bumpy=bumps is not None, cut=part.kind in CUT)
            wrap, gloss = WRAP.get(part.kind, 0.1), GLOSS.get(part.kind, 0.01)
            _set(self._program, wrap=wrap, gloss=gloss)
            colours.use(0)
            if bumps is not None:
                bumps.use(1)
            self._draw(self._program, vertices)

    def _read(self) -> tuple[Image, Image]:
        """Picture before grey, and matte, averaged over the samples of each pixel."""
        raw = np.frombuffer(self._frame.read(components=4, alignment=1), np.uint8)
        layers = raw.reshape(HEIGHT * SAMPLES, WIDTH * SAMPLES, 4)[::-1].astype(np.float32) / 255
        small = cv2.resize(layers, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        matte = small[..., 3]
        image = small[..., :3] + (1 - matte[..., None]) * np.float32(GREY)
        return tuple(np.rint(layer * 255).astype(np.uint8) for layer in (image, matte))

    def _camera(self, parts: list[Part], rng: np.random.Generator) -> tuple[Floats, Floats]:
        """From the front in most pictures, from the side or behind in some."""
        top = _top(parts)
        kind = rng.random()
        yaw = rng.normal(0, 0.3) if kind < 0.8 else rng.uniform(-np.pi, np.pi)
        pitch = rng.normal(0.05, 0.12)
        away = float(rng.choice([7.0, 12.0, 25.0])) * rng.uniform(0.85, 1.2)
        below = rng.uniform(2.0, 5.5)
        target = top - np.array([0, below, 0])
        direction = np.array(
            [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]
        )
        angle = 2 * np.degrees(np.arctan((below + rng.uniform(0.4, 1.5)) / away))
        view = look_at(target + away * direction, target, rng.normal(0, 0.05))
        return view, perspective(angle, WIDTH / HEIGHT, 0.5, 100.0)

    def _buffers(self, part: Part) -> tuple[Any, Any, Any]:
        data = np.hstack([part.positions, part.normals, part.uvs]).astype("f4")
        vertices = self._context.buffer(np.ascontiguousarray(data))
        return vertices, self._texture(part.texture), self._texture(part.bumps)

    def _texture(self, image: Image | None) -> Any:
        if image is None:
            return None
        flipped = np.ascontiguousarray(image[::-1])
        texture = self._context.texture(image.shape[1::-1], 4, flipped.tobytes())
        texture.build_mipmaps()
        texture.filter = (self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR)
        return texture

    def _draw(self, program: Any, vertices: Any) -> None:
        names = ("position", "normal", "uv")
        layout = " ".join(
            f"{count}f" if name in program else f"{4 * count}x"
            for name, count in zip(names, (3, 3, 2), strict=True)
        )
        used = [name for name in names if name in program]
        array = self._context.vertex_array(program, [(vertices, layout, *used)])
        array.render(self._gl.TRIANGLES)
        array.release()


def _set(program: Any, **values: Any) -> None:
    for name, value in values.items():
        if name not in program:
            continue
        if isinstance(value, np.ndarray) and value.ndim == 2:
            program[name].write(np.ascontiguousarray(value.T, np.float32).tobytes())
        elif isinstance(value, np.ndarray):
            program[name].value = tuple(float(v) for v in value)
        else:
            program[name].value = value


def _lights(rng: np.random.Generator) -> tuple[Floats, dict[str, Any]]:
    """Direction of the key light as the camera sees it, and the colours of all lights."""
    sun = np.array([rng.normal(0, 0.7), rng.uniform(0.0, 1.0), rng.uniform(0.1, 1.0)])
    share = rng.uniform(0.15, 0.8)
    warm = np.array([1.0, rng.uniform(0.85, 1.0), rng.uniform(0.65, 1.05)])
    cool = rng.uniform(0.8, 1.1, 3)
    lights = {
        "sun_colour": 1.6 * share * warm,
        "sky": (1.1 - share) * cool,
        "ground": (1.0 - share) * rng.uniform(0.2, 0.7) * warm,
        "side": rng.uniform(0.0, 0.4) * rng.uniform(0.7, 1.1, 3),
        "exposure": float(rng.uniform(0.8, 1.5)),
    }
    return sun / np.linalg.norm(sun), lights


def _top(parts: list[Part]) -> Floats:
    """Top of the head, without hair or a hat, as the eyes tell."""
    eyes = next(part for part in parts if part.kind == "eyes").positions.mean(axis=0)
    return eyes + np.array([0, 1.2, -0.8])

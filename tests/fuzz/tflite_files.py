"""`.tflite` files with damaged bytes and fields.

Files of several precisions are damaged at random: bits, words and lengths of the bytes, and fields
of the unpacked tables. Each is inspected, compared with a sound one layer by layer and, if it is a
matting network, run on a picture. That must end in a result or in one of the project's errors, and
never take the process along.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.fuzz.outcome import Outcome
from tests.support import ROOT

CAMPAIGN = 4000
LIMIT_S = 5.0
"""How long the runtime may take for one file; sound ones take milliseconds."""
SLOW_S = 30.0

# --- Damage ------------------------------------------------------------------


def flipped(content: bytearray, draw: random.Random) -> None:
    """Change up to eight bits."""
    for _ in range(draw.randint(1, 8)):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def cut(content: bytearray, draw: random.Random) -> None:
    """Cut the end off."""
    del content[draw.randrange(8, len(content)) :]


def shifted(content: bytearray, draw: random.Random) -> None:
    """Insert bytes, or take some out."""
    place = draw.randrange(8, len(content))
    if draw.random() < 0.5:
        content[place:place] = draw.randbytes(draw.randint(1, 64))
    else:
        del content[place : place + draw.randint(1, 64)]


def misled(content: bytearray, draw: random.Random) -> None:
    """Put other numbers into words, of which many are offsets and lengths."""
    for _ in range(draw.randint(1, 4)):
        place = 4 * draw.randrange(2, len(content) // 4)
        other = 4 * draw.randrange(len(content) // 4)
        word = draw.choice(
            [
                bytes(4),
                b"\xff" * 4,
                draw.randrange(256).to_bytes(4, "little"),
                draw.randbytes(4),
                bytes(content[other : other + 4]),
            ]
        )
        content[place : place + 4] = word


def refilled(content: bytearray, draw: random.Random) -> None:
    """Change up to three fields of the unpacked tables and pack them again."""
    import flatbuffers

    from mmnet_deploy.tflite.runtime import schema
    from mmnet_deploy.tflite.schema import IDENTIFIER

    model = schema().ModelT.InitFromPackedBuf(bytes(content))
    for _ in range(draw.randint(1, 3)):
        holder, name = draw.choice(list(_fields(model)))
        setattr(holder, name, _other(getattr(holder, name), draw))
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
    content[:] = builder.Output()


def _fields(table: object) -> Iterator[tuple[object, str]]:
    """Every field of a table and of the tables in it, but not the values of constants."""
    for name, value in vars(table).items():
        items = value if isinstance(value, list) else [value]
        for item in items:
            if hasattr(item, "__dict__") and not isinstance(item, np.ndarray):
                yield from _fields(item)
        if name != "data":
            yield table, name


def _other(value: object, draw: random.Random) -> object:
    """Another value of the same type, often at the end of its range."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw.choice([0, 1, -1, 2, value + 1, value - 1, 3 * value, 127, 2**31 - 1, -(2**31)])
    if isinstance(value, float):
        return draw.choice([0.0, -1.0, float("nan"), float("inf"), 1e-38, 1e38, -value])
    if isinstance(value, (list, np.ndarray)):
        items = list(value)
        if items and draw.random() < 0.5:
            place = draw.randrange(len(items))
            if isinstance(items[place], (int, float, np.number)):
                items[place] = _other(items[place].item(), draw)
            else:
                items[place] = draw.choice(items)
        elif items and draw.random() < 0.5:
            items.pop(draw.randrange(len(items)))
        elif items:
            items.append(draw.choice(items))
        return items
    return None


DAMAGES = {flipped: 3, cut: 1, shifted: 1, misled: 4, refilled: 6}
"""How often each way is drawn: bytes that were cut off or shifted seldom leave a file."""


def damaged(contents: list[bytes], seed: int, number: int) -> bytes:
    """Case `number` of a campaign: one of the files, damaged in one way."""
    draw = random.Random(f"{seed}/{number}")
    content = bytearray(draw.choice(contents))
    (damage,) = draw.choices(list(DAMAGES), list(DAMAGES.values()))
    for _ in range(8):
        try:
            damage(content, draw)
        except Exception:  # These values cannot be packed: others are drawn.
            continue
        break
    return bytes(content)


# --- Sound files -------------------------------------------------------------


def sound_files() -> list[bytes]:
    """A small matting network in every precision and as converted carelessly, also described."""
    import keras
    import tensorflow as tf

    from mmnet_deploy.tflite.card import ModelCard, card_to_json, with_card
    from tests.support import networks

    def matting(image):
        x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu6")(image)
        x = keras.layers.DepthwiseConv2D(3, dilation_rate=2, padding="same")(x)
        x = networks.join(networks.up()(x), networks.conv(4, 1)(image))
        x = keras.layers.Concatenate()([x, keras.layers.Dense(2)(x)])
        return networks.conv(2, 1, activation="softmax")(x)

    shape = (1, 16, 16, 3)
    picture = np.random.default_rng(0).random(shape, np.float32)
    network = networks.keras_network(matting, shape[1:])
    contents = []
    for precision in ("float32", "float16", "dynamic", "int8"):
        converter = networks.converter_of(network, shape, frozen=True)
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if precision == "int8":
            converter.representative_dataset = lambda: iter([[picture]])
            converter.inference_input_type = converter.inference_output_type = tf.uint8
        contents.append(converter.convert())
    # With a batch of any size and variables, the converter writes other operators.
    contents.append(networks.converter_of(network, (None, *shape[1:])).convert())
    card = ModelCard(
        family="tiny",
        title="Tiny",
        width_multiplier=1.0,
        height_px=16,
        width_px=16,
        precision="float32",
        parameters=1,
        input_meaning="RGB",
        output_meaning="softmax",
        weights_sha256="ab",
    )
    described = [with_card(content, card_to_json(card)) for content in contents]
    return [*contents, *described]


# --- Campaign ----------------------------------------------------------------


def campaign(cases: int, seed: int) -> Outcome:
    """Try `cases` damaged files; the process that tries them is replaced where one ends it."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(sound_files()):
            (Path(folder) / f"sound{number}").write_bytes(content)
        begin = 0
        while begin < cases:
            begin = _batch(folder, seed, begin, cases, outcome)
    return outcome


def _batch(folder: str, seed: int, begin: int, cases: int, outcome: Outcome) -> int:
    """Try cases from `begin` on until a process ends; the first that is not tried yet."""
    command = [sys.executable, "-m", __name__, folder, *map(str, (seed, begin, cases))]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        if process.stdout is None:
            raise RuntimeError("The process was started without pipes.")
        for line in process.stdout:
            ending, failure = json.loads(line)
            if failure:
                outcome.failures.append(f"{seed}/{begin}: {failure}")
            else:
                outcome.endings[ending] += 1
            begin += 1
    if begin < cases:
        outcome.failures.append(f"{seed}/{begin}: ends the process ({process.returncode})")
        begin += 1
    return begin


def _try(path: Path, reference: bytes) -> str:
    """Inspect a file, compare its layers with a sound one's, and run it; how that ended."""
    from mmnet_deploy import inspection
    from mmnet_deploy.errors import CrashError, MmnetDeployError
    from mmnet_deploy.inspection import quantization_error
    from mmnet_deploy.mattes.matting import open_model

    picture = np.random.default_rng(1).integers(0, 256, (20, 24, 3), np.uint8)
    try:
        inspection.to_json(inspection.inspect(path))
    except CrashError:
        return "crash the runtime, refused"
    except MmnetDeployError:
        return "refused"
    with contextlib.suppress(MmnetDeployError):
        quantization_error.measure(path.read_bytes(), reference, [picture])
    try:
        open_model(path, 1).matte(picture)
    except MmnetDeployError:
        return "inspected, do not run"
    return "inspected and run"


def main(folder: str, seed: str, begin: str, cases: str) -> None:
    """Try cases and print how each ended, one line of JSON each."""
    from mmnet_deploy.tflite import trial
    from mmnet_deploy.tflite.runtime import runtime_name

    trial.LIMIT_S = LIMIT_S
    contents = [path.read_bytes() for path in sorted(Path(folder).glob("sound*"))]
    path = Path(folder) / "damaged.tflite"
    runtime_name()
    for number in range(int(begin), int(cases)):
        path.write_bytes(damaged(contents, int(seed), number))
        since, ending, failure = time.monotonic(), "", ""
        try:
            ending = _try(path, contents[0])
        except BaseException:
            failure = " < ".join(reversed(traceback.format_exc(limit=-4).splitlines()[1:]))
        if not failure and time.monotonic() - since > SLOW_S:
            failure = f"took {time.monotonic() - since:.0f} s"
        sys.stdout.write(json.dumps((ending, failure)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

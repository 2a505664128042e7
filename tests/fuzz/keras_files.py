"""Damaged `.keras` files.

Bytes of the archive, of its members, values of its configuration, and datasets of its weights
are changed. What is loaded is also run: it is read, or refused with one of the project's errors.
"""

from __future__ import annotations

import functools
import io
import json
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from mmnet_deploy.networks import network
from tests.fuzz.outcome import Outcome
from tests.support.foreign import members_of, rewritten

CAMPAIGN = 1500

WEIGHTS, CONFIG = "model.weights.h5", "config.json"
ODD = (None, True, -1, 0, 1, 3, 10**4, 10**9, 2**63, 0.5, 1e308, "", "x", "\x00", "float16", "same")
Random = random.Random


def sound(path: Path) -> Path:
    """A small network with the layers that matting networks have."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(image)
    x = layers.ReLU(max_value=6.0)(layers.BatchNormalization()(x))
    scale = layers.Conv2D(4, 1, activation="sigmoid")(
        layers.GlobalAveragePooling2D(keepdims=True)(x)
    )
    x = layers.Multiply()([layers.DepthwiseConv2D(3, padding="same")(x), scale])
    x = layers.UpSampling2D(interpolation="bilinear")(x)
    x = layers.Concatenate()([x, image])
    inner = keras.Sequential([keras.Input((16, 16, 7)), layers.Dense(2, activation="softmax")])
    keras.Model(image, inner(x)).save(path)
    return path


# --- Damage ------------------------------------------------------------------


def flipped(content: bytes, random_: Random) -> bytes:
    """Bytes exchanged, cut, repeated or moved."""
    changed = bytearray(content)
    for _ in range(random_.randint(1, 8)):
        if not changed:
            break
        place = random_.randrange(len(changed))
        act = random_.randrange(5)
        if act < 3:
            changed[place] = random_.choice((0, 255, changed[place] ^ 1, random_.randrange(256)))
        elif act == 3:
            del changed[place : place + random_.choice((1, 8, 10**6))]
        else:
            changed[place:place] = changed[place : place + random_.randint(1, 64)]
    return bytes(changed)


def _archive(members: dict[str, bytes], path: Path, random_: Random) -> None:
    path.write_bytes(flipped(path.read_bytes(), random_))


def _member(members: dict[str, bytes], path: Path, random_: Random) -> None:
    """A member with a right checksum: damage that the archive does not show."""
    name = random_.choice(sorted(members))
    if random_.random() < 0.1:
        rewritten(path, {key: value for key, value in members.items() if key != name})
    else:
        rewritten(path, members | {name: flipped(members[name], random_)})


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in JSON values with each of its keys."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def _config(members: dict[str, bytes], path: Path, random_: Random) -> None:
    """Values of the configuration exchanged, lost or copied elsewhere."""
    config = json.loads(members[CONFIG])
    for _ in range(random_.randint(1, 3)):
        places = list(_places(config))
        container, key = random_.choice(places)
        act = random_.randrange(5)
        if act == 0:
            del container[key]
        elif act == 1:
            other, there = random_.choice(places)
            container[key] = json.loads(json.dumps(other[there]))
        elif act == 2 and isinstance(container[key], (int, float)):
            container[key] *= random_.choice((-1, 2, 1000, 10**6))
        elif act == 3:
            container[key] = random_.choice(([], {}, [[]], [1] * 10, {"class_name": "Dense"}))
        else:
            container[key] = random_.choice(ODD)
    rewritten(path, members | {CONFIG: json.dumps(config)})


def _weights(members: dict[str, bytes], path: Path, random_: Random) -> None:
    """Datasets of the weights of other shapes, types and values, or gone."""
    content = io.BytesIO(members[WEIGHTS])
    with h5py.File(content, "r+") as file:
        names: list[str] = []
        file.visititems(
            lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None
        )
        for name in random_.sample(names, random_.randint(1, 2)):
            values = np.asarray(file[name])
            del file[name]
            act = random_.randrange(7)
            if act == 0:
                file[name] = values[..., :1]
            elif act == 1:
                file[name] = np.full(values.shape, random_.choice((np.nan, np.inf, 1e38)))
            elif act == 2:
                file[name] = np.full(values.shape, b"text")
            elif act == 3:
                file[name] = h5py.SoftLink(random_.choice(("/", f"/{name}", "/nowhere")))
            elif act == 4:
                file.create_dataset(name, (*values.shape[:-1], 10 ** random_.randint(1, 12)), "f4")
            elif act == 5:
                file.create_group(name)
    rewritten(path, members | {WEIGHTS: content.getvalue()})


_DAMAGE: tuple[Callable[[dict[str, bytes], Path, Random], None], ...] = (
    _archive,
    _member,
    _config,
    _config,
    _weights,
)


# --- The campaign ------------------------------------------------------------


def campaign(cases: int, seed: int) -> Outcome:
    """Load and run `cases` damaged files."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        path = sound(Path(folder) / "network.keras")
        whole, members = path.read_bytes(), members_of(path)
        for case in range(cases):
            random_ = Random(f"{seed}:{case}")
            path.write_bytes(whole)
            _DAMAGE[case % len(_DAMAGE)](members, path, random_)
            outcome.read(f"{seed}:{case}", functools.partial(network.load, path))
            if case % 50 == 49:
                keras.utils.clear_session()
    return outcome

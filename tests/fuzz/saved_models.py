"""Damaged SavedModels.

Bytes of the graph, of the index and of the variables are changed, and fields of the graph by
their meaning. What is loaded is also run: it is read, or refused with one of the project's
errors.
"""

from __future__ import annotations

import functools
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2

from mmnet_deploy.networks import network
from tests.fuzz.keras_files import flipped
from tests.fuzz.outcome import Outcome
from tests.support.foreign import exported

CAMPAIGN = 1000

GRAPH = "saved_model.pb"
FILES = (GRAPH, GRAPH, "variables/variables.index", "variables/variables.data-00000-of-00001")
NUMBERS = (-1, 0, 1, 2, 7, 100, 2**31 - 1)


def _messages(message: Any) -> Iterator[Any]:
    """A message and all those that it holds."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.message_type.GetOptions().map_entry:
            held = [value[key] for key in value]
        else:
            held = value if field.is_repeated else [value]
        for one in held:
            if hasattr(one, "ListFields"):
                yield from _messages(one)


def changed(content: bytes, random_: random.Random) -> bytes:
    """A graph with one to three fields lost, doubled, exchanged or of another value."""
    graph = saved_model_pb2.SavedModel.FromString(content)
    for _ in range(random_.randint(1, 3)):
        message = random_.choice([one for one in _messages(graph) if one.ListFields()])
        field, value = random_.choice(message.ListFields())
        if field.is_repeated:
            is_map = field.message_type and field.message_type.GetOptions().map_entry
            if is_map:
                value.pop(random_.choice(list(value)), None)
            elif random_.random() < 0.5:
                value.remove(random_.choice(list(value)))
            else:
                value.append(random_.choice(list(value)))
        elif field.message_type is not None or random_.random() < 0.3:
            message.ClearField(field.name)
        elif field.cpp_type == field.CPPTYPE_STRING:
            others = ["Identity", "Conv2D", "NoOp", "image", "x", value * 2]
            setattr(message, field.name, random_.choice(others) if isinstance(value, str) else b"x")
        elif field.cpp_type in (field.CPPTYPE_BOOL, field.CPPTYPE_ENUM):
            setattr(message, field.name, random_.choice((0, 1)))
        elif field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
            setattr(message, field.name, random_.choice((0.0, -1.0, 1e30)))
        else:
            setattr(message, field.name, max(0, random_.choice(NUMBERS)))
    return graph.SerializeToString()


def campaign(cases: int, seed: int) -> Outcome:
    """Load and run `cases` damaged SavedModels."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        sound = exported(Path(folder) / "sound")
        for case in range(cases):
            random_ = random.Random(f"{seed}:{case}")
            path = Path(folder) / "damaged"
            shutil.copytree(sound, path)
            if case % 2:
                (path / GRAPH).write_bytes(changed((path / GRAPH).read_bytes(), random_))
            else:
                file = path / random_.choice(FILES)
                file.write_bytes(flipped(file.read_bytes(), random_))
            outcome.read(f"{seed}:{case}", functools.partial(network.load, path))
            shutil.rmtree(path)
    return outcome

"""TensorBoard's event files, written without TensorFlow, on any backend."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import OutputError
from mmnet_deploy.files import reason

JPEG_QUALITY = 85


class Events:
    """One event file, opened when the first event is written.

    Without the package `tensorboard` nothing is written; `log.csv` has the scalars too.
    """

    def __init__(self, folder: Path) -> None:
        self._wanted = importlib.util.find_spec("tensorboard") is not None
        name = f"events.out.tfevents.{time.time():.0f}.{os.uname().nodename}.{os.getpid()}"
        self._path = folder / name

    def write(
        self, step: int, scalars: Mapping[str, float], images: Mapping[str, NDArray[np.uint8]]
    ) -> None:
        """Write numbers and pictures, uint8 (h, w, 3), by their tags.

        Raises:
            OutputError: The file cannot be written.
        """
        if not self._wanted:
            return
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        for tag, image in images.items():
            encoded = cv2.imencode(
                ".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            )[1]
            picture = Summary.Image(
                height=image.shape[0],
                width=image.shape[1],
                colorspace=3,
                encoded_image_string=encoded.tobytes(),
            )
            values.append(Summary.Value(tag=tag, image=picture))
        events = [Event(wall_time=time.time(), step=step, summary=Summary(value=values))]
        try:
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                events.insert(0, Event(wall_time=time.time(), file_version="brain.Event:2"))
            with self._path.open("ab") as file:
                writer = RecordWriter(file)
                for event in events:
                    writer.write(event.SerializeToString())
                writer.flush()
        except OSError as error:
            raise OutputError(f"Cannot write {self._path}: {reason(error)}.") from error

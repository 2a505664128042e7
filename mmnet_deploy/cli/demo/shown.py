"""Which networks the demo shows: its own and the bundled ones, at several input sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mmnet_deploy.runs import pretrained as ready

if TYPE_CHECKING:
    from mmnet_deploy.runs.run import RunConfig

PARTS = (0.75, 1.0)
"""Of its own height and width, at which a bundled network is shown if it can have them."""


@dataclasses.dataclass(frozen=True)
class Bundled:
    """A bundled network at an input size.

    Attributes:
        name: Of the bundled network.
        size: Height and width in pixels; None for its own, which it was trained at.
    """

    name: str
    size: int | None = None

    @property
    def title(self) -> str:
        """What messages call it."""
        return self.name if self.size is None else f"{self.name} at {self.size}×{self.size}"


def configs() -> dict[str, RunConfig]:
    """How each bundled network was trained, by name."""
    from mmnet_deploy.runs.run import Run

    return {name: Run(ready.run_folder(name)).read_config() for name in ready.names()}


def bundled(known: Mapping[str, RunConfig], own: RunConfig | None = None) -> list[Bundled]:
    """The bundled networks at the sizes that they can have.

    One that is there at several sizes, trained at each, is shown as it was trained.

    Args:
        known: As `configs` gives them.
        own: The network that the demo trains; what is the same network is left out. None if it
            trains none.
    """
    from mmnet_deploy.networks import resizing

    found: dict[object, tuple[float, Bundled]] = {}
    for name, config in known.items():
        own_size = config.input_size
        sizes = resizing.sizes(config, [round(part * own_size) for part in PARTS])
        for size in sorted({own_size, *sizes}):
            place = name if config.imported_from else _place(config, size)
            part = size / own_size
            if own and place == _place(own, own.input_size):
                continue
            if place not in found or part > found[place][0]:
                found[place] = part, Bundled(name, None if size == own_size else size)
    return [shown for _, shown in found.values()]


def _place(config: RunConfig, size: int) -> tuple[object, ...]:
    """What two networks of families share that compute the same but for their weights."""
    return config.family, config.width_multiplier, size


def beginning(
    known: Mapping[str, RunConfig], family: str, width_multiplier: float, input_size: int
) -> str:
    """The bundled network whose weights a training begins with; empty if none fits.

    The one of the same layers whose input size is nearest.
    """
    fitting = [
        name
        for name, config in known.items()
        if not config.imported_from
        and (config.family, config.width_multiplier) == (family, width_multiplier)
    ]
    return min(fitting, key=lambda name: abs(known[name].input_size - input_size), default="")


def for_photographs(known: Mapping[str, RunConfig]) -> str:
    """The bundled network that a photograph of the user is matted with.

    An imported one if there is one: its first weights learnt from photographs of people, while
    scores on drawn portraits say little of these. Of several, and without one, the largest.
    """

    def order(name: str) -> tuple[bool, int, float]:
        config = known[name]
        height, width = config.picture_size
        return bool(config.imported_from), height * width, config.width_multiplier or 0.0

    return max(known, key=order)

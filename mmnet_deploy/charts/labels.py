"""Where labels stand in a crowded chart; lengths in points (1/72 inch), y upwards."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence

Position = tuple[float, float]
Segment = tuple[Position, Position]

NEAR = 2.5  # gap of a label that stands directly beside its mark
LEADER_FROM = 5.5  # from this gap on, a line ties the label to its mark
CLEARANCE = 1.0  # between any two things that may not touch
CLEARANCE_OF_LINES = 1.5
GAPS = (NEAR, 5.0, 10.0, 16.0, 24.0, 34.0, 46.0, 60.0, 80.0, 100.0)
ANGLES = tuple(range(0, 360, 15))
GRID_STEP_X, GRID_STEP_Y = 10.0, 5.0
ROUNDS, CROWD = 3, 40  # in a crowd of marks one round has to do, or it takes minutes

# What a label's place costs, in points of distance that would be walked to avoid it.
ON_LINE = 60.0
NEARER_TO_ANOTHER_MARK = 12.0
LEADER_OVER_LINE = 5.0
LEADER_OVER_MARK = 25.0
LEADER_OVER_TEXT = 150.0
LEADER_OVER_LEADER = 40.0
BAD = 100.0  # what costs this much is worth a search of the whole chart


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle along the axes."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box, clearance: float = 0.0) -> bool:
        """Whether the two are closer than `clearance` in both directions."""
        return (
            self.left < other.right + clearance
            and other.left < self.right + clearance
            and self.bottom < other.top + clearance
            and other.bottom < self.top + clearance
        )

    def holds(self, other: Box) -> bool:
        """Whether `other` lies wholly inside."""
        return (
            self.left <= other.left
            and self.bottom <= other.bottom
            and self.right >= other.right
            and self.top >= other.top
        )

    def grown(self, margin: float) -> Box:
        """The box with `margin` more on every side."""
        return Box(self.left - margin, self.bottom - margin, self.right + margin, self.top + margin)

    def nearest(self, position: Position) -> Position:
        """The place in the box that is nearest to `position`."""
        x, y = position
        return min(max(x, self.left), self.right), min(max(y, self.bottom), self.top)

    def distance(self, position: Position) -> float:
        """From `position` to the box; 0 inside."""
        return math.dist(position, self.nearest(position))


@dataclasses.dataclass(frozen=True)
class Mark:
    """A drawn point: a disc that labels keep off, and the size of its own label."""

    x: float
    y: float
    radius: float
    width: float
    height: float

    @property
    def centre(self) -> Position:
        return self.x, self.y


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a label stands; `leader` runs from the mark's edge to the label."""

    box: Box
    leader: Segment | None


def _crosses(one: Segment, other: Segment) -> bool:
    """Whether two segments cross; touching ends do not count."""

    def side(a: Position, b: Position, c: Position) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    (a, b), (c, d) = one, other
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def _enters(segment: Segment, box: Box) -> bool:
    """Whether any part of `segment` lies in `box` (Liang and Barsky, 1984)."""
    (x, y), (end_x, end_y) = segment
    first, last = 0.0, 1.0
    for start, step, low, high in (
        (x, end_x - x, box.left, box.right),
        (y, end_y - y, box.bottom, box.top),
    ):
        if step == 0:
            if not low <= start <= high:
                return False
            continue
        enter, leave = sorted(((low - start) / step, (high - start) / step))
        first, last = max(first, enter), min(last, leave)
    return first <= last


def _passes(segment: Segment, mark: Mark) -> bool:
    """Whether `segment` runs over the disc of `mark`."""
    (x, y), (end_x, end_y) = segment
    along_x, along_y = end_x - x, end_y - y
    length = along_x**2 + along_y**2
    share = ((mark.x - x) * along_x + (mark.y - y) * along_y) / length if length else 0.0
    share = min(max(share, 0.0), 1.0)
    return math.dist((x + share * along_x, y + share * along_y), mark.centre) < mark.radius


def _placement(mark: Mark, left: float, bottom: float) -> Placement:
    """The label of `mark` with its lower left corner there, and its leader if far away."""
    box = Box(left, bottom, left + mark.width, bottom + mark.height)
    end = box.nearest(mark.centre)
    reach = math.dist(end, mark.centre)
    if reach - mark.radius < LEADER_FROM:
        return Placement(box, None)
    share = mark.radius / reach
    start = (mark.x + share * (end[0] - mark.x), mark.y + share * (end[1] - mark.y))
    return Placement(box, (start, end))


def _around(mark: Mark) -> Iterator[tuple[float, Placement]]:
    """Places in rings about `mark`, nearest ring first, each with its cost."""
    for gap in GAPS:
        for angle in ANGLES:
            cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
            # The factor lets the label slide along a whole side of the mark: at 45
            # degrees its corner, not its middle, points to the mark.
            shift_x = min(max(1.6 * cosine, -1.0), 1.0) * mark.width / 2
            shift_y = min(max(1.6 * sine, -1.0), 1.0) * mark.height / 2
            reach = mark.radius + gap
            middle_x, middle_y = mark.x + reach * cosine + shift_x, mark.y + reach * sine + shift_y
            # Readers look for a label on the right first, then above.
            taste = 2.0 * (1.0 - cosine) + 1.0 * (1.0 - sine) + (1.0 if angle % 90 else 0.0)
            yield (
                gap + taste,
                _placement(mark, middle_x - mark.width / 2, middle_y - mark.height / 2),
            )


def _everywhere(mark: Mark, inside: Box) -> Iterator[tuple[float, Placement]]:
    """Places on a grid over all of `inside`, each with its cost."""
    columns = int(max(inside.right - inside.left - mark.width, 0) / GRID_STEP_X) + 1
    rows = int(max(inside.top - inside.bottom - mark.height, 0) / GRID_STEP_Y) + 1
    for column in range(columns):
        for row in range(rows):
            found = _placement(
                mark, inside.left + column * GRID_STEP_X, inside.bottom + row * GRID_STEP_Y
            )
            yield found.box.distance(mark.centre), found


@dataclasses.dataclass(frozen=True)
class _Scene:
    """What a label has to live with; `lines` may be crossed at a cost."""

    inside: Box
    marks: Sequence[Mark]
    lines: Sequence[Segment]

    def allows(self, box: Box, others: Iterable[Placement]) -> bool:
        """Whether `box` lies inside and touches neither a mark nor another label."""
        return (
            self.inside.holds(box)
            and not any(box.overlaps(other.box, CLEARANCE) for other in others)
            and not any(box.distance(m.centre) < m.radius + CLEARANCE for m in self.marks)
        )

    def penalty(self, mark: Mark, found: Placement, others: Iterable[Placement]) -> float:
        """What makes an allowed place hard to read."""
        roomy = found.box.grown(CLEARANCE_OF_LINES)
        cost = ON_LINE * any(_enters(line, roomy) for line in self.lines)
        leader = found.leader
        if leader is None:
            gap = found.box.distance(mark.centre) - mark.radius
            cost += NEARER_TO_ANOTHER_MARK * any(
                found.box.distance(m.centre) - m.radius < gap + 1.0
                for m in self.marks
                if m is not mark and m.centre != mark.centre
            )
        else:
            cost += LEADER_OVER_LINE * sum(_crosses(leader, line) for line in self.lines)
            cost += LEADER_OVER_MARK * sum(
                _passes(leader, m) for m in self.marks if m is not mark and m.centre != mark.centre
            )
        for other in others:
            if other.leader is not None:
                cost += LEADER_OVER_TEXT * _enters(other.leader, found.box)
                if leader is not None:
                    cost += LEADER_OVER_LEADER * _crosses(leader, other.leader)
            if leader is not None:
                cost += LEADER_OVER_TEXT * _enters(leader, other.box)
        return cost

    def best(self, mark: Mark, others: Sequence[Placement]) -> Placement | None:
        """The cheapest allowed place for the label of `mark`, if there is one."""
        least, chosen = math.inf, None
        for places in (_around(mark), _everywhere(mark, self.inside)):
            for cost, found in places:
                if cost >= least or not self.allows(found.box, others):
                    continue
                cost += self.penalty(mark, found, others)
                if cost < least:
                    least, chosen = cost, found
            if least < BAD:
                break
        return chosen


def place(
    marks: Sequence[Mark], inside: Box, lines: Sequence[Segment] = ()
) -> list[Placement | None]:
    """Find a place for every mark's label.

    No label touches another label or any mark, and none leaves `inside`. Labels are placed
    one after the other, the widest first since short ones fit into the gaps; then each may
    move again, now that it knows the others.

    Args:
        marks: The drawn points; of labels that are as wide, the earlier chooses first.
        inside: The area that labels stay in.
        lines: Drawn lines, which labels keep off where they can.

    Returns:
        A placement for each mark; None where no free place is left.
    """
    scene = _Scene(inside, marks, lines)
    placed: list[Placement | None] = [None] * len(marks)
    order = sorted(range(len(marks)), key=lambda index: -marks[index].width)
    for _ in range(ROUNDS if len(marks) <= CROWD else 1):
        before = list(placed)
        for index in order:
            others = [p for i, p in enumerate(placed) if p is not None and i != index]
            placed[index] = scene.best(marks[index], others)
        if placed == before:
            break
    return placed

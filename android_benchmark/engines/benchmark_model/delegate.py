"""Delegates: what can be asked for, what the runtime gave them, and what they gave back."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterable

from android_benchmark.engines.benchmark_model.text.number import INTEGER, integer


class Delegate(enum.Enum):
    """What runs the model; NONE is the runtime's built-in CPU kernels."""

    NONE = "none"
    XNNPACK = "xnnpack"
    GPU = "gpu"
    NNAPI = "nnapi"
    HEXAGON = "hexagon"
    NPU = "npu"


class Extent(enum.Enum):
    """How much of the graph the tool says a delegate runs."""

    COMPLETE = "completely"
    PARTIAL = "partially"
    NOTHING = "not"


class FallbackKind(enum.Enum):
    """What was not done as asked."""

    NOT_RUN = "not run"
    """The delegate is missing, or runs nothing."""
    UNDONE = "undone"
    """The graph was restored after the delegate failed."""
    PARTIAL = "partial"
    """It refused operators, which the CPU runs."""
    BACKEND = "backend"
    """It runs, by its second choice."""
    LIBRARY = "library"
    """A library cannot be loaded, which may explain another notice and decides nothing."""


@dataclasses.dataclass(frozen=True)
class Delegation:
    """One `Replacing … node(s) with delegate` line.

    Attributes:
        delegate: The runtime's name, such as `TfLiteXNNPackDelegate`.
        nodes: Nodes that it took over.
        total_nodes: Nodes of the graph as it found it: what an earlier delegate took counts as
            one node per partition. Not printed before about TensorFlow 2.7.
        partitions: Pieces they form; each costs a hand-over.
        subgraph: Index; None where the line does not name one.
    """

    delegate: str
    nodes: int
    total_nodes: int | None = None
    partitions: int | None = None
    subgraph: int | None = None


@dataclasses.dataclass(frozen=True)
class Application:
    """The tool's verdict on a delegate that was asked for; `kernels` only of a partial one."""

    delegate: str
    extent: Extent
    kernels: int | None = None


@dataclasses.dataclass(frozen=True)
class Partition:
    """What the compiler of an NPU took of a graph, before the graph is cut for the delegate.

    Attributes:
        nodes, total_nodes: Operators that it took, of how many.
        partitions: Pieces they form; None in older builds.
        subgraph: Index.
    """

    nodes: int
    total_nodes: int
    partitions: int | None
    subgraph: int


@dataclasses.dataclass(frozen=True)
class Fallback:
    """A notice that something asked for was not, or not wholly, done.

    Attributes:
        delegate: What it is about; None where the words do not say.
    """

    kind: FallbackKind
    text: str
    delegate: Delegate | None = None

    def concerns(self, delegate: Delegate) -> bool:
        """Whether it may be about `delegate`."""
        return self.delegate in (None, delegate)


_REPLACING = re.compile(
    rf"Replacing ({INTEGER})(?: out of ({INTEGER}))? node\(s\) with delegate \(([^()]{{1,200}})\)"
    rf" node(?:, yielding ({INTEGER}) partitions"
    rf"(?: for (?:subgraph ({INTEGER})(?: \(.{{0,200}}\))?|the whole graph))?)?\.?"
)
_PARTITIONED = re.compile(
    rf"Partitioned subgraph<({INTEGER})>, selected ({INTEGER}) ops, from a total of ({INTEGER}) ops"
    rf"\.?(?: resulted in ({INTEGER}) partitions\.?)?"
)
_APPLIED = re.compile(
    r"(?:Explicitly a|A)pplied (.{1,200}) delegate, and the model graph will be "
    r"(completely|partially) executed (?:by|w/) the delegate"
    rf"(?: w/ ({INTEGER}) delegate kernels)?\.?"
)
_NOTHING = re.compile(
    r"Though (.{1,200}) delegate is explicitly applied, the model graph will not be executed by"
    r" the delegate\.?"
)
# The first that fits wins. LiteRT registers all accelerators, whichever was asked for, so its
# words are about one of them.
_NOTICES: tuple[tuple[FallbackKind, Delegate | None, str], ...] = (
    (FallbackKind.NOT_RUN, None, "the model graph will not be executed by the delegate"),
    (FallbackKind.NOT_RUN, None, "acceleration is unsupported on this platform"),
    (FallbackKind.NOT_RUN, Delegate.HEXAGON, "Could not create Hexagon delegate"),
    (FallbackKind.NOT_RUN, Delegate.HEXAGON, "Hexagon Delegate is not supported"),
    (FallbackKind.NOT_RUN, Delegate.GPU, "GPU accelerator could not be "),
    (FallbackKind.NOT_RUN, Delegate.GPU, "GPU accelerator registration disabled"),
    (FallbackKind.NOT_RUN, Delegate.GPU, "No operations will run on the GPU"),
    (FallbackKind.NOT_RUN, Delegate.NPU, "NPU accelerator could not be "),
    (FallbackKind.NOT_RUN, Delegate.NPU, "NPU accelerator is disabled"),
    (FallbackKind.NOT_RUN, Delegate.NPU, "NPU accelerator accelerator is disabled"),
    # Of every run without an NPU.
    (FallbackKind.NOT_RUN, Delegate.NPU, "Dispatch library directory is not set"),
    (FallbackKind.NOT_RUN, Delegate.NPU, "Failed to apply compiler plugins"),
    (FallbackKind.NOT_RUN, Delegate.NPU, "Failed to load compiler plugins"),
    (FallbackKind.NOT_RUN, Delegate.NPU, "0 compiler plugins were applied"),
    (FallbackKind.UNDONE, Delegate.NPU, "No dispatch library found in"),
    (FallbackKind.UNDONE, Delegate.NPU, "Failed to create a dispatch delegate kernel"),
    (FallbackKind.UNDONE, Delegate.NPU, "Failed to initialize Dispatch API"),
    (FallbackKind.UNDONE, Delegate.NPU, "Failed to initialize QNN backend"),
    (FallbackKind.UNDONE, Delegate.NPU, "Unsupported dispatch runtime version"),
    (FallbackKind.UNDONE, Delegate.NPU, "Found Dispatch API with an unsupported version"),
    (
        FallbackKind.UNDONE,
        None,
        "Restored original execution plan after delegate application failure",
    ),
    (FallbackKind.PARTIAL, Delegate.GPU, "Following operations are not supported by GPU delegate"),
    (FallbackKind.PARTIAL, None, "operations will run on the CPU"),
    (FallbackKind.PARTIAL, None, "alling back to CPU"),
    (FallbackKind.PARTIAL, None, "all back to CPU"),
    (FallbackKind.PARTIAL, None, "allback to CPU"),
    (FallbackKind.BACKEND, Delegate.GPU, "Falling back to OpenGL"),
    (FallbackKind.BACKEND, Delegate.GPU, "OpenCL not supported on this platform"),
    (FallbackKind.LIBRARY, Delegate.GPU, "Failed to load GPU accelerator("),
    (FallbackKind.LIBRARY, None, "dlopen failed: "),
    (FallbackKind.LIBRARY, None, "cannot locate symbol"),
    (FallbackKind.LIBRARY, None, "Could not load symbol"),
    (FallbackKind.LIBRARY, Delegate.NPU, "Failed to load plugin at"),
    (FallbackKind.LIBRARY, Delegate.NPU, "Failed to load skel"),
)
_FULLY = re.compile(r"Fully accelerated: {1,20}(?:no|false)\.?", re.IGNORECASE)
_NAMES = {
    Delegate.XNNPACK: ("xnnpack", "tflitexnnpackdelegate"),
    Delegate.GPU: ("gpu", "tflitegpudelegate", "tflitegpudelegatev2", "litert_", "ml_drift_"),
    Delegate.NNAPI: ("nnapi", "tflitennapidelegate"),
    Delegate.HEXAGON: ("hexagon", "tflitehexagondelegate"),
    Delegate.NPU: ("dispatchdelegate",),
}

_FLEX = "tfliteflexdelegate"


def delegation(text: str) -> Delegation | None:
    """A `Replacing …` line."""
    match = _REPLACING.fullmatch(text.strip(" "))
    if match is None:
        return None
    nodes, total, name, partitions, subgraph = match.groups()
    return Delegation(name, int(nodes), integer(total), integer(partitions), integer(subgraph))


def application(text: str) -> Application | None:
    """An `Explicitly applied …` or `Though … is explicitly applied` line."""
    if match := _APPLIED.fullmatch(text.strip(" ")):
        name, extent, kernels = match.groups()
        return Application(name, Extent(extent), integer(kernels))
    if match := _NOTHING.fullmatch(text.strip(" ")):
        return Application(match[1], Extent.NOTHING)
    return None


def partition(text: str) -> Partition | None:
    """A `Partitioned subgraph<…>` line of LiteRT."""
    match = _PARTITIONED.fullmatch(text.strip(" "))
    if match is None:
        return None
    subgraph, nodes, total, partitions = match.groups()
    return Partition(int(nodes), int(total), integer(partitions), int(subgraph))


def fallback(text: str) -> tuple[FallbackKind, Delegate | None] | None:
    """What kind of fallback a line reports, and of which delegate."""
    if _FULLY.fullmatch(text.strip(" ")):
        return FallbackKind.PARTIAL, None
    return next(((kind, of) for kind, of, phrase in _NOTICES if phrase in text), None)


def is_of(delegate: Delegate, name: str) -> bool:
    """Whether a name that the runtime or the tool printed is that of `delegate`."""
    name = name.lower()
    return any(
        name == known or (known.endswith("_") and name.startswith(known))
        for known in _NAMES.get(delegate, ())
    )


def is_foreign(name: str) -> bool:
    """Whether a name is of none of `Delegate`, as `TfLiteQnnDelegate` and `EXTERNAL` are.

    TensorFlow's own operators run on the CPU, whichever delegate was asked for.
    """
    return name.lower() != _FLEX and not any(is_of(it, name) for it in Delegate)


def ran(
    delegate: Delegate,
    delegations: Iterable[Delegation],
    applications: Iterable[Application],
    fallbacks: Iterable[Fallback],
) -> bool | None:
    """Whether `delegate` ran any of the model; None where the output does not say.

    One notice against it outweighs all that was announced before: the runtime prints `Replacing …`
    before it knows whether the delegate works.
    """
    kinds = {notice.kind for notice in fallbacks if notice.concerns(delegate)}
    applied = [it.extent for it in applications if is_of(delegate, it.delegate)]
    if FallbackKind.UNDONE in kinds or Extent.NOTHING in applied:
        return False
    took = [it.nodes for it in delegations if is_of(delegate, it.delegate)]
    if applied or any(took):
        return True
    return False if took or FallbackKind.NOT_RUN in kinds else None

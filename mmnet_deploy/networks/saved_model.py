"""A TensorFlow SavedModel, searched for risky operators before any of it runs.

Loading one already runs functions of the file, such as the initializer of a table. So the
file itself is searched first: every node of its graph and of its function library, which
holds the bodies of branches, loops and nested functions.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.files import read_regular, reason

INIT_OP = "__saved_model_init_op"
"""An entry of TensorFlow among the signatures, which is not one."""

MOST_GRAPH_BYTES = 2**31 - 1
"""Size of the largest graph that TensorFlow's format can hold."""

MOST_CONSTANTS = 2**24
"""Number of elements that constants may have without being stored one by one."""

# TensorFlow marks operators that have effects beyond their outputs as stateful. All of them
# are refused except these: variables, tables in memory, calls, checks, arrays, random numbers.
_HARMLESS = re.compile(
    "VarHandleOp|VarIsInitializedOp|VariableShape|ReadVariableOp|DisableCopyOnRead|"
    "Assign(Add|Sub)?VariableOp|DestroyResourceOp|ResourceGather(Nd)?|GuaranteeConst|"
    "ResourceStridedSliceAssign|(Mutable)?HashTableV2|InitializeTableV2|"
    "LookupTable(Export|Find|Import|Insert|Size)V2|StatefulPartitionedCall|If|While|Case|"
    "Assert|CheckNumerics(V2)?|TensorArray[A-Za-z]*V3|Multinomial|TruncatedNormal|"
    "Random(Uniform|UniformInt|StandardNormal|Shuffle)|NonDeterministicInts|"
    "Rng(ReadAnd)?Skip|StatelessRandomGetAlg|"
    "Stateful(Uniform|UniformInt|UniformFullInt|StandardNormalV2|TruncatedNormal)"
)
# Operators that TensorFlow calls stateless although they read or write files, run Python or
# end the process.
_RISKY = re.compile(
    "ReadFile|MatchingFiles|PyFunc|InitializeTableFromTextFile|GenerateVocabRemapping|"
    "ImmutableConst|Abort|Debug|Dataset|Reader"
)
_CHECKPOINT = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints"})
"""Operators of the functions that save and restore, which every file has and nothing calls."""


@dataclasses.dataclass(frozen=True)
class SavedModel:
    """One signature of a loaded SavedModel.

    Attributes:
        root: What was loaded; without a reference to it, the variables are gone.
        signature: The function.
    """

    root: Any
    signature: Any

    model = None

    @property
    def engine(self) -> str:
        """What computes it, with versions."""
        return f"tensorflow {tf.__version__}, SavedModel"

    @property
    def inputs(self) -> dict[str, tuple[tuple[int | None, ...] | None, str]]:
        """Shape, None if it is not known at all, and type of each input, by name."""
        specs = self.signature.structured_input_signature[1]
        return {
            name: (None if spec.shape.rank is None else tuple(spec.shape), spec.dtype.name)
            for name, spec in specs.items()
        }

    @property
    def parameters(self) -> int:
        """Number of elements of the variables; states of random generators do not count."""
        weights = [variable for variable in self.signature.variables if variable.dtype.is_floating]
        return sum(variable.shape.num_elements() for variable in weights)

    def call(self, image: Any) -> Mapping[str, Any]:
        """From the one input to the outputs by name."""
        return self.signature(
            **{name: tf.cast(image, kind) for name, (_, kind) in self.inputs.items()}
        )

    def predict(self, image: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """The same on arrays."""
        return {name: output.numpy() for name, output in self.call(image).items()}


def load(folder: Path, *, unsafe: bool = False) -> SavedModel:
    """Load the signature `serving_default`, or the only one there is.

    Args:
        unsafe: Load it even if it could read or write files or run Python.

    Raises:
        ModelFileError: It is damaged, has no signature or too many, or could do what only
            `unsafe` allows.
    """
    _check(folder, unsafe)
    try:
        loaded = tf.saved_model.load(str(folder))
    except Exception as error:  # TensorFlow passes on whatever the damage leads to.
        detail = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelFileError(f"{folder} cannot be loaded: it is damaged ({detail}).") from error
    signatures = getattr(loaded, "signatures", {})
    if not isinstance(signatures, Mapping):
        raise ModelFileError(f"{folder} is damaged: its signatures cannot be read.")
    names = sorted({*signatures} - {INIT_OP})
    return SavedModel(loaded, signatures[_chosen(folder, names)])


def _chosen(folder: Path, names: list[str]) -> str:
    if not names:
        raise ModelFileError(
            f"{folder} has no signature: export it with one, as `model.export(folder)` of Keras 3 "
            "or tf.saved_model.save(module, folder, signatures=…) does."
        )
    if "serving_default" in names:
        return "serving_default"
    if len(names) > 1:
        raise ModelFileError(
            f"{folder} must have a signature `serving_default`, or only one. "
            f"Received: {', '.join(names)}."
        )
    return names[0]


# --- What is in the file -----------------------------------------------------


def _check(folder: Path, unsafe: bool) -> None:
    """Make sure that the file is complete and, unless `unsafe`, that it may be run.

    Raises:
        ModelFileError: It is damaged, or holds operators that are unknown or risky.
    """
    content = saved_model_pb2.SavedModel()
    try:
        content.ParseFromString(read_regular(folder / "saved_model.pb", MOST_GRAPH_BYTES))
    except OSError as error:
        raise ModelFileError(f"{folder} cannot be read: {reason(error)}.") from error
    except Exception as error:  # Protobuf's own kind.
        raise ModelFileError(f"{folder} is damaged: saved_model.pb cannot be read.") from error
    if not content.meta_graphs:
        raise ModelFileError(f"{folder} is damaged: saved_model.pb holds no graph.")
    for file in (folder / "variables").glob("*"):
        if not file.is_file():
            raise ModelFileError(f"{folder} is refused: {file.name} is not a regular file.")
    for graph in content.meta_graphs:
        _require_bounded(folder, graph)
    graph = content.meta_graphs[0]
    if unsafe:
        return
    # The condition on which TensorFlow uses its old loader, which runs parts of the graph.
    if len(content.meta_graphs) > 1 or not graph.HasField("object_graph_def"):
        raise ModelFileError(
            f"{folder} has the format of TensorFlow 1, which cannot be checked before it runs: "
            "export it again with TensorFlow 2; `--unsafe` loads it if you trust its source."
        )
    unknown, risky = _suspects(graph)
    if unknown:
        raise ModelFileError(
            f"{folder} needs operators that TensorFlow {tf.__version__} does not have: "
            f"{', '.join(unknown)}."
        )
    if risky:
        raise ModelFileError(
            f"{folder} holds operators that could read or write files or run Python: "
            f"{', '.join(risky)}; `--unsafe` loads it if you trust its source."
        )


def _require_bounded(folder: Path, graph: Any) -> None:
    """Make sure that the constants do not claim far more than the file stores.

    One number may stand for a whole tensor of any shape.

    Raises:
        ModelFileError: They do.
    """
    claimed = sum(
        math.prod(max(dim.size, 0) for dim in node.attr["value"].tensor.tensor_shape.dim)
        for nodes in [graph.graph_def.node, *(f.node_def for f in graph.graph_def.library.function)]
        for node in nodes
        if node.op == "Const"
    )
    if claimed > MOST_CONSTANTS + graph.ByteSize():
        raise ModelFileError(
            f"{folder} must have constants of at most {MOST_CONSTANTS:,} numbers beyond those "
            f"that it stores. Received: {claimed:,}. It is damaged, or made to fill the memory."
        )


def _suspects(graph: Any) -> tuple[list[str], list[str]]:
    """The unknown operators of a MetaGraphDef, and the risky ones."""
    library = {
        function.signature.name: function.node_def for function in graph.graph_def.library.function
    }
    # The object graph lists what can be called: signatures, and what loading itself runs.
    callable_, waiting = set(), list(graph.object_graph_def.concrete_functions)
    while waiting:
        name = waiting.pop()
        if name in library and name not in callable_:
            callable_.add(name)
            waiting += [called for node in library[name] for called in _called(node)]
    unknown, risky = set(), set()
    for name, nodes in [*library.items(), ("", graph.graph_def.node)]:
        tolerated = {*library} if name in callable_ else {*library} | _CHECKPOINT
        for operator in {node.op for node in nodes} - tolerated:
            definition = op_def_registry.get(operator)
            if definition is None:
                unknown.add(operator)
            elif _HARMLESS.fullmatch(operator):
                continue
            elif definition.is_stateful or _RISKY.search(operator):
                risky.add(operator)
    return sorted(unknown), sorted(risky)


def _called(node: Any) -> Iterator[str]:
    """Names of the functions that a node calls: its operator, or held in its attributes."""
    yield node.op
    for value in node.attr.values():
        yield from (function.name for function in (value.func, *value.list.func))

"""A TFLite file as a graph of operators that can be read, counted and rewritten.

Operators hold their tensors and tensors hold their values, so that a rewrite is a change
of references; `file_format` numbers what is left.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.tflite import file_format
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.runtime import schema
from mmnet_deploy.tflite.schema import IDENTIFIER, DamageError, reading


def _listed(numbers: Iterable[int] | None) -> Iterable[int]:
    """The entries of a vector, which a file may leave out."""
    return () if numbers is None else numbers


class Graph:
    """The main subgraph of a model.

    Attributes:
        ops: In the order of execution.
        inputs, outputs: The model's own, in the order of its signature.
        subgraphs: Number of subgraphs of the file; only a file with one can be rewritten.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.subgraphs = len(model.subgraphs or ())
        if not self.subgraphs:
            raise DamageError("it holds no graph")
        main = model.subgraphs[0]
        tensors = file_format.read_tensors(model)
        self._numbers = {id(tensor): index for index, tensor in enumerate(tensors)}
        self.inputs = [file_format.numbered(tensors, index) for index in _listed(main.inputs)]
        self.outputs = [file_format.numbered(tensors, index) for index in _listed(main.outputs)]
        self.ops = file_format.read_ops(model, tensors)

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "The TFLite model") -> Graph:
        """Read the content of a `.tflite` file.

        Args:
            name: The file, for messages.

        Raises:
            ModelFileError: It is damaged, or is not a TFLite file.
        """
        if content[4:8] != IDENTIFIER:
            raise ModelFileError(f"{name} is not a TFLite model.")
        with reading(name):
            file_format.check_extent(content)
            return cls(schema().ModelT.InitFromPackedBuf(content))

    # --- Looking around

    def producers(self) -> dict[int, Op]:
        """The operator that computes a tensor, by the tensor's id()."""
        return {id(tensor): op for op in self.ops for tensor in op.outputs}

    def readers(self) -> dict[int, list[Op]]:
        """The operators that read a tensor, by the tensor's id(); each of them once."""
        found: dict[int, list[Op]] = {}
        for op in self.ops:
            for key in {id(tensor) for tensor in op.inputs if tensor is not None}:
                found.setdefault(key, []).append(op)
        return found

    def readers_of(self, tensor: Tensor) -> list[Op]:
        """The operators that read a tensor; `readers` is faster for many of them."""
        return self.readers().get(id(tensor), [])

    def is_output(self, tensor: Tensor) -> bool:
        """Whether the model gives this tensor to its user."""
        return any(other is tensor for other in self.outputs)

    def constants(self) -> Iterator[Tensor]:
        """Every constant once, in the order of use."""
        seen: set[int] = set()
        for op in self.ops:
            for tensor in op.inputs:
                if tensor is not None and tensor.data is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield tensor

    def index(self, tensor: Tensor) -> int:
        """Number of a tensor in the file that was read, as the interpreter counts."""
        return self._numbers[id(tensor)]

    def names(self) -> tuple[dict[int, str], dict[int, str]]:
        """What the model's first signature calls its inputs and outputs, by their id().

        Without a signature, or where it does not name a tensor, that is the tensor's own name.
        """
        signature = (self._model.signatureDefs or [None])[0]
        sides = []
        for side, tensors in (("inputs", self.inputs), ("outputs", self.outputs)):
            entries = (getattr(signature, side) or []) if signature else []
            said = {entry.tensorIndex: file_format.text(entry.name) for entry in entries}
            sides.append({id(it): said.get(self.index(it), it.name) for it in tensors})
        return sides[0], sides[1]

    def cut(self, outputs: Sequence[Tensor]) -> bytes:
        """A file that computes these tensors instead of the model's outputs, from all its inputs.

        It has one signature, which calls them `input_0`, …, and `output_0`, …; this graph stays as
        it is.

        Args:
            outputs: Computed by operators.

        Raises:
            ModelFileError: There are more subgraphs, which would be lost.
        """
        part = copy.copy(self)
        part.outputs = list(outputs)
        part._model = file_format.with_ends(
            self._model, self._ends(self.inputs), self._ends(outputs)
        )
        part.remove_unused()
        return part.to_bytes()

    def _ends(self, tensors: Sequence[Tensor]) -> list[int]:
        return [self.index(tensor) for tensor in tensors]

    # --- Rewriting

    def replace_tensor(self, old: Tensor, new: Tensor) -> None:
        """Let every reader of `old`, the model's user among them, read `new`."""
        for op in self.ops:
            op.inputs = [new if tensor is old else tensor for tensor in op.inputs]
        self.outputs = [new if tensor is old else tensor for tensor in self.outputs]

    def insert(self, place: Op, ops: Sequence[Op]) -> None:
        """Put operators right before `place`."""
        index = next(i for i, op in enumerate(self.ops) if op is place)
        self.ops[index:index] = ops

    def remove(self, op: Op) -> None:
        """Take an operator out; nothing may read what it computed."""
        self.ops = [other for other in self.ops if other is not op]

    def remove_unused(self) -> None:
        """Take out the operators whose results nobody reads."""
        needed = {id(tensor) for tensor in self.outputs}
        kept = []
        for op in reversed(self.ops):
            if any(id(tensor) in needed for tensor in op.outputs):
                kept.append(op)
                needed |= {id(tensor) for tensor in op.inputs if tensor is not None}
        self.ops = kept[::-1]

    def to_bytes(self) -> bytes:
        """The graph as a `.tflite` file; the same graph gives the same bytes.

        Metadata and signatures are those of the file that was read.

        Raises:
            ModelFileError: There are more subgraphs, which would be lost.
        """
        if self.subgraphs > 1:
            raise ModelFileError(
                f"The network has loops or branches ({self.subgraphs} subgraphs), which cannot "
                "be rewritten."
            )
        return file_format.write(self.ops, self.inputs, self.outputs, self._model)

"""Running a `.tflite` file, with the TFLite runtime of `mmnet_deploy.tflite.runtime`."""

from __future__ import annotations

import dataclasses
import hashlib
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.downloads import published
from mmnet_deploy.errors import MissingDependencyError, ModelFileError
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import ALPHA, Meaning, Output
from mmnet_deploy.tflite import app_metadata, ends, trial
from mmnet_deploy.tflite.card import described, read_model
from mmnet_deploy.tflite.ends import PictureInput
from mmnet_deploy.tflite.half_precision import allows, entry, with_entry
from mmnet_deploy.tflite.runtime import runtime, runtime_name
from mmnet_deploy.tflite.trial import foreign

_WITHOUT_HALF_PRECISION = ("x86_64", "amd64", "i386", "i686", "x86")
"""Machines on which XNNPACK ignores a file's leave to compute in half precision."""


def transparent_interpreter(content: bytes, threads: int = 1) -> Any:
    """An allocated interpreter that keeps the value of every tensor.

    The built-in kernels run the graph: a delegate shows none of the values that it computes
    on the way. The model is tried in another process first.

    Raises:
        CrashError: The model crashes the runtime.
        ModelFileError: The runtime cannot load it.
    """
    module = runtime()
    verdict = trial.shared(module.__name__).verdict(
        content, "none", threads=threads, keeps_tensors=True
    )
    if verdict.stage == "crash":
        raise foreign.crash("The model", verdict, "none")
    return built_in_interpreter(content, threads, keeps_tensors=True)


def built_in_interpreter(content: bytes, threads: int = 1, *, keeps_tensors: bool = False) -> Any:
    """An allocated interpreter of a file that was made here, with the built-in kernels.

    Args:
        keeps_tensors: Whether it keeps the value of every tensor.

    Raises:
        ModelFileError: The runtime cannot load it.
    """
    module = runtime()
    try:
        interpreter = module.Interpreter(
            model_content=content,
            num_threads=threads,
            experimental_op_resolver_type=module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            experimental_preserve_all_tensors=keeps_tensors,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelFileError(
            f"The built-in kernels of {runtime_name()} cannot run the model: "
            f"{foreign.brief(str(error))}."
        ) from error
    return interpreter


class TFLiteModel:
    """A loaded `.tflite` file.

    A file that is read is tried in another process first, since a damaged one may crash the
    runtime; see `trial`.

    Args:
        path: The file.
        threads: Number of threads of the interpreter.
        content: Content of a file that was made here; by default it is read. With it, `path`
            need not exist.
        delegate: `xnnpack` to let the runtime apply it as it does by default, or `none` for
            the built-in kernels.
        half_precision: Whether a file that may compute in half precision does so where this
            computer's cores can. By default it computes in float32, so that mattes and scores are
            the same on every computer.

    Attributes:
        overruled: A line on what the file's TFLITE_METADATA says otherwise than `require_matting`
            was told; empty if nothing.

    Raises:
        CrashError: It crashes the runtime.
        ModelFileError: It cannot be read, or is not a complete TFLite model.
        DelegateRefusedError: It runs with the other delegate only.
    """

    def __init__(
        self,
        path: Path,
        threads: int = 1,
        content: bytes | None = None,
        delegate: str = "xnnpack",
        *,
        half_precision: bool = False,
    ) -> None:
        self.path = path
        self.overruled = ""
        self._ends: tuple[PictureInput, Output] | None = None
        self._content = read_model(path) if content is None else content
        if not half_precision and platform.machine().lower() not in _WITHOUT_HALF_PRECISION:
            self._content = _in_float32(self._content)
        module = runtime()
        # A file that failed to run there is not run here.
        self._problem = ""
        if content is None:
            self._problem = foreign.check(path, self._content, delegate, threads)
        try:
            resolvers = module.OpResolverType
            self._interpreter = module.Interpreter(
                model_content=self._content,
                num_threads=threads,
                experimental_op_resolver_type=resolvers.AUTO
                if delegate == "xnnpack"
                else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            self._interpreter.allocate_tensors()
            self.inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
            self.outputs: list[dict[str, Any]] = self._interpreter.get_output_details()
            self._operators = self._interpreter._get_ops_details()
        except (ValueError, RuntimeError) as error:
            foreign.check(path, self._content, delegate, threads)  # It may say more.
            raise ModelFileError(foreign.unloadable(path, str(error))) from error
        self.card = described(path, self._content)
        # A batch of unknown size runs as one picture; a picture of unknown size, as one pixel.
        if any(-1 in tensor["shape_signature"][1:] for tensor in self.inputs):
            shapes = [tuple(map(int, tensor["shape_signature"])) for tensor in self.inputs]
            raise ModelFileError(
                f"{path} has no fixed input size: convert it with one. Received: {shapes}."
            )

    @property
    def delegate(self) -> str:
        """What runs the graph: `xnnpack`, or `none` for the built-in kernels."""
        delegated = any(operator["op_name"] == "DELEGATE" for operator in self._operators)
        return "xnnpack" if delegated else "none"

    @property
    def partitions(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the operators that the delegate took, in one tuple per partition.

        All others run in the built-in kernels.
        """
        # The runtime lists the file's operators first and then those that replace some of them,
        # but not which: the replaced ones lie between a replacement's inputs and outputs.
        operators = [item for item in self._operators if item["op_name"] != "DELEGATE"]
        producers = {
            int(tensor): number
            for number, operator in enumerate(operators)
            for tensor in operator["outputs"]
        }
        partitions = []
        for replacement in self._operators[len(operators) :]:
            outside = {int(tensor) for tensor in replacement["inputs"]}
            pending = [int(tensor) for tensor in replacement["outputs"]]
            taken: set[int] = set()
            while pending:
                tensor = pending.pop()
                number = producers.get(tensor, -1)
                if tensor not in outside and number >= 0 and number not in taken:
                    taken.add(number)
                    pending += [int(other) for other in operators[number]["inputs"]]
            partitions.append(tuple(sorted(taken)))
        return tuple(partitions)

    def fill_inputs(self, seed: int = 0) -> None:
        """Set every input to seeded noise: 0 … 1, or the whole range of an integer type."""
        rng = np.random.default_rng(seed)
        for tensor in self.inputs:
            shape, dtype = tensor["shape"], np.dtype(tensor["dtype"])
            if np.issubdtype(dtype, np.integer):
                limits = np.iinfo(dtype)
                noise = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
            else:
                noise = rng.random(shape)
            self._interpreter.set_tensor(tensor["index"], noise.astype(dtype))

    def set_inputs(self, contents: Sequence[bytes]) -> None:
        """Set every input to raw bytes, little-endian."""
        for tensor, content in zip(self.inputs, contents, strict=True):
            values = np.frombuffer(content, np.dtype(tensor["dtype"]).newbyteorder("<"))
            values = values.astype(tensor["dtype"]).reshape(tensor["shape"])
            self._interpreter.set_tensor(tensor["index"], values)

    def raw_outputs(self) -> list[tuple[dict[str, Any], bytes]]:
        """Details and bytes, little-endian, of every output tensor."""
        found = []
        for tensor in self.outputs:
            values = self._interpreter.get_tensor(tensor["index"])
            found.append((tensor, values.astype(values.dtype.newbyteorder("<")).tobytes()))
        return found

    def invoke(self) -> None:
        """Run the network once on the inputs that were set.

        Raises:
            ModelFileError: The runtime cannot run it.
        """
        if self._problem:
            raise ModelFileError(f"{self.path} does not run: {foreign.brief(self._problem)}.")
        try:
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(
                f"{self.path} does not run: {foreign.brief(str(error))}."
            ) from error

    def require_matting(self, meaning: Meaning | None = None) -> tuple[PictureInput, Output]:
        """Make sure that the model takes one picture and gives one matte.

        Args:
            meaning: What is said of the two besides what the file says; it counts from now on.

        Returns:
            How a picture becomes the input, and how the output becomes a matte.

        Raises:
            ModelFileError: Its inputs or outputs are others.
            UsageError: What is said contradicts the file, or does not suffice.
        """
        meaning = meaning or Meaning()
        if len(self.inputs) != 1 or len(self.outputs) != 1:
            inputs, outputs = (
                [tuple(map(int, tensor["shape"])) for tensor in end]
                for end in (self.inputs, self.outputs)
            )
            raise ModelFileError(
                f"{self.path} is not a matting network: one input, the picture, and one output, "
                f"the matte, are needed. Received: {inputs} to {outputs}."
            )
        (source,), (target,) = self.inputs, self.outputs
        if self.card is not None:
            ends.require_agreement(self.path, meaning, self.card)
        else:
            meaning, self.overruled = _completed(meaning, self.path, self._content, source)
        picture = ends.input_of(self.path, source, meaning, self.card)
        tensors = self._interpreter.get_tensor_details()
        classes = ends.classes_of(int(target["index"]), self._operators, tensors)
        matte = ends.tensor_output(self.path, target, picture, meaning, self.card, classes)
        self._ends = picture, matte
        return self._ends

    def _matting_ends(self) -> tuple[PictureInput, Output]:
        return self._ends or self.require_matting()

    def prepare(self, image: pictures.Picture) -> NDArray[Any]:
        """A picture, uint8 (h, w, 3), as the input tensor holds it.

        It does not use the interpreter, so it may run at the same time.

        Raises:
            ModelFileError, UsageError: As `require_matting`, unless that was called.
        """
        picture, _ = self._matting_ends()
        return picture.tensor(image)

    def infer(self, tensor: NDArray[Any]) -> NDArray[np.float32]:
        """Alpha, at the network's own resolution and in 0 … 1, of what `prepare` gave.

        Raises:
            ModelFileError: The model does not run, or gives no matte.
            ModelFileError, UsageError: As `require_matting`, unless that was called.
        """
        _, matte = self._matting_ends()
        return matte.matte(self.run(tensor))

    def run(self, tensor: NDArray[Any]) -> NDArray[Any]:
        """The one output, as real numbers, of the one input.

        Raises:
            ModelFileError: The model does not run.
        """
        source, target = self.inputs[0], self.outputs[0]
        self._interpreter.set_tensor(source["index"], tensor)
        self.invoke()
        values = self._interpreter.get_tensor(target["index"])
        if values.shape != tuple(target["shape"]):
            raise ModelFileError(
                f"{self.path} must give an output of the shape {tuple(map(int, target['shape']))}, "
                f"as it says. It computed {values.shape}: it is damaged, or its size varies."
            )
        return ends.real(values, target)

    def matte(self, image: pictures.Picture) -> NDArray[np.float32]:
        """Alpha of a picture, uint8 (h, w, 3): `prepare` and `infer`."""
        return self.infer(self.prepare(image))


def _completed(
    meaning: Meaning, path: Path, content: bytes, source: ends.Details
) -> tuple[Meaning, str]:
    """What is said of a file of others, with what its TFLITE_METADATA says besides.

    And what this says otherwise, which does not count.
    """
    try:
        said = app_metadata.read(content, str(path))
    except (ModelFileError, MissingDependencyError):
        return meaning, ""  # `inspect` tells of damaged metadata; nothing else needs it.
    if said is None:
        return meaning, ""
    is_float = np.dtype(source["dtype"]).kind == "f"  # The parameters of integers say it.
    if published.by_sha256(hashlib.sha256(content).hexdigest()) is not None:
        # Others' metadata may be wrong, and an option comes first; that of these is right.
        told = app_metadata.completed(Meaning(), said, str(path), is_float=is_float)
        known = dataclasses.replace(told, output=told.output or ALPHA)
        meaning.require_agreement(str(path), known, (0,))
    return (
        app_metadata.completed(meaning, said, str(path), is_float=is_float),
        app_metadata.overruled(meaning, said, str(path), is_float=is_float),
    )


def _in_float32(content: bytes) -> bytes:
    """A file without leave to compute in half precision; one that has none is not touched."""
    try:
        return with_entry(content, "") if allows(entry(content)) else content
    except (ModelFileError, MissingDependencyError):
        return content  # It is damaged, which others say, or the runtime is older than the entry.


def tensor_bytes(tensor: dict[str, Any]) -> int:
    """Size of an input or output, in bytes."""
    return int(np.prod(tensor["shape"])) * np.dtype(tensor["dtype"]).itemsize

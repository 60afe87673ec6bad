"""TFLite files, on LiteRT: by the model's first signature where it has one, else by the names of its tensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from slipway_server.backends.base import Cancellation, ModelError
from slipway_server.backends.declared import held
from slipway_server.backends.refusals import said, uncomputable
from slipway_server.values.signature import Signature, Tensor, dtype_of_numpy
from slipway_server.values.tensors import Array


class LiteRtSession:
    """One loaded model. `run` may be called from one thread at a time; a run cannot be ended early."""

    def __init__(self, path: Path, threads: int, declared: Signature | None = None) -> None:
        """Load the model.

        Args:
            path: the TFLite file.
            threads: how many may work on one operator.
            declared: what its lock says it takes and gives.

        Raises:
            ModelError: no TFLite file, one with operators that LiteRT does not have, types that cannot be served, or
                another model than the lock is of.
        """
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            signatures = self._interpreter.get_signature_list()
            self._interpreter.allocate_tensors()
            self._runner = self._interpreter.get_signature_runner(next(iter(signatures))) if signatures else None
        # LiteRT raises ValueError and RuntimeError, with the reason in their words.
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{path}: LiteRT cannot load it: {said(error)}") from None
        if self._runner is not None:
            inputs, outputs = self._runner.get_input_details(), self._runner.get_output_details()
        else:
            inputs = {_plain(each["name"]): each for each in self._interpreter.get_input_details()}
            outputs = {_plain(each["name"]): each for each in self._interpreter.get_output_details()}
        try:
            found = Signature(_tensors(inputs), _tensors(outputs), {}, "litert")
        except ValueError as error:
            raise ModelError(f"{path}: {error}") from None
        self.signature = held(found, declared, path)
        self._places = {name: each["index"] for name, each in {**inputs, **outputs}.items()}
        self._shapes = {tensor.name: tuple(inputs[tensor.name]["shape"]) for tensor in self.signature.inputs}

    def run(self, inputs: Mapping[str, Array], cancellation: Cancellation | None = None) -> dict[str, Array]:  # noqa: ARG002 - LiteRT has no way to end a run
        """Return the outputs by name; tensors are laid out anew when shapes are others than those of the last run."""
        try:
            # What a model keeps between runs, as recurrent ones do, would reach from one caller to the next.
            self._interpreter.reset_all_variables()
            if self._runner is not None:
                return dict(self._runner(**inputs))
            return self._by_tensors(inputs)
        except (RuntimeError, ValueError) as error:
            raise uncomputable(said(error)) from None

    def _by_tensors(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        shapes = {name: array.shape for name, array in inputs.items()}
        if shapes != self._shapes:
            for name, shape in shapes.items():
                self._interpreter.resize_tensor_input(self._places[name], shape)
            self._interpreter.allocate_tensors()
            self._shapes = shapes
        for name, array in inputs.items():
            self._interpreter.set_tensor(self._places[name], array)
        self._interpreter.invoke()
        return {
            tensor.name: self._interpreter.get_tensor(self._places[tensor.name]) for tensor in self.signature.outputs
        }


def _tensors(details: Mapping[str, Mapping[str, Any]]) -> tuple[Tensor, ...]:
    return tuple(_tensor(name, each) for name, each in details.items())


def _tensor(name: str, details: Mapping[str, Any]) -> Tensor:
    shape = tuple(int(size) if size >= 0 else None for size in details.get("shape_signature", details["shape"]))
    return Tensor(name, dtype_of_numpy(np.dtype(details["dtype"])), shape)


def _plain(name: str) -> str:
    """The name that a tensor had before TensorFlow's exporter wrote `serving_default_NAME:0`."""
    return name.removeprefix("serving_default_").split(":", 1)[0]

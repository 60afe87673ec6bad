"""Load a TorchScript file or a torch.export archive into PyTorch and run it, on CPUs."""

import os
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

# Before PyTorch is imported: torch.export.load asks for whole pickles, which run what is in them.
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
# OpenMP's threads that spin while they wait for work burn the CPU quota that the event loop needs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import torch  # type: ignore[import-not-found]

from slipway_server.backends.base import Cancellation, ModelError
from slipway_server.backends.declared import needed
from slipway_server.backends.refusals import given_up, uncomputable, unlike_lock
from slipway_server.backends.torch.bound import Bound
from slipway_server.values.errors import ModelFault
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import Array
from slipway_server.values.text import shortened

# That TorchScript is deprecated is said in the docs, not at each start.
warnings.filterwarnings("ignore", category=FutureWarning, module="torch.jit")
_CODE = "/code/"
"""TorchScript's own source, which is in the zip files of no other format."""
_NO_TEXT = "BYTES"

Named = Iterator[tuple[str, Any]]


class TorchSession:
    """One loaded model. `run` may be called from one thread at a time; PyTorch cannot end a run early."""

    def __init__(self, path: Path, threads: int, declared: Signature | None, arena_bytes: int | None = None) -> None:
        """Load the model.

        Args:
            path: a file of `torch.jit.save`, or of `torch.export.save`.
            threads: how many may work on one operator.
            declared: what its lock says it takes and gives; TorchScript does not. Outputs have the names of `_named`.
            arena_bytes: memory that weights and what is computed may take.

        Raises:
            ModelError: PyTorch cannot load the file, or the signature has texts, which PyTorch has not.
        """
        signature = needed(declared, path, "a model of PyTorch does not say all that it takes and gives")
        for tensor in (*signature.inputs, *signature.outputs):
            if tensor.dtype == _NO_TEXT or not tensor.is_tensor:
                raise ModelError(f"{path}: `{tensor.name}` is {tensor.dtype}; allowed: tensors of numbers")
        torch.set_num_threads(threads)
        if torch.get_num_interop_threads() != 1:
            torch.set_num_interop_threads(1)
        self.signature = signature
        self._bound = Bound(arena_bytes)
        try:
            self._call = _scripted(path, signature) if _is_script(path) else _exported(path)
        # PyTorch's exceptions share no base class but Exception.
        except Exception as error:
            raise ModelError(f"{path}: PyTorch {torch.__version__} cannot load it: {_said(error)}") from None
        self._bound.loaded()

    def run(self, inputs: Mapping[str, Array], cancellation: Cancellation | None = None) -> dict[str, Array]:
        """Return the outputs by name; see `slipway_server.backends.base.Session`."""
        if cancellation is not None and cancellation.cancelled:
            raise given_up()
        try:
            with self._bound.held(), torch.inference_mode():
                answer = self._call([_given(tensor, inputs[tensor.name]) for tensor in self.signature.inputs])
                found = {name: _array(value) for name, value in _named(answer)}
        except ModelFault:
            raise
        # As above: of the interpreter, of guards, of kernels.
        except Exception as error:
            if self._bound.reached_by(error):
                raise self._bound.too_large() from None
            raise uncomputable(_said(error)) from None
        return {tensor.name: _fitting(tensor, found) for tensor in self.signature.outputs}


def prepare(path: Path) -> None:
    """Import what reads a torch.export archive: 150 MiB that TorchScript does without."""
    if zipfile.is_zipfile(path) and not _is_script(path):
        import_module("torch.export.pt2_archive")


def _is_script(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(_CODE in name for name in archive.namelist())


def _scripted(path: Path, signature: Signature) -> Callable[[list[Any]], Any]:
    """TorchScript, called by the names of forward's arguments where the signature has them, else in its order."""
    module = torch.jit.load(str(path), map_location="cpu").eval()
    names = [tensor.name for tensor in signature.inputs]
    arguments = {argument.name for argument in module.forward.schema.arguments[1:]}
    if arguments.issuperset(names):
        return lambda given: module(**dict(zip(names, given, strict=True)))
    return lambda given: module(*given)


def _exported(path: Path) -> Callable[[list[Any]], Any]:
    """A torch.export archive, with its inputs put where its forward had them."""
    program = torch.export.load(str(path))
    module, order = program.module(), program.call_spec.in_spec

    def call(given: list[Any]) -> Any:
        arguments, by_name = torch.utils._pytree.tree_unflatten(given, order)
        return module(*arguments, **by_name)

    return call


def _given(tensor: Tensor, array: Array) -> Any:
    """A tensor of its own memory, since a model may write into what it is given."""
    given = torch.from_numpy(np.array(array, order="C"))
    return given.to(torch.bfloat16) if tensor.dtype == "BF16" else given


def _named(answer: Any) -> Named:
    """Yield outputs: a dict's by its keys, others as output_0, output_1 ... in the order of the answer."""
    if isinstance(answer, dict) and all(isinstance(value, torch.Tensor) for value in answer.values()):
        yield from ((str(name), value) for name, value in answer.items())
        return
    for index, value in enumerate(torch.utils._pytree.tree_leaves(answer)):
        yield f"output_{index}", value


def _array(value: Any) -> Array:
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        kind = value.layout if isinstance(value, torch.Tensor) else type(value).__name__
        raise ModelFault("outputs", f"have a {kind}", "a model whose outputs are dense tensors: export it again")
    whole: Array = (value.float() if value.dtype == torch.bfloat16 else value).resolve_conj().numpy(force=True)
    return whole


def _fitting(tensor: Tensor, found: Mapping[str, Array]) -> Array:
    array = found.get(tensor.name)
    if array is None or array.dtype != tensor.numpy_dtype or array.ndim != len(tensor.shape):
        gave = ", ".join(found) if array is None else f"{array.dtype} with the shape {list(array.shape)}"
        raise unlike_lock(tensor, gave)
    return array


def _said(error: Exception) -> str:
    """PyTorch's own words: TorchScript's come last, behind a traceback with lines of files elsewhere."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return shortened(lines[-1] if lines else type(error).__name__, 600)

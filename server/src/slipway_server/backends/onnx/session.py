"""Load an ONNX model into ONNX Runtime and run it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import onnxruntime as ort  # type: ignore[import-untyped]

from slipway_server.backends.base import Cancellation, Gpu, ModelError
from slipway_server.backends.onnx import brief, cuda, listed
from slipway_server.backends.refusals import said, too_large, uncomputable
from slipway_server.telemetry.log import log
from slipway_server.values.errors import ModelFault, show
from slipway_server.values.signature import Signature, Tensor, dtype_of, listed_type, symbols_of
from slipway_server.values.tensors import Array

_TENSOR_TYPE = re.compile(r"(optional\()?tensor\((\w+)\)\)?")
# What goes wrong is said by our own messages; ONNX Runtime would also log every bad request.
_LOG_FATAL_ONLY = 4
# What ONNX Runtime says when its arena may not grow any more (bfc_arena.cc).
_ARENA_IS_FULL = "BFCArena"
_SAME_AS_REQUESTED = 1

# Of the logger that stands outside of sessions, too.
ort.set_default_logger_severity(_LOG_FATAL_ONLY)


class OnnxSession:
    """One loaded model. `run` may be called from one thread at a time."""

    def __init__(self, path: Path, threads: int, arena_bytes: int | None = None, gpu: Gpu | None = None) -> None:
        """Load the model.

        Args:
            path: the ONNX file; external data beside it is found by ONNX Runtime.
            threads: how many may work on one operator.
            arena_bytes: memory that its tensors may take: weights, what operators compute, outputs. Texts are not
                counted in it: ONNX Runtime keeps them elsewhere. The first session of a process decides.
            gpu: what of a GPU it computes on; None: on the CPU.

        Raises:
            ModelError: no ONNX file, one that ONNX Runtime cannot run, or types that cannot be served.
            NoAccelerator: there is no GPU that can be used.
        """
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_FATAL_ONLY
        # Threads that spin while they wait for work burn the CPU quota that the event loop needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._tensor_bytes = (arena_bytes if gpu is None else gpu.memory_bytes) or 0
        if arena_bytes is not None:
            _register_arena(arena_bytes)
            options.add_session_config_entry("session.use_env_allocators", "1")
        if not path.is_file():
            raise ModelError(f"{path}: no such file")
        self._arenas = "cpu:0" if gpu is None else "cpu:0;gpu:0"
        providers: list[Any] = ["CPUExecutionProvider"]
        if gpu is not None:
            providers = cuda.providers(gpu.memory_bytes)
            options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        try:
            # Else a session whose GPU fails would be made anew on the CPU, in the middle of serving.
            self._session = ort.InferenceSession(path, options, providers=providers, enable_fallback=0)
        # ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {said(error)}") from None
        if gpu is not None:
            cuda.check_session(self._session)
            log("gpu", memory_bytes=gpu.memory_bytes, **cuda.placement(self._session))
        try:
            self.signature = Signature(
                inputs=(*_inputs(self._session.get_inputs()), *_replaceable(self._session)),
                outputs=tuple(map(_output, self._session.get_outputs())),
                metadata=dict(self._session.get_modelmeta().custom_metadata_map),
            )
        except ValueError as error:
            raise ModelError(f"{path}: {error}") from None
        self._names = [tensor.name for tensor in self.signature.outputs]
        self._listed = [tensor.name for tensor in self.signature.outputs if not tensor.is_tensor]
        self._brief = frozenset(tensor.name for tensor in self.signature.inputs if tensor.dtype == "BF16")
        self._by_values = bool(self._brief) or any(tensor.dtype == "BF16" for tensor in self.signature.outputs)
        if self._by_values and self._listed:
            raise ModelError(f"{path}: has BF16 beside the list `{self._listed[0]}`; allowed: one of the two")

    def run(self, inputs: Mapping[str, Array], cancellation: Cancellation | None = None) -> dict[str, Array]:
        """Return the outputs by name.

        Args:
            inputs: one array per input, of its datatype and a shape that fits it.
            cancellation: for ending the run early.

        Raises:
            BadRequest: the graph cannot compute these values (an index out of range, lengths that do not go
                together ...): a signature cannot say all that a graph demands.
            ModelFault: an output has text that is not UTF-8, which ONNX demands and ONNX Runtime cannot give.
        """
        options = _run_options()
        try:
            with (cancellation or Cancellation()).ending(partial(setattr, options, "terminate", True)):
                results = self._run(inputs, options)
        except UnicodeDecodeError as error:
            problem = f"have text that is not UTF-8: {show(error.object)}"
            raise ModelFault("outputs", problem, "a model whose texts are UTF-8: export it again") from None
        # ONNX Runtime's exceptions share no base class but Exception.
        except Exception as error:
            if _ARENA_IS_FULL in str(error) or cuda.OUT_OF_MEMORY in str(error):
                raise too_large(self._tensor_bytes, ", weights included") from None
            if cuda.FAILURE in str(error):
                raise ModelFault("the GPU", f"failed: {said(error)}", "a GPU that works: restart the pod") from None
            raise uncomputable(said(error)) from None
        outputs = dict(zip(self._names, results, strict=True))
        for name in self._listed:
            outputs[name] = listed.as_array(outputs[name])
        return outputs

    def _run(self, inputs: Mapping[str, Array], options: ort.RunOptions) -> list[Array]:
        """Run the model, again if the arena is full of pieces that are free but too small for what is needed now."""
        for shrinks in (False, True):
            if shrinks:  # what is free in the arena goes back to the system at the end of each run, be it in vain
                options.add_run_config_entry("memory.enable_memory_arena_shrinkage", self._arenas)
            try:
                return self._once(inputs, options)
            except Exception as error:
                if _ARENA_IS_FULL not in str(error):
                    raise
        return self._once(inputs, options)

    def _once(self, inputs: Mapping[str, Array], options: ort.RunOptions) -> list[Any]:
        if self._by_values:
            return brief.run(self._session, self._names, inputs, self._brief, options)
        return self._session.run(self._names, inputs, options)  # type: ignore[no-any-return]


def _run_options() -> ort.RunOptions:
    options = ort.RunOptions()
    options.log_severity_level = _LOG_FATAL_ONLY
    return options


def _register_arena(arena_bytes: int) -> None:
    """Have ONNX Runtime allocate within `arena_bytes`; a run that needs more fails, and nothing else does."""
    limits = {
        "max_mem": arena_bytes,
        "arena_extend_strategy": _SAME_AS_REQUESTED,
        "initial_chunk_size_bytes": -1,
        "max_dead_bytes_per_chunk": -1,
    }
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg(limits))


def _inputs(nodes: list[ort.NodeArg]) -> tuple[Tensor, ...]:
    """Return those that each request has, then those that the model can do without."""
    return tuple(sorted(map(_tensor, nodes), key=lambda tensor: tensor.optional))


def _replaceable(session: ort.InferenceSession) -> tuple[Tensor, ...]:
    """Return weights that a request may replace, by name: inputs with a default, of types that can be sent."""
    found: list[Tensor] = []
    for node in sorted(session.get_overridable_initializers(), key=lambda node: str(node.name)):
        try:
            found.append(replace(_tensor(node), optional=True))
        except ValueError:
            continue  # of a type that no request has
    return tuple(found)


def _output(node: ort.NodeArg) -> Tensor:
    if node.type.startswith(("seq(", "map(")):
        return Tensor(node.name, listed_type(node.type), ())
    return replace(_tensor(node), symbols=(), optional=False)


def _tensor(node: ort.NodeArg) -> Tensor:
    match = _TENSOR_TYPE.fullmatch(node.type)
    dtype = dtype_of(match.group(2) if match else node.type)
    shape = tuple(size if isinstance(size, int) and size >= 0 else None for size in node.shape)
    symbols = symbols_of(tuple(size if isinstance(size, str) else None for size in node.shape))
    return Tensor(node.name, dtype, shape, bool(match and match.group(1)), symbols)

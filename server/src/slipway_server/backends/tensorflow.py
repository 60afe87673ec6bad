"""Load a SavedModel or a Keras archive into TensorFlow and run it, on CPUs."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# Before TensorFlow is imported. What goes wrong is said by our own messages, and no GPU is looked for. Its tensors come
# from the allocator that can be bounded, and its kernels from Eigen: oneDNN's end the process where that gives nothing.
os.environ.update(
    TF_CPP_MIN_LOG_LEVEL="3",
    CUDA_VISIBLE_DEVICES="-1",
    KERAS_BACKEND="tensorflow",
    TF_CPU_ALLOCATOR_USE_BFC="true",
    TF_ENABLE_ONEDNN_OPTS="0",
)

import numpy as np
import tensorflow as tf  # type: ignore[import-untyped]

from slipway_server.backends.base import Cancellation, ModelError
from slipway_server.backends.declared import needed
from slipway_server.backends.refusals import given_up, too_large, uncomputable, unlike_lock
from slipway_server.values.errors import ModelFault, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import Array
from slipway_server.values.text import shortened

_SAVED_MODEL = "saved_model.pb"
_SERVED = "serving_default"
_NOT_SAID = ("Graph execution error", "Detected at node", "<stack traces", "[[{{node", "Exception encountered")

Call = Callable[[Sequence[Any]], Mapping[str, Any]]


class TensorflowSession:
    """One loaded model. `run` may be called from one thread at a time; TensorFlow cannot end a run early."""

    def __init__(self, path: Path, threads: int, declared: Signature | None, arena_bytes: int | None = None) -> None:
        """Load the model.

        Args:
            path: the saved_model.pb in the folder of a SavedModel, or a .keras file.
            threads: how many may work on one operator.
            declared: what its lock says it takes and gives.
            arena_bytes: memory that weights and what is computed may take.

        Raises:
            ModelError: TensorFlow cannot load it, or it has layers that are code: Lambda's, or a user's own.
        """
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        if arena_bytes is not None:  # read when the first tensor is made
            os.environ["TF_CPU_BFC_MEM_LIMIT_IN_MB"] = str(max(1, arena_bytes // 2**20))
        self._arena_bytes = arena_bytes
        self.signature = signature = needed(declared, path, "a model of TensorFlow is served as its lock says")
        try:
            self._call = _saved_model(path.parent, signature) if path.name == _SAVED_MODEL else _keras(path, signature)
        except ModelError:
            raise
        # Of TensorFlow, Keras, HDF5 and zip files: they share no base class but Exception.
        except Exception as error:
            raise ModelError(f"{path}: TensorFlow {tf.__version__} cannot load it: {_said(error)}") from None

    def run(self, inputs: Mapping[str, Array], cancellation: Cancellation | None = None) -> dict[str, Array]:
        """Return the outputs by name; see `slipway_server.backends.base.Session`."""
        if cancellation is not None and cancellation.cancelled:
            raise given_up()
        try:
            answer = self._call([_given(tensor, inputs[tensor.name]) for tensor in self.signature.inputs])
            found = {name: value.numpy() for name, value in answer.items()}
        except tf.errors.ResourceExhaustedError:
            raise too_large(self._arena_bytes or 0, ", weights included") from None
        # Of the graph, of kernels, of Keras: as above.
        except Exception as error:
            raise uncomputable(_said(error)) from None
        return {tensor.name: _fitting(tensor, found) for tensor in self.signature.outputs}


def _saved_model(folder: Path, signature: Signature) -> Call:
    loaded = tf.saved_model.load(str(folder))
    known = list(loaded.signatures)
    served = _SERVED if _SERVED in known else known[0] if len(known) == 1 else None
    if served is None:
        raise ModelError(f"{folder}: has the signatures {', '.join(known) or 'none'}; allowed: {_SERVED}")
    names = [tensor.name for tensor in signature.inputs]

    def call(given: Sequence[Any]) -> Mapping[str, Any]:  # keeps what was loaded, without which no variable lives
        answer: Mapping[str, Any] = loaded.signatures[served](**dict(zip(names, given, strict=True)))
        return answer

    return call


def _keras(path: Path, signature: Signature) -> Call:
    """A Keras archive as one graph. In safe mode Keras refuses Lambda layers, whose code would come with the file."""
    import keras  # type: ignore[import-not-found]  # noqa: PLC0415 - a SavedModel needs none of it

    model = keras.models.load_model(path, compile=False, safe_mode=True)
    places = {tensor.name: place for place, tensor in enumerate(model.inputs)}
    order = [places[tensor.name] for tensor in signature.inputs]
    names = getattr(model, "output_names", None) or [model.layers[-1].name]  # a Sequential has one

    def call(*given: Any) -> Mapping[str, Any]:
        placed = [value for _, value in sorted(zip(order, given, strict=True), key=lambda pair: pair[0])]
        answer = model(placed if len(placed) > 1 else placed[0], training=False)
        return dict(zip(names, keras.tree.flatten(answer), strict=True))

    specs = [tf.TensorSpec(tensor.shape, _dtype(tensor)) for tensor in signature.inputs]
    graph: Callable[..., Mapping[str, Any]] = tf.function(call, input_signature=specs)
    return lambda given: graph(*given)


def _dtype(tensor: Tensor) -> Any:
    if tensor.dtype == "BYTES":
        return tf.string
    return tf.bfloat16 if tensor.dtype == "BF16" else tf.as_dtype(tensor.numpy_dtype)


def _given(tensor: Tensor, array: Array) -> Any:
    return tf.constant(array, _dtype(tensor))


def _fitting(tensor: Tensor, found: Mapping[str, Any]) -> Array:
    value = found.get(tensor.name)
    if value is not None:
        array = np.asarray(value)
        if tensor.dtype == "BYTES":
            array = _texts(array)
        elif tensor.dtype == "BF16":
            array = array.astype(np.float32)
        if array.dtype == tensor.numpy_dtype and array.ndim == len(tensor.shape):
            return array
    gave = ", ".join(found) if value is None else f"{np.asarray(value).dtype} with the shape {list(np.shape(value))}"
    raise unlike_lock(tensor, gave)


def _texts(array: Array) -> Array:
    texts = np.empty(array.size, dtype=np.object_)
    for place, item in enumerate(array.ravel()):
        try:
            texts[place] = item.decode()
        except UnicodeDecodeError:
            raise ModelFault(
                "outputs", f"have text that is not UTF-8: {show(item)}", "a model of UTF-8 texts"
            ) from None
    return texts.reshape(array.shape)


def _said(error: Exception) -> str:
    """TensorFlow's own words without the places of its graph."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith(_NOT_SAID)]
    return shortened(lines[0] if lines else type(error).__name__, 600)

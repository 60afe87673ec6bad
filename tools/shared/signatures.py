"""Read what a spec says about a model's inputs, in the words of the open inference protocol (FP32, INT64, ...)."""

import numpy as np
import step

TYPES = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "object",
}


def written(request):
    """The inputs that the step names, {name: (numpy dtype, shape)} with None for a free dimension; empty if none."""
    inputs = {}
    for name, tensor in request.step.get("inputs", {}).items():
        if tensor["dtype"] not in TYPES:
            allowed = ", ".join(TYPES)
            raise step.Refused(f"inputs.{name}.dtype is {tensor['dtype']}", allowed, "name another dtype")
        inputs[name] = (np.dtype(TYPES[tensor["dtype"]]), tuple(tensor["shape"]))
    return inputs


def needed(request, format_says):
    """The inputs that the step names; refused where it names none, because `format_says` none."""
    inputs = written(request)
    if not inputs:
        raise step.Refused(
            f"what the model takes is not known: {format_says}",
            "inputs, by name, each with dtype and shape (null for a dimension that is free)",
            "add to the step, or to artifact where no step converts it, for example inputs: {image: {dtype: FP32, shape: [null, 1, 8, 8]}}",
        )
    return inputs


def settings(inputs, **more):
    """What was used, for `settings` of the result."""
    by_dtype = {dtype: word for word, dtype in TYPES.items()}
    described = {name: {"dtype": by_dtype[str(dtype)], "shape": list(shape)} for name, (dtype, shape) in inputs.items()}
    return {"inputs": described, **more}


def signature(inputs, outputs):
    """What a model takes and gives, {name: (numpy dtype, shape)} each, as a lock has it."""
    return {"inputs": _tensors("input", inputs), "outputs": _tensors("output", outputs)}


def _tensors(what, tensors):
    by_dtype = {np.dtype(dtype): word for word, dtype in TYPES.items()}
    described = []
    for name, (dtype, shape) in tensors.items():
        word = "BYTES" if dtype.kind in "OSU" else by_dtype.get(dtype)
        if word is None:
            allowed = f"tensors of {', '.join(TYPES)}"
            raise step.Refused(f"the {what} {name} is of type {dtype}", allowed, "export the model with another type")
        described.append({"name": name, "dtype": word, "shape": list(shape)})
    return described

"""Convert SavedModel, Keras and HDF5 to ONNX or TFLite, and TFLite to ONNX, held against the original."""

import logging
import warnings

import numpy as np
import onnx
import onnx_answers
import originals
import same_answers
import signatures
import stable_names
import step
import tf2onnx
import tflites

_ALLOWED_ONNX = "operators that tf2onnx converts (https://github.com/onnx/tensorflow-onnx/blob/main/support_status.md)"
_ALLOWED_TFLITE = "operators that LiteRT has (https://ai.google.dev/edge/litert/models/ops_compatibility)"


def run(request):
    """See the module."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    to = request.step["convert"]
    if request.format == "tflite":
        return _from_tflite(request, to)
    step.progress(f"loading {request.format}")
    original = originals.load(request)
    step.progress(f"converting to {to}")
    if to == "onnx":
        path, opset = _onnx(request, original)
        rows = same_answers.random_inputs(original.inputs, request.seed)
        answered = onnx_answers.answers(path, rows)
        used = {"opset": opset}
    else:
        path = _tflite(request, original)
        rows = same_answers.random_inputs(original.inputs, request.seed, rows=1)
        answered = tflites.answers(path, rows)
        used = {"optimizations": []}
    step.progress("asking both")
    expected = original.ask(rows)
    note = same_answers.check(expected, _in_order(expected, answered), request.format)
    return _result(path, to, signatures.settings(original.inputs, **used), note)


def _from_tflite(request, to):
    if to != "onnx":
        raise step.Refused("tflite is what it is already", "convert: onnx, or no step", "remove the step")
    opset = request.step.get("opset", 17)
    path = request.output / "model.onnx"
    try:
        model, _ = tf2onnx.convert.from_tflite(str(request.source), opset=opset)
    except Exception as error:
        raise _refused("tf2onnx", error, _ALLOWED_ONNX) from error
    _refuse_foreign(model)
    stable_names.rename(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    inputs = tflites.inputs(request.source)
    rows = same_answers.random_inputs(inputs, request.seed, rows=1)
    step.progress("asking both")
    expected = tflites.answers(request.source, rows)
    answered = onnx_answers.answers(path, rows)
    return _result(path, to, signatures.settings(inputs, opset=opset), same_answers.check(expected, answered, "tflite"))


def _onnx(request, original):
    opset = request.step.get("opset", 17)
    path = request.output / "model.onnx"
    try:
        model, _ = tf2onnx.convert.from_function(original.function, original.specs, opset=opset)
    except Exception as error:
        raise _refused("tf2onnx", error, _ALLOWED_ONNX) from error
    _refuse_foreign(model)
    stable_names.rename(model)
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path, opset


def _refuse_foreign(model):
    """tf2onnx goes on after an operator that it does not know, and writes it under TensorFlow's name."""
    known = {"", "ai.onnx", "ai.onnx.ml"}
    schemas = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain in known}
    foreign = sorted(
        {node.op_type for node in model.graph.node if node.domain not in known or node.op_type not in schemas}
    )
    if foreign:
        raise step.Refused(
            f"ONNX has no operator for {', '.join(foreign[:5])}",
            _ALLOWED_ONNX,
            "build the model without it, or convert: tflite",
        )


def _tflite(request, original):
    path = request.output / "model.tflite"
    try:
        path.write_bytes(original.converter().convert())
    except Exception as error:
        raise _refused("TFLiteConverter", error, _ALLOWED_TFLITE) from error
    return path


def _in_order(expected, answered):
    """Outputs by their names where both have the same, else in their order, or by their shapes where that is clear."""
    if set(expected) <= set(answered):
        return {name: answered[name] for name in expected}
    if len(answered) != len(expected):
        return answered
    left, found = dict(answered), {}
    for name, array in expected.items():
        shape = np.shape(array)
        match = next((key for key, other in left.items() if np.shape(other) == shape), next(iter(left)))
        found[name] = left.pop(match)
    return found


def _refused(tool, error, allowed):
    return step.Refused(
        f"{tool} cannot convert it: {type(error).__name__}: {step.shortened(error)}",
        allowed,
        "name another opset or shapes by inputs, build the model without that operator, or write a script of your own",
    )


def _result(path, to, settings, note):
    return {
        "main": path.name,
        "format": to,
        "tools": step.versions("tensorflow-cpu", "keras", "tf2onnx", "onnx"),
        "settings": settings,
        "deterministic": True,
        "notes": [note],
    }

"""Ask TFLite files by LiteRT's interpreter."""

import numpy as np
import step
import tensorflow as tf


def inputs(path):
    """What a file takes, {name: (numpy dtype, shape)}, with None for a free dimension."""
    found = {}
    for entry in _interpreter(path).get_input_details():
        shape = entry.get("shape_signature")
        shape = entry["shape"] if shape is None or len(shape) == 0 else shape
        found[entry["name"]] = (np.dtype(entry["dtype"]), tuple(None if size < 0 else int(size) for size in shape))
    return found


def answers(path, given):
    """What it answers to inputs by name, or in their order where its names are others."""
    interpreter = _interpreter(path)
    signatures = interpreter.get_signature_list()
    if signatures and set(next(iter(signatures.values()))["inputs"]) == set(given):
        return interpreter.get_signature_runner(next(iter(signatures)))(**given)
    entries = interpreter.get_input_details()
    arrays = _by_entry(entries, given)
    for entry, array in zip(entries, arrays, strict=True):
        if tuple(entry["shape"]) != array.shape:
            interpreter.resize_tensor_input(entry["index"], array.shape)
    interpreter.allocate_tensors()
    for entry, array in zip(interpreter.get_input_details(), arrays, strict=True):
        interpreter.set_tensor(entry["index"], array)
    interpreter.invoke()
    return {entry["name"]: interpreter.get_tensor(entry["index"]) for entry in interpreter.get_output_details()}


def _by_entry(entries, given):
    """LiteRT sorts inputs its own way and lengthens their names, as in `serving_default_image:0`."""
    left = dict(given)
    arrays = []
    for entry in entries:
        name = next((name for name in left if name in entry["name"]), next(iter(left)))
        arrays.append(left.pop(name))
    return arrays


def _interpreter(path):
    try:
        return tf.lite.Interpreter(model_path=str(path), num_threads=1)
    except Exception as error:
        raise step.Refused(
            f"LiteRT cannot load it: {step.shortened(error)}", "a whole TFLite file", "convert the model again"
        ) from error

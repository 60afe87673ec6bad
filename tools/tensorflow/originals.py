"""Load what TensorFlow and Keras save, as one function of named inputs; nothing of the user's code is run for it."""

import re

import keras
import numpy as np
import signatures
import step
import tensorflow as tf

_SIGNATURE = "serving_default"
_OWN = re.compile(r"(?:Could not locate class|Unknown layer:?) ['\"]?(\w+)")


class Original:
    """A model. `inputs`: {name: (numpy dtype, shape)}; `function`: takes their tensors in that order."""

    def __init__(self, inputs, function, keep, converter):
        self.inputs = inputs
        self.function = tf.function(function)
        self.specs = [tf.TensorSpec(shape, dtype, name) for name, (dtype, shape) in inputs.items()]
        self.converter = converter
        """Makes TensorFlow's own converter to TFLite for it."""
        self._keep = keep  # a SavedModel's variables live as long as it does

    def ask(self, inputs):
        """Answers by output, as arrays."""
        given = self.function(*(tf.constant(inputs[name]) for name in self.inputs))
        return {name: array.numpy() for name, array in given.items()}


def load(request):
    """The model of a request: savedmodel, keras or h5."""
    if request.format == "savedmodel":
        return _saved_model(request)
    return _keras(request)


def told(request):
    """What a model takes and gives by its own word, {name: (numpy dtype, shape)} each."""
    if request.format == "savedmodel":
        _, _, signature = _served(request)
        inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    else:
        model = _whole(request)
        inputs = {tensor.name: tensor for tensor in model.inputs}
        outputs = dict(zip(_output_names(model), model.outputs, strict=True))
    written = signatures.written(request)
    taken = {name: written.get(name) or _told("input", name, spec) for name, spec in inputs.items()}
    return taken, {name: _told("output", name, spec) for name, spec in outputs.items()}


def _told(what, name, spec):
    if spec.shape is None or (isinstance(spec.shape, tf.TensorShape) and spec.shape.rank is None):
        raise step.Refused(
            f"the {what} {name} has no number of dimensions",
            "tensors with a number of dimensions, of any size each",
            "save it with an input_signature that says the shapes",
        )
    return np.dtype(tf.as_dtype(spec.dtype).as_numpy_dtype), tuple(spec.shape)


def _served(request):
    """A SavedModel, the name of the signature that serves, and its function."""
    try:
        loaded = tf.saved_model.load(str(request.source))
    except Exception as error:
        raise _broken("TensorFlow", error) from error
    known = list(loaded.signatures)
    name = _SIGNATURE if _SIGNATURE in known else known[0] if len(known) == 1 else None
    if name is None:
        raise step.Refused(
            f"the SavedModel has {', '.join(known) or 'no'} signatures, and none of them is {_SIGNATURE}",
            f"a SavedModel with the signature {_SIGNATURE}, or with one signature",
            "save it with signatures={'serving_default': ...}, or by model.export(...)",
        )
    return loaded, name, loaded.signatures[name]


def _saved_model(request):
    loaded, name, signature = _served(request)
    inputs = {key: _input(key, spec, request) for key, spec in signature.structured_input_signature[1].items()}

    def converter():
        return tf.lite.TFLiteConverter.from_saved_model(str(request.source), signature_keys=[name])

    return Original(inputs, lambda *given: signature(**dict(zip(inputs, given, strict=True))), loaded, converter)


def _whole(request):
    """A whole model of Keras, without code of anybody's."""
    try:
        return keras.models.load_model(request.source, compile=False, safe_mode=True)
    except Exception as error:
        own = _OWN.search(str(error))
        reason = f"the layer {own[1]} is not Keras's own" if own else step.shortened(error)
        raise step.Refused(
            f"Keras {keras.__version__} cannot load it: {reason}",
            "a whole model of Keras's own layers, without Lambda layers",
            "build it of Keras's own layers, or take the SavedModel that model.export(...) writes where yours are",
        ) from error


def _output_names(model):
    return getattr(model, "output_names", None) or [model.layers[-1].name]  # a Sequential has one


def _keras(request):
    model = _whole(request)
    inputs = {tensor.name: _input(tensor.name, tensor, request) for tensor in model.inputs}
    many = len(inputs) > 1

    def converter():
        return tf.lite.TFLiteConverter.from_keras_model(model)

    outputs = _output_names(model)

    def function(*given):
        answered = model(list(given) if many else given[0], training=False)
        return dict(zip(outputs, keras.tree.flatten(answered), strict=True))

    return Original(inputs, function, model, converter)


def _input(name, spec, request):
    written = signatures.written(request)
    if name in written:
        return written[name]
    dtype = tf.as_dtype(spec.dtype)
    if spec.shape is None or (isinstance(spec.shape, tf.TensorShape) and spec.shape.rank is None):
        return signatures.needed(request, f"the input {name} has no shape")[name]
    if dtype == tf.string:
        raise step.Refused(
            f"the input {name} takes text, for whose operators ONNX has no like",
            "inputs of numbers",
            "save the part of the model behind its text layers, and put their work into input or a hook",
        )
    return np.dtype(dtype.as_numpy_dtype), tuple(spec.shape)


def _broken(library, error):
    allowed = f"a whole file of a version that {library} knows"
    return step.Refused(f"{library} cannot load it: {step.shortened(error)}", allowed, "save the model again")

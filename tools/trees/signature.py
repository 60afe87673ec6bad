"""Say what a model of scikit-learn, XGBoost or LightGBM takes and gives: its file does not, so it is asked."""

import numpy as np
import signatures
import step

import models

_ROWS = 2


def run(request):
    """See the module."""
    model = models.load(request)
    inputs = signatures.written(request) or models.inputs(request, model)
    if len(inputs) != 1:
        raise step.Refused(
            f"has {len(inputs)} inputs",
            "one input, a row of numbers or a text for each answer",
            "fit it on arrays, or convert it for runtime onnxruntime: optimize: [{convert: onnx, inputs: ...}]",
        )
    ((dtype, shape),) = inputs.values()
    size = [_ROWS if entry is None else entry for entry in shape]
    rows = np.full(size, models.words(model)[0], dtype) if dtype.kind == "O" else np.zeros(size, dtype)
    try:
        answered = models.ask(model, rows.ravel() if models.reads_text(model) else rows)
    # Whatever the estimator says of rows that it was not made for.
    except Exception as error:
        raise step.Refused(
            f"{type(model).__name__} does not answer rows of {dtype} {list(shape)}: {step.shortened(error)}",
            "a model that answers an array of numbers or of texts",
            "fit it on arrays, or name inputs with other types",
        ) from error
    outputs = {key: (np.asarray(value).dtype, (None, *np.shape(value)[1:])) for key, value in answered.items()}
    return {
        "signature": signatures.signature(inputs, outputs),
        "tools": step.versions("scikit-learn", "skops", "xgboost-cpu", "lightgbm"),
    }

"""Say what a TFLite file takes and gives, as LiteRT and the model server name it."""

import engines
import numpy as np
import signatures
import step


def run(request):
    """See the module."""
    try:
        engine = engines.load(request.source, request.format, 1)
    # LiteRT says what is wrong with a file in exceptions of several kinds.
    except Exception as error:
        raise step.Refused(
            f"LiteRT cannot load it: {step.shortened(error)}", "a whole TFLite file", "convert the model again"
        ) from error
    inputs, outputs = (
        {tensor.name: (np.dtype(tensor.dtype), tensor.shape) for tensor in tensors}
        for tensors in (engine.inputs, engine.outputs)
    )
    return {"signature": signatures.signature(inputs, outputs), "tools": step.versions("ai-edge-litert")}

"""Ask an ONNX file with the ONNX Runtime that serves, so that a file which it does not load is no result."""

import onnxruntime as ort
import step


def answers(path, inputs):
    """What the file answers to inputs by name: arrays by output, in its order."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise step.Refused(
            f"the result is not loaded by ONNX Runtime {ort.__version__}: {step.shortened(error)}",
            "operators that ONNX Runtime has",
            "name another opset, or convert it with a script of your own",
        ) from error
    names = [output.name for output in session.get_outputs()]
    taken = [entry.name for entry in session.get_inputs()]
    if sorted(taken) != sorted(inputs):
        inputs = dict(zip(taken, inputs.values(), strict=True))
    try:
        return dict(zip(names, session.run(names, inputs), strict=True))
    except Exception as error:
        raise step.Refused(
            f"the result does not run in ONNX Runtime {ort.__version__}: {step.shortened(error)}",
            "a model that answers inputs of the shape that it takes",
            "correct the shape of inputs, or convert it with a script of your own",
        ) from error

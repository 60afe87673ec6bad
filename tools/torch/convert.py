"""Convert TorchScript, torch.export archives and state dicts to ONNX, and hold the result against the original."""

import logging
import warnings

import networks
import onnx
import onnx_answers
import same_answers
import signatures
import step
import torch

_OLDEST_OPSET = 18
"""Of the exporter that takes everything but TorchScript; what it would have to rewrite for an older one, it may not."""
_EXAMPLE_ROWS = 3
"""Not the rows that both are asked for afterwards: a dimension that was frozen at the example shows then."""


def run(request):
    """See the module."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.manual_seed(request.seed)
    step.progress(f"loading {request.format}")
    network, inputs = networks.load(request)
    step.progress("converting to onnx")
    path = request.output / "model.onnx"
    script = request.format == "torchscript"
    opset = request.step.get("opset", 17) if script else max(_OLDEST_OPSET, request.step.get("opset", _OLDEST_OPSET))
    example = _tensors(same_answers.random_inputs(inputs, request.seed, rows=_EXAMPLE_ROWS))
    try:
        if script:
            _trace(network, inputs, example, opset, path)
        else:
            _export(network, inputs, example, opset, path)
    except Exception as error:
        raise step.Refused(
            f"PyTorch's exporter cannot convert it: {type(error).__name__}: {step.shortened(error)}",
            "operators and control flow that it exports (https://docs.pytorch.org/docs/stable/onnx.html)",
            "write sizes in place of null into inputs, export it as torch.export where it was trained, or by a script",
        ) from error
    step.progress("asking both")
    return {
        "main": path.name,
        "format": "onnx",
        "tools": step.versions("torch", "onnx", "onnxscript"),
        "settings": signatures.settings(inputs, opset=opset, exporter="torchscript" if script else "dynamo"),
        "deterministic": True,
        "notes": [_compared(request, network, inputs, path)],
    }


def _trace(network, inputs, example, opset, path):
    """TorchScript is what the older exporter takes, and the newer one does not."""
    free = {
        name: {i: f"{name}_{i}" for i, size in enumerate(shape) if size is None} for name, (_, shape) in inputs.items()
    }
    torch.onnx.export(
        network,
        tuple(example.values()),
        str(path),
        dynamo=False,
        opset_version=opset,
        input_names=list(inputs),
        dynamic_axes=free,
    )


def _export(network, inputs, example, opset, path):
    if isinstance(network, torch.export.ExportedProgram):
        program = torch.onnx.export(network, (), dynamo=True, opset_version=opset, verbose=False)
    else:
        free = tuple(dict.fromkeys(_free(shape), torch.export.Dim.DYNAMIC) for _, shape in inputs.values())
        program = torch.onnx.export(
            network,
            tuple(example.values()),
            dynamo=True,
            opset_version=opset,
            input_names=list(inputs),
            dynamic_shapes=free,
            verbose=False,
        )
    program.save(path)
    model = onnx.load(path, load_external_data=False)
    for part in (model.graph, *model.functions):
        for node in part.node:
            del node.metadata_props[:]  # lines of source files, by their path on this machine
            node.doc_string = ""
    path.write_bytes(model.SerializeToString(deterministic=True))


def _compared(request, network, inputs, path):
    rows = same_answers.random_inputs(inputs, request.seed)
    asked = network.module() if isinstance(network, torch.export.ExportedProgram) else network
    with torch.no_grad():
        given = asked(*_tensors(rows).values())
    flat = torch.utils._pytree.tree_leaves(given)
    expected = {f"output_{index}": tensor.numpy() for index, tensor in enumerate(flat)}
    return same_answers.check(expected, onnx_answers.answers(path, rows), request.format)


def _free(shape):
    return [index for index, size in enumerate(shape) if size is None]


def _tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}

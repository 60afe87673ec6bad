"""Say what a TorchScript file or a torch.export archive takes and gives, as the model server's PyTorch names it.

Neither says all of it, so that it is asked: once with three rows in place of each free dimension, once with five.
"""

import re
import warnings
import zipfile

import networks
import numpy as np
import same_answers
import signatures
import step
import torch

_ROWS = (3, 5)
_FILES = re.compile(rb"\b(?:torch|ops\.aten)\.(?:save|from_file)\b")
"""What of PyTorch's own operators reads and writes files, as TorchScript and torch.export write it."""
_PROGRAMS = (".py", ".json")


def run(request):
    """See the module."""
    warnings.simplefilter("ignore")
    torch.manual_seed(request.seed)
    _refuse_files(request.source)
    step.progress(f"loading {request.format}")
    network, inputs = networks.load(request)
    few, more = (_answers(request, network, inputs, rows) for rows in _ROWS)
    outputs = {name: (few[name].dtype, _shape(few[name], more[name])) for name in few}
    return {"signature": signatures.signature(inputs, outputs), "tools": step.versions("torch")}


def _refuse_files(path):
    """Before anything is loaded, which may run a part of it already."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            found = _FILES.search(archive.read(name)) if name.endswith(_PROGRAMS) else None
            if found:
                raise step.Refused(
                    f"the model reads or writes files ({found[0].decode()} in {name})",
                    "a model that computes its outputs from its inputs and weights",
                    "export it without that operator",
                )


def _answers(request, network, inputs, rows):
    given = {
        name: torch.from_numpy(array)
        for name, array in same_answers.random_inputs(inputs, request.seed, rows=rows).items()
    }
    try:
        with torch.inference_mode():
            return {name: _array(name, value) for name, value in networks.answers(network, given).items()}
    except step.Refused:
        raise
    except Exception as error:
        shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in given.items())
        raise step.Refused(
            f"the model does not answer {shapes}: {step.shortened(error)}",
            "a model that answers every size of the dimensions that are free",
            "correct inputs of the artifact: sizes in place of null where only those will do",
        ) from error


def _array(name, value):
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.dtype not in networks.DTYPES:
        kind = f"tensor of {value.dtype}, {value.layout}" if isinstance(value, torch.Tensor) else type(value).__name__
        allowed = f"dense tensors of {', '.join(signatures.TYPES)}"
        raise step.Refused(f"the output {name} is a {kind}", allowed, "export the model with such outputs")
    return value.numpy(force=True)


def _shape(few, more):
    if few.ndim != more.ndim:
        raise step.Refused(
            f"an output has {few.ndim} dimensions for {_ROWS[0]} rows and {more.ndim} for {_ROWS[1]}",
            "as many dimensions for every request",
            "export the model so",
        )
    return tuple(int(size) if size == other else None for size, other in zip(np.shape(few), np.shape(more), strict=True))

"""Load what PyTorch saves, without unpickling anything but tensors."""

import importlib.util
import os
import sys

os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # also for torch.export.load, which asks for whole pickles

import numpy as np
import safetensors.torch
import signatures
import step
import torch

_SCALARS = {word: getattr(torch, name) for word, name in signatures.TYPES.items() if hasattr(torch, name)}
DTYPES = {dtype: signatures.TYPES[word] for word, dtype in _SCALARS.items()}
"""The numpy name of each type of PyTorch that can be served."""


def load(request):
    """The network of a request, and its inputs {name: (numpy dtype, shape)}, None for a free dimension."""
    if request.format == "torchscript":
        return _torchscript(request), signatures.needed(request, "TorchScript has no shapes")
    if request.format == "torch-export":
        return _exported(request)
    return _of_module(request), signatures.needed(request, f"{request.format} has weights only")


def _torchscript(request):
    try:
        return torch.jit.load(str(request.source), map_location="cpu").eval()
    except Exception as error:
        raise _broken("TorchScript", error) from error


def _exported(request):
    try:
        program = torch.export.load(str(request.source))
    except Exception as error:
        raise _broken("torch.export", error) from error
    placeholders = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    inputs = {}
    for name in program.graph_signature.user_inputs:
        value = placeholders[name].meta["val"] if name in placeholders else None
        if not isinstance(value, torch.Tensor):
            raise step.Refused(
                f"the input {name} is no tensor", "inputs that are tensors", "export the model with tensors only"
            )
        shape = tuple(size if isinstance(size, int) else None for size in value.shape)
        inputs[name] = (np.dtype(DTYPES[value.dtype]), shape)
    return program, inputs


def answers(network, given):
    """What a network answers to tensors by name: a dict's by its keys, others as output_0, output_1 ... in its order.

    The model server calls it so, too (server/src/slipway_server/backends/torch/session.py).
    """
    if isinstance(network, torch.export.ExportedProgram):
        arguments, by_name = torch.utils._pytree.tree_unflatten(list(given.values()), network.call_spec.in_spec)
        answer = network.module()(*arguments, **by_name)
    elif {argument.name for argument in network.forward.schema.arguments[1:]}.issuperset(given):
        answer = network(**given)
    else:
        answer = network(*given.values())
    if isinstance(answer, dict) and all(isinstance(value, torch.Tensor) for value in answer.values()):
        return {str(name): value for name, value in answer.items()}
    return {f"output_{index}": value for index, value in enumerate(torch.utils._pytree.tree_leaves(answer))}


def _of_module(request):
    """The class or function that the step names makes the network, which then takes the numbers."""
    named = request.step.get("module")
    if named is None:
        raise step.Refused(
            f"what network these weights are of is not known: {request.format} has tensors by name only",
            "module: FILE.py:NAME, a class or function without arguments that makes the network",
            "add to the step for example module: models/digits/net.py:Net",
        )
    path, _, name = named.rpartition(":")
    network = _made(request.file(path), name, named)
    state = _state(request)
    try:
        network.load_state_dict(state)
    except (RuntimeError, AttributeError) as error:
        raise step.Refused(
            f"the weights do not fit the network that {named} makes: {step.shortened(error)}",
            "the same tensors by name and shape",
            "name the module that they were trained with",
        ) from error
    return network.eval()


def _made(path, name, named):
    spec = importlib.util.spec_from_file_location("network", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
        network = getattr(module, name)()
    except Exception as error:
        raise step.Refused(
            f"{named} makes no network: {type(error).__name__}: {step.shortened(error)}",
            "a class or function that takes no arguments, in a file that needs torch and numpy only",
            "correct that file",
        ) from error
    if not isinstance(network, torch.nn.Module):
        raise step.Refused(f"{named} makes {type(network).__name__}", "a torch.nn.Module", "name the network's class")
    return network


def _state(request):
    if request.format == "safetensors":
        return safetensors.torch.load_file(request.source)
    try:
        state = torch.load(request.source, map_location="cpu", weights_only=True)
    except Exception as error:
        raise step.Refused(
            f"the file has more than tensors: {step.shortened(error)}",
            "the tensors by name: torch.save(model.state_dict(), ...)",
            "save it so, or by safetensors.torch.save_file",
        ) from error
    return state.get("state_dict", state)


def _broken(library, error):
    return step.Refused(
        f"{library} of PyTorch {torch.__version__} cannot load it: {step.shortened(error)}",
        "a whole file of a version that it knows, with nothing but tensors in it",
        "save the model again",
    )

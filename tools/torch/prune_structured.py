"""The step `prune: structured`: whole channels and neurons removed by Torch-Pruning, so that the model is smaller.

An ONNX file becomes a module by onnx2torch, and the pruned module an ONNX file by PyTorch's exporter. Channels that are
outputs of the model stay, and with them the signature.
"""

import copy

import graphs
import onnx
import onnx2torch
import savings
import step
import torch
import torch_pruning as pruning

ROWS = 2
"""For a dimension without size, while the graph is traced: an exporter takes 1 for a constant."""
OPSET = 18
LAYERS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)


def run(request):
    """Remove the share of each layer's channels whose weights are smallest; all others keep their values."""
    share = float(request.step["share"])
    outline, source = graphs.outline(request.source), graphs.whole(request.source)
    module, examples = _module(source)
    kept = _outputs(module, examples)
    layers = [layer for layer in module.modules() if isinstance(layer, LAYERS)]
    if len(kept) == len(layers):
        raise step.Refused(
            "no channel can be removed: every layer's channels are outputs of the model",
            "a model with a convolution or a fully connected layer before its last one",
            "leave the step out, or use prune: magnitude",
        )
    step.progress(f"removing {share:.0%} of the channels of {len(layers) - len(kept)} layers")
    pruning.pruner.BasePruner(
        module,
        examples,
        importance=pruning.importance.MagnitudeImportance(p=2),
        pruning_ratio=share,
        ignored_layers=kept,
        forward_fn=_answers,
    ).step()
    path = request.output / graphs.MAIN
    _export(module, examples, source, path)
    dropped = graphs.keep_signature(outline, path)
    before, after = (sum(parameter.numel() for parameter in each.parameters()) for each in (_module(source)[0], module))
    saved = savings.words(graphs.files(request.source), [path], zeros=False)
    return graphs.made(
        {"prune": "structured", "share": share, "importance": "L2 norm", "opset": OPSET},
        step.versions("onnx", "onnx2torch", "onnxruntime", "torch", "torch-pruning"),
        [f"{before} weights became {after}", saved, *dropped],
    )


def _module(source):
    """The graph as a module, and inputs to trace it with."""
    try:
        module = onnx2torch.convert(source).eval()
    except Exception as error:
        raise step.Refused(
            f"onnx2torch cannot read the graph: {step.shortened(error)}",
            "operators that onnx2torch has as modules",
            "prune where the model is trained, with a step `script`, or use prune: magnitude",
        ) from error
    return module, tuple(torch.zeros(_shape(value), dtype=_kind(value)) for value in graphs.inputs(source))


def _outputs(module, examples):
    """The layers whose channels decide the shape of an output: removing one of theirs changes it, or fails."""
    expected = _shapes(module, examples)
    kept = []
    for name, layer in module.named_modules():
        if not isinstance(layer, LAYERS):
            continue
        trial = copy.deepcopy(module)
        tried = trial.get_submodule(name)
        try:
            graph = pruning.DependencyGraph().build_dependency(trial, examples, forward_fn=_answers)
            remove = pruning.prune_linear_out_channels
            if not isinstance(tried, torch.nn.Linear):
                remove = pruning.prune_conv_out_channels
            graph.get_pruning_group(tried, remove, idxs=[0]).prune()
            same = _shapes(trial, examples) == expected
        except (RuntimeError, ValueError, AttributeError, IndexError):
            same = False
        if not same:
            kept.append(layer)
    return kept


def _shapes(module, examples):
    return [tuple(answer.shape) for answer in _answers(module, examples)]


def _answers(module, examples):
    """What a module gives as numbers that have a gradient, by which Torch-Pruning finds what hangs together.

    A class has none: what it is chosen from counts instead, and a class that went missing there would be lost.
    """
    found = []

    def note(_, given, made):
        if isinstance(made, torch.Tensor) and not made.is_floating_point():
            found.extend(value for value in given if isinstance(value, torch.Tensor) and value.requires_grad)

    hooks = [part.register_forward_hook(note) for part in module.modules()]
    try:
        made = module(*examples)
    finally:
        for hook in hooks:
            hook.remove()
    outputs = made if isinstance(made, tuple | list) else (made,)
    return [*(value for value in outputs if value.requires_grad), *found]


def _export(module, examples, source, path):
    taken = graphs.inputs(source)
    free = {value.name: _free(value) for value in (*taken, *source.graph.output)}
    torch.onnx.export(
        module,
        examples,
        str(path),
        input_names=[value.name for value in taken],
        output_names=[value.name for value in source.graph.output],
        dynamic_axes={name: axes for name, axes in free.items() if axes},
        opset_version=OPSET,
        dynamo=False,
    )


def _free(value):
    dims = value.type.tensor_type.shape.dim
    return {axis: dim.dim_param or f"{value.name}_{axis}" for axis, dim in enumerate(dims) if not dim.dim_value}


def _shape(value):
    return [dim.dim_value or ROWS for dim in value.type.tensor_type.shape.dim]


def _kind(value):
    return torch.from_numpy(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).type([0])).dtype

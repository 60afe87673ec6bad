"""The step `merge`: another graph appended to this one, its inputs fed by outputs of this one, by onnx.compose."""

from collections.abc import Mapping
from typing import Any

import graphs
import onnx
from onnx import compose, version_converter
from step import Refused, Request, progress, shortened, versions

PREFIX = "merged/"
"""What names of the second graph get where the first one has them too."""


def run(request: Request) -> dict[str, Any]:
    """Merge the graph that the step names behind the source; the signature becomes that of both together.

    Raises:
        Refused: `map` names no output or input, types or shapes of a pair differ, or the two do not fit together.
    """
    name, pairs = request.step["merge"], request.step["map"]
    first, second = graphs.whole(request.source), graphs.whole(request.file(name))
    _fit(first, second, name, pairs)
    progress(f"merging {name} behind the model")
    first, second = _same_opset(first, second)
    first.ir_version = second.ir_version = max(first.ir_version, second.ir_version)
    # Metadata say how a request becomes the first graph's inputs; the second one's inputs are no request's.
    del second.metadata_props[:]
    try:
        clashes = _inner_names(first) & _inner_names(second)
        if clashes:
            second = compose.add_prefix(second, PREFIX, rename_inputs=False, rename_outputs=False)
        model = compose.merge_models(first, second, io_map=list(pairs.items()))
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise Refused(
            f"the graphs do not fit together: {shortened(error)}",
            "two graphs whose inputs and outputs have different names, but for the pairs in `map`",
            "Rename inputs or outputs of one of the two, and export it again.",
        ) from error
    apart = graphs.weights_apart(graphs.outline(request.source)) or graphs.weights_apart(
        graphs.outline(request.file(name))
    )
    graphs.must_load(graphs.save(model, request.output, apart=apart))
    signature = ", ".join(map(graphs.described, graphs.inputs(model)))
    return graphs.made(
        {"map": pairs, "prefix": PREFIX if clashes else ""},
        versions("onnx", "onnxruntime"),
        [f"takes {signature}", f"gives {', '.join(map(graphs.described, model.graph.output))}"],
    )


def _fit(first: onnx.ModelProto, second: onnx.ModelProto, name: str, pairs: Mapping[str, str]) -> None:
    outputs = {value.name: value for value in first.graph.output}
    inputs = {value.name: value for value in graphs.inputs(second)}
    for output, taken in pairs.items():
        for of, known, what in ((output, outputs, "output of the model"), (taken, inputs, f"input of {name}")):
            if of not in known:
                raise Refused(
                    f"map: {of} is no {what}",
                    ", ".join(map(graphs.described, known.values())),
                    f"Write one of these; near: {graphs.near(of, known)}.",
                )
        if not graphs.feeds(outputs[output], inputs[taken]):
            raise Refused(
                f"map: {graphs.described(outputs[output])} does not feed {graphs.described(inputs[taken])}",
                "the same type, and the same sizes in dimensions that have one",
                "Map another pair, or export one of the two graphs again.",
            )


def _same_opset(*models: onnx.ModelProto) -> list[onnx.ModelProto]:
    """The graphs in the newest opset that one of them has: onnx.compose merges only equal ones."""
    versions_of = [max(entry.version for entry in model.opset_import if not entry.domain) for model in models]
    newest = max(versions_of)
    return [
        model if version == newest else version_converter.convert_version(model, newest)
        for model, version in zip(models, versions_of, strict=True)
    ]


def _inner_names(model: onnx.ModelProto) -> set[str]:
    graph = model.graph
    outside = {value.name for value in (*graph.input, *graph.output)}
    names = {tensor.name for tensor in graph.initializer} | {node.name for node in graph.node if node.name}
    return (names | {of for node in graph.node for of in node.output}) - outside

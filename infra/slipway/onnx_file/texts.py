"""Find text in an ONNX file that is not UTF-8, which ONNX demands, and which ONNX Runtime cannot give as an answer."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto


def broken_text(model: "ModelProto") -> str | None:
    """Return where text that may become an answer is not UTF-8, and which; None if there is none.

    A model loads with such a label, and fails only for the requests that get it. One without an output of text cannot
    fail so, and may have any bytes (the pieces of words of a tokenizer).
    """
    from onnx import TensorProto  # noqa: PLC0415 - takes long to import

    if not any(value.type.tensor_type.elem_type == TensorProto.STRING for value in model.graph.output):
        return None
    graphs = _in_graph(model.graph)
    functions = chain.from_iterable(_in_nodes(function.node, function.name) for function in model.functions)
    for where, texts in chain(graphs, functions):
        for text in texts:
            try:
                text.decode()
            except UnicodeDecodeError:
                return f"has in {where} the text {text[:60]!r}, which is not UTF-8"
    return None


def _in_graph(graph: "GraphProto") -> Iterator[tuple[str, Iterable[bytes]]]:
    for tensor in graph.initializer:
        yield repr(tensor.name), tensor.string_data
    yield from _in_nodes(graph.node, graph.name)


def _in_nodes(nodes: Iterable["NodeProto"], owner: str) -> Iterator[tuple[str, Iterable[bytes]]]:
    for node in nodes:
        for attribute in node.attribute:
            where = f"{attribute.name!r} of {node.name or f'{node.op_type} in {owner}'}"
            yield where, _own_texts(attribute)
            for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _in_graph(graph)


def _own_texts(attribute: "AttributeProto") -> Iterator[bytes]:
    """The texts of an attribute that operators give out: lists, tensors, and the default of a look-up.

    Other single texts name things, or are bytes of another program's in disguise.
    """
    yield from attribute.strings
    tensors: list[TensorProto] = [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
    for tensor in tensors:
        yield from tensor.string_data
    if attribute.name in ("default_string", "value_string"):
        yield attribute.s

"""Go through an ONNX file: all its nodes and all its tensors, in graphs inside of nodes and in local functions too."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

OFFICIAL = "ai.onnx"
"""The domain of the standard's operators, which files write as the empty text."""

Key = tuple[str, str, str]
"""A local function: domain, name, overload."""


class Placed(NamedTuple):
    """A node, and where it is for messages: `` or ` in function D.F`."""

    node: NodeProto
    where: str


def domain_of(text: str) -> str:
    """A domain by its name."""
    return text or OFFICIAL


def functions(model: ModelProto) -> dict[Key, FunctionProto]:
    """The local functions of a file."""
    return {(domain_of(f.domain), f.name, f.overload): f for f in model.functions}


def run_nodes(model: ModelProto) -> Iterator[Placed]:
    """Every node that a runtime meets: those of the graph, and of each local function that is called from there."""
    there = functions(model)
    called: set[Key] = set()
    waiting: list[tuple[Iterable[NodeProto], str]] = [(model.graph.node, "")]
    while waiting:
        nodes, where = waiting.pop()
        for node in _nested(nodes):
            yield Placed(node, where)
            key = (domain_of(node.domain), node.op_type, node.overload)
            if key in there and key not in called:
                called.add(key)
                waiting.append((there[key].node, f" in function {key[0]}.{key[1]}"))


def _nested(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Nodes, and those in the graphs inside of them (the branches of an If, the body of a Loop)."""
    for node in nodes:
        yield node
        for graph in _graphs(node):
            yield from _nested(graph.node)


def _graphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def initializers(model: ModelProto) -> Iterator[TensorProto]:
    """The weights of every graph of a file, but for sparse ones."""
    for graph in _all_graphs(model):
        yield from graph.initializer


def tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every tensor of a file: weights, sparse ones too, and values of attributes."""
    for graph in _all_graphs(model):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
    for node in _all_nodes(model):
        yield from _attributes(node)
    for function in model.functions:
        yield from _attributes(function)


def _all_nodes(model: ModelProto) -> Iterator[NodeProto]:
    for nodes in (model.graph.node, *(f.node for f in model.functions)):
        yield from _nested(nodes)


def _all_graphs(model: ModelProto) -> Iterator[GraphProto]:
    yield model.graph
    for node in _all_nodes(model):
        yield from _graphs(node)


def _attributes(holder: NodeProto | FunctionProto) -> Iterator[TensorProto]:
    for attribute in holder.attribute if isinstance(holder, NodeProto) else holder.attribute_proto:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        one = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
        for sparse in (*attribute.sparse_tensors, *one):
            yield from (sparse.values, sparse.indices)

"""Digest the architecture of a model: which operators it has and how they are wired, whatever it has learned.

Every value of a graph gets a digest of what makes it: an input by its place, weights by type and shape alone, the
output of a node by the operator, its attributes and the digests of its inputs. The digest of a graph is that of its
outputs. So neither names nor the order of nodes count, nor nodes that no output needs. What an exporter of trees or
linear models keeps in attributes is learned (the domain ai.onnx.ml) and does not count; small whole numbers and truth
values do, since shapes, axes and class labels are such.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import prod

from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from slipway.onnx_file.parts import Key, domain_of, functions

_LEARNED = "ai.onnx.ml"
_CONSTANT = "Constant"
_COUNTED = (TensorProto.INT64, TensorProto.BOOL)
"""Types that ONNX has for shapes, axes and conditions."""
_COUNTED_MOST = 64
"""Values of such a tensor that count; a longer one is a table that was learned."""
_LISTS = (AttributeProto.FLOATS, AttributeProto.INTS, AttributeProto.STRINGS, AttributeProto.TENSOR)
_NESTED = (
    AttributeProto.SPARSE_TENSOR,
    AttributeProto.SPARSE_TENSORS,
    AttributeProto.TENSORS,
    AttributeProto.TYPE_PROTO,
    AttributeProto.TYPE_PROTOS,
)
"""Kinds that no exporter uses for what tells architectures apart."""
Digests = Mapping[str, bytes]


def architecture(model: ModelProto) -> str:
    """The digest of a model's architecture, 64 hex digits."""
    return _Reader(functions(model)).graph(model.graph, {}, 0).hex()


class _Reader:
    def __init__(self, local: Mapping[Key, FunctionProto]) -> None:
        self._local = local
        self._of_functions: dict[Key, bytes] = {}

    def graph(self, graph: GraphProto, outside: Digests, depth: int) -> bytes:
        """The digest of a graph; `outside`: of values that it may take from the graphs around it."""
        known = dict(outside)
        known |= {tensor.name: _weights(tensor) for tensor in graph.initializer}
        known |= {one.values.name: _digest("sparse", *one.dims) for one in graph.sparse_initializer}
        given = [value.name for value in graph.input if depth or value.name not in known]
        known |= {name: _digest("input", depth, index) for index, name in enumerate(given)}
        self._nodes(graph.node, known, depth)
        return _digest("graph", *(known.get(value.name, b"") for value in graph.output))

    def _nodes(self, nodes: Iterable[NodeProto], known: dict[str, bytes], depth: int) -> None:
        """Add the digests of what nodes make; they are in the order in which they run."""
        for node in nodes:
            made = _digest(*self._operator(node), *self._attributes(node, known, depth), *_taken(node, known))
            known |= {name: _digest(made, index) for index, name in enumerate(node.output) if name}

    def _operator(self, node: NodeProto) -> tuple[object, ...]:
        key = (domain_of(node.domain), node.op_type, node.overload)
        function = self._local.get(key)
        return key if function is None else ("function", self._function(key, function))

    def _function(self, key: Key, function: FunctionProto) -> bytes:
        found = self._of_functions.get(key)
        if found is None:
            self._of_functions[key] = b""  # ONNX has no recursion; a file that does must not run for ever
            known = {name: _digest("input", "function", index) for index, name in enumerate(function.input)}
            self._nodes(function.node, known, 1)
            found = self._of_functions[key] = _digest("body", *(known.get(name, b"") for name in function.output))
        return found

    def _attributes(self, node: NodeProto, known: Digests, depth: int) -> list[object]:
        counted = sorted(node.attribute, key=lambda attribute: attribute.name)
        return [part for one in counted for part in (one.name, self._attribute(node, one, known, depth))]

    def _attribute(self, node: NodeProto, attribute: AttributeProto, known: Digests, depth: int) -> object:
        graphs = [attribute.g] if attribute.HasField("g") else attribute.graphs
        if graphs:
            return _digest(*(self.graph(graph, known, depth + 1) for graph in graphs))
        if domain_of(node.domain) == _LEARNED and attribute.type in _LISTS:
            return "learned"
        if attribute.HasField("t"):
            return _weights(attribute.t)
        return _value(node, attribute)


def _value(node: NodeProto, attribute: AttributeProto) -> object:
    """An attribute that is no graph and no tensor."""
    if attribute.ref_attr_name:
        return _digest("reference", attribute.ref_attr_name)
    if attribute.type in _NESTED:
        return "nested"
    value = helper.get_attribute_value(attribute)
    if node.op_type == _CONSTANT and attribute.type in (AttributeProto.FLOAT, AttributeProto.FLOATS):
        return _digest("weights", len(value) if attribute.type == AttributeProto.FLOATS else 1)
    return repr(value)


def _taken(node: NodeProto, known: Digests) -> list[bytes]:
    """What a node takes; an optional input that is left out has its place, too."""
    return [known.get(name, b"") if name else b"-" for name in node.input]


def _weights(tensor: TensorProto) -> bytes:
    small = tensor.data_type in _COUNTED and prod(tensor.dims) <= _COUNTED_MOST
    if small and tensor.data_location != TensorProto.EXTERNAL:
        # Bytes that are no such tensor are the runtime's to refuse.
        with suppress(ValueError):
            return _digest("value", *tensor.dims, repr(numpy_helper.to_array(tensor).tolist()))
    return _digest("weights", tensor.data_type, *tensor.dims)


def _digest(*parts: object) -> bytes:
    """One digest over parts, each of which is told apart from the next by its length."""
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        found.update(len(data).to_bytes(8, "big") + data)
    return found.digest()

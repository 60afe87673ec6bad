"""Read the operators of an ONNX file, so that people see what their model is made of.

Only what is shown is read: the file is mapped, and weights are passed over. A parser of protobuf's would keep them all
in memory a second time, known to it or not. ONNX Runtime has loaded the file before, so it is one; what cannot be read
all the same is a `GraphUnreadable`, never half a graph.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from slipway_server.values.pipeline import PipelineSection
from slipway_server.values.signature import Signature

MOST_NODES = 300
"""Shown of a graph: beyond that nobody sees anything, and a browser gets slow."""
_MOST_NAMES = 16
_MOST_NAME = 200
_MOST_VARINT = 70
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Numbers of fields in onnx.proto (ONNX 1.20): ModelProto, GraphProto, NodeProto, TensorProto, ValueInfoProto.
_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OPERATOR, _NODE_DOMAIN = 1, 2, 3, 4, 7
_TENSOR_DIMS, _TENSOR_NAME = 1, 8
_VALUE_NAME = 1


class GraphUnreadable(Exception):
    """The file's graph cannot be read; the message says why."""


class _Field(NamedTuple):
    number: int
    value: int
    start: int
    end: int


def graph_of_file(path: Path) -> dict[str, Any]:
    """Return the nodes of a model's main graph, the first `MOST_NODES` of them, with their weights' shapes.

    `{"nodes": [{"name", "operator", "inputs", "outputs", "weights": {name: shape}}], "inputs", "outputs", "total"}`

    Raises:
        GraphUnreadable: no file, or none of ONNX.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read(data)
    except (OSError, ValueError) as error:
        raise GraphUnreadable(f"the graph cannot be read: {error}") from None


def graph_of_whole(signature: Signature, backend: str) -> dict[str, Any]:
    """Return a model whose layers nobody here reads as one node, in the same form: what goes in and what comes out."""
    given, made = [one.name for one in signature.inputs], [one.name for one in signature.outputs]
    node = {"name": "model", "operator": backend, "inputs": given, "outputs": made, "weights": {}}
    return {"nodes": [node], "inputs": given, "outputs": made, "total": 1}


def graph_of_pipeline(section: PipelineSection) -> dict[str, Any]:
    """Return the models of a pipeline as nodes, in the same form."""
    nodes = [
        {
            "name": name,
            "operator": "model" if stage.switch is None else f"model, by {stage.switch}",
            "inputs": [one.value for one in stage.inputs] + ([stage.switch] if stage.switch else []),
            "outputs": [one.value for one in stage.outputs],
            "weights": {},
        }
        for stage in section.stages
        for name in dict.fromkeys((*stage.models, *stage.cases.values(), *filter(None, [stage.default])))
    ]
    given, made = [one.name for one in section.inputs], [one.name for one in section.outputs]
    return {"nodes": nodes[:MOST_NODES], "inputs": given, "outputs": made, "total": len(nodes)}


def _read(data: mmap.mmap) -> dict[str, Any]:
    graph = next((field for field in _fields(data, 0, len(data)) if field.number == _GRAPH), None)
    if graph is None:
        raise ValueError("it has none")
    nodes: list[dict[str, Any]] = []
    places: list[_Field] = []
    found: dict[int, list[str]] = {_INPUT: [], _OUTPUT: []}
    total = 0
    for field in _fields(data, graph.start, graph.end):
        if field.number == _NODE:
            total += 1
            if total <= MOST_NODES:
                nodes.append(_node(data, field))
        elif field.number == _INITIALIZER:
            places.append(field)
        elif field.number in found and len(found[field.number]) < MOST_NODES:
            found[field.number].append(_name(data, field, _VALUE_NAME))
    _add_weights(data, nodes, places)
    weights = {name for node in nodes for name in node["weights"]}
    # Files of old versions list weights among the inputs.
    given = [name for name in found[_INPUT] if name not in weights]
    return {"nodes": nodes, "inputs": given, "outputs": found[_OUTPUT], "total": total}


def _node(data: mmap.mmap, place: _Field) -> dict[str, Any]:
    texts: dict[int, list[str]] = {}
    for field in _fields(data, place.start, place.end):
        if field.number in (_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OPERATOR, _NODE_DOMAIN):
            kept = texts.setdefault(field.number, [])
            if len(kept) < _MOST_NAMES:
                kept.append(_text(data, field))
    operator, domain = (texts.get(number, [""])[-1] for number in (_NODE_OPERATOR, _NODE_DOMAIN))
    return {
        "name": texts.get(_NODE_NAME, [""])[-1],
        "operator": operator if domain in ("", "ai.onnx") else f"{domain}.{operator}",
        "inputs": [name for name in texts.get(_NODE_INPUT, []) if name],
        "outputs": [name for name in texts.get(_NODE_OUTPUT, []) if name],
        "weights": {},
    }


def _add_weights(data: mmap.mmap, nodes: list[dict[str, Any]], places: list[_Field]) -> None:
    """Move what is no value but a weight from a node's inputs to its weights."""
    taken: dict[str, list[dict[str, Any]]] = {}
    for node in nodes:
        for name in node["inputs"]:
            taken.setdefault(name, []).append(node)
    for place in places:
        name = _name(data, place, _TENSOR_NAME)
        if name not in taken:
            continue
        shape = _shape(data, place)
        for node in taken[name]:
            node["weights"][name] = shape
            node["inputs"] = [one for one in node["inputs"] if one != name]


def _shape(data: mmap.mmap, place: _Field) -> list[int]:
    """Return a tensor's dimensions, which may be packed into one field or have one each."""
    shape: list[int] = []
    for field in _fields(data, place.start, place.end):
        if field.number != _TENSOR_DIMS:
            continue
        if field.start == field.end:
            shape.append(field.value)
        at = field.start
        while at < field.end and len(shape) < _MOST_NAMES:
            value, at = _varint(data, at, field.end)
            shape.append(value)
    return shape[:_MOST_NAMES]


def _name(data: mmap.mmap, place: _Field, number: int) -> str:
    found = [field for field in _fields(data, place.start, place.end) if field.number == number]
    return _text(data, found[-1]) if found else ""


def _text(data: mmap.mmap, field: _Field) -> str:
    return data[field.start : min(field.end, field.start + 4 * _MOST_NAME)].decode("utf-8", "replace")[:_MOST_NAME]


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[_Field]:
    """Yield the fields of a message: numbers with their value, all others with where they lie."""
    while at < end:
        key, at = _varint(data, at, end)
        number, kind = key >> 3, key & 7
        value, start = 0, at
        if kind == _VARINT:
            value, at = _varint(data, at, end)
            start = at
        elif kind == _BYTES:
            size, start = _varint(data, at, end)
            at = start + size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"it has a field of the unknown kind {kind}")
        if at > end:
            raise ValueError("it is cut off")
        yield _Field(number, value, start, at)


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < _MOST_VARINT:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("it is cut off")

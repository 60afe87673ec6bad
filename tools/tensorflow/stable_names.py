"""Give the values of a graph the same names in every run: tf2onnx counts them in an order that memory decides.

Only what it counted is renamed, `const_axes__13`, by the order in which nodes use it. Inputs, outputs and names of
TensorFlow are kept. Without this the same model would have other bytes, and another digest, each time.
"""

import re

_COUNTED = re.compile(r"(.*?)__\d+((?::\d+)?)")


def rename(model):
    """Rename in place."""
    graph = model.graph
    kept = {value.name for value in (*graph.input, *graph.output)}
    names = {}
    _rename_graph(graph, names, kept)
    graph.name = _COUNTED.sub(r"\1", graph.name)
    model.doc_string = ""
    for part in _graphs(graph):
        _sort(part.initializer)
        del part.value_info[:]


def _rename_graph(graph, names, kept):
    for node in graph.node:
        for values in (node.input, node.output):
            values[:] = [_named(value, names, kept) for value in values]
        node.name = _named(node.name, names, kept)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename_graph(attribute.g, names, set())
    for value in (*graph.initializer, *graph.input, *graph.output):
        value.name = _named(value.name, names, kept)


def _named(name, names, kept):
    found = _COUNTED.fullmatch(name)
    if name in kept or not found:
        return name
    return names.setdefault(name, f"{found[1]}__{len(names)}{found[2]}")


def _graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _sort(values):
    ordered = sorted(values, key=lambda value: value.name)
    del values[:]
    values.extend(ordered)

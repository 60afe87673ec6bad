"""Refuse a graph that cannot be put together: names that nothing gives, or two things; nodes unlike their schema."""

from collections import Counter
from collections.abc import Collection, Iterable

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, checker, defs

from slipway.onnx_file.limits import limits
from slipway.onnx_file.parts import domain_of, run_nodes
from slipway.reading.files import BadFile

_AGAIN = "export the model again"


def refuse_miswired(model: ModelProto) -> None:
    """Raise BadFile for the first node, or name, that ONNX Runtime would not find its way with."""
    _refuse_names(model.graph, frozenset())
    context = checker.C.CheckerContext()
    context.ir_version = model.ir_version
    context.opset_imports = {entry.domain: entry.version for entry in model.opset_import}
    for placed in run_nodes(model):
        node = placed.node
        opset = context.opset_imports.get(node.domain)
        if not placed.where and opset is not None and _is_standard(node, opset):
            _refuse_unlike_schema(node, context)


def _refuse_names(graph: GraphProto, outer: frozenset[str]) -> None:
    """Of a graph, and of those in its nodes, which see the names around them as well."""
    given = {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}
    given |= {sparse.values.name for sparse in graph.sparse_initializer}
    made = [name for node in graph.node for name in node.output if name]
    _refuse_twice("value", [*made, *given])
    _refuse_twice("node", [node.name for node in graph.node if node.name])
    known = frozenset(given).union(made, outer)
    for node in graph.node:
        _refuse_unknown(f"takes {{!r}} for the operator {node.op_type}", node.input, known)
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                _refuse_names(inner, known)
    _refuse_unknown("has the output {!r}", [value.name for value in graph.output], known)


def _refuse_twice(kind: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise BadFile(f"has {count} {kind}s named {name!r}", f"one {kind} of a name in a graph", _AGAIN)


def _refuse_unknown(problem: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name and name not in known:
            text = f"{problem.format(name)}, which no input, weight or node produces"
            raise BadFile(text, "names of inputs, of weights and of nodes' outputs", _AGAIN)


def _is_standard(node: NodeProto, opset: int) -> bool:
    """Whether the onnx package has the schema by which ONNX Runtime judges a node; the runtime has some of its own."""
    known = limits().operators.get(domain_of(node.domain), {}).get(node.op_type, ())
    try:
        schema = defs.get_schema(node.op_type, opset, node.domain)
    except defs.SchemaError:
        return False
    since = max((version for version in known if version <= opset), default=None)
    return not schema.deprecated and schema.since_version == since


def _refuse_unlike_schema(node: NodeProto, context: "checker.C.CheckerContext") -> None:
    """But for nodes with graphs, whose names the checker does not know, and with data that it looks for elsewhere."""
    if any(_is_apart(attribute) for attribute in node.attribute):
        return
    try:
        checker.check_node(node, context)
    except checker.ValidationError as error:
        reason = " ".join(str(error).partition("==> Context:")[0].split())
        named = f" (node {node.name!r})" if node.name else ""
        raise BadFile(f"has {node.op_type}{named}: {reason}", "nodes as ONNX defines them", _AGAIN) from None


def _is_apart(attribute: AttributeProto) -> bool:
    apart = attribute.HasField("t") and attribute.t.data_location == TensorProto.EXTERNAL
    return apart or attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS) or bool(attribute.sparse_tensors)

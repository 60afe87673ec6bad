"""The step `simplify`: constants folded, nodes that compute nothing removed, patterns fused, by OnnxSlim."""

from typing import Any

import graphs
import onnxslim
from step import Refused, Request, progress, shortened, versions

ROUNDS = 10  # of OnnxSlim, unless the graph stops to change before


def run(request: Request) -> dict[str, Any]:
    """Simplify the graph.

    Raises:
        Refused: OnnxSlim fails, the signature would change, or ONNX Runtime does not load the result.
    """
    source = graphs.outline(request.source)
    model = graphs.whole(request.source)
    progress("simplifying the graph")
    try:
        slim = onnxslim.slim(model)
    except Exception as error:
        raise Refused(
            f"OnnxSlim cannot simplify the graph: {shortened(error)}",
            "a graph that OnnxSlim understands",
            "Leave the step out.",
        ) from error
    path = graphs.save(slim, request.output, apart=graphs.weights_apart(source))
    dropped = graphs.keep_signature(source, path)
    before, after = len(source.graph.node), len(slim.graph.node)
    note = f"{before} nodes became {after}" if after != before else f"all {before} nodes are needed: nothing is saved"
    return graphs.made({"rounds": ROUNDS}, versions("onnx", "onnxruntime", "onnxslim"), [note, *dropped])

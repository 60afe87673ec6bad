"""The result of a user's script held against what it was given: it loads, and keeps the signature unless it says so."""

from typing import Any

import graphs
from step import Request


def run(request: Request) -> dict[str, Any]:
    """Check the file `result`; Refused if it does not load, or another signature is not announced."""
    result = request.file("result")
    if not request.step["changed"]:
        graphs.must_keep(graphs.outline(request.source), graphs.outline(result))
    graphs.must_load(result)
    return {}

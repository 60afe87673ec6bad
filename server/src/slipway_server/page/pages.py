"""Keep what the paths for people answer, each made once: the page, the OpenAPI document, the graph."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import orjson

from slipway_server.page.description import openapi
from slipway_server.page.document import Document, document
from slipway_server.steps.assembled import Steps
from slipway_server.values.signature import Signature


class Pages:
    """The answers about one model."""

    def __init__(
        self, name: str, version: str, signature: Signature, steps: Steps, gated: bool, graph: Callable[[], Any]
    ) -> None:
        """Make nothing yet: most models are never looked at.

        Args:
            name: the model's.
            version: the model's.
            signature: what it takes and gives.
            steps: what stands before and after it.
            gated: whether a gateway asks callers for a key.
            graph: reads the graph; may raise `slipway_server.page.graph.GraphUnreadable`.
        """
        self._about = (name, version, signature, steps, gated)
        self._read_graph = graph

    @property
    def page(self) -> Document:
        """The page itself."""
        return document()

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI document, as JSON."""
        return orjson.dumps(openapi(*self._about))

    @cached_property
    def graph(self) -> bytes:
        """The graph, as JSON: from a file, so not for the event loop's thread."""
        return orjson.dumps(self._read_graph())

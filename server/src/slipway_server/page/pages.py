"""Keep what the paths for people answer, each made once: the page, the OpenAPI document, the graph."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import orjson

from slipway_server.page.document import Document, document


class Pages:
    """The answers about one model."""

    def __init__(self, describe: Callable[[], Any], graph: Callable[[], Any] | None) -> None:
        """Make nothing yet: most models are never looked at.

        Args:
            describe: makes the OpenAPI document.
            graph: reads the graph; may raise `slipway_server.page.graph.GraphUnreadable`. None: there is none to see.
        """
        self._describe = describe
        self._read_graph = graph

    @property
    def page(self) -> Document:
        """The page itself."""
        return document()

    @property
    def has_graph(self) -> bool:
        """Whether there is a graph to ask for."""
        return self._read_graph is not None

    @cached_property
    def openapi(self) -> bytes:
        """The OpenAPI document, as JSON."""
        return orjson.dumps(self._describe())

    @cached_property
    def graph(self) -> bytes:
        """The graph, as JSON: from a file, so not for the event loop's thread. Raises `LookupError` without one."""
        if self._read_graph is None:
            raise LookupError("this model has no graph")
        return orjson.dumps(self._read_graph())

"""Answer what people ask of a model with a browser: the page, and what its script reads of the model."""

import asyncio
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slipway_server.http.compression import answer_encoding, deflated
from slipway_server.page.document import unchanged
from slipway_server.page.graph import GraphUnreadable
from slipway_server.page.pages import Pages

# What only callers may read is in no cache but their own page's.
_UNKEPT = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "vary": "accept-encoding",
    "x-content-type-options": "nosniff",
}


def people_routes(pages: Pages) -> list[Route]:
    """Return the routes of the page, of the OpenAPI document and, where the model has one, of the graph."""
    people = _People(pages)
    routes = [Route("/", people.page), Route("/openapi.json", people.openapi)]
    return [*routes, Route("/graph", people.graph)] if pages.has_graph else routes


class _People:
    """What people see of the model, and what their tools read of it."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def page(self, request: Request) -> Response:
        document = self._pages.page
        if unchanged(request.headers.get("if-none-match")):
            kept = ("etag", "cache-control", "content-security-policy", "vary")
            return Response(status_code=304, headers={name: document.headers[name] for name in kept})
        return await _whole(request, document.body, document.headers)

    async def openapi(self, request: Request) -> Response:
        return await _whole(request, self._pages.openapi, _UNKEPT)

    async def graph(self, request: Request) -> Response:
        try:
            body = await asyncio.to_thread(lambda: self._pages.graph)
        except GraphUnreadable as error:
            raise HTTPException(501, str(error)) from None
        return await _whole(request, body, _UNKEPT)


async def _whole(request: Request, body: bytes, headers: Mapping[str, str]) -> Response:
    """Return an answer that is there already, compressed for whoever asks for that."""
    accept = request.headers.get("accept-encoding")
    encoding = answer_encoding(body, accept.encode("latin-1") if accept is not None else None)
    if encoding is None:
        return Response(body, headers=dict(headers))
    return Response(await deflated(body, encoding), headers={**headers, "content-encoding": encoding})

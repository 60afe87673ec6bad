"""A fleet's control side that answers in a thread of its own, for whoever waits for answers in this one."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp.test_utils import TestServer

from slipway.edge.server import application
from slipway.edge.store import opened

LIMIT_S = 60


@contextmanager
def serving(
    path: Path, clock: Callable[[], float] | None = None, tls: ssl.SSLContext | None = None, fleet: str = "edge-eu"
) -> Iterator[str]:
    """Serve the file at `path`; gives the URL."""
    loop, ready, urls = asyncio.new_event_loop(), threading.Event(), list[str]()
    over = asyncio.Event()

    async def serve() -> None:
        # SQLite's connection belongs to the thread that made it.
        with opened(path) as store:
            scheme = "http" if tls is None else "https"
            server = TestServer(application(fleet, store, clock or store.clock), scheme=scheme)
            await server.start_server(ssl=tls)
            urls.append(str(server.make_url("")).rstrip("/"))
            ready.set()
            await over.wait()
            await server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(LIMIT_S), "the control side did not start"
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()

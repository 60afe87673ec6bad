"""Serve gRPC on loopback to this user's own processes and root's alone, told by who owns the peer's socket.

The engine of Pulumi speaks to its plugins by port and without a password, so any user of the machine could. What the
kernel says in /proc/net/tcp about the other end of a connection cannot be forged.
"""

import os
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import grpc.aio

from slipway.local.host import proc_net

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOOKS = 3
"""The kernel hands its table out in pieces: while sockets come and go a look may miss one that is there."""


def other_end(table: str, peer: tuple[str, int], own_port: int) -> proc_net.Row | None:
    """The socket of the peer's end of its connection to `own_port` here; None when none is in `table`.

    `table` is the text of /proc/net/tcp or tcp6. A socket that its process has closed does not count.
    """
    address, port = peer
    for row in proc_net.rows(table, proc_net.ESTABLISHED):
        if row.local[1] != port or row.remote[1] != own_port or row.inode == "0":
            continue
        if _plain(row.local[0]) == _plain(row.remote[0]) == address:
            return row
    return None


def refusal(peer: str, own_port: int) -> str | None:
    """Why `peer` (as gRPC names it) is not served; None when its socket belongs to our uid or to root."""
    if _address(peer) is None:
        return f"the peer {peer} is no connection over loopback"
    serves = f"it serves processes of uid {os.geteuid()} and root"
    end = _find(peer, own_port)
    if end is None:
        return f"{serves}, and nobody holds the other end of this connection"
    return None if end.uid in (os.geteuid(), 0) else f"{serves}, and this connection is of uid {end.uid}"


def environment_of(peer: str, own_port: int) -> dict[str, str]:
    """The variables that the peer's process was started with; empty when they cannot be read."""
    end = _find(peer, own_port)
    holder = proc_net.process(end.inode) if end is not None else None
    if holder is None:
        return {}
    try:
        text = Path(f"/proc/{holder}/environ").read_bytes()
    except OSError:  # it ended meanwhile, or is root's and we are not
        return {}
    entries = (entry.partition("=") for entry in text.decode(errors="surrogateescape").split("\0"))
    return {name: value for name, mark, value in entries if mark}


def _find(peer: str, own_port: int) -> proc_net.Row | None:
    wanted = _address(peer)
    for table in _TABLES * _LOOKS:
        if wanted is not None and table.exists():
            end = other_end(table.read_text(), wanted, own_port)
            if end is not None:
                return end
    return None


def _address(peer: str) -> tuple[str, int] | None:
    """`ipv4:127.0.0.1:5001` -> its address and port; None for another kind of peer."""
    match = re.fullmatch(r"ipv[46]:\[?([0-9a-fA-F.:]+)\]?:(\d+)", unquote(peer))
    return (_plain(match[1]), int(match[2])) if match else None


class OwnPeers(grpc.aio.ServerInterceptor):
    """Refuse every call of a foreign peer before its message is read; `port` is set once it is bound."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.port = 0

    async def intercept_service(self, continuation: Callable[..., Any], details: Any) -> Any:
        """Put the check before the handler. A call is taken as a stream, so that its message is not read before."""
        handler = await continuation(details)
        if handler is None:
            return None

        async def one(requests: AsyncIterator[Any], context: Any) -> Any:
            await self._check(context)
            return await handler.unary_unary(await anext(aiter(requests)), context)

        async def many(requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
            await self._check(context)
            async for response in handler.unary_stream(await anext(aiter(requests)), context):
                yield response

        return _guarded(handler, one, many)

    def environment_of(self, peer: str) -> dict[str, str]:
        """The variables that the peer's process was started with; empty when they cannot be read."""
        return environment_of(peer, self.port)

    async def _check(self, context: Any) -> None:
        reason = refusal(context.peer(), self.port)
        if reason is not None:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, f"{self._what}: {reason}")


class OwnPeersOfThreads(grpc.ServerInterceptor):
    """The same for a server whose handlers run in threads."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.port = 0

    def intercept_service(self, continuation: Callable[..., Any], details: Any) -> Any:
        """Put the check before the handler."""
        handler = continuation(details)
        if handler is None:
            return None

        def one(requests: Iterator[Any], context: Any) -> Any:
            self._check(context)
            return handler.unary_unary(next(requests), context)

        def many(requests: Iterator[Any], context: Any) -> Iterator[Any]:
            self._check(context)
            yield from handler.unary_stream(next(requests), context)

        return _guarded(handler, one, many)

    def _check(self, context: Any) -> None:
        reason = refusal(context.peer(), self.port)
        if reason is not None:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, f"{self._what}: {reason}")


def _guarded(handler: Any, one: Callable[..., Any], many: Callable[..., Any]) -> Any:
    if handler.request_streaming:
        raise NotImplementedError("no method of Pulumi's plugins takes a stream")
    make, work = (
        (grpc.stream_stream_rpc_method_handler, many)
        if handler.response_streaming
        else (grpc.stream_unary_rpc_method_handler, one)
    )
    return make(work, handler.request_deserializer, handler.response_serializer)


def _plain(address: str) -> str:
    """An IPv4 address that is written as IPv6 is the IPv4 address."""
    return address.removeprefix("::ffff:")

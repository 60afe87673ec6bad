"""Keep apart what the engines that use this process told it: one record per gRPC connection."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from slipway.local.plugins.protocol.engine import Engine

_MOST = 512
"""Connections end without a word, so the oldest records go; far more than engines that run at a time."""

EnvironmentOf = Callable[[str], Mapping[str, str]]
"""Gives the variables of the process at a peer's address."""


@dataclass(slots=True)
class Connection:
    """One engine's use of the provider with one configuration; a plugin adds what it was configured with."""

    engine: Engine
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """That of the engine's process: a plugin that the engine starts would have it, and so read its KUBECONFIG."""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)


C = TypeVar("C", bound=Connection)


class Connections(Generic[C]):
    """All connections, by peer address; `kind` is the plugin's own class of them."""

    def __init__(self, kind: type[C], environment_of: EnvironmentOf) -> None:
        self._kind = kind
        self._environment_of = environment_of
        self._by_peer: OrderedDict[str, C] = OrderedDict()
        self._greeted: OrderedDict[str, None] = OrderedDict()

    async def open(self, peer: str, engine_address: str) -> C:
        """Start a record: the engine said hello (a port is used again only after its connection ended)."""
        old = self._by_peer.pop(peer, None)
        connection = self._kind(Engine(engine_address), self._environment_of(peer))
        self._by_peer[peer] = connection
        if old is None and len(self._by_peer) > _MOST:
            old = self._by_peer.popitem(last=False)[1]
        if old is not None:
            await old.engine.close()
        return connection

    def get(self, peer: str) -> C:
        """The record of a connection; one without an engine to talk to when it never said hello."""
        if peer not in self._by_peer:
            self._by_peer[peer] = self._kind(Engine(""), self._environment_of(peer))
        return self._by_peer[peer]

    def first_of_engine(self, address: str) -> bool:
        """Whether this engine is seen for the first time."""
        if address in self._greeted:
            return False
        self._greeted[address] = None
        if len(self._greeted) > _MOST:
            self._greeted.popitem(last=False)
        return True

    async def close(self) -> None:
        """Close everything."""
        for connection in self._by_peer.values():
            connection.cancelled.set()
            await connection.engine.close()

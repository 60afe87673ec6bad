"""Keep apart what the engines that use this process told it: one record per gRPC connection."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from slipway.local.plugins.kubernetes.client.clusters import Cluster, Clusters
from slipway.local.plugins.kubernetes.client.settings import Settings
from slipway.local.plugins.protocol.engine import Engine

_MOST = 512
"""Connections end without a word, so the oldest records go; far more than engines that run at a time."""


class NotConfiguredError(Exception):
    """A connection uses the provider before it configured it (this process was restarted under a running engine)."""


@dataclass(slots=True)
class Connection:
    """One engine's use of the provider with one configuration."""

    engine: Engine
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """That of the engine's process: a plugin that the engine starts would have it, and so read its KUBECONFIG."""
    settings: Settings | None = None
    cluster: Cluster | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def configured(self) -> tuple[Settings, Cluster]:
        """The configuration. Raises NotConfiguredError."""
        if self.settings is None or self.cluster is None:
            raise NotConfiguredError(
                "the provider was not configured on this connection: it was restarted meanwhile; run the command again"
            )
        return self.settings, self.cluster


class Connections:
    """All connections, by peer address. `environment_of` gives that of the process at an address."""

    def __init__(self, environment_of: Callable[[str], Mapping[str, str]]) -> None:
        self._environment_of = environment_of
        self.clusters = Clusters()
        self._by_peer: OrderedDict[str, Connection] = OrderedDict()
        self._greeted: OrderedDict[str, None] = OrderedDict()

    async def open(self, peer: str, engine_address: str) -> Connection:
        """Start a record: the engine said hello (a port is used again only after its connection ended)."""
        old = self._by_peer.pop(peer, None)
        connection = Connection(Engine(engine_address), self._environment_of(peer))
        self._by_peer[peer] = connection
        if old is None and len(self._by_peer) > _MOST:
            old = self._by_peer.popitem(last=False)[1]
        if old is not None:
            await old.engine.close()
        return connection

    def get(self, peer: str) -> Connection:
        """The record of a connection; one without an engine to talk to when it never said hello."""
        if peer not in self._by_peer:
            self._by_peer[peer] = Connection(Engine(""), self._environment_of(peer))
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
        await self.clusters.close()

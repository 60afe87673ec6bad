"""A few connections to PostgreSQL, made anew when they break, and with every wait bounded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from slipway_keys.telemetry.log import log

CONNECT_LIMIT_S = 3.0
COMMAND_LIMIT_S = 10.0
_MOST = 6
_RETRY_S = 0.5

Connection = Any
"""asyncpg's, which has no types."""

RefusedError = asyncpg.PostgresError
"""The database refused what it was asked, and will the next time."""


class AwayError(Exception):
    """The database cannot be asked now; the message says what was tried, and never holds the URL's password."""


_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
)
_AWAY_TOO = (
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.DiskFullError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.TransactionRollbackError,
)
"""Also a database that is not migrated yet, and a deadlock: what was asked is asked again."""


class Database:
    """The database of one URL, which is asked for each time it is needed: a Secret's file may change.

    `password`: gives it for each new connection, where the URL has none.
    """

    def __init__(self, url: Callable[[], str], password: Callable[[], Awaitable[str]] | None = None) -> None:
        self._url = url
        # asyncpg takes `password=None` for "as the URL says".
        self._password = password
        self._pool: Any = None
        self._making = asyncio.Lock()
        self.reachable = False
        """Whether the last use went well."""

    @asynccontextmanager
    async def connection(self, wait_s: float = CONNECT_LIMIT_S) -> AsyncIterator[Connection]:
        """Lend a connection; AwayError when there is none within `wait_s`, or when it breaks in the block."""
        try:
            async with asyncio.timeout(wait_s):
                pool = await self._made()
                connection = await pool.acquire()
        except (*_AWAY, *_AWAY_TOO, ValueError) as error:
            self._is_away(error)
            raise AwayError(f"no connection to the database: {type(error).__name__}") from None
        try:
            yield connection
            if not self.reachable:
                log("database reachable")
            self.reachable = True
        except (*_AWAY, *_AWAY_TOO) as error:
            self._is_away(error)
            raise AwayError(f"the database did not answer: {type(error).__name__}") from None
        finally:
            await self._give_back(pool, connection)

    async def listen(self, channel: str, heard: Callable[[str], None], begun: Callable[[], Awaitable[None]]) -> None:
        """Listen on a connection of its own until that ends; `begun` is awaited once nothing can be missed any more.

        Raises:
            AwayError: the connection cannot be had, or `begun` found the database away.
        """
        try:
            connection = await asyncpg.connect(
                self._url(), password=self._password, timeout=CONNECT_LIMIT_S, command_timeout=COMMAND_LIMIT_S
            )
        except (*_AWAY, *_AWAY_TOO, ValueError) as error:
            raise AwayError(f"no connection to the database: {type(error).__name__}") from None
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda *_: ended.set())
            await connection.add_listener(channel, lambda *about: heard(str(about[3])))
            await begun()
            await ended.wait()
        except (*_AWAY, *_AWAY_TOO) as error:
            raise AwayError(f"the database did not answer: {type(error).__name__}") from None
        finally:
            connection.terminate()

    async def close(self) -> None:
        """Close all connections; those in use are cut."""
        if self._pool is not None:
            self._pool.terminate()
            self._pool = None

    async def _made(self) -> Any:
        async with self._making:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url(),
                    password=self._password,
                    min_size=1,
                    max_size=_MOST,
                    timeout=CONNECT_LIMIT_S,
                    command_timeout=COMMAND_LIMIT_S,
                    # Statements of milliseconds gain nothing by being compiled, and would pay for it.
                    server_settings={"application_name": "slipway-keys", "jit": "off"},
                )
            return self._pool

    async def _give_back(self, pool: Any, connection: Connection) -> None:
        try:
            await pool.release(connection, timeout=1.0)
        except (*_AWAY, *_AWAY_TOO) as error:
            self._is_away(error)

    def _is_away(self, error: Exception) -> None:
        if self.reachable or self._pool is None:
            # The type only: messages of drivers quote hosts, users, and whatever a URL had wrong.
            log("database away", reason=type(error).__name__)
        self.reachable = False


async def until_done(work: Callable[[], Awaitable[None]]) -> None:
    """Do something with the database, again after a while each time that it is away."""
    while True:
        try:
            await work()
            return
        except AwayError:
            await asyncio.sleep(_RETRY_S)

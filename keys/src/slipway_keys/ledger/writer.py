"""Bring the journal's lines into the database, in batches, for as long as it takes."""

import asyncio
from collections.abc import Callable, Mapping

from slipway_keys.database import ledger
from slipway_keys.database.pool import AwayError, Database, RefusedError
from slipway_keys.ledger.journal import Batch, Journal
from slipway_keys.telemetry.log import log

_TICK_S = 0.05
_RETRY_S = 0.5
_SWEEP_S = 30.0

# Kind of line, and how many were new.
Count = Callable[[str, int], None]


class Writer:
    """Writes what the journal has."""

    def __init__(self, journal: Journal, database: Database, count: Count) -> None:
        self._journal = journal
        self._database = database
        self._count = count
        self._busy = asyncio.Lock()

    async def run(self) -> None:
        """Write for ever, and mark what nothing settled in time."""
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while True:
            try:
                while await self.write_one():
                    pass
                if loop.time() - swept > _SWEEP_S:
                    swept = loop.time()
                    self._count("unsettled", await ledger.give_up_unsettled(self._database))
                await asyncio.sleep(_TICK_S)
            except AwayError:
                await asyncio.sleep(_RETRY_S)

    async def drain(self, limit_s: float) -> bool:
        """Write until nothing is left, for at most `limit_s`; say whether all of it is in the database."""
        try:
            async with asyncio.timeout(limit_s):
                while self._journal.pending_bytes:
                    try:
                        await self.write_one()
                    except AwayError:
                        await asyncio.sleep(_RETRY_S)
        except TimeoutError:
            return False
        return True

    async def write_one(self) -> bool:
        """Write one batch; say whether there was one. AwayError: it stays in the journal."""
        async with self._busy:
            batch = self._journal.batch()
            if batch is None:
                return False
            if batch.lines:
                await self._write(batch)
            self._journal.done(batch)
        return True

    async def _write(self, batch: Batch) -> None:
        try:
            written = await ledger.write(self._database, b"[" + b",".join(batch.lines) + b"]")
        except RefusedError as error:
            log("ledger batch refused", reason=type(error).__name__, lines=len(batch.lines))
            await self._one_by_one(batch)
            return
        self._count_all(written)

    async def _one_by_one(self, batch: Batch) -> None:
        """Write each line alone, and leave out what the database refuses: one bad line must not stop the others."""
        for line in batch.lines:
            try:
                written = await ledger.write(self._database, b"[" + line + b"]")
            except RefusedError as error:
                log("ledger line refused", reason=type(error).__name__, bytes=len(line))
                self._count("refused", 1)
                continue
            self._count_all(written)

    def _count_all(self, written: Mapping[str, int]) -> None:
        for kind, count in written.items():
            self._count(kind, count)

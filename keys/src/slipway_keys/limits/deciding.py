"""Ask the database whether limits admit a call; without it, rates go on by replica and budgets are closed."""

import time
from collections.abc import Sequence
from typing import Any

from slipway_keys.database.batches import Batches
from slipway_keys.database.ledger import ADMIT_LIMIT_S, Verdict, admit
from slipway_keys.database.pool import AwayError, Database
from slipway_keys.limits.local import LocalRates


class Limits:
    """The limits of all calls."""

    def __init__(self, database: Database) -> None:
        async def work(calls: Sequence[dict[str, Any]]) -> list[Verdict]:
            return await admit(database, calls)

        # Apart, since a budget waits for the database's disk and a rate does not.
        self._rates: Batches[dict[str, Any], Verdict] = Batches(work, ADMIT_LIMIT_S)
        self._budgets: Batches[dict[str, Any], Verdict] = Batches(work, ADMIT_LIMIT_S)
        self._local = LocalRates()

    async def decide(self, call: dict[str, Any]) -> Verdict:
        """Return the verdict on a call.

        Raises:
            AwayError: the call has a budget, and the database, which alone knows it, is away.
        """
        if call["budget"] is not None:
            return await self._budgets.ask(call)
        try:
            return await self._rates.ask(call)
        except AwayError:
            wait_s = self._local.admit(call["rates"], time.monotonic())
            return Verdict("rate" if wait_s else "admitted", wait_s)

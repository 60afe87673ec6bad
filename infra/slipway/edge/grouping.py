"""Write what several requests change in one transaction, so that the disk is waited for once and not for each.

Every answer is still written before it is given. What one request is refused is rolled back alone.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from slipway.edge.store import Store

_Value = TypeVar("_Value")


class Group:
    """The changes of a store that requests of one event loop ask for."""

    def __init__(self, store: Store) -> None:
        """Take the store; nothing else of this process may be in a transaction of it while the loop runs."""
        self._store = store
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []

    async def change(self, change: Callable[[], _Value]) -> _Value:
        """Return what `change` returns once it is on the disk; raises what it raises, or what the store does.

        All that came in while the disk was written to before is one transaction.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Value] = loop.create_future()
        if not self._waiting:
            # After the requests that are ready now, which are in this transaction, too.
            loop.call_soon(self._write)
        self._waiting.append((change, future))
        return await future

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        done: list[tuple[asyncio.Future[Any], Any, Exception | None]] = []
        try:
            with self._store.changing():
                for change, future in waiting:
                    try:
                        with self._store.part():
                            value = change()
                        done.append((future, value, None))
                    except Exception as error:
                        done.append((future, None, error))
        except Exception as error:
            done = [(future, None, error) for _, future in waiting]
        for future, value, failed in done:
            if future.done():  # its client went away
                continue
            if failed is not None:
                future.set_exception(failed)
            else:
                future.set_result(value)

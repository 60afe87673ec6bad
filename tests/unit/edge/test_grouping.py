"""Changes of several requests in one transaction: each is written before it is answered, and fails alone."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from slipway.edge.grouping import Group
from slipway.edge.store import Store, StoreRefused, opened


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "edge-eu.sqlite") as store:
        yield store


def changed(store: Store, *changes: Callable[[], object]) -> list[object]:
    """What each of these changes returned or raised, asked for at once."""

    async def all_of_them() -> list[object]:
        group = Group(store)
        return await asyncio.gather(*map(group.change, changes), return_exceptions=True)

    return asyncio.run(all_of_them())


def written(store: Store) -> dict[str, str]:
    """The values that another process reads."""
    with closing(sqlite3.connect(store.where)) as other:
        return dict(other.execute("SELECT name, value FROM meta"))


def test_requests_at_once_are_one_transaction_and_all_are_written_before_any_is_answered(store: Store) -> None:
    commits: list[str] = []
    store._db.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)

    async def both() -> tuple[dict[str, str], dict[str, str]]:
        group = Group(store)

        async def ask(name: str) -> dict[str, str]:
            await group.change(lambda: store.set_meta(name, "there"))
            return written(store)

        return await asyncio.gather(ask("one"), ask("two"))

    everything = {"one": "there", "two": "there"}
    assert tuple(asyncio.run(both())) == (everything, everything)
    assert commits == ["COMMIT"]


def test_what_one_request_is_refused_is_taken_back_alone(store: Store) -> None:
    def kept() -> int:
        store.set_meta("three", "there")
        return 3

    def refused() -> None:
        store.set_meta("half", "done")
        raise ValueError("refused")

    first, second, third = changed(store, lambda: store.set_meta("one", "there"), refused, kept)
    assert (first, third) == (None, 3)
    assert isinstance(second, ValueError)
    assert written(store) == {"one": "there", "three": "there"}


def test_where_nothing_can_be_written_each_request_hears_it(store: Store) -> None:
    store._db.execute("PRAGMA query_only = ON")
    one, two = changed(store, lambda: store.set_meta("one", "there"), lambda: store.set_meta("two", "there"))
    assert all(isinstance(each, sqlite3.Error | StoreRefused) for each in (one, two))
    assert written(store) == {}

"""Who calls most, and how that compares with what they used to: out of the ledger, whichever replica counts."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
from ledger_reading import Books
from service import Home, until
from slipway_keys.database.migrate import migrate, migrations
from slipway_keys.database.pool import Database
from slipway_keys.database.traffic import busiest
from slipway_keys.values.traffic import Traffic

LINE = (
    "INSERT INTO ledger (request_id, key, account, model, admitted_at, reserved, due_at) "
    "SELECT gen_random_uuid()::text, $1, $1, $2, $3, true, $3 FROM generate_series(1, $4)"
)


def counted(url: str, calls: list[tuple[str, str, float, int]], *, rounds: int = 40, most: int = 50) -> list[Traffic]:
    """What is found after so many rounds of counting: (account, model, hours ago, calls)."""

    async def found() -> list[Traffic]:
        database = Database(lambda: url)
        await migrate(database, migrations())
        connection = await asyncpg.connect(url)
        now = datetime.now(UTC)
        for account, model, hours, count in calls:
            await connection.execute(LINE, account, model, now - timedelta(hours=hours), count)
        await connection.close()
        try:
            for _ in range(rounds):
                last = await busiest(database, most)
            return last
        finally:
            await database.close()

    return asyncio.run(found())


def test_the_last_day_is_held_against_the_busiest_of_the_week_before(empty_url: str) -> None:
    calls = [
        ("a", "digits", 0.1, 700), ("a", "digits", 20, 300), ("a", "digits", 30, 10), ("a", "digits", 100, 40),
        ("b", "digits", 0.1, 5), ("b", "speech", 0.1, 6), ("c", "digits", 26, 9000), ("anonymous", "digits", 0.1, 9999),
    ]  # fmt: skip
    assert counted(empty_url, calls) == [
        Traffic("a", "digits", 1000, 40),
        Traffic("b", "speech", 6, 0),
        Traffic("b", "digits", 5, 0),
    ]


def test_so_many_are_shown_and_no_more(empty_url: str) -> None:
    found = counted(empty_url, [(f"key{n}", "digits", 0.1, n) for n in range(1, 9)], most=3)
    assert [one.calls for one in found] == [8, 7, 6]


def test_a_long_ledger_is_caught_up_with_step_by_step_and_counted_once(empty_url: str) -> None:
    calls = [("a", "digits", hours, 1) for hours in range(24 * 8)]
    assert counted(empty_url, calls, rounds=2) == []
    (found,) = counted(empty_url, [], rounds=60)
    assert 23 <= found.calls <= 25  # the hours at the edges of a day that is not one of the calendar
    assert 23 <= found.usual <= 25


def test_replicas_that_count_at_the_same_time_count_once(empty_url: str) -> None:
    counted(empty_url, [("a", "digits", 0.1, 10)])

    async def together() -> list[list[Traffic]]:
        databases = [Database(lambda: empty_url) for _ in range(4)]
        try:
            return await asyncio.gather(*map(busiest, databases))
        finally:
            for database in databases:
                await database.close()

    assert asyncio.run(together()) == [[Traffic("a", "digits", 10, 0)]] * 4


def test_a_replica_shows_the_busiest_where_it_is_told_to(home: Home, books: Books) -> None:
    key, text = books.key()

    async def counts() -> None:
        connection = await asyncpg.connect(home.url_file.read_text().strip())
        await connection.execute("UPDATE traffic_counted SET until = now()")
        await connection.close()

    quiet = home.start("quiet")
    asyncio.run(counts())
    replica = home.start("loud", SLIPWAY_KEYS_TRAFFIC_S="0.2")
    for _ in range(3):
        assert replica.check("digits", text, str(uuid4())).status == 200
    labels = {"account": key.account, "model": "digits"}
    until(lambda: replica.metric("slipway_keys_day_calls", **labels) == 3)
    assert replica.metric("slipway_keys_usual_day_calls", **labels) == 0
    assert "slipway_keys_day_calls{" not in quiet.get("/metrics")[1]

"""Rates and budgets, which two replicas keep together, and what they hold while the database is away."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from ledger_reading import Books
from service import Home, Service, record, until
from slipway_keys.database import ledger
from slipway_keys.limits.local import LocalRates
from slipway_keys.values.keys import Budget, Rate


def hammer(replicas: list[Service], key: str, calls: int) -> Counter[int]:
    """Ask all replicas at once, each by connections of its own."""

    def ask(number: int) -> list[int]:
        replica = replicas[number % len(replicas)]
        own = Service(replica.process, replica.log, replica.journal, replica.ports)
        return [own.check("digits", key).status for _ in range(calls // 8)]

    with ThreadPoolExecutor(8) as pool:
        return Counter(status for part in pool.map(ask, range(8)) for status in part)


def test_two_replicas_never_pass_over_a_budget_of_calls_and_reach_it(home: Home, books: Books) -> None:
    replicas = [home.start(name) for name in "ab"]
    _, text = books.key(budget=Budget(101, None, "month"))
    assert hammer(replicas, text, 400) == {200: 101, 429: 299}
    assert len(books.lines()) == 101
    assert books.query("SELECT calls FROM budgets")[0]["calls"] == 101


def test_two_replicas_share_a_rate_exactly(home: Home, books: Books) -> None:
    replicas = [home.start(name) for name in "ab"]
    _, text = books.key(rate=Rate(60, 60))
    began = time.monotonic()
    counted = hammer(replicas, text, 160)
    # What the bucket held, and what came back meanwhile: one call a second.
    assert 60 <= counted[200] <= 61 + (time.monotonic() - began)
    assert counted[200] + counted[429] == 160


def test_a_client_within_its_rate_is_never_refused(home: Home, books: Books) -> None:
    replicas = [home.start(name) for name in "ab"]
    _, text = books.key(rate=Rate(20, 1))
    statuses = []
    began = time.monotonic()
    for number in range(60):
        time.sleep(max(0.0, began + number / 20 - time.monotonic()))
        statuses.append(replicas[number % 2].check("digits", text).status)
    assert set(statuses) == {200}


def test_waiting_as_long_as_told_is_enough(home: Home, books: Books) -> None:
    _, text = books.key(rate=Rate(30, 60))
    replica = home.start()
    while (answer := replica.check("digits", text)).status == 200:
        pass
    assert (answer.status, answer.retry_s) == (429, 2)
    time.sleep(answer.retry_s)
    assert replica.check("digits", text).status == 200


def test_a_budget_in_dollars_holds_what_calls_in_flight_may_cost(home: Home, books: Books) -> None:
    home.api.set("digits", timeout_s=10, price={"per_call": "0.1", "per_second": "0.09"})  # 1 $ at most
    _, text = books.key(budget=Budget(None, Decimal("2.5"), "day"))
    replica = home.start()
    ids = [str(uuid4()) for _ in range(3)]
    first, second, third = (replica.check("digits", text, request_id) for request_id in ids)
    assert [first.status, second.status, third.status] == [200, 200, 429]
    assert "held" in third.problem
    assert third.retry_s == 1
    replica.settle(record(first, ids[0], compute_s="0"))
    until(lambda: books.query("SELECT spent_usd FROM budgets")[0][0] == Decimal("0.1"))
    again = str(uuid4())
    answer = replica.check("digits", text, again)
    assert answer.status == 200
    for request_id, admitted in ((ids[1], second), (again, answer)):
        replica.settle(record(admitted, request_id, compute_s="10"))
    until(lambda: books.query("SELECT spent_usd FROM budgets")[0][0] == Decimal("2.1"))
    row = books.query("SELECT calls, reserved_usd FROM budgets")[0]
    assert (row["calls"], row["reserved_usd"]) == (3, 0)
    last = replica.check("digits", text)
    assert last.status == 429
    assert "used up" in last.problem
    midnight = books.query(
        "SELECT extract(epoch FROM date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day' "
        "- (now() AT TIME ZONE 'UTC'))::float8"
    )[0][0]
    assert abs(last.retry_s - midnight) < 5


def test_a_new_day_opens_a_budget_again(home: Home, books: Books) -> None:
    _, text = books.key(budget=Budget(1, None, "day"))
    replica = home.start()
    assert [replica.check("digits", text).status for _ in range(2)] == [200, 429]
    books.query("UPDATE budgets SET period_start = period_start - 1")
    assert replica.check("digits", text).status == 200


def test_given_up_calls_hold_nothing_of_a_budget_and_pay_when_they_are_settled_late(home: Home, books: Books) -> None:
    home.api.set("digits", price={"per_call": "1"})
    _, text = books.key(budget=Budget(None, Decimal(1), "day"))
    replica = home.start()
    request_id = str(uuid4())
    answer = replica.check("digits", text, request_id)
    books.query("UPDATE ledger SET due_at = now() - interval '1 s'")
    books.run(ledger.give_up_unsettled(books.database))
    assert books.query("SELECT reserved_usd, spent_usd FROM budgets")[0] == (0, 0)
    replica.settle(record(answer, request_id))
    until(lambda: books.query("SELECT reserved_usd, spent_usd FROM budgets")[0] == (0, 1))


def test_the_databases_clock_decides_not_the_replicas(home: Home, books: Books) -> None:
    """A replica whose clock is an hour ahead: keys do not expire early, and limits are those of the other replica."""
    ahead = home.start("ahead", **_shifted(home, 3600))
    behind = home.start("behind", **_shifted(home, -3600))
    _, text = books.key(rate=Rate(2, 60), expires_in=timedelta(minutes=5))
    answers = [replica.check("digits", text).status for replica in (ahead, behind, ahead)]
    assert answers == [200, 200, 429]
    until(lambda: len(books.lines()) == 2)
    spread = books.query(
        "SELECT extract(epoch FROM max(now() - admitted_at))::float8, min(admitted_at) <= now() FROM ledger"
    )
    assert spread[0][0] < 60


def _shifted(home: Home, seconds: int) -> dict[str, str]:
    """Let a process believe in another time: Python runs sitecustomize at its start."""
    folder = home.folder / f"shift{seconds}"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(f"import time\nreal = time.time\ntime.time = lambda: real() + {seconds}\n")
    return {"PYTHONPATH": str(folder)}


def test_local_rates_take_from_all_limits_or_from_none() -> None:
    rates = LocalRates()
    wide, narrow = {"subject": "w", "count": 2, "per_s": 1}, {"subject": "n", "count": 1, "per_s": 1}
    assert rates.admit([wide, narrow], 0.0) == 0
    assert rates.admit([wide, narrow], 0.0) == 1
    assert rates.admit([wide], 0.0) == 0
    assert rates.admit([wide], 0.0) == 0.5
    assert rates.admit([wide, narrow], 1.0) == 0

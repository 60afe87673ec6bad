"""What went wrong in a proxy that many use (LiteLLM, by its public issues), tried on this one."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

from ledger_reading import Books
from service import Home, Service, record, until
from slipway_keys.database import keys, ledger
from slipway_keys.values.keys import Budget, Rate


def at_once(replica: Service, key: str, calls: int, path: str = "/infer") -> Counter[int]:
    """Ask on so many connections in the same moment."""
    barrier = threading.Barrier(calls)

    def ask(_: int) -> int:
        own = Service(replica.process, replica.log, replica.journal, replica.ports)
        barrier.wait(30)
        return own.check("digits", key, path=path).status

    with ThreadPoolExecutor(calls) as pool:
        return Counter(pool.map(ask, range(calls)))


def test_concurrent_calls_pass_over_no_budget_before_spend_is_recorded(home: Home, books: Books) -> None:
    # LiteLLM #34732: the budget was compared with what had been recorded, so that calls in flight did not count.
    home.api.set("digits", price={"per_call": "0.5"})
    replica = home.start()
    _, text = books.key(budget=Budget(None, Decimal(1), "day"))
    assert at_once(replica, text, 8) == {200: 2, 429: 6}


def test_the_very_first_calls_of_a_key_are_within_its_budget(home: Home, books: Books) -> None:
    # LiteLLM #40095: concurrent first requests of one not seen before went through without its budget.
    replica = home.start()
    _, text = books.key(budget=Budget(1, None, "month"))
    assert at_once(replica, text, 8) == {200: 1, 429: 7}


def test_a_call_that_one_limit_refuses_takes_nothing_from_another(home: Home, books: Books) -> None:
    # LiteLLM #39309: requests that one limit rejected consumed the quota of another one.
    home.api.set("digits", rate={"count": 1, "per_s": 1})
    replica = home.start()
    _, text = books.key(rate=Rate(3, 60))
    assert [replica.check("digits", text).status for _ in range(20)].count(200) == 1
    for _ in range(2):
        time.sleep(1.05)
        assert replica.check("digits", text).status == 200


def test_a_rotation_does_not_open_a_used_up_budget(home: Home, books: Books) -> None:
    # LiteLLM #31079: regenerating a key reset its budget's window.
    replica = home.start()
    key, text = books.key(budget=Budget(2, None, "month"))
    assert [replica.check("digits", text).status for _ in range(3)] == [200, 200, 429]
    _, new = books.run(keys.rotate(books.database, key.id, timedelta(hours=1)))
    assert [replica.check("digits", each).status for each in (new, text)] == [429, 429]


def test_a_client_that_leaves_a_stream_is_counted(home: Home, books: Books) -> None:
    # LiteLLM #14457: usage of streams that clients ended early was lost.
    home.api.set("digits", price={"per_call": "1", "per_second": "1"})
    replica = home.start()
    _, text = books.key(budget=Budget(None, Decimal(100), "day"))
    request_id = str(uuid4())
    answer = replica.check("digits", text, request_id)
    replica.settle(record(answer, request_id, status=200, flags="DC", compute_s="2.5"))
    until(lambda: books.lines()[request_id]["state"] == "settled")
    assert books.lines()[request_id]["cost_usd"] == Decimal("3.5")
    assert books.query("SELECT spent_usd, reserved_usd FROM budgets")[0] == (Decimal("3.5"), 0)


def test_every_path_of_a_model_counts(home: Home, books: Books) -> None:
    # LiteLLM #38176: some endpoints never counted, so that traffic to them passed by the budget.
    replica = home.start()
    _, text = books.key(budget=Budget(3, None, "day"))
    paths = ["/infer", "", "/ready", "/versions/1/infer", "/anything?x=1"]
    assert [replica.check("digits", text, path=path).status for path in paths] == [200, 200, 200, 429, 429]


def test_calls_that_never_end_do_not_lock_a_key_for_good(home: Home, books: Books) -> None:
    # LiteLLM #20256: after time-outs of providers, a counter of calls in flight was never released: 429 for ever.
    home.api.set("digits", price={"per_call": "1"})
    replica = home.start()
    _, text = books.key(budget=Budget(None, Decimal(2), "day"))
    assert [replica.check("digits", text).status for _ in range(3)] == [200, 200, 429]  # no settlement ever comes
    books.query("UPDATE ledger SET due_at = now() - interval '1 s'")
    assert books.run(ledger.give_up_unsettled(books.database)) == 2
    assert replica.check("digits", text).status == 200


def test_spend_is_what_the_ledger_says_not_what_was_cached(home: Home, books: Books) -> None:
    # LiteLLM #27735: a stale count refused calls of a key that was within its budget.
    home.api.set("digits", price={"per_call": "1"})
    first, second = home.start("a"), home.start("b")
    _, text = books.key(budget=Budget(None, Decimal(2), "day"))
    ids = [str(uuid4()), str(uuid4())]
    answers = [first.check("digits", text, request_id) for request_id in ids]
    assert second.check("digits", text).status == 429
    # Both failed by the service's fault: they cost nothing, and every replica knows at once.
    first.settle(*(record(answer, name, status=503) for answer, name in zip(answers, ids, strict=True)))
    until(lambda: books.query("SELECT reserved_usd FROM budgets")[0][0] == 0)
    assert second.check("digits", text).status == 200


def test_a_key_without_a_budget_is_never_over_it(home: Home, books: Books) -> None:
    # LiteLLM #20615: one costly call blocked those who had no budget at all.
    home.api.set("digits", price={"per_call": "1000000"})
    replica = home.start()
    _, text = books.key()
    assert {replica.check("digits", text).status for _ in range(5)} == {200}

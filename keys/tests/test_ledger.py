"""One line per request, whatever comes first, twice, late, or from nowhere."""

import re
import time
from uuid import uuid4

import orjson
from ledger_reading import Books
from service import Answer, Home, Service, record, until
from slipway_keys.database import ledger

PRICE = {"per_call": "0.0002", "per_second": "0.01", "per_token": "0.000001"}


def call(replica: Service, key: str) -> tuple[str, Answer]:
    request_id = str(uuid4())
    answer = replica.check("digits", key, request_id)
    assert answer.status == 200, answer
    return request_id, answer


def test_a_call_is_reserved_then_settled_at_the_price_of_its_admission(home: Home, books: Books) -> None:
    home.api.set("digits", price=PRICE)
    key, text = books.key()
    replica = home.start()
    request_id, answer = call(replica, text)
    until(lambda: request_id in books.lines())
    assert books.lines()[request_id]["state"] == "reserved"
    home.api.set("digits", price={"per_call": "99"})
    replica.settle(record(answer, request_id, compute_s="0.5", tokens="100", duration_ms="600"))
    until(lambda: books.lines()[request_id]["state"] == "settled")
    line = books.lines()[request_id]
    assert (line["key"], line["account"], line["model"]) == (key.id, key.account, "digits")
    assert (line["status"], line["bytes_in"], line["bytes_out"], line["seconds"]) == (200, 10, 20, 0.6)
    assert str(line["cost_usd"].normalize()) == "0.0053"


def test_a_settlement_counts_once_and_the_first_one_stays(home: Home, books: Books) -> None:
    home.api.set("digits", price=PRICE)
    _, text = books.key()
    replica = home.start()
    request_id, answer = call(replica, text)
    replica.settle(record(answer, request_id, status=200), record(answer, request_id, status=200))
    until(lambda: books.lines().get(request_id, {}).get("state") == "settled")
    replica.settle(record(answer, request_id, status=500))
    until(lambda: replica.metric("slipway_keys_journal_pending_bytes") == 0)
    assert books.lines()[request_id]["status"] == 200
    assert len(books.lines()) == 1


def test_a_settlement_may_come_before_its_reservation(home: Home, books: Books) -> None:
    home.api.set("digits", auth="none", price={"per_call": "1"})
    second = home.start("b")
    nowhere = {"SLIPWAY_KEYS_DATABASE_URL_FILE": str(home.folder / "no-such-file")}
    first = home.start("a", ready=False, **nowhere)
    until(lambda: first.check("digits").status == 200)
    request_id, answer = call(first, "")
    second.settle(record(answer, request_id))
    until(lambda: request_id in books.lines())
    early = books.lines()[request_id]
    assert (early["state"], early["model"], early["cost_usd"]) == ("settled", "digits", 0)
    first.kill()
    home.start("a")
    until(lambda: books.lines()[request_id]["reserved"])
    line = books.lines()[request_id]
    assert (line["settled_at"], line["cost_usd"]) == (early["settled_at"], 1)


def test_reservation_after_settlement_brings_its_prices(books: Books) -> None:
    books.migrate()
    at = time.time()
    settlement = {"kind": "settlement", "request_id": "r", "key": "k", "account": "k", "model": "m", "began": at}
    settlement |= {"at": at + 1, "status": 200, "flags": "", "compute_s": "2"}
    reservation = {"kind": "reservation", "request_id": "r", "key": "k", "account": "first", "model": "m", "at": at}
    reservation |= {"patience_s": 300, "per_call": "1", "per_second": "0.5"}
    written = [
        books.run(ledger.write(books.database, orjson.dumps(lines)))
        for lines in ([settlement, settlement], [reservation, reservation], [reservation, settlement])
    ]
    assert [(one["reservation"], one["settlement"]) for one in written] == [(0, 1), (1, 0), (0, 0)]
    line = books.lines()["r"]
    assert (line["account"], float(line["cost_usd"]), line["state"]) == ("first", 2.0, "settled")


def test_records_that_are_not_the_gateways_settle_nothing(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    request_id, answer = call(replica, text)
    mark = answer.headers["x-slipway-key"]
    forged = [
        record(answer, "another-request"),
        {**record(answer, request_id), "key": re.sub(r",digits,", ",speech,", mark)},
        {**record(answer, request_id), "key": mark[:-1]},
        {**record(answer, request_id), "key": "nonsense"},
    ]
    replica.settle(*forged)
    assert replica.metric("slipway_keys_access_log_records_total", kind="not believed") == len(forged)
    replica.settle({**record(answer, request_id), "key": "-", "status": 401})
    assert replica.metric("slipway_keys_access_log_records_total", kind="refused") == 1
    until(lambda: replica.metric("slipway_keys_journal_pending_bytes") == 0)
    assert [line["state"] for line in books.lines().values()] == ["reserved"]


def test_what_the_service_failed_to_answer_costs_nothing_and_a_client_that_left_pays(home: Home, books: Books) -> None:
    home.api.set("digits", price={"per_call": "1"})
    _, text = books.key()
    replica = home.start()
    ends = {
        "503": ("503", "UH"),
        "0 UC": ("0", "UC"),
        "0 DC": ("0", "DC"),
        "200 DC": ("200", "DC"),
        "400": ("400", "-"),
    }
    ids = {}
    for name, (status, flags) in ends.items():
        ids[name], answer = call(replica, text)
        replica.settle(record(answer, ids[name], status=status, flags=flags))
    until(lambda: len([1 for line in books.lines().values() if line["state"] == "settled"]) == len(ends))
    costs = {name: int(books.lines()[request_id]["cost_usd"]) for name, request_id in ids.items()}
    assert costs == {"503": 0, "0 UC": 0, "0 DC": 1, "200 DC": 1, "400": 1}


def test_what_was_not_measured_is_null(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    request_id, answer = call(replica, text)
    replica.settle(record(answer, request_id, bytes_out="abc", tokens="-", compute_s="-1"))
    until(lambda: books.lines().get(request_id, {}).get("state") == "settled")
    line = books.lines()[request_id]
    assert (line["bytes_out"], line["tokens"], line["compute_s"]) == (None, None, None)


def test_a_call_that_nothing_settles_is_unsettled_until_something_does(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    request_id, answer = call(replica, text)
    until(lambda: request_id in books.lines())
    assert books.run(ledger.give_up_unsettled(books.database)) == 0
    books.query("UPDATE ledger SET due_at = now() - interval '1 s'")
    assert books.run(ledger.give_up_unsettled(books.database)) == 1
    line = books.lines()[request_id]
    assert (line["state"], line["cost_usd"]) == ("unsettled", None)
    replica.settle(record(answer, request_id))
    until(lambda: books.lines()[request_id]["state"] == "settled")

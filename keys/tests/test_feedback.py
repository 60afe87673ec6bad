"""Feedback through two replicas as the gateway brings it: who may, what is refused, and what is counted once."""

import http.client
import json
import math
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import jwt
import pytest
from ledger_reading import Books
from service import LIMIT_S, Answer, Home, Service, record, until

PATH = "/models/digits/v2/models/digits/feedback"
QUALITY = {"task": "classification", "within_s": 604800, "window_s": 86400, "path": PATH}
PASS = "x-slipway-pass"


@pytest.fixture
def replica(home: Home, books: Books) -> Service:
    books.migrate()
    home.api.set("digits", quality=QUALITY)
    return home.start("a", SLIPWAY_KEYS_QUALITY_S="0.2")


def reported(*classes: str, version: str = "1.0.0", rows: int | None = None) -> str:
    return json.dumps({"version": version, "rows": rows or len(classes), "predicted": list(classes)})


def called(replica: Service, key: str, predicted: str, **values: object) -> str:
    """Have a call admitted, answered and logged; return its id."""
    request_id = str(uuid4())
    admitted = replica.check("digits", key, request_id)
    assert admitted.status == 200
    replica.settle(record(admitted, request_id, predicted=predicted, **values))
    return request_id


def sent(replica: Service, body: object, headers: Mapping[str, str], model: str = "digits") -> tuple[int, Any]:
    """Send feedback as the gateway passes it on."""
    connection = http.client.HTTPConnection("127.0.0.1", replica.ports["admin_port"], timeout=LIMIT_S)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", f"/feedback/{model}", data, {"content-type": "application/json", **headers})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text)


def let_in(replica: Service, key: str) -> Mapping[str, str]:
    """Ask as the gateway does, and return the headers that it adds."""
    admitted = replica.ask("POST", "digits", PATH, key)
    assert admitted.status == 200, admitted.body
    return {PASS: admitted.headers[PASS]}


def states(answer: tuple[int, Any]) -> list[str]:
    assert answer[0] == 200, answer
    return [one["state"] for one in answer[1]["results"]]


def test_feedback_joins_what_the_gateway_logged_and_shows_as_metrics(replica: Service, books: Books) -> None:
    _, caller = books.key()
    _, teacher = books.key(roles=("feedback",))
    single, batch = called(replica, caller, reported("7")), called(replica, caller, reported("1", "2", "3"))
    until(lambda: books.query("SELECT count(*) FROM quality")[0][0] == 4)
    headers = let_in(replica, teacher)
    items = [{"id": single, "label": 7}, {"id": batch, "row": 2, "label": "4"}, {"id": batch, "row": 1, "label": 2}]
    answer = sent(replica, items, headers)
    assert states(answer) == ["joined"] * 3
    assert answer[1]["counts"] == {"joined": 3}
    assert [(one["id"], one["row"]) for one in answer[1]["results"]] == [(single, 0), (batch, 2), (batch, 1)]
    assert states(sent(replica, {"id": single, "label": 7}, headers)) == ["twice"]
    of = {"model": "digits", "version": "1.0.0"}
    until(lambda: replica.metric("slipway_keys_quality_labels", **of) == 3)
    assert replica.metric("slipway_keys_quality", metric="accuracy", **of) == pytest.approx(2 / 3)
    assert replica.metric("slipway_keys_feedback_total", model="digits", state="joined") == 3
    assert replica.metric("slipway_keys_feedback_total", model="digits", state="twice") == 1


def test_nothing_is_kept_of_refused_failed_and_foreign_calls(replica: Service, books: Books, home: Home) -> None:
    _, caller = books.key("digits", "speech")
    home.api.set("speech")
    until(lambda: replica.check("speech", caller).status == 200)
    called(replica, caller, reported("7"), status=500)
    called(replica, caller, "no JSON")
    called(replica, caller, "-")
    other = replica.check("speech", caller, "of-speech")
    forged = record(other, "of-speech", predicted=reported("7"))
    replica.settle(forged, forged | {"request_id": "another"}, {"key": "-", "predicted": reported("7")})
    until(lambda: replica.metric("slipway_keys_ledger_lines_total", kind="settlement") == 4)
    assert books.query("SELECT count(*) FROM quality")[0][0] == 0
    assert replica.metric("slipway_keys_answers_not_kept_total", model="digits") == 1


def test_rows_beyond_the_reported_ones_are_counted(replica: Service, books: Books) -> None:
    _, caller = books.key()
    called(replica, caller, reported("1", "2", rows=100))
    until(lambda: books.query("SELECT count(*) FROM quality")[0][0] == 2)
    assert replica.metric("slipway_keys_answers_not_kept_total", model="digits") == 98


def test_an_answer_of_which_the_log_comes_after_a_kill_is_joined(replica: Service, books: Books, home: Home) -> None:
    _, caller = books.key()
    _, teacher = books.key(roles=("feedback",))
    request_id = str(uuid4())
    admitted = replica.check("digits", caller, request_id)
    assert states(sent(replica, {"id": request_id, "label": "7"}, let_in(replica, teacher))) == ["waiting"]
    replica.settle(record(admitted, request_id, predicted=reported("7")))
    replica.kill()
    again = home.start("a", SLIPWAY_KEYS_QUALITY_S="0.2")
    until(lambda: again.metric("slipway_keys_quality_labels", model="digits") == 1)
    again.settle(record(admitted, request_id, predicted=reported("8")))
    until(lambda: again.metric("slipway_keys_access_log_records_total", kind="settled") == 1)
    assert states(sent(again, {"id": request_id, "label": "7"}, let_in(again, teacher))) == ["twice"]
    assert [row["predicted"] for row in books.query("SELECT predicted FROM quality")] == ["7"]


def test_two_replicas_that_get_the_same_feedback_count_it_once(replica: Service, books: Books, home: Home) -> None:
    _, caller = books.key()
    _, teacher = books.key(roles=("feedback",))
    second = home.start("b")
    ids = [called(replica, caller, reported("7")) for _ in range(20)]
    until(lambda: books.query("SELECT count(*) FROM quality")[0][0] == 20)
    forwards = [{"id": one, "label": "7"} for one in ids]
    found = [*states(sent(replica, forwards, let_in(replica, teacher)))]
    found += states(sent(second, forwards[::-1], let_in(second, teacher)))
    assert sorted(found) == ["joined"] * 20 + ["twice"] * 20


def refusal(replica: Service, key: str, path: str = PATH, **headers: str) -> Answer:
    return replica.ask("POST", "digits", path, key, **headers)


def test_only_a_key_with_the_role_gives_feedback_however_others_call(
    replica: Service, books: Books, home: Home
) -> None:
    _, caller = books.key()
    _, teacher = books.key(roles=("feedback",))
    assert (refusal(replica, caller).status, refusal(replica, caller).problem) == (
        403,
        "the key lacks the role feedback",
    )
    assert replica.check("digits", teacher).status == 403
    assert refusal(replica, "").status == 401
    home.api.set("digits", auth="none", quality=QUALITY)
    until(lambda: replica.check("digits").status == 200)
    assert refusal(replica, "").status == 401
    assert refusal(replica, teacher).status == 200


def test_feedback_wakes_no_model_and_is_in_no_ledger(replica: Service, books: Books, home: Home) -> None:
    _, teacher = books.key(roles=("feedback",))
    home.api.set("digits", quality=QUALITY, to_zero={"wait_s": 5}, price={"per_call": "1"})
    until(lambda: replica.demand("digits") == 0)
    admitted = refusal(replica, teacher)
    assert (admitted.status, admitted.headers["x-slipway-key"]) == (200, "-")
    assert (replica.demand("digits"), books.lines()) == (0, {})


def test_a_flood_of_calls_with_feedback_is_held_back(replica: Service, books: Books) -> None:
    _, teacher = books.key(roles=("feedback",))
    found = [refusal(replica, teacher) for _ in range(40)]
    assert {one.status for one in found} == {200, 429}
    refused = next(one for one in found if one.status == 429)
    assert "send a list" in refused.problem and refused.retry_s >= 1


def test_a_models_pass_is_none_for_feedback_nor_the_other_way_round(replica: Service, books: Books, home: Home) -> None:
    _, caller = books.key()
    _, teacher = books.key(roles=("feedback",))
    of_call = replica.check("digits", caller).headers[PASS]
    good = let_in(replica, teacher)[PASS]
    assert (
        jwt.decode(good, home.private.public_key(), ["EdDSA"], audience="feedback/digits")["aud"] == "feedback/digits"
    )
    now = int(time.time())
    foreign = jwt.encode({"aud": "feedback/speech", "iat": now, "exp": now + 60}, home.private, algorithm="EdDSA")
    for shown in ({}, {PASS: of_call}, {PASS: foreign}, {PASS: "x" * 5000}):
        status, answer = sent(replica, {"id": "a", "label": "7"}, shown)
        assert (status, "by way of the gateway" in answer["message"]) == (403, True)
    assert sent(replica, {"id": "a", "label": "7"}, {PASS: foreign}, model="speech")[0] == 404
    assert books.query("SELECT count(*) FROM quality")[0][0] == 0


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "not JSON"),
        ([], 422, "at least 1 item"),
        ([{"id": "a", "label": "7"}] * 501, 422, "at most 500 items"),
        ({"id": "a"}, 422, "label, rating or outcome is expected"),
        ({"id": "a b", "label": "7"}, 422, "id"),
        ({"id": "a", "label": "7", "row": 64}, 422, "row"),
        ({"id": "a", "label": "7", "inputs": [1]}, 422, "inputs"),
        ({"id": "a", "label": 7.5}, 422, "items.0.label: is a fraction"),
        ([{"id": "a", "label": "7"}, {"id": "b", "label": "\0"}], 422, "items.1.label"),
        ({"id": "a", "label": "x" * 501}, 422, "500"),
        ({"id": "a", "rating": math.inf}, 400, "not JSON"),
        (b"[" + b" " * 70_000 + b"]", 413, "longer than 65536 bytes"),
    ],
    ids=lambda value: None if not isinstance(value, str) else value[:20],
)
def test_what_is_wrong_is_told_and_nothing_of_the_body_is_taken(
    replica: Service, books: Books, body: object, status: int, said: str
) -> None:
    _, teacher = books.key(roles=("feedback",))
    found, answer = sent(replica, body, let_in(replica, teacher))
    assert (found, said in answer["message"]) == (status, True), answer
    assert books.query("SELECT count(*) FROM quality")[0][0] == 0


def test_labels_of_numbers_are_numbers(replica: Service, books: Books, home: Home) -> None:
    _, caller = books.key()
    _, teacher = books.key(roles=("feedback",))
    home.api.set("digits", quality=QUALITY | {"task": "regression"})
    request_id = called(replica, caller, reported("7.25"))
    until(lambda: books.query("SELECT count(*) FROM quality")[0][0] == 1)
    headers = let_in(replica, teacher)
    until(lambda: sent(replica, {"id": request_id, "label": "seven"}, headers)[0] == 422)
    assert states(sent(replica, {"id": request_id, "label": 7}, headers)) == ["joined"]
    until(lambda: replica.metric("slipway_keys_quality", model="digits", metric="rmse") == 0.25)

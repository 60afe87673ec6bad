"""Calls of models without a replica: held until there is one, bounded, and heard of by the autoscaler."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from ledger_reading import Books
from service import LIMIT_S, READY, Answer, Home, Service, until
from slipway_keys.database import keys
from slipway_keys.waking.endpoints import ready_endpoints

STOPPING = {"ready": False, "serving": True, "terminating": True}
STARTING = {"ready": False, "serving": False, "terminating": False}
WAIT_S = 20.0


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    """Threads, each of which may wait for an answer."""
    with ThreadPoolExecutor(max_workers=64) as pool:
        yield pool


@pytest.fixture
def asleep(home: Home) -> Service:
    """A replica that knows of the model `digits` without an endpoint."""
    home.api.set("digits", auth="none", to_zero={"wait_s": WAIT_S})
    home.api.set_endpoints("digits")
    return knowing(home.start())


def knowing(replica: Service, count: int = 0) -> Service:
    until(lambda: f'slipway_keys_ready_endpoints{{model="digits"}} {count}.0' in replica.get("/metrics")[1], replica)
    return replica


def held(replica: Service, count: int, model: str = "digits") -> None:
    until(lambda: replica.demand(model) == count, replica)


def call(callers: ThreadPoolExecutor, replica: Service, model: str = "digits", key: str = "") -> "Future[Answer]":
    return callers.submit(replica.caller().check, model, key)


def wake(home: Home, replica: Service, model: str, token: str | None = None) -> tuple[int, str]:
    now = int(time.time())
    claims: dict[str, Any] = {"aud": "keys-admin", "iat": now, "exp": now + 60}
    signed = token if token is not None else jwt.encode(claims, home.private, algorithm="EdDSA")
    connection = http.client.HTTPConnection("127.0.0.1", replica.ports["admin_port"], timeout=LIMIT_S)
    headers = {"content-type": "application/json", "x-slipway-pass": signed}
    connection.request("POST", f"/admin/models/{model}/wake", "{}", headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_a_call_waits_until_its_model_has_an_endpoint(home: Home, asleep: Service, callers: ThreadPoolExecutor) -> None:
    waiting = call(callers, asleep)
    held(asleep, 1)
    home.api.set_endpoints("digits", STARTING)
    knowing(asleep)
    assert not waiting.done()
    home.api.set_endpoints("digits", READY)
    answer = waiting.result(LIMIT_S)
    assert answer.status == 200 and answer.headers["x-slipway-pass"]
    held(asleep, 0)
    assert asleep.metric("slipway_keys_held_seconds_count", model="digits", end="ready") == 1
    assert asleep.metric("slipway_keys_checks_total", model="digits", outcome="admitted") == 1
    # What a check itself takes is measured without the wait.
    assert asleep.metric("slipway_keys_check_seconds_sum") < asleep.metric("slipway_keys_held_seconds_sum")


def test_fifty_calls_at_once_are_all_let_go_by_one_endpoint(
    home: Home, asleep: Service, callers: ThreadPoolExecutor
) -> None:
    waiting = [call(callers, asleep) for _ in range(50)]
    held(asleep, 50)
    assert asleep.metric("slipway_keys_held", model="digits") == 50
    home.api.set_endpoints("digits", READY)
    assert [one.result(LIMIT_S).status for one in waiting] == [200] * 50


def test_a_model_with_an_endpoint_lets_calls_pass_at_once_and_one_that_stops_does_not(
    home: Home, callers: ThreadPoolExecutor
) -> None:
    home.api.set("digits", auth="none", to_zero={"wait_s": WAIT_S})
    home.api.set_endpoints("digits", READY, STOPPING)
    replica = knowing(home.start(), 1)
    assert replica.check("digits").status == 200
    home.api.set_endpoints("digits", STOPPING)
    knowing(replica)
    waiting = call(callers, replica)
    held(replica, 1)
    home.api.set_endpoints("digits", STOPPING, READY)
    assert waiting.result(LIMIT_S).status == 200


def test_a_model_that_does_not_start_in_time_is_a_503_that_says_when_to_try_again(home: Home) -> None:
    home.api.set("digits", auth="none", to_zero={"wait_s": 0.5})
    home.api.set_endpoints("digits")
    replica = knowing(home.start())
    answer = replica.check("digits")
    assert answer.status == 503 and answer.retry_s > 0
    assert answer.problem == "the model did not start within 0.5 s: try again"
    assert replica.demand("digits") == 0
    assert replica.metric("slipway_keys_checks_total", model="digits", outcome="asleep") == 1


def test_an_address_counts_once_and_what_an_endpoint_does_not_say_is_ready() -> None:
    def one(service: str | None, *endpoints: tuple[str, Any]) -> dict[str, Any]:
        labels = {"kubernetes.io/service-name": service} if service else None
        listed = [{"addresses": [address], "conditions": conditions} for address, conditions in endpoints]
        return {"metadata": {"labels": labels}, "endpoints": listed or None}

    slices = [
        one("digits", ("10.0.0.1", READY), ("10.0.0.2", STARTING), ("10.0.0.3", STOPPING)),
        one("digits", ("10.0.0.1", READY), ("10.0.0.4", None), ("10.0.0.5", {"ready": None})),
        one("digits", ("192.0.2.1", {"ready": False, "serving": False, "terminating": False})),
        one("speech"),
        one(None, ("10.0.0.9", READY)),
    ]
    assert ready_endpoints(slices) == {"digits": 3, "speech": 0}


def test_who_may_not_call_wakes_nobody(home: Home, books: Books) -> None:
    home.api.set("digits", to_zero={"wait_s": WAIT_S})
    home.api.set_endpoints("digits")
    replica = knowing(home.start())
    assert replica.check("digits").status == 401
    _, text = books.key("speech")
    assert replica.check("digits", text).status == 403
    assert replica.metric("slipway_keys_held_seconds_count") == 0


def test_a_key_that_is_revoked_during_the_wait_is_refused_at_its_end(
    home: Home, books: Books, callers: ThreadPoolExecutor
) -> None:
    home.api.set("digits", to_zero={"wait_s": WAIT_S})
    home.api.set("speech")
    home.api.set_endpoints("digits")
    replica = knowing(home.start())
    key, text = books.key("digits", "speech")
    waiting = call(callers, replica, key=text)
    held(replica, 1)
    books.run(keys.revoke(books.database, key.id))
    until(lambda: replica.check("speech", text).status == 401, replica)
    home.api.set_endpoints("digits", READY)
    assert waiting.result(LIMIT_S).status == 401


def test_waiting_calls_keep_no_other_model_from_its_callers(
    home: Home, asleep: Service, callers: ThreadPoolExecutor
) -> None:
    home.api.set("speech", auth="none")
    waiting = [call(callers, asleep) for _ in range(20)]
    held(asleep, 20)
    assert [asleep.check("speech").status for _ in range(20)] == [200] * 20
    assert asleep.demand("speech") is None
    home.api.set_endpoints("digits", READY)
    assert {one.result(LIMIT_S).status for one in waiting} == {200}


def test_a_client_that_goes_away_is_no_demand_any_more(asleep: Service) -> None:
    with socket.create_connection(("127.0.0.1", asleep.ports["check_port"])) as gateway:
        gateway.sendall(b"POST /check/digits/infer HTTP/1.1\r\nhost: keys\r\n\r\n")
        held(asleep, 1)
    held(asleep, 0)
    assert asleep.metric("slipway_keys_held_seconds_count", model="digits", end="gone") == 1
    assert asleep.metric("slipway_keys_checks_total", outcome="admitted") == 0


def test_more_calls_than_there_is_room_for_are_refused_and_the_rest_waits_on(home: Home, asleep: Service) -> None:
    gateway = [socket.create_connection(("127.0.0.1", asleep.ports["check_port"])) for _ in range(500)]
    for connection in gateway:
        connection.sendall(b"POST /check/digits/infer HTTP/1.1\r\nhost: keys\r\n\r\n")
    held(asleep, 500)
    answer = asleep.check("digits")
    assert answer.status == 503 and answer.retry_s > 0
    assert answer.problem == "too many calls wait for the model to start: try again"
    home.api.set_endpoints("digits", READY)
    for connection in gateway:
        connection.settimeout(LIMIT_S)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.close()


def test_while_the_api_server_is_away_its_last_word_holds(
    home: Home, asleep: Service, callers: ThreadPoolExecutor
) -> None:
    home.api.set("speech", auth="none", to_zero={"wait_s": 0.5})
    home.api.set_endpoints("speech", READY)
    until(lambda: asleep.check("speech").status == 200, asleep)
    home.api.go_away()
    until(lambda: any(event.get("kind") == "endpointslices" for event in asleep.events()), asleep)
    assert asleep.check("speech").status == 200
    waiting = call(callers, asleep)
    held(asleep, 1)
    home.api.slices["digits"] = [{"addresses": ["10.0.0.1"], "conditions": READY}]
    home.api.away = False
    assert waiting.result(LIMIT_S).status == 200


def test_a_replica_that_never_heard_of_endpoints_lets_calls_pass_after_a_while(home: Home) -> None:
    home.api.set("digits", auth="none", to_zero={"wait_s": WAIT_S})
    home.api.set_endpoints("digits", READY)
    first = knowing(home.start(), 1)
    first.kill()
    home.api.go_away()
    replica = home.start()
    answer = replica.check("digits")
    assert answer.status == 200
    assert replica.check("digits").status == 200


def test_a_model_that_may_sleep_from_now_on_is_waited_for(home: Home, callers: ThreadPoolExecutor) -> None:
    home.api.set("digits", auth="none")
    replica = home.start()
    assert replica.check("digits").status == 200
    assert home.api.slice_lists == 0, "nobody sleeps: nothing is read"
    home.api.set_endpoints("digits")
    home.api.set("digits", auth="none", to_zero={"wait_s": WAIT_S})
    knowing(replica)
    waiting = call(callers, replica)
    held(replica, 1)
    home.api.set_endpoints("digits", READY)
    assert waiting.result(LIMIT_S).status == 200


def test_two_replicas_each_hold_their_own_and_let_go_together(
    home: Home, asleep: Service, callers: ThreadPoolExecutor
) -> None:
    other = knowing(home.start("b"))
    waiting = [call(callers, one) for one in (asleep, other, other)]
    held(asleep, 1)
    held(other, 2)
    home.api.set_endpoints("digits", READY)
    assert [one.result(LIMIT_S).status for one in waiting] == [200] * 3


def test_a_replica_that_stops_closes_the_connections_of_calls_that_wait(
    home: Home, asleep: Service, callers: ThreadPoolExecutor
) -> None:
    waiting = [call(callers, asleep) for _ in range(10)]
    held(asleep, 10)
    assert asleep.stop() == 0
    # Envoy asks another replica then: a closed connection is one of the reasons for which it repeats a check.
    for one in waiting:
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            one.result(LIMIT_S)
    assert any(event["event"] == "stopped" for event in asleep.events())


def test_waking_is_demand_for_a_while_and_asks_for_a_pass(home: Home, asleep: Service) -> None:
    assert wake(home, asleep, "digits", token="")[0] == 403
    assert asleep.demand("digits") == 0
    status, text = wake(home, asleep, "digits")
    assert (status, text) == (200, '{"model":"digits","ready_endpoints":0,"demand_s":30.0}')
    assert asleep.demand("digits") == 1
    status, text = wake(home, asleep, "speech")
    assert status == 404 and "'speech' does not scale to zero; allowed: digits" in text


def test_demand_is_unknown_before_the_rules_were_read(home: Home) -> None:
    home.api.go_away()
    replica = home.start()
    assert replica.get("/demand/digits")[0] == 503
    home.api.away = False
    home.api.set("digits", to_zero={"wait_s": WAIT_S})
    until(lambda: replica.get("/demand/digits")[0] == 200, replica)
    assert replica.get("/demand/unknown")[0] == 404


def test_a_load_of_callers_sees_nothing_but_answers_while_a_model_sleeps_and_wakes(
    home: Home, asleep: Service, callers: ThreadPoolExecutor
) -> None:
    over = threading.Event()

    def calls() -> set[int]:
        client, seen = asleep.caller(), set()
        while not over.is_set():
            seen.add(client.check("digits").status)
        return seen

    running = [callers.submit(calls) for _ in range(4)]
    for _ in range(3):
        held(asleep, 4)
        home.api.set_endpoints("digits", READY)
        knowing(asleep, 1)
        until(lambda: asleep.demand("digits") == 0, asleep)
        home.api.set_endpoints("digits")
    home.api.set_endpoints("digits", READY)
    over.set()
    assert [one.result(LIMIT_S) for one in running] == [{200}] * 4

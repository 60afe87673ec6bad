"""A model's page opens without a key where the spec says so: that path alone, only to be read, and in no ledger."""

from typing import Any
from uuid import uuid4

import jwt
import pytest
from ledger_reading import Books
from service import Home, Service, record, until


@pytest.fixture
def replica(home: Home) -> Service:
    home.api.set("digits", page="/models/digits")
    return home.start()


def test_the_page_opens_without_a_key(home: Home, replica: Service) -> None:
    for method, path in (
        ("GET", "/models/digits"),
        ("GET", "/models/digits/"),
        ("GET", "/models/digits/?from=mail"),
        ("HEAD", "/models/digits/"),
    ):
        answer = replica.ask(method, "digits", path)
        assert answer.status == 200, path
        key = home.private.public_key()
        claims = jwt.decode(answer.headers["x-slipway-pass"], key, algorithms=["EdDSA"], audience="model/digits")
        assert claims["aud"] == "model/digits"
        assert answer.headers["x-slipway-key"] == "-"


def test_everything_else_needs_a_key_as_before(replica: Service) -> None:
    for method, path in (
        ("POST", "/models/digits/"),
        ("PUT", "/models/digits"),
        ("GET", "/models/digits/openapi.json"),
        ("GET", "/models/digits/graph"),
        ("GET", "/models/digits/v2/models/digits"),
        ("GET", "/models/digits//"),
        ("GET", "/models/digits/."),
        ("GET", "/models/digits/%2e"),
        ("GET", "/models/digits/;"),
        ("GET", "/models/digits%2f"),
        ("GET", "/models/Digits/"),
        ("GET", "/"),
        ("GET", ""),
        ("OPTIONS", "/models/digits/"),
    ):
        assert replica.ask(method, "digits", path).status == 401, path


def test_a_model_that_does_not_say_so_shows_its_page_to_nobody_without_a_key(home: Home, books: Books) -> None:
    replica = home.start()
    _, text = books.key()
    assert replica.ask("GET", "digits", "/models/digits/").status == 401
    assert replica.ask("HEAD", "digits", "/models/digits/").status == 401
    # A refusal of HEAD has no body, which would be taken for the next answer.
    assert replica.ask("GET", "digits", "/models/digits/", text).status == 200


def test_a_model_at_the_root_of_its_host_has_its_page_there(home: Home) -> None:
    home.api.set("digits", page="/")
    replica = home.start()
    assert replica.ask("GET", "digits", "/").status == 200
    assert replica.ask("GET", "digits", "//").status == 401
    assert replica.ask("GET", "digits", "/graph").status == 401


def test_a_page_is_in_no_ledger_and_counts_against_no_key(replica: Service, books: Books) -> None:
    page_id, call_id = str(uuid4()), str(uuid4())
    page = replica.ask("GET", "digits", "/models/digits/", request_id=page_id)
    _, text = books.key()
    call = replica.ask("POST", "digits", "/models/digits/predict", text, call_id)
    replica.settle(record(page, page_id), record(call, call_id))
    until(lambda: books.lines().get(call_id, {}).get("state") == "settled")
    assert page_id not in books.lines()
    assert replica.metric("slipway_keys_checks_total", model="digits", outcome="page") == 1


def test_an_address_gets_a_few_pages_in_a_second_and_others_still_do(replica: Service) -> None:
    def open_page(address: str) -> int:
        return replica.ask("GET", "digits", "/models/digits/", x_forwarded_for=address).status

    found = [open_page("10.0.0.1") for _ in range(40)]
    assert found[:5] == [200] * 5
    assert 429 in found
    assert open_page("10.0.0.2") == 200
    assert replica.ask("GET", "digits", "/models/digits/", x_forwarded_for="10.0.0.1").retry_s >= 1


def test_nobody_wakes_a_model_by_looking_at_it(home: Home) -> None:
    asleep: dict[str, Any] = {"wait_s": 20.0}
    home.api.set("digits", page="/models/digits", to_zero=asleep)
    home.api.set_endpoints("digits")
    replica = home.start()
    until(lambda: 'slipway_keys_ready_endpoints{model="digits"} 0.0' in replica.get("/metrics")[1], replica)
    answer = replica.ask("GET", "digits", "/models/digits/")
    assert (answer.status, "sleeps" in answer.problem) == (503, True)
    assert replica.demand("digits") == 0


def test_a_page_of_a_model_that_is_judged_does_not_choose_a_release(home: Home) -> None:
    home.api.set("digits", page="/models/digits", sticky={})
    answer = home.start().ask("GET", "digits", "/models/digits/", x_slipway_variant="new")
    assert answer.headers["x-slipway-variant"] == "any"

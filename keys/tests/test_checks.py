"""Who may call what: answers to the gateway, by a real process and a real database."""

import time
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from ledger_reading import Books
from service import Home, record, until
from slipway_keys.database import keys
from slipway_keys.values.keys import Rate


def test_a_good_key_passes_with_a_pass_for_the_model_alone(home: Home, books: Books) -> None:
    key, text = books.key()
    answer = home.start().check("digits", text)
    assert answer.status == 200
    claims = jwt.decode(
        answer.headers["x-slipway-pass"], home.private.public_key(), algorithms=["EdDSA"], audience="model/digits"
    )
    assert claims["exp"] - claims["iat"] <= 60
    assert claims["iat"] <= time.time() < claims["exp"]
    assert answer.headers["x-slipway-key"].startswith(f"{key.id},{key.account},digits,")


@pytest.mark.parametrize("shown", ["", "sk_", "nonsense", "sk_aaaaaaaaaaaa_" + "A" * 43])
def test_what_is_no_key_is_401(home: Home, shown: str) -> None:
    answer = home.start().check("digits", shown)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_right_id_with_a_wrong_secret_is_401(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    assert replica.check("digits", text).status == 200
    assert replica.check("digits", text[:-1] + ("A" if text[-1] != "A" else "B")).status == 401


def test_the_other_header_is_good_as_well(home: Home, books: Books) -> None:
    _, text = books.key()
    assert home.start().check("digits", x_api_key=text).status == 200


def test_a_foreign_scope_is_403_and_the_star_is_every_model(home: Home, books: Books) -> None:
    home.api.set("speech")
    (_, only_digits), (_, every) = books.key("digits"), books.key("*")
    replica = home.start()
    assert replica.check("speech", only_digits).status == 403
    assert replica.check("speech", every).status == 200


def test_a_role_that_is_missing_is_403(home: Home, books: Books) -> None:
    _, text = books.key(roles=("feedback",))
    replica = home.start()
    assert replica.check("digits", text).status == 403
    assert replica.check("digits", text, path="/feedback?x=/y").status == 200
    assert replica.check("digits", text, path="/infer?x=/feedback").status == 403


def test_an_expired_key_is_401(home: Home, books: Books) -> None:
    replica = home.start()
    _, text = books.key(expires_in=timedelta(seconds=1.5))
    assert replica.check("digits", text).status == 200
    time.sleep(1.6)
    assert "expired" in replica.check("digits", text).problem


def test_a_revoked_key_is_401_within_seconds_on_every_replica(home: Home, books: Books) -> None:
    key, text = books.key()
    replicas = [home.start(name) for name in "ab"]
    assert [replica.check("digits", text).status for replica in replicas] == [200, 200]
    time.sleep(0.5)  # both listen
    books.run(keys.revoke(books.database, key.id))
    began = time.monotonic()
    for replica in replicas:
        until(lambda replica=replica: replica.check("digits", text).status == 401, limit_s=6)  # type: ignore[misc]
    assert time.monotonic() - began < 6


def test_a_key_is_good_at_once_even_where_it_was_asked_for_too_early(home: Home, books: Books) -> None:
    replica = home.start()
    key, text = books.key()
    assert replica.check("digits", text).status == 200
    assert replica.check("digits", f"sk_{'a' * 12}_{'A' * 43}").status == 401
    assert key.id != "a" * 12


def test_a_rotated_key_and_its_successor_are_both_good_in_the_time_of_grace(home: Home, books: Books) -> None:
    key, old = books.key()
    replica = home.start()
    successor, new = books.run(keys.rotate(books.database, key.id, timedelta(seconds=1.5)))
    assert [replica.check("digits", text).status for text in (old, new)] == [200, 200]
    assert successor.account == key.account
    time.sleep(1.6)
    assert [replica.check("digits", text).status for text in (old, new)] == [401, 200]


def test_a_model_that_is_new_is_found_when_it_is_asked_for(home: Home, books: Books) -> None:
    _, text = books.key("*")
    replica = home.start()
    assert replica.check("digits", text).status == 200
    home.api.routes["late"] = {"model": "late", "auth": "api-key"}  # nobody is told
    time.sleep(1.1)
    assert replica.check("late", text).status == 200


def test_unknown_models_are_404_and_do_not_make_a_storm_at_the_api_server(home: Home, books: Books) -> None:
    replica = home.start()
    before = home.api.lists
    assert {replica.check("nobody", "x").status for _ in range(50)} == {404}
    assert home.api.lists - before <= 3


def test_without_the_api_server_rules_of_an_earlier_process_hold(home: Home, books: Books) -> None:
    _, text = books.key()
    first = home.start()
    assert first.check("digits", text).status == 200
    first.kill()
    home.api.close()
    second = home.start()
    assert second.check("digits", text).status == 200
    assert home.start("other").check("digits", text).status == 503


def test_a_route_that_does_not_fit_closes_its_model_only(home: Home, books: Books) -> None:
    home.api.routes["broken"] = {"model": "broken", "auth": "anything"}
    _, text = books.key("*")
    replica = home.start()
    assert replica.check("digits", text).status == 200
    assert replica.check("broken", text).status == 404
    assert any(event["event"] == "route refused" for event in replica.events())


def test_a_model_without_keys_is_open_and_counted(home: Home, books: Books) -> None:
    home.api.set("open", auth="none")
    replica = home.start()
    request_id = str(uuid4())
    answer = replica.check("open", request_id=request_id)
    assert answer.status == 200
    replica.settle(record(answer, request_id))
    until(lambda: books.lines().get(request_id, {}).get("state") == "settled")
    assert books.lines()[request_id]["key"] == "anonymous"


def test_rules_that_change_hold_within_moments(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    assert replica.check("digits", text).status == 200
    home.api.set("digits", rate={"count": 1, "per_s": 60})
    until(lambda: replica.check("digits", text).status == 429, limit_s=5)


def test_clients_addresses_are_limited_apart_where_there_are_no_keys(home: Home) -> None:
    home.api.set("open", auth="none", rate={"count": 1, "per_s": 60})
    replica = home.start()

    def ask(address: str) -> int:
        return replica.check("open", x_forwarded_for=f"1.2.3.4, {address}").status

    assert [ask("10.0.0.1"), ask("10.0.0.1"), ask("10.0.0.2")] == [200, 429, 200]


def test_retry_after_is_when_the_next_call_passes(home: Home, books: Books) -> None:
    _, text = books.key(rate=Rate(1, 60))
    replica = home.start()
    assert replica.check("digits", text).status == 200
    answer = replica.check("digits", text)
    assert (answer.status, answer.retry_s) == (429, 60)


def test_health_and_metrics_tell(home: Home, books: Books) -> None:
    replica = home.start()
    assert replica.get("/healthz")[0] == 200
    _, text = books.key()
    replica.check("digits", text)
    assert replica.metric("slipway_keys_checks_total", model="digits", outcome="admitted") == 1

"""The running service, administered: what a key may do the moment it is created, rotated, revoked, approved."""

import re
import threading
import time
from datetime import datetime
from typing import Any

import httpx
import jwt
import pytest
from service import Answer, Home, Service, record, until


class Admin:
    """Asks the administrative port of a replica, with a pass of the environment's key."""

    def __init__(self, home: Home, replica: Service) -> None:
        self._home = home
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{replica.ports['admin_port']}", timeout=20)

    def __call__(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        now = int(time.time())
        token = jwt.encode({"aud": "keys-admin", "iat": now, "exp": now + 60}, self._home.private, algorithm="EdDSA")
        answer = self._client.request(method, path, json=body, headers={"x-slipway-pass": token})
        assert answer.is_success, answer.text
        return dict(answer.json())

    def form(self, path: str, **fields: str) -> str:
        answer = self._client.post(f"/page/{path}", data=fields)
        assert answer.is_success, answer.text
        return answer.text

    def create(self, **more: Any) -> dict[str, Any]:
        return self("POST", "/admin/keys", {"name": "shop", "models": ["digits"], **more})


@pytest.fixture
def replica(home: Home) -> Service:
    started = home.start()
    until(lambda: started.check("digits").status == 401, started)
    return started


def test_a_key_is_good_at_once_and_revoked_within_seconds_on_both_replicas(home: Home, replica: Service) -> None:
    other = home.start("b")
    admin = Admin(home, replica)
    made = admin.create()
    assert [one.check("digits", made["key"]).status for one in (replica, other)] == [200, 200]
    admin("POST", f"/admin/keys/{made['id']}/revoke", {})
    for one in (replica, other):
        until(lambda one=one: one.check("digits", made["key"]).status == 401, one, limit_s=5)


def test_a_key_is_rotated_without_a_call_refused(home: Home, replica: Service) -> None:
    """A client goes on with the old key until it has the new one, and the old one ends after its grace."""
    admin = Admin(home, replica)
    old = admin.create()
    current, answers, done = [old["key"]], list[Answer](), threading.Event()

    def calls() -> None:
        while not done.is_set():
            answers.append(replica.check("digits", current[0]))
            time.sleep(0.005)

    client = threading.Thread(target=calls)
    client.start()
    time.sleep(0.3)
    new = admin("POST", f"/admin/keys/{old['id']}/rotate", {"grace_s": 2})
    time.sleep(0.3)
    current[0] = new["key"]
    time.sleep(2.5)
    done.set()
    client.join(10)
    assert len(answers) > 100
    assert {answer.status for answer in answers} == {200}
    assert datetime.fromisoformat(new["previous_expires_at"]).timestamp() < time.time()
    assert replica.check("digits", old["key"]).status == 401


def test_a_rotation_renews_no_budget(home: Home, replica: Service) -> None:
    admin = Admin(home, replica)
    old = admin.create(budget={"calls": 3, "per": "month"})
    assert [replica.check("digits", old["key"]).status for _ in range(2)] == [200, 200]
    new = admin("POST", f"/admin/keys/{old['id']}/rotate", {"grace_s": 60})
    assert [replica.check("digits", new["key"]).status for _ in range(2)] == [200, 429]


def test_a_call_is_in_the_statement_with_its_price(home: Home) -> None:
    home.api.set("digits", price={"per_call": "0.5", "per_month": "20", "included_calls": 1})
    replica = home.start()
    admin = Admin(home, replica)
    made = admin.create()
    until(lambda: replica.check("digits", made["key"], "first").status == 200, replica)
    month = time.strftime("%Y-%m", time.gmtime())

    def line() -> dict[str, Any]:
        lines = admin("GET", f"/admin/statement?key={made['id']}&month={month}")["lines"]
        return dict(lines[0]) if lines else {}

    for request_id in ("second", "third"):
        answer = replica.check("digits", made["key"], request_id)
        replica.settle(record(answer, request_id, compute_s="0.25"))
    until(lambda: line().get("compute_seconds") == "0.5", replica)
    shown = line()
    assert (shown["calls"], shown["open"], shown["included"], shown["calls_usd"]) == (3, 1, 1, "0.5")
    assert (shown["subscription_usd"], shown["usd"]) == ("20", "20.5")


def test_a_key_that_was_asked_for_on_the_page_calls_the_model(home: Home, replica: Service) -> None:
    admin = Admin(home, replica)
    asked = admin.form("request", name="Shop", contact="shop@example.com", models="digits")
    [code] = re.findall(r'<code id="secret">([^<]+)', asked)
    [waiting] = admin("GET", "/admin/requests")["requests"]
    admin("POST", f"/admin/requests/{waiting['id']}/approve", {})
    [key] = re.findall(r'<code id="secret">([^<]+)', admin.form("collect", code=code))
    assert replica.check("digits", key).status == 200
    logged = replica.log.read_text()
    assert key.rpartition("_")[2] not in logged
    assert code.partition("_")[2] not in logged

"""The admin API: who may use it, what it changes, what it refuses, and that no key is kept or told twice."""

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from admin_service import KEY, Service, asked, reservation, settlement, signed
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from slipway_keys.admin.app import admin_routes
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database.pool import Database
from slipway_keys.values.keys import split
from starlette.applications import Starlette

from tests.support.keys_room import empty_room, routes_of

ROUTES = [
    ("GET", "/admin/keys"),
    ("POST", "/admin/keys"),
    ("POST", "/admin/keys/aaaaaaaaaaaa/rotate"),
    ("POST", "/admin/keys/aaaaaaaaaaaa/revoke"),
    ("GET", "/admin/requests"),
    ("POST", "/admin/requests/abc/approve"),
    ("POST", "/admin/requests/abc/refuse"),
    ("GET", "/admin/usage"),
    ("GET", "/admin/statement"),
    ("GET", "/admin/export"),
    ("GET", "/admin/ledger"),
    ("POST", "/admin/models/digits/wake"),
]


@pytest.mark.parametrize(
    ("token_of", "why"),
    [
        (lambda: None, "missing"),
        (lambda: "", "missing"),
        (lambda: "nonsense", "no valid pass"),
        (lambda: signed("model/digits"), "not for keys-admin"),
        (lambda: signed("keys-page"), "not for keys-admin"),
        (lambda: signed(key=Ed25519PrivateKey.generate()), "not signed with this environment's key"),
        (lambda: signed(age=200), "expired"),
        (lambda: signed(seconds=3600), "more than 60 s"),
        (lambda: "x" * 5000, "too long"),
    ],
)
def test_no_route_of_the_api_opens_without_a_pass_for_it(
    empty_url: str, token_of: Callable[[], str | None], why: str
) -> None:
    token = token_of()  # made now: one that was made when the tests were collected has expired by the time of its test

    async def run(service: Service) -> None:
        for method, path in ROUTES:
            headers = {} if token is None else {"x-slipway-pass": token}
            answer = await service.client.request(method, path, headers=headers)
            assert (answer.status_code, path) == (403, path)
            assert why in answer.json()["message"]
        async with service.database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM keys") == 0

    asked(empty_url, run)


def test_a_key_is_told_once_and_kept_as_a_hash(empty_url: str, capfd: pytest.CaptureFixture[str]) -> None:
    async def run(service: Service) -> str:
        made = await service.create(rate={"count": 100, "per_s": 1}, budget={"usd": "20", "per": "month"})
        text = str(made["key"])
        listed = await service.admin("GET", "/admin/keys")
        assert split(text) is not None
        [shown] = listed.json()["keys"]
        assert shown | {"key": text} == made
        assert (shown["budget"], shown["rate"]) == (
            {"calls": None, "usd": "20", "per": "month"},
            {"count": 100, "per_s": 1},
        )
        async with service.database.connection() as connection:
            stored = str([tuple(row) for row in await connection.fetch("SELECT * FROM keys")])
        secret = text.rpartition("_")[2]
        assert secret not in listed.text
        assert secret not in stored
        return secret

    secret = asked(empty_url, run)
    logged = "".join(capfd.readouterr())
    assert "key created" in logged
    assert secret not in logged


def test_a_rotated_key_stays_valid_for_the_grace_and_shares_its_account(empty_url: str) -> None:
    async def run(service: Service) -> None:
        old = await service.create(budget={"calls": 10, "per": "day"})
        answer = await service.admin("POST", f"/admin/keys/{old['id']}/rotate", {"grace_s": 3600})
        new = answer.json()
        assert (answer.status_code, new["account"], new["rotated_from"]) == (201, old["account"], old["id"])
        assert new["key"] != old["key"]
        assert new["budget"] == old["budget"]
        left = datetime.fromisoformat(new["previous_expires_at"]) - datetime.now(tz=UTC)
        assert timedelta(minutes=59) < left <= timedelta(hours=1)

    asked(empty_url, run)


def test_a_revoked_key_stays_revoked_and_has_no_successor(empty_url: str) -> None:
    async def run(service: Service) -> None:
        made = await service.create()
        for _ in range(2):
            answer = await service.admin("POST", f"/admin/keys/{made['id']}/revoke", {})
            assert (answer.status_code, answer.json()["state"]) == (200, "revoked")
        refused = await service.admin("POST", f"/admin/keys/{made['id']}/rotate", {"grace_s": 0})
        assert refused.status_code == 409
        assert "revoked" in refused.json()["message"]

    asked(empty_url, run)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"models": ["digits"]}, "name: Field required"),
        ({"name": "", "models": ["digits"]}, "name:"),
        ({"name": "=HYPERLINK(1)", "models": ["digits"]}, "begins with a letter or a digit"),
        ({"name": "a\nb", "models": ["digits"]}, "one line of text"),
        ({"name": "x" * 81, "models": ["digits"]}, "name:"),
        ({"name": "a", "models": []}, "models:"),
        (
            {"name": "a", "models": ["digit"]},
            "'digit' is not reached through the gateway; allowed: digits, speech, or *",
        ),
        ({"name": "a", "models": ["Digits"]}, "models.0:"),
        ({"name": "a", "models": ["digits", "digits"]}, "each name is expected once"),
        ({"name": "a", "models": ["digits"], "roles": []}, "roles:"),
        ({"name": "a", "models": ["digits"], "roles": ["root"]}, "roles.0:"),
        ({"name": "a", "models": ["digits"], "expires_at": "2020-01-01T00:00:00Z"}, "a time to come"),
        ({"name": "a", "models": ["digits"], "expires_at": "2090-01-01T00:00:00"}, "with its zone"),
        ({"name": "a", "models": ["digits"], "rate": {"count": 0, "per_s": 1}}, "rate.count:"),
        ({"name": "a", "models": ["digits"], "rate": {"count": 1, "per_s": 7}}, "rate.per_s:"),
        ({"name": "a", "models": ["digits"], "budget": {"per": "day"}}, "either calls or usd"),
        ({"name": "a", "models": ["digits"], "budget": {"calls": 1, "usd": "1", "per": "day"}}, "either calls or usd"),
        ({"name": "a", "models": ["digits"], "budget": {"usd": "-1", "per": "day"}}, "budget.usd:"),
        ({"name": "a", "models": ["digits"], "budget": {"usd": "NaN", "per": "day"}}, "budget.usd:"),
        ({"name": "a", "models": ["digits"], "secret": "x"}, "secret: Extra inputs are not permitted"),
        ([], "the document:"),
    ],
)
def test_a_wrong_key_is_refused_with_the_field_and_nothing_is_made(empty_url: str, body: object, told: str) -> None:
    async def run(service: Service) -> None:
        answer = await service.admin("POST", "/admin/keys", body)
        assert answer.status_code == 422
        assert told in answer.json()["message"]
        assert (await service.admin("GET", "/admin/keys")).json() == {"keys": []}

    asked(empty_url, run)


def test_what_is_no_json_or_too_long_is_refused(empty_url: str) -> None:
    async def run(service: Service) -> None:
        headers = {"x-slipway-pass": signed(), "content-type": "application/json"}
        cases = [
            (b"{", 400, headers),
            (b"[" * 100_000, 413, headers),
            (b"{}", 415, headers | {"content-type": "text/plain"}),
        ]
        cases += [(b"[" * 60_000, 400, headers)]
        for body, status, sent in cases:
            answer = await service.client.post("/admin/keys", content=body, headers=sent)
            assert (answer.status_code, "message" in answer.json()) == (status, True)

    asked(empty_url, run)


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/admin/usage", 422, "from: value missing"),
        ("/admin/usage?from=yesterday&to=2026-11-02T00:00:00Z", 422, "'yesterday' is not a time"),
        ("/admin/usage?from=2026-11-02T00:00:00Z&to=2026-11-02T00:00:00Z", 422, "not after `from`"),
        ("/admin/usage?from=2020-01-01T00:00:00Z&to=2026-11-02T00:00:00Z", 422, "more than two years"),
        ("/admin/usage?from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&by=secret_sha256", 422, "key, model, day"),
        ("/admin/usage?from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&by=key,key", 422, "each once"),
        ("/admin/statement?key=aaaaaaaaaaaa&month=2026-11", 404, "'aaaaaaaaaaaa' is not known"),
        ("/admin/export?from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&format=xml", 422, "cloudevents, lago"),
        ("/admin/export?from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z&format=lago&after=x", 422, "no cursor"),
        ("/admin/ledger?request_id=none", 404, "'none' is not known"),
        ("/admin/models/nobody/quality", 404, "next: name one of them, or write `quality` into the model's spec"),
    ],
)
def test_a_wrong_question_is_refused_in_words(empty_url: str, path: str, status: int, told: str) -> None:
    async def run(service: Service) -> None:
        answer = await service.admin("GET", path)
        assert answer.status_code == status
        assert told in answer.json()["message"]

    asked(empty_url, run)


def test_without_its_database_it_says_so_within_seconds() -> None:
    async def away() -> None:
        database = Database(lambda: "postgresql://user:hidden@127.0.0.1:1/none")
        app = Starlette(routes=admin_routes(database, AdminPasses(KEY), routes_of(), empty_room()))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://keys") as client:
            answer = await client.get("/admin/keys", headers={"x-slipway-pass": signed()})
            page = await client.post("/page/usage", data={"key": f"sk_{'a' * 12}_{'b' * 43}"})
        assert (answer.status_code, page.status_code) == (503, 503)
        assert "the database is away" in answer.json()["message"]
        assert "hidden" not in answer.text + page.text

    asyncio.run(asyncio.wait_for(away(), 20))


def test_one_line_of_the_ledger_is_found_by_its_request(empty_url: str) -> None:
    async def run(service: Service) -> None:
        made = await service.create()
        at = time.time()
        await service.write(reservation("r-1", made["id"], at, per_call="0.5"), settlement("r-1", at, compute_s=0.25))
        line = (await service.admin("GET", "/admin/ledger?request_id=r-1")).json()
        assert (line["state"], line["status"], line["cost_usd"], line["compute_s"]) == ("settled", 200, "0.5", "0.25")
        assert line["tokens"] is None

    asked(empty_url, run)


def test_a_key_that_was_written_into_a_wrong_field_is_not_repeated(empty_url: str) -> None:
    secret = f"sk_{'a' * 12}_{'B' * 43}"

    async def run(service: Service) -> list[Any]:
        return [
            await service.admin("POST", "/admin/keys", {"name": "a", "models": [secret]}),
            await service.admin("POST", "/admin/keys", {"name": "a", "models": ["digits"], "expires_at": secret}),
            await service.admin("POST", f"/admin/keys/{secret}/revoke", {}),
            await service.admin("GET", f"/admin/statement?key={secret}&month=2026-11"),
        ]

    for answer in asked(empty_url, run):
        assert answer.status_code >= 400
        assert not re.search("B{20}", answer.text)

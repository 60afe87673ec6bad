"""The page: a request, its approval, the key collected once, usage; and what strangers may not do with it."""

import html
import re
import time
from typing import Any

import httpx
import pytest
from admin_service import Service, asked, reservation, settlement, signed
from slipway_keys.admin.access_requests import MOST_A_MINUTE, MOST_PENDING

ASK = {"name": "Shop", "contact": "shop@example.com", "models": "digits, speech"}


def shown_once(answer: httpx.Response) -> str:
    found = re.search(r'<code id="secret">([^<]+)</code>', answer.text)
    assert answer.status_code == 200, answer.text
    assert found, answer.text
    return found[1]


def session_of(answer: httpx.Response) -> str:
    found = re.search(r'name="session" value="([^"]+)"', answer.text)
    assert found, answer.text
    return found[1]


def test_a_client_asks_an_operator_approves_and_the_client_collects_the_key_once(empty_url: str) -> None:
    async def run(service: Service) -> None:
        code = shown_once(await service.form("request", **ASK))
        assert "still waits" in (await service.form("collect", code=code)).text
        [waiting] = (await service.admin("GET", "/admin/requests")).json()["requests"]
        assert (waiting["name"], waiting["models"], waiting["state"]) == ("Shop", ["digits", "speech"], "pending")
        terms = {"rate": {"count": 5, "per_s": 1}, "budget": {"usd": "20.50", "per": "month"}}
        approved = await service.admin("POST", f"/admin/requests/{waiting['id']}/approve", terms)
        assert approved.json()["state"] == "approved"
        again = await service.admin("POST", f"/admin/requests/{waiting['id']}/refuse", {})
        assert (again.status_code, "is approved already" in again.text) == (409, True)
        key = shown_once(await service.form("collect", code=code))
        [made] = (await service.admin("GET", "/admin/keys")).json()["keys"]
        assert key.split("_")[1] == made["id"]
        assert (made["models"], made["rate"], made["budget"]["usd"]) == (["digits", "speech"], terms["rate"], "20.5")
        second = await service.form("collect", code=code)
        assert second.status_code == 404
        assert "key was collected" in second.text
        assert (await service.admin("GET", "/admin/keys")).json()["keys"] == [made]

    asked(empty_url, run)


def test_a_refused_request_gives_no_key(empty_url: str) -> None:
    async def run(service: Service) -> None:
        code = shown_once(await service.form("request", **ASK))
        [waiting] = (await service.admin("GET", "/admin/requests")).json()["requests"]
        await service.admin("POST", f"/admin/requests/{waiting['id']}/refuse", {})
        assert "was refused" in (await service.form("collect", code=code)).text
        assert (await service.admin("GET", "/admin/keys")).json()["keys"] == []

    asked(empty_url, run)


@pytest.mark.parametrize("code", ["", "x", "_", "000000000000_wrong", "é" * 50, "a" * 100])
def test_a_wrong_code_collects_nothing(empty_url: str, code: str) -> None:
    async def run(service: Service) -> None:
        made = shown_once(await service.form("request", **ASK))
        for wrong in (code, made[:-1], made.partition("_")[0], f"{made.partition('_')[0]}_{'A' * 43}"):
            assert (await service.form("collect", code=wrong)).status_code == 404

    asked(empty_url, run)


def test_a_key_shows_its_own_statement_and_no_answer_has_the_key_in_it(empty_url: str) -> None:
    async def run(service: Service) -> None:
        mine, other = await service.create(name="mine"), await service.create(name="other")
        at = time.time()
        for key in (mine, other):
            await service.write(reservation(key["id"], key["id"], at, per_call="1250"), settlement(key["id"], at))
        answer = await service.form("usage", key=mine["key"])
        assert answer.status_code == 200
        assert "mine" in answer.text and "1,250.00" in answer.text
        assert "other" not in answer.text and other["id"] not in answer.text
        assert mine["key"].rpartition("_")[2] not in answer.text
        again = await service.form("usage", session=session_of(answer), month="2026-01")
        assert "Statement of 2026-01" in again.text
        assert (await service.form("usage", session=session_of(answer), month="x")).status_code == 422

    asked(empty_url, run)


def test_a_session_ends_with_its_key(empty_url: str) -> None:
    async def run(service: Service) -> None:
        made = await service.create()
        session = session_of(await service.form("usage", key=made["key"]))
        await service.admin("POST", f"/admin/keys/{made['id']}/revoke", {})
        for fields in ({"session": session}, {"key": made["key"]}):
            answer = await service.form("usage", **fields)
            assert (answer.status_code, "expired or revoked" in answer.text) == (403, True)

    asked(empty_url, run)


def test_no_key_a_wrong_key_and_a_pass_for_something_else_show_nothing(empty_url: str) -> None:
    async def run(service: Service) -> None:
        made = await service.create()
        wrong = f"sk_{made['id']}_{'A' * 43}"
        tries: list[dict[str, str]] = [
            {"month": "2026-05"},
            {"key": ""},
            {"key": wrong},
            {"key": made["id"]},
            {"session": "x"},
        ]
        tries += [{"session": signed()}, {"session": signed("model/digits")}]
        for fields in tries:
            answer = await service.form("usage", **fields)
            assert (answer.status_code, "Statement of" in answer.text) == (403, False), fields

    asked(empty_url, run)


def test_only_a_key_of_role_admin_decides_and_only_about_its_models(empty_url: str) -> None:
    async def run(service: Service) -> None:
        code = shown_once(await service.form("request", **ASK))
        plain, half = await service.create(), await service.create(roles=["admin"])
        whole = await service.create(models=["*"], roles=["admin"])
        assert "Approve" not in (await service.form("usage", key=plain["key"])).text
        assert "Approve" not in (await service.form("usage", key=half["key"])).text
        [waiting] = (await service.admin("GET", "/admin/requests")).json()["requests"]
        decision = {"request": waiting["id"], "decision": "approve", "days": "30", "rate": "5", "usd": ""}
        for key, why in ((plain, "no role admin"), (half, "may not call all models")):
            answer = await service.form("decide", key=key["key"], **decision)
            assert (answer.status_code, why in answer.text) == (403, True)
        page = await service.form("usage", key=whole["key"])
        assert "Approve" in page.text
        for wrong in (
            {"days": "0"},
            {"days": "x"},
            {"rate": "-1"},
            {"usd": "-1"},
            {"usd": "nan"},
            {"decision": "burn"},
        ):
            answer = await service.form("decide", session=session_of(page), **decision | wrong)
            assert answer.status_code == 422, wrong
        done = await service.form("decide", session=session_of(page), **decision)
        assert "is approved" in done.text
        key = shown_once(await service.form("collect", code=code))
        made = {one["id"]: one for one in (await service.admin("GET", "/admin/keys")).json()["keys"]}[key.split("_")[1]]
        assert (made["rate"], made["roles"]) == ({"count": 5, "per_s": 1}, ["predict"])

    asked(empty_url, run)


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "a\"'><img src=x onerror=alert(1)>", "{{ 7*7 }}", "a&b"])
def test_what_strangers_write_is_shown_as_text(empty_url: str, text: str) -> None:
    name = f"x{text}"

    async def run(service: Service) -> None:
        assert (await service.form("request", **ASK | {"name": name})).status_code == 200
        whole = await service.create(models=["*"], roles=["admin"])
        answer = await service.form("usage", key=whole["key"])
        assert f"<strong>{name}</strong>" in html.unescape(answer.text)
        assert not re.search("<script|<img", answer.text)

    asked(empty_url, run)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": ""}, "name:"),
        ({"name": "=cmd"}, "name:"),
        ({"contact": ""}, "contact:"),
        ({"contact": "x" * 81}, "contact:"),
        ({"models": ""}, "models:"),
        ({"models": "*"}, "names of models"),
        ({"models": "digit"}, "is not reached through the gateway"),
        ({"models": ",".join(f"m{n}" for n in range(200))}, "models:"),
    ],
)
def test_a_wrong_request_is_refused_with_the_field(empty_url: str, change: dict[str, str], told: str) -> None:
    async def run(service: Service) -> None:
        answer = await service.form("request", **ASK | change)
        assert (answer.status_code, told in html.unescape(answer.text)) == (422, True)
        assert (await service.admin("GET", "/admin/requests")).json() == {"requests": []}

    asked(empty_url, run)


def test_requests_are_bounded_in_a_minute_and_in_all(empty_url: str) -> None:
    async def run(service: Service) -> None:
        for _ in range(MOST_A_MINUTE):
            shown_once(await service.form("request", **ASK))
        assert (await service.form("request", **ASK)).status_code == 429
        async with service.database.connection() as connection:
            await connection.execute(
                "INSERT INTO access_requests (id, code_sha256, name, contact, models, asked_at) "
                "SELECT 'old' || n, sha256('x'), 'n', 'c', '{digits}', now() - interval '1 hour' "
                "FROM generate_series(1, $1) n",
                MOST_PENDING,
            )
            await connection.execute("UPDATE access_requests SET asked_at = now() - interval '1 hour'")
            assert (await service.form("request", **ASK)).status_code == 429
            await connection.execute("UPDATE access_requests SET asked_at = now() - interval '31 days'")
        shown_once(await service.form("request", **ASK))
        assert len((await service.admin("GET", "/admin/requests")).json()["requests"]) == 1

    asked(empty_url, run)


def test_another_site_cannot_send_the_forms(empty_url: str) -> None:
    async def run(service: Service) -> None:
        for site in ("cross-site", "same-site"):
            answer = await service.client.post("/page/request", data=ASK, headers={"sec-fetch-site": site})
            assert answer.status_code == 403
        assert (await service.client.post("/page/request", json=ASK)).status_code == 415
        assert "set-cookie" not in (await service.client.get("/page/")).headers

    asked(empty_url, run)


def test_every_answer_forbids_scripts_frames_and_keeping(empty_url: str) -> None:
    async def run(service: Service) -> list[httpx.Response]:
        made = await service.create()
        answers: list[Any] = [await service.client.get("/page/"), await service.form("usage", key=made["key"])]
        return [*answers, await service.form("usage", key="x"), await service.form("request", **ASK)]

    for answer in asked(empty_url, run):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
        assert not re.search(r"<script|<link|src=|https?://", answer.text)


def test_at_the_gateway_the_page_is_reached_with_and_without_the_slash(empty_url: str) -> None:
    async def run(service: Service) -> None:
        for original, status in (("/keys", 308), ("/keys?x=1", 308), ("/keys/", 200), ("/keys/?x=1", 200)):
            answer = await service.client.get("/page/", headers={"x-envoy-original-path": original})
            assert (original, answer.status_code) == (original, status)
            assert status == 200 or answer.headers["location"] == "keys/"

    asked(empty_url, run)

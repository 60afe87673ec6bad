"""Statements, usage and exports: what a call costs, what is included and unknown, and that nothing counts twice."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from admin_service import Service, asked, reservation, settlement
from slipway_keys.admin.export import cloud_event, lago_event
from slipway_keys.admin.refusals import Refused
from slipway_keys.admin.statement import month_bounds

MAY = datetime(2026, 5, 10, 12, tzinfo=UTC).timestamp()
WHOLE = "from=2026-05-01T00:00:00Z&to=2026-06-01T00:00:00Z"


async def called(service: Service, key: str, count: int, *, at: float = MAY, prefix: str = "r", **more: Any) -> None:
    """`count` calls, each a second after the other; `settled`: what the settlement says, None for none."""
    settled = more.pop("settled", {})
    for n in range(count):
        lines = [reservation(f"{prefix}-{n}", key, at + n, **more)]
        if settled is not None:
            lines.append(settlement(f"{prefix}-{n}", at + n, **settled))
        await service.write(*lines)


async def of_may(service: Service, key: str) -> dict[str, Any]:
    answer = await service.admin("GET", f"/admin/statement?key={key}&month=2026-05")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_call_costs_its_price_its_seconds_and_its_tokens(empty_url: str) -> None:
    async def run(service: Service) -> None:
        key = (await service.create())["id"]
        price = {"per_call": "0.0002", "per_second": "0.01", "per_token": "0.000003"}
        await called(service, key, 3, **price, settled={"compute_s": 0.5, "tokens": 100})
        found = await of_may(service, key)
        [line] = found["lines"]
        assert (line["calls"], line["compute_seconds"], line["tokens"], line["bytes_in"]) == (3, "1.5", 300, 300)
        # 3 x (0.0002 + 0.5 x 0.01 + 100 x 0.000003)
        assert (line["calls_usd"], line["usd"], found["total_usd"], found["state"]) == (
            "0.0165",
            "0.0165",
            "0.02",
            "final",
        )

    asked(empty_url, run)


def test_what_failed_or_never_ended_costs_nothing_and_is_counted(empty_url: str) -> None:
    async def run(service: Service) -> None:
        key = (await service.create())["id"]
        await called(service, key, 1, prefix="good", per_call="1")
        await called(service, key, 1, prefix="bad-input", per_call="1", settled={"status": 422})
        await called(service, key, 2, prefix="failed", per_call="1", settled={"status": 503})
        await called(service, key, 1, prefix="left", per_call="1", settled={"status": 0, "flags": "DC"})
        await called(service, key, 3, prefix="lost", per_call="1", settled=None)
        before = await of_may(service, key)
        assert (before["state"], before["lines"][0]["open"]) == ("preliminary", 3)
        async with service.database.connection() as connection:
            assert await connection.fetchval("SELECT give_up_unsettled(100)") == 3
        found = await of_may(service, key)
        [line] = found["lines"]
        assert (line["calls"], line["failed"], line["unsettled"], line["open"]) == (8, 2, 3, 0)
        assert (line["usd"], found["state"]) == ("3", "final")

    asked(empty_url, run)


def test_a_subscription_includes_the_first_calls_that_cost_something(empty_url: str) -> None:
    async def run(service: Service) -> None:
        key = (await service.create())["id"]
        price = {"per_call": "1", "per_month": "20", "included_calls": 3}
        await called(service, key, 1, at=MAY - 60, prefix="failed", **price, settled={"status": 500})
        await called(service, key, 5, **price)
        [line] = (await of_may(service, key))["lines"]
        assert (line["calls"], line["included"], line["calls_usd"]) == (6, 3, "2")
        assert (line["subscription_usd"], line["usd"]) == ("20", "22")
        june = await service.admin("GET", f"/admin/statement?key={key}&month=2026-06")
        assert (june.json()["lines"], june.json()["total_usd"]) == ([], "0.00")

    asked(empty_url, run)


def test_a_price_holds_from_the_call_on_that_was_admitted_at_it(empty_url: str) -> None:
    async def run(service: Service) -> None:
        key = (await service.create())["id"]
        await called(service, key, 2, prefix="old", per_call="1", per_month="20", included_calls=1)
        await called(service, key, 2, at=MAY + 100, prefix="new", per_call="5", per_month="90", included_calls=9)
        [line] = (await of_may(service, key))["lines"]
        # One of the first two is included, at the subscription that the month began with.
        assert (line["included"], line["calls_usd"], line["subscription_usd"]) == (1, "11", "20")

    asked(empty_url, run)


def test_a_replayed_line_counts_once(empty_url: str) -> None:
    async def run(service: Service) -> None:
        key = (await service.create())["id"]
        for _ in range(3):
            await called(service, key, 2, per_call="1")
        [line] = (await of_may(service, key))["lines"]
        assert (line["calls"], line["usd"]) == (2, "2")

    asked(empty_url, run)


def test_a_rotated_key_and_its_successor_have_one_statement(empty_url: str) -> None:
    async def run(service: Service) -> None:
        old = await service.create()
        new = (await service.admin("POST", f"/admin/keys/{old['id']}/rotate", {"grace_s": 60})).json()
        await called(service, old["id"], 1, prefix="old", per_call="1")
        await called(service, new["id"], 1, prefix="new", per_call="1", account=old["id"])
        assert await of_may(service, old["id"]) == await of_may(service, new["id"])
        assert (await of_may(service, new["id"]))["total_usd"] == "2.00"

    asked(empty_url, run)


def test_what_nobody_measured_is_unknown_and_no_zero(empty_url: str) -> None:
    async def run(service: Service) -> None:
        key = (await service.create())["id"]
        await called(service, key, 1)
        [line] = (await of_may(service, key))["lines"]
        assert (line["tokens"], line["compute_seconds"], line["usd"]) == (None, None, "0")

    asked(empty_url, run)


def test_usage_is_summed_by_key_model_and_day(empty_url: str) -> None:
    async def run(service: Service) -> None:
        one, other = (await service.create(name="one"))["id"], (await service.create(name="other"))["id"]
        await called(service, one, 2, prefix="a", per_call="0.1")
        await called(service, one, 1, prefix="b", at=MAY + 86_400, model="speech", per_call="0.1")
        await called(service, other, 1, prefix="c", per_call="0.1")
        by = {
            name: (await service.admin("GET", f"/admin/usage?{WHOLE}&by={name}")).json()["rows"]
            for name in ("key", "day")
        }
        assert {row["name"]: (row["calls"], row["usd"]) for row in by["key"]} == {
            "one": (3, "0.3"),
            "other": (1, "0.1"),
        }
        assert [(row["day"], row["calls"]) for row in by["day"]] == [("2026-05-10", 3), ("2026-05-11", 1)]
        rows = (await service.admin("GET", f"/admin/usage?{WHOLE}&by=key,model")).json()["rows"]
        assert {(row["name"], row["model"], row["calls"]) for row in rows} == {
            ("one", "digits", 2),
            ("one", "speech", 1),
            ("other", "digits", 1),
        }
        before = await service.admin("GET", "/admin/usage?from=2026-05-01T00:00:00Z&to=2026-05-10T00:00:00Z&by=key")
        assert before.json() == {"rows": []}

    asked(empty_url, run)


def test_an_export_has_every_settled_call_once_over_all_pages(empty_url: str) -> None:
    async def run(service: Service) -> None:
        key = (await service.create())["id"]
        # 2,500 calls, hundreds of them in the same moment: a page may end within one.
        lines = [reservation(f"{n:05d}", key, MAY + n // 600) for n in range(2500)]
        await service.write(*lines, *(settlement(f"{n:05d}", MAY + n // 600) for n in range(2500)))
        await called(service, key, 2, prefix="open", settled=None)
        seen: list[str] = []
        after: str | None = ""
        pages = 0
        while after is not None:
            query = {"from": "2026-05-01T00:00:00Z", "to": "2026-06-01T00:00:00Z", "format": "cloudevents"}
            answer = await service.admin("GET", "/admin/export", params=query | ({"after": after} if after else {}))
            page = answer.json()
            seen += [event["id"] for event in page["events"]]
            after, pages = page["next"], pages + 1
        assert pages == 3
        assert seen == [f"{n:05d}" for n in range(2500)]

    asked(empty_url, run)


LINE = {
    "request_id": "5c10fade-1c9e-4d6c-8275-c52c36731d3c",
    "key": "bbbbbbbbbbbb",
    "account": "aaaaaaaaaaaa",
    "model": "digits",
    "admitted_at": datetime(2026, 5, 10, 12, 0, 0, 250_000, UTC),
    "status": 200,
    "bytes_in": 100,
    "bytes_out": 10,
    "seconds": 0.1,
    "compute_s": Decimal("0.050"),
    "tokens": None,
    "cost_usd": Decimal("0.000200"),
}


def test_a_cloud_event_has_what_openmeter_asks_for() -> None:
    """Required by CloudEvents 1.0: id, source, specversion, type; by OpenMeter besides: subject, and data for a sum."""
    event = json.loads(json.dumps(cloud_event(LINE, "slipway/local")))
    assert event.keys() == {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "slipway.model.call", "slipway/local")
    assert (event["id"], event["subject"]) == (LINE["request_id"], "aaaaaaaaaaaa")
    assert datetime.fromisoformat(event["time"]) == LINE["admitted_at"]
    assert event["data"]["usd"] == "0.0002"
    assert event["data"]["compute_seconds"] == "0.05"
    assert "tokens" not in event["data"]


def test_a_lago_event_has_what_lago_asks_for() -> None:
    event = json.loads(json.dumps(lago_event(LINE, "slipway/local")))
    assert event["transaction_id"] == LINE["request_id"]
    assert event["external_subscription_id"] == "aaaaaaaaaaaa"
    assert event["code"] == "slipway_model_call"
    assert event["timestamp"] == 1778414400
    assert event["precise_total_amount_cents"] == "0.02"
    assert event["properties"]["model"] == "digits"


def test_a_month_is_its_first_moment_to_that_of_the_next() -> None:
    assert month_bounds("2026-12") == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    for text in ("2026-13", "2026-1", "2026", "", "2026-12-01", "x" * 100):
        with pytest.raises(Refused, match="not a month"):
            month_bounds(text)

"""What devices let out of their private counts: added by the control side, beside how far noise may have moved it."""

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from slipway_edge.reporting.noise import laplace
from slipway_edge.reporting.noise import variance as of_a_device

from slipway.edge.aggregates import Sum, sums, variance
from slipway.edge.server import application
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Kept, opened
from tests.support.fleets import new_key
from tests.support.simulated_devices import SimulatedDevice

NOW = 1_000_000.0


def told(**changed: Any) -> dict[str, Any]:
    counts = {"7": 10, "other": -1}
    return {
        "model": "digits", "window": 1, "output": "label", "epsilon": 1.0, "per_s": 86_400, "counts": counts, **changed,
    }  # fmt: skip


def kept(name: str, *aggregates: dict[str, Any], seen: float = NOW) -> Kept:
    return Kept(name, "enrolled", b"", 1, seen, {"serial": 1, "models": [], "aggregates": list(aggregates)})


def test_counts_are_added_over_devices_with_the_error_of_all_their_noise() -> None:
    found = sums([kept("a", told()), kept("b", told(counts={"7": 5, "other": 3}))], NOW)
    error = (2 * variance(1.0)) ** 0.5
    assert found == [Sum("digits", "7", 15, error, 2, 86_400), Sum("digits", "other", 2, error, 2, 86_400)]


def test_what_is_counted_otherwise_or_too_old_is_not_mixed_in() -> None:
    old = kept("a", told(), seen=NOW - 4 * 86_400)
    before = kept("b", told(per_s=3600), seen=NOW - 60)
    other = kept("c", told(counts={"8": 9, "other": 0}), seen=NOW - 60)
    assert sums([old, before, other, kept("d", told())], NOW) == sums([kept("d", told())], NOW)
    assert sums([Kept("e", "invited", None, -1, None, None), kept("f")], NOW) == []


def test_the_error_is_that_of_the_noise_that_devices_draw() -> None:
    assert variance(0.5) == of_a_device(0.5)
    below = random.Random(5).randrange
    draws = [sum(laplace(0.5, below) for _ in range(20)) for _ in range(800)]
    spread = (sum(draw**2 for draw in draws) / len(draws)) ** 0.5
    found = sums([kept(str(index), told(epsilon=0.5)) for index in range(20)], NOW)
    assert spread == pytest.approx(found[0].error, rel=0.15)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 204),
        ({"counts": {"7": 1.5}}, 400),
        ({"counts": {str(index): 0 for index in range(102)}}, 400),
        ({"epsilon": 0.0}, 400),
    ],
    ids=["whole", "no whole number", "too many", "no noise"],
)
def test_a_report_with_counts_is_kept_or_refused(tmp_path: Path, changed: dict[str, Any], status: int) -> None:
    async def work() -> None:
        with opened(tmp_path / "fleet.sqlite") as store:
            store.set_meta(SIGNING_KEY, as_text(new_key().public))
            with store.changing():
                token = store.invite("box-1")
            server = TestServer(application("edge-eu", store, time.time))
            await server.start_server()
            async with asyncio.timeout(60), ClientSession() as session:
                device = SimulatedDevice("box-1", str(server.make_url("")).rstrip("/"))
                assert (await device.enrol(session, token)).status == 200
                body = json.dumps({"serial": 0, "models": [], "aggregates": [told(**changed)]}).encode()
                path = "/v1/devices/box-1/report"
                headers = device.headers("POST", path, body)
                async with session.post(server.make_url(path), data=body, headers=headers) as answer:
                    assert answer.status == status
            await server.close()
            assert len(sums(store.devices(), time.time())) == (2 if status == 204 else 0)

    asyncio.run(work())

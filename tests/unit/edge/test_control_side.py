"""The control side over real HTTP: devices that enrol, pull, report and cheat, and rollouts that follow."""

import asyncio
import json
import sqlite3
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from slipway.edge.__main__ import know_key
from slipway.edge.conduct import Conductor
from slipway.edge.server import BODY_MOST, application
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Store, opened
from slipway.errors.base import SlipwayError
from slipway.settings.edge import EdgeSettings
from tests.support.fleets import an_entry, fleet_settings, new_key
from tests.support.simulated_devices import SimulatedDevice


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Fleet:
    """A control side that answers at `url`, with what conducts its rollouts."""

    def __init__(self, settings: EdgeSettings, store: Store) -> None:
        self.settings, self.store, self.key, self.clock = settings, store, new_key(), Clock()
        self.conductor = Conductor("edge-eu", settings, store, self.key, self.clock)
        store.set_meta(SIGNING_KEY, as_text(self.key.public))
        self.devices: list[SimulatedDevice] = []
        self.url = ""

    @asynccontextmanager
    async def served(self) -> AsyncIterator[ClientSession]:
        server = TestServer(application("edge-eu", self.store, self.clock))
        await server.start_server()
        self.url = str(server.make_url("")).rstrip("/")
        try:
            async with ClientSession() as session:
                yield session
        finally:
            await server.close()

    async def enrol(self, session: ClientSession) -> None:
        for device in self.settings.devices:
            with self.store.changing():
                token = self.store.invite(device.name)
            self.devices.append(SimulatedDevice(device.name, self.url))
            assert (await self.devices[-1].enrol(session, token)).status == 200

    async def turns(self, session: ClientSession, rounds: int = 1) -> None:
        for _ in range(rounds):
            for device in self.devices:
                await device.turn(session)
            self.clock.now += 1
            self.conductor.look("digits")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(device.name for device in self.settings.devices)

    def running(self) -> list[str | None]:
        return [device.runs.get("digits") for device in self.devices]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "fleets" / "edge-eu.sqlite") as store:
        yield store


def run(fleet: Fleet, work: Callable[[ClientSession], Awaitable[None]], *, enrolled: bool = True) -> None:
    """Do `work` while the control side answers, and once all devices are enrolled."""

    async def bounded() -> None:
        async with asyncio.timeout(120), fleet.served() as session:
            if enrolled:
                await fleet.enrol(session)
            await work(session)

    asyncio.run(bounded())


def test_a_good_release_reaches_the_whole_fleet_ring_by_ring(store: Store) -> None:
    fleet = Fleet(fleet_settings(30), store)

    async def work(session: ClientSession) -> None:
        said = an_entry("1.0.0")
        fleet.conductor.start(said, fleet.names)
        most = []
        for _ in range(8):
            await fleet.turns(session)
            most.append(sum(one == said["release"] for one in fleet.running()))
        assert sorted(set(most)) == [1, 3, 30]
        assert store.going()[0].rollout.phase == "done"

    run(fleet, work)


def test_a_bad_release_stops_at_the_canary_which_gets_the_old_one_at_a_higher_serial(store: Store) -> None:
    fleet = Fleet(fleet_settings(30), store)
    old, new = an_entry("1.0.0"), an_entry("2.0.0")

    async def work(session: ClientSession) -> None:
        fleet.conductor.start(old, fleet.names)
        await fleet.turns(session, 8)
        for device in fleet.devices:
            device.says = lambda one: "failed" if one["version"] == "2.0.0" else "good"
        fleet.conductor.start(new, fleet.names)
        await fleet.turns(session)
        serial = fleet.devices[0].serial
        assert fleet.running().count(new["release"]) == 1
        await fleet.turns(session)
        assert set(fleet.running()) == {old["release"]}
        assert fleet.devices[0].serial == serial + 1
        going = store.going()[0]
        assert (going.rollout.phase, going.rollout.reason) == ("stopped", "1 of 1 devices failed in ring canary")

    run(fleet, work)


def test_the_same_release_may_be_tried_again_and_is_judged_by_new_answers(store: Store) -> None:
    fleet = Fleet(fleet_settings(3), store)

    async def work(session: ClientSession) -> None:
        for device in fleet.devices:
            device.says = lambda _: "failed"
        fleet.conductor.start(an_entry(), fleet.names)
        await fleet.turns(session, 2)
        assert store.going()[0].rollout.phase == "stopped"
        assert fleet.running() == [None, None, None]
        for device in fleet.devices:
            device.says = lambda _: "good"
        fleet.conductor.start(an_entry(), fleet.names)
        assert fleet.conductor.look("digits").phase == "rolling"
        await fleet.turns(session, 8)
        assert store.going()[0].rollout.phase == "done"

    run(fleet, work)


def test_a_device_that_was_away_takes_what_is_done_when_it_comes_back(store: Store) -> None:
    fleet = Fleet(fleet_settings(10, success={"good": "80%", "hold": "1ms"}, away={"deadline": "1h"}), store)

    async def work(session: ClientSession) -> None:
        away = fleet.devices.pop()
        fleet.conductor.start(an_entry(), fleet.names)
        await fleet.turns(session, 8)
        assert store.going()[0].rollout.phase == "done"
        assert await away.pull(session) == 200
        assert away.runs == {"digits": an_entry()["release"]}

    run(fleet, work)


def test_a_device_that_enrols_later_gets_what_the_fleet_has(store: Store) -> None:
    fleet = Fleet(fleet_settings(3), store)

    async def work(session: ClientSession) -> None:
        late = fleet.devices.pop()
        with store.changing():
            token = store.invite(late.name)
        fleet.conductor.start(an_entry(), fleet.names[:2])
        await fleet.turns(session, 8)
        assert (await late.enrol(session, token)).status == 200
        assert await late.pull(session) == 200
        assert late.runs == {"digits": an_entry()["release"]}

    run(fleet, work)


def test_what_is_not_changed_is_not_sent_again(store: Store) -> None:
    fleet = Fleet(fleet_settings(1), store)

    async def work(session: ClientSession) -> None:
        assert await fleet.devices[0].pull(session) == 204
        fleet.conductor.start(an_entry(), fleet.names)
        assert [await fleet.devices[0].pull(session) for _ in range(3)] == [200, 304, 304]
        assert fleet.conductor.publish(fleet.names) == 0

    run(fleet, work)


def test_a_device_replaces_its_key_by_one_that_it_has_and_the_old_one_is_void(store: Store) -> None:
    fleet = Fleet(fleet_settings(2), store)

    async def work(session: ClientSession) -> None:
        device, other = fleet.devices
        assert await device.rotate(session, by=other) == 400
        assert await device.pull(session) == 204
        path = f"/v1/devices/{device.name}/desired"
        device.headers("GET", path)
        old = device.headers("GET", path)
        assert await device.rotate(session) == 204
        async with session.get(fleet.url + path, headers=old) as answer:
            assert answer.status == 401
        assert await device.pull(session) == 204
        with store.changing():
            store.set_state(device.name, "revoked")
        assert await device.rotate(session) == 403

    run(fleet, work)


def test_a_log_is_taken_once_from_a_device_that_was_asked_for_it(store: Store) -> None:
    fleet = Fleet(fleet_settings(1, telemetry=["logs"]), store)

    async def work(session: ClientSession) -> None:
        (device,) = fleet.devices
        fleet.conductor.start(an_entry(), fleet.names)
        await fleet.turns(session)
        assert await device.send_log(session) == 409
        with store.changing():
            store.logs.ask(device.name, fleet.clock())
        assert store.logs.read(device.name) is None
        await device.turn(session)
        log = store.logs.read(device.name)
        assert log is not None
        assert [one["event"] for one in log.lines] == ["started", "taken"]
        assert await device.report(session) == 204
        assert await device.send_log(session) == 409

    run(fleet, work)


def test_a_token_is_good_once_and_for_its_device_alone(store: Store) -> None:
    fleet = Fleet(fleet_settings(2), store)

    async def work(session: ClientSession) -> None:
        with store.changing():
            token = store.invite("box-00000")
            store.invite("box-00001")
        assert (await SimulatedDevice("box-00001", fleet.url).enrol(session, token)).status == 409
        assert (await SimulatedDevice("box-00000", fleet.url).enrol(session, token)).status == 200
        again = await SimulatedDevice("box-00000", fleet.url).enrol(session, token)
        assert (again.status, await again.json()) == (
            409,
            {"error": "the token is not known, was used already, or is another device's"},
        )

    run(fleet, work, enrolled=False)


def test_requests_that_are_not_the_devices_own_or_not_new_are_refused(store: Store) -> None:
    fleet = Fleet(fleet_settings(2), store)

    async def work(session: ClientSession) -> None:
        device, other = fleet.devices
        path = f"/v1/devices/{device.name}/desired"

        async def status(headers: dict[str, str], at: str = path) -> int:
            async with session.get(fleet.url + at, headers=headers) as answer:
                return answer.status

        sent = device.headers("GET", path)
        assert await status(sent) == 204
        assert await status(sent) == 401
        forged = device.headers("GET", path) | {"X-Slipway-Nonce": "99"}
        assert await status(forged) == 401
        assert await status(other.headers("GET", path) | {"X-Slipway-Device": device.name}) == 401
        assert await status(device.headers("GET", path), f"/v1/devices/{other.name}/desired") == 404
        assert await status(device.headers("GET", path) | {"X-Slipway-Signature": "no base64"}) == 401
        assert await status({}) == 404
        assert await status(device.headers("GET", path)) == 204

    run(fleet, work)


def test_who_cannot_sign_waits_for_no_lock_and_takes_none(store: Store, tmp_path: Path) -> None:
    """Else whoever reaches the server could have it wait for a rollout at work, request after request."""
    fleet = Fleet(fleet_settings(1), store)

    async def work(session: ClientSession) -> None:
        (device,) = fleet.devices
        path = f"/v1/devices/{device.name}/desired"
        forged = device.headers("GET", path) | {"X-Slipway-Nonce": "99"}
        with closing(sqlite3.connect(tmp_path / "fleets" / "edge-eu.sqlite", isolation_level=None)) as held:
            held.execute("BEGIN IMMEDIATE")
            async with session.get(fleet.url + path, headers=forged) as answer:
                assert answer.status == 401
            held.execute("ROLLBACK")

    run(fleet, work)


def test_bodies_that_are_too_large_or_no_reports_are_refused_and_change_nothing(store: Store) -> None:
    fleet = Fleet(fleet_settings(1), store)

    async def work(session: ClientSession) -> None:
        device = fleet.devices[0]
        path = f"/v1/devices/{device.name}/report"
        said = {"model": "digits", "version": "1", "release": "a", "state": "splendid"}
        bodies = [
            (b"{", 400),
            (b"[" * 50_000, 400),
            (json.dumps({"serial": 1, "models": [said]}).encode(), 400),
            (json.dumps({"serial": -1, "models": []}).encode(), 400),
            (b" " * (BODY_MOST + 1), 413),
        ]
        for body, wanted in bodies:
            headers = device.headers("POST", path, body)
            async with session.post(fleet.url + path, data=body, headers=headers) as answer:
                assert answer.status == wanted
        kept = store.device(device.name)
        assert kept is not None
        assert kept.report is None

    run(fleet, work)


def test_a_revoked_device_is_answered_nothing_and_a_retired_one_is_emptied(store: Store) -> None:
    fleet = Fleet(fleet_settings(2), store)

    async def work(session: ClientSession) -> None:
        fleet.conductor.start(an_entry(), fleet.names)
        await fleet.turns(session, 8)
        retired, revoked = fleet.devices
        with store.changing():
            store.set_state(retired.name, "retired")
            store.set_state(revoked.name, "revoked")
            fleet.conductor.publish(fleet.names)
        assert await retired.pull(session) == 200
        assert retired.runs == {}
        assert await revoked.pull(session) == 403
        assert await revoked.report(session) == 403
        assert fleet.conductor.on("digits") == ()

    run(fleet, work)


def test_an_answer_about_an_older_document_counts_for_nothing(store: Store) -> None:
    fleet = Fleet(fleet_settings(1), store)

    async def work(session: ClientSession) -> None:
        device = fleet.devices[0]
        fleet.conductor.start(an_entry("1.0.0"), fleet.names)
        await fleet.turns(session, 3)
        fleet.conductor.start(an_entry("2.0.0"), fleet.names)
        assert await device.report(session) == 204
        assert store.answers("digits", an_entry("2.0.0")["release"]) == {}

    run(fleet, work)


def test_what_is_withdrawn_is_taken_off(store: Store) -> None:
    fleet = Fleet(fleet_settings(2), store)

    async def work(session: ClientSession) -> None:
        fleet.conductor.start(an_entry(), fleet.names)
        await fleet.turns(session, 8)
        assert fleet.conductor.withdraw(["digits"], fleet.names) == 2
        for device in fleet.devices:
            await device.turn(session)
        assert fleet.running() == [None, None]
        assert store.said() == []

    run(fleet, work)


def test_the_file_is_its_owners_and_has_neither_tokens_nor_private_keys(store: Store) -> None:
    with store.changing():
        token = store.invite("box-00000")
    assert stat.S_IMODE(Path(store.where).stat().st_mode) == 0o600
    kept = b"".join(path.read_bytes() for path in Path(store.where).parent.iterdir())
    assert b"box-00000" in kept
    assert token.encode() not in kept


def test_a_control_side_in_a_pod_knows_the_key_of_its_settings_and_no_other_afterwards(store: Store) -> None:
    first, second = as_text(new_key().public), as_text(new_key().public)
    know_key(store, first)
    know_key(store, first)
    assert store.meta(SIGNING_KEY) == first
    with pytest.raises(SlipwayError, match=r"devices were enrolled with .*; next: write that one"):
        know_key(store, second)

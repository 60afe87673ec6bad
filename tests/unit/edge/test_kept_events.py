"""What happened to rollouts is kept in its order, by what devices and commands really did, and bounded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.edge.conduct import Conductor
from slipway.edge.kept_events import KEPT, Event
from slipway.edge.store import Store, opened
from tests.support.fleets import an_entry, fleet_settings, new_key


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path / "edge-eu.sqlite") as store:
        for index in range(3):
            token = store.invite(f"box-{index:05}")
            assert store.enrol(token, f"box-{index:05}", bytes([index]) * 32, 900.0)
        yield store


DEVICES = tuple(f"box-{index:05}" for index in range(3))
RINGS = [{"name": "canary", "devices": 1}, {"name": "fleet", "share": "100%"}]


def conductor(store: Store) -> Conductor:
    return Conductor("edge-eu", fleet_settings(3, rings=RINGS), store, new_key(), Clock())


def answer(store: Store, device: str, version: str, state: str) -> None:
    document = store.document(device)
    assert document is not None
    said = an_entry(version)
    store.reported(device, {"serial": document[0]}, [("digits", said["release"], state, "why")])


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(one.kind, one.subject) for one in sorted(events, key=lambda one: one.at) if one.kind != "devices"]


def test_a_rollout_is_kept_from_its_start_over_each_ring_to_its_end(store: Store) -> None:
    conduct = conductor(store)
    conduct.start(an_entry(), DEVICES)
    answer(store, DEVICES[0], "1.0.0", "checking")
    answer(store, DEVICES[0], "1.0.0", "good")
    for _ in range(4):
        conduct.look("digits")
    for device in DEVICES:
        answer(store, device, "1.0.0", "good")
    for _ in range(4):
        conduct.look("digits")
    expected = {("started", ""), ("opened", "canary"), ("opened", "fleet"), ("done", "")}
    assert set(told(store.events())) == expected | {("good", device) for device in DEVICES}
    devices = next(one for one in store.events() if one.kind == "devices")
    assert tuple(devices.text.split()) == DEVICES


def test_a_stopped_rollout_says_who_failed_and_why_and_a_new_try_begins_anew(store: Store) -> None:
    conduct = conductor(store)
    conduct.start(an_entry(), DEVICES)
    answer(store, DEVICES[0], "1.0.0", "failed")
    conduct.look("digits")
    (failed,) = (one for one in store.events() if one.kind == "failed")
    assert (failed.subject, failed.at, failed.text) == (DEVICES[0], 900.0, "why")
    (stopped,) = (one for one in store.events() if one.kind == "stopped")
    assert stopped.text == "1 of 1 devices failed in ring canary"
    conduct.start(an_entry(), DEVICES)
    assert set(told(store.events())) == {("started", ""), ("opened", "canary")}


def test_no_more_releases_are_kept_than_that(store: Store) -> None:
    conduct = conductor(store)
    for index in range(KEPT + 3):
        conduct.start(an_entry(f"1.0.{index}"), DEVICES)
    answer(store, DEVICES[0], "1.0.0", "good")
    releases = {one.release for one in store.events()}
    assert releases == {an_entry(f"1.0.{index}")["release"] for index in range(3, KEPT + 3)}

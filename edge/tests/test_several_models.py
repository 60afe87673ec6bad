"""Several models on one device: who goes first, who is not started, who gets which processors."""

import random

import pytest
from devices_room import Device, LosingDisk, entry
from hypothesis import given
from hypothesis import strategies as st
from slipway_edge.rolling.admission import turned_away
from slipway_edge.values.cpuset import processors, shared_out, written
from slipway_edge.values.document import Entry

MIB = 2**20


def model(name: str, port: int, memory: int = 256 * MIB, priority: int = 0, **more: object) -> Entry:
    return entry("1.0.0", model=name, port=port, memory=memory, priority=priority, **more)


@pytest.fixture
def device() -> Device:
    return Device(LosingDisk(random.Random(0)))


def states(device: Device) -> dict[str, str]:
    return {name: status.state for name, status in device.roller.statuses.items()}


def test_the_highest_priority_is_started_first(device: Device) -> None:
    low, high = model("a", 8080), model("b", 8081, priority=10)
    order: list[str] = []
    start = device.engine.start
    device.engine.start = lambda one: (order.append(one.model), start(one))[1]  # type: ignore[method-assign]
    device.roller.apply([low, high], lambda: None)
    assert order == ["b", "a"]


def test_where_memory_does_not_suffice_the_lowest_priority_is_not_started_and_says_so(device: Device) -> None:
    device.memory = 600 * MIB
    device.boot()
    low, high, middle = model("a", 8080), model("b", 8081, priority=10), model("c", 8082, priority=5)
    device.roller.apply([low, high, middle], lambda: None)
    assert states(device) == {"a": "failed", "b": "good", "c": "good"}
    reason = device.roller.statuses["a"].reason
    assert reason == (
        f"not started: it may take {256 * MIB} bytes of memory; "
        f"models of priority 0 or higher leave {88 * MIB} of {600 * MIB}"
    )
    assert device.serves(8080) is None


def test_one_that_was_good_gives_way_and_is_back_without_a_new_judgement_when_there_is_memory(device: Device) -> None:
    device.memory = 300 * MIB
    device.boot()
    low, high = model("a", 8080), model("b", 8081, priority=10)
    device.roller.apply([low], lambda: None)
    assert device.serves(8080) == "1.0.0"
    device.roller.apply([low, high], lambda: None)
    assert (device.serves(8080), device.serves(8081)) == (None, "1.0.0")
    assert [one.model for one, _ in device.engine.there.values()] == ["b"]
    # A start of the agent in between changes nothing.
    device.boot()
    device.roller.resume()
    assert (device.serves(8080), device.serves(8081)) == (None, "1.0.0")
    device.engine.link = False
    device.roller.apply([low], lambda: None)
    assert (states(device), device.serves(8080)) == ({"a": "good"}, "1.0.0")


@given(
    sizes=st.lists(st.tuples(st.integers(16, 400), st.integers(0, 100)), max_size=8),
    memory=st.integers(0, 2000),
)
def test_nobody_is_turned_away_for_one_of_a_lower_priority(sizes: list[tuple[int, int]], memory: int) -> None:
    entries = [model(f"m{index}", 8080 + index, size * MIB, priority) for index, (size, priority) in enumerate(sizes)]
    away = turned_away(entries, memory * MIB)
    taken = [one for one in entries if one.model not in away]
    assert sum(one.memory for one in taken) <= memory * MIB
    for one in entries:
        if one.model in away:
            first = sum(other.memory for other in taken if other.priority >= one.priority)
            assert first + one.memory > memory * MIB
    assert turned_away(entries, None) == {}


def test_the_engine_is_told_of_processors_before_anything_is_started(device: Device) -> None:
    device.roller.apply([model("a", 8080, cpuset="0-1", realtime=True), model("b", 8081)], lambda: None)
    assert device.engine.shared == {"a": "0-1", "b": None}
    device.boot()
    device.engine.shared = {}
    device.roller.resume()
    assert device.engine.shared == {"a": "0-1", "b": None}


@pytest.mark.parametrize(
    ("sets", "realtime", "there", "shared"),
    [
        ({"a": None, "b": None}, [], 4, {"a": "", "b": ""}),
        ({"a": "0-1", "b": None}, [], 4, {"a": "0-1", "b": ""}),
        ({"a": "0-1", "b": None, "c": "3"}, ["a"], 4, {"a": "0-1", "b": "2,3", "c": "3"}),
        ({"a": "0", "b": "2", "c": None}, ["a", "b"], 4, {"a": "0", "b": "2", "c": "1,3"}),
        ({"a": "0-3", "b": None}, ["a"], 4, {"a": "0-3", "b": ""}),
    ],
    ids=["nobody", "pinned", "real-time", "two-real-time", "nothing-left"],
)
def test_others_get_what_real_time_models_leave(
    sets: dict[str, str | None], realtime: list[str], there: int, shared: dict[str, str]
) -> None:
    assert shared_out(sets, realtime, there) == shared


@given(st.frozensets(st.integers(0, 300), min_size=1))
def test_a_set_of_processors_is_read_as_it_is_written(numbers: frozenset[int]) -> None:
    assert processors(written(numbers)) == numbers


@pytest.mark.parametrize("text", ["", "-", "1-0", "0,", "a", "0--1", "0-1-2", "٣"])
def test_what_is_no_set_of_processors_is_none(text: str) -> None:
    assert processors(text) == frozenset()

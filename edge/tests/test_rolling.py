"""A new version beside the old one: what makes it good, what brings the old one back, and what is left then."""

import random

import pytest
from devices_room import Device, LosingDisk, entry
from slipway_edge.values.errors import Away


@pytest.fixture
def device() -> Device:
    made = Device(LosingDisk(random.Random(0)))
    assert made.apply(entry("1.0.0")) == ("good", "")
    return made


def test_a_right_version_takes_the_port_and_the_old_one_ends(device: Device) -> None:
    assert device.apply(entry("1.1.0")) == ("good", "")
    assert device.serves() == "1.1.0"
    assert [one.version for _, one in device.engine.there.values()] == ["1.1.0"]


@pytest.mark.parametrize(
    ("behaves", "reason"),
    [
        ("wrong", "golden request: wrong answer: output `label` is 3, expected 7"),
        ("crash", "it ended by itself: exited, exit code 1"),
        ("silent", "no right answer within 20 s; the last: no answer: ReadTimeoutError"),
        ("slow", "p95 of 10 golden requests is 500 ms; allowed: 100 ms"),
        ("refused", "the engine refused to start it: exec format error"),
    ],
)
def test_a_bad_version_leaves_the_old_one_in_service_and_is_not_tried_again(
    device: Device, behaves: str, reason: str
) -> None:
    device.engine.behaves["1.1.0"] = behaves
    assert device.apply(entry("1.1.0")) == ("returned", reason)
    assert device.serves() == "1.0.0"
    assert device.engine.started == ["1.0.0", "1.1.0"] if behaves != "refused" else ["1.0.0"]
    device.engine.behaves.clear()
    assert device.apply(entry("1.1.0")) == ("returned", reason)
    device.boot()
    device.roller.resume()
    assert device.apply(entry("1.1.0")) == ("returned", reason)
    assert device.serves() == "1.0.0"
    # With anything changed it is another version.
    assert device.apply(entry("1.1.0", env={"SLIPWAY_THREADS": "1"})) == ("good", "")


def test_the_first_version_that_is_bad_has_failed_and_nothing_listens(device: Device) -> None:
    fresh = Device(LosingDisk(random.Random(0)))
    fresh.engine.behaves["1.0.0"] = "wrong"
    state, _ = fresh.apply(entry("1.0.0"))
    assert state == "failed"
    assert fresh.ports.open == {}
    assert fresh.engine.there == {}


def test_any_version_may_be_as_slow_as_it_likes_where_no_p95_is_said(device: Device) -> None:
    device.engine.behaves["1.1.0"] = "slow"
    health = {"p95_ms": None, "errors": 0.0, "settle_s": 10.0}
    assert device.apply(entry("1.1.0", health=health)) == ("good", "")


def test_two_versions_and_no_more_are_kept_on_the_disk(device: Device) -> None:
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        device.apply(entry(version))
        device.roller.apply([entry(version)], lambda: None)
    assert sorted(device.engine.images.values()) == ["1.2.0", "1.3.0"]


def test_a_bad_versions_image_does_not_stay(device: Device) -> None:
    device.engine.behaves["1.1.0"] = "wrong"
    device.apply(entry("1.1.0"))
    device.apply(entry("1.1.0"))
    assert list(device.engine.images.values()) == ["1.0.0"]


def test_without_a_link_it_pulls_later_and_concludes_nothing(device: Device) -> None:
    device.engine.link = False
    assert device.apply(entry("1.1.0")) == ("pulling", "pull: no route to host")
    assert device.serves() == "1.0.0"
    device.engine.link = True
    assert device.apply(entry("1.1.0")) == ("good", "")


def test_an_engine_that_goes_in_the_middle_concludes_nothing(device: Device) -> None:
    def kill() -> None:
        device.engine.up = False

    device.roller.apply([entry("1.0.0")], kill)
    device.engine.behaves["1.1.0"] = "silent"
    with pytest.raises(Away):
        device.roller.apply([entry("1.1.0")], kill)
    device.engine.up = True
    device.engine.kill()
    device.engine.behaves.clear()
    device.roller.watch()
    assert device.serves() == "1.0.0"
    assert device.apply(entry("1.1.0")) == ("good", "")


def test_without_memory_for_both_it_waits_and_says_so(device: Device) -> None:
    device.free = 300 * 2**20
    state, reason = device.apply(entry("1.1.0"))
    assert (state, reason) == (
        "checking",
        "314572800 bytes of memory are free; it needs 335544320 beside the old version",
    )
    assert device.engine.started == ["1.0.0"]
    device.free = 2**30
    assert device.apply(entry("1.1.0")) == ("good", "")


def test_a_good_version_that_turns_bad_is_started_anew_then_the_one_before_comes_back(device: Device) -> None:
    device.apply(entry("1.1.0"))
    device.engine.link = False
    device.engine.behaves["1.1.0"] = "wrong"
    for _ in range(12):
        device.roller.watch()
    assert device.serves() == "1.0.0"
    assert device.engine.started.count("1.1.0") == 3  # once, and twice anew
    state, reason = device.apply(entry("1.1.0"))
    assert state == "returned"
    assert "wrong answer" in reason
    assert device.serves() == "1.0.0"


def test_one_wrong_answer_starts_nothing_anew(device: Device) -> None:
    device.engine.behaves["1.0.0"] = "wrong"
    device.roller.watch()
    device.roller.watch()
    device.engine.behaves.clear()
    device.roller.watch()
    assert device.engine.started == ["1.0.0"]


def test_a_good_version_without_one_before_is_started_anew_until_it_is_right(device: Device) -> None:
    device.engine.behaves["1.0.0"] = "wrong"
    for _ in range(20):
        device.roller.watch()
    device.engine.behaves.clear()
    for _ in range(4):
        device.roller.watch()
    assert device.serves() == "1.0.0"
    assert device.book.of("digits").good == entry("1.0.0")


def test_where_the_version_before_fails_too_the_record_keeps_both(device: Device) -> None:
    device.apply(entry("1.1.0"))
    device.engine.behaves = {"1.0.0": "crash", "1.1.0": "wrong"}
    for _ in range(20):
        device.roller.watch()
    kept = device.book.of("digits")
    assert (kept.good, kept.before) == (entry("1.1.0"), entry("1.0.0"))
    device.engine.behaves.clear()
    for _ in range(4):
        device.roller.watch()
    assert device.serves() in ("1.0.0", "1.1.0")


def test_an_old_version_that_is_mended_while_a_new_one_settles_does_not_take_the_port(device: Device) -> None:
    device.engine.behaves["1.0.0"] = "wrong"
    device.apply(entry("1.1.0"))
    assert device.serves() == "1.1.0"


def test_what_is_not_desired_any_more_is_taken_away(device: Device) -> None:
    other = entry("1.0.0", model="speech", port=8090)
    device.apply(entry("1.0.0"), other)
    device.apply(other)
    device.apply(other)
    assert device.ports.leads(8080) is None
    assert [one.model for _, one in device.engine.there.values()] == ["speech"]


def test_the_higher_priority_goes_first(device: Device) -> None:
    high = entry("1.1.0", model="speech", port=8090, priority=1)
    device.apply(entry("1.2.0"), high)
    assert device.engine.started == ["1.0.0", "1.1.0", "1.2.0"]


def test_a_version_at_another_port_leaves_the_old_port_to_others(device: Device) -> None:
    device.apply(entry("1.1.0", port=8081))
    assert device.serves(8081) == "1.1.0"
    assert device.ports.leads(8080) is None


def test_weights_that_cannot_be_had_are_away_and_say_nothing_about_the_version(device: Device) -> None:
    files = [{"name": "model.onnx", "sha256": "0" * 64, "bytes": 1, "pieces": None}]
    weights = {"folder": "/opt/slipway/model", "files": files}
    state, reason = device.apply(entry("1.1.0", weights=weights))
    assert state == "pulling"
    assert reason == (
        "model.onnx: the control side: weights: status 404, no such weights; 0 % of 0.0 MiB is here and stays"
    )
    assert device.serves() == "1.0.0"
    assert device.book.of("digits").bad == {}

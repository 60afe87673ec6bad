"""Rings are a pure function of answers and time; what holds for every fleet is tried on fleets of any shape."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.edge.rings import Answer, Rollout, Rules, approved, having, overdue, paused, resumed, started, step

DEVICES = tuple(f"pi-{index:03}" for index in range(10))
RULES = Rules(("canary", "half", "fleet"), (1, 5, 10), good=1.0, hold_s=60, failed=0.2, of_at_least=1, deadline_s=3600)


def good(*names: str) -> dict[str, Answer]:
    return dict.fromkeys(names, "good")


def failed(*names: str) -> dict[str, Answer]:
    return dict.fromkeys(names, "failed")


def test_only_the_canary_has_it_before_anybody_answered() -> None:
    assert having(started(DEVICES, RULES, 0), RULES) == DEVICES[:1]


def test_a_good_ring_opens_the_next_one_after_it_was_held() -> None:
    rollout = step(started(DEVICES, RULES, 0), RULES, good(DEVICES[0]), 10)
    assert having(step(rollout, RULES, good(DEVICES[0]), 69), RULES) == DEVICES[:1]
    rollout = step(rollout, RULES, good(DEVICES[0]), 70)
    assert having(rollout, RULES) == DEVICES[:5]
    assert rollout.reason == "ring half is open"


def test_a_ring_that_was_good_and_is_not_any_more_is_held_anew() -> None:
    rollout = step(started(DEVICES, RULES, 0), RULES, good(DEVICES[0]), 10)
    rollout = step(rollout, RULES, {}, 50)
    assert rollout.held_since is None
    assert having(step(rollout, RULES, good(DEVICES[0]), 71), RULES) == DEVICES[:1]


def test_a_canary_that_fails_stops_the_rollout_and_returns() -> None:
    rollout = step(started(DEVICES, RULES, 0), RULES, failed(DEVICES[0]), 1)
    assert (rollout.phase, having(rollout, RULES)) == ("stopped", ())
    assert rollout.reason == "1 of 1 devices failed in ring canary"


def test_a_ring_that_has_to_be_approved_waits_and_opens_once_it_is() -> None:
    rules = replace(RULES, hold_s=0, approvals=frozenset({"half"}))
    waits = step(started(DEVICES, rules, 0), rules, good(DEVICES[0]), 10)
    assert (waits.phase, waits.reason) == ("waiting", "ring half waits for approval")
    assert step(waits, rules, good(DEVICES[0]), 20) == waits
    goes = step(approved(waits, "half"), rules, good(DEVICES[0]), 30)
    assert (goes.phase, having(goes, rules)) == ("rolling", DEVICES[:5])
    assert having(step(goes, rules, good(*DEVICES[:5]), 40), rules) == DEVICES


def test_a_device_that_fails_while_an_approval_is_waited_for_stops_the_rollout() -> None:
    rules = replace(RULES, hold_s=0, approvals=frozenset({"half"}))
    waits = step(started(DEVICES, rules, 0), rules, good(DEVICES[0]), 10)
    assert step(waits, rules, failed(DEVICES[0]), 20).phase == "stopped"
    assert step(waits, rules, {}, 20).phase == "rolling"


def test_an_approval_that_a_small_fleet_has_no_device_for_is_still_waited_for() -> None:
    rules = replace(RULES, sizes=(1, 1, 10), hold_s=0, approvals=frozenset({"half"}))
    waits = step(started(DEVICES, rules, 0), rules, good(DEVICES[0]), 10)
    assert (waits.phase, having(waits, rules)) == ("waiting", DEVICES[:1])


def test_one_that_fails_of_many_does_not_count_before_enough_answered() -> None:
    rules = replace(RULES, of_at_least=4, good=0.5, hold_s=0)
    rollout = replace(started(DEVICES, rules, 0), ring=1, opened=(0, 0))
    assert step(rollout, rules, failed(DEVICES[0]), 1).phase == "rolling"
    three = failed(DEVICES[0]) | good(*DEVICES[1:3])
    assert step(rollout, rules, three, 1).phase == "rolling"
    assert step(rollout, rules, three | good(DEVICES[3]), 1).phase == "stopped"


def test_a_ring_in_which_all_answered_and_too_few_are_good_ends() -> None:
    rules = replace(RULES, failed=0.5)
    rollout = replace(started(DEVICES, rules, 0), ring=1, opened=(0, 0))
    ended = step(rollout, rules, failed(DEVICES[0]) | good(*DEVICES[1:5]), 1)
    assert (ended.phase, ended.reason) == ("stopped", "4 of 5 devices are good in ring half, 100% are needed")


def test_a_device_that_is_away_counts_as_failed_from_its_rings_deadline_on() -> None:
    rollout = started(DEVICES, RULES, 0)
    assert step(rollout, RULES, {}, 3599).phase == "rolling"
    ended = step(rollout, RULES, {}, 3600)
    assert (ended.phase, ended.reason) == ("stopped", "1 of 1 devices failed (1 by their deadline) in ring canary")
    later = replace(rollout, ring=1, opened=(0, 3000))
    assert overdue(later, RULES, good(DEVICES[0]), 6600) == DEVICES[1:5]
    assert overdue(later, RULES, good(DEVICES[0]), 6599) == ()


def test_a_paused_rollout_opens_nothing_and_still_stops() -> None:
    rollout = paused(replace(started(DEVICES, RULES, 0), held_since=0))
    assert having(step(rollout, RULES, good(DEVICES[0]), 1000), RULES) == DEVICES[:1]
    assert step(rollout, RULES, failed(DEVICES[0]), 1000).phase == "stopped"
    on = resumed(rollout)
    assert (on.phase, on.held_since) == ("rolling", None)
    assert paused(replace(rollout, phase="done")).phase == "done"


def test_a_ring_without_devices_of_its_own_is_passed_over() -> None:
    rules = replace(RULES, sizes=(1, 1, 2), hold_s=0)
    rollout = step(started(DEVICES[:2], rules, 0), rules, good(DEVICES[0]), 1)
    assert (rollout.ring, having(rollout, rules)) == (2, DEVICES[:2])
    assert step(rollout, rules, good(*DEVICES[:2]), 2).phase == "done"


def test_a_model_that_is_on_no_device_is_done() -> None:
    assert started((), RULES, 0).phase == "done"


@st.composite
def rules_and_devices(draw: st.DrawFn) -> tuple[Rules, tuple[str, ...]]:
    count = draw(st.integers(1, 12))
    sizes = [*sorted(draw(st.lists(st.integers(1, count), max_size=3))), count]
    rules = Rules(
        names=tuple(f"ring-{index}" for index in range(len(sizes))),
        sizes=tuple(sizes),
        good=draw(st.sampled_from([0.5, 0.95, 1.0])),
        hold_s=draw(st.sampled_from([0.0, 30.0])),
        failed=draw(st.sampled_from([0.1, 0.5, 1.0])),
        of_at_least=draw(st.integers(1, 5)),
        deadline_s=draw(st.sampled_from([50.0, 500.0])),
    )
    return rules, DEVICES[:count] if count <= 10 else tuple(f"pi-{index:03}" for index in range(count))


looks = st.lists(
    st.tuples(
        st.floats(0, 100),
        st.dictionaries(
            st.sampled_from([f"pi-{index:03}" for index in range(12)]), st.sampled_from(["good", "failed"])
        ),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(rules_and_devices(), looks)
def test_no_look_gives_a_version_to_more_devices_than_the_open_rings_have(
    given_rules: tuple[Rules, tuple[str, ...]], seen: list[tuple[float, dict[str, Answer]]]
) -> None:
    rules, devices = given_rules
    now, rollout, answers = 0.0, started(devices, rules, 0), dict[str, Answer]()
    for waited, said in seen:
        now += waited
        # Only a device that has it can say something of it.
        answers |= {name: answer for name, answer in said.items() if name in having(rollout, rules)}
        before, rollout = rollout, step(rollout, rules, answers, now)
        there = having(rollout, rules)
        assert there in ((), devices[: rules.sizes[rollout.ring]])
        assert rollout.phase != "stopped" or there == ()
        if rollout.ring > before.ring:
            opened = having(before, rules)
            enough = sum(answers.get(name) == "good" for name in opened)
            assert enough >= rules.good * len(opened) - 1e-6
        if before.phase in ("stopped", "done"):
            assert rollout == before


@settings(max_examples=200, deadline=None)
@given(rules_and_devices(), st.dictionaries(st.sampled_from(DEVICES), st.sampled_from(["good", "failed"])))
def test_every_rollout_ends_whoever_is_away(
    given_rules: tuple[Rules, tuple[str, ...]], final: dict[str, Answer]
) -> None:
    """Each ring ends by its deadline and its hold, so that all of them together do."""
    rules, devices = given_rules
    rollout: Rollout = started(devices, rules, 0)
    now, limit = 0.0, (rules.deadline_s + rules.hold_s + 20) * len(rules.sizes)
    while rollout.phase == "rolling" and now <= limit:
        now += 10
        answers = {name: answer for name, answer in final.items() if name in having(rollout, rules)}
        rollout = step(rollout, rules, answers, now)
    assert rollout.phase in ("stopped", "done")

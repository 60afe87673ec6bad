"""Weights of a route: which are set to what, and that nothing else is ever changed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollout_plans import ID, a_plan
from slipway_judge.cluster.route import ANNOTATION, changes, is_of

TOTAL = 1_000_000
PLAN = a_plan(route={"weight": TOTAL, "weighted": 1, "following": [0]})


def a_route(*weights: tuple[int, int]) -> dict[str, Any]:
    rules = [
        {"backendRefs": [{"name": "digits", "weight": old}, {"name": "digits-candidate", "weight": new}]}
        for old, new in weights
    ]
    return {"metadata": {"annotations": {ANNOTATION: ID}}, "spec": {"rules": rules}}


def patched(route: dict[str, Any], share: float, *, settled: bool) -> list[tuple[int, int]]:
    """The weights after the patch, whose tests are those of the right Service in the right rule."""
    operations = changes(route, PLAN, share, settled=settled)
    rules = [[backend["weight"] for backend in rule["backendRefs"]] for rule in route["spec"]["rules"]]
    for operation in operations:
        if operation["op"] == "add":
            *_, rule, _, index, key = operation["path"].split("/")
            assert key == "weight"
            rules[int(rule)][int(index)] = operation["value"]
    return [(old, new) for old, new in rules]


def test_the_weighted_rule_shares_out_and_those_that_follow_give_everything() -> None:
    assert patched(a_route((TOTAL, 0), (TOTAL, 0)), 0.05, settled=True) == [(1, TOTAL - 1), (950_000, 50_000)]


def test_a_release_that_had_no_calls_gets_the_least_weight_first() -> None:
    first = patched(a_route((TOTAL, 0), (TOTAL, 0)), 0.2, settled=False)
    assert first == [(TOTAL - 1, 1), (TOTAL - 1, 1)]
    assert patched(a_route(*first), 0.2, settled=True) == [(1, TOTAL - 1), (800_000, 200_000)]


def test_a_release_that_had_calls_goes_to_none_by_way_of_the_least_weight() -> None:
    route = a_route((0, TOTAL), (950_000, 50_000))
    first = patched(route, 0.0, settled=False)
    assert first == [(TOTAL - 1, 1), (TOTAL - 1, 1)]
    assert patched(a_route(*first), 0.0, settled=False) == first
    assert patched(a_route(*first), 0.0, settled=True) == [(TOTAL, 0), (TOTAL, 0)]


def test_the_old_release_keeps_the_least_weight_at_100_percent() -> None:
    for settled in (False, True):
        after = patched(a_route((1, TOTAL - 1), (750_000, 250_000)), 1.0, settled=settled)
        assert after == [(1, TOTAL - 1), (1, TOTAL - 1)]


def test_a_release_that_has_no_calls_stays_without_any() -> None:
    assert changes(a_route((TOTAL, 0), (TOTAL, 0)), PLAN, 0.0, settled=False) == []


def test_a_patch_begins_with_the_test_of_the_rollout_and_tests_each_service() -> None:
    operations = changes(a_route((TOTAL, 0), (TOTAL, 0)), PLAN, 0.25, settled=True)
    assert operations[0] == {"op": "test", "path": "/metadata/annotations/slipway.dev~1rollout", "value": ID}
    tests = [each["path"] for each in operations if each["op"] == "test"][1:]
    adds = [each["path"] for each in operations if each["op"] == "add"]
    assert tests == [path.replace("/weight", "/name") for path in adds]


@pytest.mark.parametrize("metadata", [{}, {"annotations": None}, {"annotations": {ANNOTATION: "another"}}])
def test_a_route_without_this_rollouts_id_is_not_its_own(metadata: dict[str, Any]) -> None:
    assert not is_of({"metadata": metadata}, PLAN)


WEIGHTS = st.integers(0, TOTAL).map(lambda new: (TOTAL - new, new))


@given(WEIGHTS, WEIGHTS, st.sampled_from([0.0, 0.001, 0.05, 0.25, 1.0]), st.booleans())
def test_weights_of_a_rule_always_add_up_and_nothing_with_calls_ends_without_warning(
    first: tuple[int, int], second: tuple[int, int], share: float, settled: bool
) -> None:
    route = a_route(first, second)
    after = patched(route, share, settled=settled)
    assert [sum(pair) for pair in after] == [TOTAL, TOTAL]
    if not settled:
        for pair, before in zip(after, (first, second), strict=True):
            assert pair[1] in (0, 1) or before[1] != 0
            assert pair[1] != 0 or before[1] == 0
            assert pair[0] > 0
    settled = patched(a_route(*after), share, settled=True)
    assert settled[1][1] == min(round(TOTAL * share), TOTAL - 1)

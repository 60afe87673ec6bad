"""What the judge reads of a rollout."""

import json
from dataclasses import replace

from slipway.plan.rollout import WEIGHT, Chosen, Limits, RolloutPlan, Side, Sticky, WeightedRules

PLAN = RolloutPlan(
    id="3f2a9c01b4de",
    model="digits",
    namespace="models",
    environment="local",
    old=Side("1.0.0", "a" * 64, "digits"),
    new=Side("1.1.0", "b" * 64, "digits-candidate"),
    port=80,
    steps=(0.0, 0.05, 1.0),
    hold_s=120.0,
    deadline_s=1800.0,
    shadow=0.1,
    sticky=None,
    header=None,
    judge=Limits(0.01, 120.0, 0.99, 0.001, ("label",), 500),
    runtime="onnxruntime",
    prometheus="http://prometheus-operated.monitoring:9090",
    timeout_s=5.0,
    started="2026-01-31T12:00:00Z",
)
BOTH = replace(PLAN, sticky=Sticky("header", "x-session"), header=Chosen("x-variant", "next"))


def test_a_rollout_is_read_back_as_it_was_written() -> None:
    for plan in (PLAN, BOTH, replace(PLAN, sticky=Sticky("key"), judge=replace(PLAN.judge, outputs=None))):
        assert RolloutPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


def test_without_headers_one_rule_shares_the_calls() -> None:
    assert PLAN.rules == WeightedRules(0)
    assert PLAN.clusters.old == ("httproute/models/digits/rule/0/backend/0",)
    assert PLAN.clusters.new == ("httproute/models/digits/rule/0/backend/1",)


def test_rules_that_a_header_leads_to_come_behind_the_one_that_shares() -> None:
    assert replace(BOTH, sticky=None).rules == WeightedRules(0, (1,))
    assert replace(BOTH, header=None).rules == WeightedRules(0, (), (1, 2))
    assert BOTH.rules == WeightedRules(0, (1,), (2, 3))


def test_callers_that_are_kept_with_a_release_are_counted_with_it() -> None:
    route = "httproute/models/digits/rule"
    assert BOTH.clusters.old == (f"{route}/0/backend/0", f"{route}/1/backend/0", f"{route}/3/backend/0")
    assert BOTH.clusters.new == (f"{route}/0/backend/1", f"{route}/1/backend/1", f"{route}/2/backend/0")


def test_a_side_that_has_calls_never_has_the_weight_0() -> None:
    assert [PLAN.weights(share) for share in (0.0, 0.05, 1.0)] == [(WEIGHT, 0), (950_000, 50_000), (1, WEIGHT - 1)]
    assert PLAN.weights(1e-9) == (WEIGHT - 1, 1)

"""The route of a model that scales to zero, beside that of one that does not."""

import json
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from slipway.environments.planning.kinds import planning
from slipway.plan.model import ModelPlan
from slipway.planner.traffic import MOST_WAIT_S, route
from slipway.render.model import placeholder_image, render_model
from slipway.spec.scale import Scale
from slipway.values.names import ROUTE_ANNOTATION
from tests.support.planned import gateway_plan, sleeper

ALWAYS = gateway_plan("own").find("least", Path())


def objects(model: ModelPlan) -> dict[str, dict[str, Any]]:
    return {manifest["kind"]: manifest for manifest in render_model(model, placeholder_image(model))}


def test_the_rules_of_a_model_say_how_long_its_calls_wait_and_those_of_others_say_nothing() -> None:
    rules = [json.loads(objects(one)["HTTPRoute"]["metadata"]["annotations"][ROUTE_ANNOTATION]) for one in both()]
    assert [one.get("to_zero") for one in rules] == [None, {"wait_s": 63}]


def test_the_gateway_waits_longer_than_the_keys_service_lets_a_call_wait() -> None:
    asks = [objects(one)["SecurityPolicy"]["spec"]["extAuth"]["timeout"] for one in both()]
    assert asks == ["2s", "68s"]
    idle = [objects(one)["BackendTrafficPolicy"]["spec"]["timeout"]["http"]["streamIdleTimeout"] for one in both()]
    assert idle == ["35s", "98s"]


def test_the_service_has_an_address_even_without_a_replica_but_one_that_nobody_is_sent_to() -> None:
    assert "EndpointSlice" not in objects(ALWAYS)
    found = objects(sleeper())
    one = found["EndpointSlice"]
    kubernetes_validate.validate(one, "1.36", strict=True)
    assert one["metadata"]["labels"]["kubernetes.io/service-name"] == found["Service"]["metadata"]["name"]
    assert one["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == "slipway"
    (port,) = found["Service"]["spec"]["ports"]
    assert [(each["name"], each["protocol"]) for each in one["ports"]] == [(port["name"], port["protocol"])]
    assert [each["conditions"]["ready"] for each in one["endpoints"]] == [False]


def test_the_first_replica_is_asked_before_the_gateway_has_checked_it() -> None:
    checks = [objects(one)["BackendTrafficPolicy"]["spec"]["healthCheck"] for one in both()]
    assert [sorted(each) for each in checks] == [["active", "panicThreshold", "passive"], ["panicThreshold", "passive"]]


@pytest.mark.parametrize(("cold_start_s", "wait_s"), [(63, 63), (900, MOST_WAIT_S)])
def test_a_call_waits_as_long_as_a_cold_start_may_take_within_reason(cold_start_s: int, wait_s: int) -> None:
    gateway = planning(gateway_plan("own").settings).gateway
    assert gateway is not None
    scale = Scale.model_validate({"target": {"concurrency": 4}, "to_zero": {"after": "15m"}})
    planned = route(gateway, ALWAYS.spec.model_copy(update={"scale": scale}), None, cold_start_s)
    assert planned is not None and planned.wait_s == wait_s
    stays = route(gateway, ALWAYS.spec, None, cold_start_s)
    assert stays is not None and stays.wait_s is None


def both() -> list[ModelPlan]:
    return [ALWAYS, sleeper()]

"""What a killed run left open is settled in the state: found and adopted, or forgotten."""

from collections.abc import Mapping
from typing import Any

from slipway.engine.resume import outputs, resumed

VPC = {"urn": "urn:vpc", "type": "aws:ec2/vpc:Vpc", "custom": True, "inputs": {"tags": {"Name": "slipway-dev"}}}
STACK = {"urn": "urn:stack", "type": "pulumi:pulumi:Stack", "outputs": {"connection": {"context": "slipway-dev"}}}


def state(*pending: tuple[str, Mapping[str, Any]], resources: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    operations = [{"type": kind, "resource": resource} for kind, resource in pending]
    return {
        "version": 3,
        "deployment": {"manifest": {}, "resources": resources or [STACK], "pending_operations": operations},
    }


def finding(identifier: str | None) -> Any:
    return lambda kind, inputs: [identifier] if identifier else []


def test_a_state_with_nothing_open_is_left_alone() -> None:
    assert resumed(state(), finding("vpc-1")) is None


def test_an_object_that_was_made_is_adopted_and_then_read() -> None:
    after = resumed(state(("creating", VPC)), finding("vpc-1"))
    assert after is not None
    again, unsure = after
    assert again["deployment"]["pending_operations"] == []
    assert again["deployment"]["resources"] == [STACK, {**VPC, "id": "vpc-1", "outputs": {}}]
    assert again["version"] == 3
    assert unsure == ["urn:vpc"]


def test_an_object_that_was_not_made_is_forgotten() -> None:
    after = resumed(state(("creating", VPC)), finding(None))
    assert after is not None
    again, unsure = after
    assert again["deployment"]["resources"] == [STACK]
    assert unsure == []


def test_nothing_is_looked_for_in_the_place_of_a_component() -> None:
    component = {"urn": "urn:network", "type": "slipway:aws:Network", "custom": False}

    def find(kind: str, inputs: Mapping[str, Any]) -> list[str]:
        raise AssertionError(kind)

    after = resumed(state(("creating", component)), find)
    assert after is not None
    assert after[0]["deployment"]["resources"] == [STACK]


def test_what_was_being_updated_or_deleted_is_read_again() -> None:
    there = {**VPC, "id": "vpc-1"}
    after = resumed(state(("updating", there), ("deleting", there), resources=[STACK, there]), finding(None))
    assert after is not None
    again, unsure = after
    assert again["deployment"]["resources"] == [STACK, there]
    assert unsure == ["urn:vpc", "urn:vpc"]


def test_a_replacement_that_was_made_leaves_the_old_one_to_be_deleted() -> None:
    old = {**VPC, "id": "vpc-0"}
    after = resumed(state(("creating", VPC), resources=[STACK, old]), finding("vpc-1"))
    assert after is not None
    resources = after[0]["deployment"]["resources"]
    assert [(item["id"], item.get("delete", False)) for item in resources[1:]] == [("vpc-0", True), ("vpc-1", False)]


def test_finding_only_the_object_that_was_to_be_replaced_changes_nothing() -> None:
    old = {**VPC, "id": "vpc-0"}
    after = resumed(state(("creating", VPC), resources=[STACK, old]), finding("vpc-0"))
    assert after is not None
    assert after[0]["deployment"]["resources"] == [STACK, old]
    assert after[1] == []


def test_an_object_that_the_state_has_already_is_not_adopted_again() -> None:
    other = {**VPC, "urn": "urn:other", "id": "vpc-0"}
    after = resumed(state(("creating", VPC), resources=[STACK, other]), lambda kind, inputs: ["vpc-0", "vpc-1"])
    assert after is not None
    assert [item.get("id") for item in after[0]["deployment"]["resources"]] == [None, "vpc-0", "vpc-1"]


def test_outputs_are_those_of_the_stack() -> None:
    assert outputs(state()) == {"connection": {"context": "slipway-dev"}}
    assert outputs(state(resources=[VPC])) == {}

"""What `pulumi preview --json` printed becomes steps, without a value of any property."""

import json
from typing import Any

import pytest

from slipway.engine.previewed import diagnostics, previewed

STACK = "urn:pulumi:local.digits::slipway::"


def step(op: str, kind: str, name: str, **more: object) -> dict[str, Any]:
    state = {"custom": True, "type": kind, "inputs": {"spec": "[secret]"}}
    return {"op": op, "urn": f"{STACK}slipway:model:Model${kind}::{name}", "newState": state} | more


def printed(*steps: dict[str, Any]) -> str:
    return json.dumps({"steps": steps, "duration": 1, "changeSummary": {"same": 5, "update": 1}})


def test_steps_are_named_as_people_name_them_and_sorted() -> None:
    found = previewed(
        "local.digits",
        printed(
            step("update", "kubernetes:core/v1:Service", "digits", detailedDiff={"spec.type": {"kind": "update"}}),
            step("create", "kubernetes:apps/v1:Deployment", "digits", detailedDiff=None),
            step("same", "kubernetes:policy/v1:PodDisruptionBudget", "digits"),
            step("delete", "kubernetes:core/v1:ConfigMap", "digits-old"),
        ),
    )
    assert [one.line() for one in found.steps] == [
        "delete ConfigMap digits-old",
        "create Deployment digits",
        "update Service digits (spec.type)",
    ]
    assert (found.counts, found.same) == ({"create": 1, "update": 1, "delete": 1}, 5)
    assert "secret" not in json.dumps(found.to_json())


def test_a_replacement_of_several_steps_counts_once() -> None:
    steps = [
        step(op, "aws:eks/nodeGroup:NodeGroup", "cpu", replaceReasons=["instanceTypes"])
        for op in ("create-replacement", "replace", "delete-replaced")
    ]
    assert [one.line() for one in previewed("prod", printed(*steps)).steps] == ["replace NodeGroup cpu (instanceTypes)"]


def test_the_stack_itself_and_components_are_no_steps() -> None:
    component = step("update", "slipway:model:Model", "digits") | {"newState": {"custom": False, "type": "x"}}
    root: dict[str, Any] = {
        "op": "create",
        "urn": f"{STACK}pulumi:pulumi:Stack::slipway-local",
        "newState": {"type": "pulumi:x"},
    }
    assert previewed("local.digits", printed(component, root)).steps == ()


@pytest.mark.parametrize("text", ["", "[]", "no JSON"])
def test_what_is_no_preview_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no object of JSON|Expecting value"):
        previewed("local", text)


def test_why_a_preview_failed_is_told_once() -> None:
    said = [
        {"severity": "error", "message": "error: no such image"},
        {"severity": "error", "message": "an unhandled error occurred: no such image"},
        {"severity": "warning", "message": "mind"},
        {"severity": "error", "message": "preview failed"},
    ]
    assert diagnostics(json.dumps({"diagnostics": said}), "error: preview failed") == ("no such image",)
    assert diagnostics("", "error: no way to the backend\n") == ("error: no way to the backend",)
    assert diagnostics("", "") == ("the Pulumi CLI said nothing",)

"""The state has the shape that the real plugin writes and reads, and refusals are told in words."""

from typing import Any

from slipway.local.plugins.kubernetes.client.api import ApiError
from slipway.local.plugins.kubernetes.client.kinds import Kind
from slipway.local.plugins.kubernetes.client.refusals import explain
from slipway.local.plugins.kubernetes.objects import checkpoint, preview
from slipway.local.plugins.protocol.properties import UNKNOWN, Secret

DEPLOYMENT = Kind("apps/v1", "Deployment")
URN = "urn:pulumi:prod::slipway::kubernetes:apps/v1:Deployment::digits"


def test_the_state_is_the_live_object_with_inputs_api_version_and_field_manager_beside_it() -> None:
    inputs = {"metadata": {"name": "a"}, "spec": {"token": Secret("s")}}
    live = {"metadata": {"name": "a", "uid": "u", "managedFields": [{}]}, "spec": {"token": "s"}, "status": {"x": 1}}
    assert checkpoint.pack(inputs, live, "apps/v1", "pulumi-kubernetes-0a1b2c3d") == {
        "metadata": {"name": "a", "uid": "u"},
        "spec": {"token": Secret("s")},
        "status": {"x": 1},
        "__inputs": inputs,
        "__initialApiVersion": "apps/v1",
        "__fieldManager": "pulumi-kubernetes-0a1b2c3d",
    }


def test_a_state_is_read_back_as_inputs_and_live_object() -> None:
    inputs: dict[str, Any] = {"metadata": {"name": "a"}}
    state = checkpoint.pack(inputs, {"metadata": {"name": "a", "uid": "u"}}, "v1", "m")
    assert checkpoint.unpack(state) == (inputs, {"metadata": {"name": "a", "uid": "u"}})


def test_the_field_manager_is_the_annotations_else_the_states_else_follows_from_the_urn() -> None:
    annotated = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "team"}}}
    state = {"__fieldManager": "pulumi-kubernetes-11111111"}
    assert checkpoint.field_manager(state, annotated, URN) == "team"
    assert checkpoint.field_manager(state, {}, URN) == "pulumi-kubernetes-11111111"
    made = checkpoint.field_manager({}, {}, URN)
    assert made == checkpoint.field_manager({}, {}, URN)
    assert made != checkpoint.field_manager({}, {}, URN + "2")
    assert made.startswith("pulumi-kubernetes-")


def test_identifiers_hold_the_namespace_where_there_is_one() -> None:
    assert checkpoint.object_id({"metadata": {"name": "a", "namespace": "n"}}) == "n/a"
    assert checkpoint.parse_id("n/a") == ("n", "a")
    assert checkpoint.object_id({"metadata": {"name": "a"}}) == "a"
    assert checkpoint.parse_id("a") == ("", "a")


def test_an_imported_object_gives_inputs_without_what_only_the_server_writes() -> None:
    live = {
        "kind": "Deployment",
        "metadata": {"name": "a", "uid": "u", "annotations": {"deployment.kubernetes.io/revision": "1"}},
        "spec": {"replicas": 1},
        "status": {},
    }
    assert preview.imported(live) == {"kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 1}}


def test_a_refresh_shows_drift_in_what_the_program_manages_and_nothing_else() -> None:
    given = {"kind": "ConfigMap", "data": {"a": "1"}}
    assert preview.refreshed({"kind": "ConfigMap", "data": {"a": "2", "b": "3"}, "x": 1}, given) == {
        "kind": "ConfigMap",
        "data": {"a": "2"},
    }


def test_a_refresh_compares_string_data_with_what_it_became() -> None:
    given = {"kind": "Secret", "stringData": {"a": "x", "b": "y"}}
    assert preview.refreshed({"kind": "Secret", "data": {"a": "eA==", "b": "eg=="}}, given)["stringData"] == {
        "a": "x",
        "b": "(changed in the cluster)",
    }


def test_a_preview_promises_nothing_that_only_the_real_creation_chooses() -> None:
    answer = {"kind": "Service", "metadata": {"name": "a", "uid": "u"}, "spec": {"clusterIP": "10.0.0.1", "type": "x"}}
    promised = preview._promise({**answer, "status": {}})
    assert promised["metadata"] == {"name": "a", "uid": UNKNOWN}
    assert promised["spec"] == {"clusterIP": UNKNOWN, "type": "x"}
    assert "status" not in promised
    assert preview._promise({"kind": "Service", "spec": {"clusterIP": "None"}})["spec"]["clusterIP"] == "None"


def refusal(code: int, message: str, *causes: dict[str, str], reason: str = "") -> str:
    status = {"message": message, "reason": reason, "details": {"causes": list(causes)}}
    return explain(ApiError(code, status), DEPLOYMENT, "team/digits")


def test_a_conflict_names_the_manager_the_fields_and_what_to_do() -> None:
    told = refusal(
        409,
        "Apply failed with 1 conflict",
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" using apps/v1',
            "field": ".spec.replicas",
        },
        reason="Conflict",
    )
    assert told.startswith(
        'Deployment team/digits: "kubectl" manages spec.replicas, with another value; nothing was changed'
    )
    assert 'pulumi.com/patchForce: "true"' in told


def test_an_unknown_field_is_named_with_its_path() -> None:
    message = (
        "failed to create typed patch object (team/digits; apps/v1, Kind=Deployment): "
        ".spec.replicaz: field not declared in schema"
    )
    assert refusal(500, message) == (
        "Deployment team/digits: spec.replicaz: apps/v1 Deployment has no such field; "
        "correct its name or its place, or remove it"
    )


def test_an_invalid_value_is_told_with_its_field() -> None:
    told = refusal(422, "is invalid", {"field": "spec.replicas", "message": "Invalid value: -1: must be positive"})
    assert (
        told == "Deployment team/digits: the API server refused it: spec.replicas: Invalid value: -1: must be positive"
    )


def test_a_webhooks_refusal_keeps_its_words() -> None:
    words = 'admission webhook "policy.example.com" denied the request: no latest tags'
    assert words in refusal(403, words)


def test_credentials_that_are_not_accepted_are_said_to_be_so() -> None:
    assert "does not accept the kubeconfig's credentials" in refusal(401, "Unauthorized")

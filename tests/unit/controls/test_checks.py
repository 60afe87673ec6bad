"""What an environment is held against: what is live fails or proves a control, and what was not seen proves nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from slipway.controls.by_rules import LOOKED_AT
from slipway.controls.catalogue import CONTROLS
from slipway.controls.checks import _CHECKS, findings, undeployed
from slipway.controls.evidence import Looked
from slipway.controls.inputs import CloudState, Inputs, Signature, cloud_state, planned_objects
from slipway.controls.live import live_state
from slipway.deploy.record import save
from slipway.history.verify import Verified
from slipway.plan.model import Plan
from slipway.policy.rules import BY_ID
from slipway.render.environment import render_environment
from slipway.settings.signing import Signing
from slipway.values.names import RELEASE_LABEL
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import fleet_plan, gateway_plan
from tests.support.releases import deployed, release_of

Damage = Callable[[FakeCluster], None]
CLEAN = Verified(3, "c0ffee", 0, (), None, None)
NOBODY = "cluster: no answer"


def own() -> Plan:
    """An environment with a gateway, and the least of its models."""
    return gateway_plan("own").select(["least"])


def cluster_of(plan: Plan) -> FakeCluster:
    """Where all of a plan is deployed, each model judged right."""
    cluster = FakeCluster()
    for manifest in render_environment(plan):
        cluster._put(manifest)
    for model in plan.models:
        cluster.objects |= deployed(model).objects
        save(cluster, release_of(model), cluster.objects["Deployment", model.name])
    return cluster


def inputs(plan: Plan, cluster: FakeCluster | None, **others: Any) -> Inputs:
    given: dict[str, Any] = {"secrets": {"encryptionsalt": "v1:x"}, "cloud": None, "trail": CLEAN} | others
    live = live_state(cluster, regions=True) if cluster is not None else NOBODY
    return Inputs(plan, planned_objects(plan), live=live, **given)


def verdicts(given: Inputs) -> Mapping[str, str]:
    return {one.control.id: one.verdict for one in findings(given)}


def reasons(given: Inputs, control: str) -> str:
    return "\n".join(next(one for one in findings(given) if one.control.id == control).looked.reasons)


def test_what_is_live_and_right_is_proven_and_the_rest_is_not() -> None:
    found = verdicts(inputs(own(), cluster_of(own())))
    proven = {name for name, verdict in found.items() if verdict == "proven"}
    assert proven == {
        "encryption-client",
        "callers-known",
        "least-privilege",
        "pods-restricted",
        "images-by-digest",
        "changes-verified",
        "audit-trail",
    }
    # Only the kind of environment could say whether its network enforces policies.
    assert found["network-closed"] == "configured"
    assert found["encryption-inside"] == found["encryption-at-rest"] == found["administrators"] == "not provable here"
    assert found["images-signed"] == found["retention-ledger"] == found["recovery"] == "not configured"
    assert "failed" not in found.values()


def test_without_a_cluster_nothing_is_proven_by_it_and_nothing_fails() -> None:
    found = verdicts(inputs(own(), None, trail="no history"))
    assert "proven" not in found.values()
    assert "failed" not in found.values()
    for control in ("encryption-client", "callers-known", "pods-restricted", "network-closed", "images-by-digest"):
        assert found[control] == "configured"


def remove(kind: str, name: str) -> Damage:
    return lambda cluster: cluster.delete(kind, name)


def change(kind: str, name: str, edit: Callable[[dict[str, Any]], Any]) -> Damage:
    def damage(cluster: FakeCluster) -> None:
        edit(cluster.objects[kind, name])

    return damage


def add(kind: str, name: str, **content: Any) -> Damage:
    def damage(cluster: FakeCluster) -> None:
        cluster._put({"kind": kind, "metadata": {"name": name, "namespace": "slipway"}, **content})

    return damage


def container(manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = manifest["spec"]["template"]["spec"]["containers"][0]
    return found


DIGEST = "127.0.0.1:5000/slipway/least@sha256:" + "e" * 64
WILD = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}]
DAMAGES: dict[str, tuple[str, Damage, str]] = {
    "the policy of a model is removed": (
        "network-closed",
        remove("NetworkPolicy", "least"),
        "no NetworkPolicy for Ingress and Egress selects its pods",
    ),
    "the policy that denies is removed": (
        "network-closed",
        remove("NetworkPolicy", "default-deny"),
        "none of its NetworkPolicies denies what no other allows",
    ),
    "a policy opens all": (
        "network-closed",
        add("NetworkPolicy", "debug", spec={"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}),
        "NetworkPolicy slipway/debug: spec: lets all ingress of every pod through",
    ),
    "the image is another": (
        "images-by-digest",
        change("Deployment", "least", lambda one: container(one).update(image=DIGEST)),
        "judged was",
    ),
    "the image is a tag": (
        "images-by-digest",
        change("Deployment", "least", lambda one: container(one).update(image="least:1.0.0")),
        "has no digest",
    ),
    "a container more": (
        "images-by-digest",
        change(
            "Deployment",
            "least",
            lambda one: one["spec"]["template"]["spec"]["containers"].append({**container(one), "name": "miner"}),
        ),
        "the judged release has no such container",
    ),
    "a role grants everything": ("least-privilege", add("Role", "wild", rules=WILD), "grants * of verbs"),
    "somebody is admin of the namespace": (
        "least-privilege",
        add(
            "RoleBinding",
            "mine",
            roleRef={"kind": "ClusterRole", "name": "cluster-admin"},
            subjects=[{"kind": "ServiceAccount", "name": "default"}],
        ),
        "cluster-admin for ServiceAccount default",
    ),
    "a model has rights in the whole cluster": (
        "least-privilege",
        add(
            "ClusterRoleBinding",
            "mine",
            roleRef={"kind": "ClusterRole", "name": "view"},
            subjects=[{"kind": "ServiceAccount", "name": "least", "namespace": "slipway"}],
        ),
        "view for ServiceAccount least",
    ),
    "every ServiceAccount is administrator": (
        "least-privilege",
        add(
            "ClusterRoleBinding",
            "all",
            roleRef={"kind": "ClusterRole", "name": "cluster-admin"},
            subjects=[{"kind": "Group", "name": "system:serviceaccounts"}],
        ),
        "cluster-admin for Group system:serviceaccounts",
    ),
    "pods of a model get a token": (
        "least-privilege",
        change("ServiceAccount", "least", lambda one: one.update(automountServiceAccountToken=True)),
        "automountServiceAccountToken: True",
    ),
    "a pod is privileged": (
        "pods-restricted",
        change("Deployment", "least", lambda one: container(one)["securityContext"].update(privileged=True)),
        "privileged",
    ),
    "calls are admitted without an answer": (
        "callers-known",
        change("SecurityPolicy", "least", lambda one: one["spec"]["extAuth"].update(failOpen=True)),
        "failOpen: True",
    ),
    "nobody is asked about calls": (
        "callers-known",
        remove("SecurityPolicy", "least"),
        "no SecurityPolicy names this route",
    ),
    "a listener without TLS": (
        "encryption-client",
        change("Gateway", "gateway", lambda one: one["spec"]["listeners"][0].update(protocol="HTTP")),
        "protocol: HTTP",
    ),
    "old TLS": (
        "encryption-client",
        change("ClientTrafficPolicy", "gateway", lambda one: one["spec"]["tls"].update(minVersion="1.0")),
        "minVersion: 1.0",
    ),
    "a release that nobody judged": (
        "changes-verified",
        change(
            "Deployment",
            "least",
            lambda one: one["spec"]["template"]["metadata"]["labels"].update({RELEASE_LABEL: "f" * 16}),
        ),
        "was not judged right",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_live_and_wrong_fails_its_control(what: str) -> None:
    control, damage, said = DAMAGES[what]
    cluster = cluster_of(own())
    damage(cluster)
    given = inputs(own(), cluster)
    assert verdicts(given)[control] == "failed"
    assert said in reasons(given, control)


def test_a_kind_that_may_not_be_listed_takes_the_proof_away_and_is_named() -> None:
    cluster = cluster_of(own())
    cluster.forbidden = {"SecurityPolicy"}
    given = inputs(own(), cluster)
    # A route whose policy nobody may see is not one without a policy.
    assert verdicts(given)["callers-known"] == "configured"
    assert "objects of kind SecurityPolicy cannot be listed: forbidden" in reasons(given, "callers-known")


def test_a_model_that_lets_everybody_call_is_not_configured_and_its_reason_is_said() -> None:
    plan = gateway_plan("own").select(["open"])
    given = inputs(plan, cluster_of(plan))
    assert verdicts(given)["callers-known"] == "not configured"
    assert "public-auth" in reasons(given, "callers-known")


def test_a_trail_that_was_changed_fails() -> None:
    given = inputs(own(), None, trail=replace(CLEAN, findings=("record 2 was changed",)))
    assert verdicts(given)["audit-trail"] == "failed"


@pytest.mark.parametrize(("problem", "verdict"), [(None, "proven"), ("no signature", "failed")])
def test_a_live_signature_proves_or_fails(problem: str | None, verdict: str) -> None:
    plan = own()
    signed = replace(plan, settings=plan.settings.model_copy(update={"signing": Signing(key="cosign.pub")}))
    given = inputs(signed, cluster_of(plan), signatures={"least": Signature(DIGEST, problem)})
    assert verdicts(given)["images-signed"] == verdict


def test_a_model_that_is_not_deployed_is_named() -> None:
    assert list(undeployed(inputs(gateway_plan("own").select(["least", "open"]), cluster_of(own())))) == ["open"]


def state_of(*resources: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    urn = "urn:pulumi:fleet::slipway::{}::{}"
    found = [{"type": kind, "urn": urn.format(kind, name), "outputs": outputs} for kind, name, outputs in resources]
    return {"deployment": {"resources": found, "secrets_providers": {"type": "cloud"}}}


KEY = ("aws:kms/key:Key", "key", {"enableKeyRotation": True})
UNROTATED = ("aws:kms/key:Key", "key", {"enableKeyRotation": False})
QUEUE = ("aws:sqs/queue:Queue", "queue", {"sqsManagedSseEnabled": True})


def at_rest(cloud: CloudState | str) -> tuple[str, str]:
    given = inputs(fleet_plan(), None, cloud=cloud)
    return verdicts(given)["encryption-at-rest"], reasons(given, "encryption-at-rest")


def test_a_state_is_no_proof_until_the_engine_has_asked_the_cloud() -> None:
    state = cloud_state(state_of(KEY, QUEUE))
    assert at_rest(replace(state, reason="--refresh asks it"))[0] == "configured"
    assert at_rest(replace(state, refreshed=True)) == ("proven", "")


def test_what_drifted_is_not_proven_and_its_fields_are_named() -> None:
    state = replace(cloud_state(state_of(KEY, QUEUE)), refreshed=True, drifted={QUEUE[:2]: ("sqsManagedSseEnabled",)})
    verdict, said = at_rest(state)
    assert verdict == "configured"
    assert "aws:sqs/queue:Queue queue is no longer as its state says: sqsManagedSseEnabled" in said


def test_a_state_that_breaks_a_rule_fails() -> None:
    verdict, said = at_rest(cloud_state(state_of(UNROTATED, QUEUE)))
    assert verdict == "failed"
    assert "enableKeyRotation is not true (rule key-rotation)" in said


def test_without_a_state_the_program_is_what_there_is() -> None:
    verdict, said = at_rest("stack fleet is not there yet")
    assert verdict == "configured"
    assert "not there yet" in said


def test_a_secret_of_a_state_stays_unknown() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    (resource,) = cloud_state(state_of(("aws:kms/key:Key", "key", {"enableKeyRotation": secret}))).resources
    assert "ciphertext" not in str(resource.properties)


def test_administrators_and_logs_are_read_from_the_settings() -> None:
    given = inputs(fleet_plan(), None, cloud="not there yet")
    found = {one.control.id: one for one in findings(given)}
    assert found["administrators"].verdict == found["retention-logs"].verdict == "configured"
    assert "arn:aws:iam::" in found["administrators"].looked.evidence[0].says


def test_a_bound_model_is_proven_by_the_nodes_of_its_pods_alone() -> None:
    plan = fleet_plan()
    (bound,) = [model for model in plan.models if model.spec.data is not None][:1]
    region = bound.pool.region
    plan = plan.select([bound.name])
    cluster = deployed(bound)
    labels = {"app.kubernetes.io/managed-by": "slipway", "app.kubernetes.io/name": bound.name}
    cluster._put({"kind": "Pod", "metadata": {"name": "a", "labels": labels}, "spec": {"nodeName": "n"}})
    for where, verdict in ((None, "configured"), (region, "proven"), ("eu-nowhere-1", "failed")):
        there = {"topology.kubernetes.io/region": where} if where else {}
        cluster._put({"kind": "Node", "metadata": {"name": "n", "labels": there}})
        assert verdicts(inputs(plan, cluster))["residency"] == verdict


def test_every_control_is_judged_by_something_that_is_there() -> None:
    assert set(_CHECKS) <= {control.id for control in CONTROLS}
    assert len({control.id for control in CONTROLS}) == len(CONTROLS)
    for control in CONTROLS:
        assert control.rules or control.id in _CHECKS
        assert set(control.rules) <= set(LOOKED_AT) & set(BY_ID)
        assert control.mapping


def test_nothing_read_is_nothing_proven() -> None:
    assert Looked().verdict == "not provable here"

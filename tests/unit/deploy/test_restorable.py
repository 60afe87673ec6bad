"""What somebody put into the record of a model is never applied: neither other objects, nor more than a model has."""

import base64
import copy
import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.artifacts.golden_request import GoldenRequest
from slipway.deploy import record_format
from slipway.deploy.record import save
from slipway.deploy.record_format import BadRecord, packed, unpacked
from slipway.deploy.restorable import Owner, problems, restorable
from slipway.deploy.way_in import without_way_in
from slipway.errors.base import DeployError
from slipway.errors.failures import RecordRefused
from slipway.plan.release import Release
from slipway.values.names import record
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import fixture_plan, fleet_plan, gateway_plan, rollout_plan, scaling_plan
from tests.support.releases import deployed, planned, release_of

LEAST = planned()
OWNER = Owner.of(LEAST)
RELEASE = release_of(LEAST)
_WITHOUT_ORIGIN = {key: value for key, value in RELEASE.__dict__.items() if key != "origin"}
FIELDS: dict[str, Any] = json.loads(json.dumps({**_WITHOUT_ORIGIN, "check": RELEASE.check.section()}))
"""As a record of the first versions has them."""
CLUSTER_ADMIN = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "least", "namespace": LEAST.namespace},
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
}
Manifests = list[dict[str, Any]]


def recorded(release: Release) -> FakeCluster:
    cluster = deployed(LEAST)
    save(cluster, release, cluster.objects["Deployment", LEAST.name])
    return cluster


def written(data: dict[str, Any]) -> FakeCluster:
    cluster = deployed(LEAST)
    cluster._put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": record("least")}, **data})
    return cluster


def changed(change: Callable[[dict[str, dict[str, Any]]], object]) -> Release:
    """The release with its manifests, by kind, changed."""
    manifests = copy.deepcopy(RELEASE.manifests)
    change({manifest["kind"]: manifest for manifest in manifests})
    return replace(RELEASE, manifests=manifests)


def pod(of: dict[str, dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = of["Deployment"]["spec"]["template"]["spec"]
    return spec


def test_every_release_that_slipway_writes_may_be_applied_again() -> None:
    models = [*fixture_plan("cloud").models, *fixture_plan("local").models, *fleet_plan().models]
    models += scaling_plan("measured").models
    models += rollout_plan("judged").models
    assert len(models) > 10
    for model in models:
        release = without_way_in(release_of(model))
        assert list(problems(release, Owner.of(model), [model.image.repository])) == []


def test_what_was_saved_comes_back_to_be_restored() -> None:
    assert restorable(recorded(RELEASE), OWNER) == RELEASE


def test_without_a_record_there_is_nothing_to_restore() -> None:
    assert restorable(deployed(LEAST), OWNER) is None


def test_a_record_of_the_first_versions_is_still_read() -> None:
    cluster = written({"data": {"release.json": json.dumps(FIELDS)}})
    assert restorable(cluster, OWNER) == RELEASE


def test_a_release_of_a_registry_that_the_model_still_runs_from_may_be_restored() -> None:
    moved = replace(OWNER, repository="registry.example.com/elsewhere/slipway/least")
    assert restorable(recorded(RELEASE), moved) == RELEASE
    cluster = recorded(RELEASE)
    cluster.delete("Deployment", "least")
    with pytest.raises(RecordRefused, match="not in the model's repository"):
        restorable(cluster, moved)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda of: of["Deployment"]["metadata"].update(namespace="kube-system"), r"metadata.namespace"),
        (lambda of: of["Service"]["metadata"].update(name="other"), r"Service.metadata.name"),
        (lambda of: of["Service"]["metadata"].update(finalizers=["x"]), r"metadata.finalizers does not belong"),
        (lambda of: of["Service"]["metadata"].pop("namespace"), r"Service.metadata.namespace is missing"),
        (lambda of: of["PodDisruptionBudget"].update(metadata={}), r"Budget.metadata.name is missing"),
        (lambda of: of["Service"]["metadata"]["labels"].update({"slipway.dev/environment": "prod"}), r"labels"),
        (lambda of: of["Deployment"]["spec"]["template"]["metadata"]["labels"].update(app="shop"), r"labels"),
        (lambda of: of["Service"]["spec"].update(selector={"app": "shop"}), r"Service.spec.selector"),
        (lambda of: of["Service"]["spec"].update(type="ExternalName"), r"Service.spec.type"),
        (lambda of: of["Service"]["spec"].update(externalIPs=["10.0.0.1"]), r"externalIPs does not belong to a model"),
        (lambda of: of["Service"]["metadata"].setdefault("annotations", {}).update({"a/b": "c"}), r"annotations.a/b"),
        (lambda of: of["NetworkPolicy"]["spec"].update(egress=[{}]), r"egress is not one of this model's"),
        (lambda of: of["NetworkPolicy"]["spec"].update(policyTypes=["Ingress"]), r"policyTypes"),
        (lambda of: of["NetworkPolicy"]["spec"].update(ingress=[{}]), r"ingress.0.ports.0.port is missing"),
        (lambda of: of["NetworkPolicy"]["spec"].pop("policyTypes"), r"policyTypes is missing"),
        (lambda of: of["NetworkPolicy"]["spec"].update(podSelector={}), r"podSelector.matchLabels is missing"),
        (lambda of: of["ServiceAccount"].update(automountServiceAccountToken=True), r"automountServiceAccountToken"),
        (lambda of: of["ServiceAccount"].update(secrets=[{"name": "token"}]), r"secrets does not belong to a model"),
        (lambda of: of["Deployment"]["spec"]["strategy"].update(type="OnDelete"), r"strategy.type is not one"),
        (lambda of: of["Deployment"]["spec"]["strategy"].update(x=1), r"strategy.x does not belong to a model"),
        (lambda of: pod(of).update(serviceAccountName="admin"), r"serviceAccountName is not one of this model's"),
        (lambda of: pod(of).pop("serviceAccountName"), r"serviceAccountName is missing"),
        (lambda of: pod(of).pop("automountServiceAccountToken"), r"automountServiceAccountToken is missing"),
        (lambda of: pod(of).update(hostNetwork=True), r"hostNetwork does not belong to a model"),
        (lambda of: pod(of).update(nodeName="master"), r"nodeName does not belong to a model"),
        (
            lambda of: pod(of).update(initContainers=pod(of)["containers"]),
            r"initContainers.0.env.0.name is not as",
        ),
        (lambda of: pod(of)["containers"].append(pod(of)["containers"][0]), r"containers.1 is more than"),
        (lambda of: pod(of)["containers"].clear(), r"containers.0.image is missing"),
        (lambda of: pod(of)["containers"][0].update(image=f"evil@sha256:{'0' * 64}"), r"image is not one"),
        (lambda of: pod(of)["containers"][0].update(command=["sh"]), r"command does not belong to a model"),
        (
            lambda of: pod(of)["containers"][0].update(envFrom=[{"secretRef": {"name": "s"}}]),
            r"envFrom does not belong",
        ),
        (lambda of: pod(of)["containers"][0]["env"].append({"name": "LD_PRELOAD", "value": "x"}), r"env.2"),
        (lambda of: pod(of)["containers"][0]["env"][0].update(value="/tmp/own.json"), r"env.0.value is not as"),
        (lambda of: pod(of)["containers"][0]["readinessProbe"]["httpGet"].update(path="/"), r"path is not as"),
        (
            lambda of: pod(of)["containers"][0]["ports"][0].update(containerPort=22),
            r"containerPort is no port of a runt",
        ),
        (
            lambda of: of["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0].update(port=22),
            r"port is no port of a runt",
        ),
        (lambda of: pod(of)["containers"][0]["securityContext"].update(privileged=True), r"privileged"),
        (lambda of: pod(of)["containers"][0]["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]), r"add"),
        (lambda of: pod(of)["containers"][0].pop("securityContext"), r"allowPrivilegeEscalation is not false"),
        (lambda of: pod(of)["containers"][0]["ports"][0].update(hostPort=80), r"hostPort does not belong to a model"),
        (lambda of: pod(of)["volumes"].append({"name": "host", "hostPath": {"path": "/"}}), r"volumes.2"),
        (lambda of: pod(of).update(volumes=[{}, {}]), r"volumes.0.name is missing"),
        (lambda of: pod(of)["volumes"].append({"name": "s", "secret": {"secretName": "s"}}), r"volumes.2"),
        (lambda of: pod(of)["volumes"][0]["configMap"].update(name="another"), r"volumes.0.configMap.name"),
        (lambda of: pod(of)["containers"][0]["securityContext"].pop("capabilities"), r"capabilities.drop has no ALL"),
        (lambda of: pod(of).update(tolerations={"operator": "Exists"}), r"tolerations is not one"),
        (lambda of: of["ConfigMap"]["data"].update(other="x"), r"data.other does not belong to a model"),
        (lambda of: of["ConfigMap"]["data"].update({"server.json": "{}"}), r"golden request"),
        (lambda of: of["Deployment"]["metadata"]["annotations"].update({"slipway.dev/owner": 7}), r"is not text"),
        (lambda of: of["Deployment"]["spec"].update(replicas=True), r"replicas"),
    ],
)
def test_what_a_model_does_not_have_is_refused_by_its_place(
    change: Callable[[dict[str, dict[str, Any]]], object], reason: str
) -> None:
    with pytest.raises(RecordRefused, match=reason) as refused:
        restorable(recorded(changed(change)), OWNER)
    assert refused.value.exit_code == 2
    assert "nothing of it was applied; next: " in str(refused.value)


@pytest.mark.parametrize(
    ("manifests", "reason"),
    [
        ([*RELEASE.manifests, CLUSTER_ADMIN], "ClusterRoleBinding of rbac.authorization.k8s.io/v1 does not belong"),
        ([*RELEASE.manifests, RELEASE.manifests[0]], "ServiceAccount is there twice"),
        ([m for m in RELEASE.manifests if m["kind"] != "NetworkPolicy"], "NetworkPolicy is missing"),
        ([m for m in RELEASE.manifests if m["kind"] != "Deployment"], "Deployment is missing"),
        ([{**m, "apiVersion": "v9"} for m in RELEASE.manifests], "of v9 does not belong to a model"),
        ([{}], "no ConfigMap"),
        ([], "no ConfigMap"),
    ],
)
def test_objects_that_a_model_does_not_have_are_refused(manifests: Manifests, reason: str) -> None:
    with pytest.raises(RecordRefused, match=reason):
        restorable(recorded(replace(RELEASE, manifests=tuple(manifests))), OWNER)


def test_a_record_of_another_model_environment_or_namespace_is_refused() -> None:
    for of in (
        replace(OWNER, model="other"),
        replace(OWNER, environment="prod"),
        replace(OWNER, namespace="elsewhere"),
    ):
        with pytest.raises(RecordRefused):
            restorable(written_for(of), of)


def written_for(owner: Owner) -> FakeCluster:
    cluster = FakeCluster()
    cluster._put({"kind": "ConfigMap", "metadata": {"name": record(owner.model)}, "binaryData": packed(RELEASE)})
    return cluster


def test_numbers_of_an_earlier_version_and_keys_that_it_did_not_have_are_no_reason_to_refuse() -> None:
    def earlier(of: dict[str, dict[str, Any]]) -> None:
        pod(of)["containers"][0]["readinessProbe"]["periodSeconds"] = 7
        del pod(of)["enableServiceLinks"]
        del of["Deployment"]["metadata"]["annotations"]["checkov.io/skip1"]

    release = changed(earlier)
    assert restorable(recorded(release), OWNER) == release


def zipped(data: bytes) -> dict[str, Any]:
    return {"binaryData": {"release.json.gz": base64.b64encode(gzip.compress(data)).decode()}}


WHOLE = base64.b64decode(packed(RELEASE)["release.json.gz"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "neither release.json.gz nor release.json"),
        ({"binaryData": None, "data": {"release.json": 7}}, "neither release.json.gz nor release.json"),
        ({"binaryData": {"release.json.gz": "%%%"}}, "cannot be unpacked"),
        ({"binaryData": {"release.json.gz": "AAAA"}}, "cannot be unpacked"),
        ({"binaryData": {"release.json.gz": base64.b64encode(WHOLE[:-9]).decode()}}, "truncated"),
        ({"binaryData": {"release.json.gz": base64.b64encode(WHOLE + WHOLE).decode()}}, "continues past its end"),
        (zipped(bytes(40 * 2**20)), "unpacks to more than 16777216 bytes"),
        (zipped(b"\xff"), "cannot be unpacked"),
        (zipped(b"[" * 100_000), "nested too deep"),
        (zipped(b"9" * 100_000), "is not JSON"),
        (zipped(b"NaN"), "the number NaN"),
        (zipped(b'"\\ud800"'), "is not JSON in UTF-8"),
        (zipped(b"7"), "is not a mapping"),
        (zipped(b"{}"), "has an invalid `model`"),
        ({"data": {"release.json": json.dumps({**FIELDS, "digest": "0"})}}, "has an invalid `digest`"),
        ({"data": {"release.json": json.dumps({**FIELDS, "manifests": 7})}}, "has an invalid `manifests`"),
        ({"data": {"release.json": json.dumps({**FIELDS, "more": 7})}}, "has an invalid `more`"),
        ({"data": {"release.json": "{"}}, "is not JSON"),
    ],
)
def test_what_is_no_record_is_told_and_not_a_traceback(data: dict[str, Any], reason: str) -> None:
    with pytest.raises(RecordRefused, match=reason):
        restorable(written(data), OWNER)


@pytest.mark.parametrize(
    "check",
    [
        None,
        {},
        {"request": 1, "expect": {}, "timeout_s": 1},
        {"request": 1, "expect": {"label": {"more": 1}}, "timeout_s": 1},
        {"request": 1, "expect": {"label": 1}, "timeout_s": "1"},
        {"request": 1, "expect": {"label": 1}, "timeout_s": -1},
        {"request": 1, "expect": {"label": 1}, "timeout_s": 1e999},
    ],
)
def test_a_golden_request_that_could_not_be_judged_is_refused(check: object) -> None:
    def without(of: dict[str, dict[str, Any]]) -> None:
        config = json.loads(of["ConfigMap"]["data"]["server.json"])
        of["ConfigMap"]["data"]["server.json"] = json.dumps({**config, "check": check})

    with pytest.raises(RecordRefused):
        restorable(recorded(changed(without)), OWNER)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, inner in items for place in places(inner, (*path, key)))]


PLACES = places(FIELDS)[1:]


def mutated(place: tuple[Any, ...], value: Any, add: str | None) -> Any:
    fields = copy.deepcopy(FIELDS)
    at = fields
    for key in place[:-1]:
        at = at[key]
    if add is not None and isinstance(at, dict):
        at[add] = value
    else:
        at[place[-1]] = value
    return fields


@given(st.sampled_from(PLACES), JSON, st.none() | st.text(max_size=12) | st.sampled_from(["hostPID", "command"]))
def test_a_record_that_was_changed_anywhere_is_refused_or_is_a_release_that_slipway_could_have_written(
    place: tuple[Any, ...], value: Any, add: str | None
) -> None:
    fields = mutated(place, value, add)
    try:
        release = restorable(written({"data": {"release.json": json.dumps(fields)}}), OWNER)
    except DeployError as error:
        assert str(error).startswith("model least: its record, ConfigMap ")
        return
    assert release is not None
    # Whatever passed has the very keys and words of the templates: only numbers and free text can be others.
    for was, now in zip(RELEASE.manifests, release.manifests, strict=False):
        assert not set(map(str, places(now))) - set(map(str, places(was))) or "annotations" in str(place)
    assert release.image == RELEASE.image or release.image.startswith(OWNER.repository + "@sha256:")


@given(st.binary(max_size=400) | st.binary(max_size=40).map(lambda cut: WHOLE[: -len(cut)] + cut))
def test_bytes_that_are_no_record_are_refused(data: bytes) -> None:
    try:
        encoded = base64.b64encode(data).decode()
        release = restorable(written({"binaryData": {"release.json.gz": encoded}}), OWNER)
    except DeployError:
        return
    assert release == RELEASE


def test_a_golden_request_of_the_documented_size_fits_into_the_record_with_all_else() -> None:
    digits = "".join(chr(33 + (i * i * 7919 + i * 104729) % 93) for i in range(890_000))
    check = GoldenRequest("onnxruntime", {"input": digits}, {"label": 1}, 2.0)

    def large(of: dict[str, dict[str, Any]]) -> None:
        config = json.loads(of["ConfigMap"]["data"]["server.json"])
        of["ConfigMap"]["data"]["server.json"] = json.dumps({**config, "check": check.section()})

    release = replace(changed(large), check=check)
    data = packed(release)
    assert sum(len(base64.b64decode(value)) for value in data.values()) < 2**20
    assert unpacked({"binaryData": data}) == release


def test_a_record_names_its_runtime_only_where_it_is_not_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions of Slipway that know one runtime refuse unknown fields, and a record must not lock them out."""
    assert "runtime" not in json.loads(gzip.decompress(base64.b64decode(packed(RELEASE)["release.json.gz"])))
    monkeypatch.setattr(record_format, "RUNTIMES", {"onnxruntime": None, "other": None})
    other = replace(RELEASE, check=replace(RELEASE.check, runtime="other"))
    assert unpacked({"binaryData": packed(other)}) == other


def test_a_record_of_a_runtime_that_nobody_knows_is_refused() -> None:
    other = replace(RELEASE, check=replace(RELEASE.check, runtime="other"))
    with pytest.raises(BadRecord, match="its runtime other is none of onnxruntime"):
        unpacked({"binaryData": packed(other)})


def test_a_release_that_speaks_grpc_is_restored_with_its_port_and_no_other() -> None:
    plan = gateway_plan("own").find("spoken", Path())
    release, owner, images = without_way_in(release_of(plan)), Owner.of(plan), [plan.image.repository]
    assert list(problems(release, owner, images)) == []
    opened = copy.deepcopy(release)
    (policy,) = [one for one in opened.manifests if one["kind"] == "NetworkPolicy"]
    policy["spec"]["ingress"][0]["ports"][1]["port"] = 22
    assert [one.partition(" is ")[0] for one in problems(opened, owner, images)] == [
        "NetworkPolicy.spec.ingress.0.ports.1.port"
    ]

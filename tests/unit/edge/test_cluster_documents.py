"""What a document says to a device with Kubernetes, and that the agent takes it."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from slipway_edge.values.document import Document, Entry, parse
from slipway_edge.values.errors import Refused
from slipway_edge.values.objects import KINDS

from slipway.edge.documents import canonical, content, entry, needs_objects
from slipway.render.device import DEVICE_KINDS
from slipway.values.aliases import Json
from tests.support.fleets import fleet_settings
from tests.support.planned import fixture_plan

IMAGE = "registry.example.com/slipway/digits@sha256:" + "0" * 64
K3S = {"architecture": "amd64", "cores": 4, "ghz": 2, "operations": 16, "memory": "8Gi", "runs_on": "kubernetes"}
SETTINGS = fleet_settings(
    1,
    hardware={"k3s": K3S},
    devices=[
        {"name": "box", "hardware": "x86-box", "site": "berlin"},
        {"name": "k3s-1", "hardware": "k3s", "site": "berlin"},
    ],
)


def said(*, attempt: int = 0, for_cluster: bool = True) -> Json:
    model = replace(fixture_plan("local").models[0], service_type=SETTINGS.service_type)
    return entry(model, {"amd64": IMAGE}, 8080, attempt, with_objects=for_cluster)


def taken(device: str, one: Json) -> Document:
    written = content("edge-eu", SETTINGS, device, [one]) | {"serial": 1, "issued": "2026-11-27T00:00:00Z"}
    return parse(canonical(written))


def objects() -> list[Json]:
    return copy.deepcopy(said()["objects"])


def of(kind: str, among: list[Json]) -> Json:
    return next(one for one in among if one["kind"] == kind)


def test_a_cluster_gets_objects_and_a_docker_engine_none() -> None:
    there, here = taken("k3s-1", said()).models[0], taken("box", said()).models[0]
    assert there.release == here.release
    assert there.objects is not None
    assert sorted(one["kind"] for one in there.objects) == sorted(DEVICE_KINDS) == sorted(KINDS)
    assert (here.objects, there.config) == (None, None)
    assert here.config is not None


def test_two_releases_share_no_name_and_select_no_pods_of_each_other() -> None:
    first, second = said()["objects"], said(attempt=1)["objects"]
    names = [{(one["kind"], one["metadata"]["name"]) for one in of_release} for of_release in (first, second)]
    assert names[0] & names[1] == set()
    pods = of("Deployment", first)["spec"]["template"]["metadata"]["labels"]
    assert of("Service", first)["spec"]["selector"].items() <= pods.items()
    for kind, selector in (("Service", ("selector",)), ("NetworkPolicy", ("podSelector", "matchLabels"))):
        found = of(kind, second)["spec"]
        for key in selector:
            found = found[key]
        assert not found.items() <= pods.items()


def test_a_fleet_without_a_cluster_is_told_what_it_was_told_before() -> None:
    boxes = fleet_settings(1)
    assert not needs_objects(boxes, "digits")
    assert needs_objects(SETTINGS, "digits")
    assert not needs_objects(SETTINGS.model_copy(update={"placement": {"digits": ("x86-box",)}}), "digits")
    plain = said(for_cluster=False)
    assert "objects" not in plain
    assert plain["release"] != said()["release"]
    told = {key: value for key, value in plain.items() if key != "images"} | {"image": IMAGE}
    assert content("edge-eu", boxes, "box-00000", [plain])["models"] == [told]
    # What a device knows of an entry, bad ones above all, does not change with a newer agent.
    assert "objects" not in Entry.model_validate(told).model_dump(mode="json")


def container(among: list[Json]) -> Json:
    found: Json = of("Deployment", among)["spec"]["template"]["spec"]["containers"][0]
    return found


def pods(among: list[Json]) -> Json:
    found: Json = of("Deployment", among)["spec"]["template"]["spec"]
    return found


SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "slipway-edge", "key": "token"}}}
WRONG: dict[str, tuple[Callable[[list[Json]], Any], str]] = {
    "another kind": (
        lambda found: found.append({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "more"}}),
        "Secret of v1; allowed: ServiceAccount of v1, ConfigMap of v1",
    ),
    "a role": (
        lambda found: of("ConfigMap", found).update(kind="Role", apiVersion="rbac.authorization.k8s.io/v1"),
        "Role of rbac.authorization.k8s.io/v1; allowed",
    ),
    "two": (lambda found: found.append(of("Service", found)), "allowed: one of each of"),
    "none": (lambda found: found.clear(), "there are none; allowed"),
    "elsewhere": (lambda found: of("Service", found)["metadata"].update(namespace="kube-system"), "or a namespace"),
    "a node's port": (lambda found: of("Service", found)["spec"].update(type="NodePort"), "allowed: ClusterIP"),
    "an address": (lambda found: of("Service", found)["spec"].update(externalIPs=["10.0.0.1"]), "names addresses"),
    "a file": (
        lambda found: pods(found)["volumes"].append({"name": "host", "hostPath": {"path": "/"}}),
        "volume host is none of ConfigMap",
    ),
    "a secret": (lambda found: container(found).setdefault("env", []).append(SECRET), "variables from elsewhere"),
    "an account": (lambda found: pods(found).update(serviceAccountName="slipway-edge"), "are not of ServiceAccount"),
    "a token": (lambda found: pods(found).update(automountServiceAccountToken=True), "without a token"),
    "an image": (lambda found: container(found).update(image="elsewhere@sha256:0"), "names an image"),
    "two containers": (lambda found: pods(found)["containers"].append({"name": "more"}), "other than one container"),
    "a way out": (lambda found: of("NetworkPolicy", found)["spec"].update(egress=[{}]), "lets its pods connect"),
    "no fence": (
        lambda found: of("NetworkPolicy", found)["spec"]["podSelector"]["matchLabels"].update(other="x"),
        "is not about its pods",
    ),
    "others' pods": (
        lambda found: of("Service", found)["spec"]["selector"].update(other="x"),
        "the Service does not select its pods",
    ),
    "half": (lambda found: of("Deployment", found).pop("spec"), "an object lacks what each has (KeyError: 'spec')"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_signed_document_must_not_say_is_refused_as_a_whole(what: str) -> None:
    change, says = WRONG[what]
    wrong = objects()
    change(wrong)
    with pytest.raises(Refused) as refused:
        taken("k3s-1", said() | {"objects": wrong})
    assert "field models.0.objects" in str(refused.value)
    assert says in str(refused.value)

"""What somebody put into the record of a model with its own server is never applied: no other Secrets, no code."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.deploy.live_release import record_of_live
from slipway.deploy.record_format import BadRecord, golden_request, packed, server_config, unpacked
from slipway.deploy.restorable import Owner, problems
from slipway.deploy.way_in import without_way_in
from slipway.plan.release import Release
from slipway.spec.custom.environment import SecretKey
from tests.support.planned import own_plan
from tests.support.releases import deployed, planned, release_of

BUILT = own_plan("gated").find("built", Path())
RELEASE = without_way_in(release_of(BUILT))
OWNER = Owner.of(BUILT)
Objects = dict[str, dict[str, Any]]


def found(release: Release, owner: Owner = OWNER) -> list[str]:
    return list(problems(release, owner, [owner.repository]))


def changed(change: Callable[[Objects], object]) -> Release:
    manifests = copy.deepcopy(RELEASE.manifests)
    change({manifest["kind"]: manifest for manifest in manifests})
    return replace(RELEASE, manifests=manifests)


def container(objects: Objects) -> dict[str, Any]:
    made: dict[str, Any] = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return made


@pytest.mark.parametrize(
    ("environment", "name"), [(env, model.name) for env in ("gated", "open") for model in own_plan(env).models]
)
def test_a_release_of_each_kind_is_restored_as_it_was_recorded(environment: str, name: str) -> None:
    model = own_plan(environment).find(name, Path())
    release = without_way_in(release_of(model))
    read = unpacked({"binaryData": packed(release)})
    assert read.check == model.check
    assert found(read, Owner.of(model)) == []


def add(variable: dict[str, Any]) -> Callable[[Objects], object]:
    return lambda objects: container(objects)["env"].append(variable)


def of_secret(name: str, key: str) -> dict[str, Any]:
    return {"secretKeyRef": {"name": name, "key": key}}


WRONG: dict[str, Callable[[Objects], object]] = {
    "another secret": add({"name": "X", "valueFrom": of_secret("registry-pull", "token")}),
    "another key of a secret": add({"name": "X", "valueFrom": of_secret("hf-token", "other")}),
    "a field of the pod": add({"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}),
    "an optional secret": add(
        {"name": "X", "valueFrom": {"secretKeyRef": {"name": "hf-token", "key": "token", "optional": True}}}
    ),
    "code to load": add({"name": "LD_PRELOAD", "value": "/tmp/x.so"}),
    "code to load by Python": add({"name": "PYTHONSTARTUP", "value": "/tmp/x.py"}),
    "a variable of the cluster's": add({"name": "KUBERNETES_SERVICE_HOST", "value": "10.0.0.1"}),
    "a variable twice": add({"name": "LANG", "value": "C"}),
    "no name": add({"value": "x"}),
    "weights from elsewhere": lambda objects: container(objects)["env"][1].update(value="/etc/passwd"),
    "root": lambda objects: container(objects)["securityContext"].update(runAsUser=0),
    "a writable root": lambda objects: container(objects)["securityContext"].update(readOnlyRootFilesystem=False),
    "a command": lambda objects: container(objects).update(command=["sh", "-c", "id"]),
    "another port": lambda objects: container(objects)["ports"][0].update(containerPort=22),
    "another port opened": lambda objects: objects["NetworkPolicy"]["spec"]["ingress"][0]["ports"][0].update(port=22),
    "a path with a query": lambda objects: container(objects)["startupProbe"]["httpGet"].update(path="/x?y"),
    "a header of a probe": lambda objects: container(objects)["startupProbe"]["httpGet"].update(host="10.0.0.1"),
    "another hook": lambda objects: container(objects)["lifecycle"].update(postStart={"exec": {"command": ["id"]}}),
    "open to all": lambda objects: objects["NetworkPolicy"]["spec"]["ingress"][0].pop("from"),
    "open to others": lambda objects: objects["NetworkPolicy"]["spec"]["ingress"][0].update(
        {"from": [{"podSelector": {}}]}
    ),
    "one more rule of ingress": lambda objects: objects["NetworkPolicy"]["spec"]["ingress"].append({}),
    "another destination": lambda objects: objects["NetworkPolicy"]["spec"]["egress"].append(
        {"to": [{"ipBlock": {"cidr": "10.9.9.9/32"}}], "ports": [{"port": 443, "protocol": "TCP"}]}
    ),
    "everything": lambda objects: objects["NetworkPolicy"]["spec"]["egress"].append({}),
    "the metadata service": lambda objects: objects["NetworkPolicy"]["spec"]["egress"][1]["to"][0]["ipBlock"].pop(
        "except"
    ),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=list(WRONG))
def test_more_than_the_spec_of_now_says_is_refused(change: Callable[[Objects], object]) -> None:
    assert found(changed(change))


def test_other_variables_fewer_destinations_and_another_port_are_an_earlier_release_of_it() -> None:
    def earlier(objects: Objects) -> None:
        container(objects)["env"][2]["value"] = "C"
        container(objects)["env"].append({"name": "WORKERS", "value": "4"})
        objects["NetworkPolicy"]["spec"]["egress"].pop()

    assert found(changed(earlier)) == []


def test_a_secret_that_the_spec_no_longer_names_is_not_read_again() -> None:
    spec = BUILT.spec.model_copy(update={"env": {"TOKEN": SecretKey(secret="hf-token", key="token")}})
    problem = found(RELEASE, Owner.of(replace(BUILT, spec=spec)))[0]
    assert problem == "its variable DB_PASSWORD reads what env of the spec of now does not name"


def test_a_destination_that_the_spec_no_longer_names_is_told_in_words() -> None:
    spec = BUILT.spec.model_copy(update={"egress": BUILT.spec.egress[:1]})
    problem = found(RELEASE, Owner.of(replace(BUILT, spec=spec)))[0]
    assert problem == "it connects to what egress of the spec of now does not name"


def test_what_serves_is_read_back_by_its_own_configuration_though_the_spec_changed_its_runtime() -> None:
    cluster = deployed(BUILT)
    spec = BUILT.spec.model_copy(update={"env": {**BUILT.spec.env, "LANG": "C"}})
    release = record_of_live(cluster, replace(BUILT, spec=spec, release_digest="0" * 64))
    assert release is not None
    assert release.check == BUILT.check
    least = planned()
    ours = record_of_live(deployed(least), replace(least, spec=BUILT.spec, release_digest="0" * 64))
    assert ours is not None
    assert ours.check.runtime == "onnxruntime"


def test_a_model_that_slipways_own_server_runs_now_gets_no_image_of_others_back() -> None:
    least = planned()
    owner = replace(OWNER, own=Owner.of(least).own)
    assert any("runtime custom" in problem for problem in found(RELEASE, owner))


@pytest.mark.parametrize(
    "custom",
    [None, {}, {"port": 80, "predict": "/"}, {"port": "9000", "predict": "/"}, {"port": 9000, "predict": "http://x"}],
)
def test_a_record_that_does_not_say_where_to_ask_is_none(custom: Any) -> None:
    config = server_config(copy.deepcopy(list(RELEASE.manifests))) | {"custom": custom}
    with pytest.raises(BadRecord, match="its server"):
        golden_request(config, "custom")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of each value in JSON."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


PLACES = [path for path in places(list(RELEASE.manifests)) if len(path) > 1]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["name", "value", "key"]), inner),
    max_leaves=4,
)


@given(st.sampled_from(PLACES), JSON)
def test_anything_at_any_place_of_a_record_is_a_release_or_refused_in_words(path: tuple[Any, ...], value: Any) -> None:
    manifests: Any = copy.deepcopy(list(RELEASE.manifests))
    node = manifests
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    try:
        said = found(replace(RELEASE, manifests=tuple(manifests)))
    except BadRecord as error:
        said = [str(error)]
    assert all(isinstance(problem, str) and problem for problem in said)

"""A resource's type and inputs are completed as the real plugin does it, and wrong ones refused by path."""

import re

import pytest

from slipway.local.plugins.kubernetes.client import kinds
from slipway.local.plugins.kubernetes.client.kinds import Kind, KindRefusedError
from slipway.local.plugins.kubernetes.objects.inputs import Refusal, complete, is_autonamed
from slipway.local.plugins.protocol.properties import UNKNOWN, Object, Secret

CONFIG_MAP = Kind("v1", "ConfigMap")


def completed(
    news: Object, olds: Object | None = None, *, seed: bytes = b"", namespace: str | None = "default"
) -> Object:
    inputs, refusals = complete(news, olds or {}, CONFIG_MAP, "settings", seed, namespace)
    assert refusals == []
    return inputs


def test_a_resource_without_a_name_gets_one_of_its_own_and_says_so() -> None:
    inputs = completed({"data": {}})
    assert re.fullmatch(r"settings-[0-9a-f]{8}", inputs["metadata"]["name"])
    assert inputs["metadata"]["annotations"] == {"pulumi.com/autonamed": "true"}
    assert is_autonamed(inputs)


def test_the_name_is_kept_from_then_on() -> None:
    first = completed({})
    assert completed({}, first)["metadata"]["name"] == first["metadata"]["name"]


def test_a_name_that_the_program_once_gave_is_not_kept_when_it_gives_none_any_more() -> None:
    assert completed({}, {"metadata": {"name": "mine"}})["metadata"]["name"] != "mine"


def test_the_engines_randomness_decides_the_name() -> None:
    assert completed({}, seed=b"1")["metadata"]["name"] == completed({}, seed=b"1")["metadata"]["name"]
    assert completed({}, seed=b"1")["metadata"]["name"] != completed({}, seed=b"2")["metadata"]["name"]


@pytest.mark.parametrize("metadata", [{"name": "mine"}, {"generateName": "mine-"}, {"name": UNKNOWN}])
def test_a_name_that_is_given_or_not_known_yet_is_left_alone(metadata: Object) -> None:
    inputs = completed({"metadata": metadata})
    assert {key: item for key, item in inputs["metadata"].items() if key != "namespace"} == metadata
    assert not is_autonamed(inputs)


def test_the_namespace_is_filled_in_for_kinds_that_have_one_and_taken_out_for_those_that_have_none() -> None:
    assert completed({"metadata": {"name": "a"}}, namespace="team")["metadata"]["namespace"] == "team"
    assert completed({"metadata": {"name": "a", "namespace": "b"}})["metadata"]["namespace"] == "b"
    assert "namespace" not in completed({"metadata": {"name": "a", "namespace": "b"}}, namespace=None)["metadata"]


def test_api_version_and_kind_come_from_the_type_when_the_program_gives_none() -> None:
    inputs = completed({"metadata": {"name": "a"}})
    assert (inputs["apiVersion"], inputs["kind"]) == ("v1", "ConfigMap")


def test_secret_metadata_stays_secret() -> None:
    assert completed({"metadata": Secret({"name": "a"})})["metadata"] == Secret({"name": "a", "namespace": "default"})


def test_fields_that_only_the_server_writes_are_left_out() -> None:
    assert "uid" not in completed({"metadata": {"name": "a", "uid": "x", "resourceVersion": "1"}})["metadata"]


@pytest.mark.parametrize(
    ("metadata", "path", "reason"),
    [
        ("x", "metadata", "is a text; expected a map"),
        ({"name": 3}, "metadata.name", "is a number; expected text"),
        ({"labels": ["a"]}, "metadata.labels", "is a list; expected a map of texts"),
        ({"annotations": {"a.b/c": True}}, 'metadata.annotations["a.b/c"]', "is a boolean; expected text: quote it"),
    ],
)
def test_metadata_of_the_wrong_shape_is_refused_with_its_path(metadata: object, path: str, reason: str) -> None:
    _, refusals = complete({"metadata": metadata}, {}, CONFIG_MAP, "settings", b"", "default")
    assert [refusal.path for refusal in refusals] == [path]
    assert isinstance(refusals[0], Refusal)
    assert refusals[0].reason.startswith(reason)


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("kubernetes:core/v1:ConfigMap", Kind("v1", "ConfigMap")),
        ("kubernetes:apps/v1:Deployment", Kind("apps/v1", "Deployment")),
        ("kubernetes:networking.k8s.io/v1:NetworkPolicy", Kind("networking.k8s.io/v1", "NetworkPolicy")),
        ("kubernetes:example.com/v1alpha1:HotPatch", Kind("example.com/v1alpha1", "HotPatch")),
    ],
)
def test_a_type_token_names_a_kind(token: str, kind: Kind) -> None:
    assert kinds.from_token(token) == kind


@pytest.mark.parametrize(
    ("token", "word"),
    [
        ("kubernetes:helm.sh/v3:Release", "Helm charts"),
        ("kubernetes:kustomize/v2:Directory", "Kustomize"),
        ("kubernetes:yaml/v2:ConfigFile", "YAML files"),
        ("kubernetes:apps/v1:DeploymentPatch", "patch resources"),
        ("kubernetes:core/v1:ConfigMapList", "a list is no object"),
        ("kubernetes:v1:Secret", "expected kubernetes:<group>/<version>:<Kind>"),
        ("aws:s3/bucket:Bucket", "is not a type of the kubernetes package"),
    ],
)
def test_types_that_are_not_handled_are_refused_by_name(token: str, word: str) -> None:
    with pytest.raises(KindRefusedError, match=re.escape(word)) as caught:
        kinds.from_token(token)
    assert token in str(caught.value)


def test_the_type_and_name_are_read_out_of_a_urn_with_parents_and_colons() -> None:
    urn = "urn:pulumi:prod::slipway::slipway:model:Model$kubernetes:apps/v1:Deployment::digits::server"
    assert kinds.urn_type(urn) == "kubernetes:apps/v1:Deployment"
    assert kinds.urn_name(urn) == "digits::server"

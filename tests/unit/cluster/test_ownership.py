"""Namespaces and objects that others made are neither taken over nor deleted (on a fake cluster)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from slipway.cluster.foreign import foreign_objects
from slipway.cluster.ownership import (
    Standing,
    adopt_namespace,
    is_own,
    namespace_standing,
    refuse_foreign_namespace,
    refuse_foreign_objects,
    refuse_foreign_policies,
    release_namespace,
)
from slipway.environments.running.namespace import give_up_namespace, retained, why_namespace_stays
from slipway.errors.base import Place, UserError
from slipway.render.environment import render_environment
from slipway.values.names import environment_labels
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import fixture_plan
from tests.support.releases import deployed, planned

AT = (Place("stacks/Pulumi.local.yaml", 8), "config.slipway:environment.namespace")
LEAST = planned()


def namespace(cluster: FakeCluster, **labels: str) -> None:
    metadata = {"name": cluster.namespace, "labels": labels, "creationTimestamp": "2025-01-02T03:04:05Z"}
    cluster._put({"kind": "Namespace", "metadata": metadata})


def config_map(cluster: FakeCluster, name: str, labels: dict[str, str] | None = None, **metadata: Any) -> None:
    cluster._put({"kind": "ConfigMap", "metadata": {"name": name, "labels": labels or {}, **metadata}})


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@contextmanager
def refused(*words: str) -> Iterator[None]:
    with pytest.raises(UserError) as error:
        yield
    assert error.value.exit_code == 1
    for word in words:
        assert word in str(error.value)


def test_a_namespace_that_is_not_there_is_free(cluster: FakeCluster) -> None:
    assert refuse_foreign_namespace(cluster, "local", AT) is Standing.ABSENT


def test_the_environments_own_namespace_is_used_again(cluster: FakeCluster) -> None:
    namespace(cluster, **environment_labels("local"))
    assert refuse_foreign_namespace(cluster, "local", AT) is Standing.OWN


@pytest.mark.parametrize(
    "labels",
    [
        {"owner": "team-a"},
        {},
        {"app.kubernetes.io/managed-by": "slipway"},
        {"slipway.dev/environment": "local"},
        {"app.kubernetes.io/managed-by": "Helm", "slipway.dev/environment": "local"},
    ],
)
def test_a_namespace_without_our_mark_is_refused_with_its_name_whose_it_is_and_what_to_do(
    cluster: FakeCluster, labels: dict[str, str]
) -> None:
    namespace(cluster, **labels)
    says = [f"{key}={value}" for key, value in labels.items()] or ["no labels"]
    with refused(
        'stacks/Pulumi.local.yaml:8: config.slipway:environment.namespace: "slipway" already exists',
        "2025-01-02T03:04:05Z",
        "next: write another name; or, if its owners agree, run slipway up local --adopt slipway",
        *says,
    ):
        refuse_foreign_namespace(cluster, "local", AT)


def test_the_namespace_of_another_environment_is_refused_and_cannot_be_adopted(cluster: FakeCluster) -> None:
    namespace(cluster, **environment_labels("staging"))
    for adopt in (None, "slipway"):
        with refused("is the namespace of environment staging", "next: write a name of its own"):
            refuse_foreign_namespace(cluster, "local", AT, adopt)


def test_a_namespace_is_adopted_by_its_name_and_by_one_environment(cluster: FakeCluster) -> None:
    namespace(cluster, owner="team-a")
    assert refuse_foreign_namespace(cluster, "local", AT, "slipway") is Standing.FOREIGN
    adopt_namespace(cluster, "local")
    assert refuse_foreign_namespace(cluster, "local", AT) is Standing.ADOPTED
    assert cluster.objects["Namespace", "slipway"]["metadata"]["labels"]["owner"] == "team-a"
    with refused("is the namespace of environment local"):
        refuse_foreign_namespace(cluster, "staging", AT, "slipway")
    release_namespace(cluster)
    assert cluster.objects["Namespace", "slipway"]["metadata"]["labels"] == {"owner": "team-a"}


def test_what_is_adopted_has_to_be_there_and_to_be_the_namespace_of_the_settings(cluster: FakeCluster) -> None:
    with refused('"slipway" is not there', "leave --adopt out"):
        refuse_foreign_namespace(cluster, "local", AT, "slipway")
    namespace(cluster, owner="team-a")
    with refused('"team-b" is not the namespace of local', "allowed: slipway"):
        refuse_foreign_namespace(cluster, "local", AT, "team-b")


def test_in_an_adopted_namespace_only_the_environments_own_pods_are_denied_traffic() -> None:
    (policy,) = render_environment(fixture_plan("local"), adopted=True)
    assert policy["spec"]["podSelector"]["matchLabels"] == environment_labels("local")
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= LEAST.labels.items()
    assert policy["metadata"]["name"] == "slipway-default-deny"


def test_a_model_deploys_over_its_own_objects() -> None:
    refuse_foreign_objects(deployed(LEAST), "local", [LEAST], lambda _: AT)


def test_records_and_locks_of_earlier_versions_are_the_models_own(cluster: FakeCluster) -> None:
    labels = {"app.kubernetes.io/managed-by": "slipway", "app.kubernetes.io/name": "least"}
    config_map(cluster, "least-verified", labels)
    cluster._put({"kind": "Lease", "metadata": {"name": "least-deploying", "labels": labels}})
    refuse_foreign_objects(cluster, "local", [LEAST], lambda _: AT)


@pytest.mark.parametrize(
    "kind",
    ["ServiceAccount", "Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy"],
)
@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"app": "shop"},
        {"app.kubernetes.io/managed-by": "slipway", "slipway.dev/environment": "staging"},
        {
            "app.kubernetes.io/managed-by": "slipway",
            "slipway.dev/environment": "local",
            "app.kubernetes.io/name": "other",
        },
    ],
)
def test_an_object_with_a_models_name_that_is_not_its_own_is_refused(
    cluster: FakeCluster, kind: str, labels: dict[str, str]
) -> None:
    cluster._put({"kind": kind, "metadata": {"name": "least", "labels": labels}})
    with refused(f'"least" needs {kind} slipway/least, which exists and is not its own'):
        refuse_foreign_objects(cluster, "local", [LEAST], lambda _: AT)


def test_the_records_and_configurations_of_a_model_are_not_taken_over_either(cluster: FakeCluster) -> None:
    config_map(cluster, "least-verified")
    config_map(cluster, f"least-{LEAST.release}")
    with refused("ConfigMap slipway/least-verified", f"ConfigMap slipway/least-{LEAST.release}"):
        refuse_foreign_objects(cluster, "local", [LEAST], lambda _: AT)


def test_a_policy_of_others_with_our_name_is_not_taken_over(cluster: FakeCluster) -> None:
    manifests = render_environment(fixture_plan("local"))
    refuse_foreign_policies(cluster, manifests, "local")
    cluster._put({"kind": "NetworkPolicy", "metadata": {"name": "default-deny"}})
    with refused("NetworkPolicy slipway/default-deny exists"):
        refuse_foreign_policies(cluster, manifests, "local")


def test_objects_of_any_kind_count_as_others_when_they_have_no_mark(cluster: FakeCluster) -> None:
    own = environment_labels("local")
    for name, labels in (("kube-root-ca.crt", {}), ("least-1", own), ("precious", {"owner": "team-a"})):
        config_map(cluster, name, labels)
    config_map(cluster, "going", deletionTimestamp="2026-11-21T19:41:02Z")
    cluster._put({"kind": "Event", "metadata": {"name": "said"}})
    cluster._put({"kind": "Certificate", "metadata": {"name": "tls"}})
    cluster._put({"kind": "PodMetrics", "metadata": {"name": "measured"}})
    assert foreign_objects(cluster, "local") == ["Certificate tls", "ConfigMap precious"]


def test_what_may_not_be_listed_may_be_there(cluster: FakeCluster) -> None:
    cluster.forbidden.add("ConfigMap")
    assert foreign_objects(cluster, "local") == ["ConfigMaps, which may not be listed (HTTP 403)"]


def test_down_deletes_a_namespace_that_slipway_made_and_nobody_else_uses(cluster: FakeCluster) -> None:
    namespace(cluster, **environment_labels("local"))
    config_map(cluster, "kube-root-ca.crt")
    assert why_namespace_stays(cluster, "local") is None
    assert give_up_namespace(cluster, "local", lambda _: None) is None
    assert ("Namespace", "slipway") not in cluster.objects


def test_down_keeps_a_namespace_that_others_have_something_in_and_says_what(cluster: FakeCluster) -> None:
    namespace(cluster, **environment_labels("local"))
    config_map(cluster, "precious")
    said = "namespace slipway is retained: it contains what Slipway did not make: ConfigMap precious"
    assert give_up_namespace(cluster, "local", lambda _: None) == said
    assert ("ConfigMap", "precious") in cluster.objects
    assert namespace_standing(cluster, "local") is Standing.OWN


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"owner": "team-a"}, "namespace slipway is retained: it does not belong to this environment"),
        (environment_labels("staging"), "namespace slipway is retained: it does not belong to this environment"),
        ({"slipway.dev/adopted-by": "local"}, "namespace slipway is retained: it was adopted"),
    ],
)
def test_down_never_deletes_a_namespace_that_it_did_not_make(
    cluster: FakeCluster, labels: dict[str, str], said: str
) -> None:
    namespace(cluster, **labels)
    assert give_up_namespace(cluster, "local", lambda _: None) == said
    assert ("Namespace", "slipway") in cluster.objects
    assert "slipway.dev/adopted-by" not in cluster.objects["Namespace", "slipway"]["metadata"]["labels"]


def test_where_there_is_no_namespace_nothing_stays(cluster: FakeCluster) -> None:
    assert give_up_namespace(cluster, "local", lambda _: None) is None


def test_the_engine_is_kept_from_deleting_namespaces_of_stacks_that_were_made_before() -> None:
    space = {"type": "kubernetes:core/v1:Namespace", "urn": "urn:1"}
    policy = {"type": "kubernetes:networking.k8s.io/v1:NetworkPolicy", "urn": "urn:2"}
    state = {"version": 3, "deployment": {"resources": [space, policy]}}
    kept = retained(state)
    assert kept == {"version": 3, "deployment": {"resources": [space | {"retainOnDelete": True}, policy]}}
    assert retained(kept) is None
    assert retained({"deployment": {}}) is None


def test_an_object_is_of_an_environment_by_both_labels() -> None:
    assert is_own({"metadata": {"labels": environment_labels("local")}}, "local")
    assert not is_own({"metadata": {"labels": environment_labels("prod")}}, "local")
    assert not is_own({"metadata": {"labels": {"slipway.dev/environment": "local"}}}, "local")
    assert not is_own({"metadata": {}}, "local")


@pytest.mark.parametrize(("writer", "own"), [("slipway", True), ("endpointslice-controller.k8s.io", False)])
def test_an_endpoint_slice_that_kubernetes_writes_is_not_ours_though_it_has_our_services_labels(
    writer: str, own: bool
) -> None:
    labels = environment_labels("local") | {"endpointslice.kubernetes.io/managed-by": writer}
    assert is_own({"metadata": {"labels": labels}}, "local") is own

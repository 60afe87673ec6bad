"""In which order a controller's objects are applied, when they are not applied again, and how long is waited."""

from typing import Any, cast

import pytest

from slipway.local.cluster import installing
from slipway.local.cluster.api import Api
from slipway.local.cluster.installing import Installation, holds
from slipway.local.host.errors import LocalError
from tests.support.applied import Cluster, item, said

DEFINITION = item("apiextensions.k8s.io/v1", "CustomResourceDefinition", "things")
GUARD = item("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "guard")
ACCOUNT = item("v1", "ServiceAccount", "worker", "things")
DEPLOYMENT = item("apps/v1", "Deployment", "worker", "things", spec={"replicas": 1})


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def installation(cluster: Cluster) -> Installation:
    return Installation(cast(Api, cluster), "things", said)


def test_definitions_come_first_and_deployments_last(cluster: Cluster, installation: Installation) -> None:
    installation.ensure([DEPLOYMENT, ACCOUNT, DEFINITION])
    assert cluster.applied == [
        "CustomResourceDefinition/things",
        "Namespace/things",
        "ServiceAccount/worker",
        "Deployment/worker",
        "Namespace/things",
    ]


def test_what_guards_definitions_comes_after_them(cluster: Cluster, installation: Installation) -> None:
    installation.define([GUARD, DEFINITION])
    assert cluster.applied == ["CustomResourceDefinition/things", "ValidatingAdmissionPolicy/guard"]


def test_the_same_objects_are_not_applied_again_and_others_are(cluster: Cluster, installation: Installation) -> None:
    installation.ensure([DEPLOYMENT])
    cluster.applied.clear()
    installation.ensure([DEPLOYMENT])
    assert cluster.applied == []
    installation.ensure([{**DEPLOYMENT, "spec": {"replicas": 2}}])
    assert "Deployment/worker" in cluster.applied


def test_an_update_that_broke_off_is_done_again(cluster: Cluster, installation: Installation) -> None:
    installation.ensure([DEPLOYMENT])
    cluster.fails_at = "Deployment"
    changed = {**DEPLOYMENT, "spec": {"replicas": 2}}
    with pytest.raises(LocalError, match="refused: Deployment"):
        installation.ensure([changed])
    cluster.fails_at = ""
    cluster.applied.clear()
    # What was applied before is not there as it was: it is applied too.
    installation.ensure([DEPLOYMENT])
    assert "Deployment/worker" in cluster.applied


def test_the_namespace_runs_nothing_but_restricted_pods(cluster: Cluster, installation: Installation) -> None:
    installation.ensure([DEPLOYMENT])
    labels = cluster.objects["/api/v1/namespaces/things"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_wait_that_never_ends_says_for_what_and_where_to_look(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installing, "LIMIT_S", 0.3)
    with pytest.raises(LocalError, match=r"waited 0 s until it works; .*kubectl -n things get pods,events"):
        installation.wait("it works", lambda: False)


@pytest.mark.parametrize(
    ("changes", "available"),
    [
        ({}, True),
        ({"observedGeneration": 1}, False),
        ({"updatedReplicas": 0}, False),
        ({"conditions": [{"type": "Available", "status": "False"}]}, False),
    ],
)
def test_a_deployment_is_available_when_its_newest_version_serves(changes: dict[str, Any], *, available: bool) -> None:
    status = {
        "observedGeneration": 2,
        "updatedReplicas": 1,
        "conditions": [{"type": "Available", "status": "True"}],
        **changes,
    }
    deployment = {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}
    assert installing.is_available(deployment) is available


def test_a_deployment_that_is_not_there_is_not_available() -> None:
    assert not installing.is_available(None)


@pytest.mark.parametrize("status", [{}, {"conditions": None}, {"conditions": []}])
def test_what_was_only_just_made_holds_nothing_yet(status: dict[str, Any]) -> None:
    """The API server answers `conditions: null` for a definition that no controller has looked at."""
    assert not holds({"status": status}, "Established")
    assert holds({"status": {"conditions": [{"type": "Established", "status": "True"}]}}, "Established")

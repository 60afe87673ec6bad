"""The release that serves, read back where its record is missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from slipway.cluster.autoscalers import HPA
from slipway.deploy.live_release import LiveRefused, record_of_live
from slipway.deploy.record import save
from slipway.deploy.restorable import Owner, restorable
from slipway.deploy.way_in import without_way_in
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import fixture_plan, fleet_plan, scaling_plan
from tests.support.releases import deployed, planned, release_of

LEAST = planned()
LATER = replace(LEAST, release_digest="f" * 64)
"""What the model is to become: other than what is live."""


def test_without_a_deployment_nothing_serves() -> None:
    assert record_of_live(FakeCluster(), LEAST) is None


def test_the_planned_release_is_as_it_was_deployed() -> None:
    assert record_of_live(deployed(LEAST), LEAST) == replace(release_of(LEAST), origin=LEAST.origin)


def test_another_release_is_read_back_without_what_the_api_server_added_and_may_be_restored() -> None:
    for model in (*fixture_plan("cloud").models, *fleet_plan().models, *scaling_plan("measured").models):
        cluster = deployed(model)
        found = record_of_live(cluster, replace(model, release_digest="f" * 64))
        assert found == without_way_in(release_of(model))
        save(cluster, found, cluster.objects["Deployment", model.name])
        assert restorable(cluster, Owner.of(model)) == found


def test_the_replicas_that_an_autoscaler_set_are_not_recorded() -> None:
    model = next(model for model in fixture_plan("cloud").models if model.autoscaled)
    cluster = deployed(model)
    cluster.objects["Deployment", model.name]["spec"]["replicas"] = 3
    found = record_of_live(cluster, replace(model, release_digest="f" * 64))
    assert found == release_of(model)


def test_what_keda_made_under_a_scaled_object_is_not_recorded() -> None:
    model = scaling_plan("measured").find("by-p95", Path())
    cluster = deployed(model)
    owner = {"kind": "ScaledObject", "name": model.name}
    metadata = {"name": model.name, "labels": dict(model.labels), "ownerReferences": [owner]}
    spec = {"minReplicas": 1, "maxReplicas": 8}
    cluster._put({"apiVersion": "autoscaling/v2", "kind": HPA, "metadata": metadata, "spec": spec})
    cluster.objects["Deployment", model.name]["spec"]["replicas"] = 3
    found = record_of_live(cluster, replace(model, release_digest="f" * 64))
    assert found == without_way_in(release_of(model))


def test_a_release_that_lost_its_configuration_cannot_be_recorded() -> None:
    cluster = deployed(LEAST)
    cluster.objects = {key: value for key, value in cluster.objects.items() if key[0] != "ConfigMap"}
    with pytest.raises(LiveRefused, match=r"no ConfigMap with server\.json"):
        record_of_live(cluster, LATER)


def test_what_somebody_changed_beyond_the_templates_is_not_recorded() -> None:
    cluster = deployed(LEAST)
    pod = cluster.objects["Deployment", "least"]["spec"]["template"]["spec"]
    pod["serviceAccountName"] = "admin"
    with pytest.raises(LiveRefused, match="serviceAccountName is not one of this model's"):
        record_of_live(cluster, LATER)

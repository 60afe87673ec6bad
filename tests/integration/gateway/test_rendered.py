"""The API server takes every object of environments with gateway and monitoring, by the schemas that it really has."""

import copy
import json
from typing import Any

import pytest

from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused
from slipway.render.environment import render_environment
from slipway.render.model import placeholder_image, render_model
from slipway.render.objects import WAY_IN
from slipway.render.rollout.candidate import candidate_objects
from slipway.render.rollout.judge import judge_objects
from slipway.render.rollout.route import judged_route, quiet
from tests.support.planned import gateway_plan, scaling_plan, sleeper
from tests.support.rollouts import PODS, REPLICAS, new_release, rollout_of

pytestmark = pytest.mark.integration

MONITORED = ("ScaledObject", "PodMonitor", "PrometheusRule")
NAMESPACE = "default"
"""Nothing is stored: any namespace that is there will do."""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster("slipway-local", NAMESPACE)


def rendered() -> list[Any]:
    """One of each that an environment makes for itself, and for its models, beside what only a cloud has."""
    asleep = render_model(sleeper(), placeholder_image(sleeper()))
    found = [pytest.param(one, id="asleep") for one in asleep if one["kind"] == "EndpointSlice"]
    plans = {"own": gateway_plan("own"), "shared": gateway_plan("shared"), "measured": scaling_plan("measured")}
    for environment, plan in plans.items():
        manifests = [*render_environment(plan)]
        for model in plan.models:
            manifests += render_model(model, placeholder_image(model))
        found += [
            pytest.param(manifest, id=f"{environment}-{manifest['kind']}-{manifest['metadata']['name']}")
            for manifest in manifests
            if manifest["kind"] not in ("Namespace", "Certificate")  # no cert-manager is on the local cluster
        ]
    found += [pytest.param(one, id=f"rollout-{one['kind']}-{one['metadata']['name']}") for one in of_a_rollout()]
    return found


def of_a_rollout() -> list[dict[str, Any]]:
    """What a rollout adds to a model, and what it changes of its way in, with all that may be in it."""
    new = new_release()
    manifests, rollout = render_model(new, placeholder_image(new)), rollout_of(new, headers=True)
    changed = [one for one in judged_route(manifests, rollout, 0.05, judge=True) if one["kind"] in WAY_IN]
    quieted = [{**one, "spec": {**one["spec"], "rules": quiet(one["spec"]["rules"])}} for one in changed[-1:]]
    return [*candidate_objects(manifests, REPLICAS), *judge_objects(rollout, PODS), *changed, *quieted]


def _collection(manifest: dict[str, Any], cluster: Cluster) -> str:
    """Path of the object's collection, as the API server itself says it."""
    api_version = manifest["apiVersion"]
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    resources = json.loads(cluster.request("GET", root))["resources"]
    (plural,) = [one["name"] for one in resources if one["kind"] == manifest["kind"] and "/" not in one["name"]]
    return f"{root}/namespaces/{NAMESPACE}/{plural}"


def try_out(manifest: dict[str, Any], cluster: Cluster) -> dict[str, Any]:
    """What would be stored of an object; `ApiRefused` for a field that its schema does not know, or a wrong value."""
    here = copy.deepcopy(manifest)
    here["metadata"]["namespace"] = NAMESPACE
    query = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "slipway-test", "force": "true"}
    path = f"{_collection(here, cluster)}/{here['metadata']['name']}"
    answer = cluster.request("PATCH", path, query=query, body=here, content_type="application/apply-patch+yaml")
    return dict(json.loads(answer))


@pytest.mark.parametrize("manifest", rendered())
def test_the_api_server_takes_the_object_as_it_is(manifest: dict[str, Any], cluster: Cluster) -> None:
    assert try_out(manifest, cluster)["metadata"]["name"] == manifest["metadata"]["name"]


@pytest.mark.parametrize("kind", sorted({"Gateway", "EnvoyProxy", "ClientTrafficPolicy", *MONITORED, *WAY_IN}))
def test_the_api_server_refuses_a_field_that_the_schema_lacks(kind: str, cluster: Cluster) -> None:
    manifest = next(one.values[0] for one in rendered() if one.values[0]["kind"] == kind)
    with pytest.raises(ApiRefused, match=r"unknown field|field not declared in schema"):
        try_out({**manifest, "spec": {**manifest["spec"], "unheardOf": True}}, cluster)

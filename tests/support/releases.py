"""Releases of the fixtures' models, as they are deployed and as a cluster then has them."""

import copy
from typing import Any

from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.render.model import render_model
from slipway.values.names import VERIFIED_LABEL
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import fixture_plan

IMAGE_DIGEST = "sha256:" + "ab" * 32


def planned(name: str = "least", environment: str = "local") -> ModelPlan:
    """One model of the fixtures."""
    return next(model for model in fixture_plan(environment).models if model.name == name)


def release_of(model: ModelPlan) -> Release:
    """Its release, deployed."""
    image = f"{model.image.repository}@{IMAGE_DIGEST}"
    manifests = copy.deepcopy(tuple(render_model(model, image)))
    return Release(model.name, model.version, model.release_digest, image, manifests, model.check)


def deployed(model: ModelPlan) -> FakeCluster:
    """A cluster in which the release of a model serves, with what an API server and controllers add."""
    cluster = FakeCluster()
    cluster.namespace = model.namespace
    for manifest in release_of(model).manifests:
        there = _as_the_api_server_keeps_it(copy.deepcopy(manifest))
        cluster._put(there)
    return cluster


def _as_the_api_server_keeps_it(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = manifest["metadata"]
    metadata |= {"uid": f"uid-{manifest['kind']}", "generation": 1, "creationTimestamp": "2026-11-21T19:41:02Z"}
    metadata["managedFields"] = [{"manager": "pulumi"}]
    if manifest["kind"] == "Deployment":
        metadata["labels"] = metadata["labels"] | {VERIFIED_LABEL: "0123456789abcdef"}
        metadata["annotations"] = metadata.get("annotations", {}) | {"deployment.kubernetes.io/revision": "3"}
        pod = manifest["spec"]["template"]["spec"]
        pod |= {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"}
        pod["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
        pod["containers"][0]["readinessProbe"]["successThreshold"] = 1
        manifest["status"] = {"observedGeneration": 1, "availableReplicas": 1}
    if manifest["kind"] == "Service":
        manifest["spec"] |= {"clusterIP": "10.0.0.1", "sessionAffinity": "None"}
        manifest["spec"]["ports"][0]["nodePort"] = 30000
    return manifest

"""Turn the manifests of a release into those of a candidate: the same pods, beside the model's under another name."""

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.render.rollout.objects import CANDIDATE_KINDS
from slipway.render.templates import Manifest
from slipway.values import names

_SELECTORS = ("matchLabels", "selector")
_DEPLOYMENT = "Deployment"


def candidate_objects(manifests: Iterable[Manifest], replicas: int) -> list[Manifest]:
    """The objects of a candidate, in the order in which a release has them.

    Its ConfigMap and its ServiceAccount are the release's own, under their own names. Nothing scales it: it is there
    for a while, and its traffic changes by steps.

    Args:
        manifests: of the new release, as it will be deployed.
        replicas: how many pods it has from the beginning to the end.
    """
    return [_candidate(one, replicas) for one in manifests if one["kind"] in CANDIDATE_KINDS]


def shared_objects(manifests: Iterable[Manifest]) -> list[Manifest]:
    """What the pods of a candidate need beside its own objects: the configuration of its release."""
    return [one for one in manifests if one["kind"] == "ConfigMap"]


def pinned(manifests: Iterable[Manifest], replicas: int) -> list[Manifest]:
    """A release that has at least so many replicas, whatever its scaler finds: it may get all calls at any moment."""
    return [_pinned(one, replicas) for one in manifests]


def _candidate(manifest: Manifest, replicas: int) -> Manifest:
    model = manifest["metadata"]["name"]
    renamed = _selecting(manifest, names.selector(model), names.selector(names.candidate(model)))
    made: Manifest = renamed | {"metadata": _metadata(manifest["metadata"])}
    if made["kind"] == _DEPLOYMENT:
        template = made["spec"]["template"]
        template["metadata"] = template["metadata"] | {"labels": _labels(template["metadata"]["labels"], model)}
        made["spec"]["replicas"] = replicas
    if made["kind"] == "Service":
        # Whoever opens a port of the nodes, or a load balancer, means the model.
        made["spec"]["type"] = "ClusterIP"
    return made


def _metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    model = metadata["name"]
    return {**metadata, "name": names.candidate(model), "labels": _labels(metadata["labels"], model)}


def _labels(labels: Mapping[str, str], model: str) -> dict[str, str]:
    return {**labels, **names.selector(names.candidate(model)), names.CANDIDATE_LABEL: model}


def _selecting(node: Any, own: Mapping[str, str], other: Mapping[str, str]) -> Any:
    """A copy in which each selector of the model's pods selects the candidate's."""
    if isinstance(node, dict):
        return {
            key: dict(other) if key in _SELECTORS and value == own else _selecting(value, own, other)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [_selecting(item, own, other) for item in node]
    return node


def _pinned(manifest: Manifest, replicas: int) -> Manifest:
    spec = manifest.get("spec", {})
    if manifest["kind"] == _DEPLOYMENT and "replicas" in spec:
        return {**manifest, "spec": {**spec, "replicas": max(spec["replicas"], replicas)}}
    if manifest["kind"] == "HorizontalPodAutoscaler":
        return {**manifest, "spec": _at_least(spec, "minReplicas", "maxReplicas", replicas)}
    if manifest["kind"] == "ScaledObject":
        # Without its number at rest: it must not fall asleep meanwhile.
        awake = {key: value for key, value in spec.items() if key != "idleReplicaCount"}
        return {**manifest, "spec": _at_least(awake, "minReplicaCount", "maxReplicaCount", replicas)}
    return manifest


def _at_least(spec: Mapping[str, Any], least: str, most: str, replicas: int) -> dict[str, Any]:
    return {**spec, least: max(spec[least], replicas), most: max(spec[most], replicas)}

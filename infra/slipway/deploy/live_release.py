"""Reconstruct the serving release from the cluster: what the record would contain, where there is none."""

from collections.abc import Mapping, Sequence
from typing import Any

from slipway.cluster.autoscalers import HPA, SCALED_OBJECT, of_keda
from slipway.deploy.ports import ClusterApi
from slipway.deploy.record_format import FIRST_RUNTIME, BadRecord, golden_request, server_config
from slipway.deploy.restorable import Owner, problems
from slipway.errors.base import DeployError
from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.policy.resource import read
from slipway.render.model import model_shapes, render_model
from slipway.render.objects import UNRECORDED
from slipway.render.templates import PLACE
from slipway.runtimes.registry import CUSTOM, OWN_SERVERS
from slipway.values import names
from slipway.values.aliases import Json


class LiveRefused(DeployError):
    """What is live of a model is no longer a release of Slipway, so that none can be recorded."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"model {model}: what serves now cannot be recorded to be restored: {reason}; "
            "next: find out who changed it; a release that comes up and answers correctly is recorded automatically"
        )


def record_of_live(cluster: ClusterApi, plan: ModelPlan) -> Release | None:
    """The release that a model's Deployment is of, None when there is no Deployment. Whether it answers is not asked.

    The release of the plan is rendered; any other one is read back, without what the API server added, and is held
    against the templates like a record: `LiveRefused` when somebody changed it beyond them.
    """
    deployment = cluster.read("Deployment", plan.name)
    if deployment is None:
        return None
    containers = read(deployment, "spec.template.spec.containers") or []
    image = str(read(containers, "0.image") or "")
    if _is_planned(deployment, plan):
        manifests = tuple(render_model(plan, image))
        return Release(plan.name, plan.version, plan.release_digest, image, manifests, plan.check, plan.origin)
    live = _read_back(cluster, plan.name, deployment)
    try:
        config = server_config(live)
        release = Release(
            model=plan.name,
            version=str(read(config, "model.version") or ""),
            digest=str(config.get("release", "")),
            image=image,
            manifests=tuple(live),
            check=golden_request(config, _runtime(config, plan.spec.runtime)),
        )
        repositories = [plan.image.repository, image.partition("@")[0]]
        problem = next(problems(release, Owner.of(plan), repositories), None)
    except BadRecord as error:
        problem = str(error)
    if problem is not None:
        raise LiveRefused(plan.name, problem)
    return release


def _runtime(config: Mapping[str, Any], planned: str) -> str:
    """The runtime that a configuration is of: a spec may have said another one before."""
    if "custom" in config:
        return config["runtime"] if config.get("runtime") in OWN_SERVERS else CUSTOM
    return FIRST_RUNTIME if planned in OWN_SERVERS else planned


def _is_planned(deployment: Json, plan: ModelPlan) -> bool:
    """Whether a Deployment is of the planned release, by its label and by the configuration that its pods mount."""
    wanted = names.config_map(plan.name, plan.release_digest)
    labels = deployment["metadata"].get("labels", {})
    return labels.get(names.RELEASE_LABEL) == plan.release and wanted == _config(deployment)


def _config(deployment: Json) -> str | None:
    """The ConfigMap of their release that the pods of a Deployment mount; beside it they may trust a gateway's."""
    volumes = read(deployment, "spec.template.spec.volumes") or []
    found = [
        volume["configMap"].get("name")
        for volume in volumes
        if "configMap" in volume and volume["configMap"].get("name") != names.GATEWAY_TRUST
    ]
    return found[0] if len(found) == 1 else None


def _read_back(cluster: ClusterApi, model: str, deployment: Json) -> list[dict[str, Any]]:
    """The objects of a model that are there, with what the templates give them and nothing else."""
    live: dict[str, Json] = {"Deployment": deployment}
    shapes = [shape for shape in model_shapes() if shape["kind"] not in UNRECORDED]
    for shape in shapes:
        kind = shape["kind"]
        name = _config(deployment) if kind == "ConfigMap" else model
        found = cluster.read(kind, name) if name and kind != "Deployment" else None
        if found is not None and not (kind == HPA and of_keda(found)):
            live[kind] = found
    manifests = [_only(shape, live[shape["kind"]]) for shape in shapes if shape["kind"] in live]
    if live.keys() & {HPA, SCALED_OBJECT}:  # it alone sets the replicas
        for manifest in manifests:
            if manifest["kind"] == "Deployment":
                manifest["spec"].pop("replicas", None)
    return manifests


def _only(shape: Any, value: Any) -> Any:
    """A value of the cluster, cut down to the keys that its template has."""
    if isinstance(shape, dict) and isinstance(value, dict):
        return {key: _only(shape[key], inner) for key, inner in value.items() if key in shape}
    if isinstance(shape, list) and isinstance(value, list):
        return [_only(_counterpart(shape, item, index), item) for index, item in enumerate(value)]
    if shape == f"{PLACE}labels" and isinstance(value, dict):
        return {key: inner for key, inner in value.items() if key in _LABELS}
    return value


_LABELS = names.model_labels("", "", "", "")


def _counterpart(shape: Sequence[Any], item: Any, index: int) -> Any:
    """The entry of a template's list that an entry of the cluster's came from: of the same name, or at its place."""
    if isinstance(item, Mapping) and "name" in item:
        for entry in shape:
            if isinstance(entry, Mapping) and entry.get("name") == item["name"]:
                return entry
    return shape[min(index, len(shape) - 1)] if shape else None

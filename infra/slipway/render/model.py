"""Render a model's objects: its plan -> manifests."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from jinja2 import FileSystemLoader, nodes

from slipway.catalog.pod_contract import CAPTURE_FOLDER, GATE_FOLDER, GRPC_PORT, NAME_SERVICE, SERVER_PORT, SERVICE_PORT
from slipway.environments.planning.model_store import ModelStore
from slipway.environments.planning.monitoring import Tracing
from slipway.plan.model import ModelPlan
from slipway.render.fetching import fetching_values, volume_bytes
from slipway.render.objects import MODEL_OBJECTS
from slipway.render.own_server import own_exceptions, own_values
from slipway.render.route import route_values
from slipway.render.scaling import scaling_values
from slipway.render.templates import Manifest, rendered, skeleton, template_files
from slipway.runtimes.base import Runtime
from slipway.runtimes.registry import RUNTIMES
from slipway.values import names
from slipway.values.quantities import compact_json, format_bytes, format_cpu

ROLLING_UPDATE = "RollingUpdate"
RECREATE = "Recreate"
PLACEHOLDER_DIGEST = "sha256:" + "0" * 64
TMP_BYTES = 64 * 2**20
LOG_BYTES = 64 * 2**20
_FOLDER = "kubernetes/model"


def placeholder_image(model: ModelPlan) -> str:
    """The image by a digest of zeros, for rendering without a registry."""
    return f"{model.image.repository}@{PLACEHOLDER_DIGEST}"


def render_model(model: ModelPlan, image: str) -> list[Manifest]:
    """Render a model's objects.

    Args:
        model: its plan.
        image: what its pods run, `repository@sha256:...`.

    Returns:
        Those of MODEL_OBJECTS that it has, in their order.
    """
    templates = [row.template for row in MODEL_OBJECTS if row.when(model)]
    return rendered(_FOLDER, templates, model_values(model, image))


def render_alerts(model: ModelPlan) -> list[Manifest]:
    """Render the rules about a model, whether prometheus-operator watches them or not; nothing without metrics."""
    if not model.has_rules or model.monitoring is None:
        return []
    return rendered(_FOLDER, ["prometheus_rule"], model_values(model, placeholder_image(model)))


@lru_cache(maxsize=1)
def model_shapes() -> tuple[Manifest, ...]:
    """Every object that a model may have, with all that may be in it; `PLACE` and a name stand for each value."""
    loader = cast(FileSystemLoader, template_files().loader)
    shapes = []
    for row in MODEL_OBJECTS:
        template = f"{_FOLDER}/{row.template}.yaml.j2"
        source = loader.get_source(template_files(), template)[0]
        given = {node.name for node in template_files().parse(source).find_all(nodes.Name)}
        shapes.append(skeleton(template, frozenset(given), frozenset()))
    return tuple(shapes)


def model_values(model: ModelPlan, image: str) -> dict[str, Any]:
    """What the templates of a model's objects get: every value that they place, None for what is left out."""
    spec, resources = model.spec, _resources(model)
    return {
        "name": model.name,
        "namespace": model.namespace,
        "labels": model.labels,
        "pod_labels": model.labels | (model.reached.pod_labels if model.reached else {}),
        "selector": model.selector,
        "owner": spec.owner,
        "description": spec.description,
        "policy_exceptions": json.dumps(spec.exceptions, sort_keys=True) if spec.exceptions else None,
        "config_name": names.config_map(model.name, model.release_digest),
        "config": compact_json(model.server_config),
        "image": image,
        "pull_secret": model.pull_secret,
        "priority_class": model.priority_class,
        "replicas": None if model.autoscaled else spec.scale.min,
        "update_type": RECREATE if model.rollout.recreate else ROLLING_UPDATE,
        "max_surge": None if model.rollout.recreate else model.rollout.max_surge,
        "max_unavailable": None if model.rollout.recreate else model.rollout.max_unavailable,
        "start_s": model.timing.start_s,
        "grace_s": model.timing.grace_s,
        "deadline_s": model.timing.deadline_s,
        "node_selector": model.pool.selector or None,
        "tolerations": _tolerations(model) or None,
        "resources": resources,
        "tmp_size": format_bytes(TMP_BYTES),
        **container_values(RUNTIMES[spec.runtime]),
        "egress": egress(model.check.members, model.reached, _tracing(model)),
        "service_port": SERVICE_PORT,
        "grpc_port": GRPC_PORT if spec.endpoint.grpc else None,
        "service_type": model.service_type,
        "gate_config": names.GATEWAY_TRUST if model.gated else None,
        "gate_folder": GATE_FOLDER,
        "slice_labels": model.labels
        | {names.SLICED_BY_LABEL: names.MANAGED_BY, "kubernetes.io/service-name": model.name},
        **own_values(model),
        "checked_path": _checked_path(model),
        **fetching_values(model.delivery.stored, resources),
        **_capture_values(model),
        **route_values(model.traffic),
        **scaling_values(model),
        **_lint_exceptions(model),
    }


def _capture_values(model: ModelPlan) -> dict[str, Any]:
    """Which Secrets a pod that keeps samples has as files, and where."""
    samples = model.samples
    return {
        "capture_sealing": None if samples is None else names.CAPTURE_SEALING,
        "capture_folder": None if samples is None else CAPTURE_FOLDER,
        "capture_secret": None if samples is None else samples.store.samples_secret,
    }


def _checked_path(model: ModelPlan) -> str | None:
    """Where the gateway asks whether a pod is there; None where there may be no pod."""
    if model.traffic and model.traffic.wait_s:
        return None
    return server.live if (server := model.spec.own_server) else RUNTIMES[model.spec.runtime].live_path


def container_values(runtime: Runtime) -> dict[str, Any]:
    """What the templates get of a runtime, the same for all of its models."""
    return {
        "environment": list(runtime.environment),
        "server_port": runtime.port,
        "ready_path": runtime.ready_path,
        "live_path": runtime.live_path,
    }


def _lint_exceptions(model: ModelPlan) -> dict[str, str | None]:
    """Checks of kube-score that a person's own choice overrules; the reason of each stands in its template."""
    single = model.spec.scale.min == 1
    unseen = model.scaler == "ScaledObject" or (single and not model.autoscaled)
    deployment = ["container-image-pull-policy", *(["deployment-replicas"] if unseen else [])]
    deployment += ["deployment-strategy"] if model.rollout.recreate else []
    deployment += own_exceptions(server) if (server := model.spec.own_server) is not None else []
    return {
        "deployment_exceptions": ",".join(deployment),
        "autoscaler_exceptions": "horizontalpodautoscaler-replicas" if single else None,
        "service_exceptions": None if model.service_type == "ClusterIP" else "service-type",
    }


def _tracing(model: ModelPlan) -> Tracing | None:
    return model.monitoring.tracing if model.monitoring is not None else None


def egress(members: Sequence[str], store: ModelStore | None, tracing: Tracing | None) -> list[dict[str, Any]] | None:
    """What pods may connect to: the models that a pipeline asks, the store of fetched weights, the collector of spans;
    None for nothing."""
    rules = [dict(rule) for rule in store.egress] if store is not None else []
    to: list[dict[str, Any]] = []
    if members:
        pods = [{"podSelector": {"matchLabels": names.selector(name)}} for name in members]
        to.append({"to": pods, "ports": [{"port": SERVER_PORT, "protocol": "TCP"}]})
    if tracing is not None:
        there = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": tracing.namespace}}}
        to.append({"to": [there], "ports": [{"port": tracing.http_port, "protocol": "TCP"}]})
    return [*rules, *([{"ports": [*NAME_SERVICE]}, *to] if to else [])] or None


def _tolerations(model: ModelPlan) -> list[dict[str, str]]:
    return [
        {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
        for taint in model.pool.taints
        if taint.key not in model.pool.reserved_by or taint.key in model.spec.tolerates
    ]


def _resources(model: ModelPlan) -> dict[str, str]:
    wanted = model.spec.resources
    resources = {
        "cpu": format_cpu(wanted.cpu),
        "memory": format_bytes(wanted.memory),
        "ephemeral-storage": format_bytes(TMP_BYTES + LOG_BYTES + volume_bytes(model.delivery.stored)),
    }
    if wanted.gpu is not None and model.pool.gpu is not None:
        resources[model.pool.gpu.resource] = str(wanted.gpu.count)
    return resources

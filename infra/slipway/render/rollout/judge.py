"""Render the judge of a rollout: a small service beside the model, with rights on one route and one ConfigMap."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from slipway.catalog.pod_contract import JUDGE_ADMIN_PORT, JUDGE_PORT, NAME_SERVICE, SERVER_USER
from slipway.plan.rollout import RolloutPlan
from slipway.render.gateway import envoy_labels
from slipway.render.rollout.objects import JUDGE_TEMPLATES
from slipway.render.templates import Manifest, rendered
from slipway.runtimes.registry import RUNTIMES
from slipway.values import names

_FOLDER = "kubernetes/rollout"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PROMETHEUS_PORT = 9090
_API = [{"port": 443, "protocol": "TCP"}, {"port": 6443, "protocol": "TCP"}]


@dataclass(frozen=True, slots=True)
class JudgePods:
    """How pods of the environment's own run: the judge is one of them, not of its model's team.

    Attributes:
        image: by digest.
        pull_secret: name of the Secret that it is pulled with, or None.
        priority_class: None where the environment has no teams.
        node_selector: labels of its nodes; empty for any node.
        tolerations: of its pods.
    """

    image: str
    pull_secret: str | None = None
    priority_class: str | None = None
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()


def judge_objects(rollout: RolloutPlan, pods: JudgePods) -> list[Manifest]:
    """Everything of a judge, its identity and its rights before its pod, and its Service at the end."""
    model = rollout.model
    selector = names.judge_selector(model)
    values: dict[str, Any] = {
        "name": names.judge(model),
        "namespace": rollout.namespace,
        "labels": names.environment_labels(rollout.environment) | selector,
        "selector": selector,
        "model": model,
        "config_map": names.rollout(model),
        "environment": [
            {"name": "SLIPWAY_MODEL", "value": model},
            {"name": "SLIPWAY_NAMESPACE", "value": rollout.namespace},
            {"name": "SLIPWAY_ROLLOUT", "value": rollout.id},
        ],
        "image": pods.image,
        "user": SERVER_USER,
        "pull_secrets": [{"name": pods.pull_secret}] if pods.pull_secret is not None else None,
        "priority_class": pods.priority_class,
        "node_selector": dict(pods.node_selector) or None,
        "tolerations": [*map(dict, pods.tolerations)] or None,
        "mirror_port": JUDGE_PORT,
        "admin_port": JUDGE_ADMIN_PORT,
        "envoy_labels": envoy_labels(rollout.namespace),
        "egress": [{"ports": [*NAME_SERVICE]}, {"ports": _API}, _to_releases(rollout), {"ports": _prometheus(rollout)}],
    }
    return rendered(_FOLDER, JUDGE_TEMPLATES, values)


def _to_releases(rollout: RolloutPlan) -> dict[str, Any]:
    """A rule that lets the judge ask the pods of both releases."""
    pods = [{"podSelector": {"matchLabels": names.selector(side.service)}} for side in (rollout.old, rollout.new)]
    return {"to": pods, "ports": [{"port": RUNTIMES[rollout.runtime].port, "protocol": "TCP"}]}


def _prometheus(rollout: RolloutPlan) -> list[dict[str, Any]]:
    """The ports of Prometheus: of its address, and of its pods, which a Service may have behind another one."""
    address = urlsplit(rollout.prometheus)
    ports = {address.port or _DEFAULT_PORTS[address.scheme], _PROMETHEUS_PORT}
    return [{"port": port, "protocol": "TCP"} for port in sorted(ports)]

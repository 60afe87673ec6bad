"""Render what an environment's own stack makes in its cluster."""

from typing import Any

from slipway.environments.planning.kinds import planning
from slipway.plan.model import Plan
from slipway.render.gateway import GatewayImages, gateway_templates, gateway_values, placeholder_images, tracing_values
from slipway.render.monitoring import monitoring_templates, monitoring_values
from slipway.render.teams import platform_class, render_teams
from slipway.render.templates import Manifest, rendered
from slipway.values import names

_FOLDER = "kubernetes/environment"
_ENVIRONMENT_TEMPLATES = ("namespace", "default_deny")
_ADOPTED_TEMPLATES = ("own_pods_deny",)
_STORE_TEMPLATE = "store_network_policy"
UNKNOWN_ADDRESSES = "192.0.2.0/24"
"""Stands for addresses that are known once the environment is there; nobody has these (RFC 5737)."""


def render_environment(plan: Plan, images: GatewayImages | None = None, *, adopted: bool = False) -> list[Manifest]:
    """Render what an environment's own stack makes: Namespace, the policy that denies, gateway, monitoring, teams.

    A namespace that is `adopted` is others': it is left as it is, and the policy is about the environment's pods only.
    `images`: what the gateway's pods run; None to render without a registry, with digests of zeros.
    """
    labels = names.environment_labels(plan.environment)
    templates, values = namespace_values(plan.environment, plan.settings.namespace, adopted=adopted)
    here = planning(plan.settings)
    if here.gateway is not None:
        images = images or placeholder_images(here.gateway, here.image_repository(plan.environment, names.KEYS))
        values |= gateway_values(here.gateway, plan.settings.namespace, labels, images, here.pull_secret)
        tracing = here.monitoring.tracing if here.monitoring is not None else None
        values |= {"priority_class": platform_class(plan), **tracing_values(tracing)}
        templates = (*templates, *gateway_templates(here.gateway))
    store = here.model_store(plan.environment, "")
    if store is not None and store.policy is not None:
        values |= {"store_policy": store.policy, "store_pods": store.pod_labels, "store_addresses": UNKNOWN_ADDRESSES}
        templates = (*templates, _STORE_TEMPLATE)
    manifests = rendered(_FOLDER, templates, values)
    if here.monitoring is not None and here.monitoring.operator:
        manifests += render_monitoring(plan)
    return [*manifests, *render_teams(plan)]


def namespace_values(environment: str, namespace: str, *, adopted: bool) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The templates of a namespace of the environment's, or of what it has in one of others, and what they get."""
    labels = names.environment_labels(environment)
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", "latest"))
    }
    values = {"namespace": namespace, "labels": labels, "namespace_labels": labels | security}
    return _ADOPTED_TEMPLATES if adopted else _ENVIRONMENT_TEMPLATES, values


def render_monitoring(plan: Plan) -> list[Manifest]:
    """Render what prometheus-operator would watch for an environment, whether it does or not; nothing unmeasured."""
    here = planning(plan.settings)
    if here.monitoring is None:
        return []
    values = monitoring_values(here.monitoring, here.gateway, plan)
    servers, routes = values["apart"] is not None, bool(here.monitoring.routes)
    templates = monitoring_templates(gateway=here.gateway is not None, servers=servers, routes=routes)
    return rendered(_FOLDER, templates, values)

"""Render what an environment's own stack makes in its cluster."""

from slipway.plan.model import Plan
from slipway.render.templates import Manifest, rendered
from slipway.values import names

_ENVIRONMENT_TEMPLATES = ("namespace", "default_deny")
_ADOPTED_TEMPLATES = ("own_pods_deny",)


def render_environment(plan: Plan, *, adopted: bool = False) -> list[Manifest]:
    """Render what an environment's own stack makes: its Namespace and the NetworkPolicy that denies by default.

    A namespace that is `adopted` is others': it is left as it is, and the policy is about the environment's pods only.
    """
    labels = names.environment_labels(plan.environment)
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", "latest"))
    }
    values = {
        "namespace": plan.settings.namespace,
        "labels": labels,
        "namespace_labels": labels | security,
    }
    return rendered("kubernetes/environment", _ADOPTED_TEMPLATES if adopted else _ENVIRONMENT_TEMPLATES, values)

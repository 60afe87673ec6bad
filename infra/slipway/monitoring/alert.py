"""Write one alerting rule about a model: who answers for it, and which page says what to do."""

from collections.abc import Mapping
from typing import Any

from slipway.plan.model import ModelPlan
from slipway.values import names


def alert(
    model: ModelPlan,
    name: str,
    expression: str,
    *,
    lasting: str,
    severity: str,
    summary: str,
    page: str,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An alerting rule about a model.

    Args:
        model: its plan.
        name: of the alert.
        expression: PromQL that has a result while there is something to tell.
        lasting: how long it must have one, as Prometheus writes times.
        severity: `critical` for what cannot wait until the morning, else `warning`.
        summary: one sentence for people, in which nothing is a template.
        page: file of docs/ that says what to do.
        more: labels beside those of every alert.
    """
    labels = {
        "severity": severity,
        "owner": model.spec.owner,
        "model": model.name,
        "environment": names.fitted(model.environment),
        # By which an AlertmanagerConfig of the namespace takes it.
        "namespace": model.namespace,
        **(more or {}),
    }
    return {
        "alert": name,
        "expr": expression,
        "for": lasting,
        "labels": {key: literal(value) for key, value in labels.items()},
        "annotations": {"summary": literal(summary), "runbook": page},
    }


def literal(text: str) -> str:
    """A text that Prometheus, which reads labels and annotations as templates of Go, shows as it is."""
    return text.replace("{{", "{{`{{`}}")


def series_of(model: ModelPlan) -> str:
    """The labels that series of a model's pods have, as PromQL selects by them."""
    return f'namespace="{model.namespace}",model="{model.name}"'

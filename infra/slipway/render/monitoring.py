"""Say what the templates of an environment's monitoring place: what Prometheus asks, and alerts about the scaler."""

from typing import Any

from slipway.autoscaling.signals import SCRAPE_S
from slipway.environments.planning.monitoring import Monitoring
from slipway.render.gateway import envoy_labels
from slipway.render.scaling import RUNBOOK
from slipway.values import names

_MODELS = ("pod_monitor_models",)
_GATEWAY = ("pod_monitor_keys", "pod_monitor_gateway")
_ALERTS = ("prometheus_rule",)


def monitoring_templates(*, gateway: bool) -> tuple[str, ...]:
    """The templates of what an environment is measured by, with or without a gateway."""
    return (*_MODELS, *(_GATEWAY if gateway else ()), *_ALERTS)


def monitoring_values(monitoring: Monitoring, environment: str, namespace: str) -> dict[str, Any]:
    """What those templates get."""
    return {
        "namespace": namespace,
        "monitor_labels": {**names.environment_labels(environment), **monitoring.labels},
        "managed_by": {"app.kubernetes.io/managed-by": names.MANAGED_BY},
        "scrape_interval": f"{SCRAPE_S}s",
        "keys_name": names.KEYS,
        "keys_selector": names.component_labels(names.KEYS),
        "gateway_name": names.GATEWAY,
        "envoy_labels": envoy_labels(namespace),
        "autoscaling_name": names.AUTOSCALING,
        "autoscaling_groups": [_alerts(environment, namespace)],
    }


def _alerts(environment: str, namespace: str) -> dict[str, Any]:
    """About KEDA, by its own metrics; that Prometheus is gone itself, only who waits for its Watchdog can tell."""
    errors = f'increase(keda_scaler_detail_errors_total{{namespace="{namespace}"}}[2m])'
    whose = {"environment": names.fitted(environment), "namespace": namespace}
    labels = {"severity": "critical", "owner": "platform", **whose}
    return {
        "name": f"slipway-{namespace}",
        "interval": "15s",
        "rules": [
            {
                "alert": "SlipwayScalerErrors",
                "expr": f"sum by (scaledObject) ({errors}) > 0",
                "for": "2m",
                "labels": {**labels, "model": "{{ $labels.scaledObject }}"},
                "annotations": {
                    "summary": "KEDA cannot read what model {{ $labels.scaledObject }} scales on: "
                    "its replicas stay as they are, whatever the load",
                    "runbook": RUNBOOK,
                },
            },
            {
                "alert": "SlipwayScalerGone",
                "expr": "absent(keda_build_info)",
                "for": "5m",
                "labels": labels,
                "annotations": {
                    "summary": "Prometheus has no metrics of KEDA: unless it runs, no replicas follow the load",
                    "runbook": RUNBOOK,
                },
            },
        ],
    }

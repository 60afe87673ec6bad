"""Say what the templates of an environment's monitoring place: what Prometheus asks, alerts about scaler and keys."""

from collections.abc import Iterable
from typing import Any

from slipway.environments.planning.gateway import Gateway
from slipway.environments.planning.monitoring import Monitoring
from slipway.monitoring.routes import route_spec
from slipway.plan.model import ModelPlan, Plan
from slipway.render.gateway import envoy_labels
from slipway.render.scaling import RUNBOOK
from slipway.values import names

_MODELS = ("pod_monitor_models",)
_SERVERS = ("pod_monitor_servers",)
_GATEWAY = ("pod_monitor_keys", "pod_monitor_gateway")
_ALERTS = ("prometheus_rule",)
_ROUTES = ("alertmanager_config",)
_EXPIRES = "docs/how-to/expose-a-model.md"
_EXPIRES_DAYS = 14
_THEFT = "docs/how-to/against-theft.md"
_TIMES, _PART = 10, 10
"""How many times its own busiest day makes a key unusual, once it has this part of the calls that no key needs."""
_FOR = "10m"


def monitoring_templates(*, gateway: bool, servers: bool, routes: bool) -> tuple[str, ...]:
    """The templates of what an environment is measured by, with or without a gateway, servers of others, routes."""
    found = (*_MODELS, *(_SERVERS if servers else ()), *(_GATEWAY if gateway else ()), *_ALERTS)
    return (*found, *_ROUTES) if routes else found


def measured_apart(models: Iterable[ModelPlan]) -> str | None:
    """A regular expression of the models that give their metrics at a port of their own; None where there are none."""
    servers = ((model.name, model.spec.own_server) for model in models)
    return "|".join(sorted(name for name, one in servers if one is not None and one.metrics is not None)) or None


def monitoring_values(monitoring: Monitoring, gateway: Gateway | None, plan: Plan) -> dict[str, Any]:
    """What those templates get."""
    environment, namespace = plan.environment, plan.settings.namespace
    most = gateway.calls_per_day if gateway is not None else None
    certificate = [] if gateway is None else [certificate_alerts(environment, namespace)]
    copied = [] if most is None else [extraction_alerts(most, environment, namespace)]
    return {
        "namespace": namespace,
        "monitor_labels": {**names.environment_labels(environment), **monitoring.labels},
        "managed_by": {"app.kubernetes.io/managed-by": names.MANAGED_BY},
        "scrape_interval": f"{monitoring.scrape_s}s",
        "apart": measured_apart(plan.models),
        "keys_name": names.KEYS,
        "keys_selector": names.component_labels(names.KEYS),
        "gateway_name": names.GATEWAY,
        "envoy_labels": envoy_labels(namespace),
        "routes_name": names.ROUTES,
        "routes_spec": route_spec(monitoring.routes) if monitoring.routes else None,
        "autoscaling_name": names.AUTOSCALING,
        "autoscaling_groups": [_alerts(environment, namespace), *certificate, *copied],
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


def certificate_alerts(environment: str, namespace: str) -> dict[str, Any]:
    """The group of alerting rules about the gateway's certificates, by what Envoy tells of all that it was given."""
    # The operator's job is the PodMonitor's name; `slipway scrape-config` writes one that begins with `slipway/`.
    envoys = f'envoy_server_days_until_first_cert_expiring{{job=~"(slipway/)?{namespace}/{names.GATEWAY}"}}'
    whose = {"environment": names.fitted(environment), "namespace": namespace}
    return {
        "name": f"slipway-{namespace}-certificate",
        "interval": "1m",
        "rules": [
            {
                "alert": "SlipwayCertificateExpires",
                "expr": f"min({envoys}) < {_EXPIRES_DAYS}",
                "for": _FOR,
                "labels": {"severity": "critical", "owner": "platform", **whose},
                "annotations": {
                    "summary": "A certificate of the gateway ends in {{ $value }} days: then no client reaches a model",
                    "runbook": _EXPIRES,
                },
            }
        ],
    }


def extraction_alerts(calls_per_day: int, environment: str, namespace: str) -> dict[str, Any]:
    """The group of alerting rules, by what the keys service counts; `calls_per_day` of a model, that no key needs."""
    day, usual = (
        f'max by (account, model) (slipway_keys_{name}{{namespace="{namespace}"}})'
        for name in ("day_calls", "usual_day_calls")
    )
    whose = {"environment": names.fitted(environment), "namespace": namespace}
    labels = {"severity": "warning", "owner": "platform", **whose}
    asked = "Key {{ $labels.account }} called model {{ $labels.model }} {{ $value }} times in 24 hours"
    return {
        "name": f"slipway-{namespace}-extraction",
        "interval": "1m",
        "rules": [
            {
                "alert": "SlipwayKeyCallsMuch",
                "expr": f"{day} > {calls_per_day}",
                "for": _FOR,
                "labels": labels,
                "annotations": {
                    "summary": f"{asked}, more than the {calls_per_day} that no key needs: it may be copied",
                    "runbook": _THEFT,
                },
            },
            {
                "alert": "SlipwayKeyCallsUnusual",
                "expr": f"{day} > {max(1, calls_per_day // _PART)} and {day} > {_TIMES} * {usual}",
                "for": _FOR,
                "labels": labels,
                "annotations": {
                    "summary": f"{asked}, over {_TIMES} times as often as on its busiest day of the week before: "
                    "it may be copied",
                    "runbook": _THEFT,
                },
            },
        ],
    }

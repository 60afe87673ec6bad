"""Turn what prometheus-operator would watch into configuration for a Prometheus that a person keeps.

Each PodMonitor becomes a scrape configuration that gives the same labels as the operator's own does (its
pkg/prometheus/promcfg.go, generatePodMonitorConfig), since the queries of autoscaling and the alerts read them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.plan.model import Plan
from slipway.render.environment import render_monitoring
from slipway.render.model import render_alerts
from slipway.render.templates import Manifest

_POD = "__meta_kubernetes_pod"


def scrape_configuration(plan: Plan) -> dict[str, Any]:
    """`scrape_configs` of an environment, for a file of Prometheus' `scrape_config_files`."""
    monitors = (one for one in render_monitoring(plan) if one["kind"] == "PodMonitor")
    return {"scrape_configs": [_scrape(monitor) for monitor in monitors]}


def rule_groups(plan: Plan) -> dict[str, Any]:
    """`groups` of alerting rules of an environment and its models, for a file of Prometheus' `rule_files`."""
    rules = [one for one in render_monitoring(plan) if one["kind"] == "PrometheusRule"]
    rules += [one for model in plan.models for one in render_alerts(model)]
    return {"groups": [group for rule in rules for group in rule["spec"]["groups"]]}


def _scrape(monitor: Manifest) -> dict[str, Any]:
    spec = monitor["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    metadata = monitor["metadata"]
    anywhere = spec.get("namespaceSelector", {}).get("any", False)
    discovery: dict[str, Any] = {"role": "pod"}
    if not anywhere:
        discovery["namespaces"] = {"names": [metadata["namespace"]]}
    return {
        "job_name": f"slipway/{metadata['namespace']}/{metadata['name']}",
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["scrapeTimeout"],
        "metrics_path": endpoint["path"],
        "kubernetes_sd_configs": [discovery],
        "relabel_configs": [
            *_selected(spec["selector"]),
            {"action": "keep", "source_labels": [f"{_POD}_container_port_name"], "regex": endpoint["port"]},
            {"action": "drop", "source_labels": [f"{_POD}_phase"], "regex": "(Failed|Succeeded)"},
            _copied("__meta_kubernetes_namespace", "namespace"),
            _copied(f"{_POD}_container_name", "container"),
            _copied(f"{_POD}_name", "pod"),
            *map(_relabelled, endpoint.get("relabelings", [])),
        ],
    }


def _selected(selector: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rules that keep the pods that a selector of labels selects."""
    for label, value in selector.get("matchLabels", {}).items():
        kept = {"source_labels": [_label(label), _present(label)], "regex": f"({re.escape(value)});true"}
        yield {"action": "keep", **kept}
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "Exists":
            raise ValueError(f"a monitor selects by {expression['operator']}, which no scrape configuration is made of")
        yield {"action": "keep", "source_labels": [_present(expression["key"])], "regex": "true"}


def _label(name: str) -> str:
    return f"{_POD}_label_{_cleaned(name)}"


def _present(name: str) -> str:
    return f"{_POD}_labelpresent_{_cleaned(name)}"


def _cleaned(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def _copied(source: str, target: str) -> dict[str, Any]:
    return {"source_labels": [source], "target_label": target}


_SPELT = {"sourceLabels": "source_labels", "targetLabel": "target_label"}


def _relabelled(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A relabelling of a PodMonitor, in Prometheus' own spelling."""
    return {_SPELT.get(key, key): value for key, value in rule.items()}

"""State the Prometheus and the Alertmanager of the local cluster, what they may see, and an alert always on. Pure."""

from collections.abc import Mapping
from typing import Any

from slipway.local.autoscaling import programs as keda
from slipway.local.cluster.installing import LABELS, PRIORITY
from slipway.local.monitoring.programs import ALERTMANAGER, NAMESPACE, PROMETHEUS, Programs

Object = dict[str, Any]

_GROUP = "monitoring.coreos.com/v1"
_RBAC = "rbac.authorization.k8s.io"
_ACCOUNT = "prometheus"
_EVERYTHING: Mapping[str, Any] = {}
"""As a selector: every object, or every namespace."""

_USER = 65532
_SECURE = {
    "runAsNonRoot": True,
    "runAsUser": _USER,
    "runAsGroup": _USER,
    "fsGroup": _USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_QUICK = {"periodSeconds": 1, "failureThreshold": 180}
"""Else the kubelet asks every 15 s whether a program has started that does so within one."""


def of(programs: Programs) -> list[Object]:
    """All objects but the operator's own, in the order to apply them."""
    return [
        *_rights(),
        alertmanager(programs.images[ALERTMANAGER.name].reference),
        prometheus(programs.images[PROMETHEUS.name].reference),
        _watchdog(),
        _of_keda(),
    ]


def prometheus(image: str) -> Object:
    """It takes the monitors and rules of every namespace, and keeps two days, in its pod's own folder."""
    return _object(
        _GROUP,
        "Prometheus",
        "prometheus",
        {
            "image": image,
            "version": f"v{PROMETHEUS.version}",
            "replicas": 1,
            "serviceAccountName": _ACCOUNT,
            "podMonitorSelector": _EVERYTHING,
            "podMonitorNamespaceSelector": _EVERYTHING,
            "ruleSelector": _EVERYTHING,
            "ruleNamespaceSelector": _EVERYTHING,
            "serviceDiscoveryRole": "EndpointSlice",
            "scrapeInterval": "15s",
            "evaluationInterval": "15s",
            "retention": "2d",
            "retentionSize": "512MB",
            "storage": {"emptyDir": {"sizeLimit": "1Gi"}},
            "alerting": {"alertmanagers": [{"namespace": NAMESPACE, "name": "alertmanager-operated", "port": "web"}]},
            "resources": {"requests": {"cpu": "20m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
            "securityContext": _SECURE,
            "priorityClassName": PRIORITY,
            "containers": [{"name": "prometheus", "startupProbe": _QUICK}],
        },
    )


def alertmanager(image: str) -> Object:
    """It takes the routes of every namespace. Besides, its operator gives it one receiver that tells nobody."""
    return _object(
        _GROUP,
        "Alertmanager",
        "alertmanager",
        {
            "image": image,
            "version": f"v{ALERTMANAGER.version}",
            "replicas": 1,
            "retention": "48h",
            "alertmanagerConfigSelector": _EVERYTHING,
            "alertmanagerConfigNamespaceSelector": _EVERYTHING,
            "resources": {"requests": {"cpu": "5m", "memory": "24Mi"}, "limits": {"memory": "128Mi"}},
            "securityContext": _SECURE,
            "priorityClassName": PRIORITY,
        },
    )


def _rights() -> list[Object]:
    """To find pods anywhere, and the Alertmanager."""
    role = _object(f"{_RBAC}/v1", "ClusterRole", "slipway-local:prometheus", None, namespaced=False)
    read = {"verbs": ["get", "list", "watch"]}
    role["rules"] = [
        {"apiGroups": [""], "resources": ["pods", "services"], **read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], **read},
    ]
    binding = _object(f"{_RBAC}/v1", "ClusterRoleBinding", role["metadata"]["name"], None, namespaced=False)
    binding["roleRef"] = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role["metadata"]["name"]}
    binding["subjects"] = [{"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": NAMESPACE}]
    return [_object("v1", "ServiceAccount", _ACCOUNT, None), role, binding]


def _watchdog() -> Object:
    """It fires as long as Prometheus evaluates rules: whoever waits for it notices that it does not."""
    rule = {
        "alert": "Watchdog",
        "expr": "vector(1)",
        "labels": {"severity": "none"},
        "annotations": {"summary": "Fires always; when it does not arrive, Prometheus or Alertmanager is down."},
    }
    return _object(_GROUP, "PrometheusRule", "watchdog", {"groups": [{"name": "watchdog", "rules": [rule]}]})


def _of_keda() -> Object:
    """KEDA says of which namespace and ScaledObject a series is: its labels stay, rather than those of its own pod."""
    return _object(
        _GROUP,
        "PodMonitor",
        "keda",
        {
            "namespaceSelector": {"matchNames": [keda.NAMESPACE]},
            "selector": {"matchLabels": {"app": "keda-operator"}},
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "honorLabels": True}],
        },
    )


def _object(version: str, kind: str, name: str, spec: Object | None, *, namespaced: bool = True) -> Object:
    metadata: Object = {"name": name, "labels": LABELS}
    if namespaced:
        metadata["namespace"] = NAMESPACE
    made: Object = {"apiVersion": version, "kind": kind, "metadata": metadata}
    return made if spec is None else {**made, "spec": spec}

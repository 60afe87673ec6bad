"""State the objects the cluster itself needs: rights of its components, the DNS and metrics services. Pure."""

import base64
from pathlib import Path

from slipway.local.cluster import facts

Object = dict[str, object]

_RBAC = "rbac.authorization.k8s.io"
_LABELS = {"app.kubernetes.io/managed-by": "slipway-local"}
_READ = ["get", "list", "watch"]


def _object(version: str, kind: str, name: str, namespace: str | None = None, **fields: object) -> Object:
    metadata: dict[str, object] = {"name": name, "labels": _LABELS}
    if namespace is not None:
        metadata["namespace"] = namespace
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _rule(group: str, resources: list[str], verbs: list[str]) -> Object:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _grant(user: str, role: str) -> Object:
    """Bind a ClusterRole to the user of a client certificate, everywhere."""
    return _object(
        f"{_RBAC}/v1",
        "ClusterRoleBinding",
        f"{user}:{role}",
        roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        subjects=[{"apiGroup": _RBAC, "kind": "User", "name": user}],
    )


def _role(name: str, *rules: Object) -> Object:
    return _object(f"{_RBAC}/v1", "ClusterRole", name, rules=list(rules))


def rights() -> list[Object]:
    """The ClusterRoles that the components document, bound to their own users; nobody but the person is admin."""
    reader = _role("system:aggregated-metrics-reader", _rule("metrics.k8s.io", ["pods", "nodes"], _READ))
    reader["metadata"] = {
        "name": "system:aggregated-metrics-reader",
        "labels": _LABELS | {f"{_RBAC}/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")},
    }
    auth_reader = _object(
        f"{_RBAC}/v1",
        "RoleBinding",
        "slipway:metrics-server:auth-reader",
        "kube-system",
        roleRef={"apiGroup": _RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
        subjects=[{"apiGroup": _RBAC, "kind": "User", "name": "slipway:metrics-server"}],
    )
    return [
        _grant("slipway:apiserver-kubelet", "system:kubelet-api-admin"),
        _role(
            "slipway:coredns",
            _rule("", ["services", "namespaces"], ["list", "watch"]),
            _rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
        ),
        _grant("slipway:coredns", "slipway:coredns"),
        _role(
            "slipway:metrics-server",
            _rule("", ["nodes/metrics"], ["get"]),
            _rule("", ["pods", "nodes"], _READ),
        ),
        _grant("slipway:metrics-server", "slipway:metrics-server"),
        _grant("slipway:metrics-server", "system:auth-delegator"),
        auth_reader,
        reader,
        _role(
            "slipway:kwok",
            _rule("", ["events"], ["create", "patch", "update"]),
            _rule("", ["nodes"], _READ),
            _rule("", ["nodes/status", "pods/status"], ["patch", "update"]),
            _rule("", ["pods"], [*_READ, "delete", "patch", "update"]),
            _rule("coordination.k8s.io", ["leases"], [*_READ, "create", "patch", "update"]),
        ),
        _grant("slipway:kwok", "slipway:kwok"),
    ]


def services() -> list[Object]:
    """Services without a selector: what they lead to are processes on the host, at the node's address."""
    dns = [("dns", "UDP", 53, 53), ("dns-tcp", "TCP", 53, 53)]
    return [
        *_host_service("kube-dns", dns, facts.DNS_SERVICE_IP),
        *_host_service("metrics-server", [("https", "TCP", 443, facts.METRICS_PORT)], None),
    ]


def _host_service(name: str, ports: list[tuple[str, str, int, int]], cluster_ip: str | None) -> list[Object]:
    """A Service and its one EndpointSlice; ports are (name, protocol, port, port on the host)."""
    spec: Object = {"ports": [{"name": n, "protocol": p, "port": at} for n, p, at, _ in ports]}
    if cluster_ip is not None:
        spec["clusterIP"] = cluster_ip
    endpoints = _object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        f"{name}-host",
        "kube-system",
        addressType="IPv4",
        endpoints=[{"addresses": [facts.NODE_IP], "conditions": {"ready": True}}],
        ports=[{"name": n, "protocol": p, "port": to} for n, p, _, to in ports],
    )
    endpoints["metadata"] = {
        "name": f"{name}-host",
        "namespace": "kube-system",
        "labels": {"kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "slipway-local"},
    }
    return [_object("v1", "Service", name, "kube-system", spec=spec), endpoints]


def metrics_api(authority: Path, started: str) -> Object:
    """The APIService of metrics-server. A changed `started` makes the apiserver ask at once whether it answers."""
    api = _object(
        "apiregistration.k8s.io/v1",
        "APIService",
        "v1beta1.metrics.k8s.io",
        spec={
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "caBundle": base64.b64encode(authority.read_bytes()).decode(),
            "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443},
        },
    )
    api["metadata"] = {
        "name": "v1beta1.metrics.k8s.io",
        "labels": _LABELS,
        "annotations": {"slipway.dev/metrics-server-started": started},
    }
    return api

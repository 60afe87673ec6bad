"""Speak to the apiserver with the administrator's certificate: the few requests that bringing up needs."""

import json
import ssl
from collections.abc import Mapping
from typing import Any

import urllib3

from slipway.local.cluster import facts
from slipway.local.host.errors import LocalError
from slipway.local.host.text import shortened

_TIMEOUT_S = 10.0
_FIELD_MANAGER = "slipway-local"
_RESOURCES = {
    # kind: its name in a path, and whether it lies in a namespace
    "APIService": ("apiservices", False),
    "Alertmanager": ("alertmanagers", True),
    "ClusterRole": ("clusterroles", False),
    "ClusterRoleBinding": ("clusterrolebindings", False),
    "ConfigMap": ("configmaps", True),
    "CustomResourceDefinition": ("customresourcedefinitions", False),
    "Deployment": ("deployments", True),
    "EndpointSlice": ("endpointslices", True),
    "GatewayClass": ("gatewayclasses", False),
    "Namespace": ("namespaces", False),
    "PersistentVolume": ("persistentvolumes", False),
    "PodDisruptionBudget": ("poddisruptionbudgets", True),
    "PodMonitor": ("podmonitors", True),
    "Prometheus": ("prometheuses", True),
    "PrometheusRule": ("prometheusrules", True),
    "Role": ("roles", True),
    "RoleBinding": ("rolebindings", True),
    "Service": ("services", True),
    "ServiceAccount": ("serviceaccounts", True),
    "StorageClass": ("storageclasses", False),
    "ValidatingAdmissionPolicy": ("validatingadmissionpolicies", False),
    "ValidatingAdmissionPolicyBinding": ("validatingadmissionpolicybindings", False),
}


class Api:
    """A connection to the apiserver. Importing the whole `kubernetes` package would take longer than the start."""

    def __init__(self) -> None:
        pki = facts.pki()
        context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=_TIMEOUT_S)

    def is_ready(self) -> bool:
        """Whether every readiness check of the apiserver passes. OSError: it does not answer."""
        return self._request("GET", "/readyz")[0] == 200

    def get(self, path: str) -> Any | None:
        """The object at `path`, None when there is none. OSError: no answer, or one that is not final."""
        status, body = self._request("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise OSError(f"GET {path}: {status} {_said(body)!r}")
        return json.loads(body)

    def apply(self, item: Mapping[str, Any]) -> None:
        """Server-side apply one object. LocalError: refused. OSError: no answer."""
        path = f"{path_of(item)}?fieldManager={_FIELD_MANAGER}&force=true"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        status, body = self._request("PATCH", path, json.dumps(item).encode(), headers)
        if status not in (200, 201):
            what = f"{item['kind']} {item['metadata']['name']}"
            raise LocalError(f"the cluster refused its own {what}: {status} {_said(body)!r}")

    def delete(self, path: str) -> None:
        """Delete the object at `path`, if it is there. OSError: no answer, or a refusal."""
        status, body = self._request("DELETE", path)
        if status not in (200, 202, 404):
            raise OSError(f"DELETE {path}: {status} {_said(body)!r}")

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        try:
            answer = self._pool.request(method, facts.API_URL + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(f"{method} {path}: {error}") from error
        return answer.status, answer.data


def path_of(item: Mapping[str, Any]) -> str:
    """Where the API has an object, by its version, kind, namespace and name."""
    version, metadata = item["apiVersion"], item["metadata"]
    resource, in_namespace = _RESOURCES[item["kind"]]
    folder = f"/namespaces/{metadata['namespace']}" if in_namespace else ""
    return f"{'/apis' if '/' in version else '/api'}/{version}{folder}/{resource}/{metadata['name']}"


def _said(body: bytes) -> str:
    return shortened(body.decode(errors="replace"), 300)

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
_PATHS = {
    "APIService": "/apis/apiregistration.k8s.io/v1/apiservices",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
    "Service": "/api/v1/namespaces/{namespace}/services",
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
        metadata = item["metadata"]
        folder = _PATHS[item["kind"]].format(namespace=metadata.get("namespace"))
        path = f"{folder}/{metadata['name']}?fieldManager={_FIELD_MANAGER}&force=true"
        headers = {"Content-Type": "application/apply-patch+yaml"}
        status, body = self._request("PATCH", path, json.dumps(item).encode(), headers)
        if status not in (200, 201):
            what = f"{item['kind']} {metadata['name']}"
            raise LocalError(f"the cluster refused its own {what}: {status} {_said(body)!r}")

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        try:
            answer = self._pool.request(method, facts.API_URL + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(f"{method} {path}: {error}") from error
        return answer.status, answer.data


def _said(body: bytes) -> str:
    return shortened(body.decode(errors="replace"), 300)

"""Talk to the API server: few raw calls, each with a limit; connecting is the business of the package `kubernetes`."""

import ipaddress
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import load_kube_config
from kubernetes.config.config_exception import ConfigException

from slipway_edge.values.errors import Away, Bad, EdgeError
from slipway_edge.values.objects import KINDS, Json

_CONNECT_S = 5.0
_READ_S = 30.0
_FIELD_MANAGER = "slipway-edge"
_APPLY = "application/apply-patch+yaml"
_TEXT_LIMIT = 300
_MISTAKES = (ConfigException, OSError, ValueError, TypeError, AttributeError, KeyError)
"""What the package raises for a kubeconfig that is missing, is no YAML, or has a list where a mapping should be."""
_PATHS = {**KINDS, "Pod": ("v1", "pods")}


class Api:
    """One namespace of one cluster. All but `post` raise `Away` for no answer, and for an answer that is a refusal.

    Args:
        client: knows the server, who signed its certificate, and who asks.
        namespace: of all that is asked.
    """

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace

    def read(self, kind: str, name: str) -> Json | None:
        """Return an object; None: there is none."""
        status, body = self._asked("GET", self._path(kind, name))
        return None if status == 404 else _object(status, body, f"read {kind} {name}")

    def list(self, kind: str, labels: Mapping[str, str]) -> list[Json]:
        """Return the objects that have these labels."""
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
        status, body = self._asked("GET", f"{self._path(kind)}?{urlencode(query)}")
        found: list[Json] = _object(status, body, f"list objects of kind {kind}")["items"]
        return found

    def apply(self, manifest: Json) -> None:
        """Have an object be so, by server-side apply.

        Raises:
            Bad: the server says that there can be no such object.
            Away: no answer, or the agent may not.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        query = urlencode({"fieldManager": _FIELD_MANAGER, "force": "true"})
        status, body = self._asked("PATCH", f"{self._path(kind, name)}?{query}", json.dumps(manifest).encode(), _APPLY)
        if status in (400, 422):
            raise Bad(f"the cluster refused {kind} {name}: {said(body)}")
        _object(status, body, f"apply {kind} {name}")

    def delete(self, kind: str, name: str) -> None:
        """Delete an object; what Kubernetes made because of it goes later. None there: nothing happens."""
        status, body = self._asked("DELETE", self._path(kind, name), b'{"propagationPolicy":"Background"}')
        if status != 404:
            _object(status, body, f"delete {kind} {name}")

    def post(self, pod: str, port: int, path: str, body: bytes, timeout_s: float, limit: int) -> tuple[int, bytes]:
        """POST JSON to a pod, by the API server's proxy; gives its status, and at most `limit` bytes and one.

        Raises:
            Away: the API server does not answer, or says itself that the agent may not.
            TimeoutError: no answer of the pod within `timeout_s`.
        """
        at = f"{self._path('Pod', f'{pod}:{port}')}/proxy{path}"
        status, answer = self._asked("POST", at, body, timeout_s=timeout_s, limit=limit)
        if status in (401, 403) and said(answer):
            raise Away(f"API server: ask pod {pod}: status {status}: {said(answer)}")
        return status, answer

    def _path(self, kind: str, name: str | None = None) -> str:
        version, plural = _PATHS[kind]
        root = "apis" if "/" in version else "api"
        path = f"/{root}/{version}/namespaces/{quote(self._namespace)}/{plural}"
        return path if name is None else f"{path}/{quote(name, safe=':')}"

    def _asked(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content: str = "application/json",
        *,
        timeout_s: float = _READ_S,
        limit: int | None = None,
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "Content-Type": content}
        method, url, headers, *_ = self._client.param_serialize(
            method, path, header_params=headers, auth_settings=["BearerToken"]
        )
        try:
            # The package's own request() would encode the body again, and parse an answer that may be a model's.
            reply = self._client.rest_client.pool_manager.request(
                method,
                url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=timeout_s),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            answer = reply.read(None if limit is None else limit + 1)
            reply.release_conn()
        except urllib3.exceptions.ReadTimeoutError:
            if limit is not None:
                raise TimeoutError from None
            raise Away(f"API server: no answer to {method} {path} within {timeout_s:.0f} s") from None
        except urllib3.exceptions.HTTPError as error:
            raise Away(f"API server at {self._client.configuration.host}: {type(error).__name__}") from None
        return reply.status, answer


def connected(kubeconfig: Path, namespace: str) -> Api:
    """A namespace of the cluster of a kubeconfig's current context; nothing is asked yet.

    Raises:
        EdgeError: there is no such file, others may read it, it is no kubeconfig, or it would trust anybody.
    """
    try:
        mode = kubeconfig.stat().st_mode & 0o777
    except OSError as error:
        raise EdgeError(f"--kubeconfig {kubeconfig}: {error.strerror}; next: name the agent's kubeconfig") from None
    if mode & 0o077:
        raise EdgeError(
            f"{kubeconfig} has mode {mode:o}; allowed: 600; next: chmod 600, and a new token if others read it"
        )
    configuration = Configuration()
    try:
        load_kube_config(str(kubeconfig), None, configuration)  # type: ignore[no-untyped-call]
    except _MISTAKES as error:
        text = " ".join(str(error).split())[:_TEXT_LIMIT]
        raise EdgeError(f"{kubeconfig} is no kubeconfig with a current context: {text}") from None
    url = urlsplit(configuration.host)
    if url.scheme != "https" and not _loopback(url.hostname or ""):
        raise EdgeError(f"{kubeconfig}: server is {configuration.host!r}; allowed: https, since a token passes on it")
    if not configuration.verify_ssl:
        raise EdgeError(f"{kubeconfig} says insecure-skip-tls-verify; allowed: certificate-authority of the cluster")
    if _loopback(url.hostname or "") and configuration.proxy in getproxies().values():
        # As kubectl does it: no proxy of the environment leads to this machine's own loopback.
        configuration.proxy = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", urllib3.exceptions.DependencyWarning)
        return Api(ApiClient(configuration), namespace)


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _object(status: int, body: bytes, what: str) -> Json:
    if not 200 <= status < 300:
        todo = "; next: give it the rights that slipway-edge role prints" if status == 403 else ""
        raise Away(f"API server: {what}: status {status}: {said(body)}{todo}")
    found: Json = json.loads(body)
    return found


def said(body: bytes) -> str:
    """What the API server says itself, in its own form; empty: somebody else answered."""
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(answer, dict) or answer.get("kind") != "Status" or answer.get("apiVersion") != "v1":
        return ""
    return " ".join(str(answer.get("message") or answer.get("reason") or "refused").split())[:_TEXT_LIMIT]

"""Talk to the cluster that serves: few, raw REST calls, each with a limit.

Typed clients of the `kubernetes` package would parse thousands of fields that nobody here looks at, so
objects stay the JSON that the API server sent. Authentication, TLS, proxies and kubeconfig are the package's.
"""

import json
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast
from urllib.parse import quote, urlencode

import urllib3
import urllib3.exceptions
from slipway_server.values.text import shortened

from slipway.cluster.kubeconfig import asking_for_credentials, connect, proxy_of
from slipway.cluster.pod_program import Streams, run_in_pod
from slipway.cluster.port_forward import post
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.render.environment_objects import ENVIRONMENT_OBJECTS
from slipway.render.objects import MODEL_OBJECTS
from slipway.values.aliases import Json

_CONNECT_S = 5.0
_PROXIED = "/proxy/"
_ONCE = urllib3.Retry(connect=1, read=0, redirect=0, status=0, other=0, respect_retry_after_header=False)
_PATIENT = urllib3.Retry(
    total=8,
    connect=1,
    read=0,
    redirect=0,
    other=0,
    allowed_methods=None,
    raise_on_status=False,
    retry_after_max=5,
)
"""With Retry-After the API server has not begun a request: it is starting, or has too many. Any may be sent again."""
_METADATA_ONLY = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
_MESSAGE_LENGTH = 2000
_PATHS = (
    {row.kind: row.path for row in MODEL_OBJECTS}
    | dict(ENVIRONMENT_OBJECTS)
    | {
        "Namespace": "api/v1/namespaces",
        "Node": "api/v1/nodes",
        "Pod": "api/v1/namespaces/{namespace}/pods",
        "Job": "apis/batch/v1/namespaces/{namespace}/jobs",
        "Event": "api/v1/namespaces/{namespace}/events",
        "ReplicaSet": "apis/apps/v1/namespaces/{namespace}/replicasets",
        "Lease": "apis/coordination.k8s.io/v1/namespaces/{namespace}/leases",
        "GatewayClass": "apis/gateway.networking.k8s.io/v1/gatewayclasses",
        "StorageClass": "apis/storage.k8s.io/v1/storageclasses",
        "ClusterRoleBinding": "apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "CustomResourceDefinition": "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    }
)
"""The objects of models and of environments, and what Slipway looks at beside them."""
_OPTIONAL = {row.kind for row in MODEL_OBJECTS if row.optional_api} | set(ENVIRONMENT_OBJECTS)

Items = list[Json]


class Cluster:
    """One namespace of one cluster, through one context of a kubeconfig.

    Raises `ContextUnknown` when the kubeconfig or the context is not there, and from every call `NoCredentials`,
    `ClusterUnreachable` (no answer in time) or `ApiRefused` (an answer other than 2xx).
    """

    def __init__(self, context: str, namespace: str, kubeconfig: Json | None = None) -> None:
        """Take `kubeconfig`, or read $KUBECONFIG or ~/.kube/config; no request is made yet."""
        self.context = context
        self.namespace = namespace
        self._api = connect(context, kubeconfig)

    def url(self, kind: str, name: str = "") -> str:
        """Path of a kind's collection in the namespace, or of one object of it; `LookupError` for an unknown kind."""
        if kind not in _PATHS:
            raise LookupError(f"no path is known of kind {kind}; the known ones are {', '.join(sorted(_PATHS))}")
        path = "/" + _PATHS[kind].format(namespace=quote(self.namespace))
        return f"{path}/{quote(name)}" if name else path

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout_s: float = 15.0,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send one request and return the body of its answer.

        `body` may be bytes (sent as they are) or anything JSON. `timeout_s` bounds the read. `headers` are sent beside
        those of every request.
        """
        full = f"{path}?{urlencode(query)}" if query else path
        with asking_for_credentials(self.context):
            method, url, sent, _, _ = self._api.param_serialize(
                method,
                full,
                header_params={"Accept": accept, "Content-Type": content_type, **(headers or {})},
                auth_settings=["BearerToken"],
            )
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        started = time.monotonic()
        try:
            # The package's own request() would encode a body again by its content type, so that bytes for a
            # Service (an image, a multipart form) could not pass: its connection pool is used directly.
            answer = self._api.rest_client.pool_manager.request(
                method,
                url,
                body=data,
                headers=sent,
                timeout=urllib3.Timeout(connect=_CONNECT_S, read=timeout_s),
                # What is asked through a Service says "later" itself, to whoever asked.
                retries=_ONCE if _PROXIED in path else _PATIENT,
            )
        except urllib3.exceptions.HTTPError as error:
            host, waited_s = self._api.configuration.host, time.monotonic() - started
            proxy = proxy_of(self._api)
            raise ClusterUnreachable(self.context, host, waited_s, _reason(error), proxy) from error
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise ApiRefused(method, path, answer.status, _text(answer.data))
        return answer.data

    def read(self, kind: str, name: str) -> Json | None:
        """Return one object, or None when there is none of that name."""
        try:
            return cast(Json, json.loads(self.request("GET", self.url(kind, name))))
        except ApiRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def exists(self, kind: str, name: str) -> bool:
        """Whether there is an object of that name; its content, which may be secret, is not sent."""
        try:
            self.request("GET", self.url(kind, name), accept=_METADATA_ONLY.format(""))
        except ApiRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def _items(self, kind: str, query: Mapping[str, str], accept: str) -> list[Json]:
        """The objects of a kind; none of one that the cluster does not know and that not every environment has."""
        try:
            answer = json.loads(self.request("GET", self.url(kind), query=query, accept=accept))
        except ApiRefused as error:
            if error.status == HTTPStatus.NOT_FOUND and kind in _OPTIONAL:
                return []
            raise
        # Of metadata alone, an empty list is null.
        return cast(list[Json], answer["items"] or [])

    def list(self, kind: str, selector: str = "", fields: str = "") -> list[Json]:
        """Return all objects of a kind that match label and field selectors; none without a namespace."""
        given = {"labelSelector": selector, "fieldSelector": fields}
        query = {key: value for key, value in given.items() if value}
        return self._items(kind, query, "application/json")

    def names(self, kind: str, selector: str) -> tuple[str, ...]:
        """Return the names of all objects of a kind which carry the labels, without their content."""
        return tuple(item["metadata"]["name"] for item in self.metadata(kind, selector))

    def metadata(self, kind: str, selector: str) -> Items:
        """Return all objects of a kind which carry the labels, without their content."""
        return self._items(kind, {"labelSelector": selector}, _METADATA_ONLY.format("List"))

    def apply(self, manifest: Json, field_manager: str) -> Json:
        """Server-side apply of one object in the namespace, taking over fields that others held."""
        path = self.url(manifest["kind"], manifest["metadata"]["name"])
        query = {"fieldManager": field_manager, "force": "true"}
        data = self.request("PATCH", path, query=query, body=manifest, content_type="application/apply-patch+yaml")
        return cast(Json, json.loads(data))

    def create(self, manifest: Json) -> Json:
        """Create one object; `ApiRefused` with status 409 when it exists."""
        return cast(Json, json.loads(self.request("POST", self.url(manifest["kind"]), body=manifest)))

    def replace(self, manifest: Json) -> Json:
        """Replace one object; `ApiRefused` with status 409 when it changed since it was read."""
        path = self.url(manifest["kind"], manifest["metadata"]["name"])
        return cast(Json, json.loads(self.request("PUT", path, body=manifest)))

    def delete(self, kind: str, name: str, *, resource_version: str | None = None) -> None:
        """Delete one object; one that is not there is fine."""
        options: Json = {"propagationPolicy": "Background"}
        if resource_version:
            options["preconditions"] = {"resourceVersion": resource_version}
        try:
            self.request("DELETE", self.url(kind, name), body=options)
        except ApiRefused as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def through_service(
        self,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        port: str = "http",
    ) -> bytes:
        """Send a request to a port of a Service by way of the API server's proxy (GET without a body, else POST).

        It works wherever the kubeconfig works: no tunnel, no exposed port. The proxy passes `headers` on, except
        Authorization, which is for the API server itself.
        """
        proxied = f"{self.url('Service')}/{quote(service)}:{quote(port)}/proxy{path}"
        method = method or ("GET" if body is None else "POST")
        return self.request(method, proxied, body=body, content_type=content_type, timeout_s=timeout_s, headers=headers)

    def through_pod(self, pod: str, port: int, path: str, body: bytes, content_type: str, timeout_s: float) -> bytes:
        """Post a body to a server in one pod, at its own loopback; see `slipway.cluster.port_forward`."""
        return post(self._api, (self.context, self.namespace, pod), port, path, body, content_type, timeout_s)

    def in_pod(self, at: tuple[str, str], command: Sequence[str], streams: Streams, limit_s: float) -> None:
        """Run a program in a container, `at` its pod and name; see `slipway.cluster.pod_program`."""
        run_in_pod(self._api, (self.context, self.namespace, *at), command, streams, limit_s)


def _text(body: object) -> str:
    """Return the readable part of an error's body: the API server's message, or the text itself."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(body or "")
    try:
        parsed = json.loads(text)
    except ValueError:
        return shortened(text.strip(), _MESSAGE_LENGTH)
    if isinstance(parsed, dict) and isinstance(parsed.get("message"), str):
        return shortened(cast(str, parsed["message"]), _MESSAGE_LENGTH)
    return shortened(text.strip(), _MESSAGE_LENGTH)


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    """Return the innermost cause, which is the sentence a person can act on."""
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or cause.__cause__) and isinstance(inner, BaseException):
        cause = inner
    return str(cause)

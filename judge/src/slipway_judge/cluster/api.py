"""Speak to the API server as the judge's ServiceAccount."""

import os
import ssl
from pathlib import Path
from typing import Any

import httpx
import orjson

from slipway_judge.telemetry.log import log
from slipway_judge.telemetry.metrics import Metrics

_LIMIT_S = 3.0


class UnreachableError(Exception):
    """The API server did not answer, or not as it should: the same may work a moment later."""


class ConflictError(Exception):
    """The object is not as the change expects it: read it again."""


class MissingError(Exception):
    """There is no such object."""


class Api:
    """The API server; its outages are logged when they begin and when they end."""

    def __init__(self, service_account: Path, api_url: str | None, metrics: Metrics) -> None:
        """Nothing is asked yet.

        Args:
            service_account: folder with the pod's token and the API server's authority.
            api_url: the API server; None: the pod's.
            metrics: where an outage shows.
        """
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        server = api_url or f"https://{f'[{host}]' if ':' in host else host}:{port}"
        authority = service_account / "ca.crt"
        self._token = service_account / "token"
        self._client = httpx.AsyncClient(
            base_url=server,
            verify=ssl.create_default_context(cafile=str(authority)) if server.startswith("https") else True,
            timeout=_LIMIT_S,
            trust_env=False,
        )
        self._metrics = metrics
        self._failing = False

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def get(self, path: str) -> dict[str, Any]:
        """Return an object.

        Raises:
            MissingError: there is none.
            UnreachableError: nobody can tell.
        """
        return await self._asked("GET", path, None, "application/json")

    async def merge(self, path: str, patch: dict[str, Any]) -> dict[str, Any]:
        """Change an object by a merge patch and return it; one with a `resourceVersion` changes that version alone.

        Raises:
            ConflictError: it is of another version.
            MissingError: there is none.
            UnreachableError: it may have been changed, or not.
        """
        return await self._asked("PATCH", path, patch, "application/merge-patch+json")

    async def patch(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        """Change an object by a JSON patch and return it.

        Raises:
            ConflictError: a test of the patch fails.
            MissingError: there is none.
            UnreachableError: it may have been changed, or not.
        """
        return await self._asked("PATCH", path, operations, "application/json-patch+json")

    async def _asked(self, method: str, path: str, body: object, kind: str) -> dict[str, Any]:
        try:
            # The kubelet renews the token in its file.
            headers = {"Authorization": f"Bearer {self._token.read_text().strip()}", "Content-Type": kind}
            content = None if body is None else orjson.dumps(body)
            answer = await self._client.request(method, path, content=content, headers=headers)
            # 422: a test of a JSON patch failed, or the path in it is not there.
            if answer.status_code in (409, 422):
                raise ConflictError(f"{method} {path}: {answer.status_code}")
            if answer.status_code == 404:
                raise MissingError(path)
            answer.raise_for_status()
            document: dict[str, Any] = orjson.loads(answer.content)
        except (httpx.HTTPError, OSError, ValueError) as error:
            status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
            self._fails(True, reason=type(error).__name__, status=status, method=method, path=path)
            raise UnreachableError(f"{method} {path}: {type(error).__name__}") from None
        self._fails(False)
        return document

    def _fails(self, failing: bool, **values: object) -> None:
        if failing != self._failing:
            log("API server does not answer" if failing else "API server answers again", **values)
        self._failing = failing
        self._metrics.unreachable("api_server", failing)

"""Read one kind of object of the pod's namespace from the API server, and hear that something of it changed."""

import os
import ssl
from pathlib import Path
from typing import Any

import httpx
import orjson

from slipway_keys.telemetry.log import log

_LIMIT_S = 5.0


class UnreadableError(Exception):
    """The API server did not answer, or not as it should."""


class Collection:
    """All objects of one kind in the pod's namespace, read whole: nothing can confuse that."""

    def __init__(self, service_account: Path, api_url: str | None, group: str, plural: str, watch_s: int) -> None:
        """Nothing is asked yet.

        Args:
            service_account: folder with the pod's token, the API server's authority and the namespace.
            api_url: the API server; None: the pod's.
            group: group and version, as in paths.
            plural: the kind, as in paths.
            watch_s: for how long to wait for a change before all is read anyway, seconds. A connection whose other end
                vanished without a word is noticed only then.
        """
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        self._folder = service_account
        self._server = api_url or f"https://{f'[{host}]' if ':' in host else host}:{port}"
        self._group, self._plural, self._watch_s = group, plural, watch_s
        self._failing = False

    async def items(self) -> tuple[list[dict[str, Any]], str]:
        """All objects, and the version from which to wait for changes.

        Raises:
            UnreadableError: there was no such answer; the log says so when it begins and when it ends.
        """
        try:
            async with self._client() as client:
                answer = await client.get(self._path())
                answer.raise_for_status()
                document = orjson.loads(answer.content)
            found = list(document["items"]), str(document["metadata"]["resourceVersion"])
        except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError, ssl.SSLError) as error:
            if not self._failing:
                log("not read from the API server", kind=self._plural, reason=type(error).__name__)
            self._failing = True
            raise UnreadableError from None
        if self._failing:
            log("read from the API server again", kind=self._plural)
        self._failing = False
        return found

    async def until_change(self, version: str) -> None:
        """Return as soon as an object changed, and after `watch_s` in any case.

        Raises:
            UnreadableError: nobody could tell.
        """
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": str(self._watch_s)}
        try:
            async with (
                self._client(self._watch_s + _LIMIT_S) as client,
                client.stream("GET", self._path(), params=query) as answer,
            ):
                answer.raise_for_status()
                async for _ in answer.aiter_lines():
                    return
        except (httpx.HTTPError, OSError, ssl.SSLError):
            raise UnreadableError from None

    def _client(self, read_s: float = _LIMIT_S) -> httpx.AsyncClient:
        # The kubelet renews the token in its file.
        token = (self._folder / "token").read_text().strip()
        authority = self._folder / "ca.crt"
        context = ssl.create_default_context(cafile=str(authority)) if authority.exists() else False
        return httpx.AsyncClient(
            base_url=self._server,
            headers={"Authorization": f"Bearer {token}"},
            verify=context if self._server.startswith("https") and context else True,
            timeout=httpx.Timeout(_LIMIT_S, read=read_s),
            trust_env=False,
        )

    def _path(self) -> str:
        namespace = (self._folder / "namespace").read_text().strip()
        return f"/apis/{self._group}/namespaces/{namespace}/{self._plural}"

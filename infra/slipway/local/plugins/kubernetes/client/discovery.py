"""Find where the API server keeps objects of a kind; asked once per API version, again when a kind is missing."""

import asyncio
import time
from dataclasses import dataclass

from slipway.local.plugins.kubernetes.client.api import Api, ApiError
from slipway.local.plugins.kubernetes.client.kinds import Kind

_AGAIN_S = 0.5
"""A kind that was missing is not asked for again within this time."""


@dataclass(frozen=True, slots=True)
class Resource:
    """Where the objects of a kind are: `root` is /api/v1 or /apis/<group>/<version>."""

    root: str
    plural: str
    namespaced: bool

    def collection(self, namespace: str) -> str:
        """The path of all objects of the kind in a namespace."""
        return f"{self.root}/namespaces/{namespace}/{self.plural}" if self.namespaced else f"{self.root}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """The path of one object."""
        return f"{self.collection(namespace)}/{name}"


class KindMissingError(Exception):
    """The API server does not know the kind (yet)."""

    def __init__(self, kind: Kind, address: str) -> None:
        super().__init__(
            f"the API server {address} does not know the kind {kind}; install the CustomResourceDefinition that "
            "defines it first (and let this resource depend on it), or correct apiVersion and kind"
        )


class Discovery:
    """The kinds of one cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._versions: dict[str, dict[str, Resource]] = {}
        self._asked: dict[str, float] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def find(self, kind: Kind) -> Resource:
        """Where objects of the kind are. Raises KindMissingError, ApiError, UnreachableError."""
        version = kind.api_version
        if kind.kind not in self._versions.get(version, {}):
            async with self._locks.setdefault(version, asyncio.Lock()):
                fresh = time.monotonic() - self._asked.get(version, float("-inf")) < _AGAIN_S
                if kind.kind not in self._versions.get(version, {}) and not fresh:
                    self._versions[version] = await self._ask(version)
                    self._asked[version] = time.monotonic()
        try:
            return self._versions[version][kind.kind]
        except KeyError:
            raise KindMissingError(kind, self._api.address) from None

    def forget(self) -> None:
        """Ask again from now on: a definition of kinds changed."""
        self._versions.clear()
        self._asked.clear()

    async def _ask(self, version: str) -> dict[str, Resource]:
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            answer = await self._api.get(root)
        except ApiError as error:
            if error.code == 404:
                return {}
            raise
        return {
            item["kind"]: Resource(root, item["name"], bool(item["namespaced"]))
            for item in answer.get("resources", [])
            if "/" not in item["name"]
        }

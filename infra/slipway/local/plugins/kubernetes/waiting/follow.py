"""Keep a live copy of some objects by watching them, through restarts of the API server."""

import asyncio
import time
from collections.abc import Callable

import aiohttp

from slipway.local.plugins.kubernetes.client.api import UNREACHABLE_S, Api, ApiError, UnreachableError
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest

_PAUSE_S = 0.3
_WATCH_S = "540"
"""A watch is renewed after this time, before anything between here and the server thinks that it is idle."""


async def follow(
    api: Api, path: str, selector: dict[str, str], into: dict[str, Manifest], changed: Callable[[], None]
) -> None:
    """Fill `into` (by uid) with the objects of a collection that `selector` selects, for as long as this runs.

    Each watch starts with what is there, so one that broke off loses nothing. An object that goes away leaves
    `into`. Raises UnreachableError when the server stays away for UNREACHABLE_S seconds, ApiError when it refuses.
    """
    lost_at: float | None = None
    while True:
        cause = "the watch ended"
        into_next: dict[str, Manifest] = {}
        try:
            async for event in api.stream(
                path, watch="true", timeoutSeconds=_WATCH_S, allowWatchBookmarks="true", sendInitialEvents="true",
                resourceVersionMatch="NotOlderThan", **selector,
            ):  # fmt: skip
                lost_at = None
                into_next = _take(event, into_next, into, changed)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            cause = str(error) or type(error).__name__
        except ApiError as error:
            if error.code not in (410, 429, 500, 502, 503, 504):
                raise
            cause = str(error)
        now = time.monotonic()
        lost_at = lost_at or now
        if now - lost_at > UNREACHABLE_S:
            raise UnreachableError(api.address, now - lost_at, cause)
        await asyncio.sleep(_PAUSE_S)


def _take(
    event: Manifest, initial: dict[str, Manifest] | None, into: dict[str, Manifest], changed: Callable[[], None]
) -> dict[str, Manifest]:
    """Take one event; what was there at first arrives as ADDED and is complete at the marked bookmark."""
    kind, manifest = event.get("type"), event.get("object") or {}
    if kind == "ERROR":
        raise ApiError(int(manifest.get("code", 500)), manifest)
    metadata = manifest.get("metadata", {})
    if kind == "BOOKMARK":
        if (metadata.get("annotations") or {}).get("k8s.io/initial-events-end") == "true":
            for uid in into.keys() - (initial or {}).keys():
                del into[uid]
            changed()
        return initial or {}
    uid = str(metadata.get("uid"))
    if kind == "DELETED":
        into.pop(uid, None)
    else:
        into[uid] = manifest
        if initial is not None:
            initial[uid] = manifest
    changed()
    return initial or {}

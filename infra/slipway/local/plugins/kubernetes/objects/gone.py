"""Delete an object and wait until it is gone, finalizers included."""

import asyncio
import time
from typing import Any

import aiohttp

from slipway.local.plugins.kubernetes.client.api import Api, ApiError
from slipway.local.plugins.kubernetes.client.discovery import Resource
from slipway.local.plugins.kubernetes.waiting.settle import NotLiveError, Say
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, condition
from slipway.local.plugins.kubernetes.waiting.watching import annotations

PROPAGATION = "pulumi.com/deletionPropagationPolicy"
_POLICIES = {"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}
_QUIET_S = 1.0


def policy(manifest: Manifest) -> str:
    """How the object's dependents are deleted: before it, unless its annotation says otherwise. Raises ValueError."""
    text = annotations(manifest).get(PROPAGATION, "foreground")
    if text.lower() not in _POLICIES:
        raise ValueError(f"annotation {PROPAGATION} is {text!r}; allowed are {', '.join(_POLICIES)}")
    return _POLICIES[text.lower()]


async def delete(
    api: Api,
    resource: Resource,
    state: Manifest,
    namespace: str,
    name: str,
    limit_s: float,
    cancelled: asyncio.Event,
    say: Say,
) -> None:
    """Delete the object; one that is gone already is fine. With a limit of 0 it is not waited for.

    Raises ApiError when deletion is refused, NotLiveError when the object still exists after `limit_s` seconds (or at
    cancellation) with what holds it.
    """
    path = resource.path(namespace, name)
    body = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy(state)}
    try:
        answer = (await api.request("DELETE", path, {}, body)).body
    except ApiError as error:
        if error.code == 404:
            return
        raise
    if answer.get("kind") == "Status" or limit_s == 0:
        return
    wait = asyncio.create_task(_until_gone(api, resource, answer, namespace, say))
    stop = asyncio.create_task(cancelled.wait())
    try:
        await asyncio.wait({wait, stop}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        if wait.done():
            wait.result()
            return
        live = await _get(api, path) or answer
        why = "cancelled" if stop.done() else f"still there after {limit_s:.0f} s"
        raise NotLiveError(f"deletion was accepted but is not complete ({why}): {_held(live)}", live)
    finally:
        wait.cancel()
        stop.cancel()
        await asyncio.gather(wait, stop, return_exceptions=True)


async def _until_gone(api: Api, resource: Resource, doomed: Manifest, namespace: str, say: Say) -> None:
    """Look, then watch from what was seen, until the object with this uid is no more."""
    metadata, started = doomed["metadata"], time.monotonic()
    path = resource.path(namespace, metadata["name"])
    while True:
        live = await _get(api, path)
        if live is None or live["metadata"].get("uid") != metadata.get("uid"):
            return
        if time.monotonic() - started > _QUIET_S:
            await say(_held(live))
        params = {
            "watch": "true",
            "fieldSelector": f"metadata.name={metadata['name']}",
            "resourceVersion": live["metadata"]["resourceVersion"],
            "timeoutSeconds": "2" if time.monotonic() - started < _QUIET_S else "20",
        }
        try:
            if await _deleted(api, resource.collection(namespace), params):
                return
        except (ApiError, aiohttp.ClientError, TimeoutError, ValueError):
            # The look at the loop's start waits for a server that is away, for a limited time; then we watch again.
            await asyncio.sleep(0.2)


async def _deleted(api: Api, path: str, params: dict[str, str]) -> bool:
    async for event in api.stream(path, **params):
        if event.get("type") == "DELETED":
            return True
        if event.get("type") == "ERROR":
            return False
    return False


async def _get(api: Api, path: str) -> Manifest | None:
    try:
        return await api.get(path)
    except ApiError as error:
        if error.code == 404:
            return None
        raise


def _held(live: Manifest) -> str:
    """What keeps an object that is being deleted."""
    metadata: dict[str, Any] = live.get("metadata", {})
    if not metadata.get("deletionTimestamp"):
        return "its deletion was not taken up"
    remaining = [
        condition(live, kind).get("message") for kind in ("NamespaceContentRemaining", "NamespaceFinalizersRemaining")
    ]
    told = [text for text in remaining if text]
    finalizers = [*(metadata.get("finalizers") or []), *((live.get("spec") or {}).get("finalizers") or [])]
    if "foregroundDeletion" in finalizers:
        told.append("the objects that it owns are deleted first")
        finalizers.remove("foregroundDeletion")
    if finalizers:
        told.append(f"the controllers of its finalizers {', '.join(finalizers)} have to let it go")
    return "; ".join(told) or "its containers stop"

"""Wait until an object is live, or its time is up: watch it and what is around it, and judge at every change."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, fields
from typing import Any

from slipway.local.plugins.kubernetes.client.api import Api, UnreachableError
from slipway.local.plugins.kubernetes.client.discovery import Resource
from slipway.local.plugins.kubernetes.waiting import judge
from slipway.local.plugins.kubernetes.waiting.follow import follow
from slipway.local.plugins.kubernetes.waiting.verdict import Failed, Manifest, Ready, Related, Waiting
from slipway.local.plugins.kubernetes.waiting.watching import Watching, limit_s, rule

_QUIET_S = 0.5
"""Progress is told at most this often, and not for what is over sooner."""

Say = Callable[[str], Awaitable[None]]
Selector = dict[str, str]


@dataclass(frozen=True, slots=True)
class NotLiveError(Exception):
    """The object exists but is not live; `live` is how it was last seen."""

    reason: str
    live: Manifest

    def __str__(self) -> str:
        return self.reason


@dataclass(slots=True)
class _Watched:
    """What is seen so far by uid, and a bell that rings when it changes."""

    objects: dict[str, Manifest] = field(default_factory=dict)
    pods: dict[str, Manifest] = field(default_factory=dict)
    replica_sets: dict[str, Manifest] = field(default_factory=dict)
    endpoints: dict[str, Manifest] = field(default_factory=dict)
    services: dict[str, Manifest] = field(default_factory=dict)
    claims: dict[str, Manifest] = field(default_factory=dict)
    events: dict[str, Manifest] = field(default_factory=dict)
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def related(self) -> Related:
        seen = Related()
        for item in fields(self):
            if item.name not in ("objects", "bell"):
                setattr(seen, item.name, list(getattr(self, item.name).values()))
        return seen


async def settle(
    api: Api, resource: Resource, live: Manifest, custom_s: float, cancelled: asyncio.Event, say: Say
) -> Manifest:
    """Wait for the object `live` (as the server last gave it); returns it as it then is.

    Raises NotLiveError when it failed, its time is up, or the operation was cancelled.
    """
    verdict_of = rule(live)
    if verdict_of is None or isinstance(verdict_of(live, Related()), Ready):
        return live
    watching = Watching(live, verdict_of, limit_s(live, custom_s), time.monotonic())
    watched = _Watched()
    tasks = [asyncio.create_task(work) for work in _watches(api, resource, live, watched)]
    stop = asyncio.create_task(cancelled.wait())
    try:
        return await _Wait(live, watched, watching, say).run(tasks, stop)
    finally:
        for task in (*tasks, stop):
            task.cancel()
        await asyncio.gather(*tasks, stop, return_exceptions=True)


def _watches(api: Api, resource: Resource, live: Manifest, watched: _Watched) -> list[Coroutine[Any, Any, None]]:
    metadata, ring = live["metadata"], watched.bell.set
    one = {"fieldSelector": f"metadata.name={metadata['name']}"}
    own = follow(api, resource.collection(metadata.get("namespace", "")), one, watched.objects, ring)
    return [
        own,
        *(follow(api, path, which, getattr(watched, name), ring) for name, (path, which) in surroundings(live).items()),
    ]


def surroundings(live: Manifest) -> dict[str, tuple[str, Selector]]:
    """What around the object is needed to judge it: where that is in the API, and which of it."""
    awaited, metadata = judge.how(live), live["metadata"]
    namespace, named = metadata.get("namespace", ""), {"fieldSelector": f"metadata.name={metadata['name']}"}
    core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
    selected = {"labelSelector": label_selector(live)}
    all_of = {
        "pods": (f"{core}/pods", selected),
        "replica_sets": (f"{apps}/replicasets", selected),
        "endpoints": (f"{core}/endpoints", named if live.get("kind") == "Service" else {}),
        "services": (f"{core}/services", {}),
        "claims": (f"{core}/persistentvolumeclaims", {}),
        "events": (f"{core}/events", {"fieldSelector": f"involvedObject.uid={metadata.get('uid')}"}),
    }
    names = awaited.watches if awaited else ()
    return {name: all_of[name] for name in names if all_of[name][1] is not selected or selected["labelSelector"]}


def label_selector(live: Manifest) -> str:
    """The selector of a workload in the form that a query takes."""
    selector = (live.get("spec") or {}).get("selector") or {}
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for item in selector.get("matchExpressions") or []:
        key, values = item["key"], ",".join(item.get("values") or [])
        forms = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": key,
            "DoesNotExist": f"!{key}",
        }
        terms.append(forms[item["operator"]])
    return ",".join(terms)


class _Wait:
    """One wait in real time: looks at every change, tells progress."""

    def __init__(self, live: Manifest, watched: _Watched, watching: Watching, say: Say) -> None:
        self._live, self._watched, self._watching, self._say = live, watched, watching, say
        self._told, self._told_at = "", time.monotonic()

    async def run(self, tasks: list[asyncio.Task[None]], stop: asyncio.Task[bool]) -> Manifest:
        uid, seen, pause = self._live["metadata"]["uid"], False, _QUIET_S
        while True:
            ring = asyncio.create_task(self._watched.bell.wait())
            await asyncio.wait({ring, stop, *tasks}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            ring.cancel()
            self._watched.bell.clear()
            broken = next((task for task in tasks if task.done()), None)
            if broken is not None:
                raise NotLiveError(_broken(broken), self._live)
            found = self._watched.objects.get(uid)
            self._live, seen = found or self._live, seen or found is not None
            now = time.monotonic()
            # Before the first answer there is no status to judge, but the object as it was stored.
            live = None if seen and found is None else self._live
            verdict = self._watching.look(live, self._watched.related(), now, cancelled=stop.done())
            if isinstance(verdict, Ready):
                return self._live
            if isinstance(verdict, Failed):
                raise NotLiveError(verdict.reason, self._live)
            await self._tell(verdict, now)
            due = [self._watching.due(now), *([self._told_at + _QUIET_S] if verdict.reason != self._told else [])]
            pause = max(0.02, min(due) - now)

    async def _tell(self, verdict: Waiting, now: float) -> None:
        if verdict.reason != self._told and now - self._told_at >= _QUIET_S:
            self._told, self._told_at = verdict.reason, now
            await self._say(verdict.reason)


def _broken(task: asyncio.Task[None]) -> str:
    error = task.exception()
    if isinstance(error, UnreachableError):
        return f"{error}; the object is stored, run the command again to wait for it"
    return f"watching it failed: {error}"

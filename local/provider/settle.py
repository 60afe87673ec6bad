"""Wait until an object is live, or can be told to have failed, or its time is up."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from . import evidence, judge, waitfor
from .api import Api, UnreachableError
from .discovery import Resource
from .follow import follow
from .verdict import Failed, Manifest, Ready, Related, Verdict, Waiting

SKIP = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"
_DEFAULT_S = 600.0
_QUIET_S = 0.5
"""Progress is told at most this often, and not for what is over sooner."""

Say = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NotLiveError(Exception):
    """The object exists but is not live; `live` is how it was last seen."""

    reason: str
    live: Manifest

    def __str__(self) -> str:
        return self.reason


@dataclass(slots=True)
class _Watched:
    """What is seen so far, and a bell that rings when it changes."""

    objects: dict[str, Manifest] = field(default_factory=dict)
    pods: dict[str, Manifest] = field(default_factory=dict)
    replica_sets: dict[str, Manifest] = field(default_factory=dict)
    slices: dict[str, Manifest] = field(default_factory=dict)
    events: dict[str, Manifest] = field(default_factory=dict)
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def related(self) -> Related:
        return Related(
            list(self.pods.values()),
            list(self.replica_sets.values()),
            list(self.slices.values()),
            list(self.events.values()),
        )


def annotations(manifest: Manifest) -> dict[str, str]:
    """metadata.annotations."""
    return (manifest.get("metadata") or {}).get("annotations") or {}


def limit_s(manifest: Manifest, custom_s: float) -> float:
    """How long the object is waited for: customTimeouts, else its annotation, else its kind's default.

    Raises ValueError for an annotation that is no positive number of seconds.
    """
    if custom_s > 0:
        return custom_s
    text = annotations(manifest).get(TIMEOUT)
    if text is not None:
        if not text.isdigit() or int(text) == 0:
            raise ValueError(f"annotation {TIMEOUT} is {text!r}; expected a positive whole number of seconds")
        return float(text)
    awaited = judge.how(manifest)
    return awaited.limit_s if awaited else _DEFAULT_S


def rule(manifest: Manifest) -> Callable[[Manifest, Related], Verdict] | None:
    """How the object is judged; None when nothing is to be waited for. Raises waitfor.WaitForError."""
    if annotations(manifest).get(SKIP) == "true":
        return None
    text = annotations(manifest).get(waitfor.ANNOTATION)
    if text:
        expressions = waitfor.parse(text)
        return lambda live, _: waitfor.judge(expressions, live)
    return judge.judge if judge.how(manifest) else None


async def settle(
    api: Api, resource: Resource, live: Manifest, custom_s: float, cancelled: asyncio.Event, say: Say
) -> Manifest:
    """Wait for the object `live` (as the server last gave it); returns it as it then is.

    Raises NotLiveError when it failed, its time is up, or the operation was cancelled.
    """
    verdict_of = rule(live)
    if verdict_of is None or isinstance(verdict_of(live, Related()), Ready):
        return live
    limit = limit_s(live, custom_s)
    watched = _Watched()
    watches_around = verdict_of is judge.judge
    tasks = [asyncio.create_task(work) for work in _watches(api, resource, live, watched, around=watches_around)]
    stop = asyncio.create_task(cancelled.wait())
    try:
        return await _Wait(api, live, limit, watched, verdict_of, say).run(tasks, stop)
    finally:
        for task in (*tasks, stop):
            task.cancel()
        await asyncio.gather(*tasks, stop, return_exceptions=True)


def _watches(
    api: Api, resource: Resource, live: Manifest, watched: _Watched, *, around: bool
) -> list[Coroutine[Any, Any, None]]:
    metadata = live["metadata"]
    namespace, ring = metadata.get("namespace", ""), watched.bell.set
    one = {"fieldSelector": f"metadata.name={metadata['name']}"}
    works = [follow(api, resource.collection(namespace), one, watched.objects, ring)]
    awaited = judge.how(live)
    kinds = awaited.watches if awaited and around else ()
    selector = {"labelSelector": label_selector(live)}
    core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
    if "pods" in kinds and selector["labelSelector"]:
        works.append(follow(api, f"{core}/pods", selector, watched.pods, ring))
    if "replica_sets" in kinds and selector["labelSelector"]:
        works.append(follow(api, f"{apps}/replicasets", selector, watched.replica_sets, ring))
    if "slices" in kinds:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        of_service = {"labelSelector": f"kubernetes.io/service-name={metadata['name']}"}
        works.append(follow(api, path, of_service, watched.slices, ring))
    if "events" in kinds:
        works.append(
            follow(
                api, f"{core}/events", {"fieldSelector": f"involvedObject.uid={metadata['uid']}"}, watched.events, ring
            )
        )
    return works


def label_selector(live: Manifest) -> str:
    """The selector of a workload or a service in the form that a query takes."""
    selector = (live.get("spec") or {}).get("selector") or {}
    if live.get("kind") == "Service":
        return ",".join(f"{key}={value}" for key, value in selector.items())
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
    """One wait: judges at every change, tells progress, lets a failure mature, ends in time."""

    def __init__(
        self,
        api: Api,
        live: Manifest,
        limit: float,
        watched: _Watched,
        verdict_of: Callable[[Manifest, Related], Verdict],
        say: Say,
    ) -> None:
        self._api, self._live, self._limit, self._watched = api, live, limit, watched
        self._verdict_of, self._say = verdict_of, say
        self._started = time.monotonic()
        self._failing: tuple[str, float] | None = None
        self._told, self._told_at = "", self._started

    async def run(self, tasks: list[asyncio.Task[None]], stop: asyncio.Task[bool]) -> Manifest:
        uid, seen, pause = self._live["metadata"]["uid"], False, _QUIET_S
        verdict: Waiting | Failed = Waiting("the API server answers")
        while True:
            ring = asyncio.create_task(self._watched.bell.wait())
            await asyncio.wait({ring, stop, *tasks}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            ring.cancel()
            self._watched.bell.clear()
            broken = next((task for task in tasks if task.done()), None)
            if broken is not None:
                raise NotLiveError(_broken(broken), self._live)
            if uid not in self._watched.objects and seen:
                raise NotLiveError("it was deleted by somebody else while it was waited for", self._live)
            if uid in self._watched.objects:
                self._live, seen = self._watched.objects[uid], True
                seen_as = self._verdict_of(self._live, self._watched.related())
                if isinstance(seen_as, Ready):
                    return self._live
                verdict = seen_as
            if stop.done():
                raise NotLiveError(f"cancelled while it was waited for: {verdict.reason}", self._live)
            now = time.monotonic()
            await self._fail_if_mature(verdict, now)
            if now - self._started >= self._limit:
                raise NotLiveError(
                    f"not live after {self._limit:.0f} s: {await evidence.text(self._api, self._live, verdict)}",
                    self._live,
                )
            await self._tell(verdict.reason, now)
            pause = self._pause(verdict, now)

    async def _fail_if_mature(self, verdict: Waiting | Failed, now: float) -> None:
        if not isinstance(verdict, Failed):
            self._failing = None
            return
        if self._failing is None or self._failing[0] != verdict.code:
            self._failing = (verdict.code, now)
        if now - self._failing[1] < verdict.after_s:
            return
        if verdict.evidence == "scale-up" and await evidence.node_comes(self._api, self._live, verdict.pod):
            self._failing = (verdict.code, now)
            return
        raise NotLiveError(await evidence.text(self._api, self._live, verdict), self._live)

    async def _tell(self, reason: str, now: float) -> None:
        if reason != self._told and now - self._told_at >= _QUIET_S:
            self._told, self._told_at = reason, now
            await self._say(reason)

    def _pause(self, verdict: Waiting | Failed, now: float) -> float:
        """Until something is due that no event announces: telling, maturing, the limit."""
        due = [self._started + self._limit]
        if verdict.reason != self._told:
            due.append(self._told_at + _QUIET_S)
        if isinstance(verdict, Failed) and self._failing is not None:
            due.append(self._failing[1] + verdict.after_s)
        return max(0.02, min(due) - now)


def _broken(task: asyncio.Task[None]) -> str:
    error = task.exception()
    if isinstance(error, UnreachableError):
        return f"{error}; the object is stored, run the command again to wait for it"
    return f"watching it failed: {error}"

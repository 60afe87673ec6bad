"""Fetch what makes a failure understandable: the last lines of a container's log, the events of a pod."""

import logging

from .api import Api, ApiError, UnreachableError
from .verdict import Failed, Manifest, Waiting

log = logging.getLogger("local.provider")

_LINES = 10
_NO_LOG = "unable to retrieve container logs"
"""The kubelet's answer, with success, for a container that it has removed."""
_SCALING = frozenset({"TriggeredScaleUp", "Nominated", "NominatedForPods"})
"""Events by which cluster-autoscaler and Karpenter say that a node is on its way for a pod."""


async def text(api: Api, live: Manifest, verdict: Waiting | Failed) -> str:
    """The verdict's reason, with its evidence where there is some to be had."""
    if isinstance(verdict, Waiting):
        return verdict.reason
    namespace = live["metadata"].get("namespace", "")
    found = ""
    if verdict.evidence == "log" and verdict.pod:
        found = await _log(api, namespace, verdict.pod, verdict.container)
    elif verdict.evidence == "events" and verdict.pod:
        found = await _events(api, namespace, verdict.pod)
    return f"{verdict.reason}{found}"


async def node_comes(api: Api, live: Manifest, pod: str) -> bool:
    """Whether an autoscaler said that it gets a node for the pod."""
    events = await _list_events(api, live["metadata"].get("namespace", ""), pod)
    return any(event.get("reason") in _SCALING for event in events)


async def _log(api: Api, namespace: str, pod: str, container: str) -> str:
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
    chosen = {"container": container} if container else {}
    for previous in ("false", "true"):
        try:
            lines = await api.text(path, tailLines=str(_LINES), previous=previous, **chosen)
        except (ApiError, UnreachableError) as error:
            log.info("no log of %s/%s: %s", namespace, pod, error)
            continue
        if lines.strip() and not lines.startswith(_NO_LOG):
            return "\nlast lines of its log:\n" + "\n".join(f"  {line}" for line in lines.rstrip().splitlines())
    return ""


async def _events(api: Api, namespace: str, pod: str) -> str:
    told: list[str] = []
    for event in await _list_events(api, namespace, pod):
        if event.get("type") == "Warning" and event.get("message") not in told:
            told.append(str(event.get("message")))
    return f"; pod {pod}: " + "; ".join(told[-3:]) if told else ""


async def _list_events(api: Api, namespace: str, pod: str) -> list[Manifest]:
    try:
        answer = await api.get(
            f"/api/v1/namespaces/{namespace}/events", fieldSelector=f"involvedObject.name={pod},involvedObject.kind=Pod"
        )
    except (ApiError, UnreachableError) as error:
        log.info("no events of %s/%s: %s", namespace, pod, error)
        return []
    return list(answer.get("items") or [])

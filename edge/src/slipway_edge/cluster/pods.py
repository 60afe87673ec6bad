"""How the pod of a version fares, by what Kubernetes says of it."""

from collections.abc import Sequence
from typing import Literal

from slipway_edge.values.errors import Away, Bad
from slipway_edge.values.objects import Json

_PULLS = frozenset({"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"})
_REFUSED = frozenset(
    {
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "StartError",
    }
)
_CRASHED = "CrashLoopBackOff"
_OVER = frozenset({"Failed", "Succeeded"})
_TEXT_LIMIT = 200


def newest(pods: Sequence[Json]) -> Json | None:
    """The pod that stands for its version: none that is being deleted, and one that is over if there is no other."""
    there = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    return max(there, key=lambda pod: (_phase(pod) not in _OVER, pod["metadata"]["creationTimestamp"]), default=None)


def ended(pod: Json | None) -> str:
    """How its container ended; empty: it runs, or is on its way."""
    if pod is None:
        return ""
    state = _state(pod)
    waiting = state.get("waiting", {}).get("reason")
    if waiting in _REFUSED:
        return f"{waiting}: {_short(state['waiting'].get('message'))}"
    last = state.get("terminated") or (_container(pod).get("lastState", {}).get("terminated") if waiting else None)
    if last is not None and (waiting is None or waiting == _CRASHED):
        # Without what it logged, which may be a caller's: this is reported.
        return f"{last.get('reason', 'ended')}, exit code {last['exitCode']}"
    if _phase(pod) in _OVER:
        return f"{pod['status'].get('reason', _phase(pod))}: {_short(pod['status'].get('message'))}"
    return ""


def ready(pod: Json) -> bool:
    """Whether Services lead to it."""
    return bool(_condition(pod, "Ready").get("status") == "True")


def progress(pod: Json | None, deployment: Json | None) -> Literal["coming", "started"]:
    """Whether the container of a version has started, at least once: its image is there then.

    Raises:
        Away: no node has room, a quota is exhausted, or the image cannot be pulled now.
        Bad: the cluster does not take such a pod.
    """
    if pod is None:
        failure = _condition(deployment, "ReplicaFailure")
        if failure.get("status") == "True":
            text = _short(failure.get("message"))
            raise (Away if "exceeded quota" in text else Bad)(f"the cluster makes no pod: {text}")
        return "coming"
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        raise Away(f"no node takes it: {_short(scheduled.get('message'))}")
    state = _state(pod)
    waiting = state.get("waiting", {})
    if waiting.get("reason") in _PULLS:
        raise Away(f"pull: {_short(waiting.get('message'))}")
    if waiting.get("reason") in _REFUSED:
        raise Bad(f"the cluster refused to start it: {waiting['reason']}: {_short(waiting.get('message'))}")
    began = "running" in state or ended(pod) or _container(pod).get("restartCount", 0)
    return "started" if began else "coming"


def _phase(pod: Json) -> str:
    phase: str = pod.get("status", {}).get("phase", "Pending")
    return phase


def _container(pod: Json) -> Json:
    statuses: list[Json] = pod.get("status", {}).get("containerStatuses") or [{}]
    return statuses[0]


def _state(pod: Json) -> Json:
    state: Json = _container(pod).get("state") or {}
    return state


def _condition(found: Json | None, kind: str) -> Json:
    conditions: list[Json] = (found or {}).get("status", {}).get("conditions") or []
    return next((one for one in conditions if one.get("type") == kind), {})


def _short(text: str | None) -> str:
    return " ".join((text or "").split())[:_TEXT_LIMIT]

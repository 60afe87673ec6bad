"""Judge a pod, and say what keeps it from being ready. Nothing that a pod may show ends a wait: it may pass."""

from collections.abc import Iterable

from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Ready, Verdict, Waiting, condition, holds, name


def judge(pod: Manifest) -> Verdict:
    """Whether the pod is scheduled and initialized, and is ready or has succeeded."""
    succeeded = (pod.get("status") or {}).get("phase") == "Succeeded"
    if holds(pod, "PodScheduled") and holds(pod, "Initialized") and (holds(pod, "Ready") or succeeded):
        return Ready()
    return Waiting(trouble(pod) or f"pod {name(pod)} is not ready yet")


def troubles(pods: Iterable[Manifest]) -> str:
    """What keeps the first of these pods that says so from being ready, to be put behind a sentence."""
    return next((f"; {told}" for pod in pods if (told := trouble(pod))), "")


def trouble(pod: Manifest) -> str:
    """What keeps a pod from being ready, in the words of the scheduler and its containers; empty when nothing does."""
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("message"):
        return f"pod {name(pod)} has no node: {scheduled['message']}"
    status = pod.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    told = [text for container in containers if not container.get("ready") for text in _of_container(container)]
    if told:
        return f"pod {name(pod)}: {'; '.join(told)}"
    ready = condition(pod, "Ready")
    return f"pod {name(pod)}: {ready['message']}" if ready.get("status") == "False" and ready.get("message") else ""


def _of_container(status: Manifest) -> list[str]:
    state = status.get("state") or {}
    waiting, told = state.get("waiting") or {}, []
    if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
        told.append(f"container {status.get('name')}: {waiting['reason']}: {waiting.get('message', '')}".rstrip(": "))
    for ended in (state.get("terminated") or {}, (status.get("lastState") or {}).get("terminated") or {}):
        if ended and ended.get("reason") != "Completed":
            text = f"container {status.get('name')} exited with code {ended.get('exitCode')} ({ended.get('reason')})"
            told.append(f"{text}: {ended['message'].strip()}" if ended.get("message") else text)
    return told

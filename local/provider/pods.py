"""Judge a pod: what keeps it from running, and whether waiting may help.

Rules: an image that the registry says is not there, or may not be had, fails at once; other pull errors (a registry
that restarts) after PULL_S seconds, in which the kubelet tries twice; a missing ConfigMap or Secret after CONFIG_S.
A container that crashed once may recover, so a crash loop is two crashes, unless the program itself left a message of
why it cannot start (terminationMessagePolicy File): then one is enough. A pod that no node takes fails after
UNSCHEDULABLE_S seconds.
"""

import re
from collections.abc import Iterator

from .verdict import Failed, Manifest, Ready, Verdict, Waiting, condition, name

PULL_S = 15.0
CONFIG_S = 5.0
UNSCHEDULABLE_S = 10.0
_HOPELESS_PULL = re.compile(
    r"not ?found|manifest unknown|unauthorized|denied|forbidden|invalid reference|insufficient_scope"
    r"|no match for platform",
    re.IGNORECASE,
)
_PULL = frozenset({"ImagePullBackOff", "ErrImagePull", "ImageInspectError", "RegistryUnavailable"})
_NEVER_PULL = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"})
_HARMLESS = frozenset({"", "ContainerCreating", "PodInitializing"})


def judge(pod: Manifest) -> Verdict:
    """Whether the pod serves (condition Ready, or it succeeded)."""
    status = pod.get("status") or {}
    phase = status.get("phase", "Pending")
    if phase == "Succeeded" or condition(pod, "Ready").get("status") == "True":
        return Ready()
    trouble = _worst(pod)
    if trouble is not None:
        return trouble
    if phase == "Failed":
        return Failed(_sentence(pod, status.get("reason", "failed"), status.get("message", "")), "pod", pod=name(pod))
    return _unscheduled(pod) or Waiting(_progress(pod))


def _unscheduled(pod: Manifest) -> Failed | Waiting | None:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "True":
        return None
    if scheduled.get("reason") == "Unschedulable":
        text = f"pod {name(pod)} fits on no node: {scheduled.get('message', '')}"
        return Failed(text, "unschedulable", UNSCHEDULABLE_S, pod=name(pod), evidence="scale-up")
    held_by = scheduled.get("reason")
    return Waiting(f"pod {name(pod)} is held back: {held_by}" if held_by else f"pod {name(pod)} waits for a node")


def _worst(pod: Manifest) -> Failed | None:
    troubles = [trouble for status in _containers(pod) if (trouble := _trouble(pod, status)) is not None]
    return min(troubles, key=lambda trouble: trouble.after_s, default=None)


def _containers(pod: Manifest) -> Iterator[Manifest]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _trouble(pod: Manifest, status: Manifest) -> Failed | None:
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    container = status.get("name", "")
    if reason in _PULL or reason in _NEVER_PULL:
        hopeless = reason in _NEVER_PULL or bool(_HOPELESS_PULL.search(message))
        text = _sentence(pod, f"image {status.get('image', '')} cannot be had", message or reason, container)
        return Failed(text, f"image {container}", 0.0 if hopeless else PULL_S, name(pod), container)
    if reason in _CONFIG:
        text = _sentence(pod, f"{reason}", message, container)
        return Failed(text, f"config {container}", CONFIG_S, name(pod), container)
    ended = state.get("terminated") or {}
    if not ended and reason == "CrashLoopBackOff":
        ended = (status.get("lastState") or {}).get("terminated") or {}
    if not ended or (ended.get("exitCode") == 0 and _may_end(pod, container)):
        return None
    crashes = status.get("restartCount", 0) + 1
    final = pod.get("spec", {}).get("restartPolicy") == "Never"
    if crashes < 2 and not final and not _explained(pod, container, ended):
        return None
    return Failed(_crash(pod, status, ended, crashes), f"crash {container}", 0.0, name(pod), container, "log")


def _may_end(pod: Manifest, container: str) -> bool:
    """An init container is meant to end well; so is any container that is not restarted when it does."""
    spec = pod.get("spec", {})
    initial = {item.get("name") for item in spec.get("initContainers") or [] if item.get("restartPolicy") != "Always"}
    return container in initial or spec.get("restartPolicy", "Always") != "Always"


def _explained(pod: Manifest, container: str, ended: Manifest) -> bool:
    """Whether the program wrote a message before it ended (and not the kubelet out of its log)."""
    spec = pod.get("spec", {})
    for item in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        if item.get("name") == container:
            return item.get("terminationMessagePolicy", "File") == "File" and bool(ended.get("message"))
    return False


def _crash(pod: Manifest, status: Manifest, ended: Manifest, crashes: int) -> str:
    if ended.get("reason") == "OOMKilled":
        limits = {
            item.get("name"): ((item.get("resources") or {}).get("limits") or {}).get("memory")
            for item in pod.get("spec", {}).get("containers") or []
        }
        what = f"was killed: it needs more memory than its limit of {limits.get(status.get('name')) or 'the node'}"
    elif ended.get("signal"):
        what = f"was killed by signal {ended['signal']}"
    else:
        what = f"exited with code {ended.get('exitCode')}"
    times = "once" if crashes < 2 else f"{crashes} times"
    return _sentence(pod, f"{what} ({times})", ended.get("message", ""), status.get("name", ""))


def _sentence(pod: Manifest, what: str, message: str, container: str = "") -> str:
    where = f"pod {name(pod)}" + (f", container {container}" if container else "")
    return f"{where}: {what}" + (f": {message.strip()}" if message.strip() else "")


def _progress(pod: Manifest) -> str:
    for status in _containers(pod):
        reason = ((status.get("state") or {}).get("waiting") or {}).get("reason", "")
        if reason not in _HARMLESS:
            return f"pod {name(pod)}, container {status.get('name')}: {reason}"
        if "running" not in (status.get("state") or {}) and not status.get("ready"):
            return f"pod {name(pod)} pulls its image and starts"
    return f"pod {name(pod)} runs and is not ready yet"

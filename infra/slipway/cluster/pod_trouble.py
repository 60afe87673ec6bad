"""Find what keeps a pod from serving, and how long that may last before waiting is pointless.

An image that the registry says is not there, or may not be had, is hopeless at once; other errors of a pull (a registry
that restarts) after `PULL_S`, in which the kubelet tries twice; a missing ConfigMap or Secret after `CONFIG_S`. A
container that crashed once may recover; one that crashed twice does not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from slipway.values.aliases import Json

PULL_S = 15.0
CONFIG_S = 5.0
UNSCHEDULABLE_S = 20.0
"""An autoscaler looks every ten seconds (its default), and says in an event whether it brings a node."""
UNSCHEDULABLE = "unschedulable"

_HOPELESS_PULL = re.compile(
    r"not ?found|manifest unknown|unauthorized|denied|forbidden|invalid reference|insufficient_scope"
    r"|no match for platform",
    re.IGNORECASE,
)
_NO_ACCESS = re.compile(r"unauthorized|denied|forbidden|insufficient_scope", re.IGNORECASE)
_PULL = frozenset({"ImagePullBackOff", "ErrImagePull", "ImageInspectError", "RegistryUnavailable"})
_NEVER_PULL = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """What blocks a rollout.

    Attributes:
        kind: tells troubles apart: the clock of `after_s` starts again when it changes.
        text: what is wrong, for people.
        after_s: seconds after which it will not pass by itself.
        pod: the pod at fault, empty where it is none.
    """

    kind: str
    text: str
    after_s: float = 0.0
    pod: str = ""


def trouble_of(pod: Json) -> Trouble | None:
    """What keeps one pod from becoming ready; None while it may still be on its way, or is ready."""
    status = pod.get("status") or {}
    if condition(pod, "Ready").get("status") == "True":
        return None
    troubles = [trouble for item in _containers(pod) if (trouble := _of_container(pod, item)) is not None]
    if troubles:
        return min(troubles, key=lambda trouble: trouble.after_s)
    if status.get("phase") == "Failed":
        text = _sentence(pod, status.get("reason", "failed"), status.get("message", ""))
        return Trouble("failed", text, CONFIG_S, pod["metadata"]["name"])
    scheduled = condition(pod, "PodScheduled")
    # The scheduler names a node once pods of lower priority stop there: the pod has its place when they have.
    coming = bool(status.get("nominatedNodeName"))
    if scheduled.get("status") != "True" and scheduled.get("reason") == "Unschedulable" and not coming:
        name = pod["metadata"]["name"]
        return Trouble(
            UNSCHEDULABLE, f"pod {name} fits on no node: {scheduled.get('message', '')}", UNSCHEDULABLE_S, name
        )
    return None


def condition(item: Json, kind: str) -> Json:
    """The status condition of that type; empty when there is none."""
    for one in (item.get("status") or {}).get("conditions") or []:
        if one.get("type") == kind:
            return dict(one)
    return {}


def _containers(pod: Json) -> Iterator[Json]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or []
    yield from status.get("containerStatuses") or []


def _of_container(pod: Json, status: Json) -> Trouble | None:
    state = status.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    container, name = status.get("name", ""), pod["metadata"]["name"]
    if reason in _PULL or reason in _NEVER_PULL:
        hopeless = reason in _NEVER_PULL or bool(_HOPELESS_PULL.search(message))
        text = _sentence(pod, f"image {status.get('image', '')} cannot be pulled", message or reason, container)
        if _NO_ACCESS.search(message):
            text += _pulls_with(pod)
        return Trouble("image", text, 0.0 if hopeless else PULL_S, name)
    if reason in _CONFIG:
        return Trouble("config", _sentence(pod, reason, message, container), CONFIG_S, name)
    ended = state.get("terminated") or {}
    if not ended and status.get("restartCount", 0):
        ended = (status.get("lastState") or {}).get("terminated") or {}
    crashes = status.get("restartCount", 0) + bool(state.get("terminated"))
    if not ended or crashes < 2:
        return None
    return Trouble("crash", _crash(pod, status, ended, crashes), 0.0, name)


def _pulls_with(pod: Json) -> str:
    """Which credentials a pod pulls with: those that were meant may be missing or old, or were never named."""
    named = [secret["name"] for secret in pod.get("spec", {}).get("imagePullSecrets") or []]
    if named:
        return f"; it pulls with Secret {' or '.join(named)} of its namespace, which has to be there and of use"
    return "; it names no Secret to pull with (`pull_secret` of the environment's settings)"


def _crash(pod: Json, status: Json, ended: Json, crashes: int) -> str:
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
    return _sentence(pod, f"{what} ({crashes} times)", ended.get("message", ""), status.get("name", ""))


def _sentence(pod: Json, what: str, message: str, container: str = "") -> str:
    where = f"pod {pod['metadata']['name']}" + (f", container {container}" if container else "")
    return f"{where}: {what}" + (f": {message.strip()}" if message.strip() else "")

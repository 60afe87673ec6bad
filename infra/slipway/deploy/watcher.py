"""Watch rollouts until they are complete, or it is clear that they will not be.

Slipway does not depend on what a provider plugin waits for: objects are applied, and this decides. However many models
roll out at once, the namespace is looked at about twice a second for all of them together.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from slipway.cluster.pod_trouble import UNSCHEDULABLE, Trouble
from slipway.cluster.quotas import QUOTA
from slipway.cluster.rollout import Completed, Seen, State, UnderWay, rolling, state_of
from slipway.deploy.ports import ClusterApi
from slipway.errors.failures import Interrupted, RolloutFailed
from slipway.errors.reaching import ClusterUnreachable
from slipway.values.aliases import Json, Tell
from slipway.values.names import MANAGED_BY

POLL_S = 0.5
OUTAGE_S = 60.0
"""An API server that restarts is back sooner."""
SLACK_S = 30.0
"""Beyond its own deadline the deployment controller itself may be away."""
_OURS = f"app.kubernetes.io/managed-by={MANAGED_BY}"
_SCALES_UP = frozenset({"TriggeredScaleUp", "Nominated"})
"""Events by which cluster-autoscaler and Karpenter say that a node comes for a pod."""


@dataclass
class _Waiting:
    """What one wait has seen so far; times are the clock's."""

    moved_at: float
    counts: tuple[int, ...] = ()
    trouble: tuple[str, float] | None = None
    told: str = ""
    answered_at: float = 0.0


@dataclass
class Watcher:
    """Watches the rollouts of one namespace.

    `pause` waits for some seconds and says whether the run was cancelled meanwhile; `clock` gives seconds.
    """

    cluster: ClusterApi
    pause: Callable[[float], bool]
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: Seen = field(default_factory=Seen)
    _seen_at: float = float("-inf")

    def wait(self, model: str, release: str, report: Tell) -> None:
        """Wait until the rollout of `release` (its short digest) of a model is complete.

        Raises:
            RolloutFailed: it will not be; with the reason.
            ClusterUnreachable: no answer for `OUTAGE_S`.
            Interrupted: the run was cancelled.
        """
        started = self.clock()
        waiting = _Waiting(moved_at=started, answered_at=started)
        while True:
            state = self._look(model, release, started, waiting)
            if isinstance(state, Completed):
                return
            if state is not None:
                self._judge(model, state, waiting)
                if state.text != waiting.told:
                    waiting.told = state.text
                    report(state.text)
            if self.pause(POLL_S):
                raise Interrupted

    def gone(self, left_now: Callable[[], list[str]], limit_s: float) -> list[str]:
        """Wait until `left_now` names nothing any more; returns what it still names after `limit_s`."""
        until = self.clock() + limit_s
        while (left := left_now()) and self.clock() < until:
            if self.pause(POLL_S):
                raise Interrupted
        return left

    def _look(self, model: str, release: str, started: float, waiting: _Waiting) -> State | None:
        """The rollout as it is now; None while the API server does not answer."""
        try:
            state = state_of(self._latest(max(started, self.clock() - POLL_S / 2)), model, release)
        except ClusterUnreachable:
            if self.clock() - waiting.answered_at > OUTAGE_S:
                raise
            return None
        waiting.answered_at = self.clock()
        return state

    def _latest(self, not_before: float) -> Seen:
        """A look at the namespace that is not older than `not_before`; of several who ask at once, one looks."""
        with self._lock:
            if self._seen_at < not_before:
                now = self.clock()
                deployments = self.cluster.list("Deployment", _OURS)
                replica_sets = self.cluster.list("ReplicaSet", _OURS)
                self._seen = Seen(deployments, replica_sets, self.cluster.list("Pod", _OURS))
                self._seen_at = now
            return self._seen

    def _judge(self, model: str, state: UnderWay, waiting: _Waiting) -> None:
        """Raise `RolloutFailed` when the rollout has been in trouble, or without progress, for too long."""
        now = self.clock()
        if state.counts != waiting.counts:
            waiting.counts, waiting.moved_at = state.counts, now
        trouble = state.trouble
        if trouble is None:
            waiting.trouble = None
        elif waiting.trouble is None or waiting.trouble[0] != trouble.kind:
            waiting.trouble = (trouble.kind, now)
        stalled_s = now - waiting.moved_at
        limit_s = self._limit_s(model)
        if stalled_s > limit_s:
            raise RolloutFailed(model, f"no progress for {stalled_s:.0f} s ({state.text}){self._evidence(trouble)}")
        if trouble is None or waiting.trouble is None or now - waiting.trouble[1] < trouble.after_s:
            return
        if trouble.kind in (UNSCHEDULABLE, QUOTA) and self._room_comes(model, trouble):
            return
        raise RolloutFailed(model, trouble.text + self._evidence(trouble))

    def _limit_s(self, model: str) -> float:
        """How long a rollout may stand still: its own deadline, and the time in which an old pod stops."""
        deployment = next((item for item in self._seen.deployments if item["metadata"]["name"] == model), None)
        if deployment is None:
            return SLACK_S
        spec = deployment["spec"]
        grace = spec["template"]["spec"].get("terminationGracePeriodSeconds", 30)
        return float(spec.get("progressDeadlineSeconds", 600) + grace + SLACK_S)

    def _room_comes(self, model: str, trouble: Trouble) -> bool:
        """Whether a pod that fits on no node, or into no quota, will: a node was asked for, or somebody makes room."""
        if rolling(self._seen, model):
            return True
        return trouble.kind == UNSCHEDULABLE and any(
            event.get("reason") in _SCALES_UP for event in self._events(trouble.pod)
        )

    def _evidence(self, trouble: Trouble | None) -> str:
        """The newest warning about the pod at fault, where the trouble itself has no reason in it."""
        if trouble is None or not trouble.pod or trouble.kind not in ("deadline", "config"):
            return ""
        warnings = [event for event in self._events(trouble.pod) if event.get("type") == "Warning"]
        newest = max(warnings, key=lambda event: str(event.get("lastTimestamp") or ""), default=None)
        return f"; pod {trouble.pod}: {newest.get('reason')}: {newest.get('message')}" if newest else ""

    def _events(self, pod: str) -> list[Json]:
        return self.cluster.list("Event", fields=f"involvedObject.kind=Pod,involvedObject.name={pod}")

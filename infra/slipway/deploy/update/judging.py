"""Follow the judge of a rollout, which is at work in the cluster, until it has decided."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from slipway.cluster.pod_trouble import trouble_of
from slipway.deploy.ports import ClusterApi
from slipway.deploy.update.state import Rollout, rollout_of
from slipway.deploy.update.telling import line
from slipway.deploy.watcher import OUTAGE_S
from slipway.errors.failures import Interrupted, JudgeSilent, RolloutGone
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.plan.rollout import RolloutPlan
from slipway.values import names
from slipway.values.aliases import Tell

POLL_S = 1.0
TELL_S = 10.0
"""Counts change all the time; between two steps they are told so often."""
SILENT_S = 60.0
"""The judge writes every few seconds; that it did not for so long is said."""
DEAD_S = 600.0
"""A judge that is started on another node, after the one that it ran on, is back sooner."""
_WARM_S = 600.0
"""Beyond the deadlines of its steps: the judge starts, and the new pods warm up."""


@dataclass
class _Followed:
    """What one wait has seen; times are the clock's. `written`: what the judge wrote last, and `written_at` when."""

    answered_at: float
    written_at: float
    written: object = None
    told: str = ""
    told_at: float = float("-inf")
    place: object = None
    silent_told_at: float = float("-inf")


@dataclass(frozen=True)
class Judging:
    """Follows judges. `pause` waits for some seconds and says whether the run was cancelled meanwhile."""

    cluster: ClusterApi
    pause: Callable[[float], bool]
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = field(default=time.time)

    def decided(self, plan: RolloutPlan, tell: Tell) -> Rollout:
        """Wait until the judge has passed or failed the new release; each change is told.

        Raises:
            JudgeSilent: it wrote nothing for `DEAD_S`, or has not decided though the deadlines of all steps are over.
            RolloutGone: another command ended the rollout, or somebody did.
            ClusterUnreachable: the API server did not answer for `OUTAGE_S`; the judge goes on.
            Interrupted: the run was cancelled; the judge goes on.
        """
        return self._until(plan, tell, lambda rollout: not rollout.under_way)

    def begun(self, plan: RolloutPlan, tell: Tell) -> Rollout:
        """Wait until the judge is at work; raises as `decided`."""
        return self._until(plan, tell, lambda rollout: rollout.state is not None)

    def _until(self, plan: RolloutPlan, tell: Tell, over: Callable[[Rollout], bool]) -> Rollout:
        started = self.clock()
        limit_s = plan.deadline_s * len(plan.steps) + _WARM_S
        seen = _Followed(started, started)
        while True:
            rollout = self._look(plan, seen)
            if rollout is not None:
                if over(rollout):
                    return rollout
                self._tell(rollout, seen, tell)
                self._hear(rollout, seen, tell)
            if self.clock() - started > limit_s:
                raise JudgeSilent(plan.model, f"it has not decided within {limit_s:.0f} s", self._trouble(plan.model))
            if self.pause(POLL_S):
                raise Interrupted

    def _look(self, plan: RolloutPlan, seen: _Followed) -> Rollout | None:
        """The rollout as it is now; None while the API server does not answer."""
        try:
            rollout = rollout_of(self.cluster, plan.model)
        except ClusterUnreachable:
            if self.clock() - seen.answered_at > OUTAGE_S:
                raise
            return None
        # While the API server is away, the judge cannot write either.
        if (away_s := self.clock() - seen.answered_at) > 2 * POLL_S:
            seen.written_at += away_s
        seen.answered_at = self.clock()
        if rollout is None or rollout.plan is None or rollout.plan.id != plan.id:
            raise RolloutGone(plan.environment, plan.model, names.rollout(plan.model))
        return rollout

    def _tell(self, rollout: Rollout, seen: _Followed, tell: Tell) -> None:
        """Tell where the rollout is: a new step at once, new counts now and then."""
        text, state = line(rollout, self.now()), rollout.state
        place = None if state is None else (state.phase, state.step)
        if text != seen.told and (place != seen.place or self.clock() - seen.told_at >= TELL_S):
            seen.told, seen.told_at, seen.place = text, self.clock(), place
            tell(text)

    def _hear(self, rollout: Rollout, seen: _Followed, tell: Tell) -> None:
        """Say that the judge has not written anything for long, and give it up at last."""
        written = rollout.state and rollout.state.updated
        if written != seen.written:
            seen.written, seen.written_at = written, self.clock()
        silent_s = self.clock() - seen.written_at
        if silent_s < SILENT_S:
            return
        trouble = self._trouble(rollout.model)
        if silent_s >= DEAD_S:
            raise JudgeSilent(rollout.model, f"it has written nothing for {silent_s:.0f} s", trouble)
        if self.clock() - seen.silent_told_at >= SILENT_S:
            seen.silent_told_at = self.clock()
            tell(f"the judge has written nothing for {silent_s:.0f} s{f': {trouble}' if trouble else ''}")

    def _trouble(self, model: str) -> str:
        """What the judge's pod suffers from, as far as it shows."""
        labels = ",".join(f"{key}={value}" for key, value in names.judge_selector(model).items())
        try:
            pods = self.cluster.list("Pod", labels)
        except (ApiRefused, ClusterUnreachable):
            return ""
        if not pods:
            return "it has no pod"
        return next((found.text for pod in pods if (found := trouble_of(pod)) is not None), "")

"""Conduct the rollout, tick by tick: read what is kept, look at the evidence, keep what follows, set the weights."""

import asyncio
import time

from slipway_judge.cluster.api import Api, MissingError, UnreachableError
from slipway_judge.cluster.plan_map import Kept, PlanMap
from slipway_judge.cluster.route import Route
from slipway_judge.conducting.series import with_point
from slipway_judge.conducting.window import Window
from slipway_judge.judging.advance import advance, ended_by, share, with_callers
from slipway_judge.live.prometheus import Live
from slipway_judge.replaying.replayer import Replayer
from slipway_judge.telemetry.log import log
from slipway_judge.telemetry.metrics import Metrics
from slipway_judge.values.config import Config
from slipway_judge.values.plan import Plan, PlanError
from slipway_judge.values.state import State, begun

KEPT_EVERY_S = 5.0
"""The state is written at least so often, so that `slipway up` sees that somebody judges; at once when it changes."""


class Conductor:
    """Waits for the plan of its rollout, then conducts it until the route is given to something else."""

    def __init__(self, config: Config, api: Api, metrics: Metrics) -> None:
        self._config, self._api, self._metrics = config, api, metrics
        self._kept = PlanMap(api, config.namespace, config.model)
        self._waits_for = ""
        self._last_kept_s = 0.0
        self.replayer: Replayer | None = None
        self.why_not_ready: str | None = "the plan was not read yet"

    async def run(self) -> None:
        """Conduct until cancelled."""
        while True:
            kept = await self._mine()
            if kept is not None:
                break
            await asyncio.sleep(self._config.tick_s)
        plan = kept.plan
        replayer = Replayer(plan, self._config.services, self._metrics)
        live = Live(plan, self._metrics, self._config.look_every_s)
        log("rollout", id=plan.id, old=plan.old.version, new=plan.new.version, resumed=kept.state is not None)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(live.run())
                await self._conducted(kept, Window(plan, replayer, live, self._config.warm_up_s), replayer)
        finally:
            self.replayer = None
            await replayer.close()
            await live.close()

    async def _conducted(self, kept: Kept, window: Window, replayer: Replayer) -> None:
        plan = kept.plan
        route = Route(self._api, plan)
        state: State | None = None
        self.why_not_ready = None
        while True:
            found = await self._mine()
            if found is not None:
                # What somebody else ended stays ended.
                if state is None or (found.state is not None and found.state.ended):
                    state = found.state
                before = state or begun(plan.id, time.time())
                # Nothing is judged, and no time passes, while the route is not this rollout's or cannot be reached.
                if await self._set(route, share(plan, before)):
                    state = await self._advanced(plan, before, found, window)
                    if share(plan, state) != share(plan, before):
                        await self._set(route, share(plan, state))
                    self._metrics.stands(state.phase, state.percent)
                    self.replayer = None if state.ended else replayer
            await asyncio.sleep(self._config.tick_s)

    async def _advanced(self, plan: Plan, state: State, found: Kept, window: Window) -> State:
        after = self._next(plan, state, found, window)
        changed = (after.phase, after.step) != (state.phase, state.step)
        kept = False
        if changed or found.state is None or self._last_kept_s + KEPT_EVERY_S < time.monotonic():
            kept = await self._kept.write(after)
            self._last_kept_s = time.monotonic() if kept else 0.0
        # More calls than before only once that is kept: a judge that is killed now goes on from there.
        if share(plan, after) > share(plan, state) and not kept:
            return state
        if after.step != state.step:
            window.warm_up()
        if changed:
            log("step", phase=after.phase, percent=after.percent, reason=after.reason)
        return after

    def _next(self, plan: Plan, state: State, found: Kept, window: Window) -> State:
        now = time.time()
        if found.end is not None:
            return ended_by(state, found.end, now)
        if state.ended:
            return state
        evidence = window.evidence(with_callers(plan, state))
        after = advance(plan, state, evidence, now)
        if evidence is None:
            return after
        examples = (*state.disagreements, *window.examples)[-3:] if window.examples else state.disagreements
        return with_point(after.model_copy(update={"disagreements": examples}), evidence, now)

    async def _mine(self) -> Kept | None:
        """Return what is kept if it is this judge's rollout."""
        try:
            kept = await self._kept.read()
        except UnreachableError:
            return None
        except (MissingError, PlanError) as error:
            self._waiting(str(error) or "no plan")
            return None
        if kept.plan.id != self._config.rollout:
            self._waiting(f"the plan is of rollout {kept.plan.id}")
            return None
        self._waiting("")
        return kept

    async def _set(self, route: Route, wanted: float) -> bool:
        try:
            mine = await route.set(wanted)
        except UnreachableError:
            return False
        self._waiting("" if mine else "the route is not this rollout's")
        return mine

    def _waiting(self, reason: str) -> None:
        if reason and reason != self._waits_for:
            log("waiting", reason=reason)
        self._waits_for = reason

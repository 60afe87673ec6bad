"""The ConfigMap of a rollout: the plan that `slipway up` wrote, and the state that the judge writes."""

from dataclasses import dataclass
from typing import Any

import orjson

from slipway_judge.cluster.api import Api, ConflictError, MissingError, UnreachableError
from slipway_judge.values.plan import Plan, PlanError, read_plan
from slipway_judge.values.state import State, read_state

_PLAN, _STATE, _END = "plan.json", "state.json", "end.json"


@dataclass(frozen=True)
class Kept:
    """What the ConfigMap has.

    Attributes:
        plan: the rollout.
        state: where it stood when that was last written; None: it has not begun.
        end: why somebody ended it, by `slipway rollback`; None: nobody did.
    """

    plan: Plan
    state: State | None
    end: str | None


class PlanMap:
    """The ConfigMap, read and written."""

    def __init__(self, api: Api, namespace: str, model: str) -> None:
        self._api = api
        self._path = f"/api/v1/namespaces/{namespace}/configmaps/{model}-rollout"
        self._version = ""

    async def read(self) -> Kept:
        """Return what is kept.

        Raises:
            MissingError: there is no such ConfigMap.
            PlanError: its plan cannot be read.
            UnreachableError: nobody can tell.
        """
        found = await self._api.get(self._path)
        self._version = found["metadata"]["resourceVersion"]
        data = found.get("data") or {}
        if _PLAN not in data:
            raise PlanError("plan.json: missing in the ConfigMap; written by `slipway up`, run it again")
        plan = read_plan(data[_PLAN])
        return Kept(plan, read_state(data.get(_STATE), plan.id), _end(data.get(_END), plan.id))

    async def write(self, state: State) -> bool:
        """Write the state unless somebody wrote since it was last read; return whether it is there now."""
        patch = {"metadata": {"resourceVersion": self._version}, "data": {_STATE: state.to_json()}}
        try:
            written = await self._api.merge(self._path, patch)
        except (ConflictError, MissingError, UnreachableError):
            return False
        self._version = written["metadata"]["resourceVersion"]
        return True


def _end(text: str | None, rollout: str) -> str | None:
    """Return who ended this rollout and why, in a sentence; None: nobody did."""
    try:
        end: Any = orjson.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(end, dict) or end.get("id") != rollout:
        return None
    return f"ended by {end.get('who', 'somebody')}: {end.get('reason', 'no reason given')}"

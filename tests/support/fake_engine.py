"""An engine in memory: it believes its state unless it is told to look, as the Pulumi engine does."""

import copy
from dataclasses import dataclass, field
from typing import Any

from slipway.engine.events import Outcome
from slipway.errors.base import DeployError
from slipway.errors.failures import StackFailed
from slipway.errors.reaching import ApiRefused
from slipway.values.aliases import Tell
from tests.support.living_cluster import LivingCluster

Json = dict[str, Any]


class KilledError(BaseException):
    """The process is gone: no `except Exception` sees it."""


@dataclass
class FakeProgram:
    """What a stack's program would register."""

    manifests: list[Json]

    def __call__(self) -> None:
        raise AssertionError("only the real engine runs programs")


@dataclass
class FakeEngine:
    """Applies what differs from its state, in the program's order; then deletes what the program no longer has.

    A ConfigMap is retained, as the component asks. `fails`: errors of the next operations, by stack. `killed_after`:
    the next `up` ends after so many applied objects, and its state is not written.
    """

    cluster: LivingCluster
    states: dict[str, list[Json]] = field(default_factory=dict)
    fails: dict[str, list[DeployError]] = field(default_factory=dict)
    killed_after: int | None = None
    refreshed: list[bool] = field(default_factory=list)
    destroyed: list[str] = field(default_factory=list)

    def up(self, stack: str, program: Any, report: Tell, *, new: bool, refresh: bool = False) -> Outcome:
        self._fail(stack)
        there = stack in self.states
        self.refreshed.append(refresh and there)
        state = {_key(item): item for item in self.states.get(stack, [])}
        if refresh:
            state = {key: self._seen(item) for key, item in state.items() if key in self.cluster.objects}
        applied = 0
        for manifest in program.manifests:
            if state.get(_key(manifest)) == manifest:
                continue
            if self.killed_after is not None and applied >= self.killed_after:
                self.states.setdefault(stack, [])
                raise KilledError
            self._apply(stack, manifest)
            applied += 1
        if self.killed_after is not None:
            raise KilledError
        wanted = {_key(manifest) for manifest in program.manifests}
        for kind, name in state.keys() - wanted:
            if kind != "ConfigMap":
                self.cluster.take(kind, name)
        self.states[stack] = copy.deepcopy(program.manifests)
        return Outcome(failed=False, changes={"update": applied}, errors=())

    def destroy(self, stack: str, report: Tell, *, keep_protected: bool = False) -> Outcome | None:
        self._fail(stack)
        if stack not in self.states:
            return None
        for kind, name in map(_key, self.states.pop(stack)):
            if kind != "ConfigMap":
                self.cluster.take(kind, name)
        self.destroyed.append(stack)
        return Outcome(failed=False, changes={}, errors=())

    def _apply(self, stack: str, manifest: Json) -> None:
        there = self.cluster.objects.get(_key(manifest))
        if manifest["kind"] == "HTTPRoute" and there is not None:
            self._refuse_rules_of_others(stack, there, manifest)
        try:
            self.cluster.put(manifest)
        except ApiRefused as error:
            raise StackFailed(stack, "update", (error.message,)) from error

    def _refuse_rules_of_others(self, stack: str, there: Json, manifest: Json) -> None:
        """The engine applies without force; the rules of a route are one field."""
        owners = [entry["manager"] for entry in there["metadata"].get("managedFields", []) if _has_rules(entry)]
        if owners and there["spec"]["rules"] != manifest["spec"]["rules"]:
            raise refused(stack, f"conflict with {owners[0]}: .spec.rules")

    def _seen(self, item: Json) -> Json:
        """An object of the state as it is now, in what the program manages of it."""
        return dict(_pruned(self.cluster.objects[_key(item)], item))

    def _fail(self, stack: str) -> None:
        if self.fails.get(stack):
            raise self.fails[stack].pop(0)


def _has_rules(entry: Json) -> bool:
    return "f:rules" in entry.get("fieldsV1", {}).get("f:spec", {})


def refused(stack: str, reason: str = "refused") -> StackFailed:
    return StackFailed(stack, "update", (reason,))


def _key(manifest: Json) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _pruned(live: Any, wanted: Any) -> Any:
    if isinstance(live, dict) and isinstance(wanted, dict):
        return {key: _pruned(value, wanted[key]) for key, value in live.items() if key in wanted}
    return copy.deepcopy(live)

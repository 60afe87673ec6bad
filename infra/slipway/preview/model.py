"""Contain what a preview says: of each model, of the environment's own stack, of its pools, and as JSON values."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from slipway.capacity.packing import Demand
from slipway.deploy.changes import Change
from slipway.engine.previewed import StackPreview
from slipway.preview.serving import Serving, Usd
from slipway.values.quantities import format_bytes, format_cpu

UNKNOWN = "unknown"
ImageChange = Literal["same", "new", "unknown", "-"]


@dataclass(frozen=True, slots=True)
class Downtime:
    """Whether callers get no answer for a while. `happens`: None where it is not known. `why`: for people."""

    happens: bool | None
    why: str

    @property
    def cell(self) -> str:
        """In one short cell."""
        return UNKNOWN if self.happens is None else ("yes" if self.happens else "none")


@dataclass(frozen=True, slots=True)
class AskedStack:
    """What the engine said of a stack. `found`: None where it was not asked, or could not say, which `why_not` tells.

    Attributes:
        stack: its name.
        found: what an update would do.
        why_not: why nothing is known of it; empty where `found` is there.
    """

    stack: str
    found: StackPreview | None
    why_not: str = ""

    def line(self) -> str:
        """For people: `2 update, 1 delete, 5 same`, or why that is unknown."""
        if self.found is None:
            return f"{UNKNOWN}: {self.why_not}"
        parts = [f"{count} {does}" for does, count in self.found.counts.items()]
        return ", ".join([*parts, f"{self.found.same} same"])

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"stack": self.stack, "unknown": self.why_not} if self.found is None else self.found.to_json()


@dataclass(frozen=True, slots=True)
class ModelPreview:
    """What becomes of one model that is not as it is live.

    Attributes:
        change: what an update does to it, and whose change that is.
        image: whether its image is the same, by what it is made from.
        now: what the release that is live takes; everything unknown where there is no record, None where none is live.
        then: what the planned one takes; None for a model that has no plan any more.
        downtime: whether callers get no answer for a while.
        rollout: which strategy replaces the pods, and for people what it does.
        verified: what is asked before the release counts as right, for people.
        newer_alone: whether a newer Slipway alone makes it another release; None where that is not known.
        manifests: lines of the diff of its manifests; None where it is not known, which `unknown` tells.
        unknown: why there is no diff.
        drift: where what is live is not what was judged right, for people.
        engine: what its stack would do; None where it would not run.
    """

    change: Change
    image: ImageChange
    now: Serving | None
    then: Serving | None
    downtime: Downtime
    rollout: tuple[str, tuple[str, ...]]
    verified: tuple[str, ...] = ()
    newer_alone: bool | None = False
    manifests: tuple[str, ...] | None = None
    unknown: str = ""
    drift: tuple[str, ...] = ()
    engine: AskedStack | None = None

    @property
    def name(self) -> str:
        """The model's."""
        return self.change.model

    def to_json(self) -> dict[str, Any]:
        """As JSON values; what is not known is null."""
        return {
            **self.change.to_json(),
            "image": None if self.image == "unknown" else self.image,
            "now": _serving(self.now),
            "then": _serving(self.then),
            "downtime": {"happens": self.downtime.happens, "why": self.downtime.why},
            "rollout": {"strategy": self.rollout[0], "about": list(self.rollout[1])},
            "verified": list(self.verified),
            "newerSlipwayAlone": self.newer_alone,
            "manifests": None if self.manifests is None else list(self.manifests),
            "manifestsUnknown": self.unknown or None,
            "drift": list(self.drift),
            "engine": None if self.engine is None else self.engine.to_json(),
        }


def _serving(one: Serving | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "replicas": None if one.replicas is None else {"min": one.replicas.least, "max": one.replicas.most},
        "pool": one.pool,
        "gpus": one.gpus,
        "usdPerMonth": None if one.usd is None else one.usd.to_json(),
    }


@dataclass(frozen=True, slots=True)
class PoolRoom:
    """A pool once all is as planned: nodes with the fewest replicas, with the most, and how many it may have.

    `free`: of all that its nodes have (`whole`), what no model takes with every one at its largest; never below 0.
    """

    pool: str
    least: int
    most: int
    limit: int
    free: Demand
    whole: Demand

    def line(self) -> str:
        """For people."""
        free, whole = self.free, self.whole
        left = [f"CPU {format_cpu(free.cpu)} of {format_cpu(whole.cpu)}"]
        left.append(f"memory {format_bytes(free.memory)} of {format_bytes(whole.memory)}")
        left += [f"GPUs {free.gpus} of {whole.gpus}"] if whole.gpus else []
        nodes = f"{self.least} to {self.most} of {self.limit} nodes"
        return f"{self.pool}: {nodes}; left with every model at its largest: {', '.join(left)}"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "pool": self.pool,
            "nodes": {"min": self.least, "max": self.most, "limit": self.limit},
            "free": asdict(self.free),
            "whole": asdict(self.whole),
        }


@dataclass(frozen=True, slots=True)
class Preview:
    """What `up` would do to an environment, or to some models of it.

    Attributes:
        environment: its name.
        models: those that change, are new, are removed or held back, sorted by name.
        unchanged: how many others there are.
        own: what its own stack would do, which every `up` runs; None where it is refused.
        nodes: what its settings change about the nodes that there are, for people.
        rooms: its pools.
        usd: dollars a month of all that is planned; None where nothing is charged by the hour.
        budget_usd: dollars a month that its settings allow.
        refused: what `up` refuses, for people: nothing is deployed then.
        warnings: what a person should know, for people.
    """

    environment: str
    models: tuple[ModelPreview, ...] = ()
    unchanged: int = 0
    own: AskedStack | None = None
    nodes: tuple[str, ...] = ()
    rooms: tuple[PoolRoom, ...] = ()
    usd: Usd | None = None
    budget_usd: int | None = None
    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def counted(self) -> dict[str, int]:
        """How many models of each kind of change, those that stay as they are at the end."""
        kinds = sorted({one.change.does for one in self.models} - {"unchanged"})
        counts = {does: sum(one.change.does == does for one in self.models) for does in kinds}
        again = sum(one.change.does == "unchanged" for one in self.models)
        return {**counts, **({"deployed again": again} if again else {}), "unchanged": self.unchanged}

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "environment": self.environment,
            "models": [one.to_json() for one in self.models],
            "counts": self.counted(),
            "environmentStack": None if self.own is None else self.own.to_json(),
            "nodes": list(self.nodes),
            "pools": [one.to_json() for one in self.rooms],
            "usdPerMonth": None if self.usd is None else self.usd.to_json(),
            "budgetUsdPerMonth": self.budget_usd,
            "refused": list(self.refused),
            "warnings": list(self.warnings),
        }

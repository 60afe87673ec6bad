"""Say what happens to whom when a pool is full: who runs, who preempts whom, and what stays pending.

Kubernetes gives nodes to pods of a higher priority first, and stops those of a lower one for them; among equals, who
was first stays. So the order of priority says it all, whatever happens meanwhile.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from slipway.capacity.packing import Demand, Load, Nodes, part
from slipway.environments.planning.pool import Pool


@dataclass(frozen=True, slots=True)
class Contender:
    """A model that shares a pool with others.

    Attributes:
        team: whose it is.
        priority: of its pods; higher ones go first.
        least: its minimum replicas.
        most: its `scale.max`, or what its team's quota is enough for.
    """

    model: str
    team: str
    priority: int
    each: Demand
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a model has of a pool with every model at its largest: `runs` replicas, and the rest stays pending."""

    contender: Contender
    runs: int

    @property
    def pending(self) -> int:
        """Replicas without a node."""
        return self.contender.most - self.runs

    @property
    def below_minimum(self) -> int:
        """Of the minimum replicas, those without a node."""
        return max(0, self.contender.least - self.runs)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        one = self.contender
        return {
            "name": one.model,
            "team": one.team,
            "priority": one.priority,
            "min": one.least,
            "max": one.most,
            "runs": self.runs,
            "pending": self.pending,
            "belowMinimum": self.below_minimum,
        }


@dataclass(frozen=True, slots=True)
class FullPool:
    """A pool with every model at its largest; `shares` in the order of priority."""

    pool: str
    shares: tuple[Share, ...]

    @property
    def teams(self) -> dict[str, int]:
        """The teams with models on the pool, and their priorities, the highest first."""
        return {share.contender.team: share.contender.priority for share in self.shares}

    def preempted_by(self, team: str) -> list[str]:
        """The teams whose pods those of `team` preempt, in the order in which they do: the lowest first."""
        teams = self.teams
        return [other for other in reversed(teams) if teams[other] < teams[team]]

    def lines(self) -> Iterator[str]:
        """The same for people."""
        order = ", then ".join(f"{team} ({priority})" for team, priority in self.teams.items())
        victims = [(team, self.preempted_by(team)) for team in self.teams]
        first = "; ".join(f"{team} preempts {', then '.join(others)}" for team, others in victims if others)
        yield f"pool {self.pool} when it is full: {order}; {first or 'nobody preempts another'}"
        if not any(share.pending for share in self.shares):
            yield f"pool {self.pool} holds every model at its largest: nothing stays pending"
            return
        for share in self.shares:
            one = share.contender
            lost = f", {share.below_minimum} of them of its minimum of {one.least}" if share.below_minimum else ""
            rest = f"; {share.pending} stay pending{lost}" if share.pending else ""
            yield f"  {one.model} ({one.team}) with every model at its largest: {share.runs} of {one.most} run{rest}"

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "pool": self.pool,
            "order": [
                {"team": team, "priority": priority, "preempts": self.preempted_by(team)}
                for team, priority in self.teams.items()
            ],
            "models": [share.to_json() for share in self.shares],
        }


def full_pool(pool: Pool, contenders: Sequence[Contender]) -> FullPool:
    """Place every model at its largest, in the order of priority; among equals, large replicas first."""
    nodes = Nodes(pool)
    shares: list[Share] = []
    ordered = sorted(contenders, key=lambda one: (-one.priority, one.team, -part(one.each, pool), one.model))
    for _, equals in groupby(ordered, key=lambda one: one.priority):
        level = list(equals)
        loads = [Load(one.model, one.each, one.most) for one in level]
        loads.sort(key=lambda load: (-load.each.gpus, -part(load.each, pool), load.model))
        runs = {load.model: nodes.put(load.each, load.replicas) for load in loads}
        shares += [Share(one, runs[one.model]) for one in level]
    return FullPool(pool.name, tuple(shares))

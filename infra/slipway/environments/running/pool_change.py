"""Say what a change of settings does to the nodes that there are, once, before anything happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.values.aliases import Json

NodeObjects = Mapping[str, Sequence[Json]]
"""The objects of Karpenter by pool, as manifests."""


@dataclass(frozen=True, slots=True)
class PoolChange:
    """The node groups and pools of an environment against those that its settings ask for.

    Attributes:
        wanted: node groups that the settings ask for.
        kept: node groups there that stay.
        replaced: node groups there that a plain update would delete though their pool stays: new ones have to be made
            beside them, since their nodes would vanish with everything on them.
        removed: Karpenter's objects of pools that the settings no longer have. A change of a pool that stays is
            Karpenter's to carry out, node by node.
    """

    wanted: tuple[NodeGroup, ...] = ()
    kept: tuple[NodeGroup, ...] = ()
    replaced: tuple[NodeGroup, ...] = ()
    removed: NodeObjects = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        wanted: Sequence[NodeGroup],
        there: Sequence[NodeGroup],
        pools: Sequence[str] = (),
        objects: NodeObjects | None = None,
    ) -> Self:
        """Hold what is there against what is wanted: groups, and the `objects` of pools against the `pools`' names."""
        names = {group.name for group in wanted}
        return cls(
            wanted=tuple(wanted),
            kept=tuple(group for group in there if group.name in names),
            replaced=tuple(group for group in there if group.name not in names),
            removed={pool: found for pool, found in (objects or {}).items() if pool not in pools},
        )

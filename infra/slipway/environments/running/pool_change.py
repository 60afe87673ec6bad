"""Say what a change of settings does to the node groups that there are, once, before anything happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from slipway.environments.planning.aws.node_groups import NodeGroup


@dataclass(frozen=True, slots=True)
class PoolChange:
    """The node groups of an environment against those that its settings ask for.

    Attributes:
        wanted: those that the settings ask for.
        kept: those there that stay as they are.
        resized: those there that get other bounds.
        replaced: those there that a plain update would delete though their pool stays: new ones have to be made beside
            them, since their nodes would vanish with everything on them.
        removed: those there whose pool the settings no longer have.
    """

    wanted: tuple[NodeGroup, ...] = ()
    kept: tuple[NodeGroup, ...] = ()
    resized: tuple[NodeGroup, ...] = ()
    replaced: tuple[NodeGroup, ...] = ()
    removed: tuple[NodeGroup, ...] = ()

    @classmethod
    def of(cls, wanted: Sequence[NodeGroup], there: Sequence[NodeGroup]) -> Self:
        """Hold the groups that are there against those that are wanted."""
        bounds = {group.name: (group.min_nodes, group.max_nodes) for group in wanted}
        pools = {group.pool for group in wanted}
        staying = [group for group in there if group.name in bounds]
        going = [group for group in there if group.name not in bounds]
        return cls(
            wanted=tuple(wanted),
            kept=tuple(group for group in staying if bounds[group.name] == (group.min_nodes, group.max_nodes)),
            resized=tuple(group for group in staying if bounds[group.name] != (group.min_nodes, group.max_nodes)),
            replaced=tuple(group for group in going if group.pool in pools),
            removed=tuple(group for group in going if group.pool not in pools),
        )

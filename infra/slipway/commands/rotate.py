"""Take node groups away in order: what runs on them leaves first."""

import threading
import time
from collections.abc import Callable, Sequence

from slipway import console
from slipway.cluster.drain import drain
from slipway.commands.environment import environment_up, groups_there, leaving
from slipway.commands.opened import Opened
from slipway.commands.session import Options, confirm, engine_of, guard
from slipway.engine.engine import Engine
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, replaced
from slipway.errors.base import Place, UnknownName, UserError
from slipway.settings.aws import AwsSettings
from slipway.values.names import stack

_DRAIN_LIMIT_S = 3600.0
"""For all nodes of a group: a model that takes minutes to load is moved replica by replica."""


def rotate_pool(opened: Opened, pool: str, options: Options) -> None:
    """Make a pool's changed nodes beside the old ones, empty those, and remove them.

    It may be stopped and run again at any point: what is done stays, and the old nodes go on serving until they are
    empty.
    """
    started = time.monotonic()
    settings = opened.settings
    if not isinstance(settings, AwsSettings):
        place = Place(str(opened.folders.settings / f"Pulumi.{opened.name}.yaml"))
        todo = "change the nodes with the tool that made them"
        raise UserError(place, "kind", "has nodes that Slipway does not make", "kind: aws", todo)
    known = sorted({group.pool for group in node_groups(settings)})
    if pool not in known:
        raise UnknownName(Place(f"environment {opened.name}"), "node pool", pool, known, "name one of those")
    guard(opened)
    with engine_of(opened) as (engine, cancelled):
        there = groups_there(engine.state(stack(opened.name)))
        outdated = replaced(settings, there)
        old = [group for group in outdated if group.pool == pool]
        others = [group for group in (*outdated, *leaving(opened, there)) if group.pool != pool]
        if not old:
            console.result(f"pool {pool} of `{opened.name}` is as its settings say: nothing to rotate")
            return
        new = [group for group in node_groups(settings) if group.pool == pool]
        console.message(f"  new: {', '.join(group.name for group in new)}")
        console.message(f"  old: {', '.join(group.name for group in old)}, emptied and then removed")
        confirm(f"rotate pool {pool} of {opened.name}", options, changing=True)
        with console.Progress() as progress:

            def tell(text: str) -> None:
                progress.report(pool, text)

            tell("making the new nodes beside the old")
            environment_up(opened, engine, tell, kept=[*old, *others])
            nodes = remove_groups(opened, engine, cancelled, old, others, tell)
    took = console.duration(time.monotonic() - started)
    console.result(f"pool {pool} of `{opened.name}` rotated in {took}: {nodes} old nodes emptied and removed")


def remove_groups(
    opened: Opened,
    engine: Engine,
    cancelled: threading.Event,
    old: Sequence[NodeGroup],
    kept: Sequence[NodeGroup],
    tell: Callable[[str], None],
) -> int:
    """Empty node groups and remove them; `kept` stay though no settings name them.

    Returns:
        How many nodes there were.
    """
    nodes = 0
    for group in old:
        tell(f"emptying {group.name}")
        selector = f"eks.amazonaws.com/nodegroup={group.name}"
        nodes += drain(opened.cluster, selector, tell, cancelled, _DRAIN_LIMIT_S)
    tell(f"removing {', '.join(group.name for group in old)}")
    environment_up(opened, engine, tell, kept=kept)
    return nodes

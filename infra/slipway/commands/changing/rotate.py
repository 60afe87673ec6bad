"""Remove node groups in order: drain them first."""

import threading
import time
from collections.abc import Callable, Sequence

from slipway import console
from slipway.cluster.drain import drain
from slipway.commands.changing.environment import environment_up
from slipway.commands.changing.session import Options, confirm, engine_of
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.noting import notes_of
from slipway.engine.engine import Engine
from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import NodeObjects
from slipway.errors.base import Place, UnknownName

_DRAIN_LIMIT_S = 3600.0
"""For all nodes of a group: a model that takes minutes to load is moved replica by replica."""


def rotate_pool(context: EnvironmentContext, pool: str, options: Options) -> None:
    """Create a pool's new nodes beside the old ones, drain the old, and remove them.

    It may be stopped and run again at any point: what is done stays, and the old nodes go on serving until they are
    empty.
    """
    started = time.monotonic()
    running = context.running
    known = running.rotatable()
    if pool not in known:
        raise UnknownName(Place(f"environment {context.name}"), "node pool", pool, known, "name one of those")
    running.check_account()
    with engine_of(context) as (engine, cancelled):
        change = running.pool_change(engine)
        old = [group for group in change.replaced if group.pool == pool]
        others = [group for group in change.replaced if group.pool != pool]
        if not old:
            console.result(f"pool {pool} of `{context.name}` matches its settings: nothing to rotate")
            return
        new = [group for group in change.wanted if group.pool == pool]
        console.message(f"  new: {', '.join(group.name for group in new)}")
        console.message(f"  old: {', '.join(group.name for group in old)}, drained and then removed")
        confirm(f"rotate pool {pool} of {context.name}", options, changing=True)
        notes = notes_of(context)
        notes.settings(context.file.document.value)
        with notes.during("rotate", pool) as noted, console.Progress() as progress:

            def tell(text: str) -> None:
                progress.report(pool, text)

            tell("creating the new nodes beside the old")
            environment_up(context, engine, tell, kept=[*old, *others], staying=change.removed)
            nodes = _remove(context, engine, cancelled, old, (others, change.removed), tell)
            noted.append(f"{nodes} nodes replaced")
    took = console.duration(time.monotonic() - started)
    console.result(f"pool {pool} of `{context.name}` rotated in {took}: {nodes} old nodes drained and removed")


def _remove(
    context: EnvironmentContext,
    engine: Engine,
    cancelled: threading.Event,
    old: Sequence[NodeGroup],
    beside: tuple[Sequence[NodeGroup], NodeObjects],
    tell: Callable[[str], None],
) -> int:
    """Drain node groups and remove them; what is `beside` is retained although no settings name it.

    Returns:
        How many nodes there were.
    """
    nodes = 0
    for group in old:
        tell(f"draining {group.name}")
        nodes += drain(context.cluster, context.running.nodes_of(group), tell, cancelled, _DRAIN_LIMIT_S)
    tell(f"removing {', '.join(group.name for group in old)}")
    kept, staying = beside
    environment_up(context, engine, tell, kept=kept, staying=staying)
    return nodes

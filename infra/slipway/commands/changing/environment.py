"""Run an environment's own stack: resume interrupted runs, retain node groups that still run models, then update."""

from collections.abc import Callable, Sequence

from slipway.commands.changing.claim import is_adopted
from slipway.commands.context import EnvironmentContext
from slipway.engine.engine import Engine
from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import NodeObjects
from slipway.values.names import stack


def environment_up(
    context: EnvironmentContext,
    engine: Engine,
    tell: Callable[[str], None],
    *,
    kept: Sequence[NodeGroup] = (),
    staying: NodeObjects | None = None,
    new: bool = False,
    refresh: bool = False,
) -> None:
    """Bring an environment's stack to its settings.

    Args:
        context: the environment.
        engine: runs the stack.
        tell: is told what is being done.
        kept: node groups that stay beside those of the settings.
        staying: Karpenter's objects of pools that stay beside those of the settings.
        new: whether nothing of it may be live yet.
        refresh: whether to look first what is really there.
    """
    name, running = stack(context.name), context.running
    state = running.resume(engine, name, tell, doubted=False)
    adopted = is_adopted(context)
    # Where nothing is live although the stack is there, somebody may have deleted its namespace. A stack that makes the
    # cluster is more than that.
    refresh = refresh or (new and not running.makes_cluster)
    taken = running.taken_over(state)
    if taken:
        # The engine takes over what is as the program says, and nothing else: the second run changes it.
        tell(f"updating its stack, which takes over {', '.join(taken)}")
        first = running.program(kept, staying, adopted=adopted, taken_over=taken)
        engine.up(name, first, tell, new=new, refresh=refresh)
    tell("updating its stack")
    engine.up(name, running.program(kept, staying, adopted=adopted), tell, new=new and not taken, refresh=refresh)

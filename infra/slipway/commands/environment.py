"""Run an environment's own stack: settle what was interrupted, keep node groups that still hold models, then update."""

from collections.abc import Callable, Sequence

import slipway.programs.environment
from slipway.cluster.api import Json
from slipway.commands.claim import is_adopted
from slipway.commands.opened import Opened
from slipway.commands.session import settle
from slipway.engine.engine import Engine
from slipway.engine.resume import outputs
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, replaced, stored
from slipway.errors.base import UserErrors, WrongValue
from slipway.loading.settings import CONFIG_KEY, read_settings
from slipway.reading.findings import dotted
from slipway.settings.aws import AwsSettings
from slipway.values.names import stack

Tell = Callable[[str], None]


def groups_there(state: Json | None) -> tuple[NodeGroup, ...]:
    """The node groups that an environment's state says there are."""
    return stored(outputs(state).get("pools", [])) if state else ()


def leaving(opened: Opened, there: Sequence[NodeGroup]) -> list[NodeGroup]:
    """Those of the groups that are there whose pool the settings have no more."""
    settings = opened.settings
    if not isinstance(settings, AwsSettings):
        return []
    wanted = {group.pool for group in node_groups(settings)}
    return [group for group in there if group.pool not in wanted]


def refuse_replacement(opened: Opened, there: Sequence[NodeGroup]) -> None:
    """Refuse to update an environment whose pools would be made anew: their nodes would go with all that is on them."""
    settings = opened.settings
    if not isinstance(settings, AwsSettings):
        return
    pools = {group.pool for group in replaced(settings, there)}
    if not pools:
        return
    document = read_settings(opened.folders.settings, opened.name).document
    places = {pool.name: ("node_pools", index) for index, pool in enumerate(settings.node_pools)}
    findings = []
    for pool in sorted(pools):
        # The platform's own nodes are in no list; of what the settings say, only the zones are theirs.
        at = ("config", CONFIG_KEY, *places.get(pool, ("zones",)))
        findings.append(
            WrongValue(
                document.place(at),
                dotted(at),
                pool,
                "is a pool with a change that its nodes cannot take: new ones have to be made beside them",
                "other bounds, labels, taints or disk; for the rest, new nodes",
                f"run slipway rotate {opened.name} {pool}, which empties the old nodes before it removes them",
            )
        )
    raise UserErrors(findings)


def environment_up(
    opened: Opened,
    engine: Engine,
    tell: Tell,
    *,
    kept: Sequence[NodeGroup] = (),
    new: bool = False,
    refresh: bool = False,
) -> None:
    """Bring an environment's stack to its settings, beside the node groups that are `kept`."""
    name = stack(opened.name)
    state = settle(opened, engine, name, tell, doubted=False)
    if isinstance(opened.settings, AwsSettings) and state is not None:
        resized = _resized(state, opened.settings)
        if resized:
            tell("reading how many nodes there are")
            engine.refresh(name, resized, tell)
    tell("updating its stack")
    adopted = is_adopted(opened)
    program = slipway.programs.environment.program(opened.name, opened.settings, kept=tuple(kept), adopted=adopted)
    # Where nothing is live although the stack is there, somebody may have deleted its namespace. On AWS the stack is
    # more than that, and its cluster is the environment's own.
    engine.up(name, program, tell, new=new, refresh=refresh or (new and opened.account is None))


def _resized(state: Json, settings: AwsSettings) -> list[str]:
    """URNs of the node groups whose bounds change.

    AWS takes all bounds in one call, and the engine would give it the number of nodes that it saw last: the
    autoscaler's nodes since then would be taken away.
    """
    before = {group.name: (group.min_nodes, group.max_nodes) for group in groups_there(state)}
    changed = {
        group.name
        for group in node_groups(settings)
        if group.name in before and before[group.name] != (group.min_nodes, group.max_nodes)
    }
    return [
        resource["urn"]
        for resource in state["deployment"].get("resources") or []
        if resource["type"] == "aws:eks/nodeGroup:NodeGroup" and resource["inputs"]["nodeGroupName"] in changed
    ]

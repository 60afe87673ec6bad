"""Resume after a run that was killed while a provider was at work.

The engine notes each operation before it begins. Of a creation that never ended it knows no identifier, so that the
next run would make the object a second time, or fail because its name is taken. Kubernetes objects are adopted by
their names (`upsertExistingObjects`); those of AWS, and Helm's releases, are looked for and put into the state.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slipway.engine.engine import Engine
from slipway.values.aliases import Json

Find = Callable[[str, Mapping[str, Any]], Sequence[str]]


def resume(engine: Engine, stack: str, find: Find, report: Callable[[str], None]) -> Json | None:
    """Resume a stack after an interrupted run.

    Returns:
        The stack's state, None when there is no such stack.
    """
    while (state := engine.state(stack)) is not None:
        found = resumed(state, find)
        if found is None:
            break
        again, unsure = found
        count = len(state["deployment"]["pending_operations"])
        report(f"an interrupted run left {count} operations open: checking what exists")
        if engine.replace_state(stack, again, report) and unsure:
            engine.refresh(stack, unsure, report)
    return state


def resumed(state: Json, find: Find) -> tuple[Json, list[str]] | None:
    """Resolve the pending operations of an exported stack.

    Args:
        state: as `pulumi stack export` gives it.
        find: from a type and inputs to the identifiers of objects that may have been made; none if there is none.

    Returns:
        The state without pending operations and with what was found, and the URNs whose real state has to be read;
        None when nothing is pending.
    """
    deployment = state["deployment"]
    pending = deployment.get("pending_operations") or []
    if not pending:
        return None
    resources = list(deployment.get("resources") or [])
    known = {(resource["type"], resource.get("id")) for resource in resources}
    unsure = []
    for operation in pending:
        resource = operation["resource"]
        if operation["type"] == "creating":
            inputs = resource.get("inputs") or {}
            found = find(resource["type"], inputs) if resource.get("custom") else ()
            new = [identifier for identifier in found if (resource["type"], identifier) not in known]
            if not new:
                continue
            # The object that this one was to replace is deleted when the new one is known to be there.
            resources = [old | {"delete": True} if old["urn"] == resource["urn"] else old for old in resources]
            # Without outputs the plugin reads it as it does for an import, by the identifier that people write.
            resources.append({**resource, "id": new[0], "outputs": {}})
        unsure.append(resource["urn"])
    return {**state, "deployment": {**deployment, "resources": resources, "pending_operations": []}}, unsure


def outputs(state: Json) -> Json:
    """The outputs of an exported stack."""
    for resource in state["deployment"].get("resources") or []:
        if resource["type"] == "pulumi:pulumi:Stack":
            return dict(resource.get("outputs") or {})
    return {}

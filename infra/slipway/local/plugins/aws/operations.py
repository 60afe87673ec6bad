"""Create, read, update and delete one resource: what the protocol's calls of these names do."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.compare import as_given
from slipway.local.plugins.aws.schema import Object, Property, ResourceType
from slipway.local.plugins.protocol.errors import InitError, OperationError
from slipway.local.plugins.protocol.properties import UNKNOWN, has_secret, mark_secrets, plain

INCOMPLETE = "__incomplete"
"""Marks a state whose resource was made, but not finished: the next update does everything that creating does."""


def foresee(kind: ResourceType, inputs: Object, state: Object) -> Object:
    """The outputs of a preview: what is asked for, what is known already, and unknown what AWS will decide."""
    unknown = {name: UNKNOWN for name in kind.computed if name not in state}
    return {**unknown, **{key: value for key, value in state.items() if key not in kind.properties}, **inputs}


def create(kind: ResourceType, aws: Aws, inputs: Object) -> tuple[str, Object]:
    """Make it; (id, state). Raises OperationError, InitError."""
    given: Object = plain(inputs)
    identifier = _done(kind, "creating", lambda: kind.create(aws, given))
    return identifier, _finished(kind, aws, identifier, inputs, {}, lambda: _configure(kind, aws, identifier, given))


def update(kind: ResourceType, aws: Aws, identifier: str, state: Object, old: Object, new: Object) -> Object:
    """Change it; its state. Raises OperationError."""
    before, after = plain(old), plain(new)

    def work() -> None:
        if state.get(INCOMPLETE):
            _configure(kind, aws, identifier, after)
        if kind.update is not None and before != after:  # equal: only what creating left undone
            kind.update(aws, identifier, before, after)

    _done(kind, f"updating {identifier}", work)
    return _finished(kind, aws, identifier, new, state, lambda: None)


def _configure(kind: ResourceType, aws: Aws, identifier: str, given: Object) -> None:
    if kind.configure is not None:
        kind.configure(aws, identifier, given)


def _finished(
    kind: ResourceType, aws: Aws, identifier: str, inputs: Object, state: Object, rest: Callable[[], None]
) -> Object:
    """The state after the work and what is left of it."""
    given: Object = plain(inputs)
    try:
        rest()
        live = kind.read(aws, identifier, {**plain(state), **given})
    except (ClientError, BotoCoreError) as error:
        reason = f"{kind.token} {identifier} is there but not finished: {error}"
        raise InitError(reason, identifier, {**state, **inputs, INCOMPLETE: True}, inputs) from error
    if live is None:
        raise OperationError(f"{kind.token} {identifier}: just made, and not to be found")
    return packed(kind, live, inputs)


def packed(kind: ResourceType, live: Object, inputs: Object) -> Object:
    """The state to record: all that is live, with what was given spelled as given, and its secrets secret."""
    outputs = _laid_over(kind.properties, live, as_given(kind, live, inputs))
    return mark_secrets(outputs, inputs) if has_secret(inputs) else outputs


def _laid_over(fields: Mapping[str, Property], live: Object, given: Object) -> Object:
    """What was given over what is live; a block keeps the outputs that it has of its own (`vpcConfig.vpcId`)."""
    outputs = {key: value for key, value in live.items() if value is not None}
    for key, value in given.items():
        nested = fields[key].fields if key in fields else None
        blocks = nested is not None and isinstance(value, dict) and isinstance(live.get(key), dict)
        outputs[key] = _laid_over(nested or {}, live[key], value) if blocks else value
    return outputs


def named(kind: ResourceType, aws: Aws, given: str, state: Object) -> tuple[str, Object]:
    """The id and what is known of a resource that is to be read; without a state it may be named as for an import."""
    if state or kind.imported is None:
        return given, state
    imported = kind.imported
    found: tuple[str, Object] = _done(kind, f"importing {given}", lambda: imported(aws, given))
    return found


def read(kind: ResourceType, aws: Aws, identifier: str, state: Object, inputs: Object) -> tuple[Object, Object] | None:
    """(state, inputs) as they are live; None when it is gone. Raises OperationError."""
    live = _done(kind, f"reading {identifier}", lambda: kind.read(aws, identifier, plain({**inputs, **state})))
    if live is None:
        return None
    now = as_given(kind, live, inputs)
    return packed(kind, live, now), now


def delete(kind: ResourceType, aws: Aws, identifier: str, state: Object) -> None:
    """Delete it; one that is gone is fine. Raises OperationError."""
    _done(kind, f"deleting {identifier}", lambda: kind.delete(aws, identifier, plain(state)))


def _done(kind: ResourceType, doing: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (ClientError, BotoCoreError) as error:
        raise OperationError(f"{doing} {kind.token}: {error}") from error

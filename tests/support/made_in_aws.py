"""Resources that a test makes through the rehearsal, without an engine."""

import uuid
from typing import Any

from slipway.local.plugins.aws import operations
from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.compare import differences, refusals
from slipway.local.plugins.aws.registry import TYPES

Json = dict[str, Any]
REGION = "eu-central-1"


def unique(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


class Made:
    """One resource, made by the rehearsal."""

    def __init__(self, aws: Aws, token: str, inputs: Json) -> None:
        self.kind, self.aws, self.inputs = TYPES[f"aws:{token}"], aws, inputs
        assert not refusals(self.kind, inputs)
        self.id, self.state = operations.create(self.kind, aws, inputs)

    def live(self) -> tuple[Json, Json] | None:
        """(state, inputs) as a refresh sees them; None when it is gone."""
        return operations.read(self.kind, self.aws, self.id, self.state, self.inputs)

    def seen(self) -> Json:
        """The inputs as a refresh sees them."""
        found = self.live()
        assert found is not None
        return found[1]

    def change(self, **changes: Any) -> Json:
        """Update in place; the state after."""
        new = {**self.inputs, **changes}
        assert not self.replaced_by(**changes)
        self.state = operations.update(self.kind, self.aws, self.id, self.state, self.inputs, new)
        self.inputs = new
        return self.state

    def replaced_by(self, **changes: Any) -> list[str]:
        """The changed properties for which AWS would make the resource anew."""
        new = {key: value for key, value in {**self.inputs, **changes}.items() if value is not None}
        return [one.path for one in differences(self.kind, self.inputs, new) if one.replaces]

    def delete(self) -> None:
        operations.delete(self.kind, self.aws, self.id, self.state)
        assert self.live() is None
        operations.delete(self.kind, self.aws, self.id, self.state)

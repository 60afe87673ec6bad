"""Contains what a spec says about rules of the policy that do not hold for a model."""

from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from slipway.errors.base import nearest
from slipway.policy.rules import EXCEPTABLE
from slipway.values.quantities import line_of_text, refusal

REASON_LEAST = 20


def _exceptable(value: object) -> str:
    text = line_of_text(63, EXCEPTABLE[0])(value)
    if text not in EXCEPTABLE:
        near = nearest(text, EXCEPTABLE)
        todo = f"write {near}" if near else "remove it (docs/reference/policy.md has all rules)"
        raise refusal("is not a rule that a model can be exempted from", ", ".join(EXCEPTABLE), todo)
    return text


_rule_schema = WithJsonSchema({"type": "string", "enum": list(EXCEPTABLE)})
ExceptableRule = Annotated[str, BeforeValidator(_exceptable), _rule_schema]
_reason_rule = BeforeValidator(line_of_text(500, "Nobody outside of the team calls it", REASON_LEAST))
Reason = Annotated[str, _reason_rule, WithJsonSchema({"type": "string", "minLength": REASON_LEAST, "maxLength": 500})]

"""Names as pulumi-aws spells them (camelCase) and as AWS's APIs do (PascalCase), through whole documents."""

from collections.abc import Mapping
from typing import Any

_NONE: Mapping[str, str] = {}


def to_aws(value: Any, exceptions: Mapping[str, str] = _NONE) -> Any:
    """`{"daysAfterInitiation": 7}` gives `{"DaysAfterInitiation": 7}`; `exceptions` are looked at first."""
    if isinstance(value, dict):
        return {exceptions.get(key, key[0].upper() + key[1:]): to_aws(item, exceptions) for key, item in value.items()}
    if isinstance(value, list):
        return [to_aws(item, exceptions) for item in value]
    return value


def from_aws(value: Any, exceptions: Mapping[str, str] = _NONE) -> Any:
    """The way back, with the same `exceptions`."""
    back = {there: here for here, there in exceptions.items()}
    return _from_aws(value, back)


def _from_aws(value: Any, back: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {back.get(key, key[0].lower() + key[1:]): _from_aws(item, back) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_aws(item, back) for item in value]
    return value


def given(inputs: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a call: of `names` (property: parameter) those that were given."""
    return {parameter: inputs[key] for key, parameter in names.items() if key in inputs}

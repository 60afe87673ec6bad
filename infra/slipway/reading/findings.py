"""Turn what pydantic refuses into findings in our words: file, line, field, value, what is allowed, what to do."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from slipway.errors.base import MissingKey, Place, UnknownKey, UserError, WrongValue, nearest
from slipway.reading.yaml_document import FieldPath
from slipway.values.quantities import kind_of

M = TypeVar("M", bound=BaseModel)

_OF_PYDANTIC = re.compile(r"\[(?:key|step [a-z]+)\]")
"""Parts of a path that nobody wrote: a mapping's key as a value, and which section of a union was meant."""

Locate = Callable[[FieldPath], tuple[Place, str]]
"""From a path in the validated values to the place and the field as it was written."""


def dotted(path: FieldPath) -> str:
    """A path as messages show it: `node_pools[0].gpu.count`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def findings(model: type[BaseModel], error: ValidationError, locate: Locate) -> list[UserError]:
    """One finding for each thing that `model` refused."""
    details = error.errors(include_url=False)
    # pydantic counts only the good entries of a list, whose bad ones have findings of their own.
    found = [_finding(model, d, locate) for d in details if not (d["type"] == "too_short" and d["input"])]
    misspelt = {f.meant for f in found if isinstance(f, UnknownKey)}
    return [f for f in found if not (isinstance(f, MissingKey) and f.field in misspelt)]


def validated(
    model: type[M], value: Any, locate: Locate, found: list[UserError], environment: str | None = None
) -> M | None:
    """The validated `value`, or None after adding to `found` what is wrong with it.

    `environment`: name of the environment that it belongs to, for messages that name a command.
    """
    try:
        return model.model_validate(value, context={"environment": environment} if environment else None)
    except ValidationError as error:
        found += findings(model, error, locate)
        return None


def _finding(model: type[BaseModel], detail: ErrorDetails, locate: Locate) -> UserError:
    path = tuple(part for part in detail["loc"] if not _OF_PYDANTIC.fullmatch(str(part)))
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    place, field = locate((*path, *context.get("at", ())))
    if kind == "slipway":
        words = (context["problem"], context["allowed"], context["todo"])
        # A finding between two fields has their section for its value, and names the values in its problem.
        if context["at"] or context["hidden"]:
            return UserError(place, field, *words)
        return WrongValue(place, field, value, *words)
    if kind == "extra_forbidden":
        return UnknownKey(
            place, field, str(path[-1]), list(_at(model, detail["loc"][:-1]).model_fields), of_a_format=True
        )
    if kind == "missing":
        return _missing(_at(model, detail["loc"][:-1]), str(path[-1]), place, field)
    if kind == "literal_error":
        return _not_one_of(place, field, value, context["expected"])
    problem = "has no entry" if kind == "too_short" else f"is {kind_of(value)}"
    allowed, example = _SHAPES[kind]
    return WrongValue(place, field, value, problem, allowed, f"write {example}")


_SHAPES = {
    "model_type": ("a mapping", "its keys below it, or {key: value}"),
    "model_attributes_type": ("a mapping", "its keys below it, or {key: value}"),
    "dict_type": ("a mapping", "its keys below it, or {key: value}"),
    "too_short": ("at least one", "one, after '- '"),
    "tuple_type": ("a list", "its entries below it, each after '- '"),
    "list_type": ("a list", "its entries below it, each after '- '"),
}


def _missing(section: type[BaseModel], key: str, place: Place, field: str) -> UserError:
    info = section.model_fields[key]
    example = f"{key}: {_flow(info.examples[0])}" if info.examples else f"{key}: {{...}}"
    return MissingKey(place, field, (info.description or key).rstrip("."), example)


def _flow(value: Any) -> str:
    """An example as YAML shows it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)


def _not_one_of(place: Place, field: str, value: object, expected: str) -> UserError:
    known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    near = nearest(value, known) if isinstance(value, str) else None
    todo = f"write {near or known[0]}"
    return WrongValue(place, field, value, "is not accepted", ", ".join(known), todo)


def _at(model: type[BaseModel], path: Sequence[str | int]) -> type[BaseModel]:
    """The section of `model` that `path` leads to; numbers and keys of mappings are passed over."""
    annotation: Any = None
    for part in path:
        field = model.model_fields.get(str(part))
        if field is not None:
            annotation = field.annotation
            model = _section(annotation) or model
        elif _OF_PYDANTIC.fullmatch(str(part)):
            model = _section(_tagged(annotation, str(part))) or model
    return model


def _tagged(annotation: Any, tag: str) -> Any:
    """The part of an annotation that has the tag; None when none has."""
    if Tag(tag) in getattr(annotation, "__metadata__", ()):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _tagged(argument, tag)
        if found is not None:
            return found
    return None


def _section(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _section(argument)
        if found is not None:
            return found
    return None

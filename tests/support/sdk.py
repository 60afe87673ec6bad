"""What the pinned pulumi-aws knows: the class of each resource type, and the arguments that it takes."""

import importlib
import inspect
import typing
from collections.abc import Iterator
from functools import cache
from typing import Any

import pulumi

PACKAGES = ("budgets", "cloudwatch", "ec2", "ecr", "eks", "iam", "kms", "rds", "s3", "sqs", "vpc")


@cache
def classes() -> dict[str, Any]:
    """Resource classes by type token, of the packages that are used."""
    found: dict[str, Any] = {}
    for name in PACKAGES:
        package = importlib.import_module(f"pulumi_aws.{name}")
        for value in vars(package).values():
            if inspect.isclass(value) and issubclass(value, pulumi.CustomResource):
                token: str = vars(value)["pulumi_type"]
                found[token] = value
    return found


@cache
def arguments(token: str) -> dict[str, Any]:
    """Arguments of a resource by the names that the engine sees, with the type of each."""
    module = vars(importlib.import_module(classes()[token].__module__))
    name = classes()[token].__name__
    # `InitArgs` where a part of another resource has the name already.
    return _properties(module.get(f"{name}InitArgs") or module[f"{name}Args"])


def unknown(value: Any, known: Any, path: str) -> Iterator[str]:
    """Paths in a value that the type does not have, however deep."""
    shapes = [shape for shape in _classes_in(known) if pulumi._types.is_input_type(shape)]
    if isinstance(value, list):
        for item in value:
            yield from unknown(item, known, path)
    elif isinstance(value, dict) and shapes:
        properties = _properties(shapes[0])
        for key, inner in value.items():
            if key in properties:
                yield from unknown(inner, properties[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"


@cache
def _properties(args: Any) -> dict[str, Any]:
    namespace = vars(importlib.import_module(args.__module__))
    names = pulumi._types.input_type_py_to_pulumi_names(args)
    hints = {
        name: typing.get_type_hints(member.fget, namespace).get("return")
        for name, member in vars(args).items()
        if isinstance(member, property)
    }
    return {pulumi_name: hints[name] for name, pulumi_name in names.items()}


def _classes_in(hint: Any) -> Iterator[Any]:
    if inspect.isclass(hint):
        yield hint
    for inner in typing.get_args(hint):
        yield from _classes_in(inner)

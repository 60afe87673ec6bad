"""The types against the pinned SDK: every token, property and output is one of pulumi-aws."""

import importlib
import inspect
from typing import Any

import pytest

from slipway.local.plugins.aws.registry import TYPES
from slipway.local.plugins.aws.schema import ResourceType


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _sdk_class(token: str) -> Any:
    module, _, name = token.removeprefix("aws:").partition(":")
    return getattr(importlib.import_module(f"pulumi_aws.{module.partition('/')[0]}"), name)


@pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
def test_every_property_and_output_is_one_of_the_sdk(kind: ResourceType) -> None:
    resource = _sdk_class(kind.token)
    assert resource.pulumi_type == kind.token
    taken = {_camel(name) for name in inspect.signature(resource._internal_init).parameters}
    given = {_camel(name) for name, value in vars(resource).items() if isinstance(value, property)}
    assert set(kind.properties) <= taken
    assert kind.computed <= given
    assert kind.source.startswith("hashicorp/terraform-provider-aws internal/service/")

"""Tags, which AWS's services spell in three ways and pulumi-aws in one."""

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import Object


def pairs(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """As EC2 and IAM take them."""
    return [{"Key": key, "Value": value} for key, value in sorted((tags or {}).items())]


def mapping(found: Iterable[Mapping[str, str]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """As pulumi-aws gives them; AWS's own tags (aws:...) left out."""
    return {one[key]: one[value] for one in found or () if not one[key].startswith("aws:")}


def outputs(tags: Mapping[str, str]) -> Object:
    """The two outputs that every tagged resource has."""
    return {"tags": dict(tags), "tagsAll": dict(tags)}


def changed(old: Object, new: Object) -> tuple[dict[str, str], list[str]]:
    """What an update has to set, and the keys that it has to remove."""
    before, after = old.get("tags") or {}, new.get("tags") or {}
    put = {key: value for key, value in after.items() if before.get(key) != value}
    return put, sorted(before.keys() - after.keys())


def specification(resource_type: str, inputs: Object) -> list[dict[str, Any]]:
    """The tags that EC2 gives to what it makes, in the same call."""
    tags = pairs(inputs.get("tags"))
    return [{"ResourceType": resource_type, "Tags": tags}] if tags else []


def update_ec2(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    """Change the tags of anything in EC2."""
    put, gone = changed(old, new)
    if gone:
        aws.call("ec2", "delete_tags", Resources=[identifier], Tags=[{"Key": key} for key in gone])
    if put:
        aws.call("ec2", "create_tags", Resources=[identifier], Tags=pairs(put))

"""A launch template of EC2: each change makes a version of it."""

from collections.abc import Callable, Mapping
from typing import Any

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import FIXED, LOCAL, VALUE, Object, ResourceType, block
from slipway.local.plugins.aws.types import tags

_MISSING = ("InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException")


def _flag(value: Any) -> bool:
    """pulumi-aws takes some switches as text, because Terraform could not tell `false` from not given."""
    return value in (True, "true")


def _text(value: Any) -> str:
    return str(bool(value)).lower()


_NAMES = {"vpcSecurityGroupIds": "SecurityGroupIds"}
_FLAGS_AS_TEXT = {"deleteOnTermination", "encrypted", "ebsOptimized"}
_DATA = (
    "blockDeviceMappings", "capacityReservationSpecification", "ebsOptimized", "iamInstanceProfile", "imageId",
    "instanceType",
    "metadataOptions", "monitoring", "tagSpecifications", "userData", "vpcSecurityGroupIds",
)  # fmt: skip


def _to_aws(given: Mapping[str, Any]) -> dict[str, Any]:
    """Names in Amazon's spelling, tags as pairs, switches as switches."""
    return {
        _NAMES.get(key, key[0].upper() + key[1:]): _value_to_aws(key, value)
        for key, value in given.items()
        if value is not None
    }


def _value_to_aws(key: str, value: Any) -> Any:
    if key == "tags":
        return tags.pairs(value)
    if key in _FLAGS_AS_TEXT:
        return _flag(value)
    return _deep(value, _to_aws)


def _from_aws(live: Mapping[str, Any]) -> dict[str, Any]:
    back = {theirs: ours for ours, theirs in _NAMES.items()}
    return {
        (ours := back.get(key, key[0].lower() + key[1:])): _value_from_aws(ours, value) for key, value in live.items()
    }


def _value_from_aws(key: str, value: Any) -> Any:
    if key == "tags":
        return tags.mapping(value)
    if key in _FLAGS_AS_TEXT:
        return _text(value)
    return _deep(value, _from_aws)


def _deep(value: Any, convert: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, Mapping):
        return convert(value)
    if isinstance(value, list):
        return [_deep(item, convert) for item in value]
    return value


def _data(inputs: Object) -> dict[str, Any]:
    return _to_aws({key: inputs[key] for key in _DATA if key in inputs})


def _create(aws: Aws, inputs: Object) -> str:
    made = aws.call(
        "ec2", "create_launch_template", LaunchTemplateName=inputs["name"], LaunchTemplateData=_data(inputs),
        VersionDescription=inputs.get("description", ""),
        TagSpecifications=tags.specification("launch-template", inputs),
    )  # fmt: skip
    return str(made["LaunchTemplate"]["LaunchTemplateId"])


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("ec2", "describe_launch_templates", _MISSING, LaunchTemplateIds=[identifier])
    if not found or not found["LaunchTemplates"]:
        return None
    live = found["LaunchTemplates"][0]
    (version,) = aws.call(
        "ec2", "describe_launch_template_versions", LaunchTemplateId=identifier, Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    return {
        "name": live["LaunchTemplateName"],
        "description": version.get("VersionDescription") or None,
        "defaultVersion": live["DefaultVersionNumber"],
        "latestVersion": live["LatestVersionNumber"],
        "updateDefaultVersion": state.get("updateDefaultVersion"),
        "arn": f"arn:aws:ec2:{aws.region}:{aws.account}:launch-template/{identifier}",
        **_given(version["LaunchTemplateData"]),
        **tags.outputs(tags.mapping(live.get("Tags"))),
    }


def _given(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data that was given; moto puts the template's own tags among those of what is launched."""
    live = _from_aws(data)
    launched = [one for one in live.get("tagSpecifications", ()) if one["resourceType"] != "launch-template"]
    return {**live, "tagSpecifications": launched}


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    if _data(old) != _data(new) or old.get("description") != new.get("description"):
        made = aws.call(
            "ec2", "create_launch_template_version", LaunchTemplateId=identifier, LaunchTemplateData=_data(new),
            VersionDescription=new.get("description", ""),
        )  # fmt: skip
        if new.get("updateDefaultVersion"):
            latest = str(made["LaunchTemplateVersion"]["VersionNumber"])
            aws.call("ec2", "modify_launch_template", LaunchTemplateId=identifier, DefaultVersion=latest)
    tags.update_ec2(aws, identifier, old, new)


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("ec2", "delete_launch_template", _MISSING, LaunchTemplateId=identifier)


_EBS = block(
    deleteOnTermination=VALUE, encrypted=VALUE, iops=VALUE, kmsKeyId=VALUE, throughput=VALUE, volumeSize=VALUE,
    volumeType=VALUE,
)  # fmt: skip

LAUNCH_TEMPLATE = ResourceType(
    token="aws:ec2/launchTemplate:LaunchTemplate",
    source="hashicorp/terraform-provider-aws internal/service/ec2/launch_template.go",
    properties={
        "name": FIXED,
        "description": VALUE,
        "updateDefaultVersion": LOCAL,
        "blockDeviceMappings": block(deviceName=VALUE, ebs=_EBS),
        "capacityReservationSpecification": block(
            capacityReservationPreference=VALUE, capacityReservationTarget=block(capacityReservationId=VALUE)
        ),
        "ebsOptimized": VALUE,
        "iamInstanceProfile": block(arn=VALUE, name=VALUE),
        "imageId": VALUE,
        "instanceType": VALUE,
        "metadataOptions": block(
            httpEndpoint=VALUE, httpTokens=VALUE, httpPutResponseHopLimit=VALUE, instanceMetadataTags=VALUE
        ),
        "monitoring": block(enabled=VALUE),
        "tagSpecifications": block(unordered=True, resourceType=VALUE, tags=VALUE),
        "userData": VALUE,
        "vpcSecurityGroupIds": VALUE,
        "tags": VALUE,
    },
    computed=frozenset({"arn", "defaultVersion", "latestVersion", "tagsAll"}),
    name="name", create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip

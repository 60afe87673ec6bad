"""An instance of EC2 that a launch template describes: what is in the template is no property of it here."""

from typing import Any

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import REQUIRED, REQUIRED_FIXED, VALUE, Object, ResourceType, block
from slipway.local.plugins.aws.types import tags

_MISSING = ("InvalidInstanceID.NotFound",)
_GONE = ("shutting-down", "terminated")


def _create(aws: Aws, inputs: Object) -> str:
    template = inputs["launchTemplate"]
    data = _data(aws, template)
    missing = [key for key in ("ImageId", "InstanceType") if key not in data]
    if missing:
        raise refuse("MissingParameter", f"The request must contain {' and '.join(missing)}", "RunInstances")
    # moto takes neither images by the name of a parameter nor the groups of a template.
    image = _image(aws, data["ImageId"])
    made = aws.call(
        "ec2", "run_instances", MinCount=1, MaxCount=1, SubnetId=inputs["subnetId"], ImageId=image,
        InstanceType=data["InstanceType"], SecurityGroupIds=data.get("SecurityGroupIds", []),
        LaunchTemplate={"LaunchTemplateId": template["id"], "Version": str(template["version"])},
        TagSpecifications=tags.specification("instance", inputs),
    )  # fmt: skip
    return str(made["Instances"][0]["InstanceId"])


def _data(aws: Aws, template: Object) -> Any:
    found = aws.call(
        "ec2", "describe_launch_template_versions", LaunchTemplateId=template["id"],
        Versions=[str(template["version"])],
    )  # fmt: skip
    return found["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def _image(aws: Aws, given: str) -> str:
    """The image that a launch template names, or the public parameter that holds its id."""
    name = given.partition("resolve:ssm:")[2]
    return str(aws.call("ssm", "get_parameter", Name=name)["Parameter"]["Value"]) if name else given


def _find(aws: Aws, identifier: str) -> Any:
    found = aws.find("ec2", "describe_instances", _MISSING, InstanceIds=[identifier])
    live = [one for group in (found or {}).get("Reservations", []) for one in group["Instances"]]
    return next((one for one in live if one["State"]["Name"] not in _GONE), None)


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    live = _find(aws, identifier)
    if live is None:
        return None
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{aws.account}:instance/{identifier}",
        "ami": live["ImageId"],
        "instanceType": live["InstanceType"],
        "instanceState": live["State"]["Name"],
        "privateIp": live.get("PrivateIpAddress"),
        "subnetId": live["SubnetId"],
        "launchTemplate": state.get("launchTemplate"),
        **tags.outputs(tags.mapping(live.get("Tags"))),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    """Another version of the template changes nothing about an instance that runs, as in AWS."""
    tags.update_ec2(aws, identifier, old, new)


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    if _find(aws, identifier) is not None:
        aws.call("ec2", "terminate_instances", InstanceIds=[identifier])


def _replaced_when(old: Object, new: Object) -> frozenset[str]:
    """Another template, or another version of it, is another instance (`ForceNew` by CustomizeDiff)."""
    return frozenset({"launchTemplate"} if old.get("launchTemplate") != new.get("launchTemplate") else ())


INSTANCE = ResourceType(
    token="aws:ec2/instance:Instance",
    source="hashicorp/terraform-provider-aws internal/service/ec2/ec2_instance.go",
    properties={
        "launchTemplate": block(required=True, id=VALUE, version=REQUIRED),
        "subnetId": REQUIRED_FIXED,
        "tags": VALUE,
    },
    computed=frozenset({"ami", "arn", "instanceState", "instanceType", "privateIp", "tagsAll"}),
    replaces_when=_replaced_when,
    create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip

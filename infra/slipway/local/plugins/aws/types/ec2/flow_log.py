"""A record of who talked to whom in a network."""

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.spelling import given

_MISSING = ("InvalidFlowLogId.NotFound",)
_NAMES = {
    "trafficType": "TrafficType", "logDestination": "LogDestination", "logDestinationType": "LogDestinationType",
    "iamRoleArn": "DeliverLogsPermissionArn", "maxAggregationInterval": "MaxAggregationInterval",
    "logFormat": "LogFormat",
}  # fmt: skip


def _create(aws: Aws, inputs: Object) -> str:
    made = aws.call(
        "ec2", "create_flow_logs", ResourceType="VPC", ResourceIds=[inputs["vpcId"]],
        TagSpecifications=tags.specification("vpc-flow-log", inputs), **given(inputs, _NAMES),
    )  # fmt: skip
    if made.get("Unsuccessful"):
        trouble = made["Unsuccessful"][0]["Error"]
        raise refuse(trouble["Code"], trouble["Message"], "CreateFlowLogs")
    return str(made["FlowLogIds"][0])


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("ec2", "describe_flow_logs", _MISSING, FlowLogIds=[identifier])
    if found is None or not found["FlowLogs"]:
        return None
    log = found["FlowLogs"][0]
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{aws.account}:vpc-flow-log/{identifier}",
        "vpcId": log["ResourceId"],
        **{key: log.get(name) for key, name in _NAMES.items()},
        **tags.outputs(tags.mapping(log.get("Tags"))),
    }


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("ec2", "delete_flow_logs", _MISSING, FlowLogIds=[identifier])


FLOW_LOG = ResourceType(
    token="aws:ec2/flowLog:FlowLog",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_flow_log.go",
    properties={"vpcId": FIXED, **dict.fromkeys(_NAMES, FIXED), "tags": VALUE},
    computed=frozenset({"arn", "tagsAll"}),
    create=_create, read=_read, update=tags.update_ec2, delete=_delete,
)  # fmt: skip

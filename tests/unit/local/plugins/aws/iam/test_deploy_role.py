"""The role that docs/how-to/aws.md makes may do what Slipway does, and nothing to what is another environment's."""

# ruff: noqa: N803 (boto3 spells parameters as Amazon does)

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from slipway.local.plugins.aws.iam.conditions import PolicyError
from slipway.local.plugins.aws.iam.dependents import TABLE
from slipway.local.plugins.aws.iam.guard import Role, judge
from slipway.local.plugins.aws.iam.reference import action
from slipway.local.plugins.aws.iam.requests import Call
from slipway.local.plugins.aws.iam.resources import Place
from slipway.local.plugins.aws.iam.roles import Roles, environment_of
from slipway.rehearsal.stage import POLICIES

ROOT = Path(__file__).resolve().parents[6]
PLACE = Place("aws", "eu-central-1", "123456789012")
FILES = [ROOT / file for file in POLICIES]
ROLE = Roles(FILES).of("prod", PLACE)
OWN = {"slipway:environment": "prod"}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
TAGS = [{"Key": "slipway:environment", "Value": "prod"}]
ROLES = "arn:aws:iam::123456789012:role"


@dataclass
class Account:
    """What AWS knows: tags by id or ARN, and one launch template's data."""

    tagged: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    launched: tuple[str, ...] = ("instance", "volume", "network-interface")

    def __call__(self, _service: str) -> "Account":
        return self

    def describe_tags(self, Filters: Any) -> Any:
        return {"Tags": [{"Key": k, "Value": v} for k, v in self.tagged.get(Filters[0]["Values"][0], {}).items()]}

    def list_resource_tags(self, KeyId: str) -> Any:
        if KeyId not in self.tagged:
            raise ClientError({"Error": {"Code": "NotFoundException"}}, "ListResourceTags")
        return {"Tags": [{"TagKey": k, "TagValue": v} for k, v in self.tagged[KeyId].items()]}

    def list_aliases(self) -> Any:
        keys = {"alias/slipway-prod-data": KEY, "alias/slipway-dev-data": f"{KEY}-of-dev"}
        return {"Aliases": [{"AliasName": name, "TargetKeyId": key} for name, key in keys.items()]}

    def describe_route_tables(self, Filters: Any) -> Any:
        association = {"RouteTableAssociationId": Filters[0]["Values"][0], "SubnetId": "subnet-1"}
        return {"RouteTables": [{"RouteTableId": "rtb-1", "Associations": [association]}]}

    def describe_launch_template_versions(self, LaunchTemplateId: str, Versions: list[str]) -> Any:
        assert Versions == ["3"]
        specifications = [{"ResourceType": kind, "Tags": TAGS} for kind in self.launched]
        return {"LaunchTemplateVersions": [{"LaunchTemplateData": {"TagSpecifications": specifications}}]}


def tagging(*kinds: str, tags: Any = TAGS) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tags} for kind in kinds]


OWNED = Account({
    **dict.fromkeys(("vpc-1", "subnet-1", "subnet-2", "sg-1", "rtb-1", "igw-1", "eipalloc-1", "lt-1", KEY), OWN),
    "eni-pod": {"cluster.k8s.amazonaws.com/name": "slipway-prod"},
})  # fmt: skip
GROUP = {
    "clusterName": "slipway-prod", "nodegroupName": "cpu", "nodeRole": f"{ROLES}/slipway-prod-nodes", "tags": OWN,
    "subnets": ["subnet-1", "subnet-2"], "launchTemplate": {"id": "lt-1", "version": "3"},
}  # fmt: skip
CALLS = {
    "vpc": Call("ec2", "CreateVpc", {"CidrBlock": "10.0.0.0/16", "TagSpecifications": tagging("vpc")}),
    "subnet": Call("ec2", "CreateSubnet", {"VpcId": "vpc-1", "TagSpecifications": tagging("subnet")}),
    "group of rules": Call(
        "ec2", "CreateSecurityGroup", {"VpcId": "vpc-1", "TagSpecifications": tagging("security-group")}
    ),
    "rule": Call(
        "ec2", "AuthorizeSecurityGroupIngress",
        {"GroupId": "sg-1", "TagSpecifications": tagging("security-group-rule")},
    ),
    "rules of the default group": Call("ec2", "RevokeSecurityGroupEgress", {"GroupId": "sg-default"}),
    "route": Call("ec2", "CreateRoute", {"RouteTableId": "rtb-1", "GatewayId": "igw-1"}),
    "address": Call("ec2", "AllocateAddress", {"Domain": "vpc", "TagSpecifications": tagging("elastic-ip")}),
    "nat": Call(
        "ec2", "CreateNatGateway",
        {"SubnetId": "subnet-1", "AllocationId": "eipalloc-1", "TagSpecifications": tagging("natgateway")},
    ),
    "endpoint": Call(
        "ec2", "CreateVpcEndpoint",
        {"VpcId": "vpc-1", "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "PrivateDnsEnabled": True,
         "TagSpecifications": tagging("vpc-endpoint")},
    ),
    "flow logs": Call(
        "ec2", "CreateFlowLogs",
        {"ResourceType": "VPC", "ResourceIds": ["vpc-1"], "TagSpecifications": tagging("vpc-flow-log"),
         "DeliverLogsPermissionArn": f"{ROLES}/slipway-prod-flow-logs"},
    ),
    "template": Call("ec2", "CreateLaunchTemplate", {"TagSpecifications": tagging("launch-template")}),
    "interface left by pods": Call("ec2", "DeleteNetworkInterface", {"NetworkInterfaceId": "eni-pod"}),
    "cluster": Call(
        "eks", "CreateCluster",
        {"name": "slipway-prod", "roleArn": f"{ROLES}/slipway-prod-control-plane", "tags": OWN,
         "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": KEY}}]},
    ),
    "node group": Call("eks", "CreateNodegroup", GROUP),
    "identity": Call(
        "eks", "CreatePodIdentityAssociation",
        {"clusterName": "slipway-prod", "roleArn": f"{ROLES}/slipway-prod-autoscaler", "tags": OWN},
    ),
    "role": Call("iam", "CreateRole", {"RoleName": "slipway-prod-nodes", "Tags": TAGS}),
    "policy of EKS": Call(
        "iam", "AttachRolePolicy",
        {"RoleName": "slipway-prod-nodes", "PolicyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"},
    ),
    "key": Call("kms", "CreateKey", {"Tags": [{"TagKey": "slipway:environment", "TagValue": "prod"}]}),
    "alias": Call("kms", "CreateAlias", {"AliasName": "alias/slipway-prod-data", "TargetKeyId": KEY}),
    "alias deleted": Call("kms", "DeleteAlias", {"AliasName": "alias/slipway-prod-data"}),
    "association": Call("ec2", "DisassociateRouteTable", {"AssociationId": "rtbassoc-1"}),
    "repository": Call(
        "ecr", "CreateRepository",
        {"repositoryName": "slipway/prod/digits", "tags": TAGS,
         "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": KEY}},
    ),
    "log group": Call(
        "logs", "CreateLogGroup", {"logGroupName": "/aws/eks/slipway-prod/cluster", "kmsKeyId": KEY, "tags": OWN}
    ),
    "bucket": Call("s3", "CreateBucket", {"Bucket": "slipway-prod-123456789012-eu-central-1"}),
    "objects": Call("s3", "DeleteObjects", {"Bucket": "slipway-prod-123456789012-eu-central-1", "Delete": {}}),
    "budget": Call("budgets", "CreateBudget", {"BudgetName": "slipway-prod", "ResourceTags": TAGS}),
    "ledger": Call(
        "rds", "CreateDBInstance",
        {"DBInstanceIdentifier": "slipway-prod-keys", "DBSubnetGroupName": "slipway-prod-keys", "Tags": TAGS,
         "KmsKeyId": KEY, "ManageMasterUserPassword": True, "MasterUserSecretKmsKeyId": KEY},
    ),
    "tags": Call("resourcegroupstaggingapi", "GetResources", {}),
}  # fmt: skip


def said(call: Call, role: Role = ROLE, account: Account = OWNED) -> str:
    """AWS's refusal; empty for a call that is allowed."""
    try:
        judge(role, call, PLACE, account)
    except ClientError as error:
        return str(error)
    return ""


def changed(edit: Any) -> Role:
    """The role with policies that were changed: `edit` gets each statement, and may say that it goes."""
    policies = json.loads(json.dumps(ROLE.policies))
    for policy in policies:
        policy["Statement"] = [one for one in policy["Statement"] if edit(one) is not False]
    return replace(ROLE, policies=tuple(policies))


def without(name: str) -> Role:
    def edit(statement: dict[str, Any]) -> bool:
        statement["Action"] = [one for one in statement["Action"] if one != name]
        return bool(statement["Action"])

    return changed(edit)


@pytest.mark.parametrize("name", CALLS)
def test_the_role_may_do_what_slipway_does(name: str) -> None:
    assert said(CALLS[name]) == ""


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("node group", "ec2:RunInstances"),
        ("node group", "iam:PassRole"),
        ("node group", "iam:GetRole"),
        ("node group", "iam:CreateServiceLinkedRole"),
        ("node group", "eks:TagResource"),
        ("endpoint", "route53:AssociateVPCWithHostedZone"),
        ("endpoint", "ec2:Describe*"),
        ("vpc", "ec2:CreateTags"),
        ("cluster", "kms:CreateGrant"),
        ("ledger", "secretsmanager:CreateSecret"),
        ("ledger", "kms:GenerateDataKey"),
        ("log group", "logs:AssociateKmsKey"),
        ("objects", "s3:DeleteObjectVersion"),
        ("budget", "budgets:ModifyBudget"),
    ],
)
def test_without_an_action_the_call_is_refused_that_needs_it(name: str, lost: str) -> None:
    service, _, verb = lost.partition(":")
    assert f"is not authorized to perform: {service}:{verb.rstrip('*')}" in said(CALLS[name], without(lost))


def test_a_refusal_reads_like_one_of_aws() -> None:
    assert said(CALLS["vpc"], without("ec2:CreateVpc")) == (
        "An error occurred (UnauthorizedOperation) when calling the CreateVpc operation: You are not authorized to "
        "perform this operation. User: arn:aws:sts::123456789012:assumed-role/deploy-slipway-prod/rehearsal is not "
        "authorized to perform: ec2:CreateVpc on resource: arn:aws:ec2:eu-central-1:123456789012:vpc/* because no "
        "identity-based policy allows the ec2:CreateVpc action (keys of the request: "
        "aws:requesttag/slipway:environment=prod, aws:tagkeys=slipway:environment)"
    )
    assert said(CALLS["role"], without("iam:CreateRole")).startswith("An error occurred (AccessDenied) when calling")
    refused = said(CALLS["cluster"], changed(lambda one: one["Sid"] != "Cluster"))
    assert refused.startswith("An error occurred (AccessDeniedException) when calling the CreateCluster operation")

    def deny(statement: dict[str, Any]) -> None:
        statement["Effect"] = "Deny" if statement["Sid"] == "KeyAliases" else "Allow"

    assert "with an explicit deny in an identity-based policy (KeyAliases)" in said(CALLS["alias"], changed(deny))


def test_without_its_tag_nothing_is_made() -> None:
    for name in ("vpc", "subnet", "group of rules", "address", "template", "key", "endpoint", "flow logs"):
        call = CALLS[name]
        bare = {key: value for key, value in call.params.items() if key not in ("TagSpecifications", "Tags")}
        assert "is not authorized" in said(Call(call.service, call.operation, bare)), name
    untagged = replace(OWNED, launched=("instance", "volume"))
    assert "ec2:RunInstances on resource: arn:aws:ec2:eu-central-1:123456789012:network-interface/*" in said(
        CALLS["node group"], account=untagged
    )


FOREIGN = {
    "network": Call("ec2", "DeleteVpc", {"VpcId": "vpc-9"}),
    "subnet in a network": Call("ec2", "CreateSubnet", {"VpcId": "vpc-9", "TagSpecifications": tagging("subnet")}),
    "interface": Call("ec2", "DeleteNetworkInterface", {"NetworkInterfaceId": "eni-9"}),
    "tags": Call("ec2", "CreateTags", {"Resources": ["vpc-9"], "Tags": TAGS}),
    "rules": Call("ec2", "RevokeSecurityGroupIngress", {"GroupId": "sg-9"}),
    "nodes in a subnet": Call("eks", "CreateNodegroup", {**GROUP, "subnets": ["subnet-9"]}),
    "nodes of a template": Call(
        "eks", "CreateNodegroup", {**GROUP, "launchTemplate": {"id": "lt-9", "version": "3"}}
    ),
    "nodes' role": Call("eks", "CreateNodegroup", {**GROUP, "nodeRole": f"{ROLES}/admin"}),
    "cluster": Call("eks", "DeleteCluster", {"name": "slipway-dev"}),
    "role": Call("iam", "PutRolePolicy", {"RoleName": "slipway-dev-nodes"}),
    "its own role": Call("iam", "PutRolePolicy", {"RoleName": "deploy-slipway-prod"}),
    "administrator": Call(
        "iam", "AttachRolePolicy",
        {"RoleName": "slipway-prod-nodes", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "key": Call("kms", "ScheduleKeyDeletion", {"KeyId": "arn:aws:kms:eu-central-1:123456789012:key/9"}),
    "alias": Call("kms", "DeleteAlias", {"AliasName": "alias/slipway-dev-data"}),
    "images": Call("ecr", "DeleteRepository", {"repositoryName": "slipway/dev/digits"}),
    "bucket": Call("s3", "DeleteBucket", {"Bucket": "slipway-dev-123456789012-eu-central-1"}),
    "objects": Call("s3", "DeleteObjects", {"Bucket": "somebody-elses"}),
    "log group": Call("logs", "DeleteLogGroup", {"logGroupName": "/aws/eks/slipway-dev/cluster"}),
    "ledger": Call("rds", "DeleteDBInstance", {"DBInstanceIdentifier": "slipway-dev-keys"}),
    "budget": Call("budgets", "DeleteBudget", {"BudgetName": "slipway-dev"}),
}  # fmt: skip
OTHERS = Account({
    **OWNED.tagged, "vpc-9": {"slipway:environment": "dev"}, "sg-9": {"slipway:environment": "dev"},
    "subnet-9": {"slipway:environment": "dev"}, "lt-9": {"slipway:environment": "dev"},
    "eni-9": {"cluster.k8s.amazonaws.com/name": "slipway-dev"},
    "arn:aws:kms:eu-central-1:123456789012:key/9": {"slipway:environment": "dev"},
})  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_of_another_environment_is_out_of_reach(name: str) -> None:
    assert "is not authorized" in said(FOREIGN[name], account=OTHERS)


@pytest.mark.parametrize(
    ("sid", "found"),
    [
        ("ChangeNetwork", "network"),
        ("ChangeNetwork", "tags"),
        ("StartNodesInNetwork", "nodes in a subnet"),
        ("StartNodesInNetwork", "nodes of a template"),
        ("RemoveInterfacesOfPods", "interface"),
        ("EmptyDefaultGroup", "rules"),
        ("Cluster", "cluster"),
        ("Roles", "role"),
        ("Roles", "its own role"),
        ("PassRoles", "nodes' role"),
        ("AttachPoliciesOfEks", "administrator"),
        ("ChangeKeys", "key"),
        ("Images", "images"),
        ("ModelStore", "bucket"),
        ("Weights", "objects"),
        ("Logs", "log group"),
        ("Ledger", "ledger"),
        ("Budget", "budget"),
    ],
)
def test_a_statement_that_is_widened_is_found_by_what_it_lets_in(sid: str, found: str) -> None:
    def widen(statement: dict[str, Any]) -> None:
        if statement["Sid"] == sid:
            statement["Resource"] = "*"
            statement.pop("Condition", None)

    assert said(FOREIGN[found], changed(widen), OTHERS) == ""


def test_the_policies_are_read_for_each_environment() -> None:
    dev = Roles(FILES).of("dev", Place("aws", "us-east-1", "210987654321"))
    text = json.dumps(dev.policies)
    assert "slipway-prod" not in text and "123456789012" not in text and "eu-central-1" not in text
    assert dev.session == "arn:aws:sts::210987654321:assumed-role/deploy-slipway-dev/rehearsal"
    assert environment_of("urn:pulumi:prod.digits::slipway::aws:ec2/vpc:Vpc::x") == "prod"
    assert environment_of("the account before the rehearsal") is None


def test_every_row_of_the_table_names_what_aws_has() -> None:
    for row in TABLE:
        assert action(row.action).name == row.action
        assert row.when or row.role or row.service or row.action.startswith("ec2:Describe"), row
    assert len({(row.call, row.action, row.service) for row in TABLE}) == len(TABLE)
    with pytest.raises(PolicyError, match="ec2:CreateVpcs is no action of AWS"):
        action("ec2:CreateVpcs")

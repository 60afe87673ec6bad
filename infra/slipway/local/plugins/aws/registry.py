"""All resource types that the rehearsal knows, by token."""

from slipway.local.plugins.aws.schema import ResourceType
from slipway.local.plugins.aws.types.budget import BUDGET
from slipway.local.plugins.aws.types.ec2.flow_log import FLOW_LOG
from slipway.local.plugins.aws.types.ec2.gateways import EIP, INTERNET_GATEWAY, NAT_GATEWAY
from slipway.local.plugins.aws.types.ec2.instance import INSTANCE
from slipway.local.plugins.aws.types.ec2.launch_template import LAUNCH_TEMPLATE
from slipway.local.plugins.aws.types.ec2.routes import ROUTE, ROUTE_TABLE, ROUTE_TABLE_ASSOCIATION
from slipway.local.plugins.aws.types.ec2.security_group import DEFAULT_SECURITY_GROUP, SECURITY_GROUP
from slipway.local.plugins.aws.types.ec2.security_group_rule import EGRESS_RULE, INGRESS_RULE
from slipway.local.plugins.aws.types.ec2.subnet import SUBNET
from slipway.local.plugins.aws.types.ec2.vpc import VPC
from slipway.local.plugins.aws.types.ec2.vpc_endpoint import VPC_ENDPOINT
from slipway.local.plugins.aws.types.ecr import LIFECYCLE_POLICY, REPOSITORY
from slipway.local.plugins.aws.types.eks.access import ACCESS_ENTRY, ACCESS_POLICY_ASSOCIATION
from slipway.local.plugins.aws.types.eks.addon import ADDON
from slipway.local.plugins.aws.types.eks.cluster import CLUSTER
from slipway.local.plugins.aws.types.eks.node_group import NODE_GROUP
from slipway.local.plugins.aws.types.eks.pod_identity import POD_IDENTITY_ASSOCIATION
from slipway.local.plugins.aws.types.events import EVENT_RULE, EVENT_TARGET, QUEUE, QUEUE_POLICY
from slipway.local.plugins.aws.types.iam import INSTANCE_PROFILE, ROLE, ROLE_POLICY, ROLE_POLICY_ATTACHMENT
from slipway.local.plugins.aws.types.kms import ALIAS, KEY
from slipway.local.plugins.aws.types.log_group import LOG_GROUP
from slipway.local.plugins.aws.types.rds import DATABASE, DATABASE_SUBNETS
from slipway.local.plugins.aws.types.s3.bucket import BUCKET
from slipway.local.plugins.aws.types.s3.parts import (
    ENCRYPTION,
    LIFECYCLE,
    OWNERSHIP,
    POLICY,
    PUBLIC_ACCESS_BLOCK,
    VERSIONING,
)

_OF_NETWORK = (
    VPC, SUBNET, INTERNET_GATEWAY, EIP, NAT_GATEWAY, ROUTE_TABLE, ROUTE, ROUTE_TABLE_ASSOCIATION, VPC_ENDPOINT,
    SECURITY_GROUP, DEFAULT_SECURITY_GROUP, INGRESS_RULE, EGRESS_RULE, FLOW_LOG, INSTANCE,
)  # fmt: skip
_OF_KEYS_AND_ROLES = (KEY, ALIAS, ROLE, ROLE_POLICY, ROLE_POLICY_ATTACHMENT, INSTANCE_PROFILE)
_OF_BUCKETS = (BUCKET, VERSIONING, ENCRYPTION, PUBLIC_ACCESS_BLOCK, OWNERSHIP, POLICY, LIFECYCLE)
_OF_INTERRUPTIONS = (QUEUE, QUEUE_POLICY, EVENT_RULE, EVENT_TARGET)
_OF_GATEWAYS = (DATABASE, DATABASE_SUBNETS)
_OF_MODELS_AND_NODES = (
    ACCESS_ENTRY, ACCESS_POLICY_ASSOCIATION, ADDON, BUDGET, CLUSTER, LAUNCH_TEMPLATE, LIFECYCLE_POLICY, LOG_GROUP,
    NODE_GROUP, POD_IDENTITY_ASSOCIATION, REPOSITORY,
)  # fmt: skip

TYPES: dict[str, ResourceType] = {
    kind.token: kind
    for kind in (
        *_OF_NETWORK,
        *_OF_KEYS_AND_ROLES,
        *_OF_BUCKETS,
        *_OF_INTERRUPTIONS,
        *_OF_GATEWAYS,
        *_OF_MODELS_AND_NODES,
    )
}

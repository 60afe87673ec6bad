"""Check AWS resources, as pulumi-aws spells their properties: buckets, keys, disks, doors, tags."""

from collections.abc import Iterator, Sequence
from typing import Any

from slipway.policy.iam import anyone, needs_tls, statements
from slipway.policy.resource import Resource, Unknown, entries, is_not, mapping, read
from slipway.values.names import ENVIRONMENT_TAG, MANAGED_BY_TAG

BUCKET = "aws:s3/bucket:Bucket"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
ENCRYPTED_BUCKET = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
CLUSTER = "aws:eks/cluster:Cluster"
KEY = "aws:kms/key:Key"
LAUNCH_TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
DATABASE = "aws:rds/instance:Instance"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
QUEUE = "aws:sqs/queue:Queue"
REPOSITORY = "aws:ecr/repository:Repository"

TAGGED = frozenset(
    {
        BUCKET,
        CLUSTER,
        DATABASE,
        KEY,
        LAUNCH_TEMPLATE,
        LOG_GROUP,
        NODE_GROUP,
        REPOSITORY,
        "aws:budgets/budget:Budget",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/eip:Eip",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/instance:Instance",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:eks/accessEntry:AccessEntry",
        "aws:eks/addon:Addon",
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        "aws:iam/instanceProfile:InstanceProfile",
        "aws:iam/role:Role",
        "aws:rds/subnetGroup:SubnetGroup",
        QUEUE,
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    }
)
"""The types in use whose resources AWS can tag."""

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_TRUE = (True, "true")


def no_public_bucket(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Every bucket blocks public access in all four ways, has no public ACL, and no policy that lets everybody in."""
    for bucket in resources:
        if bucket.type == BUCKET:
            if is_not(bucket.read("acl"), None, "private"):
                yield bucket, f"has the ACL {bucket.read('acl')}"
            blocks = list(_about(bucket, resources, PUBLIC_ACCESS_BLOCK))
            if not blocks:
                yield bucket, "has no BucketPublicAccessBlock"
            for block in blocks:
                for field in _BLOCKS:
                    if is_not(block.read(field), True):
                        yield block, f"{field} is not true"
        elif bucket.type == BUCKET_POLICY and any(map(anyone, statements(bucket.read("policy")))):
            yield bucket, "allows something to everybody"


def encryption_in_transit(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Every bucket has a policy that denies requests without TLS."""
    for bucket in resources:
        if bucket.type != BUCKET:
            continue
        policies = [policy.read("policy") for policy in _about(bucket, resources, BUCKET_POLICY)]
        if not any(isinstance(policy, Unknown) or needs_tls(policy) for policy in policies):
            yield bucket, "has no policy that denies everything when aws:SecureTransport is false"


def _about(bucket: Resource, resources: Sequence[Resource], kind: str) -> Iterator[Resource]:
    """The resources of a type that belong to a bucket, or may: a preview does not know the name of a new bucket."""
    for resource in resources:
        if resource.type == kind and not is_not(resource.read("bucket"), bucket.read("bucket"), bucket.name):
            yield resource


def encryption_at_rest(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    """Secrets, disks, images, logs and buckets are encrypted, with a key of ours where AWS can take one."""
    for resource in resources:
        for problem in _unencrypted(resource):
            yield resource, problem
        if resource.type == BUCKET:
            rules = [rule for one in _about(resource, resources, ENCRYPTED_BUCKET) for rule in _rules(one)]
            if not rules or any(is_not(rule, "aws:kms", "aws:kms:dsse") for rule in rules):
                yield resource, "has no BucketServerSideEncryptionConfiguration with sseAlgorithm aws:kms"


def _rules(encryption: Resource) -> Iterator[Any]:
    rules = encryption.read("rules")
    for rule in rules if isinstance(rules, list) else [rules]:
        yield read(rule, "applyServerSideEncryptionByDefault.sseAlgorithm")


def _unencrypted(resource: Resource) -> Iterator[str]:
    if resource.type == CLUSTER:
        named = resource.read("encryptionConfig.resources")
        if not isinstance(named, Unknown) and "secrets" not in entries(named):
            yield "encryptionConfig.resources has no secrets"
        elif resource.read("encryptionConfig.provider.keyArn") is None:
            yield "encryptionConfig.provider has no keyArn"
    elif resource.type in (LAUNCH_TEMPLATE, NODE_CLASS):
        yield from _unencrypted_disks(resource)
    elif resource.type == QUEUE and is_not(resource.read("sqsManagedSseEnabled"), *_TRUE):
        yield "sqsManagedSseEnabled is not true"
    elif resource.type == NODE_GROUP and resource.read("launchTemplate") is None:
        yield "has no launchTemplate, so that its disks are as the account has them"
    elif resource.type == REPOSITORY and is_not(resource.read("encryptionConfigurations.0.encryptionType"), "KMS"):
        yield "encryptionConfigurations has no encryptionType KMS"
    elif resource.type == DATABASE and is_not(resource.read("storageEncrypted"), *_TRUE):
        yield "storageEncrypted is not true"
    elif resource.type in (DATABASE, LOG_GROUP) and resource.read("kmsKeyId") is None:
        yield "has no kmsKeyId"


def _unencrypted_disks(resource: Resource) -> Iterator[str]:
    """Of what nodes are started by: each has a disk of ours instead of the image's own, and it is encrypted."""
    field = "blockDeviceMappings" if resource.type == LAUNCH_TEMPLATE else "spec.blockDeviceMappings"
    disks = [disk for disk in entries(resource.read(field)) if disk.get("ebs") is not None]
    if not disks and not isinstance(resource.read(field), Unknown):
        yield f"{field} has no disk, so that the image's own, unencrypted, is used"
    for disk in disks:
        if is_not(read(disk, "ebs.encrypted"), *_TRUE):
            yield f"disk {disk.get('deviceName')}: ebs.encrypted is not true"


def key_rotation(resource: Resource) -> Iterator[str]:
    """Every key of ours is rotated each year."""
    if resource.type == KEY and is_not(resource.read("enableKeyRotation"), True):
        yield "enableKeyRotation is not true"


def no_open_security_group(resource: Resource) -> Iterator[str]:
    """No port is open to every address of the world."""
    if resource.type == "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
        yield from _open([resource.read("cidrIpv4"), resource.read("cidrIpv6")])
    elif resource.type in (
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    ):
        for rule in entries(resource.read("ingress")):
            yield from _open([*entries(read(rule, "cidrBlocks")), *entries(read(rule, "ipv6CidrBlocks"))])


def _open(cidrs: Sequence[Any]) -> Iterator[str]:
    for cidr in cidrs:
        if isinstance(cidr, str) and cidr.endswith("/0"):
            yield f"lets {cidr} in"


def no_public_database(resource: Resource) -> Iterator[str]:
    """A database is reached from inside only, and AWS keeps its password: none is written into a state."""
    if resource.type != DATABASE:
        return
    if is_not(resource.read("publiclyAccessible"), False, None):
        yield "publiclyAccessible is not false"
    if is_not(resource.read("manageMasterUserPassword"), *_TRUE):
        yield "manageMasterUserPassword is not true"
    if resource.read("password") is not None or resource.read("passwordWo") is not None:
        yield "has a password, which is in the state"


def kept_database(resource: Resource) -> Iterator[str]:
    """A database is not deleted by mistake, can go back to any second of some days, and leaves a last snapshot."""
    if resource.type != DATABASE:
        return
    if is_not(resource.read("deletionProtection"), *_TRUE):
        yield "deletionProtection is not true"
    if resource.read("backupRetentionPeriod") in (None, 0):
        yield "has no backupRetentionPeriod"
    if is_not(resource.read("skipFinalSnapshot"), False, None):
        yield "skipFinalSnapshot is not false"


def no_open_cluster_api(resource: Resource) -> Iterator[str]:
    """A cluster's API server is reached from inside, and from outside by named addresses only."""
    if resource.type != CLUSTER:
        return
    if is_not(resource.read("vpcConfig.endpointPrivateAccess"), True):
        yield "vpcConfig.endpointPrivateAccess is not true"
    if is_not(resource.read("vpcConfig.endpointPublicAccess"), False):
        cidrs = resource.read("vpcConfig.publicAccessCidrs")
        if not isinstance(cidrs, Unknown) and (not cidrs or any(_open(entries(cidrs)))):
            yield "vpcConfig.publicAccessCidrs lets the whole internet in"


def instance_metadata_v2(resource: Resource) -> Iterator[str]:
    """Nodes answer version 2 of the metadata service only, and not to pods, which are one hop further."""
    if resource.type not in (LAUNCH_TEMPLATE, NODE_CLASS):
        return
    where = "metadataOptions" if resource.type == LAUNCH_TEMPLATE else "spec.metadataOptions"
    if is_not(resource.read(f"{where}.httpTokens"), "required"):
        yield f"{where}.httpTokens is not required"
    if is_not(resource.read(f"{where}.httpPutResponseHopLimit"), 1):
        yield f"{where}.httpPutResponseHopLimit is not 1"


def tags(resource: Resource) -> Iterator[str]:
    """Everything that AWS can tag says which environment it belongs to and who made it; so do a node and its disks."""
    if resource.type not in TAGGED:
        return
    yield from _untagged("", resource.read("tags"))
    specifications = resource.read("tagSpecifications")
    if resource.type == LAUNCH_TEMPLATE and not isinstance(specifications, Unknown):
        given = {entry.get("resourceType"): entry.get("tags") for entry in entries(specifications)}
        for kind in ("instance", "volume"):
            yield from _untagged(f" of {kind} in tagSpecifications", given.get(kind))


def _untagged(where: str, given: Any) -> Iterator[str]:
    for key in (ENVIRONMENT_TAG, MANAGED_BY_TAG):
        if not isinstance(given, Unknown) and not mapping(given).get(key):
            yield f"tags{where} have no {key}"

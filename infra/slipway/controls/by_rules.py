"""Hold resources against rules of the policy: what was looked at, and what breaks a rule."""

from collections.abc import Collection, Iterator, Sequence

from slipway.controls.evidence import Evidence, Looked, Seen
from slipway.policy import aws
from slipway.policy.resource import Resource, mapping
from slipway.policy.resources import OF_ALL, OF_ONE, excepted
from slipway.values.names import EXCEPTIONS_ANNOTATION

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
_IMAGES = "spec.template.spec.containers[*].image"
_DISKED = (aws.CLUSTER, aws.LAUNCH_TEMPLATE, aws.NODE_CLASS, aws.NODE_GROUP, aws.QUEUE, aws.REPOSITORY, aws.DATABASE)
_ROLES = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/role:Role", aws.KEY)
_GROUPS = ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "aws:ec2/securityGroup:SecurityGroup")

LOOKED_AT: dict[str, tuple[tuple[str, ...], str]] = {
    "image-by-digest": (_WORKLOADS, _IMAGES),
    "no-latest-tag": (_WORKLOADS, _IMAGES),
    "restricted-pod": (_WORKLOADS, "spec.template.spec.securityContext"),
    "model-network-policy": (_WORKLOADS, "spec.template.metadata.labels, selected by a NetworkPolicy"),
    "default-deny": (("Namespace",), "NetworkPolicy spec.podSelector, spec.policyTypes"),
    "public-endpoint-key": (("Service", "Ingress"), "spec.type"),
    "public-auth": (("HTTPRoute",), "metadata.annotations[slipway.dev/route].auth"),
    "key-rotation": ((aws.KEY,), "enableKeyRotation"),
    "no-open-security-group": (_GROUPS, "cidrIpv4, cidrIpv6, ingress"),
    "no-open-cluster-api": ((aws.CLUSTER,), "vpcConfig"),
    "no-public-database": ((aws.DATABASE,), "publiclyAccessible, manageMasterUserPassword"),
    "kept-database": ((aws.DATABASE,), "deletionProtection, backupRetentionPeriod, skipFinalSnapshot"),
    "instance-metadata-v2": ((aws.LAUNCH_TEMPLATE, aws.NODE_CLASS), "metadataOptions"),
    "least-privilege": (_ROLES, "policy, assumeRolePolicy"),
    "no-public-bucket": ((aws.BUCKET,), "BucketPublicAccessBlock, BucketPolicy"),
    "encryption-at-rest": ((*_DISKED, aws.LOG_GROUP, aws.BUCKET), "encryption, kmsKeyId"),
    "encryption-in-transit": ((aws.BUCKET,), "BucketPolicy aws:SecureTransport"),
}
"""What each rule of a control looks at, by kind or type, and which of its fields; `slipway.policy` has the rules."""


def of_cloud(rule: str) -> bool:
    """Whether a rule looks at what is in a cloud, and not only at objects of a cluster."""
    return any(kind.startswith("aws:") for kind in LOOKED_AT[rule][0])


def needed(rule: str) -> tuple[str, ...]:
    """Kinds without which a rule would find what is not so: a pod without a policy, where nobody may see policies."""
    return (*LOOKED_AT[rule][0], *(("NetworkPolicy",) if rule == "model-network-policy" else ()))


def by_rules(rules: Sequence[str], seen: Seen, resources: Sequence[Resource]) -> Looked:
    """Check resources against rules: one piece of evidence for each that a rule looked at.

    What a spec excepted with a reason is neither for nor against: somebody decided that it is not configured.
    """
    return sum((_by_rule(rule, seen, resources) for rule in rules), Looked())


def _by_rule(rule: str, seen: Seen, resources: Sequence[Resource]) -> Looked:
    kinds, field = LOOKED_AT[rule]
    evidence: list[Evidence] = []
    absent: list[str] = []
    broken: set[int] = set()
    for resource, problem in _problems(rule, resources):
        broken.add(id(resource))
        if excepted(resource, rule):
            absent.append(f"{named(resource)}: {problem}, which its spec excepts from rule {rule}: {_why(resource)}")
        else:
            evidence.append(Evidence(seen, named(resource), field, f"{problem} (rule {rule})", holds=False))
    evidence += (
        Evidence(seen, named(resource), field, f"complies with rule {rule}")
        for resource in resources
        if _is_of(resource, kinds) and id(resource) not in broken
    )
    return Looked(tuple(evidence), absent="; ".join(absent) or None)


def _problems(rule: str, resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    if rule in OF_ONE:
        for resource in resources:
            yield from ((resource, problem) for problem in OF_ONE[rule](resource))
    else:
        yield from OF_ALL[rule](resources)


def _why(resource: Resource) -> str:
    return str(mapping(resource.read("metadata.annotations")).get(EXCEPTIONS_ANNOTATION))


def _is_of(resource: Resource, kinds: Collection[str]) -> bool:
    return (resource.kind or resource.type) in kinds or resource.type in kinds


def named(resource: Resource) -> str:
    """What reports call a resource: `NetworkPolicy slipway/default-deny`, or `aws:kms/key:Key prod-state`."""
    if not resource.kind:
        return f"{resource.type} {resource.name}"
    namespace, name = resource.read("metadata.namespace"), resource.read("metadata.name")
    return f"{resource.kind} {namespace}/{name}" if namespace else f"{resource.kind} {name}"

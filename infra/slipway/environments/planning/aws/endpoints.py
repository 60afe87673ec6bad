"""Say which of AWS's services an environment reaches through interface endpoints, and who calls each."""

from collections.abc import Mapping

from slipway.settings.aws import AwsSettings

_ALWAYS: Mapping[str, str] = {
    "ecr.api": "nodes, for the password of the registry",
    "ecr.dkr": "nodes, for the manifests of images; their layers come from S3",
    "eks-auth": "the agent of Pod Identity, for the credentials of pods",
}
_WITHOUT_NAT: Mapping[str, str] = {
    "ec2": "nodes when they join; vpc-cni, aws-ebs-csi-driver, Karpenter, the load balancer controller",
    "eks": "Karpenter, for the cluster's version and addresses",
    "sqs": "Karpenter, for notices of nodes that AWS takes back",
    "ssm": "Karpenter, for the ids of images; the bastion's agent of Session Manager",
}
_OF_GATEWAY: Mapping[str, str] = {"secretsmanager": "the keys service, for the password of its database"}
_OF_GATEWAY_WITHOUT_NAT: Mapping[str, str] = {"elasticloadbalancing": "the load balancer controller"}
_OF_BASTION_WITHOUT_NAT: Mapping[str, str] = {"ssmmessages": "the bastion's agent, for the sessions themselves"}


def interface_endpoints(settings: AwsSettings) -> Mapping[str, str]:
    """AWS's services that are reached through endpoints of their own, in each zone of `endpoint_zones`, by who calls.

    With NAT only those without which nothing starts: images, and the credentials of pods, which EKS's agent on each
    node fetches; and what pods that need no other way out ask for. The rest are few and small calls. Without NAT all
    that something inside the network calls (tests/programs/test_no_nat.py holds it to the roles that there are; AWS's
    own list: Amazon EKS User Guide, "Deploy private clusters with limited internet access").

    There is none for STS, since no pod has credentials by it; nor for CloudWatch, since the logs of the control plane
    and of the network's flows do not come from inside; nor for KMS, which S3, EBS and Secrets Manager ask; nor for
    `ec2messages`, which an agent since 3.3.40 asks only where `ssmmessages` does not answer (AWS Systems Manager User
    Guide, "Reference: ec2messages, ssmmessages, and other API operations").
    """
    closed = settings.nat == "none"
    found = {**_ALWAYS, **(_WITHOUT_NAT if closed else {})}
    if settings.gateway is not None:
        found |= {**_OF_GATEWAY, **(_OF_GATEWAY_WITHOUT_NAT if closed else {})}
    if settings.api.bastion and closed:
        found |= _OF_BASTION_WITHOUT_NAT
    return found


def endpoint_zones(settings: AwsSettings) -> tuple[str, ...]:
    """The zones in which endpoints are: with a single NAT gateway that one's, else all."""
    return settings.zones[:1] if settings.nat == "single" else settings.zones


def nat_gateways(settings: AwsSettings) -> int:
    """How many NAT gateways Slipway makes."""
    if settings.network is not None or settings.nat == "none":
        return 0
    return len(endpoint_zones(settings))

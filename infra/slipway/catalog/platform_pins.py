"""Pin what an environment is made of: plugins of Pulumi, images and add-ons of EKS, charts."""

from collections.abc import Mapping
from dataclasses import dataclass

PULUMI_KUBERNETES = "4.34.2"
"""Version of the pulumi-kubernetes plugin that the stacks ask for; that of the SDK in pyproject.toml."""

PULUMI_AWS = "7.51.1"
"""Version of the pulumi-aws plugin that the stacks ask for; that of the SDK in pyproject.toml."""


@dataclass(frozen=True, slots=True)
class EksRelease:
    """What belongs to one version of Kubernetes on EKS.

    Attributes:
        ami: release of the EKS-optimized Amazon Linux 2023 images, the same for every architecture and for NVIDIA.
        addons: version of each EKS add-on.
    """

    ami: str
    addons: Mapping[str, str]


_POD_IDENTITY = "v1.3.10-eksbuild.3"
_NODE_MONITORING = "v1.6.1-eksbuild.1"
_METRICS_SERVER = "v0.8.1-eksbuild.10"

EKS: Mapping[str, EksRelease] = {
    "1.34": EksRelease(
        "1.34.10-20260903",
        {
            "vpc-cni": "v1.21.2-eksbuild.2",
            "kube-proxy": "v1.34.6-eksbuild.11",
            "eks-pod-identity-agent": _POD_IDENTITY,
            "coredns": "v1.12.4-eksbuild.17",
            "aws-ebs-csi-driver": "v1.62.0-eksbuild.1",
            "metrics-server": _METRICS_SERVER,
            "eks-node-monitoring-agent": _NODE_MONITORING,
        },
    ),
    "1.35": EksRelease(
        "1.35.7-20260903",
        {
            "vpc-cni": "v1.22.1-eksbuild.2",
            "kube-proxy": "v1.35.3-eksbuild.11",
            "eks-pod-identity-agent": _POD_IDENTITY,
            "coredns": "v1.14.3-eksbuild.2",
            "aws-ebs-csi-driver": "v1.62.0-eksbuild.1",
            "metrics-server": _METRICS_SERVER,
            "eks-node-monitoring-agent": _NODE_MONITORING,
        },
    ),
    "1.36": EksRelease(
        "1.36.3-20260903",
        {
            "vpc-cni": "v1.22.3-eksbuild.1",
            "kube-proxy": "v1.36.0-eksbuild.13",
            "eks-pod-identity-agent": _POD_IDENTITY,
            "coredns": "v1.14.3-eksbuild.3",
            "aws-ebs-csi-driver": "v1.63.1-eksbuild.1",
            "metrics-server": _METRICS_SERVER,
            "eks-node-monitoring-agent": _NODE_MONITORING,
        },
    ),
}
"""Versions of Kubernetes that an environment can have, and what is pinned for each. Nobody here could ask AWS, so each
pin is one that others ran or AWS published, looked up on 2026-11-21:

- Images: release v20260903 of github.com/awslabs/amazon-eks-ami.
- Add-ons: AWS's default versions as others pinned them: 1.34 on 2026-06-24; 1.35 and 1.36 together with these versions
  of vpc-cni, of June to August 2026. metrics-server of 1.35 is taken for 1.34 and 1.36 as well, aws-ebs-csi-driver of
  1.34 for 1.35, since AWS publishes one line of each for all versions. eks-node-monitoring-agent: in use
  from 2026-03-19 on (github.com/zalando-incubator/kubernetes-on-aws, pull request 10794), one line for all as well.

Before the first `up` of a real account: `aws eks describe-addon-versions --kubernetes-version V` (docs/how-to/aws.md).
"""


@dataclass(frozen=True, slots=True)
class Chart:
    """A Helm chart: its name in a repository, or its whole `oci://` address where `repository` is None."""

    chart: str
    version: str
    repository: str | None


GPU_OPERATOR = Chart("gpu-operator", "v26.3.3", "https://helm.ngc.nvidia.com/nvidia")
"""Of 2026-06-25 (github.com/NVIDIA/gpu-operator, pull request 2581). 26.7.0 of August brings another way of deployment
(GPUCluster), which nobody here has looked at."""

KARPENTER = Chart("oci://public.ecr.aws/karpenter/karpenter", "1.12.1", None)
"""Version of github.com/aws/karpenter-provider-aws that the Go module proxy has (v1.12.1), whose definitions, defaults
and scheduler were read; the chart's own address is by its documentation, and the registry was not asked."""

KARPENTER_DEFINITIONS = Chart("oci://public.ecr.aws/karpenter/karpenter-crd", KARPENTER.version, None)
"""The kinds of Karpenter's objects as a chart of their own, so that an upgrade brings theirs too."""

PAUSE = "registry.k8s.io/pause:3.10@sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a"
"""What the pods run that hold nodes: for amd64 and arm64, as public configurations have it by this digest."""

LOAD_BALANCER_CONTROLLER = Chart("aws-load-balancer-controller", "3.5.0", "https://aws.github.io/eks-charts")
"""Of 2026-08-03 (github.com/aws/eks-charts, pull request 1354; in use: github.com/convox/convox, pull request 1102). It
wants the definitions of the Gateway API 1.6, which Envoy Gateway's chart brings; its own Gateway API stays switched
off."""

KEDA = Chart("keda", "2.20.1", "https://kedacore.github.io/charts")
"""Of 2026-06-09 (github.com/openchoreo/community-modules, pull request 209)."""

PROMETHEUS = Chart("kube-prometheus-stack", "86.0.0", "https://prometheus-community.github.io/helm-charts")
"""Of 2026-05-27 (github.com/ocf/kubernetes, pull request 145)."""

ENVOY_GATEWAY = Chart("oci://docker.io/envoyproxy/gateway-helm", "1.9.1", None)
"""Of 2026-09-01 (in use: github.com/ajaykumar4/cluster-template, pull request 457), the version that runs on the local
environment too. It brings the Gateway API 1.6.1 and Envoy 1.39.1 and is tested on Kubernetes 1.33 to 1.36 (its
compatibility matrix); 1.8 left its support on 2026-11-08."""

GATEWAY_API = "1.6.1"
"""Version of the Gateway API whose definitions Envoy Gateway 1.9.1 brings (its charts/gateway-crds-helm)."""

EXTERNAL_DNS = Chart("external-dns", "1.20.0", "https://kubernetes-sigs.github.io/external-dns/")
"""Of January 2026 (github.com/szinn/k8s-homelab, pull request 6906)."""

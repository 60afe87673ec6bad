"""Name the images that the platform's charts run, for environments whose nodes reach no registry but their own."""

from collections.abc import Mapping

from slipway.catalog.platform_pins import (
    ENVOY_GATEWAY,
    GPU_OPERATOR,
    KARPENTER,
    KEDA,
    LOAD_BALANCER_CONTROLLER,
    PAUSE,
    PROMETHEUS,
    Chart,
)

ENVOY = "docker.io/envoyproxy/envoy:distroless-v1.39.1"
"""The Envoy that Envoy Gateway 1.9.1 starts (its api/v1alpha1/shared_types.go)."""

_NFD = "registry.k8s.io/nfd/node-feature-discovery:v0.18.3"

PLATFORM_IMAGES: Mapping[Chart, tuple[str, ...]] = {
    PROMETHEUS: (
        "ghcr.io/jkroepke/kube-webhook-certgen:1.8.3",
        "quay.io/prometheus-operator/prometheus-config-reloader:v0.91.0",
        "quay.io/prometheus-operator/prometheus-operator:v0.91.0",
        "quay.io/prometheus/alertmanager:v0.32.1",
        "quay.io/prometheus/node-exporter:v1.11.1-distroless",
        "quay.io/prometheus/prometheus:v3.11.3-distroless",
        "registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.19.0",
    ),
    # What holds the least nodes of a pool comes after Karpenter, and has its image from these too.
    KARPENTER: (f"public.ecr.aws/karpenter/controller:{KARPENTER.version}", PAUSE),
    KEDA: (
        "ghcr.io/kedacore/keda-admission-webhooks:2.20.1",
        "ghcr.io/kedacore/keda-metrics-apiserver:2.20.1",
        "ghcr.io/kedacore/keda:2.20.1",
    ),
    LOAD_BALANCER_CONTROLLER: ("public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0",),
    ENVOY_GATEWAY: ("docker.io/envoyproxy/gateway:v1.9.1", ENVOY),
    GPU_OPERATOR: (
        "nvcr.io/nvidia/cloud-native/k8s-mig-manager:v0.14.2",
        "nvcr.io/nvidia/gpu-operator:v26.3.3",
        "nvcr.io/nvidia/k8s-device-plugin:v0.19.3",
        "nvcr.io/nvidia/k8s/dcgm-exporter:4.5.3-4.8.2-distroless",
        _NFD,
    ),
}
"""Images of what runs of each chart with the values that Slipway gives it; ExternalDNS has none, since it reaches Route
53 by the internet only. Looked up on 2026-11-27 by `helm template` (3.21.4) of the charts' own sources at the pinned
versions, with Slipway's values (Karpenter's by its chart alone), and for what the operators themselves start, in
their defaults: Prometheus Operator's in the chart's arguments, the GPU Operator's in the ClusterPolicy. kube-
prometheus-stack without Grafana, GPU Operator without driver and container toolkit (the nodes' image has them),
Envoy Gateway without its rate limit service.
"""


def copy_path(image: str) -> str:
    """Where the copy of an image is below the registry of copies: its own path, without its host, tag and digest."""
    return image.partition("@")[0].partition("/")[2].rpartition(":")[0]


def copied(image: str, below: str) -> str:
    """What the copy of an image is called, `below` the registry of copies: byte for byte, it has the digest, too."""
    return f"{below}/{image.partition('/')[2]}"

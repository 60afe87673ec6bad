"""Values of the platform's Helm charts: only what differs from the charts' defaults, each with its reason.

Everything but the agents of nodes runs on the platform's own nodes, so that models' pools can shrink to nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi

from slipway.autoscaling.signals import SCRAPE_S
from slipway.environments.planning.aws.karpenter import MIG_LABEL, SHARING_LABEL, NodePool, has_gpus
from slipway.environments.planning.aws.node_groups import SYSTEM_TAINT
from slipway.environments.planning.monitoring import KEEPS_S
from slipway.settings.aws_operation import Metrics
from slipway.values import names
from slipway.values.quantities import format_bytes
from slipway.values.windows import format_window

Values = Mapping[str, Any]

TOLERATIONS = [{"key": SYSTEM_TAINT["key"], "operator": "Exists"}]
SELECTOR = {names.POOL_LABEL: names.SYSTEM_POOL}
ON_SYSTEM_NODES: Values = {"nodeSelector": SELECTOR, "tolerations": TOLERATIONS}
KARPENTER_ACCOUNT = "karpenter"
LOAD_BALANCER_ACCOUNT = "aws-load-balancer-controller"
NAMES_ACCOUNT = "external-dns"
READINESS_BY_BALANCER = {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"}
"""Label of a namespace whose pods count as ready only when their load balancer sends them requests."""
STORAGE_CLASS = "gp3-encrypted"
_WHOLE_GPUS = "whole-gpus"


def karpenter(
    cluster: pulumi.Input[str], region: str, queue: pulumi.Input[str], pools: Sequence[NodePool], *, closed: bool
) -> Values:
    """Values of Karpenter. Of shared GPUs it has to be told, for which it has a gate that is still alpha.

    `closed`: whether nothing leads out of the network: it then asks neither IAM nor for prices, which have no endpoint.
    """
    return {
        "settings": {
            "clusterName": cluster,
            "interruptionQueue": queue,
            # Else it would try to find out by itself what EKS has anyway.
            "eksControlPlane": True,
            # As the plan counts: that replicas would rather be on different nodes starts no node for each of them.
            "preferencePolicy": "Ignore",
            "isolatedVPC": closed,
            "featureGates": {
                "nodeOverlay": any(pool.shared for pool in pools),
                # What EKS' monitoring agent finds broken is replaced, as in the platform's own group.
                "nodeRepair": True,
            },
        },
        "serviceAccount": {"name": KARPENTER_ACCOUNT},
        "controller": {
            # Pods do not reach the instance's metadata, where it would look otherwise.
            "env": [{"name": "AWS_REGION", "value": region}],
            "resources": {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
        },
        **ON_SYSTEM_NODES,
    }


def load_balancers(
    cluster: pulumi.Input[str], region: str, vpc_id: pulumi.Input[str], tags: Mapping[str, str]
) -> Values:
    """Values of the load balancer controller: network load balancers only, with the environment's tags."""
    return {
        "clusterName": cluster,
        # Pods do not reach the instance's metadata, where the controller would look otherwise.
        "region": region,
        "vpcId": vpc_id,
        "serviceAccount": {"name": LOAD_BALANCER_ACCOUNT},
        "defaultTags": dict(tags),
        # Without it every Service of the cluster would have to pass the controller; ours name their class.
        "enableServiceMutatorWebhook": False,
        "createIngressClassResource": False,
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        # The Gateway API is Envoy Gateway's here.
        "controllerConfig": {"featureGates": {"ALBGatewayAPI": False, "NLBGatewayAPI": False}},
        **ON_SYSTEM_NODES,
    }


def keda() -> Values:
    """Values of KEDA, with its own metrics: alerts need to know when it cannot read what a model scales on."""
    of_the_object = {"sourceLabels": ["exported_namespace"], "regex": "(.+)", "targetLabel": "namespace"}
    monitor = {"enabled": True, "interval": "15s", "metricRelabelings": [of_the_object]}
    return {"prometheus": {"operator": {"enabled": True, "podMonitor": monitor}}, **ON_SYSTEM_NODES}


def envoy_gateway() -> Values:
    """Values of Envoy Gateway."""
    return {"deployment": {"pod": ON_SYSTEM_NODES}, "certgen": {"job": ON_SYSTEM_NODES}}


def external_dns(domain: str, zone: str, owner: str, region: str) -> Values:
    """Values of ExternalDNS: the hosts of the gateway's routes, in one zone, each marked as the environment's."""
    return {
        "provider": {"name": "aws"},
        "env": [{"name": "AWS_DEFAULT_REGION", "value": region}],
        "serviceAccount": {"name": NAMES_ACCOUNT},
        "sources": ["gateway-httproute", "gateway-grpcroute"],
        "domainFilters": [domain],
        "extraArgs": [f"--zone-id-filter={zone}"],
        "registry": "txt",
        "txtOwnerId": owner,
        # Below the domain, so that the role may change these records too.
        "txtPrefix": "_slipway-%{record_type}.",
        # Records go with their routes.
        "policy": "sync",
        "triggerLoopOnEvent": True,
        **ON_SYSTEM_NODES,
    }


def prometheus(metrics: Metrics | None) -> Values:
    """Values of Prometheus: what autoscaling needs.

    It keeps two days on its node where settings say nothing, and else what they say, on a volume that goes with it.
    """
    return {
        # No dashboard with a password that everybody knows.
        "grafana": {"enabled": False},
        # It shows alerts; by the chart's own configuration they go nowhere, until somebody writes routes and receivers.
        "alertmanager": {"alertmanagerSpec": ON_SYSTEM_NODES},
        # EKS does not show these.
        "kubeControllerManager": {"enabled": False},
        "kubeEtcd": {"enabled": False},
        "kubeScheduler": {"enabled": False},
        "prometheusOperator": {**ON_SYSTEM_NODES, "admissionWebhooks": {"patch": ON_SYSTEM_NODES}},
        "kube-state-metrics": ON_SYSTEM_NODES,
        "prometheus": {
            "prometheusSpec": {
                **ON_SYSTEM_NODES,
                **(_kept(metrics) if metrics else {"retention": format_window(KEEPS_S)}),
                # Monitors of models are found whoever made them.
                "serviceMonitorSelectorNilUsesHelmValues": False,
                "podMonitorSelectorNilUsesHelmValues": False,
                "ruleSelectorNilUsesHelmValues": False,
            }
        },
    }


def _kept(metrics: Metrics) -> Values:
    """Four fifths of the volume at most, so that it is never full: Prometheus stops on a full disk."""
    claim = {
        "storageClassName": STORAGE_CLASS,
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": format_bytes(metrics.disk)}},
    }
    return {
        "retention": f"{metrics.keep}d",
        "retentionSize": f"{metrics.disk * 4 // 5 // 2**20}MB",
        "storageSpec": {"volumeClaimTemplate": {"spec": claim}},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete", "whenScaled": "Retain"},
    }


def storage_class(key: pulumi.Input[str], tags: Mapping[str, str]) -> dict[str, Any]:
    """The class of every volume that does not name another: gp3, encrypted with the key of disks, tagged as the rest.

    Without a default, a claim that names no class waits for ever; EKS' own class is gp2 and not encrypted.
    """
    own = {f"tagSpecification_{number}": f"{name}={value}" for number, (name, value) in enumerate(tags.items(), 1)}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key, **own},
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
        # In the zone of the pod that wants it.
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def gpu_operator(pools: Sequence[NodePool]) -> Values:
    """Values of the NVIDIA GPU Operator: driver and container toolkit are in the nodes' image already."""
    gpus = [pool for pool in pools if has_gpus([pool])]
    tolerations = [*TOLERATIONS, *_tolerations(gpus)]
    values: dict[str, Any] = {
        "driver": {"enabled": False},
        "toolkit": {"enabled": False},
        "operator": {"tolerations": TOLERATIONS},
        "daemonsets": {"tolerations": tolerations},
        "node-feature-discovery": {
            "master": {"tolerations": TOLERATIONS},
            "gc": {"tolerations": TOLERATIONS},
            "worker": {"tolerations": tolerations},
        },
        # What models with a target of `gpu_percent` scale on: as often as their own metrics, and by the names of their
        # pods, where else Prometheus would put those of the exporter.
        "dcgmExporter": {
            "env": [{"name": "DCGM_EXPORTER_INTERVAL", "value": str(SCRAPE_S * 1000)}],
            "serviceMonitor": {"enabled": True, "interval": f"{SCRAPE_S}s", "honorLabels": True},
        },
        # A part of a GPU is a resource of its own name: a pod that asks for a whole GPU never gets a part.
        "mig": {"strategy": "mixed"},
        "devicePlugin": {
            "config": {
                "create": True,
                "name": "slipway-device-plugin",
                "default": _WHOLE_GPUS,
                "data": {_WHOLE_GPUS: "version: v1\n", **_time_slicing(gpus)},
            }
        },
    }
    if any(MIG_LABEL in pool.labels for pool in gpus):
        # EC2 does not let a guest reset an A100 or H100: the node restarts once, before it takes any pod.
        values["migManager"] = {"env": [{"name": "WITH_REBOOT", "value": "true"}]}
    return values


def _time_slicing(gpus: Iterable[NodePool]) -> dict[str, str]:
    """A configuration of the device plugin for each number of replicas that take turns; a node names its by a label."""
    configs = {pool.labels[SHARING_LABEL] for pool in gpus if SHARING_LABEL in pool.labels}
    return {
        config: "version: v1\n"
        "sharing:\n"
        "  timeSlicing:\n"
        "    resources:\n"
        f"      - {{name: nvidia.com/gpu, replicas: {config.rpartition('-')[2]}}}\n"
        for config in sorted(configs)
    }


def _tolerations(gpus: Iterable[NodePool]) -> list[dict[str, str]]:
    taints = {(taint["key"], taint["effect"]) for pool in gpus for taint in pool.taints}
    return [{"key": key, "operator": "Exists", "effect": effect} for key, effect in sorted(taints)]

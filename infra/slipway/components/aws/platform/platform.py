"""What models stand on inside the cluster: nodes, autoscaling of pods, gateway, load balancers, metrics, GPUs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import pulumi

from slipway.catalog.platform_pins import (
    ENVOY_GATEWAY,
    EXTERNAL_DNS,
    GPU_OPERATOR,
    KARPENTER,
    KARPENTER_DEFINITIONS,
    KEDA,
    LOAD_BALANCER_CONTROLLER,
    PROMETHEUS,
    Chart,
)
from slipway.components.aws.gateway.policies import keep_names
from slipway.components.aws.iam.identity import Identity, IdentityArgs
from slipway.components.aws.iam.policies import Statement
from slipway.components.aws.platform import policies, values
from slipway.components.aws.platform.copies import PlatformCopies
from slipway.components.aws.platform.interruptions import Interruptions, InterruptionsArgs
from slipway.components.aws.platform.karpenter_policy import karpenter
from slipway.components.aws.platform.policies import Place
from slipway.components.aws.scope import AwsScope
from slipway.components.kubernetes.helm_release import HelmRelease, HelmReleaseArgs
from slipway.components.kubernetes.object import KubernetesObject
from slipway.environments.planning.aws.karpenter import NodePool, has_gpus
from slipway.render.gateway import GATEWAY_CLASS
from slipway.settings.aws_gateway import AwsGateway
from slipway.settings.aws_operation import Metrics
from slipway.values import names

Level = Literal["privileged", "baseline", "restricted"]
KUBE_SYSTEM = "kube-system"
_GATEWAY_CLASS: Mapping[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "GatewayClass",
    "metadata": {"name": GATEWAY_CLASS},
    "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
}


@dataclass(frozen=True)
class PlatformArgs:
    """`provider`: of Kubernetes. `needs`: nodes that are ready, and the add-ons on them.

    `disks_key`: ARN of the key of disks. `metrics`: of the settings.
    `gateway`: of the settings; without it nothing here needs load balancers, and neither chart is installed.
    `gateway_needs`: what has to be there before Envoy Gateway. `existing_vpc`: id of a network that is others'.
    `copies`: where nodes get images; None where they reach other registries.
    """

    scope: AwsScope
    cluster_name: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    pools: tuple[NodePool, ...]
    provider: pulumi.ProviderResource
    disks_key: pulumi.Input[str]
    metrics: Metrics | None
    needs: tuple[pulumi.Resource, ...]
    gateway: AwsGateway | None = None
    gateway_needs: tuple[pulumi.Resource, ...] = ()
    existing_vpc: str | None = None
    copies: PlatformCopies | None = None


class Platform(pulumi.ComponentResource):
    """The platform's charts, each in a namespace with a Pod Security level, with a role where it calls AWS.

    `nodes`: Karpenter and the kinds of its objects. `gateway`: the charts that the objects of a gateway stand on; none
    without one. `monitoring`: those that what is measured, alerted and scaled stands on.
    """

    nodes: tuple[pulumi.Resource, ...]
    gateway: tuple[pulumi.Resource, ...]
    monitoring: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Platform", name, None, opts)
        self._args = args
        place = Place(args.scope.account, args.scope.region, args.scope.environment, args.existing_vpc)
        self.nodes = self._karpenter(place)
        # Nothing waits for it: a claim does by itself, and a class whose tags change is made anew.
        KubernetesObject(values.storage_class(args.disks_key, args.scope.tags), self._after())
        # The exporter of each node's metrics looks at the node itself.
        prometheus = self._in_own_namespace(
            "prometheus", PROMETHEUS, "monitoring", "privileged", values.prometheus(args.metrics)
        )
        # KEDA's chart has a PodMonitor, whose kind the chart before brings.
        keda = self._in_own_namespace("keda", KEDA, "keda", "restricted", values.keda(), needs=(prometheus,))
        self.monitoring = (prometheus, keda)
        self.gateway = self._gateway(args.gateway, place) if args.gateway else ()
        if has_gpus(args.pools):
            # The device plugin and its companions reach the node's devices.
            operator = values.gpu_operator(args.pools)
            # It has a ServiceMonitor, whose kind Prometheus' chart brings.
            self._in_own_namespace(
                "gpu-operator", GPU_OPERATOR, "gpu-operator", "privileged", operator, needs=(prometheus,)
            )
        self.register_outputs({})

    def _karpenter(self, place: Place) -> tuple[pulumi.Resource, ...]:
        """What starts nodes, and the queue by which it hears of those that AWS takes back."""
        args = self._args
        interruptions = Interruptions(
            f"{args.scope.environment}-interruptions",
            InterruptionsArgs(args.scope),
            pulumi.ResourceOptions(parent=self),
        )
        kinds = HelmRelease("karpenter-crd", HelmReleaseArgs(KARPENTER_DEFINITIONS, KUBE_SYSTEM, {}), self._after())
        closed = args.copies is not None
        settings = values.karpenter(
            args.cluster_name, args.scope.region, interruptions.queue, args.pools, closed=closed
        )
        made = self._in_kube_system(
            KARPENTER, values.KARPENTER_ACCOUNT, karpenter(place), settings, needs=(kinds, interruptions)
        )
        return (kinds, made)

    def _gateway(self, gateway: AwsGateway, place: Place) -> tuple[pulumi.Resource, ...]:
        """What makes Envoy, its load balancer and its names.

        Envoy Gateway comes after the load balancer controller and goes before it: only that can take back the load
        balancer of Envoy's Service.
        """
        args = self._args
        balancing = values.load_balancers(args.cluster_name, args.scope.region, args.vpc_id, args.scope.tags)
        balancers = self._in_kube_system(
            LOAD_BALANCER_CONTROLLER, values.LOAD_BALANCER_ACCOUNT, policies.load_balancers(place), balancing
        )
        envoy = self._in_own_namespace(
            "envoy-gateway",
            ENVOY_GATEWAY,
            "envoy-gateway-system",
            "restricted",
            values.envoy_gateway(),
            labels=values.READINESS_BY_BALANCER,
            needs=(balancers, *args.gateway_needs),
        )
        known = KubernetesObject(_GATEWAY_CLASS, self._after(envoy))
        if gateway.zone is None:
            return (balancers, envoy, known)
        named = self._in_kube_system(
            EXTERNAL_DNS,
            values.NAMES_ACCOUNT,
            keep_names(gateway.zone, gateway.domain),
            values.external_dns(gateway.domain, gateway.zone, place.cluster, place.region),
            needs=(envoy,),
        )
        return (balancers, envoy, known, named)

    def _in_kube_system(
        self,
        chart: Chart,
        account: str,
        policy: tuple[Statement, ...],
        values: Mapping[str, Any],
        needs: tuple[pulumi.Resource, ...] = (),
    ) -> HelmRelease:
        """A chart that calls AWS by a ServiceAccount of kube-system."""
        args = self._args
        identity = Identity(
            f"{args.scope.environment}-{account}",
            IdentityArgs(
                scope=args.scope,
                user=account,
                cluster_name=args.cluster_name,
                namespace=KUBE_SYSTEM,
                service_account=account,
                policy=policy,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return HelmRelease(account, self._release(chart, KUBE_SYSTEM, values), self._after(identity, *needs))

    def _in_own_namespace(
        self,
        name: str,
        chart: Chart,
        namespace: str,
        level: Level,
        values: Mapping[str, Any],
        labels: Mapping[str, str] = MappingProxyType({}),
        needs: tuple[pulumi.Resource, ...] = (),
    ) -> HelmRelease:
        security = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "audit", "warn")}
        manifest = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": namespace,
                "labels": {**names.environment_labels(self._args.scope.environment), **security, **labels},
            },
        }
        space = KubernetesObject(manifest, self._after(*needs))
        return HelmRelease(name, self._release(chart, namespace, values), self._after(space))

    def _release(self, chart: Chart, namespace: str, values: Mapping[str, Any]) -> HelmReleaseArgs:
        copies = self._args.copies
        return HelmReleaseArgs(chart, namespace, copies.values(chart, values) if copies else values)

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self, provider=self._args.provider, depends_on=[*self._args.needs, *resources]
        )

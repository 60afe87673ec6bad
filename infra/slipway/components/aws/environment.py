"""One environment on AWS, from the network to the platform that models stand on, in the order of their needs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from slipway.components.aws.budget import BudgetArgs, EnvironmentBudget
from slipway.components.aws.cluster.addons import AFTER_NODES, BEFORE_NODES, Addons, AddonsArgs
from slipway.components.aws.cluster.bastion import Bastion, BastionArgs
from slipway.components.aws.cluster.cluster import EksCluster, EksClusterArgs
from slipway.components.aws.cluster.node_pools import NodePools, NodePoolsArgs
from slipway.components.aws.gateway.gateway import AwsGatewayArgs, GatewayAccount, GatewayAccountArgs
from slipway.components.aws.keys import Keys, KeysArgs
from slipway.components.aws.model_store import ModelStore, ModelStoreArgs, with_addresses
from slipway.components.aws.network.endpoints import Endpoints, EndpointsArgs
from slipway.components.aws.network.flow_logs import FlowLogs, FlowLogsArgs
from slipway.components.aws.network.network import Network, NetworkArgs, Placement
from slipway.components.aws.platform.copies import Copy, PlatformCopies, PlatformCopiesArgs
from slipway.components.aws.platform.karpenter import NodeObjects, NodeObjectsArgs
from slipway.components.aws.platform.platform import Platform, PlatformArgs
from slipway.components.aws.provider import aws_provider
from slipway.components.aws.registry import Registry, RegistryArgs
from slipway.components.aws.scope import AwsScope
from slipway.components.connection import Connection
from slipway.components.kubernetes.environment import GatewayArgs, environment_objects
from slipway.components.kubernetes.object import cluster_provider
from slipway.environments.planning.aws.charges import encrypted_data
from slipway.environments.planning.aws.endpoints import endpoint_zones, interface_endpoints
from slipway.environments.planning.aws.karpenter import node_pools
from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.render.templates import Manifest
from slipway.runtimes.registry import RUNTIMES
from slipway.settings.aws import AwsSettings
from slipway.values import names

_ANYWHERE = ["0.0.0.0/0"]
"""Pods that fetch weights reach it by HTTPS in a network that is there already: its ways to S3 are its owner's."""


@dataclass(frozen=True)
class AwsEnvironmentArgs:
    """`groups`: node groups that there shall be. `manifests`: from `render_environment`, the Namespace first.

    `node_manifests`: from `render_karpenter`. `gateway`: how its secrets and the image of its keys service are made;
    None without one. `taken_over`: names of what AWS made already, and what stays as it is in this run. `copy`: how an
    image gets into the registry; None where nodes reach other registries.
    """

    settings: AwsSettings
    groups: tuple[NodeGroup, ...]
    manifests: Sequence[Manifest]
    node_manifests: Sequence[Manifest]
    gateway: AwsGatewayArgs | None = None
    taken_over: Collection[str] = ()
    copy: Copy | None = None


class AwsEnvironment(pulumi.ComponentResource):
    """Everything of an environment. `connection`: what the stacks of its models go by."""

    connection: pulumi.Output[Connection]

    def __init__(self, name: str, args: AwsEnvironmentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:AwsEnvironment", name, None, opts)
        settings = args.settings
        self._settings = settings
        self._scope = AwsScope.of(name, settings)
        provider = aws_provider(f"{name}-aws", settings.account, settings.region, pulumi.ResourceOptions(parent=self))
        self._child = pulumi.ResourceOptions(parent=self, providers=[provider])
        budget = BudgetArgs(self._scope, settings.budget.monthly_usd, settings.budget.alarm)
        EnvironmentBudget(f"{name}-budget", budget, self._child)
        keys = self._keys()
        network = self._network(keys)
        self._stores(keys)
        cluster = self._cluster(network, keys, self._bastion(network, keys), args.taken_over)
        platform_needs = self._nodes(args.groups, network, cluster, keys)
        kubernetes = cluster_provider(
            f"{name}-cluster",
            # The nodes too: what `down` takes away there goes while there is something that runs it.
            pulumi.ResourceOptions(parent=self, depends_on=[*cluster.access, *platform_needs]),
            kubeconfig=cluster.kubeconfig,
        )
        account = self._gateway(network, cluster, keys)
        platform = Platform(
            f"{name}-platform",
            PlatformArgs(
                scope=self._scope,
                cluster_name=cluster.cluster_name,
                vpc_id=network.vpc_id,
                pools=node_pools(settings),
                provider=kubernetes,
                disks_key=keys.arns["disks"],
                metrics=settings.platform.metrics,
                needs=platform_needs,
                gateway=settings.gateway,
                gateway_needs=(account,) if account else (),
                existing_vpc=settings.network.vpc if settings.network else None,
                copies=self._copies(args.copy, keys),
            ),
            self._child,
        )
        self._node_objects(args.node_manifests, network, cluster, keys, kubernetes, (*platform_needs, *platform.nodes))
        self.connection = pulumi.Output.all(kubeconfig=cluster.kubeconfig, key=keys.arns["models"]).apply(
            lambda of: Connection(
                names.cluster(name), settings.namespace, settings.registry, of["kubeconfig"], of["key"]
            )
        )
        manifests = with_addresses(args.manifests, network.s3_addresses)
        if account is None or args.gateway is None:
            environment_objects(manifests, self, kubernetes, needs=platform.monitoring)
        else:
            image = account.pushed_here(args.gateway.keys_image)
            gateway = GatewayArgs(self.connection, args.gateway.ensure, image, (account, *platform.gateway))
            manifests = account.with_database(manifests)
            environment_objects(manifests, self, kubernetes, gateway=gateway, needs=platform.monitoring)
        self.register_outputs({})

    def _keys(self) -> Keys:
        name = self._scope.environment
        groups = (names.control_plane_logs(name), names.flow_logs(name))
        return Keys(f"{name}-keys", KeysArgs(self._scope, encrypted_data(self._settings), groups), self._child)

    def _copies(self, copy: Copy | None, keys: Keys) -> PlatformCopies | None:
        if copy is None:
            return None
        copies = PlatformCopiesArgs(self._scope, self._settings.registry, keys.arns["models"], copy)
        return PlatformCopies(f"{self._scope.environment}-copies", copies, self._child)

    def _network(self, keys: Keys) -> Placement:
        """The network. In one that is there already nothing is made: its endpoints and flow logs are its owner's."""
        name, settings = self._scope.environment, self._settings
        if settings.network is not None:
            anywhere = pulumi.Output.from_input(_ANYWHERE)
            return Placement(settings.network.vpc, settings.network.private_subnets, anywhere)
        public = settings.gateway is not None and not settings.gateway.internal
        network = Network(
            f"{name}-network",
            NetworkArgs(self._scope, settings.cidr, settings.zones, settings.nat, public),
            self._child,
        )
        endpoints = Endpoints(
            f"{name}-endpoints",
            EndpointsArgs(
                self._scope, settings.cidr, network, tuple(interface_endpoints(settings)), endpoint_zones(settings)
            ),
            self._child,
        )
        FlowLogs(
            f"{name}-flow-logs",
            FlowLogsArgs(self._scope, network.vpc_id, keys.arns["logs"]),
            self._child,
        )
        # Without NAT nothing starts before the endpoints are there.
        ready = (network, endpoints) if settings.nat == "none" else (network,)
        return Placement(network.vpc_id, network.private_subnets, endpoints.s3_addresses, ready)

    def _stores(self, keys: Keys) -> None:
        name, settings = self._scope.environment, self._settings
        ModelStore(
            f"{name}-model-store",
            ModelStoreArgs(self._scope, keys.arns["models"], settings.model_store.keep_days),
            self._child,
        )
        for runtime in sorted({one.image.shared or name for name, one in RUNTIMES.items() if one.image}):
            repository = names.runtime_repository(runtime)
            Registry(
                f"{name}-{repository}",
                RegistryArgs(
                    names.repository(repository, name), self._scope.tags, keys.arns["models"], settings.images.keep
                ),
                self._child,
            )

    def _gateway(self, network: Placement, cluster: EksCluster, keys: Keys) -> GatewayAccount | None:
        settings = self._settings
        if settings.gateway is None:
            return None
        args = GatewayAccountArgs(
            scope=self._scope,
            database=settings.gateway.database,
            namespace=settings.namespace,
            keep=settings.images.keep,
            network=network,
            cluster=cluster,
            images_key=keys.arns["models"],
            ledger_key=keys.arns["ledger"],
        )
        return GatewayAccount(f"{self._scope.environment}-gateway", args, self._child)

    def _bastion(self, network: Placement, keys: Keys) -> Mapping[str, pulumi.Output[str]]:
        """Make the way in for `slipway tunnel`, where there is to be one. Returns its security group, by its name."""
        if not self._settings.api.bastion:
            return {}
        subnet = network.private_subnets[self._settings.zones[0]]
        args = BastionArgs(self._scope, network.vpc_id, subnet, keys.arns["disks"], network.ready)
        return {"bastion": Bastion(f"{self._scope.environment}-way-in", args, self._child).group}

    def _cluster(
        self, network: Placement, keys: Keys, bastion: Mapping[str, pulumi.Output[str]], taken_over: Collection[str]
    ) -> EksCluster:
        settings = self._settings
        return EksCluster(
            f"{self._scope.environment}-eks",
            EksClusterArgs(
                scope=self._scope,
                subnets=tuple(network.private_subnets.values()),
                public_cidrs=settings.api.public_cidrs,
                private_cidrs=settings.api_cidrs,
                security_groups={**{group: group for group in settings.api.security_groups or ()}, **bastion},
                administrators=settings.administrators,
                access=settings.access,
                logging=settings.logging,
                protect=settings.protect,
                secrets_key=keys.arns["secrets"],
                logs_key=keys.arns["logs"],
                taken_over=taken_over,
            ),
            self._child,
        )

    def _nodes(
        self, groups: tuple[NodeGroup, ...], network: Placement, cluster: EksCluster, keys: Keys
    ) -> tuple[pulumi.Resource, ...]:
        """Make the nodes, and what EKS itself runs on them. Returns what the platform has to wait for."""
        first = self._addons("node", cluster, BEFORE_NODES)
        nodes = NodePools(
            f"{self._scope.environment}-nodes",
            NodePoolsArgs(
                scope=self._scope,
                cluster_name=cluster.cluster_name,
                subnets=network.private_subnets,
                disks_key=keys.arns["disks"],
                groups=groups,
                needs=(*network.ready, first),
            ),
            self._child,
        )
        return (nodes, self._addons("cluster", cluster, AFTER_NODES, nodes))

    def _node_objects(
        self,
        manifests: Sequence[Manifest],
        network: Placement,
        cluster: EksCluster,
        keys: Keys,
        kubernetes: pulumi.ProviderResource,
        needs: tuple[pulumi.Resource, ...],
    ) -> None:
        args = NodeObjectsArgs(
            manifests=manifests,
            subnets=network.private_subnets,
            nodes_group=cluster.nodes_group,
            disks_key=keys.arns["disks"],
            provider=kubernetes,
            needs=needs,
        )
        NodeObjects(f"{self._scope.environment}-node-pools", args, self._child)

    def _addons(self, kind: str, cluster: EksCluster, addons: tuple[str, ...], *needs: pulumi.Resource) -> Addons:
        args = AddonsArgs(
            scope=self._scope,
            cluster_name=cluster.cluster_name,
            addons=addons,
            needs=needs,
        )
        return Addons(f"{self._scope.environment}-{kind}-addons", args, self._child)

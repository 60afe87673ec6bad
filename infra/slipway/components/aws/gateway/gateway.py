"""What the gateway of an environment has in the account, and how what AWS decides gets into its manifests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi

from slipway.components.aws.cluster.cluster import EksCluster
from slipway.components.aws.gateway.database import LedgerDatabase, LedgerDatabaseArgs
from slipway.components.aws.gateway.policies import read_password
from slipway.components.aws.iam.identity import Identity, IdentityArgs
from slipway.components.aws.network.network import Placement
from slipway.components.aws.registry import Registry, RegistryArgs
from slipway.components.aws.scope import AwsScope
from slipway.components.image.component import ModelImageArgs
from slipway.components.kubernetes.gateway_secrets import Ensure
from slipway.environments.planning.aws.gateway import DATABASE_SECRET, DATABASE_URL, database_url
from slipway.planner.own_images import OWN_IMAGES
from slipway.render.templates import Manifest
from slipway.settings.aws_gateway import AwsDatabase
from slipway.values import names


@dataclass(frozen=True)
class AwsGatewayArgs:
    """`ensure`: makes the secrets of a gateway. `keys_image`: how the image of its keys service is made."""

    ensure: Ensure
    keys_image: ModelImageArgs


@dataclass(frozen=True)
class GatewayAccountArgs:
    """`namespace`: of the keys service. `keep`: images below its own. `images_key`, `ledger_key`: ARNs."""

    scope: AwsScope
    database: AwsDatabase
    namespace: str
    keep: int
    network: Placement
    cluster: EksCluster
    images_key: pulumi.Input[str]
    ledger_key: pulumi.Input[str]


class GatewayAccount(pulumi.ComponentResource):
    """The database of keys and ledger, the role that reads its password, and repositories of what runs beside models.

    Envoy Gateway waits for it, and the pods of the keys service for that: one that starts within seconds of its role's
    association gets no credentials, and never will (aws/eks-pod-identity-agent, issue 52).
    """

    def __init__(self, name: str, args: GatewayAccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:GatewayAccount", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._database = LedgerDatabase(
            f"{args.scope.environment}-ledger",
            LedgerDatabaseArgs(
                scope=args.scope,
                settings=args.database,
                vpc_id=args.network.vpc_id,
                subnets=tuple(args.network.private_subnets.values()),
                nodes=args.cluster.nodes_group,
                key=args.ledger_key,
            ),
            self._child,
        )
        self._identity()
        self._repositories = [
            registry
            for own in OWN_IMAGES
            # What is below an image is there to be built on: nothing runs it, so that old ones may go.
            for registry in (self._registry(own), self._registry(names.runtime_repository(own), args.keep))
        ]
        self.register_outputs({})

    def _identity(self) -> None:
        args = self._args
        Identity(
            f"{args.scope.environment}-keys-identity",
            IdentityArgs(
                scope=args.scope,
                user=names.KEYS,
                cluster_name=args.cluster.cluster_name,
                namespace=args.namespace,
                service_account=names.KEYS,
                policy=read_password(self._database.secret, args.scope.region, args.ledger_key),
            ),
            self._child,
        )

    def _registry(self, part: str, newest: int | None = None) -> Registry:
        args = self._args
        repository = names.repository(part, args.scope.environment)
        registry = RegistryArgs(repository, args.scope.tags, args.images_key, newest)
        return Registry(f"{args.scope.environment}-{part}", registry, self._child)

    def pushed_here(self, image: ModelImageArgs) -> ModelImageArgs:
        """The image of the keys service, made once its repositories are there."""
        urls = pulumi.Output.all(*(registry.url for registry in self._repositories))
        return replace(image, needs=urls.apply(lambda found: str(found[0])))

    def with_database(self, manifests: Sequence[Manifest]) -> list[Manifest]:
        """The manifests with the address of the database, which RDS makes up, in the pods of the keys service."""
        said = {
            DATABASE_URL: self._database.host.apply(database_url),
            DATABASE_SECRET: self._database.secret,
        }
        return [_with_values(one, said) if _is_keys(one) else one for one in manifests]


def _is_keys(manifest: Manifest) -> bool:
    return bool(manifest["kind"] == "Deployment" and manifest["metadata"]["name"] == names.KEYS)


def _with_values(deployment: Manifest, said: Mapping[str, pulumi.Output[str]]) -> Manifest:
    """A Deployment whose only container has these values in its environment, in place of those that it has."""
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    env = [{**one, "value": said[one["name"]]} if one["name"] in said else one for one in container["env"]]
    pod = {**template["spec"], "containers": [{**container, "env": env}]}
    return {**deployment, "spec": {**deployment["spec"], "template": {**template, "spec": pod}}}

"""What one model has of its own on AWS: a repository for its images, and a role for pods that fetch their weights."""

from dataclasses import dataclass

import pulumi

from slipway.components.aws.iam.identity import Identity, IdentityArgs, read_own_weights, write_own_samples
from slipway.components.aws.provider import aws_provider
from slipway.components.aws.registry import Registry, RegistryArgs
from slipway.components.aws.scope import AwsScope
from slipway.settings.aws import AwsSettings
from slipway.values import names


@dataclass(frozen=True)
class AwsModelArgs:
    """`key`: ARN of the environment's key of models. `fetches`: whether pods read weights from the model store.
    `captures`: whether they store samples there."""

    environment: str
    settings: AwsSettings
    key: pulumi.Input[str]
    fetches: bool
    captures: bool = False


class AwsModel(pulumi.ComponentResource):
    """The parts. `repository` is known once images can be pushed.

    Pods that fetch weights or store samples have a role, others none: nothing that they do asks AWS. They depend on the
    component, to start with it; their ServiceAccount is named as the model is.
    """

    repository: pulumi.Output[str]

    def __init__(self, name: str, args: AwsModelArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:AwsModel", name, None, opts)
        settings = args.settings
        scope = AwsScope.of(args.environment, settings, name)
        provider = aws_provider(f"{name}-aws", settings.account, settings.region, pulumi.ResourceOptions(parent=self))
        child = pulumi.ResourceOptions(parent=self, providers=[provider])
        registry = Registry(
            f"{name}-images",
            RegistryArgs(names.repository(name, args.environment), scope.tags, args.key),
            child,
        )
        if args.fetches or args.captures:
            of = (names.bucket(args.environment, settings.account, settings.region), settings.region, name, args.key)
            reads = read_own_weights(*of) if args.fetches else ()
            writes = write_own_samples(*of) if args.captures else ()
            Identity(
                f"{name}-identity",
                IdentityArgs(
                    scope=scope,
                    user=f"model-{name}",
                    cluster_name=names.cluster(args.environment),
                    namespace=settings.namespace,
                    service_account=name,
                    policy=(*reads, *writes),
                ),
                child,
            )
        self.repository = registry.url
        self.register_outputs({"repository": self.repository})

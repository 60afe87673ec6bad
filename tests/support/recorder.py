"""Run a program on Pulumi's mocks and record what it registered: no engine, no provider, no cloud."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "aws:eks/cluster:Cluster": {
        "endpoint": "https://EXAMPLE.gr7.eu-central-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "Y2VydGlmaWNhdGU="},
        "vpcConfig": {"clusterSecurityGroupId": "sg-0123456789abcdef0"},
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"cidrBlocks": ["52.219.170.0/23", "3.5.134.0/23"]},
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
    "aws:ec2/eip:Eip": {"allocationId": "eipalloc-0123456789abcdef0"},
    "aws:kms/key:Key": {"keyId": "11111111-2222-3333-4444-555555555555"},
    "aws:rds/instance:Instance": {
        "address": "slipway-staging-keys.example.eu-central-1.rds.amazonaws.com",
        "masterUserSecrets": [{"secretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1-abcdef"}],
    },
    "aws:ecr/repository:Repository": {"repositoryUrl": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/repository"},
}
"""Outputs that a provider would add and a program goes on with; besides id and ARN, which every resource gets."""


@dataclass
class Registered:
    """One resource as the engine was asked for it."""

    urn: str
    token: str
    name: str
    inputs: dict[str, Any]
    ignored: tuple[str, ...]
    protected: bool
    retained: bool
    aliases: tuple[str, ...]
    dependencies: tuple[str, ...]
    parent: str
    provider: str
    custom: bool
    hooks: tuple[str, ...]
    """Names of what is done after it was created, before what depends on it begins."""


@dataclass
class Run:
    """All that a program registered, and the outputs of its stack."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, token: str) -> list[Registered]:
        """The resources of one type."""
        return [resource for resource in self.resources if resource.token == token]

    def one(self, token: str) -> dict[str, Any]:
        """What the only resource of a type was asked for with."""
        (only,) = self.of(token)
        return only.inputs

    def by_urn(self) -> dict[str, Registered]:
        return {resource.urn: resource for resource in self.resources}

    def before(self, resource: Registered) -> set[str]:
        """URNs of everything that has to be there before a resource, by dependencies; its provider's too."""
        there, found, open_ = self.by_urn(), set[str](), [resource.urn]
        while open_:
            next_ = there[open_.pop()]
            for urn in (*next_.dependencies, next_.provider.rpartition("::")[0]):
                if urn not in found and urn in there:
                    found.add(urn)
                    open_.append(urn)
        return found

    def manifests(self, kind: str) -> list[dict[str, Any]]:
        """The Kubernetes objects of one kind."""
        found = [resource for resource in self.resources if resource.token.startswith("kubernetes:")]
        return [resource.inputs for resource in found if resource.token.rpartition(":")[2] == kind]

    def aws(self) -> list[Registered]:
        """The resources of AWS."""
        return [resource for resource in self.resources if resource.token.startswith("aws:")]


class Answers(pulumi.runtime.Mocks):
    """Answer like an engine: a resource's outputs are its inputs and what AWS would add."""

    def __init__(self, connection: Mapping[str, Any] | None) -> None:
        self.connection = connection

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        outputs = {"arn": f"arn:{args.name}", **args.inputs, **COMPUTED.get(args.typ, {})}
        if args.typ == "pulumi:pulumi:StackReference":
            outputs |= {"outputs": {"connection": self.connection}, "secretOutputNames": []}
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"no function of a provider is to be called: {args.token}")


class Monitor(mocks.MockMonitor):
    """Keep what Pulumi's own mocks do not show: options, parents, dependencies."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(answers)
        self.run = Run()

    def RegisterResource(self, request: resource_pb2.RegisterResourceRequest) -> Any:  # noqa: N802 - gRPC's name
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type != "pulumi:pulumi:Stack":
            self.run.resources.append(
                Registered(
                    urn=answer.urn,
                    token=request.type,
                    name=request.name,
                    inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
                    ignored=tuple(request.ignoreChanges),
                    protected=request.protect,
                    retained=request.retainOnDelete,
                    aliases=tuple(_alias(answer.urn, alias) for alias in request.aliases),
                    dependencies=tuple(request.dependencies),
                    parent=request.parent,
                    provider=request.provider,
                    custom=request.custom,
                    hooks=tuple(request.hooks.after_create),
                )
            )
        return answer


def _alias(urn: str, alias: Any) -> str:
    """The URN that a resource had before, from an alias that gives it whole or says what is different."""
    if alias.urn:
        return str(alias.urn)
    *head, qualified, name = urn.split("::")
    parents, _, kind = qualified.rpartition("$")
    kind = alias.spec.type or kind
    return "::".join([*head, f"{parents}${kind}" if parents else kind, alias.spec.name or name])


def run_program(
    program: Callable[[], None], stack: str, *, preview: bool = False, connection: Mapping[str, Any] | None = None
) -> Run:
    """Run a program to its end as the language host does. `connection`: what a model finds of its environment."""
    monitor = Monitor(Answers(connection))

    def whole() -> pulumi.Output[None]:
        program()
        root = pulumi.runtime.get_root_resource()
        assert isinstance(root, pulumi.runtime.stack.Stack)
        return pulumi.Output.all(**root.outputs).apply(monitor.run.outputs.update)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(monitor.mocks, project="slipway", stack=stack, preview=preview, monitor=monitor)
        mocks.test(whole)()  # type: ignore[no-untyped-call]
    finally:
        loop.close()
    return monitor.run

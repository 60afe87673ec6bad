"""The program of an environment's stack: what every model in it stands on."""

from collections.abc import Callable, Sequence

import pulumi

from slipway.components.connection import Connection, export
from slipway.components.kubernetes.environment import EnvironmentArgs, KubernetesEnvironment
from slipway.environments.planning.aws.node_groups import NodeGroup, node_groups, to_store
from slipway.planner.environment import Plan
from slipway.render.environment import render_environment
from slipway.settings.aws import AnySettings, AwsSettings
from slipway.settings.kubernetes import Settings


def program(
    environment: str, settings: AnySettings, kept: Sequence[NodeGroup] = (), *, adopted: bool = False
) -> Callable[[], None]:
    """Return the program for one environment.

    `kept`: node groups that stay beside those of the settings while `slipway rotate` empties them (AWS). `adopted`: its
    namespace is others'.
    """
    if isinstance(settings, AwsSettings):
        return _aws(environment, settings, kept)
    return _kubernetes(environment, settings, adopted)


def _kubernetes(environment: str, settings: Settings, adopted: bool) -> Callable[[], None]:
    def run() -> None:
        manifests = render_environment(Plan(environment, settings, ()), adopted=adopted)
        args = EnvironmentArgs(settings.context, manifests)
        KubernetesEnvironment(environment, args)
        export(Connection(settings.context, settings.namespace, settings.registry))

    return run


def _aws(environment: str, settings: AwsSettings, kept: Sequence[NodeGroup]) -> Callable[[], None]:
    # Here, since pulumi-aws is an optional extra that other kinds of environments do without.
    from slipway.components.aws.environment import AwsEnvironment, AwsEnvironmentArgs  # noqa: PLC0415

    wanted = node_groups(settings)
    groups = (*wanted, *(group for group in kept if group.name not in {other.name for other in wanted}))

    def run() -> None:
        manifests = render_environment(Plan(environment, settings, ()))
        made = AwsEnvironment(environment, AwsEnvironmentArgs(settings, groups, manifests))
        export(made.connection)
        pulumi.export("pools", to_store(groups))
        pulumi.export("node_groups", _by_pool(groups))

    return run


def _by_pool(groups: Sequence[NodeGroup]) -> dict[str, list[str]]:
    return {pool: [group.name for group in groups if group.pool == pool] for pool in {g.pool: 0 for g in groups}}

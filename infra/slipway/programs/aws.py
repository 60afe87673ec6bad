"""The programs of an environment on AWS: its own stack, and what each of its models has in the account."""

from collections.abc import Callable, Sequence

import pulumi

from slipway.components.aws.environment import AwsEnvironment, AwsEnvironmentArgs
from slipway.components.aws.model import AwsModel, AwsModelArgs
from slipway.components.connection import Connection, export
from slipway.environments.planning.aws.node_groups import NodeGroup, to_store
from slipway.planner.environment import Plan
from slipway.programs.model import ModelParts, PartsOf
from slipway.render.environment import render_environment
from slipway.settings.aws import AwsSettings


def environment_program(environment: str, settings: AwsSettings, groups: Sequence[NodeGroup]) -> Callable[[], None]:
    """Return the program for one environment; `groups`: the node groups that there shall be."""

    def run() -> None:
        manifests = render_environment(Plan(environment, settings, ()))
        made = AwsEnvironment(environment, AwsEnvironmentArgs(settings, tuple(groups), manifests))
        export(made.connection)
        pulumi.export("pools", to_store(groups))
        pulumi.export("node_groups", _by_pool(groups))

    return run


def _by_pool(groups: Sequence[NodeGroup]) -> dict[str, list[str]]:
    return {pool: [group.name for group in groups if group.pool == pool] for pool in {g.pool: 0 for g in groups}}


def model_parts(settings: AwsSettings) -> PartsOf:
    """Return how to make what a model has of its own in the account: a repository and a role."""

    def make(environment: str, model: str, link: pulumi.Output[Connection]) -> ModelParts:
        key = link.apply(lambda of: of.key or "")
        parts = AwsModel(model, AwsModelArgs(environment, settings, key))
        return (parts,), parts.repository

    return make

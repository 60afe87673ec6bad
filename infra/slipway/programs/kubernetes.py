"""The program of an environment's stack in somebody's cluster: what every model in it stands on."""

from collections.abc import Callable

from slipway.components.connection import Connection, export
from slipway.components.kubernetes.environment import EnvironmentArgs, KubernetesEnvironment
from slipway.planner.environment import Plan
from slipway.render.environment import render_environment
from slipway.settings.kubernetes import Settings


def environment_program(environment: str, settings: Settings, *, adopted: bool = False) -> Callable[[], None]:
    """Return the program for one environment; `adopted`: its namespace is others'."""

    def run() -> None:
        manifests = render_environment(Plan(environment, settings, ()), adopted=adopted)
        KubernetesEnvironment(environment, EnvironmentArgs(settings.context, manifests))
        export(Connection(settings.context, settings.namespace, settings.registry))

    return run

"""The program of an environment's stack: what every model in it stands on."""

from collections.abc import Callable

from infra.components.connection import Connection
from infra.components.environment import EnvironmentArgs, KubernetesEnvironment
from infra.plan import Plan
from infra.render import render_environment
from infra.settings import Settings


def program(environment: str, settings: Settings) -> Callable[[], None]:
    """Return the program for one environment."""

    def run() -> None:
        args = EnvironmentArgs(settings.context, render_environment(Plan(environment, settings, ())))
        KubernetesEnvironment(environment, args)
        Connection(settings.context, settings.namespace, settings.registry).export()

    return run

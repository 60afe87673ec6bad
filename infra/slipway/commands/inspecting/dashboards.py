"""Write the dashboards of an environment and its models for Grafana."""

from pathlib import Path

from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.offline import write
from slipway.environments.planning.kinds import planning
from slipway.errors.base import MissingKey
from slipway.monitoring.dashboards import dashboards


def write_dashboards(context: EnvironmentContext, output: Path) -> None:
    """Write a file for the environment and one for each model, which Grafana imports or is provisioned with.

    Raises `MissingKey` in an environment without monitoring, `FileRefused` for a folder that cannot be written.
    """
    if planning(context.settings).monitoring is None:
        place, field = context.file.locate(("monitoring",))
        example = "monitoring: {prometheus: http://prometheus.example:9090, discovery: manual}"
        raise MissingKey(place, field, "the cluster's Prometheus, whose metrics dashboards show", example)
    write(dashboards(context.plan, gateway=context.has_gateway), output)

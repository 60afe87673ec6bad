"""Print what a Prometheus that a person keeps needs to know of an environment: what to scrape, when to alert."""

from pathlib import Path

from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.offline import write
from slipway.environments.planning.kinds import planning
from slipway.errors.base import MissingKey
from slipway.render.scraping import rule_groups, scrape_configuration
from slipway.render.yaml import to_yaml


def show_scrape_config(context: EnvironmentContext, output: Path | None) -> None:
    """Write the files for `scrape_config_files` and `rule_files` to a folder, or both to standard output.

    Raises `MissingKey` in an environment without monitoring, `FileRefused` for a folder that cannot be written.
    """
    plan = context.plan
    if planning(context.settings).monitoring is None:
        place, field = context.file.locate(("monitoring",))
        example = "monitoring: {prometheus: http://prometheus.example:9090, discovery: manual}"
        raise MissingKey(place, field, "the cluster's Prometheus", example)
    files = {"scrape.yaml": scrape_configuration(plan), "rules.yaml": rule_groups(plan)}
    write({name: to_yaml([content]) for name, content in files.items()}, output)

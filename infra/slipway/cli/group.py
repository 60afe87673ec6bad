"""The command `slipway`, to which each module beside this one adds its commands."""

import click

from slipway.values.version import version


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version(), prog_name="slipway")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Put machine-learning models into service: one YAML spec per model, one settings file per environment.

    Exit codes: 0 done; 1 your input was refused and nothing changed; 2 a deployment failed and what was serving
    before still serves; 3 something else.
    """

"""Commands about a project and this machine: init, schema, fetch, local, completion."""

from pathlib import Path
from typing import Literal

import click

from slipway import console
from slipway.cli.group import cli
from slipway.cli.options import with_folders
from slipway.commands.project import completion
from slipway.reading.folders import Folders


@cli.command()
@click.argument("kind", type=click.Choice(["spec", "settings"]), required=False)
@click.option("--check", is_flag=True, help="In Slipway's repository: change nothing; fail when a file is stale.")
def schema(kind: Literal["spec", "settings"] | None, check: bool) -> None:
    """Print the JSON Schema of specs or of settings, for an editor to check a file while it is written.

    Without KIND both are printed, in one document. In Slipway's own repository it writes them, and the reference pages,
    into docs/.
    """
    from slipway.commands.project.schema import show_schema  # noqa: PLC0415

    show_schema(cli, kind, check=check)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@click.option("--name", help="Name of the project in pyproject.toml; that of the folder when it is left out.")
def init(folder: Path, name: str | None) -> None:
    """Write a project into FOLDER: a working model, settings of the local environment, and what Pulumi and CI need.

    Nothing is written when one of the files is there already.
    """
    from slipway.commands.project.init import init_project  # noqa: PLC0415

    init_project(folder, name)


@cli.command("fetch")
@click.argument("wanted", nargs=-1, metavar="[MODEL|ADDRESS]...", shell_complete=completion.models)
@with_folders
def fetch(wanted: tuple[str, ...], folders: Folders) -> None:
    """Fetch weights that are not in the repository into this machine's cache, where every other command finds them.

    Without arguments, those of all specs. Of an ADDRESS, print the sha256 that a spec needs beside it.
    """
    from slipway.commands.project.fetch import fetch as bring  # noqa: PLC0415

    bring(wanted, folders)


class _Local(click.Group):
    """The commands of slipway.local, imported when one of them is asked for: `slipway --help` does without."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of the commands."""
        return _local_group().list_commands(context)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """One of the commands."""
        return _local_group().get_command(context, name)

    def invoke(self, context: click.Context) -> object:
        """Run one of the commands; its errors are a family of their own."""
        from slipway.local.commands import guarded  # noqa: PLC0415

        with guarded():
            return super().invoke(context)


def _local_group() -> click.Group:
    from slipway.local.commands import local  # noqa: PLC0415 - takes a third of a second

    return local


@cli.group("local", cls=_Local)
def local() -> None:
    """Bring an environment to this machine: Pulumi, a one-node Kubernetes cluster, Docker Engine, a registry."""


@cli.command("completion")
@click.argument("shell", type=click.Choice(completion.SHELLS))
def print_completion(shell: str) -> None:
    """Print a shell's completion script, for commands, environments and models: source <(slipway completion bash)."""
    console.result(completion.script(cli, shell))

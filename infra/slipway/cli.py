"""The command `slipway`: read arguments, call what does the work, print, and end with the right code."""

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from slipway import console
from slipway.commands import completion
from slipway.errors.base import SlipwayError, UserErrors
from slipway.errors.full_disk import full_disk
from slipway.reading.folders import Folders, from_root
from slipway.values.version import version

if TYPE_CHECKING:
    from slipway.commands.context import EnvironmentContext

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_YES = click.option("--yes", "-y", is_flag=True, help="Do not ask before changing anything.")
_JOBS = click.option(
    "--jobs", "-j", type=click.IntRange(1, 32), default=4, show_default=True, help="How many models at once."
)
_MODELS = click.argument("models", nargs=-1, metavar="[MODEL]...", shell_complete=completion.models)
_ENVIRONMENT = click.argument("environment", metavar="ENV", shell_complete=completion.environments)


def _folders(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --models and --settings, and pass it `folders` instead of the two.

    Those that are not given are looked for as git and pulumi look for theirs: in the project that this folder is in.
    """

    def run(models_dir: Path, settings_dir: Path, **rest: Any) -> None:
        source = click.get_current_context().get_parameter_source
        named = {"models_dir": models_dir, "settings_dir": settings_dir}
        given = [path if source(name) != ParameterSource.DEFAULT else from_root(path) for name, path in named.items()]
        command(folders=Folders(*given), **rest)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    kind = click.Path(path_type=Path)
    models = click.option(
        "--models", "models_dir", type=kind, default="models", show_default=True, help="Folder of specs."
    )
    settings = click.option(
        "--settings",
        "settings_dir",
        type=kind,
        default="stacks",
        show_default=True,
        help="Folder of settings.",
    )
    return models(settings(run))


def _context(environment: str, folders: Folders, only: Sequence[str] | None = None) -> "EnvironmentContext":
    """Open an environment for the models in `only`; for all of them when it is None."""
    from slipway.commands.context import EnvironmentContext  # noqa: PLC0415 - reading specs takes half a second to import, and `--help` does without

    return EnvironmentContext(environment, folders, only)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version(), prog_name="slipway")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Put machine-learning models into service: one YAML spec per model, one settings file per environment.

    Exit codes: 0 done; 1 your input was refused and nothing changed; 2 a deployment failed and what was serving
    before still serves; 3 something else.
    """


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@_JSON
@_folders
def validate(files: tuple[Path, ...], as_json: bool, folders: Folders) -> None:
    """Check specs, and every environment's settings against them, without a cluster.

    Without FILE, everything is checked; findings in all files are reported together.
    """
    from slipway.commands.offline import validate_all  # noqa: PLC0415 - onnx is not for `--help`

    checked = validate_all(files, folders)
    if as_json:
        console.document({"valid": [str(item) for item in checked]})
    else:
        for item in checked:
            console.result(f"ok  {item}")


@cli.command()
@_ENVIRONMENT
@_MODELS
@click.option("--live", is_flag=True, help="Ask the cluster too: what `up` changes of it, and why.")
@_JSON
@_folders
def plan(environment: str, models: tuple[str, ...], live: bool, as_json: bool, folders: Folders) -> None:
    """Show the plan of an environment: release, node pool and why, cold start and cost of each model.

    No cluster is asked, but with --live. Nothing is changed.
    """
    from slipway.commands.offline import show_plan  # noqa: PLC0415

    show_plan(_context(environment, folders, models or None), models, as_json=as_json, live=live)


@cli.command()
@_ENVIRONMENT
@_MODELS
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Folder to write to; else standard output.")
@_folders
def render(environment: str, models: tuple[str, ...], output: Path | None, folders: Folders) -> None:
    """Render the Kubernetes objects and Dockerfiles of a plan. Images are named by tag, since none is built."""
    from slipway.commands.offline import render_all  # noqa: PLC0415

    render_all(_context(environment, folders, models or None), models, output)


@cli.command()
@_ENVIRONMENT
@_JSON
@_folders
def price(environment: str, as_json: bool, folders: Folders) -> None:
    """Show what an environment costs per hour and month, by model and in total, against its budget."""
    from slipway.commands.offline import show_price  # noqa: PLC0415

    show_price(_context(environment, folders), as_json=as_json)


@cli.command()
@_folders
def snapshot(folders: Folders) -> None:
    """Plan and price every environment offline, and print it all as one JSON document for `slipway comment`.

    Where a finding stands in the way, the document says so, and the exit code is 1.
    """
    from slipway.commands.snapshot import show_snapshot  # noqa: PLC0415

    show_snapshot(folders)


@cli.command()
@click.argument("head", type=click.Path(path_type=Path))
@click.option("--base", type=click.Path(path_type=Path), help="Snapshot of the branch that HEAD would be merged into.")
def comment(head: Path, base: Path | None) -> None:
    """Write a pull request's comment from the snapshot HEAD: what is deployed anew, what it costs, what is refused."""
    from slipway.commands import comment as comments  # noqa: PLC0415

    text = comments.comment(comments.read_snapshot(head), comments.read_snapshot(base) if base else None)
    console.out.out(text, highlight=False)


@cli.command()
@click.argument("kind", type=click.Choice(["spec", "settings"]), required=False)
@click.option("--check", is_flag=True, help="In Slipway's repository: change nothing; fail when a file is stale.")
def schema(kind: Literal["spec", "settings"] | None, check: bool) -> None:
    """Print the JSON Schema of specs or of settings, for an editor to check a file while it is written.

    Without KIND both are printed, in one document. In Slipway's own repository it writes them, and the reference pages,
    into docs/.
    """
    from slipway.commands.schema import show_schema  # noqa: PLC0415

    show_schema(cli, kind, check=check)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@click.option("--name", help="Name of the project in pyproject.toml; that of the folder when it is left out.")
def init(folder: Path, name: str | None) -> None:
    """Write a project into FOLDER: a working model, settings of the local environment, and what Pulumi and CI need.

    Nothing is written when one of the files is there already.
    """
    from slipway.commands.init import init_project  # noqa: PLC0415

    init_project(folder, name)


@cli.command("base-image")
@_ENVIRONMENT
@click.option("--check", is_flag=True, help="Change nothing; fail when the registry has another image.")
@_folders
def base_image(environment: str, check: bool, folders: Folders) -> None:
    """Look up which image the tag of `base_image` names now, and write its digest into ENV's settings.

    This is how security updates arrive: `slipway up` then deploys every model on the new image.
    """
    from slipway.commands.base_image import renew_base_image  # noqa: PLC0415

    renew_base_image(environment, folders, check=check)


@cli.command()
@_ENVIRONMENT
@_MODELS
@_YES
@_JOBS
@click.option(
    "--refresh", is_flag=True, help="Compare every stack with what really exists, and correct what others changed."
)
@click.option("--prune", is_flag=True, help="Destroy live models that have no spec any more.")
@click.option("--adopt", metavar="NAMESPACE", help="Use the settings' namespace although others made it.")
@_folders
def up(
    environment: str,
    models: tuple[str, ...],
    yes: bool,
    jobs: int,
    refresh: bool,
    prune: bool,
    adopt: str | None,
    folders: Folders,
) -> None:
    """Deploy an environment and every model that changed, and judge each by its golden request.

    Where a new release fails, what served before is restored; the exit code is then 2.
    """
    from slipway.commands.session import Options  # noqa: PLC0415 - the engine's SDK takes a second
    from slipway.commands.up import bring_up  # noqa: PLC0415

    options = Options(yes=yes, jobs=jobs, refresh=refresh, prune=prune, adopt=adopt)
    bring_up(_context(environment, folders, models or None), models, options)


@cli.command()
@_ENVIRONMENT
@_MODELS
@_YES
@_JOBS
@click.option(
    "--delete-data", multiple=True, metavar="NAME", help="Also delete what holds data under this name: model-store."
)
@_folders
def down(
    environment: str, models: tuple[str, ...], yes: bool, jobs: int, delete_data: tuple[str, ...], folders: Folders
) -> None:
    """Destroy models, or without MODEL the whole environment, and prove that nothing is left.

    On AWS, what holds data is retained unless it is named, and is listed by its tag; the exit code is then 2.
    """
    from slipway.commands.down import take_down  # noqa: PLC0415
    from slipway.commands.session import Options  # noqa: PLC0415

    take_down(_context(environment, folders), models, Options(yes=yes, jobs=jobs, delete_data=delete_data))


@cli.command()
@_ENVIRONMENT
@click.argument("pool")
@_YES
@_folders
def rotate(environment: str, pool: str, yes: bool, folders: Folders) -> None:
    """Replace the nodes of a pool on AWS: create new ones, then drain and remove the old.

    Models keep serving. A run that was stopped continues when it is run again.
    """
    from slipway.commands.rotate import rotate_pool  # noqa: PLC0415
    from slipway.commands.session import Options  # noqa: PLC0415

    rotate_pool(_context(environment, folders), pool, Options(yes=yes, jobs=1))


@cli.command()
@_ENVIRONMENT
@_MODELS
@_JSON
@_folders
def status(environment: str, models: tuple[str, ...], as_json: bool, folders: Folders) -> None:
    """Show what is live: release, readiness, whether it was verified, and its URL."""
    from slipway.commands.live import show_status  # noqa: PLC0415

    show_status(_context(environment, folders, ()), models, as_json=as_json)


@cli.command()
@_ENVIRONMENT
@click.argument("model", shell_complete=completion.models)
@click.argument("file", type=click.File("rb"))
@_folders
def predict(environment: str, model: str, file: Any, folders: Folders) -> None:
    """Send FILE (JSON, or an image; `-` for standard input) to a model, and print its answer."""
    from slipway.commands.live import show_prediction  # noqa: PLC0415

    show_prediction(_context(environment, folders, ()), model, file.name, file.read())


@cli.command()
@_ENVIRONMENT
@_MODELS
@_JSON
@_folders
def verify(environment: str, models: tuple[str, ...], as_json: bool, folders: Folders) -> None:
    """Send the golden request of live models through their Services. Exit code 2 when an answer is wrong or late."""
    from slipway.commands.live import show_verdicts  # noqa: PLC0415

    show_verdicts(_context(environment, folders, ()), models, as_json=as_json)


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


def main() -> None:
    """Run the command; every error ends in a message and a code, a traceback only with --debug."""
    debug = "--debug" in sys.argv[1:]
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        console.message("interrupted; what was finished is kept: run the same command again to continue")
        sys.exit(3)
    except BrokenPipeError:
        sys.exit(3)
    except SlipwayError as error:
        if debug:
            traceback.print_exc()
        console.message(str(error))
        if isinstance(error, UserErrors) and len(error.findings) > 1:
            console.message(f"{len(error.findings)} findings; nothing was changed")
        sys.exit(error.exit_code)
    except Exception as error:
        if debug:
            traceback.print_exc()
        elif isinstance(error, OSError) and (lack := full_disk("slipway cannot write", error)):
            console.message(str(lack))
        else:
            console.message(f"slipway failed, which is a bug: {type(error).__name__}: {error}; --debug shows where")
        sys.exit(3)

"""Options and arguments that commands share, and how a command opens an environment."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from slipway.commands.project import completion
from slipway.reading.folders import Folders, from_root

if TYPE_CHECKING:
    from slipway.commands.context import EnvironmentContext

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
YES = click.option("--yes", "-y", is_flag=True, help="Do not ask before changing anything.")
JOBS = click.option(
    "--jobs", "-j", type=click.IntRange(1, 32), default=4, show_default=True, help="How many models at once."
)
MODELS = click.argument("models", nargs=-1, metavar="[MODEL]...", shell_complete=completion.models)
ENVIRONMENT = click.argument("environment", metavar="ENV", shell_complete=completion.environments)


def with_folders(command: Callable[..., None]) -> Callable[..., None]:
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


def open_environment(environment: str, folders: Folders, only: Sequence[str] | None = None) -> "EnvironmentContext":
    """Open an environment for the models in `only`; for all of them when it is None."""
    from slipway.commands.context import EnvironmentContext  # noqa: PLC0415 - reading specs takes half a second to import, and `--help` does without

    return EnvironmentContext(environment, folders, only)

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


_FOLDERS = {"models": ("models", "Folder of specs."), "settings": ("stacks", "Folder of settings.")}
"""Default and help of the options for the project's folders."""


def with_folders(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --models, --settings and --offline, and pass it `folders` instead of the three.

    Those that are not given are looked for as git and pulumi look for theirs: in the project that this folder is in.
    """
    return _with(command, tuple(_FOLDERS))


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that reads no spec --settings alone, and pass it `folders`: its --models may name models."""
    return _with(command, ("settings",))


def _with(command: Callable[..., None], given: Sequence[str]) -> Callable[..., None]:
    def run(**options: Any) -> None:
        source = click.get_current_context().get_parameter_source

        def folder(name: str) -> Path:
            path: Path = options.pop(f"{name}_dir", Path(_FOLDERS[name][0]))
            return from_root(path) if source(f"{name}_dir") in (None, ParameterSource.DEFAULT) else path

        offline = options.pop("offline", False)
        command(folders=Folders(folder("models"), folder("settings"), offline), **options)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__click_params__ = list(getattr(command, "__click_params__", []))  # type: ignore[attr-defined]
    if "models" in given:
        run = click.option("--offline", is_flag=True, help="Fetch no weights: what is not in the cache is refused.")(
            run
        )
    kind = click.Path(path_type=Path)
    for name in reversed(given):
        default, text = _FOLDERS[name]
        run = click.option(f"--{name}", f"{name}_dir", type=kind, default=default, show_default=True, help=text)(run)
    return run


def open_environment(environment: str, folders: Folders, only: Sequence[str] | None = None) -> "EnvironmentContext":
    """Open an environment for the models in `only`; for all of them when it is None."""
    from slipway.commands.context import EnvironmentContext  # noqa: PLC0415 - reading specs takes half a second to import, and `--help` does without

    return EnvironmentContext(environment, folders, only)

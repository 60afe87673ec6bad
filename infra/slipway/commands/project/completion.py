"""Complete what a person types in a shell: environments from the names of settings files, models from those of specs.

Files are looked at by name and first lines only: a shell waits for the answer at each key.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from click import Command, Context, Parameter
from click.core import ParameterSource
from click.shell_completion import get_completion_class

from slipway.reading.folders import from_root

SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_SLIPWAY_COMPLETE"
_SETTINGS = re.compile(r"Pulumi\.(?P<name>[^.]+)\.yaml")
_NAME = re.compile(r"^name:\s*['\"]?(?P<name>[a-z0-9-]+)", re.MULTILINE)
_MOST_BYTES = 4096


def script(cli: Command, shell: str) -> str:
    """The lines that a shell reads to complete `slipway`; `shell` is one of SHELLS."""
    kind = get_completion_class(shell)
    if kind is None:
        raise ValueError(f"there is no completion for {shell}")
    return kind(cli, {}, "slipway", _VARIABLE).source()


def environments(context: Context, _: Parameter, typed: str) -> list[str]:
    """Environments that begin with what was typed."""
    found = (_SETTINGS.fullmatch(path.name) for path in _files(context, "settings_dir", "stacks"))
    return _beginning(typed, (match["name"] for match in found if match))


def models(context: Context, _: Parameter, typed: str) -> list[str]:
    """Models that begin with what was typed, without those that are named already."""
    named = {*(context.params.get("models") or ()), context.params.get("model")}
    from slipway.lockfile.files import is_lock  # noqa: PLC0415 - reads YAML, which is not for `--help`

    specs = (path for path in _files(context, "models_dir", "models") if not is_lock(path))
    there = _beginning(typed, map(_name_in, specs))
    return [name for name in there if name not in named]


def _files(context: Context, option: str, default: str) -> Iterable[Path]:
    given = context.get_parameter_source(option) == ParameterSource.COMMANDLINE
    folder = context.params[option] if given else from_root(Path(default))
    try:
        return sorted(path for path in Path(folder).iterdir() if path.suffix == ".yaml")
    except OSError:
        return ()


def _name_in(path: Path) -> str:
    """The model's name in a spec, or the file's where it has none yet."""
    try:
        with path.open("rb") as stream:
            found = _NAME.search(stream.read(_MOST_BYTES).decode(errors="replace"))
    except OSError:
        found = None
    return found["name"] if found else path.stem


def _beginning(typed: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(typed)})

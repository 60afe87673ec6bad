"""Fetch the weights of models into this machine's cache ahead of other commands, and say what digest a file has."""

from collections.abc import Sequence

from pydantic_core import PydanticCustomError

from slipway import console
from slipway.commands.fetching import fetching
from slipway.errors.base import Place, UserError, UserErrors, WrongValue
from slipway.loading.fetched import fetch_weights
from slipway.loading.weights import weights_of
from slipway.reading.files import BadFile
from slipway.reading.folders import Folders
from slipway.sources.address import is_address, parse_address
from slipway.sources.store import Store

_COMMAND_LINE = Place("command line")


def fetch(wanted: Sequence[str], folders: Folders) -> None:
    """Fetch what models need, of all of them when none is named; print the digest of each address.

    Raises:
        UserErrors: what could not be had, after everything else was fetched.
        NoSpace: the disk is full.
    """
    bad: list[UserError] = []
    models = [name for name in wanted if not is_address(name)]
    with fetching(folders) as store:
        for text in wanted:
            if is_address(text):
                _look_up(text, store, bad)
        if models or not wanted:
            for model, artifact, locate in weights_of(folders.models, models, bad):
                if artifact.address is None:
                    console.result(f"ok  {model}: {artifact.source} is in the repository")
                elif fetch_weights(artifact, store, locate, bad) is not None:
                    console.result(f"ok  {model}: {artifact.source}")
    if bad:
        raise UserErrors(bad)


def _look_up(text: str, store: Store, bad: list[UserError]) -> None:
    """Print what a spec says of the file that is at an address now."""
    try:
        sha256, size = store.look_up(parse_address(text))
    except PydanticCustomError as error:
        words = error.context or {}
        shown = None if words["hidden"] else text
        bad.append(WrongValue(_COMMAND_LINE, "ADDRESS", shown, words["problem"], words["allowed"], words["todo"]))
    except BadFile as error:
        bad.append(WrongValue(_COMMAND_LINE, "ADDRESS", text, error.problem, error.allowed, error.todo))
    else:
        console.message(f"{text} has {size} bytes; in the spec:")
        console.result(f"artifact:\n  source: {text}\n  sha256: {sha256}")

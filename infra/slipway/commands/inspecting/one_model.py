"""Load one model that somebody names, whatever is wrong with the specs of others."""

from slipway import console
from slipway.commands.fetching import fetching
from slipway.errors.base import Place, UnknownName, UserErrors
from slipway.loading.settings import environments
from slipway.loading.specs import LoadedSpec, read_specs
from slipway.reading.folders import Folders, find_root


def load_named(model: str, folders: Folders) -> tuple[LoadedSpec, list[LoadedSpec]]:
    """The spec of a model, and those of others that are right; what is wrong with these is a warning.

    Raises:
        UserErrors: what is wrong with the model's own spec.
        UnknownName: no spec has its name.
    """
    with fetching(folders) as store:
        known = environments(folders.settings)
        good, bad = read_specs(folders.models, find_root(folders.models), known, store)
    wrong = [one for one in bad if model in one.names]
    if wrong:
        raise UserErrors([one.error for one in wrong])
    found = next((one for one in good if one.name == model), None)
    if found is None:
        raise UnknownName(Place(str(folders.models)), "model", model, [one.name for one in good])
    for one in bad:
        console.message(f"warning: takes no capacity here: {one}")
    return found, [one for one in good if one is not found]

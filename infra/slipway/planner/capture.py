"""Refuse specs whose samples their environment has no place for."""

from collections.abc import Iterator, Sequence

from slipway.environments.planning.kinds import planning
from slipway.errors.base import Place, UserError
from slipway.loading.specs import LoadedSpec, refuse_each
from slipway.settings.base import AnySettings


def refuse_captures(
    environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None
) -> None:
    """Refuse models with `capture` where pods may store nothing.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: `capture` without a model store that takes samples.
    """

    def look(one: LoadedSpec, where: str) -> Iterator[UserError]:
        if one.variant(environment).spec.capture is None:
            return
        store = planning(settings).model_store(environment, one.name)
        if store is not None and store.samples is not None:
            return
        lacking = "model_store" if store is None else "model_store.samples"
        place, field = one.locate(environment, ("capture",))
        problem = f"needs a place for samples, and {where} have no {lacking}"
        todo = f"add {lacking} to them, or write capture below environments of those that have it"
        yield UserError(place, field, problem, "capture in an environment with model_store.samples", todo)

    refuse_each(environment, loaded, written, look)

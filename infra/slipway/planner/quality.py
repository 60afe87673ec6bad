"""Refuse specs whose `quality` nobody in their environment could measure, or tell of."""

from collections.abc import Iterator, Sequence

from slipway.environments.planning.kinds import planning
from slipway.errors.base import Place, UserError
from slipway.loading.specs import LoadedSpec, refuse_each
from slipway.settings.base import AnySettings


def refuse_quality(
    environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None
) -> None:
    """Refuse models whose `quality` needs what their environment does not have.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: quality without `gateway`, by which answers are kept; an alert without `monitoring`.
    """
    gateway, told = planning(settings).gateway is not None, planning(settings).monitoring is not None

    def look(one: LoadedSpec, where: str) -> Iterator[UserError]:
        return _of_one(environment, one, where, gateway=gateway, told=told)

    refuse_each(environment, loaded, written, look)


def _of_one(environment: str, one: LoadedSpec, where: str, *, gateway: bool, told: bool) -> Iterator[UserError]:
    quality = one.variant(environment).spec.quality
    if quality is None:
        return
    if not gateway:
        place, field = one.locate(environment, ("quality",))
        problem = f"needs the answers that a gateway saw, and {where} have no gateway"
        todo = "add gateway to them, or write quality below environments of those that have one"
        yield UserError(place, field, problem, "quality in an environment with a gateway", todo)
    if quality.alert is not None and not told:
        place, field = one.locate(environment, ("quality", "alert"))
        problem = f"needs somebody who watches metrics, and {where} have no monitoring"
        todo = "add monitoring to them, or write the alert below environments of those that have it"
        yield UserError(place, field, problem, "quality.alert in an environment with monitoring", todo)

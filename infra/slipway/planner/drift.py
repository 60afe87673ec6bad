"""Plan what is counted of a model's calls, and refuse specs whose `drift` nobody in their environment could tell of."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from slipway_server.values.drift import ProfileSection

from slipway.environments.planning.kinds import planning
from slipway.environments.planning.monitoring import Monitoring
from slipway.errors.base import Place, UserError
from slipway.loading.specs import LoadedSpec, refuse_each
from slipway.loading.variant import Variant
from slipway.settings.base import AnySettings
from slipway.values.windows import format_window


def refuse_drift(environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None) -> None:
    """Refuse models whose `drift` needs what their environment, or their lock, does not have.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: drift without `monitoring`, with a lock that has no profile, or with a longer window than
            Prometheus remembers.
    """
    monitoring = planning(settings).monitoring
    refuse_each(environment, loaded, written, lambda one, where: _of_one(environment, monitoring, one, where))


def drift_config(variant: Variant) -> dict[str, Any]:
    """The section `drift` of the model server's configuration, by its name; nothing where the spec has none."""
    drift = variant.spec.drift
    if drift is None:
        return {}
    return {"drift": {"share": drift.share, **_profile(variant)}}


def _profile(variant: Variant) -> Mapping[str, Any]:
    """That of the lock; empty where it has none."""
    return {} if variant.locked is None else variant.locked.lock.reference.get("drift", {})


def _of_one(environment: str, monitoring: Monitoring | None, one: LoadedSpec, where: str) -> Iterator[UserError]:
    variant = one.variant(environment)
    drift = variant.spec.drift
    if drift is None:
        return
    if monitoring is None:
        place, field = one.locate(environment, ("drift",))
        problem = f"needs somebody who watches metrics, and {where} have no monitoring"
        todo = "add monitoring to them, or write drift below environments of those that have it"
        yield UserError(place, field, problem, "drift in an environment with monitoring", todo)
    elif monitoring.keeps_s is not None and drift.window > monitoring.keeps_s:
        place, field = one.locate(
            environment, ("drift", "window") if "window" in drift.model_fields_set else ("drift",)
        )
        kept = format_window(monitoring.keeps_s)
        problem = f"looks back {format_window(drift.window)}, and Prometheus keeps {kept} in {environment}"
        yield UserError(place, field, problem, f"1h to {kept}", "write a shorter window, or have Prometheus keep more")
    try:
        ProfileSection.model_validate(_profile(variant))
    except ValidationError:
        place, field = one.locate(environment, ("drift",))
        problem = "is held against a profile, and the lock has none that this Slipway reads"
        allowed = "a lock that was made while the spec had drift"
        yield UserError(place, field, problem, allowed, f"slipway lock {variant.spec.name}")

"""Refuse models that are to scale on what nobody in their environment measures, or to sleep where nobody wakes them."""

from collections.abc import Iterator, Sequence

from slipway.autoscaling.signals import estimated
from slipway.environments.planning.kinds import planning
from slipway.errors.base import Place, UserError, WrongValue
from slipway.loading.specs import LoadedSpec, refuse_each
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec
from slipway.values import names

_ADD_MONITORING = "add monitoring: {prometheus: http://prometheus-operated.monitoring:9090} to the settings"


def target_warnings(spec: ModelSpec) -> Iterator[str]:
    """What a person should know of a target that is estimated, and not measured."""
    said = estimated(spec.scale)
    if said:
        yield f"scale.target.p95_ms: {said}"


def refuse_scaling(
    environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None
) -> None:
    """Refuse models whose `scale` needs what their environment lacks.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: a target other than cpu_percent, a schedule or to_zero without `monitoring`; to_zero without a
            gateway, or for a model that is not public; the name of the environment's own alerts.
    """
    refuse_each(environment, loaded, written, lambda one, where: _of_one(environment, settings, one, where))


def _of_one(environment: str, settings: AnySettings, one: LoadedSpec, where: str) -> Iterator[UserError]:
    here = planning(settings)
    spec = one.variant(environment).spec
    scale = spec.scale
    if here.monitoring is not None and here.monitoring.operator and one.name == names.AUTOSCALING:
        place, field = one.locate(environment, ("name",))
        problem = "is the name of the alerts that every environment with monitoring has"
        yield WrongValue(place, field, one.name, problem, f"a name other than {names.AUTOSCALING}", "rename the model")
    if scale.scaler == "ScaledObject" and here.monitoring is None:
        key, needs = _needs_metrics(one, environment)
        place, field = one.locate(environment, ("scale", *key))
        problem = f"needs {needs}, and {where} have no monitoring"
        todo = f"{_ADD_MONITORING} of {environment}, or scale on cpu_percent alone there"
        yield UserError(place, field, problem, "target.cpu_percent alone in an environment without monitoring", todo)
    if scale.to_zero is None:
        return
    place, field = one.locate(environment, ("scale", "to_zero"))
    asleep = "while no replica runs, only the gateway's keys service can hold a request"
    if here.gateway is None:
        problem = f"needs a gateway, and {where} have none: {asleep}"
        todo = f"add gateway to the settings of {environment}, or remove to_zero there"
        yield UserError(place, field, problem, "to_zero in an environment with a gateway", todo)
    elif not spec.endpoint.public:
        problem = f"needs a model that the gateway leads to, and endpoint.public is not true: {asleep}"
        todo = "write endpoint: {public: true}, or remove to_zero"
        yield UserError(place, field, problem, "to_zero beside endpoint.public: true", todo)


def _needs_metrics(one: LoadedSpec, environment: str) -> tuple[tuple[str, ...], str]:
    """What of a model's `scale` needs KEDA and Prometheus: the path below `scale`, and why."""
    scale = one.variant(environment).spec.scale
    if scale.target is not None and scale.target.cpu_percent is None:
        return ("target", scale.target.signal), "metrics of the model"
    return ("schedule",), "KEDA, which raises the replicas at its times"

"""Refuse objectives that nobody in their environment could tell kept from missed."""

from collections.abc import Iterator, Sequence

from slipway.environments.planning.kinds import planning
from slipway.environments.planning.monitoring import Monitoring
from slipway.errors.base import Place, UserError
from slipway.loading.specs import LoadedSpec, refuse_each
from slipway.monitoring.objectives import SCRAPES_LEAST, base_s, duration, edges_ms, window_least_s
from slipway.settings.base import AnySettings
from slipway.spec.model import ModelSpec
from slipway.values.windows import HOUR_S, format_window


def refuse_slos(environment: str, settings: AnySettings, loaded: Sequence[LoadedSpec], written: Place | None) -> None:
    """Refuse models whose `slo` needs what their environment does not measure.

    Args:
        environment: its name.
        settings: its settings.
        loaded: the specs of all its models.
        written: where the settings are written; None where they are of no file.

    Raises:
        UserErrors: an slo without `monitoring`; a window whose shortest range holds too few scrapes; a time that the
            model server's histograms do not tell from others.
    """
    monitoring = planning(settings).monitoring
    refuse_each(environment, loaded, written, lambda one, where: _of_one(environment, monitoring, one, where))


def slo_warnings(spec: ModelSpec, monitoring: Monitoring | None) -> Iterator[str]:
    """What a person should know of a window that is longer than Prometheus remembers."""
    if spec.slo is None or monitoring is None or monitoring.keeps_s is None or spec.slo.window <= monitoring.keeps_s:
        return
    kept = format_window(monitoring.keeps_s)
    yield (
        f"slo.window: Prometheus keeps {kept} here, so that of {format_window(spec.slo.window)} the last {kept} count: "
        "have it keep more, or write a window that it keeps"
    )


def _of_one(environment: str, monitoring: Monitoring | None, one: LoadedSpec, where: str) -> Iterator[UserError]:
    slo = one.variant(environment).spec.slo
    if slo is None:
        return
    if monitoring is None:
        place, field = one.locate(environment, ("slo",))
        problem = f"needs metrics of the model, and {where} have no monitoring"
        todo = "add monitoring: {prometheus: http://prometheus-operated.monitoring:9090} to them, or write slo below "
        todo += "environments of those that have it"
        yield UserError(place, field, problem, "slo in an environment with monitoring", todo)
        return
    least_s = window_least_s(monitoring.scrape_s)
    if slo.window < least_s:
        place, field = one.locate(environment, ("slo", "window") if "window" in slo.model_fields_set else ("slo",))
        problem = (
            f"{format_window(slo.window)} has {duration(base_s(slo.window))} as its shortest range, which holds fewer "
            f"than {SCRAPES_LEAST} scrapes, one each {duration(monitoring.scrape_s)}"
        )
        hours = format_window(-(-least_s // HOUR_S) * HOUR_S)
        todo = f"write {hours} or more, or scrape more often (monitoring.interval of the settings)"
        yield UserError(place, field, problem, f"{hours} to 90d in {environment}", todo)
    if slo.p95_ms is not None and slo.p95_ms not in edges_ms():
        place, field = one.locate(environment, ("slo", "p95_ms"))
        problem = (
            f"{slo.p95_ms:g} is no edge of the buckets that calls are counted in: how many took longer is not known"
        )
        near = min(edges_ms(), key=lambda edge: abs(edge - (slo.p95_ms or 0)))
        allowed = ", ".join(f"{edge:g}" for edge in edges_ms())
        yield UserError(place, field, problem, allowed, f"write for example {near:g}")

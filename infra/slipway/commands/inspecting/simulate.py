"""The command `simulate`: a trace of requests replayed through the rules by which a model is scaled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting import simulated
from slipway.errors.base import FileRefused, Place, UserError, UserErrors, WrongValue
from slipway.plan.model import ModelPlan
from slipway.reading.findings import validated
from slipway.reading.yaml_document import FieldPath
from slipway.simulation import chart
from slipway.simulation.engine import Conditions, replay
from slipway.simulation.outcome import Outcome, outcome
from slipway.simulation.page import page
from slipway.simulation.rows import Rows
from slipway.simulation.service_time import ServiceTime
from slipway.simulation.traces.trace import Trace, read_trace
from slipway.spec.scale import SIGNALS, Scale

_MOST_ROWS = 100_000
_NICE_S = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400, 604800)
_HOLD_S = 300.0
_LEAST_QUIET = 2


@dataclass(frozen=True)
class Wanted:
    """What the command was asked for; what is None is taken from the plan, or from the trace.

    Attributes:
        trace: the file.
        targets: as `p95_ms=80`; several are compared.
        least: replicas at least.
        most: replicas at most.
        service_time: how long the model takes for a request.
        cold_start_s: how long a replica takes to start.
        objective_s: answers within this time are counted.
        interval_s: length of a row.
        seed: of all that is left to chance.
        png: where the picture goes.
        html: where the page goes.
    """

    trace: Path
    targets: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    service_time: ServiceTime | None = None
    cold_start_s: float | None = None
    objective_s: float | None = None
    interval_s: float | None = None
    seed: int = 1
    png: Path | None = None
    html: Path | None = None


def simulate(context: EnvironmentContext, name: str, wanted: Wanted, *, as_json: bool) -> None:
    """Replay a trace through the rules of a model, and print what comes of it; for several targets, side by side."""
    for option, file in (("--png", wanted.png), ("--html", wanted.html)):
        if file is not None:
            chart.require(option)
    model = context.models([name])[0]
    scales = _scales(model.spec.scale, wanted)
    trace = read_trace(wanted.trace, f"httproute/{model.namespace}/{model.name}/", wanted.seed)
    conditions = _conditions(model, trace, wanted, scales[0])
    interval_s = wanted.interval_s or _interval(trace)
    if trace.duration_s / interval_s > _MOST_ROWS:
        problem = f"{trace.duration_s / interval_s:,.0f} intervals are too many"
        allowed = f"at most {_MOST_ROWS:,}"
        raise UserError(Place("--interval"), None, problem, allowed, "name a longer one, or leave it out")
    objective_s = wanted.objective_s or _objective(scales)
    outcomes = []
    for scale in scales:
        rows = Rows(interval_s, objective_s)
        replay(trace.pieces(), replace(conditions, scale=scale), rows)
        outcomes.append(outcome(scale, rows, trace.began_at, objective_s is not None, _hourly(model)))
    said = _said(model, trace, conditions, wanted)
    _write(outcomes, objective_s, said, wanted)
    if as_json:
        console.document(simulated.document(model, trace, conditions, objective_s, outcomes, wanted.trace))
        return
    for line in said:
        console.result(line)
    if len(outcomes) == 1:
        columns, cells = simulated.intervals(outcomes[0])
        console.result("")
        console.table(columns, simulated.screen(cells))
    console.result("")
    console.table(*simulated.summary(outcomes, objective_s))


def _scales(scale: Scale, wanted: Wanted) -> list[Scale]:
    """Return the rules of the spec with what options change, one for each target; raises UserErrors."""
    document = scale.model_dump(mode="json")
    bounds = {"min": wanted.least, "max": wanted.most}
    document |= {key: value for key, value in bounds.items() if value is not None}
    found: list[UserError] = []
    targets: list[object] = [_target(text) for text in wanted.targets] or [document.get("target")]
    scales = [validated(Scale, document | {"target": target}, _option, found) for target in targets]
    if found:
        raise UserErrors(found)
    return [scale for scale in scales if scale is not None]


def _target(text: str) -> dict[str, float | str]:
    signal, equals, value = text.partition("=")
    if not equals or signal.strip() not in SIGNALS:
        allowed = f"SIGNAL=VALUE with one of {', '.join(SIGNALS)}"
        raise WrongValue(Place("--target"), "", text, "is no target", allowed, "write for example p95_ms=100")
    try:
        number = float(value)
    except ValueError:
        return {signal.strip(): value}
    return {signal.strip(): int(number) if number.is_integer() else number}


def _option(path: FieldPath) -> tuple[Place, str]:
    """Where a part of the rules was given: by an option of its name, or in the spec."""
    options = {"target": "--target", "min": "--min", "max": "--max"}
    rest = ".".join(map(str, path[1:]))
    if path and path[0] in options:
        return Place(options[str(path[0])]), rest
    return Place("scale"), ".".join(map(str, path))


def _conditions(model: ModelPlan, trace: Trace, wanted: Wanted, scale: Scale) -> Conditions:
    service_time = wanted.service_time
    if service_time is None:
        if trace.quiet_s.size < _LEAST_QUIET:
            problem = "says nothing about how long requests take"
            allowed = "a trace with durations (duration_ms), or --service-time"
            raise FileRefused(str(wanted.trace), problem, allowed, "add for example --service-time 20ms")
        service_time = ServiceTime.of(trace.quiet_s)
    cold_start_s = wanted.cold_start_s
    traffic = model.traffic
    return Conditions(
        scale=scale,
        service_time=service_time,
        cold_start_s=model.estimates.cold_start.total_s if cold_start_s is None else cold_start_s,
        timeout_s=model.spec.endpoint.timeout,
        drain_s=model.spec.rollout.drain,
        hold_s=traffic.wait_s if traffic and traffic.wait_s else _HOLD_S,
        cores=model.spec.resources.cpu / 1000,
        began_at=trace.began_at,
        seed=wanted.seed,
    )


def _interval(trace: Trace) -> float:
    """Return the shortest length of rows that all fit on a screen."""
    return float(
        next((nice for nice in _NICE_S if trace.duration_s / nice < simulated.ROWS), trace.duration_s / simulated.ROWS)
    )


def _objective(scales: Sequence[Scale]) -> float | None:
    targets = (scale.target for scale in scales)
    return next((one.value / 1000 for one in targets if one and one.signal in ("p95_ms", "mean_ms")), None)


def _hourly(model: ModelPlan) -> float | None:
    cost = model.estimates.cost
    return None if cost is None else float(cost.at_min) / model.spec.scale.min


def _said(model: ModelPlan, trace: Trace, conditions: Conditions, wanted: Wanted) -> list[str]:
    """Return what a reader must know of the trace and of what was assumed, one line for each."""
    number = trace.moments.size
    lasts = simulated.span(trace.duration_s)
    lines = [f"{model.name} in {model.environment}: {number:,} requests of {wanted.trace.name} in {lasts}"]
    if trace.passed_over:
        lines.append(f"passed over: {trace.passed_over:,} lines of other routes, or answered with 4xx")
    if trace.spread:
        lines.append("the trace's times are whole seconds: its requests are spread over each of them")
    service = conditions.service_time
    source = "as given" if wanted.service_time else f"as {trace.quiet_s.size:,} requests took when the fewest came"
    varies = f"{service.variation:.2f} of it standard deviation"
    lines.append(f"a request takes a replica {service.mean_s * 1000:.1f} ms, {varies}, {source}")
    source = "the plan's estimate" if wanted.cold_start_s is None else "as given"
    lines.append(f"a replica starts in {console.duration(conditions.cold_start_s)}, {source}")
    return lines


def _write(outcomes: Sequence[Outcome], objective_s: float | None, said: Sequence[str], wanted: Wanted) -> None:
    """Write the picture and the page, where they were asked for."""
    title = said[0]
    if wanted.png is not None:
        _save(wanted.png, chart.draw(outcomes, objective_s, title, "png"))
    if wanted.html is not None:
        picture = chart.draw(outcomes, objective_s, title, "svg")
        tables = [("Summary", *simulated.summary(outcomes, objective_s))]
        tables += [(f"Target {result.target}", *simulated.intervals(result)) for result in outcomes]
        _save(wanted.html, page(title, said[1:], picture, tables).encode())


def _save(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(path), problem, "a file in a folder that is there", "name another") from None
    console.message(f"wrote {path}")

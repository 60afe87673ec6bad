"""Say how the device does; of what it measures, only what `telemetry` names leaves it."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from slipway_edge.reporting.machine import Machine
from slipway_edge.rolling.serving import Serving, Status, p95_ms

_REASON_LIMIT = 300


def agent_version() -> str:
    """That of this package."""
    try:
        return version("slipway-edge")
    except PackageNotFoundError:
        return "unknown"


def report_of(
    serial: int,
    statuses: Mapping[str, Status],
    serving: Mapping[str, Serving],
    telemetry: Sequence[str],
    machine: Machine | None,
    feeds: Mapping[str, Mapping[str, object]],
) -> dict[str, object]:
    """Return a report.

    Versions, states and reasons are always in it: without them nobody could roll out. A reason quotes the golden
    request's answer at most, never a caller's. `requests` and `errors` count golden requests, not those of callers.
    `feeds` counts inputs and answers, and has none of them. `machine`: None where models run on others.
    """
    report: dict[str, object] = {
        "serial": serial,
        "agent": agent_version(),
        "models": [
            _model(status, serving.get(model), telemetry, feeds.get(model))
            for model, status in sorted(statuses.items())
        ],
    }
    return report if machine is None else report | _measured(machine, telemetry)


def _measured(machine: Machine, telemetry: Sequence[str]) -> dict[str, object]:
    said: dict[str, object] = {}
    if "memory" in telemetry:
        said["memory_free"] = machine.memory_free()
    if "disk" in telemetry:
        said["disk_free"] = machine.disk_free()
    temperature = machine.temperature_c() if "temperature" in telemetry else None
    if temperature is not None:
        said["temperature_c"] = temperature
    return said


def _model(
    status: Status, serving: Serving | None, telemetry: Sequence[str], feed: Mapping[str, object] | None
) -> dict[str, object]:
    entry = status.entry
    if entry.telemetry is not None:
        telemetry = entry.telemetry
    said: dict[str, object] = {
        "model": entry.model,
        "version": entry.version,
        "release": entry.release,
        "state": status.state,
        "reason": status.reason[:_REASON_LIMIT],
    }
    if "feeds" in telemetry and feed is not None:
        said["feeds"] = dict(feed)
    if serving is None:
        return said
    answers = list(serving.answers)
    p95 = p95_ms(answers)
    if "latency" in telemetry and p95 is not None:
        said["latency_p95_ms"] = round(p95, 3)
    if "errors" in telemetry:
        said |= {"requests": len(answers), "errors": sum(not answer.right for answer in answers)}
    return said

"""Show the log of a device's agent: it is asked for, and comes with the device's next report."""

import time
from datetime import UTC, datetime

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.edge.kept_logs import Log
from slipway.errors.base import Place, SlipwayError, UnknownName, WrongValue
from slipway.settings.edge import EdgeSettings

_LIMIT_S = 30.0
"""How long is waited beside three of the device's intervals."""


_LOOK_S = 0.2


class LogNotSent(SlipwayError):
    """A device did not send its log in time; it does when it reports again."""

    def __init__(self, environment: str, device: str, limit_s: float) -> None:
        super().__init__(
            f"waited {limit_s:.0f} s for {device} to send its log with a report; next: slipway devices list "
            f"{environment} says when it was heard of last; an agent of an older version sends none"
        )


def show_device_log(
    context: EnvironmentContext, settings: EdgeSettings, device: str, since_s: float | None, *, as_json: bool
) -> None:
    """Print the last events of a device's agent, oldest first; never what its models are asked or answer.

    Raises:
        WrongValue: `telemetry` of the settings does not name `logs`, or the device is not enrolled.
        LogNotSent: it did not come in time.
    """
    if "logs" not in settings.telemetry:
        place, field = context.file.locate(("telemetry",))
        todo = "add logs to it, then slipway up, which tells the devices"
        allowed = "a list with logs, since nothing leaves a device that it does not name"
        raise WrongValue(place, field, ", ".join(settings.telemetry), "does not name logs", allowed, todo)
    with fleet_store(context, settings) as store:
        kept = {one.name: one for one in store.devices()}
        at = Place(f"fleet {context.name}")
        if device not in kept:
            raise UnknownName(at, "device", device, sorted(kept), "name one of those")
        if kept[device].state != "enrolled":
            todo = f"slipway devices list {context.name} shows which are"
            raise WrongValue(at, "device", device, f"is {kept[device].state}", "a device that is enrolled", todo)
        with store.changing():
            store.logs.ask(device, store.clock())
        limit_s = _LIMIT_S + 3 * settings.interval
        console.message(f"{device} is asked for its log, and sends it with its next report")
        until = time.monotonic() + limit_s
        while (found := store.logs.read(device)) is None:
            if time.monotonic() > until:
                raise LogNotSent(context.name, device, limit_s)
            time.sleep(_LOOK_S)
            store.refresh()
    _print(context.name, device, found, since_s, as_json=as_json)


def _print(environment: str, device: str, log: Log, since_s: float | None, *, as_json: bool) -> None:
    said = [
        {
            "time": datetime.fromtimestamp(log.came - one["age_s"], UTC).isoformat(timespec="seconds"),
            "event": one["event"],
            "values": one["values"],
        }
        for one in log.lines
        if since_s is None or one["age_s"] <= since_s
    ]
    if as_json:
        console.document({"environment": environment, "device": device, "lines": said})
        return
    for one in said:
        console.result(f"{one['time']} {one['event']} {one['values']}".rstrip())
    if not said:
        console.message(f"the agent of {device} noted nothing in that time")

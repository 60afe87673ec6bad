"""Verify a fleet: whether each release was given out and each device that answers reports it as good."""

from collections.abc import Sequence

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.commands.inspecting.fleet import device_rows, rollouts_of
from slipway.errors.base import DeployError
from slipway.settings.edge import EdgeSettings

_BAD = ("failed", "returned")


class FleetNotGood(DeployError):
    """A rollout was stopped, or devices report what they run as bad."""

    def __init__(self, environment: str, found: Sequence[str]) -> None:
        super().__init__(
            f"{environment}: {'; '.join(found)}; next: slipway status {environment} shows what each device said"
        )


def show_fleet_verdicts(
    context: EnvironmentContext, settings: EdgeSettings, names: Sequence[str], *, as_json: bool
) -> None:
    """Print, of each model, how many devices are in which state, as they judged their golden requests themselves.

    Nothing is asked of devices: they cannot be reached. Those that are silent or not enrolled fail nothing.

    Raises:
        FleetNotGood: a rollout was stopped, or a device failed or returned; after all is printed.
    """
    with fleet_store(context, settings) as store:
        going = rollouts_of(context, settings, store, names)
        rows = device_rows(settings, store, going)
    documents = []
    found: list[str] = []
    for one in going:
        states = [str(row["state"]) for row in rows if row["model"] == one.model]
        counts = {state: states.count(state) for state in sorted(set(states))}
        said = ", ".join(f"{count} {state}" for state, count in counts.items())
        documents.append({"model": one.model, "release": one.release, "phase": one.rollout.phase, "devices": counts})
        if not as_json:
            console.result(f"{one.model}, release {one.release}: {one.rollout.phase}; {said}")
        if one.rollout.phase == "stopped":
            found.append(f"{one.model} was stopped: {one.rollout.reason}")
        bad = [str(row["device"]) for row in rows if row["model"] == one.model and row["state"] in _BAD]
        if bad:
            found.append(f"{one.model} is not good on {', '.join(bad)}")
    if as_json:
        console.document({"environment": context.name, "models": documents})
    if found:
        raise FleetNotGood(context.name, found)

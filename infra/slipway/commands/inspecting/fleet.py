"""Look at a fleet of devices: what fits where and costs what, how each device fares, and who they are."""

from collections.abc import Iterator, Sequence
from typing import Any

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.commands.inspecting.validating import say_policy
from slipway.edge.fit import Cost, cost, counted, placed
from slipway.edge.kept_rollouts import Going
from slipway.edge.keys import key_id
from slipway.edge.store import Kept, Store
from slipway.environments.planning.edge import pool_of
from slipway.errors.base import Place, UnknownName
from slipway.plan.model import ModelPlan
from slipway.settings.edge import EdgeSettings
from slipway.values.quantities import format_bytes

_WORST = (
    *("revoked", "failed", "returned", "silent", "not enrolled"),
    *("pulling", "checking", "waiting", "retired", "good"),
)
"""What becomes of a device, what somebody should look at first."""
_SILENT = 5
"""A device that was not heard of for so many of its intervals is silent."""


def show_fleet_plan(
    context: EnvironmentContext, settings: EdgeSettings, names: Sequence[str], *, as_json: bool
) -> None:
    """Print which devices each model goes to, whether it fits there, and what the fleet costs; nobody is asked."""
    models = context.models(names)
    say_policy(context)
    where = placed(settings, [model.name for model in models])
    devices = {model.name: [name for name, of in where.items() if model.name in of] for model in models}
    money = cost(settings)
    if as_json:
        console.document(_plan_json(context, settings, models, devices, money))
        return
    rows = [
        [
            model.name,
            model.version,
            str(len(devices[model.name])),
            ", ".join(_classes(settings, devices[model.name])),
            format_bytes(model.spec.resources.memory),
            ", ".join(model.images),
            " > ".join(map(str, settings.sizes(len(devices[model.name])))),
        ]
        for model in models
    ]
    console.table(("MODEL", "VERSION", "DEVICES", "HARDWARE", "MEMORY", "ARCHITECTURE", "RINGS"), rows)
    for model in models:
        if model.delivery.worth_saying:
            console.result(f"{model.name}: {model.delivery.line()}")
    of = settings.classes
    rows = [
        [
            f"{name}, Kubernetes" if of[name].has_cluster else name,
            str(count),
            of[name].architecture,
            format_bytes(pool_of(name, of[name]).memory),
            f"{of[name].gflops:.0f}",
            _or_unknown(of[name].watts, "{:g}"),
            _or_unknown(of[name].usd, "{:g}"),
        ]
        for name, count in counted(settings).items()
    ]
    console.table(("HARDWARE", "DEVICES", "ARCHITECTURE", "FOR MODELS", "GFLOPS", "WATTS", "$ EACH"), rows)
    for line in _money(money):
        console.result(line)


def _classes(settings: EdgeSettings, devices: Sequence[str]) -> list[str]:
    wanted = set(devices)
    return sorted({one.hardware for one in settings.devices if one.name in wanted})


def _or_unknown(value: float | None, form: str) -> str:
    return "unknown" if value is None else form.format(value)


def _money(money: Cost) -> Iterator[str]:
    beside = f", without {', '.join(money.unpriced)}, whose price nobody said" if money.unpriced else ""
    yield f"devices: ${money.usd:,.2f} once, by the catalogue and the settings{beside}"
    beside = f", without {', '.join(money.unmetered)}, whose power nobody said" if money.unmetered else ""
    power = "" if money.kwh_usd is None else f", ${money.kwh_usd:,.2f}"
    yield f"power: at most {money.kwh:,.0f} kWh a year under load all the time{power}{beside}"


def _plan_json(
    context: EnvironmentContext,
    settings: EdgeSettings,
    models: Sequence[ModelPlan],
    devices: dict[str, list[str]],
    money: Cost,
) -> dict[str, Any]:
    return {
        "environment": context.name,
        "models": [
            {"name": one.name, "version": one.version, "devices": devices[one.name]}
            | {"images": {name: image.reference for name, image in one.images.items()}}
            for one in models
        ],
        "hardware": {
            name: {"devices": count} | settings.classes[name].model_dump(mode="json")
            for name, count in counted(settings).items()
        },
        "cost": {
            "usd": money.usd,
            "kwhPerYear": money.kwh,
            "kwhUsdPerYear": money.kwh_usd,
            "unpriced": list(money.unpriced),
            "unmetered": list(money.unmetered),
        },
    }


def show_fleet_status(
    context: EnvironmentContext, settings: EdgeSettings, names: Sequence[str], *, as_json: bool
) -> None:
    """Print how each rollout and each device fares, worst first."""
    with fleet_store(context, settings) as store:
        going = rollouts_of(context, settings, store, names)
        rows = device_rows(settings, store, going)
    if as_json:
        rollouts = [
            {"model": one.model, "release": one.release, "phase": one.rollout.phase, "reason": one.rollout.reason}
            for one in going
        ]
        console.document({"environment": context.name, "rollouts": rollouts, "devices": rows})
        return
    for one in going:
        console.result(f"{one.model}, release {one.release}: {one.rollout.phase}; {one.rollout.reason}")
    columns = ("device", "site", "hardware", "model", "release", "state", "seen", "reason")
    console.table([one.upper() for one in columns], [[str(row[one]) for one in columns] for row in rows])


def rollouts_of(context: EnvironmentContext, settings: EdgeSettings, store: Store, names: Sequence[str]) -> list[Going]:
    """The rollouts of the models named, of all when none is; `UnknownName` for one that is not there."""
    going = store.going()
    known = sorted({one.model for one in going} | set(settings.model_names or ()))
    for name in names:
        if name not in known:
            raise UnknownName(Place(f"environment {context.name}"), "model", name, known, "name one of those")
    return [one for one in going if not names or one.model in names]


def device_rows(settings: EdgeSettings, store: Store, going: Sequence[Going]) -> list[dict[str, Any]]:
    """One row for each device and model that is put on it, what somebody should look at first."""
    kept = {one.name: one for one in store.devices()}
    said = {(device, model): (release, state, why) for device, model, release, state, why in store.said()}
    where = placed(settings, [one.model for one in going])
    now = store.clock()
    rows: list[dict[str, Any]] = []
    for device in settings.devices:
        about = {"device": device.name, "site": device.site, "hardware": device.hardware}
        here = kept.get(device.name)
        for model in where[device.name] or ("",):
            release, state, why = said.get((device.name, model), ("", "waiting" if model else "good", ""))
            silent = _silent(settings, here, now)
            if silent and state not in ("failed", "returned"):
                state, why = silent, why or _last(here, now)
            seen = _ago(here.seen, now) if here is not None and here.seen is not None else "never"
            rows.append(about | {"model": model, "release": release, "state": state, "seen": seen, "reason": why})
    return sorted(rows, key=lambda row: (_WORST.index(row["state"]), row["device"], row["model"]))


def _silent(settings: EdgeSettings, device: Kept | None, now: float) -> str | None:
    """Why nothing can be said of a device now; None where it answers."""
    if device is None or device.state == "invited":
        return "not enrolled"
    if device.state in ("revoked", "retired"):
        return device.state
    late = device.seen is None or now - device.seen > _SILENT * settings.interval
    return "silent" if late else None


def _last(device: Kept | None, now: float) -> str:
    if device is None:
        return "never added: slipway devices add"
    return "its token was not used yet" if device.seen is None else f"last heard of {_ago(device.seen, now)}"


def _ago(seen: float, now: float) -> str:
    return f"{console.duration(max(0.0, now - seen))} ago"


def list_devices(context: EnvironmentContext, settings: EdgeSettings, *, as_json: bool) -> None:
    """Print the devices of the settings, and those that were added and are in them no more."""
    with fleet_store(context, settings) as store:
        kept = {one.name: one for one in store.devices()}
    now = store.clock()
    rows: list[dict[str, str]] = []
    written = {one.name: one for one in settings.devices}
    for name in [*written, *sorted(set(kept) - set(written))]:
        here, device = kept.get(name), written.get(name)
        rows.append(
            {
                "device": name,
                "site": device.site if device else "not in the settings",
                "hardware": device.hardware if device else "",
                "state": here.state if here else "not added",
                "seen": _ago(here.seen, now) if here and here.seen is not None else "never",
                "key": key_id(here.public) if here and here.public else "",
                "agent": str((here.report or {}).get("agent", "")) if here else "",
            }
        )
    if as_json:
        console.document({"environment": context.name, "devices": rows})
        return
    columns = ("device", "site", "hardware", "state", "seen", "key", "agent")
    console.table([one.upper() for one in columns], [[row[one] for one in columns] for row in rows])

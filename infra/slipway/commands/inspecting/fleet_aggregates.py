"""Show what devices let out of their private counts, added."""

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.commands.fleet_store import fleet_store
from slipway.edge.aggregates import sums
from slipway.settings.edge import EdgeSettings
from slipway.values.windows import format_window


def show_aggregates(context: EnvironmentContext, settings: EdgeSettings, *, as_json: bool) -> None:
    """Print each value's sum over the devices of the settings, with the standard error that noise makes."""
    names = {one.name for one in settings.devices}
    with fleet_store(context, settings) as store:
        found = sums([one for one in store.devices() if one.name in names], store.clock())
    if as_json:
        rows = [
            {"model": one.model, "value": one.value, "count": one.count, "standardError": round(one.error, 1),
             "devices": one.devices, "perS": one.per_s}
            for one in found
        ]  # fmt: skip
        console.document({"environment": context.name, "aggregates": rows})
        return
    if not found:
        console.message("no device has told a count yet: the first window has to end")
        return
    console.table(
        ["MODEL", "VALUE", "COUNT", "+-", "DEVICES", "PER"],
        [
            [one.model, one.value, str(one.count), f"{one.error:.1f}", str(one.devices), format_window(one.per_s)]
            for one in found
        ],
    )

"""Run `price`: what an environment costs, by model and in total, and what it pays for by the gigabyte."""

from decimal import Decimal

from slipway import console
from slipway.capacity.estimates import Cost, monthly
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.offline import replicas
from slipway.planner.price import price, today
from slipway.planner.volumes import Measured, Volume, known_usd

_PRICES = ("$/H MIN", "$/H MAX", "$/MONTH MIN", "$/MONTH MAX", "SPOT MIN", "SPOT MAX")
"""Spot: dollars a month, an estimate."""


def show_price(context: EnvironmentContext, *, as_json: bool, measured: bool = False) -> None:
    """Print what an environment costs: each model's part of its nodes, all nodes, what is there anyway, and volumes.

    `measured`: ask the environment for its traffic and logs.
    """
    context.refuse_fleet()
    found = _measured(context) if measured else None
    priced = price(context.plan, today(), found)
    models = context.plan.models
    if as_json:
        costs = [
            {"name": model.name, "pool": model.pool.name, "usd": model.estimates.to_json()["usd"]} for model in models
        ]
        whole = priced.to_json() if priced else None
        unmeasured = {} if found is None else {"unmeasured": list(found.unmeasured)}
        console.document({"environment": context.name, "models": costs, "usd": whole, **unmeasured})
        return
    for why in found.unmeasured if found else ():
        console.message(f"warning: not measured: {why}")
    columns = ("MODEL", "POOL", "REPLICAS", *_PRICES)
    console.table(
        columns,
        [[model.name, model.pool.name, replicas(model), *_prices(model.estimates.cost)] for model in models],
    )
    if priced is None:
        console.message(f"{context.name} is a cluster that Slipway did not create: its hourly price is not known")
        return
    console.result("")
    items = [
        [item.name, str(item.least) if item.least == item.most else f"{item.least}-{item.most}", *_prices(item.cost)]
        for item in (*priced.nodes, *priced.fixed)
    ]
    console.table(("CHARGED FOR", "COUNT", *_PRICES), [*items, ["total", "", *_prices(priced.total)]])
    console.result("")
    _show_volumes(priced.volumes)
    shares = priced.shares()
    console.result(
        f"budget: ${priced.budget_usd:,} a month; {shares['min']:.1%} of it with the fewest replicas of all, "
        f"{shares['max']:.1%} with all at scale.max, on demand"
    )
    console.result(f"left out: {'; '.join(priced.left_out)}")


def _measured(context: EnvironmentContext) -> Measured:
    from slipway.commands.inspecting.volumes import measure  # noqa: PLC0415 - the cluster's SDK takes half a second

    return measure(context)


def _show_volumes(volumes: tuple[Volume, ...]) -> None:
    """What is charged by the gigabyte; a `?` is unknown, never nothing."""
    rows = [[volume.name, _known(volume.gib), volume.basis or "?", _known(volume.usd)] for volume in volumes]
    console.table(("BY THE GIGABYTE", "GIB/MONTH", "BASIS", "$/MONTH"), rows)
    for volume in volumes:
        if volume.note:
            console.result(f"  {volume.name}: {volume.note}")
    console.result(f"traffic and logs: ${known_usd(volumes):,.2f} a month of what is known, beside the total")
    console.result("")


def _known(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:,.2f}"


def _prices(cost: Cost | None) -> list[str]:
    if cost is None:
        return ["-"] * len(_PRICES)
    return [
        f"{cost.at_min:,.4f}",
        f"{cost.at_max:,.4f}",
        *(f"{monthly(rate):,.2f}" for rate in (cost.at_min, cost.at_max)),
        *("-" if rate is None else f"{monthly(rate):,.2f}" for rate in (cost.spot_at_min, cost.spot_at_max)),
    ]

"""Say what the page shows of an overview: every text that is in it, so that the template only places them."""

from collections.abc import Iterator, Sequence

from slipway.dashboard.fleet import fleet_section
from slipway.dashboard.section import OUTCOMES, Cell, Rollout, Section, Table, Tone, changes_table, moment, notes_of
from slipway.values.aliases import Json

UNKNOWN = "unknown"
_AWAY = "not deployed"
_MODELS = ("Model", "State", "Version", "Replicas", "Last verdict", "Objectives", "$ a month", "Address")


def sections(overview: Sequence[Json]) -> list[Section]:
    """What is shown of each environment; the documents are those of `slipway.commands.inspecting.overview`."""
    return [_section(one) for one in overview]


def _section(one: Json) -> Section:
    if one["problem"] is not None:
        return Section(one["environment"], moment(one["taken"]), one["problem"], None, (), (), (), ())
    if one.get("fleet") is not None:
        return fleet_section(one)
    rows = one["models"]
    models = Table("Models", _MODELS, tuple(_model(row) for row in rows))
    alerts = [*(one["alerts"] or ()), *(alert for row in rows for alert in row["alerts"] or ())]
    return Section(
        name=one["environment"],
        taken=moment(one["taken"]),
        problem=None,
        unreached=one["unreached"],
        facts=tuple(_facts(one, alerts)),
        rollouts=tuple(_rollouts(rows)),
        tables=(models, *_alerts(one, rows), *changes_table(one["changes"])),
        notes=tuple(notes_of(one)),
    )


def _facts(one: Json, alerts: Sequence[Json]) -> Iterator[tuple[str, Cell]]:
    """What a person should know of an environment first."""
    rows = one["models"]
    if one["unreached"] is not None:
        yield "Models", Cell(f"{len(rows)} planned, {UNKNOWN} what is live", "waits")
    else:
        serving, away = sum(map(_serves, rows)), sum(row["state"] == _AWAY for row in rows)
        tone: Tone = "bad" if serving + away < len(rows) else "waits" if away else "good"
        yield "Models", Cell(f"{serving} of {len(rows)} serve" + (f", {away} not deployed" if away else ""), tone)
    known = one["alerts"] is not None
    firing = Cell(f"{len(alerts)} firing", "bad" if alerts else "good") if known else Cell(UNKNOWN, "waits")
    yield "Alerts", firing
    usd = one["usd"]
    if usd is not None:
        used = usd["budget"]["share"]["max"]
        month = _usd(usd["total"])
        yield "$ a month", Cell(f"{month} of a budget of {usd['budget']['month']:,}", "bad" if used > 1 else "plain")
    else:
        yield "$ a month", Cell("nothing is charged by the hour")


def _serves(row: Json) -> bool:
    return str(row["state"]).startswith(("serves", "sleeps"))


def _model(row: Json) -> tuple[Cell, ...]:
    return (
        Cell(row["model"]),
        Cell(row["state"], _tone(row)),
        Cell(_or_unknown(row, row["version"], "none")),
        Cell(_replicas(row)),
        _verdict(row),
        Cell(_objectives(row)),
        Cell("-" if row["usd"] is None else _usd(row["usd"])),
        Cell(row["url"] or "-", href=row["url"] if str(row["url"]).startswith(("https://", "http://")) else None),
    )


def _tone(row: Json) -> Tone:
    if row["state"] == UNKNOWN or row["state"] == _AWAY:
        return "waits"
    return "good" if _serves(row) else "bad"


def _or_unknown(row: Json, value: object, nothing: str) -> str:
    """A value as text; of a model about which nobody knows anything, that it is unknown."""
    if value is None:
        return UNKNOWN if row["state"] == UNKNOWN else nothing
    return str(value)


def _replicas(row: Json) -> str:
    if row["ready"] is None:
        return UNKNOWN
    if row["state"] == _AWAY:
        return "none"
    scaling = row["scaling"]
    scaled = scaling is not None and scaling["max"] != scaling["min"]
    bounds = f", {scaling['min']} to {scaling['max']}" if scaled else ""
    return f"asleep{bounds}" if row["asleep"] else f"{row['ready']} of {row['wanted']} ready{bounds}"


def _verdict(row: Json) -> Cell:
    last = row["lastVerdict"]
    if last is None:
        return Cell("none noted")
    return Cell(f"{last['action']} {last['outcome']}, {moment(last['time'])}", OUTCOMES.get(last["outcome"], "plain"))


def _objectives(row: Json) -> str:
    if row["slo"] is None:
        return "-"
    left = row.get("budgetLeft") or {}
    shown = []
    for name, text in row["slo"]["promised"].items():
        of = left.get(name)
        shown.append(f"{name} {text}: {UNKNOWN if of is None else f'{of:.1%}'} of its budget left")
    return f"{'; '.join(shown)} ({row['slo']['window']})"


def _rollouts(rows: Sequence[Json]) -> Iterator[Rollout]:
    for row in rows:
        if row["rollout"] is not None:
            yield Rollout(row["model"], row["rolloutLine"] or UNKNOWN, row["rollout"]["percent"])


def _alerts(one: Json, rows: Sequence[Json]) -> Iterator[Table]:
    about = [("the environment", alert) for alert in one["alerts"] or ()]
    about += [(row["model"], alert) for row in rows for alert in row["alerts"] or ()]
    if about:
        cells = tuple(
            (
                Cell(alert["name"], "bad"),
                Cell(name),
                Cell(alert["severity"]),
                Cell(alert["since"]),
                Cell(alert["summary"]),
            )
            for name, alert in about
        )
        yield Table("Alerts", ("Alert", "About", "Severity", "Since", "Summary"), cells)


def _usd(cost: Json) -> str:
    least, most = (f"{cost['month'][name]:,.2f}" for name in ("min", "max"))
    return least if least == most else f"{least} to {most}"

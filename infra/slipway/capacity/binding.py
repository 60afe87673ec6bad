"""Choose the node pool of a model by what it asks for, say why, and say what each pool lacks when none fits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from pydantic import BaseModel

from slipway.capacity.packing import demand, part
from slipway.environments.planning.pool import Accelerators, Pool
from slipway.errors.base import UserError, WrongValue
from slipway.loading.specs import LoadedSpec
from slipway.settings.kubernetes import Taint
from slipway.spec.model import ModelSpec
from slipway.spec.resources import Gpu
from slipway.values.quantities import format_bytes, format_cpu


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why a pool cannot hold a replica: the field of the spec that asks for it, and what the pool has instead."""

    field: tuple[str, ...]
    has: str


_NO_GPU = Shortfall(("resources", "gpu"), "no GPU")


@dataclass(frozen=True, slots=True)
class Bound:
    """The pool of a model, and why that one, for people: first what is good about it, then why no other."""

    pool: Pool
    reason: tuple[str, ...]


def bind(pools: Sequence[Pool], spec: ModelSpec) -> Bound | None:
    """The pool that a replica costs least on, of those that can hold one; None if there is none.

    Which it is depends on the model and the pools, never on other models: adding one never moves another.
    """
    fitting = sorted((pool for pool in pools if not lacks(pool, spec)), key=lambda pool: _order(pool, spec))
    return Bound(fitting[0], _why(fitting, pools, spec)) if fitting else None


def lacks(pool: Pool, spec: ModelSpec) -> list[Shortfall]:
    """Why not even an empty node of `pool` could hold one replica; empty if it could."""
    resources = spec.resources
    found = []
    if resources.cpu > pool.cpu:
        found.append(Shortfall(("resources", "cpu"), f"a node has {format_cpu(pool.cpu)} CPU"))
    if resources.memory > pool.memory:
        found.append(Shortfall(("resources", "memory"), f"a node has {format_bytes(pool.memory)} memory"))
    if resources.architecture != pool.architecture:
        found.append(Shortfall(("resources", "architecture"), f"nodes of {pool.architecture}"))
    if missing := [feature for feature in resources.cpu_features if feature not in pool.cpu_features]:
        found.append(Shortfall(("resources", "cpu_features"), f"no {', '.join(missing)}"))
    if resources.gpu is not None:
        found += _lacks_gpu(pool.gpu, resources.gpu)
    found += _lacks_place(pool, spec)
    kept_off = [taint.key for taint in pool.taints if _keeps_off(taint, pool, spec)]
    # Whom a pool is kept for is worth saying of one that fits only.
    if kept_off and not found:
        return [Shortfall(("tolerates",), f"only for models that tolerate {', '.join(kept_off)}")]
    return found


def _keeps_off(taint: Taint, pool: Pool, spec: ModelSpec) -> bool:
    """Whether a taint that somebody gave the pool keeps the model's pods away; `PreferNoSchedule` only asks them."""
    return taint.key in pool.reserved_by and taint.key not in spec.tolerates and taint.effect != "PreferNoSchedule"


def _lacks_gpu(has: Accelerators | None, wanted: Gpu) -> list[Shortfall]:
    at = ("resources", "gpu")
    if has is None:
        return [_NO_GPU]
    found = []
    if wanted.family and has.model.upper() not in wanted.family:
        found.append(Shortfall((*at, "family"), has.model))
    if wanted.share > has.fraction:
        found.append(Shortfall((*at, "share"), f"{has.fraction} of the {has.model} for each"))
    if wanted.count > has.count and wanted.share <= has.fraction:
        found.append(Shortfall(at, f"{has.count} GPU in a node"))
    if wanted.memory > has.memory:
        found.append(Shortfall(at, f"{has.model} with {format_bytes(has.memory)} each"))
    return found


def _lacks_place(pool: Pool, spec: ModelSpec) -> list[Shortfall]:
    data = spec.data
    if data is None:
        return []
    if pool.region != data.region:
        return [Shortfall(("data", "region"), f"in {pool.region}" if pool.region else "in no region that is known")]
    # A pool in several zones gives its nodes to any of them, so that a pod which has to be in one may wait for ever.
    if data.zone is not None and pool.zones != (data.zone,):
        return [Shortfall(("data", "zone"), f"nodes in {', '.join(pool.zones)}")]
    return []


def hourly(pool: Pool) -> Decimal | None:
    """What one node is expected to cost an hour, in US dollars: the spot price where there is one."""
    return pool.spot_hourly_usd if pool.spot_hourly_usd is not None else pool.hourly_usd


def dollars(rate: Decimal, parts: Fraction) -> Decimal:
    """The price of so many nodes, or parts of a node, at the price of one."""
    return rate * parts.numerator / parts.denominator


def _order(pool: Pool, spec: ModelSpec) -> tuple[bool, bool, Decimal, int, int, int, int, str]:
    """What is better comes first: no GPU for who needs none, no spot for who avoids it, cheap, small."""
    needless = pool.gpu is not None and spec.resources.gpu is None
    risky = pool.spot and spec.spot == "avoided"
    rate = hourly(pool)
    price = dollars(rate, part(demand(spec.resources), pool)) if rate is not None else Decimal(0)
    gpus = (pool.gpu.count, pool.gpu.memory) if pool.gpu else (0, 0)
    return (needless, risky, price, *gpus, pool.memory, pool.cpu, pool.name)


def _why(fitting: Sequence[Pool], pools: Sequence[Pool], spec: ModelSpec) -> tuple[str, ...]:
    chosen, *rest = fitting
    if len(pools) == 1:
        first = "the only pool"
    elif hourly(chosen) is None:
        first = "the smallest eligible pool"
    elif not rest:
        first = "the only eligible pool"
    else:
        first = f"the best of {len(fitting)} eligible pools"
    priced = rest if hourly(chosen) is not None else []
    behind = _grouped((pool.name, _behind(pool, chosen, spec)) for pool in priced)
    unfit = _grouped((pool.name, f"not eligible ({_has(found)})") for pool in pools if (found := lacks(pool, spec)))
    return (
        first + _priced(chosen, spec),
        *(f"{', '.join(names)} {text}" for text, names in behind.items()),
        *(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {text}" for text, names in unfit.items()),
    )


def _grouped(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The pools that the same is said of, by what it is."""
    groups: dict[str, list[str]] = {}
    for name, text in said:
        groups.setdefault(text, []).append(name)
    return groups


def _priced(pool: Pool, spec: ModelSpec) -> str:
    """What a replica takes of the pool and costs there."""
    rate = hourly(pool)
    if rate is None:
        return ""
    share = part(demand(spec.resources), pool)
    taken = "one whole" if share == 1 else f"{float(share):.1%} of one"
    spot = " as spot" if pool.spot else ""
    return f": ${dollars(rate, share):.4f} an hour for {taken} {pool.instance_types[0]}{spot}"


def _behind(pool: Pool, chosen: Pool, spec: ModelSpec) -> str:
    """Why a pool that fits is not the one."""
    ours, best = _order(pool, spec), _order(chosen, spec)
    if ours[0] != best[0]:
        return "with GPUs, which the model does not need"
    if ours[1] != best[1]:
        return "with spot nodes, which the model avoids"
    return f"at ${ours[2]:.4f}"


def _has(found: Sequence[Shortfall]) -> str:
    return ", ".join(lack.has for lack in found)


def no_pool(environment: str, pools: Sequence[Pool], spec: LoadedSpec, merged: ModelSpec) -> UserError:
    """The refusal of a model that no pool can hold: each pool, and everything that it lacks."""
    found = {pool.name: lacks(pool, merged) for pool in pools}
    # Where there are GPUs, pools without any say nothing about which ones would do.
    field = _blamed([each for each in found.values() if _NO_GPU not in each] or list(found.values()))
    place, shown = spec.locate(environment, field)
    everywhere = all(any(lack.field == field[: len(lack.field)] for lack in each) for each in found.values())
    amount = field in (("resources", "cpu"), ("resources", "memory"), ("resources", "gpu"))
    if field == ("tolerates",):
        problem = f"names no taint that a pool of {environment} which fits is reserved by"
    elif everywhere and amount:
        problem = f"is more than a node of any pool of {environment} offers"
    elif everywhere:
        problem = f"is offered by no node pool of {environment}"
    else:
        problem = f"is required, but no node pool of {environment} satisfies all requirements together"
    alike = _grouped((name, _has(each)) for name, each in found.items())
    has = "; ".join(f"{', '.join(names)}: {text}" for text, names in alike.items())
    change = "ask for less" if amount else "name the taint" if field == ("tolerates",) else "change it"
    todo = f"{change}, or add a pool to the settings of {environment}"
    return WrongValue(place, shown, _value(merged, field), problem, f"what one of these offers ({has})", todo)


def _blamed(lacking: Sequence[Sequence[Shortfall]]) -> tuple[str, ...]:
    """The field to name: one that alone keeps a replica off most pools, else the one that most pools lack."""
    alone = [fields.pop() for each in lacking if len(fields := {lack.field for lack in each}) == 1]
    every = [field for each in lacking for field in dict.fromkeys(lack.field for lack in each)]
    counted = alone or every
    return max(dict.fromkeys(counted), key=counted.count)


def _value(spec: ModelSpec, field: tuple[str, ...]) -> object:
    """The value of a field as a spec writes it."""
    section: BaseModel = spec
    for key in field[:-1]:
        section = getattr(section, key)
    value = getattr(section, field[-1])
    return section.model_dump(mode="json").get(field[-1], list(value) if isinstance(value, tuple) else str(value))

"""Fill the catalogue of AWS from an account, and show what it says."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway import console
from slipway.catalog.aws import INSTANCE_TYPES, REGIONS, accelerator_of, catalogue
from slipway.catalog.facts import CatalogueFile, text_of
from slipway.commands.context import EnvironmentContext
from slipway.environments.planning.kinds import planning
from slipway.environments.planning.pool import Pool
from slipway.errors.base import FileRefused, Place, UserErrors, WrongValue, nearest
from slipway.loading.catalogues import catalogue_path, prefer_catalogues, read_catalogue
from slipway.reading.folders import Folders
from slipway.values.quantities import format_bytes

_MOST_CHANGE = 10
"""A price that is ten times another, or a tenth, is taken for a mistake: AWS's greatest cut was by 45 %."""


def update(context: EnvironmentContext, families: Sequence[str]) -> None:
    """Ask the environment's account, show what differs from what is known, and write the file.

    Raises `UserError` where there is no account, and `UserErrors` for answers that cannot be true; nothing is written
    then.
    """
    context.running.check_account()
    try:
        found = context.running.ask_catalogue(families)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(map(str, first["loc"]))
        problem = f"AWS answered {str(first.get('input'))[:60]!r} for {at}: {first['msg']}"
        raise FileRefused("catalog", problem, "what a catalogue has", "nothing was written; try again") from None
    (region,) = found.regions
    path = catalogue_path(context.folders.settings, str(found.account), region)
    pools = planning(context.settings).pools
    if wrong := list(_nonsense(found, region, pools, str(path))):
        raise UserErrors(wrong)
    lines = list(changes(found, region))
    for line in lines:
        console.result(line)
    _write(path, text_of(found))
    prefer_catalogues(context.folders.settings)
    console.result(f"{path}: {len(found.types)} types in {region}, {len(lines)} differ; commit it")


def _nonsense(found: CatalogueFile, region: str, pools: Sequence[Pool], path: str) -> Iterator[WrongValue]:
    place = Place(path)
    zones = found.regions[region].zones
    if len(zones) < 2:
        yield WrongValue(place, "zones", list(zones), "are fewer than EKS needs", "two or more", "nothing was written")
    for pool in pools:
        for name in pool.instance_types:
            if name not in found.types:
                problem = f"is of pool {pool.name}, and the account was offered none in {region}"
                todo = "nothing was written; write another type, or see `slipway doctor`"
                yield WrongValue(place, "types", name, problem, "a type that has a price and a zone", todo)
    for name, facts_of in found.types.items():
        before = INSTANCE_TYPES[name].hourly_usd.get(region) if name in INSTANCE_TYPES else None
        now = facts_of.hourly_usd[region]
        if before is not None and not before / _MOST_CHANGE <= now <= before * _MOST_CHANGE:
            problem = f"dollars an hour cannot be true: the catalogue has {before}"
            allowed = f"{before / _MOST_CHANGE} to {before * _MOST_CHANGE}"
            yield WrongValue(place, f"types.{name}.hourly_usd", str(now), problem, allowed, "nothing was written")


def changes(found: CatalogueFile, region: str) -> Iterator[str]:
    """What a file says that is not known yet, one line each: `-` before, `+` now."""
    for name, one in found.types.items():
        known = INSTANCE_TYPES.get(name)
        yield from _differs(f"{name} $/h", known.hourly_usd.get(region) if known else None, one.hourly_usd.get(region))
        yield from _differs(
            f"{name} spot $/h", known.spot_hourly_usd.get(region) if known else None, one.spot_hourly_usd.get(region)
        )
        if known is not None and (known.vcpu, known.memory) != (one.vcpu, one.memory_mib * 2**20):
            yield f"- {name} {known.vcpu} vCPU, {format_bytes(known.memory)}"
            yield f"+ {name} {one.vcpu} vCPU, {format_bytes(one.memory_mib * 2**20)}"
    offered_no_more = (name for name, one in INSTANCE_TYPES.items() if region in one.hourly_usd)
    yield from (f"- {name}, which the account is not offered" for name in offered_no_more if name not in found.types)
    now, then = found.regions[region], REGIONS.get(region)
    for name in ("nat_hourly_usd", "endpoint_hourly_usd", "disk_monthly_usd"):
        yield from _differs(name, getattr(then, name, None), getattr(now, name))
    if then is not None and then.zones != now.zones:
        yield from (f"- zones {', '.join(then.zones)}", f"+ zones {', '.join(now.zones)}")
    versions = catalogue().eks_versions
    for version, support in found.eks_versions.items():
        known_until = versions[version].standard_until if version in versions else None
        yield from _differs(f"Kubernetes {version} standard support until", known_until, support.standard_until)


def _differs(what: str, before: object, now: object) -> Iterator[str]:
    if before == now or now is None:
        return
    if before is not None:
        yield f"- {what} {before}"
    yield f"+ {what} {now}"


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".catalog-", delete=False) as file:
            file.write(text)
        read_catalogue(Path(file.name))  # what cannot be read again is not put in place
        os.chmod(file.name, 0o644)  # noqa: PTH101 - as any file of the project: a temporary one is its owner's
        os.replace(file.name, path)  # noqa: PTH105
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
        raise FileRefused(str(path), problem, "a folder that can be written", "correct its permissions") from None


def show(region: str, folders: Folders, *, as_json: bool) -> None:
    """Print the types of a region, cheapest first, with their prices; and the files that this is from."""
    prefer_catalogues(folders.settings)
    if region not in REGIONS:
        todo = f"write {nearest(region, list(REGIONS)) or 'one of them'}"
        raise UserErrors([WrongValue(Place("REGION"), "", region, "is not in the catalogue", ", ".join(REGIONS), todo)])
    offered = [one for one in INSTANCE_TYPES.values() if region in one.hourly_usd]
    offered.sort(key=lambda one: (one.hourly_usd[region], one.name))
    tflops = {name: value for file in catalogue().files for name, value in file.gpu_tflops.items()}
    rows = [
        {
            "type": one.name,
            "vcpu": one.vcpu,
            "memory": format_bytes(one.memory),
            "accelerator": _accelerators(one),
            "tflops": tflops.get(one.gpu.model, 0) * one.gpu.count if one.gpu else None,
            "pods": one.max_pods,
            "networkGbps": one.network_gbps,
            "disksGb": one.storage_gb or None,
            "usd": _number(one.hourly_usd[region]),
            "spotUsd": _number(one.spot_hourly_usd.get(region)),
        }
        for one in offered
    ]
    files = [f"{file.account or 'shipped'}, {file.date}" for file in catalogue().files]
    if as_json:
        console.document({"region": region, "files": files, "types": rows})
        return
    columns = ("TYPE", "VCPU", "MEMORY", "ACCELERATOR", "TFLOPS", "PODS", "GBIT/S", "DISKS GB", "$/H", "SPOT $/H")
    console.table(columns, [["-" if cell is None else str(cell) for cell in row.values()] for row in rows])
    console.result(f"from: {'; '.join(files)}. TFLOPS: dense FP16 of all GPUs together")


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)


def _accelerators(one: Any) -> str:
    cards = one.gpu or one.neuron
    return f"{cards.count} {cards.model}" if cards else accelerator_of(one)

"""Say what `up` would change of a fleet: which devices get which release in which ring. Nothing is asked or written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from slipway.deploy.changes import applied_differences, listed
from slipway.edge.kept_rollouts import Going
from slipway.edge.rings import Rules, rules_of
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json
from slipway.values.listing import some

Does = Literal["new", "changed", "goes on", "unchanged", "refused", "unknown", "left"]
"""`goes on`: a rollout of the same release has not ended; `refused`: it was stopped; `unknown`: the image may differ;
`left`: the settings do not put it on the fleet any more, and it stays until `down`."""
ImageChange = Literal["same", "new", "unknown", "-"]
_NAMED_MOST = 5


@dataclass(frozen=True, slots=True)
class RingAhead:
    """A ring that a release would reach.

    Attributes:
        name: its name.
        devices: those that get the release once it is open, and not before.
        size: how many have it then, with all rings before.
        running: how many of these devices report which version now; those that report none under the empty text.
        open: whether it is open already.
        waits: whether it opens only once somebody approved it, who has not yet.
    """

    name: str
    devices: tuple[str, ...]
    size: int
    running: Mapping[str, int]
    open: bool = False
    waits: bool = False

    def line(self) -> str:
        """For people: `ring canary: 1 device (box-1), which has 1.0.0`."""
        count = f"{len(self.devices)} device" + ("" if len(self.devices) == 1 else "s")
        there = ", ".join(f"{count} on {version or 'nothing'}" for version, count in sorted(self.running.items()))
        state = ", open" if self.open else ", once approved" if self.waits else ""
        return f"ring {self.name}{state}: {count} ({some(self.devices, _NAMED_MOST)}), now {there}"

    def to_json(self) -> Json:
        """As JSON values."""
        said: Json = {"name": self.name, "devices": list(self.devices), "size": self.size, "open": self.open}
        said |= {"waitsForApproval": self.waits}
        return said | {"running": dict(self.running)}


@dataclass(frozen=True, slots=True)
class ModelAhead:
    """What becomes of one model of a fleet.

    Attributes:
        name: the model's.
        does: what `up` would do.
        version: the one that devices are told now, None where there is none, and the planned one, None without a spec.
        image: whether its image is the one that is there.
        why: for people; empty where `does` says it all.
        differences: where what documents say differs, for people.
        rings: those that have devices of their own; none where nothing would be rolled out.
        outside: devices of the model that are not enrolled: nobody looks at them, and they get what is done.
    """

    name: str
    does: Does
    version: tuple[str | None, str | None]
    image: ImageChange = "-"
    why: str = ""
    differences: tuple[str, ...] = ()
    rings: tuple[RingAhead, ...] = ()
    outside: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """What a reader asks, in that order."""
        if self.why:
            yield self.why
        yield from (ring.line() for ring in self.rings)
        if self.outside:
            yield f"not enrolled, and not looked at: {some(self.outside, _NAMED_MOST)}"

    def to_json(self) -> Json:
        """As JSON values."""
        before, after = self.version
        said: Json = {"name": self.name, "does": self.does, "version": {"before": before, "after": after}}
        said |= {"image": self.image, "why": self.why, "rings": [ring.to_json() for ring in self.rings]}
        return said | {"notEnrolled": list(self.outside), **listed(self.differences)}


@dataclass(frozen=True, slots=True)
class There:
    """What a fleet has: rollouts by model, what documents say of each release, and what devices reported.

    `running`: the version that each device reports, by device and model.
    """

    going: Mapping[str, Going]
    releases: Mapping[str, Json]
    running: Mapping[tuple[str, str], str]


def ahead(
    settings: EdgeSettings, said: Json, image: ImageChange, there: There, on: Sequence[str], enrolled: set[str]
) -> ModelAhead:
    """What `up` would do with one model.

    Args:
        settings: of the fleet.
        said: what documents would say of it; where the image is not known, without its digest.
        image: what is known of the image: `unknown`, `new` where it has yet to be built, or `same`, which is looked at.
        there: what the fleet has.
        on: devices that the settings put it on, canaries first.
        enrolled: those of them that are looked at.
    """
    model, version = str(said["model"]), str(said["version"])
    outside = tuple(name for name in on if name not in enrolled)
    devices = tuple(name for name in on if name in enrolled)
    rules = rules_of(settings, len(devices))
    going = there.going.get(model)
    if going is None:
        rings = _rings(rules, model, devices, there, -1)
        return ModelAhead(model, "new", (None, version), image, "", (), rings, outside)
    old = there.releases[going.release]
    was = str(old["version"])
    if image == "same" and old.get("images") != said["images"]:
        image = "new"
    if image == "same" and going.release == said["release"]:
        return _same(model, version, going, there, settings, outside)
    differ = differences(old, said)
    does: Does = "changed" if differ or image != "unknown" else "unknown"
    why = "nothing but the image may differ, and it is not known" if does == "unknown" else ""
    if going.rollout.phase in ("rolling", "paused", "waiting"):
        why = f"the rollout of {was} has not ended ({going.rollout.reason}), and this one takes its place"
    rings = _rings(rules, model, devices, there, -1)
    return ModelAhead(model, does, (was, version), image, why, differ, rings, outside)


def _same(
    model: str, version: str, going: Going, there: There, settings: EdgeSettings, outside: tuple[str, ...]
) -> ModelAhead:
    rollout = going.rollout
    both = (version, version)
    if rollout.phase == "done":
        return ModelAhead(model, "unchanged", both, "same", outside=outside)
    if rollout.phase == "stopped":
        why = f"release {going.release} was stopped: {rollout.reason}; `up --again` tries it again"
        return ModelAhead(model, "refused", both, "same", why, outside=outside)
    rules = rules_of(settings, len(rollout.devices))
    rings = _rings(rules, model, rollout.devices, there, rollout.ring, rollout.approved)
    return ModelAhead(model, "goes on", both, "same", f"{rollout.phase}: {rollout.reason}", (), rings, outside)


def left(model: str, there: There) -> ModelAhead:
    """A model that the settings do not put on the fleet any more."""
    going = there.going[model]
    why = "no spec or setting puts it here any more; it stays on its devices until slipway down names it"
    return ModelAhead(model, "left", (str(there.releases[going.release]["version"]), None), "-", why)


def differences(before: Json, after: Json) -> tuple[str, ...]:
    """Where what documents say of a model differs, apart from names of releases and images."""
    return applied_differences(([_compared(before)], None), ([_compared(after)], None))


def _compared(said: Json) -> dict[str, Any]:
    config = said.get("config")
    inner = None if config is None else {name: value for name, value in config.items() if name != "release"}
    left_out = ("model", "version", "release", "image", "images", "config")
    return {
        "kind": "device",
        **{name: value for name, value in said.items() if name not in left_out},
        "config": inner,
    }


def _rings(
    rules: Rules, model: str, devices: Sequence[str], there: There, opened: int, approved: Sequence[str] = ()
) -> tuple[RingAhead, ...]:
    """Rings that have devices of their own; `opened`: the last that is open, -1: none; `approved`: those that are."""
    found: list[RingAhead] = []
    first = 0
    for index, (name, size) in enumerate(zip(rules.names, rules.sizes, strict=True)):
        own = tuple(devices[first:size])
        first = max(first, size)
        if not own:
            continue
        running: dict[str, int] = {}
        for device in own:
            version = there.running.get((device, model), "")
            running[version] = running.get(version, 0) + 1
        waits = name in rules.approvals and name not in approved
        found.append(RingAhead(name, own, size, running, index <= opened, waits))
    return tuple(found)

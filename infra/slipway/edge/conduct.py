"""Conduct a model's rollout: give its release out ring by ring, and sign anew what changes for a device."""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence

from slipway.edge.documents import canonical, content, sealed
from slipway.edge.fit import placed
from slipway.edge.kept_events import happened
from slipway.edge.kept_rollouts import Going
from slipway.edge.keys import FleetKey
from slipway.edge.rings import Rollout, Rules, having, rules_of, started, step
from slipway.edge.shelf import digests_of
from slipway.edge.signing import told_keys
from slipway.edge.store import Store
from slipway.errors.base import DeployError
from slipway.settings.edge import EdgeSettings
from slipway.values.aliases import Json

TICK_S = 1.0
_GONE_S = 120.0
"""How long `down` waits for devices that answer; those that do not take it when they come back."""


class FleetReturned(DeployError):
    """A rollout was stopped: its devices were told to go back to what they had."""

    def __init__(self, environment: str, model: str, version: str, reason: str) -> None:
        super().__init__(
            f"{model} {version} was stopped on {environment}: {reason}; its devices go back to what they had; "
            f"next: slipway status {environment} shows what each said"
        )


def devices_of(settings: EdgeSettings, store: Store, model: str) -> tuple[str, ...]:
    """The devices that the settings put a model on, canaries first; but for those that were retired or revoked."""
    gone = _gone(store)
    return tuple(name for name, models in placed(settings, [model]).items() if models and name not in gone)


def _gone(store: Store) -> set[str]:
    return {one.name for one in store.devices() if one.state in ("retired", "revoked")}


class Conductor:
    """Changes the documents of one fleet. `clock`: seconds since the epoch."""

    def __init__(
        self, environment: str, settings: EdgeSettings, store: Store, key: FleetKey, clock: Callable[[], float]
    ) -> None:
        """Take what a fleet is made of, and the key that signs."""
        self._environment = environment
        self._settings = settings
        self._store = store
        self._key = key
        self._clock = clock

    def on(self, model: str) -> tuple[str, ...]:
        """The devices that the settings put a model on, canaries first; but for those that were retired or revoked."""
        return devices_of(self._settings, self._store, model)

    def _gone(self) -> set[str]:
        return _gone(self._store)

    def rules(self, rollout: Rollout) -> Rules:
        """The rules of a rollout, by the settings as they are now."""
        return rules_of(self._settings, len(rollout.devices))

    def start(self, entry: Json, devices: tuple[str, ...]) -> Rollout:
        """Begin a rollout, or go on with the one of the same release.

        `devices`: those that are looked at, canaries first. Others of the model get a release once it is done.
        """
        model, release = str(entry["model"]), str(entry["release"])

        def start() -> Rollout:
            there = {one.model: one for one in self._store.going()}.get(model)
            if there is not None and there.release == release and there.rollout.phase != "stopped":
                rollout = there.rollout
            else:
                running = self._running(there)
                before = {name: running.get(name) for name in self.on(model)}
                self._store.set_release(release, entry)
                self._store.forget_answers(model, release)
                rollout = started(devices, rules_of(self._settings, len(devices)), self._clock())
                self._store.set_going(Going(model, release, before, rollout))
                self._note(model, release, None, rollout)
            self.publish(self.on(model))
            return rollout

        return self._store.changed(start)

    def _running(self, going: Going | None) -> dict[str, str | None]:
        """The release that each device is to have by a rollout."""
        if going is None:
            return {}
        # What is done is every device's, also of those that enrol later: nobody has to look at them for the fleet.
        done = going.rollout.phase == "done"
        new = self.on(going.model) if done else having(going.rollout, self.rules(going.rollout))
        return {**going.before, **dict.fromkeys(new, going.release)}

    def look(self, model: str) -> Rollout:
        """Judge by what devices reported until now, and change documents where the rollout goes on or back."""

        def look() -> Rollout:
            going = next(one for one in self._store.going() if one.model == model)
            was = going.rollout
            rules = self.rules(was)
            now = step(was, rules, self._store.answers(model, going.release), self._clock())
            if now != was:
                self._store.set_progress(model, now)
                self._note(model, going.release, was, now)
                changed = set(having(was, rules)) ^ set(having(now, rules))
                self.publish(self.on(model) if now.phase == "done" else sorted(changed))
            return now

        return self._store.changed(look)

    def _note(self, model: str, release: str, was: Rollout | None, now: Rollout) -> None:
        rings = [ring.name for ring in self._settings.rings]
        self._store.note(happened(model, release, was, now, rings, self._clock()))

    def publish(self, devices: Iterable[str]) -> int:
        """Sign the documents of devices that are to run something else than theirs say; returns how many."""
        releases, gone, keys = self._store.releases(), self._gone(), told_keys(self._store)
        wanted = {one.model: self._running(one) for one in self._store.going()}
        changed = 0
        for device in devices:
            names = (of.get(device) for of in wanted.values())
            models = [] if device in gone else [releases[name] for name in names if name is not None]
            said = content(self._environment, self._settings, device, models)
            if keys:
                said |= {"signing_keys": keys}
            digest = hashlib.sha256(canonical(said)).hexdigest()
            there = self._store.document(device)
            if there is None or there[1] != digest:
                serial = 1 if there is None else there[0] + 1
                self._store.set_document(device, serial, digest, sealed(said, serial, self._key))
                changed += 1
        return changed

    def needed(self) -> set[str]:
        """The digests of the weights that some device is to run, or goes back to where a rollout is stopped."""
        releases = self._store.releases()
        names = {one.release for one in self._store.going()}
        names |= {name for one in self._store.going() for name in one.before.values() if name is not None}
        return {digest for name in names if name in releases for digest in digests_of(releases[name])}

    def withdraw(self, models: Sequence[str], devices: Sequence[str]) -> int:
        """Take models off the fleet; returns how many devices are told."""

        def withdraw() -> int:
            for model in models:
                self._store.forget(model)
            return self.publish(devices)

        return self._store.changed(withdraw)


def conduct(
    conductor: Conductor,
    model: str,
    tell: Callable[[str], None],
    wait: Callable[[float], bool],
) -> Rollout:
    """Look at a rollout until it ends; `wait` returns whether to stop looking. It goes on where it was, then.

    It always ends: each ring does at its deadline, and nobody is waited for who paused it or has to approve it.
    """
    said = ""
    while True:
        rollout = conductor.look(model)
        if rollout.reason != said:
            said = rollout.reason
            tell(f"{model}: {said}")
        if rollout.phase in ("done", "stopped", "paused", "waiting") or wait(TICK_S):
            return rollout


def wait_gone(
    store: Store, models: Sequence[str] | None, interval_s: float, wait: Callable[[float], bool]
) -> list[str]:
    """Wait until devices report that they run none of these models; returns those that do not within the limit.

    Args:
        store: what devices reported.
        models: None for all that any device ever reported.
        interval_s: how often devices report. One that was revoked is told nothing, and not waited for.
        wait: waits so many seconds, and returns whether to stop waiting.
    """
    limit = time.monotonic() + _GONE_S + 3 * interval_s
    while True:
        store.refresh()
        revoked = {one.name for one in store.devices() if one.state == "revoked"}
        said = {device for device, model, *_ in store.said() if models is None or model in models}
        waiting = sorted(said - revoked)
        if not waiting or time.monotonic() > limit or wait(TICK_S):
            return waiting

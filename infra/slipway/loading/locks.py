"""Find the lock of a spec, and refuse one that is not of the spec and its files as they are now."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors.base import FileRefused, UserError, WrongValue
from slipway.lockfile.digests import DECIDING, spec_digest, stale
from slipway.lockfile.files import Locked, lock_path, read_lock
from slipway.reading.findings import Locate
from slipway.reading.yaml_document import FieldPath
from slipway.runtimes.registry import RUNTIMES, loading
from slipway.spec.artifact.graph_steps import CONVERTED
from slipway.spec.model import ModelSpec

_ALLOWED = "the lock of the spec and the files that it names, as they are now"


@dataclass(frozen=True)
class Locks:
    """The locks of one file with a spec. `root`: folder that paths in spec and lock begin at."""

    file: Path
    root: Path
    environment: str | None = None
    """Where other weights, steps or data are given than elsewhere: it has a lock of its own."""

    def within(self, environment: str, override: Mapping[str, Any]) -> "Locks":
        """The locks as they are in an environment, whose override is given."""
        own = any(part in override for part in DECIDING)
        return Locks(self.file, self.root, environment if own else None)

    def path(self, spec: ModelSpec) -> Path:
        """Where the lock of a spec is, or would be."""
        return lock_path(self.file, spec.name, self.environment)

    def find(self, spec: ModelSpec, locate: Locate, found: list[UserError]) -> Locked | None:
        """The lock of a spec; None where it needs none, or after adding to `found` why it cannot be used."""
        path = self.path(spec)
        todo = f"slipway lock {spec.name}"
        try:
            locked = read_lock(path, self.root) or self._elsewhere(spec)
        except UserError as error:
            found.append(error)
            return None
        if locked is None:
            if spec.needs_lock:
                at = _why(spec)
                place, field = locate(at)
                problem = f"needs a lock, and {path} does not exist"
                allowed = "the lock that slipway lock writes, committed beside the spec"
                found.append(UserError(place, field, problem, allowed, todo))
            return None
        old = stale(spec, self.root, locked.lock)
        if old is not None:
            if not spec.needs_lock:
                todo += ", or remove the file: this spec needs no lock"
            found.append(FileRefused(str(locked.file), f"is stale: it {old}", _ALLOWED, todo))
            return None
        refusal = not_loaded(spec.runtime, locked.lock.served.format, locate)
        if refusal is not None:
            found.append(refusal)
            return None
        return locked

    def _elsewhere(self, spec: ModelSpec) -> Locked | None:
        """The lock of the model everywhere, for an environment in which nothing else decides than elsewhere."""
        if self.environment is None:
            return None
        locked = read_lock(lock_path(self.file, spec.name), self.root)
        return locked if locked is not None and locked.lock.spec == spec_digest(spec) else None


def not_loaded(runtime: str, ends: str, locate: Locate) -> UserError | None:
    """What to say where a runtime does not load what the weights are after all steps; None where it does."""
    known = RUNTIMES[runtime].formats
    if ends in known:
        return None
    place, field = locate(("runtime",))
    problem = f"does not load {ends}, which the weights are after all steps"
    ways = [f"write runtime: {' or '.join(others)}"] if (others := loading(ends)) else []
    made = [name for name in known if name in CONVERTED]
    ways += [f"let optimize end with {{convert: {' or '.join(made)}}}"] if made else []
    todo = ", or ".join(ways) or "take the model as one of these formats"
    return WrongValue(place, field, runtime, problem, ", ".join(known), todo)


def _why(spec: ModelSpec) -> FieldPath:
    """The field because of which a spec needs a lock."""
    if spec.optimize:
        return ("optimize",)
    if spec.accept is not None:
        return ("accept",)
    return ("runtime",) if RUNTIMES[spec.runtime].signature_in_lock else ("artifact", "format")

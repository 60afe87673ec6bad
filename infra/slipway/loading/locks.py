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
from slipway.runtimes.registry import RUNTIMES
from slipway.spec.artifact.source import ONNX
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
        runtime = RUNTIMES[spec.runtime]
        known = [name.lower() for name in runtime.formats]
        if (ends := locked.lock.served.format) not in known:
            place, field = locate(("runtime",))
            problem = f"does not load {ends}, which the weights are after all steps"
            last = f"let the steps end with {{convert: {ONNX}}}, then: slipway lock {spec.name}"
            found.append(WrongValue(place, field, spec.runtime, problem, ", ".join(known), last))
            return None
        return locked

    def _elsewhere(self, spec: ModelSpec) -> Locked | None:
        """The lock of the model everywhere, for an environment in which nothing else decides than elsewhere."""
        if self.environment is None:
            return None
        locked = read_lock(lock_path(self.file, spec.name), self.root)
        return locked if locked is not None and locked.lock.spec == spec_digest(spec) else None


def _why(spec: ModelSpec) -> FieldPath:
    """The field because of which a spec needs a lock."""
    if spec.optimize:
        return ("optimize",)
    return ("accept",) if spec.accept is not None else ("artifact", "format")

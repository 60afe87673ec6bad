"""Read specs for their locks: what is made of weights has to be known before there is a lock that says it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.errors.base import Place, UserError
from slipway.loading.locks import Locks
from slipway.loading.overrides import locate_in, merged, overrides
from slipway.loading.spec_files import named_documents
from slipway.lockfile.digests import spec_digest
from slipway.reading.findings import Locate, dotted, validated
from slipway.reading.yaml_document import Document
from slipway.spec.model import ModelSpec

_UNLOCKABLE = {
    "pipeline": "lock its models: each has a lock of its own",
    "custom": "nothing: the image, and the weights beside it, are known by their digests",
}
"""Sections of specs without weights to lock, and what to do instead."""


@dataclass(frozen=True)
class Lockable:
    """A spec, merged for an environment if it says other things there, and where its lock is.

    Attributes:
        spec: the spec.
        locks: of its file.
        locate: where its values are written.
        profiled: whether drift is held against its lock, here or in an environment that has the same lock.
    """

    spec: ModelSpec
    locks: Locks
    locate: Locate
    profiled: bool = False

    @property
    def name(self) -> str:
        """What people call it: the model, and the environment if the lock is of one only."""
        environment = self.locks.environment
        return self.spec.name if environment is None else f"{self.spec.name} in {environment}"

    @property
    def path(self) -> Path:
        """Where its lock is, or will be."""
        return self.locks.path(self.spec)


def lockables(models_dir: Path, root: Path, models: Sequence[str], found: list[UserError]) -> Iterator[Lockable]:
    """The specs of the models named, or, when none is, of all that need a lock or have one.

    What cannot be read is added to `found`. A model comes once more for each environment that has a lock of its own.
    """
    for _, path, document in named_documents(models_dir, models, found):
        for one in _of_file(path, document, root, found, asked=bool(models)):
            if models or one.spec.needs_lock or one.path.exists():
                yield one


def _of_file(path: Path, document: Document, root: Path, found: list[UserError], *, asked: bool) -> Iterator[Lockable]:
    """What of a file can be locked; `asked`: whether it was named, so that it is said of a pipeline that it cannot."""
    locks = Locks(path, root)

    def locate(at: tuple[str | int, ...]) -> tuple[Place, str]:
        return document.place(at), dotted(at)

    base = validated(ModelSpec, document.value, locate, found)
    if base is None:
        return
    for key, todo in _UNLOCKABLE.items():
        if getattr(base, key) is not None:
            if asked:
                place, field = locate((key,))
                found.append(UserError(place, field, "has no weights to lock", "models with an artifact", todo))
            return
    # One lock may be of several environments, and drift is no reason for a lock of its own.
    profiled = base.drift is not None or any("drift" in override for _, override in overrides(document, None, []))
    yield Lockable(base, locks, locate, profiled)
    for environment, override in overrides(document, None, []):
        own = locks.within(environment, override)
        if own.environment is None:
            continue
        whole = merged({key: value for key, value in document.value.items() if key != "environments"}, override)
        there = locate_in(document, environment)
        spec = validated(ModelSpec, whole, there, found)
        if spec is not None and spec.needs_lock and spec_digest(spec) != spec_digest(base):
            yield Lockable(spec, own, there, profiled)

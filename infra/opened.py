"""Open an environment: read its settings and specs, plan, and connect to its cluster when asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from infra.cluster import Cluster
from infra.load import find_root, load_environment, load_settings, secrets_of
from infra.plan import ModelPlan, Plan, plan
from infra.settings import Settings
from infra.sources import code_digests


@dataclass(frozen=True)
class Folders:
    """Where a person's files are: specs, and settings."""

    models: Path
    settings: Path


class Opened:
    """An environment as its files describe it. Nothing is read before it is needed, then once.

    Raises, from its properties, the `UserError`s of whatever is wrong in the files.
    """

    def __init__(self, name: str, folders: Folders) -> None:
        self.name = name
        self.folders = folders

    @cached_property
    def settings(self) -> Settings:
        """The environment's settings."""
        return load_settings(self.folders.settings, self.name)

    @cached_property
    def secrets(self) -> dict[str, str]:
        """Pulumi's keys for the encryption of the environment's stacks."""
        return secrets_of(self.folders.settings, self.name)

    @cached_property
    def plan(self) -> Plan:
        """All models of the environment: whether one finds a GPU depends on the others."""
        folder = self.folders.models
        settings, specs = load_environment(self.folders.settings, self.name, folder, find_root(folder))
        return plan(self.name, settings, specs, code_digests())

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster of its settings."""
        return Cluster(self.settings.context, self.settings.namespace)

    def models(self, names: Sequence[str]) -> list[ModelPlan]:
        """Plans of the models named, of all when none is; `UnknownName` for one that has no spec."""
        if not names:
            return list(self.plan.models)
        return [self.plan.find(name, self.folders.models) for name in names]

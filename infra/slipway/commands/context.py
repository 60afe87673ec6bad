"""Open an environment: read its settings and specs, plan, and connect to its cluster when asked."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from slipway.commands.fetching import fetching
from slipway.edge.fit import refuse_unfit
from slipway.environments.planning.fleet import fleet_of
from slipway.environments.planning.kinds import planning
from slipway.environments.running.kinds import running
from slipway.environments.running.protocol import Running
from slipway.errors.base import Place, UserErrors
from slipway.loading.base_image import by_digest
from slipway.loading.settings import CONFIG_KEY, SettingsFile, read_settings
from slipway.loading.specs import LoadedSpec, Unread, load_for
from slipway.loading.versions import SETTINGS_FIELDS, deprecations
from slipway.plan.code_digests import code_digests
from slipway.planner.compliance import comply
from slipway.planner.environment import ModelPlan, Plan
from slipway.planner.others import Planned, apart, plan_for
from slipway.reading.folders import Folders, find_root
from slipway.settings.base import AnySettings

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster

__all__ = ["EnvironmentContext", "Folders"]


@dataclass(frozen=True, slots=True)
class Promotion:
    """A model whose image is copied from another environment: `image` by digest, `source` as the history notes it."""

    model: str
    image: str
    source: str


class EnvironmentContext:
    """An environment as its files describe it. Nothing is read before it is needed, then once.

    Raises, from its properties, the `UserError`s of whatever is wrong in the files.
    """

    def __init__(self, name: str, folders: Folders, only: Sequence[str] | None = None) -> None:
        """Open environment `name`.

        `only`: the models that are asked for. What is wrong with other specs is then no error but a warning: they are
        other people's, and may be half written. None: all of them.
        """
        self.name = name
        self.folders = folders
        self._only = only
        self.promotion: Promotion | None = None

    @cached_property
    def file(self) -> SettingsFile:
        """The environment's settings file, with the base image by its digest where that is known on this machine."""
        file = read_settings(self.folders.settings, self.name)
        return replace(file, settings=by_digest(file.settings, os.environ))

    @property
    def settings(self) -> AnySettings:
        """The environment's settings."""
        return self.file.settings

    @property
    def secrets(self) -> dict[str, str]:
        """Pulumi's keys for the encryption of the environment's stacks."""
        return self.file.secrets

    @property
    def plan(self) -> Plan:
        """All models of the environment: whether one finds a GPU depends on the others."""
        return self._planned.plan

    @property
    def left_out(self) -> Sequence[Unread]:
        """Findings about the specs that the plan was made without."""
        return self._planned.left_out

    def specs(self, models: Sequence[ModelPlan]) -> Sequence[LoadedSpec]:
        """The specs that models were planned from."""
        named = {model.name for model in models}
        return [spec for spec in self._planned.specs if spec.name in named]

    @cached_property
    def _planned(self) -> Planned:
        folder = self.folders.models
        with fetching(self.folders) as store:
            root = find_root(folder)
            loaded = load_for(self._only, self.folders.settings, lambda: self.file, folder, root, store)
        return plan_for(self._only, loaded, self.name, code_digests())

    def refuse_fleet(self) -> None:
        """Refuse, of a fleet, what is about a cluster's objects, prices or controls: a device has none of them."""
        if fleet_of(self.settings) is not None:
            self.running.check_account()

    def complied(self) -> tuple[str, ...]:
        """Warnings about the plan; raises `UserErrors` when the policy refuses it, or devices cannot run it."""
        fleet = fleet_of(self.settings)
        if fleet is not None:
            refuse_unfit(self.file, fleet, self.plan.models)
        found = comply(self.plan, self._planned.specs, self.file.document, datetime.now(tz=UTC).date())
        own, others = apart(found.refused, self._only, self._planned.specs)
        if own:
            raise UserErrors(own)
        left_out = (f"left out of the plan and of its capacity: {unread}" for unread in self.left_out)
        old = [warning for spec in self._planned.specs for warning in spec.warnings]
        at = ("config", CONFIG_KEY)
        old += [one for one in deprecations(self.file.document, SETTINGS_FIELDS, at) if isinstance(one, str)]
        return (*left_out, *old, *map(str, others), *found.warnings)

    @property
    def namespace_place(self) -> tuple[Place, str]:
        """Where its settings name the namespace, and what the field is called."""
        return self.file.locate(("namespace",))

    def name_place(self, model: str) -> tuple[Place, str]:
        """Where the spec of a model says its name, and what the field is called."""
        return self.spec_place(model, ("name",))

    def spec_place(self, model: str, path: tuple[str | int, ...]) -> tuple[Place, str]:
        """Where the spec of a model says what it has here, and what the field is called."""
        spec = next(spec for spec in self._planned.specs if spec.name == model)
        return spec.locate(self.name, path)

    @property
    def has_gateway(self) -> bool:
        """Whether clients come in by a gateway of the environment's own."""
        return planning(self.settings).gateway is not None

    @cached_property
    def running(self) -> Running:
        """What running it takes, by its kind."""
        return running(self.file)

    @cached_property
    def cluster(self) -> "Cluster":
        """Its cluster; raises `EnvironmentMissing` when its stack has not made it yet."""
        return self.running.connect()

    def models(self, names: Sequence[str]) -> list[ModelPlan]:
        """Plans of the models named, of all when none is; `UnknownName` for one that has no spec."""
        found = [self.plan.find(name, self.folders.models) for name in names] if names else self.plan.models
        return [self._with_copied_image(model) for model in found]

    def _with_copied_image(self, model: ModelPlan) -> ModelPlan:
        promoted = self.promotion
        if promoted is None or promoted.model != model.name:
            return model
        return replace(model, image=replace(model.image, copied_from=promoted.image))

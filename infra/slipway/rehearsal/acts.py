"""What a rehearsal plays: bring an environment and its models up, change nothing, look, take everything away.

The programs and the engine are those of `slipway up` and `slipway down`. One thing differs: nobody answers a golden
request, because kwok's pods run nothing; so a model counts as up when its pods are ready on the nodes of its pool.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from slipway.commands.changing.down import take_down
from slipway.commands.changing.environment import environment_up
from slipway.commands.changing.session import Options
from slipway.commands.context import EnvironmentContext, Folders
from slipway.deploy.watcher import Watcher
from slipway.engine.engine import Engine
from slipway.engine.events import Outcome
from slipway.engine.language_server import Program
from slipway.environments.running.aws_state import LEDGER, MODEL_STORE
from slipway.loading.settings import CONFIG_KEY
from slipway.planner.environment import ModelPlan
from slipway.rehearsal.processes import RehearsalError
from slipway.rehearsal.stage import Stage
from slipway.settings.aws import AwsSettings
from slipway.values.aliases import Report
from slipway.values.names import stack


class RecordingEngine(Engine):
    """The engine, which keeps how its last `up` ended: what runs it does not hand that on."""

    last: Outcome

    def up(
        self, stack: str, program: Program, report: Callable[[str], None], *, new: bool, refresh: bool = False
    ) -> Outcome:
        """As the engine's."""
        self.last = super().up(stack, program, report, new=new, refresh=refresh)
        return self.last


@dataclass
class Acts:
    """The rehearsal of one environment on a stage that is set. `tell` gets what, and what becomes of it."""

    stage: Stage
    environment: str
    folders: Folders
    tell: Report
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._workspace = self.stage.folder / "workspace"
        self._workspace.mkdir(exist_ok=True)

    @property
    def context(self) -> EnvironmentContext:
        """The environment as its files are now."""
        return EnvironmentContext(self.environment, self.folders)

    @property
    def settings(self) -> AwsSettings:
        """Its settings."""
        settings = self.context.settings
        if not isinstance(settings, AwsSettings):
            raise RehearsalError(f"{self.environment} is of kind {settings.kind}; only kind aws needs a rehearsal")
        return settings

    @cached_property
    def engine(self) -> "RecordingEngine":
        """The engine of `slipway`."""
        return RecordingEngine(self._workspace, self.context.secrets, self.cancelled)

    def up(self) -> Outcome:
        """Bring the environment's stack up, as `slipway up` does: it first resumes what a killed run left."""
        context = self.context
        environment_up(context, self.engine, lambda text: self.tell(self.environment, text))
        return self.engine.last

    def model_up(self, model: ModelPlan) -> Outcome:
        """Bring a model's stack up."""
        context, engine, name = self.context, self.engine, stack(self.environment, model.name)

        def tell(text: str) -> None:
            self.tell(model.name, text)

        new = context.running.resume(engine, name, tell, doubted=True) is None
        outcome = engine.up(name, context.running.model_programs().model(model, tell), tell, new=new)
        Watcher(context.cluster, self.cancelled.wait).wait(model.name, model.release, tell)
        return outcome

    def down(self) -> None:
        """Take everything away, the data too, as `slipway down` does; it looks by tag whether anything is left."""
        take_down(self.context, (), Options(yes=True, jobs=2, delete_data=(MODEL_STORE, LEDGER)))

    def state(self, model: str | None = None) -> dict[str, Any]:
        """A stack's state."""
        found = self.engine.state(stack(self.environment, model))
        if found is None:
            raise RehearsalError(f"there is no stack {stack(self.environment, model)}")
        return found


def copied_settings(source: Path, target: Path, moto: str) -> None:
    """Copy the settings of all environments, with the key of their stacks in moto's KMS instead of Amazon's."""
    target.mkdir(exist_ok=True)
    for file in source.glob("Pulumi.*.yaml"):
        settings = yaml.safe_load(file.read_text())
        provider = settings.get("secretsprovider", "")
        if provider.startswith("awskms://"):
            settings["secretsprovider"] = f"{provider}{'&' if '?' in provider else '?'}endpoint={moto}"
        (target / file.name).write_text(yaml.safe_dump(settings, sort_keys=False))


def change_settings(folder: Path, environment: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a copied settings file as a person would."""
    file = folder / f"Pulumi.{environment}.yaml"
    settings = yaml.safe_load(file.read_text())
    change(settings["config"][CONFIG_KEY])
    file.write_text(yaml.safe_dump(settings, sort_keys=False))


@contextmanager
def timed(times: dict[str, float], name: str) -> Iterator[None]:
    """Note how long an act took."""
    started = time.monotonic()
    try:
        yield
    finally:
        times[name] = time.monotonic() - started


def pods_by_node(acts: Acts, model: ModelPlan) -> Mapping[str, str]:
    """The nodes on which a model's pods are, by pod."""
    cluster = acts.context.cluster
    selector = ",".join(f"{key}={value}" for key, value in model.selector.items())
    return {pod["metadata"]["name"]: pod["spec"].get("nodeName", "") for pod in cluster.list("Pod", selector)}

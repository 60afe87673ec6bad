"""What a kind of environment costs: the files that one touches, counted as test_counted_files.py counts.

The one that is added, `bare`, takes nothing from another kind but what the packages give to all: it has settings, a
plan, a way to run and a program of its own.
"""

import json
from pathlib import Path

import pytest
import yaml

from tests.support.source_copy import CHANGELOG, Edit, SourceCopy

KIND = [
    Edit(
        "infra/slipway/settings/bare.py",
        "",
        '''"""Define what a person may write about a cluster that somebody else runs, whose nodes are all the same."""

from typing import Literal

from pydantic import Field

from slipway.settings.base import AnySettings
from slipway.settings.kubernetes import Nodes
from slipway.settings.requirement import Requirement
from slipway.settings.values import BaseImage, Namespace, Registry
from slipway.values.quantities import Bytes, Millicores, ModelName


class BareSettings(AnySettings):
    """One environment: a cluster that somebody else runs."""

    kind: Literal["bare"] = Field(description="What the environment is: alike nodes.", examples=["bare"])
    slipway: Requirement | None = Field(default=None, description="Least version of Slipway that may work on it.")
    cluster: str = Field(description="Context of the kubeconfig.", examples=["metal"], min_length=1, max_length=253)
    namespace: Namespace = Field(description="Namespace of everything that Slipway makes.", examples=["slipway"])
    registry: Registry = Field(description="Registry that images are pushed to.", examples=["registry.example.com"])
    base_image: BaseImage = Field(description="Image that models start from.", examples=["registry.example.com/base:1"])
    nodes: Nodes = Field(description="Nodes that there are.", examples=[3])
    cpu: Millicores = Field(description="CPU of one node that is left for models.", examples=["4"])
    memory: Bytes = Field(description="Memory of one node that is left for models.", examples=["16Gi"])
    models: tuple[ModelName, ...] | None = Field(default=None, description="Models to deploy here; all by default.")

    @property
    def service_type(self) -> Literal["ClusterIP"]:
        """Inside the cluster."""
        return "ClusterIP"

    @property
    def teams(self) -> None:
        """Every model is equal."""
        return

    @property
    def signing(self) -> None:
        """Nothing is signed."""
        return
''',
    ),
    Edit(
        "infra/slipway/settings/kinds.py",
        "from slipway.settings.base import AnySettings\n",
        "from slipway.settings.bare import BareSettings\nfrom slipway.settings.base import AnySettings\n",
    ),
    Edit("infra/slipway/settings/kinds.py", '"edge": EdgeSettings}', '"edge": EdgeSettings, "bare": BareSettings}'),
    Edit(
        "infra/slipway/environments/planning/bare.py",
        "",
        '''"""Plan an environment of kind `bare`: one pool of nodes that are all the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from slipway.environments.planning.pool import Pool
from slipway.environments.planning.protocol import Charges, Planning, Refusal
from slipway.settings.bare import BareSettings


@dataclass(frozen=True, slots=True)
class BarePlanning:
    settings: BareSettings

    @property
    def pools(self) -> tuple[Pool, ...]:
        here = self.settings
        return (Pool("metal", here.nodes, here.nodes, here.cpu, here.memory, gpu=None, selector={}, taints=()),)

    @property
    def region(self) -> None:
        return

    @property
    def shared_target(self) -> tuple[str, str]:
        return self.settings.cluster, self.settings.namespace

    def image_repository(self, _: str, name: str, /) -> str:
        return f"{self.settings.registry}/slipway/{name}"

    def model_store(self, _: str, __: str, /) -> None:
        return

    @property
    def pull_secret(self) -> None:
        return

    @property
    def gateway(self) -> None:
        return

    @property
    def monitoring(self) -> None:
        return

    @property
    def runs_batches(self) -> bool:
        return False

    def charges(self, _: date, /) -> Charges | None:
        return None

    def refusals(self, _: date, /) -> Iterator[Refusal]:
        return iter(())

    @property
    def volume_terms(self) -> None:
        return

    def warnings(self, _: date, /) -> tuple[str, ...]:
        return ()


def planning_of(settings: BareSettings) -> Planning:
    return BarePlanning(settings)
''',
    ),
    Edit(
        "infra/slipway/environments/running/bare.py",
        "",
        '''"""Run an environment of kind `bare`: a cluster that somebody else runs."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from slipway.environments.planning.aws.node_groups import NodeGroup
from slipway.environments.running.pool_change import PoolChange
from slipway.environments.running.protocol import Metered, Program, Running
from slipway.values.aliases import Json, Tell
from slipway.errors.base import UserError
from slipway.loading.settings import SettingsFile
from slipway.settings.bare import BareSettings
from slipway.values.names import stack

if TYPE_CHECKING:
    from slipway.cluster.api import Cluster
    from slipway.deploy.models import Programs
    from slipway.engine.engine import Engine


class BareRunning:
    makes_cluster: ClassVar = False
    home: ClassVar = "the metal"
    data_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self, file: SettingsFile, settings: BareSettings) -> None:
        self._file = file
        self._settings = settings

    def check_account(self, *, making: bool = False) -> None:
        pass

    def connect(self) -> "Cluster":
        from slipway.cluster.api import Cluster

        return Cluster(self._settings.cluster, self._settings.namespace)

    def resume(self, engine: "Engine", stack: str, tell: Tell, *, doubted: bool) -> Json | None:
        from slipway.engine.resume import resume

        return resume(engine, stack, lambda *_: (), tell) if doubted else None

    def pool_change(self, _: "Engine") -> PoolChange:
        return PoolChange()

    def check_in_place(self, change: PoolChange) -> None:
        pass

    def rotatable(self) -> tuple[str, ...]:
        place, field = self._file.locate(("kind",))
        raise UserError(place, field, "has nodes that Slipway does not manage", "kind: aws", "ask who runs them")

    def nodes_of(self, group: NodeGroup) -> str:
        raise ValueError(group.name)

    def program(self, *_: object, adopted: bool = False) -> Program:
        from slipway.programs.bare import environment_program

        return environment_program(self._file.environment, self._settings, adopted=adopted)

    def model_programs(self) -> "Programs":
        from slipway.programs.model import programs

        return programs(self._file.environment, self._settings)

    def url(self, _: Mapping[str, Any]) -> None:
        return

    def data(self, _: Json | None) -> dict[str, str]:
        return {}

    def metered(self) -> Metered:
        return Metered()

    def check_down(self, _: Json | None) -> None:
        return

    def destroy(
        self,
        engine: "Engine",
        cluster: "Cluster | None",
        state: Json | None,
        _: Collection[str],
        tell: Tell,
    ) -> str | None:
        from slipway.deploy.down import prove_environment_gone

        engine.destroy(stack(self._file.environment), tell)
        prove_environment_gone(cluster or self.connect(), self._file.environment)
        return None


def running_of(file: SettingsFile, settings: BareSettings) -> Running:
    return BareRunning(file, settings)
''',
    ),
    Edit(
        "infra/slipway/programs/bare.py",
        "",
        '''"""The program of an environment's stack in a cluster that somebody else runs."""

from collections.abc import Callable

from slipway.components.connection import Connection, export
from slipway.components.kubernetes.environment import EnvironmentArgs, KubernetesEnvironment
from slipway.planner.environment import Plan
from slipway.render.environment import render_environment
from slipway.settings.bare import BareSettings


def environment_program(environment: str, settings: BareSettings, *, adopted: bool = False) -> Callable[[], None]:
    def run() -> None:
        manifests = render_environment(Plan(environment, settings, ()), adopted=adopted)
        KubernetesEnvironment(environment, EnvironmentArgs(settings.cluster, manifests))
        export(Connection(settings.cluster, settings.namespace, settings.registry))

    return run
''',
    ),
    Edit("templates/docs/settings/bare.md", "", "A cluster that somebody else runs.\n\n<<fields>>\n"),
    CHANGELOG,
]
BARE = """\
config:
  slipway:environment:
    kind: bare
    cluster: metal
    namespace: models
    registry: registry.example.com/team
    base_image: registry.example.com/base:bookworm-py311
    nodes: 3
    cpu: 4
    memory: 16Gi
"""


@pytest.fixture
def source(tmp_path: Path) -> SourceCopy:
    return SourceCopy(tmp_path)


def test_a_kind_of_environment_touches_seven_files_two_of_which_were_there(source: SourceCopy) -> None:
    before = source.plan()
    there = {edit.path for edit in KIND if (source.folder / edit.path).exists()}
    touched = source.apply(KIND)
    assert there == {"infra/slipway/settings/kinds.py", "CHANGELOG.md"}
    assert touched - there == {
        "infra/slipway/settings/bare.py",
        "infra/slipway/environments/planning/bare.py",
        "infra/slipway/environments/running/bare.py",
        "infra/slipway/programs/bare.py",
        "templates/docs/settings/bare.md",
    }
    assert source.generate() == {"docs/reference/settings.md", "docs/reference/schema/settings.json"}
    page = (source.folder / "docs/reference/settings.md").read_text()
    assert "or [`bare`](#kind-bare)" in page
    assert "| `cluster` | yes | text | Context of the kubeconfig. | `metal` |" in page.partition("## Kind `bare`")[2]
    assert source.plan() == before, "environments of other kinds have the same releases"


def test_an_environment_of_a_new_kind_is_planned_rendered_and_run(source: SourceCopy) -> None:
    source.apply(KIND)
    settings = source.folder / "stacks/Pulumi.metal.yaml"
    settings.write_text(BARE)
    source.well("validate")
    (model,) = json.loads(source.well("plan", "metal", "--json"))["models"]
    assert model["image"]["repository"] == "registry.example.com/team/slipway/digits"
    manifests = list(yaml.safe_load_all(source.well("render", "metal")))
    assert {manifest["metadata"].get("namespace", "models") for manifest in manifests} == {"models"}
    assert "metal" in source.well("price", "metal")
    ran = source.python(
        """
import sys
from pathlib import Path
from slipway.environments.running.kinds import running
from slipway.loading.settings import read_settings

it = running(read_settings(Path("stacks"), "metal"))
it.model_programs(), it.program()
print(it.home, "boto3" in sys.modules, "slipway.environments.running.aws" in sys.modules)
"""
    )
    assert ran.stdout == "the metal False False\n", ran.stderr
    settings.write_text(BARE.replace("kind: bare", "kind: bear"))
    wrong = source.slipway("validate")
    assert wrong.returncode == 1
    assert "Pulumi.metal.yaml:3" in wrong.stderr
    assert '"bear" is not accepted; allowed: kubernetes, aws, edge, bare; next: write bare' in wrong.stderr
    settings.write_text(BARE.replace("nodes: 3", "nodes: none"))
    assert "Pulumi.metal.yaml:8: config.slipway:environment.nodes" in source.slipway("plan", "metal").stderr

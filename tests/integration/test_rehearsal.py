"""Environments of kind aws are rehearsed whole: up, changed, killed, refused by AWS, resumed, and down to nothing.

One stage for all tests, since to set it takes longer than to bring an environment up; each test leaves nothing, or the
next one fails.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from slipway.catalog.aws import EKS_VERSIONS
from slipway.commands.changing.rotate import rotate_pool
from slipway.commands.changing.session import Options
from slipway.commands.context import Folders
from slipway.environments.planning.aws.karpenter import node_pools
from slipway.errors.base import SlipwayError
from slipway.loading.specs import load_settings
from slipway.local.plugins.aws.backend import CONTROL, JOURNAL
from slipway.local.plugins.aws.faults import Control, control
from slipway.plan.model import ModelPlan
from slipway.rehearsal import checks, leftovers
from slipway.rehearsal.acts import Acts, change_settings, copied_settings
from slipway.rehearsal.stage import Stage, stage
from slipway.settings.aws import AwsSettings
from slipway.values import names
from tests.support import rounds
from tests.support.workbench import ROOT

pytest.importorskip("moto", reason="`make .venv/.aws` brings the emulator")

_ENVIRONMENTS = ("dev", "staging", "prod")
_CHANGED = _ENVIRONMENTS if rounds.FULL else _ENVIRONMENTS[-1:]
_REPEATED = _ENVIRONMENTS if rounds.FULL else _ENVIRONMENTS[:1]
_ATTEMPTS = 40
_HOLD_LIMIT_S = 90.0
_NODES_LIMIT_S = 60.0
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def on() -> Iterator[Stage]:
    settings = load_settings(ROOT / "stacks", "prod")
    assert isinstance(settings, AwsSettings)
    with stage(settings, print) as made:
        yield made


@pytest.fixture
def play(on: Stage, tmp_path: Path) -> Iterator[Callable[..., Acts]]:
    """Start a rehearsal with copies of settings; at the end nothing of it may be left.

    What a failed test left is taken down here, so that the next one starts on an empty stage.
    """
    before = leftovers.account(on)
    started: list[Acts] = []

    def start(environment: str, models: Path = ROOT / "models", settings: Path = ROOT / "stacks") -> Acts:
        copied_settings(settings, tmp_path / "stacks", on.moto)
        started.append(Acts(on, environment, Folders(models, tmp_path / "stacks"), lambda _what, _text: None))
        return started[-1]

    yield start
    left = leftovers.account(on) - before
    if left:
        control(on.aws / CONTROL, Control())
        for acts in started:
            acts.down()
    assert left == set()


def changed(acts: Acts, change: Change) -> dict[str, int]:
    """Change the settings and run `up`: what the engine did, without what stayed."""
    change_settings(acts.folders.settings, acts.environment, change)
    return {kind: count for kind, count in acts.up().changes.items() if kind != "same"}


def nodes_of(acts: Acts, pool: str) -> int:
    """Nodes that a pool has."""
    labels = acts.stage.nodes.labels(names.cluster(acts.environment))
    return sum(found.get(names.POOL_LABEL) == pool for found in labels.values())


def most_nodes(acts: Acts, pool: str) -> int:
    """Nodes of all NodePools of a pool at their largest, which is what the stand-in makes."""
    return sum(one.max_nodes for one in node_pools(acts.settings) if one.pool == pool)


def wait_for_nodes(acts: Acts, pool: str, count: int) -> None:
    """Wait until a pool has so many nodes: the stand-in looks twice a second."""
    until = time.monotonic() + _NODES_LIMIT_S
    while (now := nodes_of(acts, pool)) != count:
        assert time.monotonic() < until, f"pool {pool} has {now} nodes, not {count}"
        time.sleep(0.2)


@pytest.mark.parametrize("environment", _CHANGED)
def test_an_environment_is_changed_in_place_and_ends_at_nothing(environment: str, play: Callable[..., Acts]) -> None:
    acts = play(environment)
    made = acts.up()
    assert set(made.changes) == {"create"}
    assert made.changes["create"] > 100
    assert acts.up().changed == 0

    pool, now = acts.settings.node_pools[-1], acts.settings.kubernetes_version
    more = {"name": "more", "instance_types": ["m7i.large"], "max_nodes": 2}

    def resize_and_add(settings: dict[str, Any]) -> None:
        settings["node_pools"][-1]["max_nodes"] = pool.max_nodes + 1
        settings["node_pools"].append(more)
        settings["teams"] = {"vision": {"priority": 100, "quota": {"cpu": "64", "gpus": 1}}, "audio": {"priority": 10}}

    wait_for_nodes(acts, pool.name, most_nodes(acts, pool.name))
    added = changed(acts, resize_and_add)
    assert set(added) == {"create", "update"}
    wait_for_nodes(acts, pool.name, pool.max_nodes + 1)
    wait_for_nodes(acts, "more", 2)

    later = min(version for version in EKS_VERSIONS if version > now)

    def remove_and_raise(settings: dict[str, Any]) -> None:
        settings["node_pools"].pop()
        settings["node_pools"][-1]["max_nodes"] = pool.max_nodes
        settings.pop("teams")
        settings["kubernetes_version"] = later

    removed = changed(acts, remove_and_raise)
    assert set(removed) == {"delete", "update"}
    assert removed["delete"] == added["create"]
    assert nodes_of(acts, "more") == 0
    wait_for_nodes(acts, pool.name, pool.max_nodes)
    assert acts.up().changed == 0

    acts.down()
    assert acts.stage.nodes.names(names.cluster(environment)) == []


def test_an_environment_comes_up_again_after_it_was_taken_down_and_takes_over_what_aws_made(
    play: Callable[..., Acts],
) -> None:
    """EKS makes the group of a cluster again whose deletion nobody prepared, such as that by hand."""
    acts, group = play("dev"), "/aws/eks/slipway-dev/cluster"
    logs = acts.stage.backend.client("logs", acts.stage.region)
    acts.up()
    acts.down()
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    logs.create_log_group(logGroupName=group)
    # moto gives a new group the tags of the deleted one.
    logs.untag_log_group(logGroupName=group, tags=list(logs.list_tags_log_group(logGroupName=group)["tags"]))
    acts.up()
    (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert found["retentionInDays"] == 90
    assert acts.up().changed == 0
    acts.down()
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_models_of_every_kind_are_scheduled_where_the_plan_says(play: Callable[..., Acts], tmp_path: Path) -> None:
    """Shared GPUs, MIG, several GPUs, Graviton, spot, one zone; the nodes are by Amazon's own figures, not by ours."""
    fixtures = ROOT / "tests" / "fixtures"
    shutil.copytree(fixtures / "repo", tmp_path / "repo")
    shutil.copytree(fixtures / "aws" / "spec", tmp_path / "repo" / "models")
    acts = play("fleet", tmp_path / "repo" / "models", fixtures / "aws" / "settings")
    acts.up()
    models = acts.context.models(())
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(acts.model_up, models))
    placed = {model.name: checks.nodes_of_model(acts, model) for model in models}
    assert len(placed) >= 12
    assert_fetched_by_a_role_of_its_own(acts, models)
    assert {model.pool.name for model in models} >= {"h100-mig", "l4-shared", "graviton", "spot", "h100"}
    acts.down()


def assert_fetched_by_a_role_of_its_own(acts: Acts, models: list[ModelPlan]) -> None:
    """Weights are in the bucket as they were planned, and nobody else has a role or a way to them."""
    (model,) = (model for model in models if model.delivery.stored is not None)
    stored = model.delivery.stored
    assert stored is not None
    bucket = acts.stage.backend.client("s3", acts.stage.region)
    for file in stored.files:
        body = bucket.get_object(Bucket=stored.store.bucket, Key=stored.store.key(file.sha256))["Body"].read()
        assert hashlib.sha256(body).hexdigest() == file.sha256
    roles = acts.stage.backend.client("iam", acts.stage.region).list_roles()["Roles"]
    of_models = [role["RoleName"] for role in roles if "-model-" in role["RoleName"]]
    assert of_models == [names.role(acts.environment, f"model-{model.name}")]
    policy = acts.context.cluster.read("NetworkPolicy", names.STORE_POLICY)
    assert policy is not None
    assert "192.0.2.0/24" not in str(policy)
    (wanted,) = policy["spec"]["podSelector"]["matchLabels"].items()
    labels = {
        pod["metadata"]["labels"]["app.kubernetes.io/name"]
        for pod in acts.context.cluster.list("Pod", "=".join(wanted))
    }
    assert labels == {model.name}


def test_the_platforms_nodes_are_rotated_and_no_model_moves(play: Callable[..., Acts]) -> None:
    acts = play("dev")
    acts.up()
    model = acts.context.models(["digits"])[0]
    acts.model_up(model)
    before = checks.nodes_of_model(acts, model)
    old = {name for name in acts.stage.nodes.names("slipway-dev") if name.startswith("system-")}

    def one_zone_less(settings: dict[str, Any]) -> None:
        for pool in settings["node_pools"]:
            pool["zones"] = settings["zones"][:1]
        settings["zones"].append("eu-central-1c")

    change_settings(acts.folders.settings, "dev", one_zone_less)
    rotate_pool(acts.context, "system", Options(yes=True, jobs=2))
    assert not old & set(acts.stage.nodes.names("slipway-dev"))
    assert checks.nodes_of_model(acts, model) == before
    acts.down()


_NETWORK = ("ec2.CreateVpc", "ec2.CreateSubnet", "eks.CreateCluster", "eks.CreateNodegroup")
_KEYS = ("kms.CreateKey", "logs.CreateLogGroup", "eks.CreatePodIdentityAssociation")
_NODES = ("eks.CreateNodegroup",)
"""Calls after each of which a run is killed: done, but the engine never hears of it. Each needs the one before."""


_KILLED = (("dev", _NETWORK), ("staging", _KEYS), ("prod", _NODES))


@pytest.mark.parametrize(("environment", "calls"), _KILLED if rounds.FULL else _KILLED[:1])
def test_a_run_that_was_killed_half_way_is_resumed_without_making_anything_twice(
    environment: str, calls: tuple[str, ...], play: Callable[..., Acts]
) -> None:
    acts = play(environment)
    for held in calls:
        killed_while(acts, held)
    acts.up()
    assert acts.up().changed == 0
    acts.down()


def killed_while(acts: Acts, held: str) -> None:
    """Run `slipway up`, and kill it and its engine, both without warning, when AWS has done `held` and not said so."""
    switch, journal = acts.stage.aws / CONTROL, acts.stage.aws / JOURNAL
    control(switch, Control(hold=held))
    slipway = Path(sys.executable).parent / "slipway"
    folders = ["--models", str(acts.folders.models), "--settings", str(acts.folders.settings)]
    run = subprocess.Popen([slipway, "up", acts.environment, "--yes", *folders], stdout=subprocess.DEVNULL)
    until, size, still = time.monotonic() + _HOLD_LIMIT_S, -1, 0.0
    while still < 2.0 or size == 0:
        assert run.poll() is None, f"slipway ended with {run.returncode} before {held}"
        assert time.monotonic() < until, f"{held} was not called"
        now = journal.stat().st_size if journal.exists() else 0
        started = children(run.pid)
        still = still + 0.1 if now == size and started else 0.0
        size = now
        time.sleep(0.1)
    for pid in (run.pid, *children(run.pid)):
        os.kill(pid, signal.SIGKILL)
    run.wait()
    control(switch, Control())


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(found) for found in listed.stdout.split()]


@pytest.mark.parametrize("environment", _REPEATED)
def test_each_tenth_call_that_fails_is_made_good_by_the_next_run(environment: str, play: Callable[..., Acts]) -> None:
    acts = play(environment)
    control(acts.stage.aws / CONTROL, Control(fail_every=10))
    try:
        ups = until_done(acts.up)
        downs = until_done(acts.down)
    finally:
        control(acts.stage.aws / CONTROL, Control())
    assert ups > 1
    assert downs > 1


def until_done(act: Callable[[], object]) -> int:
    """Repeat an act until it ends well; how often it took."""
    errors = []
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            act()
        except SlipwayError as error:
            errors.append(str(error))
        else:
            return attempt
    raise AssertionError(f"not done after {_ATTEMPTS} runs; the last said: {errors[-1]}")

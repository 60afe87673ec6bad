"""A pull request and its merge: a user's own workflows, run by act, deploy a real repository to two environments.

What GitHub, AWS and the project's own tests would do is played (tests/support/workflow_stubs); `slipway` is real,
the two environments are of the local cluster, each with image repositories of its own.
"""

import copy
import json
import re
import shutil
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.rounds import FULL
from tests.support.workbench import Workbench
from tests.support.workflow_runs import Project

pytestmark = pytest.mark.integration

TESTS = """name: ci
on: workflow_call
jobs:
  test:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - run: uv sync && .venv/bin/slipway validate
"""
"""In the place of the project's own, which would bring up a cluster of its own."""
PUSH = {"ref": "refs/heads/main"}


@dataclass
class Delivery:
    """A repository and the two environments that its main branch is deployed to, one after the other."""

    project: Project
    staging: Workbench
    prod: Workbench

    @property
    def variables(self) -> dict[str, str]:
        """The repository's, and those of both environments: act knows no environment's own."""
        staging, prod = self.staging.environment, self.prod.environment
        return {
            "SLIPWAY_RUNNERS": json.dumps({staging: "ubuntu-24.04", prod: "slipway-prod"}),
            "SLIPWAY_PROMOTE_FROM": json.dumps({staging: "", prod: staging}),
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy",
            "AWS_REGION": "eu-central-1",
        }

    def deploy(self) -> dict[str, str]:
        """Run what a push to the main branch runs; how each environment's job ended."""
        ran = self.project.run("deploy.yml", "push", PUSH, self.variables)
        return {job.split("/")[0]: result for job, result in ran.jobs.items() if job.endswith("/up")}

    def live(self) -> tuple[Any, Any]:
        """Of both environments the Deployment, for what it runs and which version of it this is."""
        return self.staging.cluster.read("Deployment", "sums"), self.prod.cluster.read("Deployment", "sums")


@pytest.fixture
def delivery(tmp_path: Path, bench: Workbench) -> Iterator[Delivery]:
    prod = Workbench(tmp_path / "prod", f"t{uuid.uuid4().hex[:8]}")
    prod.folder = bench.folder
    prod.write_settings(image_prefix=f"slipway-test/{prod.environment}/")
    project = Project.of_user(bench.folder, tmp_path / "stub")
    workflows = bench.folder / ".github/workflows"
    (workflows / "ci.yml").write_text(TESTS)
    for path in (workflows / "deploy.yml", workflows / "deploy-environment.yml"):
        text = re.sub(r"\bstaging\b", bench.environment, path.read_text())
        text = re.sub(r"\bprod\b", prod.environment, text)
        own = "vars.SLIPWAY_PROMOTE_FROM", "fromJSON(vars.SLIPWAY_PROMOTE_FROM)[inputs.environment]"
        path.write_text(text.replace(*own))
    yield Delivery(project, bench, prod)
    prod.discard()


def image_of(deployment: Any) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"]).partition("@")[2]


def test_a_pull_request_is_previewed_merged_judged_and_promoted_and_a_bad_one_ends_in_staging(
    delivery: Delivery,
) -> None:
    project, staging, prod = delivery.project, delivery.staging, delivery.prod
    staging.write("sums", 2.0)
    project.commit("Add sums")
    base = project.head

    # A pull request: the comments say what its merge would do.
    project.git("checkout", "--quiet", "-b", "three")
    staging.write("sums", 3.0)
    project.commit("Multiply by three")
    head = {"sha": project.head, "repo": {"full_name": "owner/project"}, "user": "owner", "ref": "three"}
    pull = {"number": 7, "state": "open", "head": head, "base": {"sha": base}}
    project.put({"pulls": [pull], "comments": {}, "issues": []})
    previewed = project.run("preview.yml", "pull_request", {"pull_request": pull}, delivery.variables)
    assert set(previewed.jobs.values()) == {"success"}, previewed.output
    project.git("checkout", "--quiet", "main")
    of_head = {"full_name": "owner/project", "owner": {"login": "owner"}}
    run = {"id": 1, "event": "pull_request", "conclusion": "success", "head_sha": head["sha"], "head_branch": "three"}
    commented = project.run("comment.yml", "workflow_run", {"workflow_run": run | {"head_repository": of_head}}, {})
    assert set(commented.jobs.values()) == {"success"}, commented.output
    bodies = [one["body"] for one in project.github["comments"]["7"]]
    assert "| **changed** | `sums` | `1.0.0` → `2.0.0` |" in bodies[0]
    marks = {body.splitlines()[0] for body in bodies[1:]}
    assert marks == {f"<!-- slipway-preview: {one.environment} -->" for one in (staging, prod)}
    assert all("| `new` | `sums` | `2.0.0` | `new` |" in body for body in bodies[1:])
    assert staging.cluster.read("Namespace", staging.namespace) is None

    # Its merge: built and judged in staging, then those very bytes in prod.
    project.merge("three")
    assert delivery.deploy() == {staging.environment: "success", prod.environment: "success"}
    first, second = delivery.live()
    assert image_of(first) == image_of(second)
    assert second["metadata"]["labels"]["app.kubernetes.io/version"] == "2.0.0"
    history = json.loads(prod.well("history", prod.environment, "--json"))
    assert [(one["verdict"], one["commit"]["sha"], one["commit"]["dirty"]) for one in history["entries"]] == [
        ("passed", project.head, False)
    ]
    assert staging.well("touched", staging.environment) == f"{staging.environment}: 0 of 2 stacks drifted\n"

    # A bad one: it answers wrongly in staging, where the old release stays, and prod is not touched.
    staging.write("sums", 4.0, expect=999.0)
    project.commit("Multiply by four")
    shutil.rmtree(project.stub / "artifacts")
    assert delivery.deploy() == {staging.environment: "failure"}
    after = delivery.live()
    assert image_of(after[0]) == image_of(first)
    assert after[1]["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]
    report = project.stub / f"artifacts/report-{staging.environment}/{staging.environment}.txt"
    assert "1 of 1 models failed: sums" in report.read_text()


@pytest.mark.skipif(not FULL, reason="takes minutes: with SLIPWAY_ROUNDS=full, as in `make soak`")
@pytest.mark.parametrize("lost", [signal.SIGINT, signal.SIGKILL], ids=["cancelled", "runner-lost"])
def test_what_a_run_left_that_was_cancelled_or_lost_its_runner_the_next_one_heals(
    delivery: Delivery, lost: signal.Signals
) -> None:
    project, staging, prod = delivery.project, delivery.staging, delivery.prod
    staging.write("sums", 2.0)
    project.commit("Add sums")
    assert delivery.deploy() == {staging.environment: "success", prod.environment: "success"}
    untouched = delivery.live()[1]
    staging.write("sums", 3.0)
    project.commit("Multiply by three")
    with staging.up_until("sums: updating its stack") as watched:
        watched.process.send_signal(lost)
    assert watched.returncode != 0
    assert delivery.live()[1]["metadata"]["resourceVersion"] == untouched["metadata"]["resourceVersion"]
    assert delivery.deploy() == {staging.environment: "success", prod.environment: "success"}
    first, second = delivery.live()
    assert image_of(first) == image_of(second)
    assert second["metadata"]["labels"]["app.kubernetes.io/version"] == "2.0.0"
    assert staging.well("touched", staging.environment) == f"{staging.environment}: 0 of 2 stacks drifted\n"


@pytest.mark.skipif(not FULL, reason="takes minutes: with SLIPWAY_ROUNDS=full, as in `make soak`")
def test_two_merges_at_once_both_end_well_and_the_next_run_leaves_the_newest(delivery: Delivery) -> None:
    """GitHub queues them, by `concurrency`; without that, each stack's own lock keeps them apart."""
    project, staging = delivery.project, delivery.staging
    staging.write("sums", 2.0)
    project.commit("Multiply by two")
    older = staging.folder.with_name("older")
    shutil.copytree(staging.folder, older)
    staging.write("sums", 3.0)
    project.commit("Multiply by three")
    with staging.up_until(f"{staging.environment}: updating its stack") as newest:
        beside = copy.copy(staging)
        beside.folder = older
        done = beside.up()
    assert (newest.returncode, done.returncode) == (0, 0), newest.stderr + done.stderr
    assert delivery.deploy()[staging.environment] == "success"
    assert delivery.live()[0]["metadata"]["labels"]["app.kubernetes.io/version"] == "2.0.0"

"""A pull request and its merge: a user's own workflows, run by act, deploy a real repository to two environments.

What GitHub, AWS and the project's own tests would do is played (tests/support/workflow_stubs); `slipway` is real,
the two environments are of the local cluster, each with image repositories of its own.
"""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

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


def test_a_pull_request_is_previewed_and_its_merge_deployed_to_one_environment_after_the_other(
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

    # Its merge, where `up` and `verify` of one environment end well before the next begins.
    project.merge("three")
    assert delivery.deploy() == {staging.environment: "success", prod.environment: "success"}

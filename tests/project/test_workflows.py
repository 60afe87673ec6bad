"""The GitHub workflows, ours and those that a user's project starts with: linted, of one kind, and executed."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.commands.inspecting.comment import MARKER
from slipway.local.build.pulumi_cli import VERSION as PULUMI_VERSION
from slipway.preview.markdown import marker
from tests.support.go_programs import built
from tests.support.workflow_runs import Project

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / ".github"
USERS = ROOT / "templates/project/.github"
FILES = [path for folder in (OURS, USERS) for path in sorted((folder / "workflows").glob("*.yml"))]
ZIZMOR = "zizmor==1.32.0"
SHA = "0123456789abcdef0123456789abcdef01234567"
PINNED = re.compile(r"^([\w-]+/[\w-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+) of https://github\.com/([\w-]+/[\w-]+)$")

MIRRORED = ("preview", "comment", "deploy", "deploy-environment", "look-environment", "drift", "destroy", "issue")
"""Workflows that both folders have, the same but for how Slipway gets onto the runner."""

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


def read(path: Path) -> dict[str, Any]:
    loaded = yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # `on` stays a text
    assert isinstance(loaded, dict)
    return loaded


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in read(path)["jobs"].values() for step in job.get("steps", [])]


def test_both_folders_have_their_workflows() -> None:
    names = {folder: {path.name for path in FILES if path.is_relative_to(folder)} for folder in (OURS, USERS)}
    assert names[USERS] == {f"{name}.yml" for name in ("ci", *MIRRORED)}
    assert names[OURS] == names[USERS] | {"release.yml"}


# -- linted


def test_actionlint_has_no_finding() -> None:
    program = built("actionlint", "github.com/rhysd/actionlint/cmd/actionlint")
    command = [str(program), "-no-color", *map(str, FILES)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stdout + answer.stderr


def test_actionlint_finds_what_is_wrong(tmp_path: Path) -> None:
    program = built("actionlint", "github.com/rhysd/actionlint/cmd/actionlint")
    wrong = tmp_path / "wrong.yml"
    wrong.write_text((OURS / "workflows/ci.yml").read_text().replace("timeout-minutes", "timeout"))
    answer = subprocess.run([program, str(wrong)], capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert 'unexpected key "timeout"' in answer.stdout


def zizmor(folder: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", ZIZMOR, "zizmor"]
    command += ["--offline", "--no-progress", "--format", "json", "--config", str(OURS / "zizmor.yml"), str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert answer.stdout, answer.stderr[-2000:]
    found = json.loads(answer.stdout)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("folder", [OURS, USERS], ids=["ours", "users"])
def test_zizmor_has_no_finding_but_one_exception_with_its_reason(folder: Path) -> None:
    assert [(item["ident"], item["desc"]) for item in zizmor(folder)] == []
    files = (path for path in FILES if path.is_relative_to(folder))
    ignored = re.findall(r"# zizmor: ignore\[(.*?)\](.*)", "".join(path.read_text() for path in files))
    assert [name for name, reason in ignored if len(reason) > 20] == ["dangerous-triggers"]


def test_zizmor_finds_what_is_dangerous(tmp_path: Path) -> None:
    file = tmp_path / ".github/workflows/wrong.yml"
    file.parent.mkdir(parents=True)
    text = (OURS / "workflows/preview.yml").read_text()
    file.write_text(
        text.replace("  pull_request:", "  pull_request_target:").replace("run: infra/", "run: ${{ github.head_ref }} ")
    )
    assert {"dangerous-triggers", "template-injection"} <= {item["ident"] for item in zizmor(tmp_path)}


# -- of one kind


@each_file
def test_nothing_is_permitted_that_a_job_does_not_name(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert job["permissions"], name
        assert "uses" in job or int(job["timeout-minutes"]) <= 120, name


@each_file
def test_no_workflow_reads_a_stored_secret_or_runs_a_strangers_code_with_rights(path: Path) -> None:
    assert "secrets." not in path.read_text()
    assert "pull_request_target" not in read(path)["on"]
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"
            assert "ref" not in step["with"]


@each_file
def test_every_action_is_pinned_by_commit_and_says_its_tag_and_source(path: Path) -> None:
    lines = re.findall(r"uses: (.*)", path.read_text())
    for line in lines:
        if line.startswith("./.github/workflows/"):
            assert (path.parent / Path(line).name).exists()
            continue
        found = PINNED.match(line)
        assert found is not None, line
        assert found[1] == found[4]


def test_an_action_has_one_commit_everywhere() -> None:
    pins: dict[str, set[str]] = {}
    for line in re.findall(r"uses: ([\w-]+/.*)", "".join(path.read_text() for path in FILES)):
        name, pin = line.split("@")
        pins.setdefault(name, set()).add(pin)
    assert {name: pin for name, pin in pins.items() if len(pin) > 1} == {}


def test_versions_are_those_of_the_project() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (uv,) = (package["version"] for package in lock["package"] if package["name"] == "uv")
    for step in (step for path in FILES for step in steps(path)):
        if step.get("uses", "").startswith("astral-sh/setup-uv@"):
            assert step["with"]["version"] == uv
        if step.get("uses", "").startswith("pulumi/actions@"):
            assert step["with"]["pulumi-version"] == PULUMI_VERSION


@pytest.mark.parametrize("folder", [OURS, USERS], ids=["ours", "users"])
def test_an_environment_waits_for_all_before_it_and_is_not_deployed_after_a_failure(folder: Path) -> None:
    """Read, not executed: act ends with the first job that fails, whatever the conditions of those after it say."""
    jobs = read(folder / "workflows/deploy.yml")["jobs"]
    before = ["test"]
    runners = dict.fromkeys(("dev", "staging", "prod"), "SLIPWAY_RUNNERS") | {"edge-eu": "SLIPWAY_FLEETS"}
    for name, variable in runners.items():
        needs = jobs[name]["needs"]
        assert ([needs] if isinstance(needs, str) else needs) == before
        assert jobs[name]["if"].startswith(f"${{{{ !cancelled() && !failure() && fromJSON(vars.{variable} ")
        assert jobs[name]["with"]["environment"] == name
        before = [*before, name]
    assert list(jobs) == [*before, "issue"]
    assert jobs["issue"]["needs"] == before
    assert jobs["issue"]["if"] == "${{ !cancelled() }}"


@pytest.mark.parametrize("folder", [OURS, USERS], ids=["ours", "users"])
def test_deployments_of_an_environment_queue_and_are_never_cut_off(folder: Path) -> None:
    (job,) = read(folder / "workflows/deploy-environment.yml")["jobs"].values()
    assert job["concurrency"] == {"group": "deploy-${{ inputs.environment }}", "cancel-in-progress": "false"}
    assert job["environment"] == "${{ inputs.environment }}"


@pytest.mark.parametrize("name", MIRRORED)
def test_a_users_workflow_is_ours_but_for_how_slipway_gets_there(name: str) -> None:
    ours, users = (read(folder / "workflows" / f"{name}.yml") for folder in (OURS, USERS))
    install = ("Install", "Fetch weights")
    setup = ("actions/setup-python", "astral-sh/setup-uv", "actions/checkout")
    for workflow in (ours, users):
        for job in workflow["jobs"].values():
            job["steps"] = [
                step
                for step in job.get("steps", [])
                if step.get("name") not in install and step.get("uses", "").split("@")[0] not in setup
            ]
    assert ours == users


def test_the_comment_is_found_again_by_the_mark_that_slipway_puts_on_it() -> None:
    for folder in (OURS, USERS):
        (run,) = (step["run"] for step in steps(folder / "workflows/comment.yml") if step.get("name") == "Comment")
        assert f'startswith("{MARKER.removesuffix(" -->")}")' in run
        assert marker("dev").startswith(MARKER.removesuffix(" -->"))


# -- executed


VARIABLES = {
    "SLIPWAY_RUNNERS": '{"dev": "ubuntu-24.04", "staging": "ubuntu-24.04", "prod": "slipway-prod"}',
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy",
    "AWS_REGION": "eu-central-1",
}
PUSH = {"ref": "refs/heads/main"}
LOGIN = "docker login --username AWS --password-stdin 123456789012.dkr.ecr.eu-central-1.amazonaws.com < password"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.made(tmp_path)


def github(project: Project, *, sha: str = SHA, comments: list[dict[str, Any]] | None = None) -> None:
    """Pull request 7 of a stranger's fork, beside one of ours whose branch has the same name."""
    fork = {"number": 7, "state": "open", "head": {"user": "stranger", "ref": "patch", "sha": sha}}
    ours = {"number": 8, "state": "open", "head": {"user": "owner", "ref": "patch", "sha": SHA}}
    project.put({"pulls": [ours, fork], "comments": {"7": comments or []}, "issues": []})


def commented(project: Project) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = project.github["comments"]
    return found


def finished(conclusion: str = "success", owner: str = "stranger") -> dict[str, Any]:
    head = {"full_name": f"{owner}/project", "owner": {"login": owner}}
    run = {"id": 1, "event": "pull_request", "conclusion": conclusion, "head_sha": SHA, "head_branch": "patch"}
    return {"workflow_run": run | {"head_repository": head}}


def pull_request(project: Project, owner: str = "stranger") -> dict[str, Any]:
    head = {"sha": SHA, "repo": {"full_name": f"{owner}/project"}}
    return {"pull_request": {"number": 7, "head": head, "base": {"sha": project.head}}}


def test_a_pull_request_of_a_fork_gets_one_comment_which_the_next_push_changes(project: Project) -> None:
    spec, settings = project.folder / "models/digits.yaml", project.folder / "stacks/Pulumi.dev.yaml"
    before = spec.read_text(), settings.read_text()
    spec.write_text(before[0].replace("version: 1.1.0", "version: 1.2.0"))
    preview = project.run("preview.yml", "pull_request", pull_request(project), VARIABLES)
    assert preview.jobs == {"preview/snapshot": "success"}, preview.output
    assert project.journal == [], "a stranger's code took a role, or asked an environment"
    spec.write_text(before[0])
    others = {"id": 1, "user": {"login": "stranger"}, "body": f"{MARKER} is what I write too"}
    github(project, comments=[others])
    comment = project.run("comment.yml", "workflow_run", finished(), {})
    assert comment.jobs == {"comment/comment": "success"}, comment.output
    untouched, made = commented(project)["7"]
    assert untouched == others
    assert "| **changed** | `digits` | `1.1.0` → `1.2.0` |" in made["body"]
    assert "| unchanged | `speech` |" in made["body"]

    spec.write_text(before[0].replace("runtime: onnxruntime", "runtime: onnxruntime\nnonsense: '@owner'"))
    preview = project.run("preview.yml", "pull_request", pull_request(project), VARIABLES)
    assert preview.jobs == {"preview/snapshot": "failure"}
    spec.write_text(before[0])
    comment = project.run("comment.yml", "workflow_run", finished("failure"), {})
    assert comment.jobs == {"comment/comment": "success"}, comment.output
    assert list(commented(project)) == ["7"]
    _, changed = commented(project)["7"]
    assert changed["id"] == made["id"]
    assert re.search(r"\*\*Refused: 1 finding\*\*\n\n- `models/digits.yaml:8: nonsense: unknown key", changed["body"])


def test_a_branch_of_ours_gets_a_comment_of_each_environment_that_it_reaches(project: Project) -> None:
    """By what `slipway preview` says, with a role that reads; gone again once the branch reaches it no longer."""
    branch, request = finished(owner="owner"), pull_request(project, "owner")
    settings = {name: project.folder / f"stacks/Pulumi.{name}.yaml" for name in ("dev", "prod")}
    before = {name: path.read_text() for name, path in settings.items()}
    for name, path in settings.items():
        path.write_text(re.sub(r"monthly_usd: (\d+)", r"monthly_usd: \g<1>1", before[name]))
    preview = project.run("preview.yml", "pull_request", request, VARIABLES)
    assert set(preview.jobs.values()) == {"success"}, preview.output
    asked = [line for line in project.journal if line.startswith("slipway ")]
    assert sorted(asked) == ["slipway preview dev --markdown", "slipway preview prod --markdown"]
    github(project)
    comment = project.run("comment.yml", "workflow_run", branch, {})
    assert comment.jobs == {"comment/comment": "success"}, comment.output
    bodies = [one["body"] for one in commented(project)["8"]]
    assert bodies[0].startswith(f"{MARKER}\n")
    assert bodies[1:] == [f"<!-- slipway-preview: {name} -->\nsaid by preview {name}\n" for name in ("dev", "prod")]
    ids = [one["id"] for one in commented(project)["8"]]

    shutil.rmtree(project.stub / "artifacts/live-prod")
    comment = project.run("comment.yml", "workflow_run", branch, {})
    assert comment.jobs == {"comment/comment": "success"}, comment.output
    assert [one["id"] for one in commented(project)["8"]] == ids[:2]


def test_what_a_fork_says_about_an_environment_is_not_written(project: Project) -> None:
    """Its code can hand on any artifact: text is taken from branches of this repository alone."""
    github(project)
    head = {"format": 1, "environments": [], "refused": []}
    for name, text in (("preview/head.json", json.dumps(head)), ("live-dev/dev.md", "@owner")):
        path = project.stub / "artifacts" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    comment = project.run("comment.yml", "workflow_run", finished(), {})
    assert comment.jobs == {"comment/comment": "success"}, comment.output
    (only,) = commented(project)["7"]
    assert only["body"].startswith(f"{MARKER}\n")
    assert "@owner" not in only["body"]


def test_a_snapshot_of_a_commit_that_its_branch_has_left_is_not_commented_on(project: Project) -> None:
    github(project, sha="f" * 40)
    (project.stub / "artifacts/preview").mkdir(parents=True)
    head = {"format": 1, "environments": [], "refused": []}
    (project.stub / "artifacts/preview/head.json").write_text(json.dumps(head))
    comment = project.run("comment.yml", "workflow_run", finished(), {})
    assert comment.jobs == {"comment/comment": "success"}, comment.output
    assert "nothing to comment on" in comment.output
    assert commented(project) == {"7": []}


def test_what_is_no_snapshot_is_not_commented(project: Project) -> None:
    github(project)
    (project.stub / "artifacts/preview").mkdir(parents=True)
    (project.stub / "artifacts/preview/head.json").write_text('{"format": 1, "body": "@owner"}')
    comment = project.run("comment.yml", "workflow_run", finished(), {})
    assert comment.jobs == {"comment/comment": "failure"}
    assert "is no snapshot" in comment.output
    assert commented(project) == {"7": []}


def deployed(environment: str) -> list[str]:
    """What a deployment that goes well does, in order."""
    calls = (f"up {environment} --yes", f"verify {environment}", f"status {environment}")
    return [f"role {VARIABLES['AWS_ROLE_ARN']}", LOGIN, *(f"slipway {call}" for call in calls)]


def test_a_merge_is_tested_and_deployed_to_dev_then_staging_then_prod(project: Project) -> None:
    ran = project.run("deploy.yml", "push", PUSH, VARIABLES)
    assert set(ran.jobs.values()) == {"success"}, ran.output
    assert project.journal == ["tests", *deployed("dev"), *deployed("staging"), *deployed("prod")]


def test_an_environment_that_is_not_named_is_left_out_and_the_next_is_deployed(project: Project) -> None:
    ran = project.run("deploy.yml", "push", PUSH, VARIABLES | {"SLIPWAY_RUNNERS": '{"prod": "slipway-prod"}'})
    assert set(ran.jobs.values()) == {"success"}, ran.output
    assert project.journal == ["tests", *deployed("prod")]


def test_a_fleet_is_deployed_by_no_role_on_a_runner_of_its_own_variable(project: Project) -> None:
    variables = {"SLIPWAY_FLEETS": '{"edge-eu": "ubuntu-24.04"}'}
    ran = project.run("deploy.yml", "push", PUSH, variables)
    assert set(ran.jobs.values()) == {"success"}, ran.output
    assert project.journal == ["tests", *(line for line in deployed("edge-eu") if line.startswith("slipway "))]


def test_without_the_variable_nothing_is_deployed(project: Project) -> None:
    ran = project.run("deploy.yml", "push", PUSH, {})
    assert project.journal == ["tests"], ran.output


@pytest.mark.parametrize(
    ("fails", "done"),
    [
        ("slipway up dev --yes", [*deployed("dev")[:3], "slipway status dev"]),
        ("slipway verify staging", [*deployed("dev"), *deployed("staging")]),
    ],
)
def test_a_failure_ends_the_deployment_of_its_environment_but_for_the_status(
    project: Project, fails: str, done: list[str]
) -> None:
    ran = project.run("deploy.yml", "push", PUSH, VARIABLES, fails)
    assert "failure" in ran.jobs.values(), ran.output
    assert project.journal == ["tests", *done]


def test_images_are_promoted_where_the_environment_says_from_where(project: Project) -> None:
    variables = VARIABLES | {"SLIPWAY_RUNNERS": '{"prod": "slipway-prod"}', "SLIPWAY_PROMOTE_FROM": "staging"}
    ran = project.run("deploy.yml", "push", PUSH, variables)
    assert set(ran.jobs.values()) == {"success"}, ran.output
    role, login, *rest = deployed("prod")
    assert project.journal == ["tests", role, login, "slipway promote staging prod --yes", *rest]


CALLER = """on: push
jobs:
  issue:
    uses: ./.github/workflows/issue.yml
    with:
      workflow: deploy
      results: '{}'
"""


def told(project: Project, **results: str) -> list[dict[str, Any]]:
    """Have issue.yml told what became of jobs, as deploy.yml and drift.yml tell it; the issues that there are then."""
    jobs = {name: {"result": result, "outputs": {}} for name, result in results.items()}
    (project.folder / ".github/workflows/caller.yml").write_text(CALLER.format(json.dumps(jobs)))
    ran = project.run("caller.yml", "push", PUSH, {})
    assert set(ran.jobs.values()) == {"success"}, ran.output
    found: list[dict[str, Any]] = project.github["issues"]
    return found


def test_a_deployment_that_fails_opens_one_issue_which_the_next_that_goes_well_closes(project: Project) -> None:
    ran = project.run("deploy.yml", "push", PUSH, VARIABLES, "slipway up staging --yes")
    assert "failure" in ran.jobs.values(), ran.output
    (issue,) = told(project, test="success", dev="success", staging="failure", prod="skipped")
    assert (issue["title"], issue["state"]) == ("deploy failed", "open")
    assert "| `staging` | failure |" in issue["body"]
    assert "said by up staging\nsaid by status staging" in issue["body"]

    # Then the runner is lost: nothing was handed on, and the job counts as failed.
    shutil.rmtree(project.stub / "artifacts")
    (again,) = told(project, test="success", dev="failure", staging="skipped", prod="skipped")
    assert again["number"] == issue["number"]
    assert "`dev` left no report" in again["body"]

    (same,) = told(project, test="success", dev="cancelled", staging="skipped", prod="skipped")
    assert same == again
    (closed,) = told(project, test="success", dev="success", staging="success", prod="success")
    assert (closed["number"], closed["state"]) == (issue["number"], "closed")
    (new, _) = sorted(told(project, dev="failure"), key=lambda one: -one["number"])
    assert (new["state"], new["number"] == issue["number"]) == ("open", False)


def test_each_environment_that_is_named_is_looked_at_for_drift(project: Project) -> None:
    runners = '{"dev": "ubuntu-24.04", "prod": "slipway-prod"}'
    ran = project.run("drift.yml", "schedule", {}, VARIABLES | {"SLIPWAY_RUNNERS": runners})
    assert set(ran.jobs.values()) == {"success"}, ran.output
    role = f"role {VARIABLES['AWS_ROLE_ARN']}"
    assert sorted(project.journal) == sorted([role, "slipway touched dev", role, "slipway touched prod"])
    assert project.github["issues"] == []


def test_what_has_drifted_is_handed_to_the_issue(project: Project) -> None:
    variables = VARIABLES | {"SLIPWAY_RUNNERS": '{"dev": "ubuntu-24.04"}'}
    ran = project.run("drift.yml", "schedule", {}, variables, "slipway touched dev")
    assert "failure" in ran.jobs.values(), ran.output
    assert (project.stub / "artifacts/report-dev/dev.txt").read_text() == "said by touched dev\n"


def test_an_environment_is_destroyed_by_its_own_role_and_its_name_twice(project: Project) -> None:
    document = {"inputs": {"environment": "dev", "confirm": "dve"}}
    ran = project.run("destroy.yml", "workflow_dispatch", document, VARIABLES)
    assert set(ran.jobs.values()) == {"success"}, ran.output
    assert project.journal == [f"role {VARIABLES['AWS_ROLE_ARN']}", "slipway down dev --confirm dve"]
    for folder in (OURS, USERS):
        (job,) = read(folder / "workflows/destroy.yml")["jobs"].values()
        assert job["environment"] == "${{ inputs.environment }}-destroy"


def test_a_users_project_is_deployed_to_a_cluster_of_the_runner_and_verified(tmp_path: Path) -> None:
    project = Project.made(tmp_path, USERS)
    ran = project.run("ci.yml", "pull_request", pull_request(project), {})
    assert ran.jobs == {"ci/test": "success"}, ran.output
    inside = "slipway local run -- .venv/bin/slipway"
    assert project.journal == ["slipway local up", f"{inside} up local --yes", f"{inside} verify local"]


def test_a_users_project_that_is_refused_is_not_deployed(tmp_path: Path) -> None:
    project = Project.made(tmp_path, USERS)
    (project.folder / "models/digits.yaml").write_text("name: digits\n")
    ran = project.run("ci.yml", "pull_request", pull_request(project), {})
    assert ran.jobs == {"ci/test": "failure"}
    assert "models/digits.yaml:1: " in ran.output
    assert project.journal == []


VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def tagged(version: str) -> dict[str, Any]:
    return {"ref": f"refs/tags/v{version}"}


def with_notes(project: Project, version: str) -> None:
    (project.folder / "CHANGELOG.md").write_text(
        f"# Changelog\n\n## Unreleased\n\n- Later.\n\n## {version} - 2026-12-01\n\n- First.\n\n## 0.0.1\n\n- Before.\n"
    )


@pytest.mark.parametrize("publish", [True, False])
def test_a_tag_becomes_a_release_and_is_published_only_where_that_is_switched_on(
    project: Project, publish: bool
) -> None:
    with_notes(project, VERSION)
    variables = {"PUBLISH_TO_PYPI": "true"} if publish else {}
    ran = project.run("release.yml", "push", tagged(VERSION), variables, wheel=VERSION)
    assert set(ran.jobs.values()) == {"success"}, ran.output
    tried = [f"bare slipway {call} in elsewhere" for call in ("--version", "init", "validate", "plan local")]
    create = f"gh release create v{VERSION} dist/slipway.tar.gz dist/slipway.whl --verify-tag --title v{VERSION}"
    released = [f"{create} --notes-file notes.md", "", "- First.", ""]
    published = ["uv publish dist/slipway.tar.gz dist/slipway.whl"] if publish else []
    assert [line.strip() for line in project.journal] == [
        *("tests", "uv build", "uv pip dist/slipway.whl"),
        *(tried + released + published),
    ]


@pytest.mark.parametrize(
    ("tag", "notes", "wheel", "said"),
    [
        ("9.9.9", "9.9.9", "9.9.9", f"the tag is v9.9.9, the version {VERSION}"),
        (VERSION, "9.9.9", VERSION, f"it has no section '## {VERSION}'"),
        (VERSION, VERSION, "9.9.9", "Failure - Main Try the wheel"),
    ],
)
def test_a_release_is_refused_that_is_not_what_its_tag_says(
    project: Project, tag: str, notes: str, wheel: str, said: str
) -> None:
    with_notes(project, notes)
    ran = project.run("release.yml", "push", tagged(tag), {"PUBLISH_TO_PYPI": "true"}, wheel=wheel)
    assert ran.jobs["release/build"] == "failure"
    assert said in ran.output
    assert not any(line.startswith(("gh release", "uv publish")) for line in project.journal)

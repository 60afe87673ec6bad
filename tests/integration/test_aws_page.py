"""docs/how-to/aws.md is walked by a reader: every command that is not marked runs, as a process, in a rehearsal.

The reader has an account, a domain and administrators of his own, and writes them wherever the page and its files have
an example. His state is in the bucket that the page has him make, under its key.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.cluster.api import Cluster
from slipway.loading.settings import CONFIG_KEY
from slipway.loading.specs import load_settings
from slipway.rehearsal import leftovers
from slipway.rehearsal.acts import copied_settings
from slipway.rehearsal.stage import Stage, stage
from slipway.settings.aws import AwsSettings
from slipway.values import names
from tests.support.pages import Command, Edit, steps
from tests.support.workbench import ROOT

pytest.importorskip("moto", reason="`make .venv/.aws` brings the emulator")

PAGE = (ROOT / "docs/how-to/aws.md").read_text()
BOOTSTRAP, WALK = "Bootstrap, once per account", "Once round, with `stacks/Pulumi.dev.yaml`"
READER = {
    "123456789012": "210987654321",
    "models.example.com": "models.reader.example",
    "role/ml-platform": "role/readers-platform",
}
"""What the reader writes for what the page and the files have."""
_LIMIT_S = 600


@dataclass
class Reader:
    """Somebody at a shell in a folder of his own. `ran`: what he ran, without blanks and comments."""

    on: Stage
    folder: Path
    environ: dict[str, str]
    given: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def run(self, command: Command) -> None:
        """Run a command as the page has it, with what is his; its exit code has to be the one that the page says."""
        text = mine(command)
        for placeholder, value in self.given.items():
            text = text.replace(placeholder, value)
        if text.startswith("export "):
            name, _, value = text.removeprefix("export ").partition("=")
            self.environ[name] = value
            return
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode == command.code, f"{text}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        self.ran.append(plain(command))
        if "kms create-key" in text:
            self.given["KEY_ID"] = json.loads(done.stdout)["KeyMetadata"]["KeyId"]

    def write(self, edit: Edit) -> None:
        """Write lines into a file, where the page says."""
        file = self.folder / edit.file
        document: dict[str, Any] = yaml.safe_load(file.read_text())
        of = document["config"][CONFIG_KEY] if edit.file.startswith("stacks/") else document
        if edit.pool is not None:
            (of,) = (pool for pool in of["node_pools"] if pool["name"] == edit.pool)
        for key, value in yaml.safe_load(edit.text).items():
            of[key] = of[key] | value if isinstance(of.get(key), dict) else value
        file.write_text(yaml.safe_dump(document, sort_keys=False))

    def pools_of(self, model: str) -> set[str]:
        """The pools on whose nodes a model's pods are."""
        kubeconfig = json.loads(self.on.plane.kubeconfig.read_text())
        cluster = Cluster(kubeconfig["current-context"], "slipway", kubeconfig)
        labels = self.on.nodes.labels(names.cluster("dev"))
        pods = cluster.list("Pod", f"app.kubernetes.io/name={model}")
        return {labels[pod["spec"]["nodeName"]][names.POOL_LABEL] for pod in pods}


def mine(command: Command) -> str:
    """A command for the reader's own environment, which is `dev` also where the page's example is `prod`."""
    text = command.text if command.section == WALK else command.text.replace("prod", "dev")
    return of_reader(text)


def plain(command: Command) -> str:
    """That without the answer to its question: `slipway up dev` is `slipway up dev --yes` at a terminal."""
    return mine(command).removesuffix(" --yes")


def of_reader(text: str) -> str:
    for example, own in READER.items():
        text = text.replace(example, own)
    return text


def brought(folder: Path) -> None:
    """The files of the repository that the page speaks of, with what is the reader's written into them."""
    shutil.copytree(ROOT / "models", folder / "models")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    for name in ("stacks", "docs/how-to/aws"):
        (folder / name).mkdir(parents=True)
        for file in (ROOT / name).iterdir():
            text = of_reader(file.read_text())
            (folder / name / file.name).write_text(text.replace("prod", "dev") if name.startswith("docs") else text)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    folder = tmp_path / "repository"
    folder.mkdir()
    brought(folder)
    settings = load_settings(folder / "stacks", "dev")
    assert isinstance(settings, AwsSettings)
    with stage(settings, lambda _text: None) as on:
        copied_settings(folder / "stacks", folder / "stacks", on.moto)
        environ = dict(os.environ)
        # The state is where the page says: `pulumi login` decides.
        del environ["PULUMI_BACKEND_URL"]
        environ["PATH"] = os.pathsep.join([environ["PATH"], str(Path(sys.executable).parent)])
        # The page makes the key of the state and the role that deploys, which a rehearsal has from the beginning.
        on.backend.client("kms", on.region).delete_alias(AliasName="alias/slipway-state")
        on.backend.client("iam", on.region).delete_role(RoleName="deploy-slipway-dev")
        reader = Reader(on, folder, environ)
        # Pulumi's own client of S3 heeds no variable that says where S3 is.
        at = f"region={on.region}&endpoint={on.moto}&s3ForcePathStyle=true&disableSSL=true"
        reader.given[f"?region={on.region}'"] = f"?{at}'"
        yield reader


def test_every_command_of_the_page_that_is_not_marked_runs_in_a_rehearsal(reader: Reader) -> None:
    todo = [step for step in steps(PAGE) if isinstance(step, Edit) or not step.marked]
    walk = [step for step in todo if step.section == WALK]
    downs = [step for step in walk if isinstance(step, Command) and step.text.startswith("slipway down")]
    for step in todo:
        if isinstance(step, Command) and step.section == BOOTSTRAP:
            reader.run(step)
    before = leftovers.account(reader.on)
    for step in walk:
        if isinstance(step, Edit):
            reader.write(step)
        elif step not in downs:
            reader.run(step)
            if step.text == "slipway verify dev speech":
                assert reader.pools_of("speech") == {"gpu-t4"}
    for step in todo:
        if isinstance(step, Command) and plain(step) not in reader.ran and not is_down(step):
            reader.run(step)
    for step in downs:
        assert isinstance(step, Command)
        reader.run(step)
    assert leftovers.account(reader.on) - before == set()
    assert reader.on.nodes.names(names.cluster("dev")) == []


def is_down(step: Command) -> bool:
    """Whether it takes the environment down, which the walk does at its end."""
    return step.text.startswith("slipway down")

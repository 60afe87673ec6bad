"""Set the stage of a rehearsal: moto, the stand-ins, a control plane, and the variables by which all are found.

Everything is of this rehearsal alone: another home of Pulumi, another kubeconfig, credentials that nobody has. Nothing
of it reaches AWS, and nothing the environment that `make up` brings up.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.local.host.steps import Report
from slipway.local.plugins.aws.backend import KEPT, Backend
from slipway.local.plugins.aws.nodes import Nodes
from slipway.rehearsal import aws_command, control_plane
from slipway.rehearsal.control_plane import ControlPlane
from slipway.rehearsal.processes import Children, RehearsalError
from slipway.settings.aws import AwsSettings

NOTICE = (
    "This is a rehearsal, not AWS: moto keeps what AWS would keep, nodes and pods are kwok's on a real API server, "
    "charts and images are checked and not installed."
)
_START_LIMIT_S = 120.0
_STATE_KEY = "alias/slipway-state"
POLICIES = tuple(
    Path("docs", "how-to", "aws", f"{name}.json")
    for name in ("deploy-policy", "deploy-managed-policy", "deploy-nodes-policy", "deploy-bastion-policy")
)
"""What the role that deploys may do; from Slipway's own repository, in which a rehearsal is started."""


@dataclass(frozen=True)
class Stage:
    """A stage that is set.

    `aws`: the state of the stand-in for pulumi-aws. `releases`: the file of the Helm releases that are kept.
    """

    folder: Path
    moto: str
    region: str
    account: str
    aws: Path
    releases: Path
    plane: ControlPlane
    variables: Mapping[str, str]

    @property
    def nodes(self) -> Nodes:
        """The nodes of the control plane."""
        return Nodes(self.plane.kubeconfig)

    @property
    def backend(self) -> Backend:
        """A look at moto, beside the stand-in."""
        return Backend(self.folder / "look", self.moto)


@contextlib.contextmanager
def stage(settings: AwsSettings, report: Report) -> Iterator[Stage]:
    """Set the stage for an environment; take it down at the end, whatever happened. Sets this process's variables.

    `report` gets how programs are built that are not there yet. Raises RehearsalError, and LocalError where one cannot
    be.
    """
    folder = Path(tempfile.mkdtemp(prefix="slipway-rehearsal-"))
    try:
        (folder / "logs").mkdir()
        with Children(folder / "logs") as children:
            made = _set(settings, folder, children, report)
            with _variables(made.variables):
                yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _set(settings: AwsSettings, folder: Path, children: Children, report: Report) -> Stage:
    if shutil.which("pulumi") is None:
        raise RehearsalError("there is no pulumi on PATH; `make rehearse` brings one, or `slipway local run -- ...`")
    plane = control_plane.start(folder / "control-plane", children, report)
    aws, releases = folder / "aws", folder / "releases.json"
    found = {aws_command.KUBECONFIG: str(plane.kubeconfig), aws_command.KEPT: str(aws / KEPT)}
    _python(
        children,
        "aws",
        ["slipway.local.plugins.aws", "--state", str(aws), *_policies()],
        {**os.environ, **found, "MOTO_ACCOUNT_ID": settings.account},
    )
    moto = str(_said(children, "aws")["moto"])
    found[aws_command.MOTO] = moto
    found["PATH"] = os.pathsep.join([str(_commands(folder)), os.environ.get("PATH", os.defpath)])
    _python(
        children,
        "kubernetes",
        ["slipway.rehearsal.kubernetes_provider", "--state", str(releases), "--aws", str(aws / KEPT)],
        {**os.environ, **found},
    )
    # Karpenter's: it says nothing of itself, since nobody has to reach it.
    pools = ["slipway.local.plugins.aws.node_pools", "--state", str(folder / "pools"), "--moto", moto]
    _python(children, "nodes", [*pools, "--region", settings.region], {**os.environ, **found})
    _start_beside(children, folder, plane, moto)
    ports = {name: int(_said(children, name)["port"]) for name in ("aws", "kubernetes", "docker")}
    found |= _prepare_account(Backend(folder / "look", moto), settings)
    return Stage(
        folder,
        moto,
        settings.region,
        settings.account,
        aws,
        releases,
        plane,
        _of_engine(folder, moto, settings, ports) | found,
    )


def _start_beside(children: Children, folder: Path, plane: ControlPlane, moto: str) -> None:
    """Start what stands in beside the cluster: for Docker, for the pods of models, for the gateway's controller."""
    images = folder / "images"
    images.mkdir()
    _python(
        children, "docker", ["slipway.rehearsal.docker_engine", "--moto", moto, "--images", str(images)], os.environ
    )
    of = ["--kubeconfig", str(plane.kubeconfig)]
    files = ["--socket", str(plane.pods), "--images", str(images), "--folder", str(folder / "pods")]
    _python(children, "pods", ["slipway.rehearsal.pods", *of, *files], os.environ)
    _said(children, "pods")
    _python(children, "gateway", ["slipway.rehearsal.gateway_controller", *of], os.environ)


def _policies() -> list[str]:
    """The arguments by which calls are judged. Raises RehearsalError where the policies are not."""
    missing = [str(file) for file in POLICIES if not file.is_file()]
    if missing:
        raise RehearsalError(f"{missing[0]} is missing: a rehearsal starts in the folder of Slipway's own repository")
    return [word for file in POLICIES for word in ("--policy", str(file))]


def _of_engine(folder: Path, moto: str, settings: AwsSettings, ports: Mapping[str, int]) -> dict[str, str]:
    """What the engine, Slipway and the clients of AWS and Docker are told."""
    (folder / "backend").mkdir()
    (folder / "docker").mkdir()
    (folder / "kubeconfig").write_text('{"apiVersion": "v1", "kind": "Config", "contexts": []}')
    return {
        "PULUMI_BACKEND_URL": f"file://{folder}/backend",
        "PULUMI_HOME": f"{folder}/pulumi",
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DEBUG_PROVIDERS": f"aws:{ports['aws']},kubernetes:{ports['kubernetes']}",
        "DOCKER_HOST": f"tcp://127.0.0.1:{ports['docker']}",
        "DOCKER_CONFIG": f"{folder}/docker",
        "KUBECONFIG": f"{folder}/kubeconfig",
        "AWS_ENDPOINT_URL": moto,
        "AWS_REGION": settings.region,
        "AWS_DEFAULT_REGION": settings.region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _prepare_account(backend: Backend, settings: AwsSettings) -> dict[str, str]:
    """What is in the account before the first `up`: the key of the state, and the administrators' roles.

    Returns the credentials of a session of the first, as variables: the cluster lets no others in.
    """
    aws = backend.aws(settings.region, "the account before the rehearsal")
    key = aws.call("kms", "create_key")["KeyMetadata"]["KeyId"]
    aws.call("kms", "create_alias", AliasName=_STATE_KEY, TargetKeyId=key)
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    for role in settings.administrators:
        path, _, name = role.partition(":role")[2].rpartition("/")
        aws.call("iam", "create_role", RoleName=name, Path=f"{path}/", AssumeRolePolicyDocument=trust)
    first = settings.administrators[0]
    session = aws.call("sts", "assume_role", RoleArn=first, RoleSessionName="rehearsal")["Credentials"]
    names = {"ACCESS_KEY_ID": "AccessKeyId", "SECRET_ACCESS_KEY": "SecretAccessKey", "SESSION_TOKEN": "SessionToken"}
    return {f"AWS_{name}": str(session[key]) for name, key in names.items()}


def _commands(folder: Path) -> Path:
    """A folder for PATH with the stand-in for the command `aws`."""
    commands = folder / "bin"
    commands.mkdir()
    program = commands / "aws"
    # -S -E: nothing but the standard library is needed, and every connection to the cluster waits for this.
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {aws_command.__file__} "$@"\n')
    program.chmod(0o755)
    return commands


def _python(children: Children, name: str, arguments: list[str], env: Mapping[str, str]) -> None:
    children.start(name, [sys.executable, "-m", *arguments], env)


def _said(children: Children, name: str) -> dict[str, Any]:
    """The line of JSON with which a stand-in says where it is."""
    said: dict[str, Any] = {}

    def heard() -> bool:
        for line in children.tail(name).splitlines():
            if line.startswith("{"):
                said.update(json.loads(line))
        return bool(said)

    children.wait_until(f"the stand-in {name}", _START_LIMIT_S, heard)
    return said


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process, which the engine and the SDKs read, and set them back."""
    before = dict(os.environ)
    os.environ.update(variables)
    # Of the machine's own environment of Docker or AWS nothing may shine through.
    for name in ("AWS_PROFILE", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

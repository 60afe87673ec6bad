"""The rehearsal's stand-ins for Docker with ECR, and for the command `aws`, as Slipway uses them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from slipway.components.image.build import ImageBuilder
from slipway.components.image.build_context import planned_context
from slipway.errors.images import RegistryFailed
from slipway.local.plugins.aws import consistency
from slipway.local.plugins.aws.backend import Aws, Backend
from slipway.local.plugins.aws.moto_server import moto
from slipway.rehearsal import aws_command

_ECR = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with moto() as url:
        yield Backend(tmp_path_factory.mktemp("state"), url).aws("eu-central-1", "urn")


@pytest.fixture
def docker(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ImageBuilder]:
    argv = [
        sys.executable,
        "-m",
        "slipway.rehearsal.docker_engine",
        "--moto",
        aws.backend.endpoint,
        "--images",
        str(tmp_path),
    ]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        port = json.loads(engine.stdout.readline())["port"]
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        yield ImageBuilder()
        engine.terminate()


def test_an_image_is_pushed_once_and_found_by_its_tag(aws: Aws, docker: ImageBuilder) -> None:
    aws.call("ecr", "create_repository", repositoryName="slipway/one", imageTagMutability="IMMUTABLE")
    reference = f"{_ECR}/slipway/one:1"
    assert docker.pushed(reference) is None
    digest = docker.build_and_push(
        reference, planned_context([], lambda: "FROM scratch"), lambda _: None, "linux/amd64"
    )
    assert digest.startswith("sha256:")
    assert docker.pushed(reference) == digest
    with pytest.raises(RegistryFailed, match="AlreadyExistsException"):
        docker.build_and_push(reference, planned_context([], lambda: "FROM other"), lambda _: None, "linux/amd64")


def test_a_push_to_a_repository_that_is_not_there_is_refused(docker: ImageBuilder) -> None:
    with pytest.raises(RegistryFailed, match="RepositoryNotFoundException"):
        docker.build_and_push(
            f"{_ECR}/slipway/none:1", planned_context([], lambda: "FROM scratch"), lambda _: None, "linux/amd64"
        )


def test_images_of_other_registries_are_said_to_be_there(docker: ImageBuilder) -> None:
    base = "public.ecr.aws/docker/library/python:3.11-slim-bookworm"
    assert docker.pinned(base).startswith("public.ecr.aws/docker/library/python@sha256:")


def give_access(folder: Path, ago: timedelta) -> None:
    """Write down, as the stand-in for AWS does, that somebody was let in to the cluster some time ago."""
    record = {"slipway-test:arn#policy": {"at": (datetime.now(UTC) - ago).isoformat()}}
    (folder / "kept.json").write_text(json.dumps({consistency.ACCESS_POLICY: record}))


@pytest.fixture
def cluster(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps({"users": [{"user": {"token": "of-the-rehearsal"}}]}))
    monkeypatch.setenv(aws_command.KUBECONFIG, str(kubeconfig))
    monkeypatch.setenv(aws_command.MOTO, aws.backend.endpoint)
    monkeypatch.setenv(aws_command.KEPT, str(tmp_path / "kept.json"))
    give_access(tmp_path, timedelta(minutes=1))
    if "slipway-test" not in aws.call("eks", "list_clusters")["clusters"]:
        role = "arn:aws:iam::123456789012:role/x"
        aws.call("eks", "create_cluster", name="slipway-test", roleArn=role, resourcesVpcConfig={})


@pytest.mark.usefixtures("cluster")
def test_a_credential_is_given_for_a_cluster_that_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--region", "eu-central-1", "eks", "get-token", "--cluster-name", "slipway-test", "--output", "json"]
    assert aws_command.main(asked) == 0
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["kind"] == "ExecCredential"
    assert said["status"] == {"token": "of-the-rehearsal"}


@pytest.mark.usefixtures("cluster")
def test_the_cluster_does_not_know_who_was_let_in_a_moment_ago(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert timedelta(seconds=consistency.KNOWN_AFTER_S) == aws_command.KNOWN_AFTER
    asked = ["--region", "eu-central-1", "eks", "get-token", "--cluster-name", "slipway-test", "--output", "json"]
    give_access(tmp_path, aws_command.KNOWN_AFTER / 2)
    assert aws_command.main(asked) == 0
    assert json.loads(capsys.readouterr().out)["status"]["token"] != "of-the-rehearsal"


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(("name", "region"), [("other", "eu-central-1"), ("slipway-test", "us-east-1")])
def test_no_credential_is_given_for_another_cluster(name: str, region: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert aws_command.main(["eks", "get-token", "--cluster-name", name, "--region", region]) == 254
    assert f"no cluster {name} in {region}" in capsys.readouterr().err


def test_any_other_command_is_the_aws_cli_and_what_it_makes_is_in_moto(aws: Aws) -> None:
    environ = {
        **os.environ,
        "AWS_ENDPOINT_URL": aws.backend.endpoint,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "of-nobody",
        "AWS_SECRET_ACCESS_KEY": "of-nobody",
    }
    made = [sys.executable, "-S", "-E", aws_command.__file__, "iam", "create-role", "--role-name", "by-hand"]
    given = ["--assume-role-policy-document", '{"Version": "2012-10-17", "Statement": []}']
    done = subprocess.run([*made, *given], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "by-hand" in [role["RoleName"] for role in aws.call("iam", "list_roles")["Roles"]]
    wrong = [*made[:5], "make-role"]
    assert subprocess.run(wrong, env=environ, capture_output=True, timeout=60, check=False).returncode == 2

"""A model promoted from one environment of the local cluster to another, with a repository of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.local.docker.registry import ADDRESS
from slipway.registry.client import RepositoryClient
from slipway.registry.repository import Repository
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

NO_DOCKER = {"DOCKER_HOST": "tcp://127.0.0.1:1"}
"""Whoever builds, or only looks for something to build, fails."""


@pytest.fixture
def following(tmp_path: Path, bench: Workbench) -> Iterator[Workbench]:
    """A second environment of the bench's folder, whose images are in repositories of their own."""
    workbench = Workbench(tmp_path / "following", f"t{uuid.uuid4().hex[:8]}")
    workbench.folder = bench.folder
    workbench.write_settings(image_prefix=f"slipway-test/{workbench.environment}/")
    yield workbench
    workbench.discard()


def image_of(workbench: Workbench, model: str) -> str:
    deployment = workbench.cluster.read("Deployment", model)
    assert deployment is not None
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def manifest_of(image: str) -> bytes:
    repository, _, digest = image.partition("@")
    return RepositoryClient(Repository.of(repository)).manifest(digest).data


def test_the_image_that_was_judged_is_the_one_that_runs_next(bench: Workbench, following: Workbench) -> None:
    path = bench.write("digits")
    promote = ("promote", bench.environment, following.environment, "digits", "--yes")

    early = bench.run(*promote)
    assert (early.returncode, "model digits: is not live" in early.stderr) == (1, True), early.stderr

    up = bench.up()
    assert up.returncode == 0, up.stderr
    promoted = bench.run(*promote, environ=NO_DOCKER)
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    first, second = image_of(bench, "digits"), image_of(following, "digits")
    assert second.startswith(f"{ADDRESS}/slipway-test/{following.environment}/digits@")
    assert first.partition("@")[2] == second.partition("@")[2]
    assert manifest_of(first) == manifest_of(second)
    assert f"both run {first.partition('@')[2]}" in promoted.stdout
    assert "names only" in promoted.stderr

    again = bench.run(*promote, environ=NO_DOCKER)
    assert (again.returncode, "nothing to do" in again.stdout) == (0, True), again.stderr

    following.write_settings(base_image="127.0.0.1:5000/slipway/base:other")
    other = bench.run(*promote)
    assert (other.returncode, "makes another base image" in other.stderr) == (1, True), other.stderr

    path.write_text(path.read_text().replace("1.0.0", "1.1.0"))
    newer = bench.run(*promote)
    assert (newer.returncode, "the files here plan" in newer.stderr) == (1, True), newer.stderr
    assert image_of(following, "digits") == second

"""`slipway base-image` on the real registry, asked by the real Docker Engine; and what a rebuilt base leads to."""

import io
import os
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests

from slipway.loading.base_image import VARIABLE
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

REGISTRY = "127.0.0.1:5000"
ACCEPT = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}


class Base:
    """An image under one tag of the local registry, which a push moves."""

    def __init__(self) -> None:
        self.name = f"slipway-test/{uuid.uuid4().hex[:8]}"
        self.tagged = f"{REGISTRY}/{self.name}:1"
        self._docker = docker.from_env()
        self._digests: list[str] = []

    def push(self, text: str, on: str = "scratch") -> str:
        """Push an image with one file more than the one that it stands on; gives the registry's digest."""
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            for name, data in (("Dockerfile", f"FROM {on}\nCOPY file /file\n".encode()), ("file", text.encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        context.seek(0)
        self._docker.images.build(fileobj=context, custom_context=True, tag=self.tagged)
        self._docker.images.push(self.tagged)
        answer = requests.head(f"http://{REGISTRY}/v2/{self.name}/manifests/1", headers=ACCEPT, timeout=10)
        self._digests.append(answer.headers["Docker-Content-Digest"])
        return self._digests[-1]

    def remove(self) -> None:
        for digest in self._digests:
            requests.delete(f"http://{REGISTRY}/v2/{self.name}/manifests/{digest}", timeout=10)
        self._docker.images.remove(self.tagged, force=True)
        self._docker.close()


@pytest.fixture
def base() -> Iterator[Base]:
    made = Base()
    yield made
    made.remove()


def test_the_registrys_digest_is_shown_and_written_when_the_tag_has_moved(tmp_path: Path, base: Base) -> None:
    first = base.push("first")
    bench = Workbench(tmp_path / "repo", "moved")
    bench.write_settings(base_image=base.tagged)
    file = bench.folder / "stacks" / "Pulumi.moved.yaml"
    file.write_text(f"# ours\n{file.read_text()}# the end\n")
    assert first in bench.well("base-image", "moved")
    assert f"base_image: {base.tagged}@{first}" in file.read_text()
    pinned = file.read_text()
    assert "is what the registry has" in bench.well("base-image", "moved", "--check")

    second = base.push("second")
    assert second != first
    told = bench.run("base-image", "moved", "--check")
    assert told.returncode == 1
    assert "base_image: " in told.stderr
    assert f"is not what the registry has; allowed: {second}; next: run slipway base-image moved" in told.stderr
    assert file.read_text() == pinned
    bench.well("base-image", "moved")
    assert file.read_text() == pinned.replace(first, second)


def test_an_image_that_is_not_there_is_one_message(tmp_path: Path, base: Base) -> None:
    base.push("first")
    bench = Workbench(tmp_path / "repo", "gone")
    bench.write_settings(base_image=f"{REGISTRY}/{base.name}:2")
    told = bench.run("base-image", "gone")
    assert told.returncode == 2
    assert told.stderr.startswith(f"registry of {REGISTRY}/{base.name}:2: there is no such image; next: ")


def test_a_base_image_that_was_made_anew_is_a_new_release_and_serves(bench: Workbench, base: Base) -> None:
    bench.write_settings(base_image=base.tagged)
    bench.write("once")
    former = base.push("first", on=os.environ[VARIABLE])
    assert "1 of 1 models to deploy" in rolled(bench, base, former)
    assert "0 of 1 models to deploy" in rolled(bench, base, former)
    anew = base.push("second", on=os.environ[VARIABLE])
    assert anew != former
    assert "1 of 1 models to deploy" in rolled(bench, base, anew)


def rolled(bench: Workbench, base: Base, digest: str) -> str:
    """Bring the environment up with a base image of this digest, and well."""
    done = bench.up(environ={VARIABLE: f"{base.tagged}@{digest}"})
    assert done.returncode == 0, done.stderr
    return done.stderr

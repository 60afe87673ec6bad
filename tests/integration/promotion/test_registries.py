"""Images copied between the registry of the local environment and another one, both Debian's docker-registry."""

import base64
import json
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.errors.images import CopyFailed
from slipway.local.docker.registry import ADDRESS
from slipway.registry.client import RepositoryClient
from slipway.registry.copying import copy_image, digest_there
from slipway.registry.repository import Repository
from tests.support.registries import PASSWORD, USER, docker_registry

pytestmark = pytest.mark.integration

BASE = f"{ADDRESS}/slipway/base"
TAG = "bookworm-py311"


@pytest.fixture(scope="module")
def base() -> str:
    """An image that is there, by digest: the base image of the local environment."""
    digest = digest_there(f"{BASE}:{TAG}")
    assert digest is not None
    return f"{BASE}@{digest}"


@pytest.fixture
def closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A registry that asks for a password, which Docker's configuration has."""
    docker = tmp_path / "docker"
    docker.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(docker))
    with docker_registry(tmp_path / "registry", login=True) as address:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (docker / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
        yield address


def manifest_of(image: str) -> bytes:
    name, _, reference = image.partition("@") if "@" in image else image.rpartition(":")
    return RepositoryClient(Repository.of(name)).manifest(reference).data


def quiet(_: str) -> None:
    """Tell nobody."""


def test_another_registry_with_a_login_gets_the_very_bytes(base: str, closed: str) -> None:
    target = f"{closed}/prod/base:copied"
    assert copy_image(base, target, quiet) == base.partition("@")[2]
    assert manifest_of(target) == manifest_of(base)
    back = f"{ADDRESS}/slipway/tests/promoted-{uuid.uuid4().hex[:8]}:back"
    copy_image(f"{closed}/prod/base@{digest_there(target)}", back, quiet)
    assert manifest_of(back) == manifest_of(base)


def test_a_second_copy_sends_no_blob(base: str, closed: str) -> None:
    copy_image(base, f"{closed}/prod/base:one", quiet)
    said: list[str] = []
    copy_image(base, f"{closed}/prod/base:two", said.append)
    assert said == []
    assert digest_there(f"{closed}/prod/base:two") == digest_there(f"{BASE}:{TAG}")


def test_without_the_login_nothing_is_copied(base: str, closed: str, tmp_path: Path) -> None:
    (tmp_path / "docker" / "config.json").write_text("{}")
    with pytest.raises(CopyFailed, match="its login may be missing"):
        copy_image(base, f"{closed}/prod/base:copied", quiet)


def test_within_one_registry_blobs_are_mounted(base: str) -> None:
    said: list[str] = []
    target = f"{ADDRESS}/slipway/tests/promoted-{uuid.uuid4().hex[:8]}:here"
    copy_image(base, target, said.append)
    assert said == []
    assert manifest_of(target) == manifest_of(base)


def test_a_signature_comes_along_where_no_registry_lists_referrers(base: str, closed: str) -> None:
    """Debian's registry has no referrers API: what refers to an image stands under a tag of its digest."""
    digest = base.partition("@")[2]
    name = Repository.of(f"{ADDRESS}/slipway/tests/signed-{uuid.uuid4().hex[:8]}")
    copy_image(base, f"{name}:signed", quiet)
    config = RepositoryClient(name).manifest(digest).value["config"]
    image = {"mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": digest, "size": 1}
    signature = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.example.signature",
        "config": config | {"mediaType": "application/vnd.oci.image.config.v1+json"},
        "layers": [],
        "subject": image,
    }
    data = json.dumps(signature).encode()
    put(f"{name.url}/manifests/signature", signature["mediaType"], data)
    stored = RepositoryClient(name).manifest("signature")
    entry = {"mediaType": stored.media_type, "digest": stored.digest, "size": len(data)}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry],
    }
    tag = digest.replace(":", "-")
    put(f"{name.url}/manifests/{tag}", index["mediaType"], json.dumps(index).encode())

    copy_image(f"{name}@{digest}", f"{closed}/prod/base:copied", quiet)

    target = RepositoryClient(Repository.of(f"{closed}/prod/base"))
    assert target.manifest(stored.digest).data == data
    listed = target.manifest(tag).value["manifests"]
    assert [one["digest"] for one in listed] == [stored.digest]


def put(url: str, media_type: object, data: bytes) -> None:
    request = urllib.request.Request(url, data, {"Content-Type": str(media_type)}, method="PUT")
    with urllib.request.urlopen(request, timeout=20) as response:
        assert response.status == 201

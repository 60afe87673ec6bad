"""Which image an index names for a platform, and what the base of an image for another machine is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.components.image.build import ImageBuilder
from slipway.errors.images import BaseOfOtherPlatform, ImageMissing
from slipway.registry.platforms import _with_host, of_platform
from tests.support.fake_docker import FakeDocker, served
from tests.support.fake_registry import IMAGE, INDEX, FakeRegistry, digest_of, entry, registry


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with registry() as fake:
        yield fake


def index(kept: FakeRegistry) -> tuple[str, dict[str, str]]:
    """An image for two platforms, as an attestation stands beside it: by its index, and the digests by platform."""
    images = {name: kept.image("base", layers=(name.encode(),)) for name in ("amd64", "arm64")}
    listed: list[dict[str, Any]] = [
        entry(data, IMAGE, platform={"os": "linux", "architecture": name}) for name, data in images.items()
    ]
    attestation = entry(images["amd64"], IMAGE, platform={"os": "unknown", "architecture": "unknown"})
    value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [attestation, *listed]}
    named = f"{kept.host}/base@{digest_of(kept.put_manifest('base', value, '1'))}"
    return named, {name: digest_of(data) for name, data in images.items()}


def test_an_index_names_the_image_of_a_platform(kept: FakeRegistry) -> None:
    named, digests = index(kept)
    assert of_platform(named, "linux/arm64") == f"{kept.host}/base@{digests['arm64']}"
    with_tag = named.replace("/base@", "/base:1@")
    assert of_platform(with_tag, "linux/amd64") == f"{kept.host}/base@{digests['amd64']}"


def test_an_image_alone_is_itself(kept: FakeRegistry) -> None:
    image = f"{kept.host}/base@{digest_of(kept.image('base'))}"
    assert of_platform(image, "linux/arm64") == image


def test_an_index_without_the_platform_is_said(kept: FakeRegistry) -> None:
    with pytest.raises(ImageMissing, match="has no image for linux/riscv64"):
        of_platform(index(kept)[0], "linux/riscv64")


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("python", "docker.io/library/python"),
        ("team/base", "docker.io/team/base"),
        ("localhost/base", "localhost/base"),
        ("localhost:5000/base", "localhost:5000/base"),
        ("public.ecr.aws/docker/library/python", "public.ecr.aws/docker/library/python"),
    ],
)
def test_a_name_without_a_host_is_docker_hubs(name: str, host: str) -> None:
    assert _with_host(name) == host


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, kept: FakeRegistry) -> Iterator[FakeDocker]:
    fake = FakeDocker()
    with served(fake) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        yield fake


def test_what_is_built_for_another_machine_stands_on_that_ones_image_of_the_base(
    kept: FakeRegistry, engine: FakeDocker
) -> None:
    """By the index's own digest an Engine that built for itself before builds on its own image again."""
    named, digests = index(kept)
    engine.images.add(named)
    engine.platforms = [{"os": "linux", "architecture": name} for name in digests]
    assert ImageBuilder().base(named, "linux/amd64") == named
    assert ImageBuilder().base(named, "linux/arm64") == f"{kept.host}/base@{digests['arm64']}"


def test_a_base_for_other_machines_is_refused_before_anything_is_built(kept: FakeRegistry, engine: FakeDocker) -> None:
    image = f"{kept.host}/base@{digest_of(kept.image('base'))}"
    engine.images.add(image)
    engine.platforms = [{"os": "linux", "architecture": "amd64"}]
    with pytest.raises(BaseOfOtherPlatform, match="is for linux/amd64, and an image for linux/arm64 is to stand on it"):
        ImageBuilder().base(image, "linux/arm64")
    assert engine.builds == []

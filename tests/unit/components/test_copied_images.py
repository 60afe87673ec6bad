"""Images of others are copied once, by their tag, and never asked for again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.components.image.planned import copied_image_args
from slipway.errors.images import ImageMissing
from tests.support.fake_registry import FakeRegistry, digest_of, registry


@pytest.fixture(autouse=True)
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture
def theirs() -> Iterator[FakeRegistry]:
    with registry() as fake:
        yield fake


@pytest.fixture
def ours() -> Iterator[FakeRegistry]:
    with registry() as fake:
        yield fake


def test_an_image_is_copied_by_its_tag_and_then_stays_whatever_the_tag_names(
    theirs: FakeRegistry, ours: FakeRegistry
) -> None:
    manifest = theirs.image("kedacore/keda", "2.20.1")
    source, target = f"{theirs.host}/kedacore/keda:2.20.1", f"{ours.host}/slipway/prod/platform/kedacore/keda:2.20.1"
    args = copied_image_args(source, target)
    assert (args.repository, args.tag) == (target.rpartition(":")[0], "2.20.1")
    assert args.digest() is None
    assert args.ensure(lambda _: None) == digest_of(manifest) == args.digest()
    theirs.image("kedacore/keda", "2.20.1", layers=(b"moved",))
    assert args.ensure(lambda _: None) == digest_of(manifest)


def test_an_image_that_is_not_there_is_named(theirs: FakeRegistry, ours: FakeRegistry) -> None:
    args = copied_image_args(f"{theirs.host}/kedacore/keda:9.9.9", f"{ours.host}/a/keda:9.9.9")
    with pytest.raises(ImageMissing, match=r"kedacore/keda: .*has no image 9\.9\.9"):
        args.ensure(lambda _: None)

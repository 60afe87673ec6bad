"""`up` deletes expired images of models that were judged right, and of no others."""

import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from slipway.aws.images import StoredImage
from slipway.commands.changing.deploying import recorder_of
from slipway.commands.changing.expiry import delete_expired_images
from slipway.commands.context import EnvironmentContext
from slipway.deploy.models import ModelResult
from slipway.errors.base import SlipwayError
from slipway.errors.failures import AwsRefused
from tests.support.releases import deployed, planned, release_of
from tests.unit.expiry.test_needed import entry
from tests.unit.expiry.test_rule import image

LEAST = planned()


class Images:
    """A registry that keeps one image for whoever goes back."""

    keep = 1

    def __init__(self) -> None:
        self.there = [image(number) for number in range(5)]
        self.deleted: list[str] = []
        self.held: list[bool] = []
        self.refuses = False

    def stored(self, model: str) -> list[StoredImage]:
        self.held.append(("Lease", f"{model}-deploying") in self.cluster.objects)
        return self.there

    def delete(self, _: str, digests: Sequence[str]) -> list[str]:
        if self.refuses:
            raise AwsRefused("ecr", "batch_delete_image", "AccessDenied")
        self.deleted += digests
        self.there = [one for one in self.there if one.digest not in digests]
        return []

    cluster: Any = None


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Images:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    made = Images()
    made.cluster = deployed(LEAST)
    return made


def context(images: Images | None, cluster: Any) -> EnvironmentContext:
    running = SimpleNamespace(image_store=images)
    folders = SimpleNamespace(models=Path("models"))
    found = SimpleNamespace(name="local", running=running, cluster=cluster, folders=folders, promotion=None)
    return cast(EnvironmentContext, found)


def right() -> ModelResult:
    return ModelResult("least", "1.0.0", kept=release_of(LEAST))


def expire(images: Images, *done: ModelResult) -> list[str]:
    said: list[str] = []
    where = context(images, images.cluster)
    delete_expired_images(where, done, lambda model, text: said.append(f"{model}: {text}"), threading.Event())
    return said


def test_old_images_go_once_a_newer_release_was_judged_right(images: Images) -> None:
    kept = entry(1)
    recorder_of(context(images, images.cluster)).store.write(kept)
    assert expire(images, right()) == ["least: 3 expired images deleted"]
    assert images.deleted == ["sha256:3", "sha256:2", "sha256:0"]  # 4 is the newest, 1 in the history


def test_they_are_looked_for_while_nobody_else_deploys_the_model(images: Images) -> None:
    expire(images, right())
    assert set(images.held) == {True}
    assert ("Lease", "least-deploying") not in images.cluster.objects


def test_a_model_that_failed_or_was_not_touched_keeps_its_images(images: Images) -> None:
    expire(images, ModelResult("least", "1.0.0", error=SlipwayError("no")))
    assert (images.deleted, images.held) == ([], [])


def test_a_history_that_cannot_be_read_keeps_them_all(
    images: Images, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = recorder_of(context(images, images.cluster)).store
    kept = entry(1)
    store.write(kept)
    (file,) = tmp_path.rglob(f"{kept.id}.json")
    file.write_text("{}")
    expire(images, right())
    assert images.deleted == []
    assert "no expired image was deleted" in capsys.readouterr().err


def test_a_registry_that_refuses_fails_no_deployment(images: Images, capsys: pytest.CaptureFixture[str]) -> None:
    images.refuses = True
    expire(images, right())
    assert "warning: least: no expired image was deleted" in capsys.readouterr().err


def test_nothing_is_deleted_where_others_may_use_the_repositories(images: Images) -> None:
    delete_expired_images(context(None, images.cluster), [right()], lambda *_: None, threading.Event())
    assert images.held == []


def test_a_signature_goes_after_its_image(images: Images) -> None:
    images.there = [image(number) for number in range(5)]
    live, dead = images.there[4], images.there[0]
    pushed = images.there[0].pushed
    signed = [StoredImage("of the live", (), pushed, live.digest), StoredImage("of the dead", (), pushed, dead.digest)]
    images.there += signed
    expire(images, right())
    assert images.deleted[-1] == "of the dead"
    assert images.deleted.index(dead.digest) < images.deleted.index("of the dead")
    assert "of the live" not in images.deleted

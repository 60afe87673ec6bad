"""What is put into the record of a model that keeps samples never sends them elsewhere, nor gives it other Secrets."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.deploy.restorable import Owner, problems
from slipway.plan.release import Release
from slipway.render.model import placeholder_image, render_model
from tests.support.planned import capture_plan

MODEL = capture_plan("kept").find("some", Path())
IMAGE = placeholder_image(MODEL)
RELEASE = Release(
    MODEL.name, MODEL.version, MODEL.release_digest, IMAGE, tuple(render_model(MODEL, IMAGE)), MODEL.check
)
OWNER = Owner.of(MODEL)
Parts = dict[str, dict[str, Any]]


def found(release: Release, owner: Owner = OWNER) -> list[str]:
    return list(problems(release, owner, [owner.repository]))


def changed(change: Callable[[Parts], None]) -> Release:
    manifests = copy.deepcopy(RELEASE.manifests)
    change({one["kind"]: one for one in manifests})
    return replace(RELEASE, manifests=manifests)


def told(parts: Parts, **store: Any) -> None:
    """Change where the configuration has samples go."""
    config = json.loads(parts["ConfigMap"]["data"]["server.json"])
    config["capture"]["store"] |= store
    parts["ConfigMap"]["data"]["server.json"] = json.dumps(config)


def sources(parts: Parts) -> list[dict[str, Any]]:
    volumes = parts["Deployment"]["spec"]["template"]["spec"]["volumes"]
    (volume,) = (one for one in volumes if one["name"] == "capture")
    listed: list[dict[str, Any]] = volume["projected"]["sources"]
    return listed


def test_a_release_that_keeps_samples_is_restored() -> None:
    assert found(RELEASE) == []
    assert found(changed(lambda parts: told(parts, prefix="slipway/_capture/90d/some"))) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: told(parts, bucket="theirs"),
        lambda parts: told(parts, endpoint="http://10.9.9.9:9000"),
        lambda parts: told(parts, prefix="slipway/_capture/7d/another"),
        lambda parts: sources(parts)[0]["secret"].update(name="capture-keys"),
        lambda parts: sources(parts)[1]["secret"].update(name="keys-database"),
        lambda parts: sources(parts).append({"secret": {"name": "capture-keys"}}),
    ],
    ids=["bucket", "endpoint", "model", "private-key", "another-secret", "one-more"],
)
def test_what_no_release_of_the_model_has_is_refused(change: Callable[[Parts], None]) -> None:
    assert found(changed(change))


def test_nothing_is_kept_where_the_environment_takes_no_samples() -> None:
    assert OWNER.store is not None
    store = replace(OWNER.store, samples=None, samples_secret=None)
    assert found(RELEASE, replace(OWNER, store=store))

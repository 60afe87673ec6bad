"""A recorded release fetches from the model's own store, each file under its own digest, or is not restored."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.deploy.restorable import Owner, problems
from slipway.plan.release import Release
from tests.support.planned import delivery_plan, traced_plan
from tests.support.releases import release_of

MODEL = delivery_plan("stored").find("fetched", Path())
OWNER = Owner.of(MODEL)
RELEASE = release_of(MODEL)


def found(release: Release, owner: Owner = OWNER) -> list[str]:
    return list(problems(release, owner, [owner.repository]))


def changed(change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Release:
    """The release after a change of its init container and of its NetworkPolicy."""
    manifests = copy.deepcopy(RELEASE.manifests)
    by_kind = {one["kind"]: one for one in manifests}
    change(by_kind["Deployment"]["spec"]["template"]["spec"]["initContainers"][0], by_kind["NetworkPolicy"])
    return replace(RELEASE, manifests=manifests)


def told(container: dict[str, Any], **values: Any) -> None:
    """Change what the init container is told to fetch."""
    (variable,) = (one for one in container["env"] if one["name"] == "SLIPWAY_WEIGHTS")
    variable["value"] = json.dumps(json.loads(variable["value"]) | values)


def test_a_release_whose_weights_are_fetched_is_restored() -> None:
    assert found(RELEASE) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda container, _: told(container, bucket="others"),
        lambda container, _: told(container, endpoint="http://10.9.9.9:9000"),
        lambda container, _: told(container, files=[{"name": "a", "key": "other", "size": 1, "sha256": "0" * 64}]),
        lambda container, _: container["env"][2]["valueFrom"]["secretKeyRef"].update(name="keys-signing"),
        lambda container, _: container.update(command=["python3", "-c", "pass"]),
        lambda container, _: container["env"][0].update(value="/tmp"),
        lambda container, _: container.update(image="127.0.0.1:5000/other@sha256:" + "0" * 64),
        lambda _, policy: policy["spec"]["egress"].append({}),
        lambda _, policy: policy["spec"].update(egress=[{}]),
    ],
)
def test_what_no_release_of_the_model_fetches_is_refused(
    change: Callable[[dict[str, Any], dict[str, Any]], None],
) -> None:
    assert found(changed(change))


def test_nothing_is_fetched_where_the_environment_has_no_store() -> None:
    assert found(RELEASE, replace(OWNER, store=None))


def test_a_release_may_send_spans_where_its_environment_sends_them_and_nowhere_else() -> None:
    model = traced_plan().find("fetched", Path())
    owner, release = Owner.of(model), release_of(model)
    assert owner.tracing is not None
    assert found(release, owner) == []
    for other in (None, replace(owner.tracing, namespace="others"), replace(owner.tracing, http_port=443)):
        assert found(release, replace(owner, tracing=other))


def test_a_release_from_before_its_environment_traced_is_restored() -> None:
    tracing = Owner.of(traced_plan().find("fetched", Path())).tracing
    assert tracing is not None
    assert found(RELEASE, replace(OWNER, tracing=tracing)) == []

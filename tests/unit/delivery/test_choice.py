"""Weights travel as the spec says, else by their size; a release names what it fetches, others stay as they were."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.artifacts.onnx import Artifact
from slipway.delivery.choice import LARGE, delivery_of, refuse_deliveries
from slipway.environments.planning.model_store import ModelStore, egress_to
from slipway.errors.base import UserErrors
from slipway.loading.specs import load_environment
from slipway.plan.model import ModelPlan
from slipway.runtimes.registry import RUNTIMES
from tests.support.planned import FIXTURES, delivery_plan, fixture_plan

STORE = ModelStore("models", "us-east-1", None, "", None, egress_to(None))
RUNTIME = RUNTIMES["onnxruntime"]


def fetched(environment: str = "stored") -> ModelPlan:
    return delivery_plan(environment).find("fetched", Path())


def sized(size: int) -> Artifact:
    """Weights of which nothing but the size matters."""
    _, specs = load_environment(FIXTURES / "delivery/settings", "stored", FIXTURES / "delivery/spec", FIXTURES / "repo")
    return replace(next(one for one in specs if one.name == "carried").base.artifact, size=size)


@pytest.mark.parametrize(
    ("size", "store", "way"), [(LARGE - 1, STORE, "image"), (LARGE, STORE, "store"), (LARGE, None, "image")]
)
def test_large_weights_are_fetched_where_there_is_a_store(size: int, store: ModelStore | None, way: str) -> None:
    spec = delivery_plan("stored").find("carried", Path()).spec
    assert delivery_of(spec, sized(size), store, RUNTIME).way == way


def test_weights_that_are_smaller_than_their_runtime_stay_in_the_image() -> None:
    spec = delivery_plan("stored").find("carried", Path()).spec

    class Heavy(type(RUNTIME)):  # type: ignore[misc]
        image_bytes = 8 * LARGE

    assert delivery_of(spec, sized(4 * LARGE), STORE, Heavy()).way == "image"


def test_the_manifests_name_every_digest_that_is_fetched() -> None:
    stored = fetched().delivery.stored
    assert stored is not None
    told = json.loads(stored.wanted())
    assert [one["sha256"] for one in told["files"]] == [file.sha256 for file in stored.files]
    assert told["files"][0]["key"] == f"slipway/stored/sha256/{stored.files[0].sha256}"


def test_on_aws_a_model_fetches_below_its_own_name_by_its_own_role() -> None:
    stored = fetched("account").delivery.stored
    assert stored is not None
    assert stored.store.key("0" * 64) == f"fetched/sha256/{'0' * 64}"
    assert stored.store.secret is None


def test_other_weights_are_another_release() -> None:
    from slipway.planner.environment import release_digest  # noqa: PLC0415

    model = fetched()
    stored = model.delivery.stored
    assert stored is not None
    others = replace(stored, files=tuple(replace(file, sha256="f" * 64) for file in stored.files))
    assert release_digest(replace(model, delivery=replace(model.delivery, stored=others))) != model.release_digest


def test_an_image_without_weights_is_the_same_for_all_weights() -> None:
    files = [file.image_path for file in fetched().image.files]
    assert not [path for path in files if path.endswith(".onnx")]


def test_a_store_that_nothing_fetches_from_changes_no_release() -> None:
    settings, specs = load_environment(
        FIXTURES / "delivery/settings", "stored", FIXTURES / "delivery/spec", FIXTURES / "repo"
    )
    from slipway.planner.environment import plan  # noqa: PLC0415
    from tests.support.planned import CODE  # noqa: PLC0415

    without = settings.model_copy(update={"model_store": None})
    carried = [one for one in specs if one.name == "carried"]
    digests = {plan("stored", here, carried, CODE).models[0].release_digest for here in (settings, without)}
    assert len(digests) == 1


def test_delivery_by_a_store_that_is_not_there_is_refused_with_what_to_add() -> None:
    settings, specs = load_environment(
        FIXTURES / "delivery/settings", "stored", FIXTURES / "delivery/spec", FIXTURES / "repo"
    )
    with pytest.raises(UserErrors) as refused:
        refuse_deliveries("stored", settings.model_copy(update={"model_store": None}), specs, None)
    assert "needs a model store" in str(refused.value)
    assert "add model_store" in str(refused.value)


def test_a_store_by_its_address_is_all_that_a_pod_reaches() -> None:
    assert egress_to("http://10.1.2.3:9000") == (
        {"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], "ports": [{"port": 9000, "protocol": "TCP"}]},
    )
    assert fixture_plan("local").models[0].delivery.stored is None

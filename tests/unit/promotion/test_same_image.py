"""What of a model's image differs between two environments, wherever their registries are."""

from dataclasses import replace
from typing import Any

from slipway.plan.model import ModelPlan
from slipway.promotion.same_image import image_differences
from tests.support.releases import planned

LEAST = planned()


def elsewhere(**runtime: Any) -> ModelPlan:
    """The plan of another environment, with repositories and tags of its own; `runtime` changes the image below."""
    below = replace(LEAST.image.runtime, repository="prod.example.com/runtime", tag="1" * 16, **runtime)
    image = replace(LEAST.image, repository="prod.example.com/least", tag="2" * 16, below=below, inputs_digest="3" * 64)
    return replace(LEAST, environment="prod", image=image)


def found(second: ModelPlan, first: ModelPlan = LEAST) -> list[tuple[str, str, str]]:
    return [(one.what, one.first, one.second) for one in image_differences(first, second)]


def test_names_of_repositories_make_no_other_image() -> None:
    assert found(elsewhere()) == []


def test_an_architecture_is_a_difference() -> None:
    assert found(elsewhere(architecture="arm64")) == [("architecture", "amd64", "arm64")]


def test_a_base_image_is_compared_by_its_digest_where_both_have_one() -> None:
    one, other = (f"{registry}/base:1@sha256:{'a' * 64}" for registry in ("here.example.com", "prod.example.com"))
    first = replace(LEAST, image=replace(LEAST.image, below=replace(LEAST.image.runtime, base_image=one)))
    assert found(elsewhere(base_image=other), first) == []
    newer = other.replace("a" * 64, "b" * 64)
    assert found(elsewhere(base_image=newer), first) == [("base image", one, newer)]
    assert found(elsewhere(base_image="prod.example.com/base:1"), first) == [
        ("base image", one, "prod.example.com/base:1")
    ]


def test_weights_are_compared_by_their_bytes() -> None:
    there = elsewhere()
    weights, *others = there.image.files
    changed = replace(weights, digests={"": "f" * 64})
    assert LEAST.spec.artifact is not None
    source = LEAST.spec.artifact.source
    assert found(replace(there, image=replace(there.image, files=(changed, *others)))) == [("weights", source, source)]


def test_another_runtime_is_told_as_such_alone() -> None:
    there = elsewhere(requirements_digest="other")
    assert found(replace(there, spec=there.spec.model_copy(update={"runtime": "other"}))) == [
        ("runtime", "onnxruntime", "other")
    ]

"""Compare what a model's image is made of in two environments.

Its tag does not tell: it follows from the name of the runtime image, too, and each environment on AWS has its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from slipway.plan.model import ModelPlan
from slipway.plan.release import digest_of


@dataclass(frozen=True, slots=True)
class Difference:
    """A part that differs. `path` leads to the field that says it: of the settings, or else of the model's spec."""

    what: str
    path: tuple[str | int, ...]
    of_settings: bool
    first: str
    second: str


def image_differences(first: ModelPlan, second: ModelPlan) -> Iterator[Difference]:
    """The parts of a model's image that differ between two environments; none: it is the same image."""
    if first.image.own is not None and second.image.own is not None:
        yield from _of_own(first, second)
        return
    if first.spec.runtime != second.spec.runtime:
        yield Difference("runtime", ("runtime",), False, first.spec.runtime, second.spec.runtime)
    if first.image.own is not None or second.image.own is not None:
        return
    one, other = first.image.runtime, second.image.runtime
    if one.architecture != other.architecture:
        path = ("resources", "architecture")
        yield Difference("architecture", path, False, one.architecture, other.architecture)
    if not _same_base(one.base_image, other.base_image):
        yield Difference("base image", ("base_image",), True, one.base_image, other.base_image)
    made_of = [[one.requirements_digest, _files(first)], [other.requirements_digest, _files(second)]]
    if first.spec.runtime == second.spec.runtime and made_of[0] != made_of[1]:
        ours, theirs = _source(first), _source(second)
        yield Difference("weights", ("artifact", "source"), False, ours, theirs)


def _of_own(first: ModelPlan, second: ModelPlan) -> Iterator[Difference]:
    """Of images that bring their own servers."""
    for what, path, of in (
        ("architecture", ("resources", "architecture"), lambda model: model.spec.resources.architecture),
        ("image", ("custom",), lambda model: digest_of(model.image.own.made_of)[:16]),
        ("weights", ("artifact", "source"), lambda model: digest_of(_files(model))[:16]),
    ):
        if of(first) != of(second):
            yield Difference(what, path, False, of(first), of(second))


def _source(model: ModelPlan) -> str:
    """Where the weights are; a pipeline has none, so that its images differ by the server's code alone."""
    return model.spec.artifact.source if model.spec.artifact is not None else "none"


def _same_base(one: str, other: str) -> bool:
    """By digest where both are by digest: it may be in a registry for each."""
    digests = [image.partition("@")[2] for image in (one, other)]
    return digests[0] == digests[1] if all(digests) else one == other


def _files(model: ModelPlan) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(file.image_path, sorted(file.digests.items())) for file in model.image.files]

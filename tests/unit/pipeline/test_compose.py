"""Stages go together exactly when every value has somebody who gives it, of a type and shape that is taken."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from slipway_server.values.pipeline import PipelineSection
from slipway_server.values.signature import Signature, Tensor

from slipway.pipeline.compose import Uncomposable, compose
from slipway.spec.pipeline import MODELS_MOST, Pipeline

IMAGE = Tensor("image", "FP32", (None, 1, 8, 8))
LABEL = Tensor("label", "INT64", (None,))
SCORES = Tensor("scores", "FP32", (None, 10))


def model(inputs: list[Tensor], outputs: list[Tensor]) -> Signature:
    return Signature(tuple(inputs), tuple(outputs), {})


MEMBERS = {
    "crop": model([Tensor("photo", "UINT8", (None, None, None, 3))], [IMAGE, Tensor("found", "BOOL", (None,))]),
    "digits": model([IMAGE], [LABEL, SCORES]),
    "digits-b": model([IMAGE], [SCORES, LABEL]),
    "words": model([LABEL], [Tensor("word", "BYTES", (None,))]),
    "one": model([Tensor("image", "FP32", (1, 1, 8, 8))], [LABEL, SCORES]),
    "mean": model([SCORES], [Tensor("mean", "FP32", ())]),
}


def pipeline(*stages: dict[str, Any], **more: Any) -> Pipeline:
    return Pipeline.model_validate({"stages": list(stages), **more})


def names(tensors: tuple[Tensor, ...]) -> list[str]:
    return [tensor.name for tensor in tensors]


@pytest.mark.parametrize(
    ("stages", "more", "inputs", "outputs"),
    [
        ([{"model": "digits"}], {}, ["image"], ["label", "scores"]),
        ([{"model": "crop"}, {"model": "digits"}, {"model": "words"}], {}, ["photo"], ["word"]),
        ([{"model": "crop"}, {"model": "digits"}], {"outputs": ["found", "label"]}, ["photo"], ["found", "label"]),
        ([{"ensemble": ["digits", "digits-b"]}], {}, ["image"], ["label", "scores"]),
        (
            [{"model": "digits"}, {"switch": "label", "cases": {"7": "digits-b"}, "default": "digits"}],
            {"outputs": ["label"]},
            ["image"],
            ["label"],
        ),
        ([{"model": "digits", "inputs": {"image": "picture"}}], {}, ["picture"], ["label", "scores"]),
        (
            [{"model": "digits", "outputs": {"label": "first"}}, {"model": "words", "inputs": {"label": "first"}}],
            {},
            ["image"],
            ["word"],
        ),
    ],
)
def test_a_pipeline_takes_what_no_stage_gives_and_gives_what_the_last_one_does(
    stages: list[dict[str, Any]], more: dict[str, Any], inputs: list[str], outputs: list[str]
) -> None:
    composed = compose(pipeline(*stages, **more), MEMBERS)
    assert (names(composed.signature.inputs), names(composed.signature.outputs)) == (inputs, outputs)
    section = PipelineSection.model_validate(composed.document() | {"services": "http://{model}.slipway.svc:80"})
    assert section.signature.inputs == composed.signature.inputs


@pytest.mark.parametrize(
    ("stages", "more", "at", "problem", "allowed"),
    [
        ([{"model": "digit"}], {}, ("stages", 0, "model"), "is no model", "digits"),
        ([{"model": "digits", "inputs": {"img": "x"}}], {}, ("stages", 0, "inputs", "img"), "is no input", "image"),
        ([{"model": "digits", "outputs": {"lab": "x"}}], {}, ("stages", 0, "outputs", "lab"), "is no output", "label"),
        ([{"model": "digits"}], {"outputs": ["image"]}, ("outputs", 0), "is no output of a stage", "label"),
        (
            [{"model": "digits"}, {"model": "words", "inputs": {"label": "scores"}}],
            {},
            ("stages", 1, "inputs", "label"),
            "gives the input label of words FP32 [any, 10]",
            "INT64 [any]",
        ),
        ([{"ensemble": ["digits", "words"]}], {}, ("stages", 0, "ensemble", 1), "has other inputs", "image"),
        ([{"ensemble": ["digits", "one"]}], {}, ("stages", 0, "ensemble", 1), "has other inputs", "[any, 1, 8, 8]"),
        (
            [{"switch": "lang", "cases": {"a": "digits"}}],
            {},
            ("stages", 0, "switch"),
            "is no output of an earlier stage",
            "none is there",
        ),
        (
            [{"model": "digits"}, {"switch": "scores", "cases": {"a": "digits"}}],
            {},
            ("stages", 1, "switch"),
            "is FP32",
            "BYTES",
        ),
        (
            [{"model": "digits"}, {"switch": "label", "cases": {"7": "mean"}}],
            {},
            ("stages", 1, "switch"),
            "joins rows",
            "one entry for each row",
        ),
        (
            [{"model": "digits", "outputs": {"label": "scores"}}],
            {},
            ("stages", 0, "outputs"),
            "gives two outputs the name scores",
            "a name for each",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_at_the_field_that_is_to_blame(
    stages: list[dict[str, Any]], more: dict[str, Any], at: tuple[str | int, ...], problem: str, allowed: str
) -> None:
    with pytest.raises(Uncomposable) as refused:
        compose(pipeline(*stages, **more), MEMBERS)
    assert refused.value.at == at
    assert problem in refused.value.problem
    assert allowed in refused.value.allowed
    assert refused.value.todo


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ({}, "names no model"),
        ({"model": "a", "ensemble": ["b", "c"]}, "has model and ensemble"),
        ({"model": "a", "cases": {"1": "b"}}, "is given without switch"),
        ({"switch": "label"}, "is missing beside switch"),
        ({"ensemble": ["a", "a"]}, "has a twice"),
        ({"ensemble": ["a"]}, "at least 2"),
        ({"model": "A"}, "model"),
        ({"modle": "a"}, "modle"),
    ],
)
def test_a_stage_is_a_model_an_ensemble_or_a_switch(stage: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        pipeline(stage)


def test_a_pass_has_room_for_every_model_of_a_pipeline() -> None:
    stages = [{"model": f"m{number}"} for number in range(MODELS_MOST)]
    assert len(pipeline(*stages).models) == MODELS_MOST
    with pytest.raises(ValidationError, match=f"asks {MODELS_MOST + 1} models"):
        pipeline(*stages[1:], {"ensemble": ["a", "b"]})


KEYS = st.sampled_from(["model", "ensemble", "switch", "cases", "default", "inputs", "outputs"])
NAMES = st.sampled_from(["crop", "digits", "digits-b", "words", "one", "mean", "label", "image", "scores", "nobody"])
VALUES = st.one_of(NAMES, st.lists(NAMES, max_size=3), st.dictionaries(NAMES, NAMES, max_size=2), st.none())


@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
def test_whatever_is_written_goes_together_or_is_refused(stages: list[dict[str, Any]]) -> None:
    try:
        composed = compose(Pipeline.model_validate({"stages": stages}), MEMBERS)
    except (ValidationError, Uncomposable):
        return
    PipelineSection.model_validate(composed.document() | {"services": "http://{model}.slipway.svc:80"})

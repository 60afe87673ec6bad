"""Texts become tokens by the tokenizer of the spec, within the memory that was reckoned for them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import step_models
from hypothesis import given
from hypothesis import strategies as st
from processes import Server, config_for, running
from slipway_server.steps.texts import COST, Texts, read_tokenizer, texts_of
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import TextSection

IDS, MASK = Tensor("input_ids", "INT64", (None, None)), Tensor("attention_mask", "INT64", (None, None))
ANY = Signature((IDS, MASK), (), {})


@pytest.fixture(scope="module")
def content(folder: Path) -> bytes:
    return step_models.tokenizer(folder).read_bytes()


@pytest.fixture(scope="module")
def server(folder: Path) -> object:
    step = {"text": {"tokenizer": str(step_models.tokenizer(folder)), "max_length": 6}}
    check = {"request": {"text": "good fine"}, "expect": {"scores": [[3, -3]]}}
    output = {"labels": list(step_models.CLASSES), "softmax": True}
    config = config_for(step_models.bag(folder), check, input=step, output=output, max_body_bytes=1_000_000)
    with running(config, folder) as started:
        yield started


def texts(content: bytes, signature: Signature = ANY, **fields: object) -> Texts:
    section = TextSection.model_validate({"tokenizer": "x", **fields})
    return Texts(section, read_tokenizer(content), signature)


def refused(content: bytes, signature: Signature = ANY, **fields: object) -> str:
    with pytest.raises(BadRequest) as caught:
        texts(content, signature, **fields)
    return str(caught.value)


def test_short_texts_are_filled_up_and_long_ones_cut(content: bytes) -> None:
    arrays = texts(content, max_length=3).encode(["good", "bad fine good awful"])
    assert arrays["input_ids"].tolist() == [[2, 0, 0], [3, 4, 2]]
    assert arrays["attention_mask"].tolist() == [[1, 0, 0], [1, 1, 1]]
    always = texts(content, max_length=4, padding="max_length").encode(["good"])
    assert always["input_ids"].tolist() == [[2, 0, 0, 0]]


def test_a_long_text_is_refused_where_none_is_cut(content: bytes) -> None:
    with pytest.raises(BadRequest, match=r"`text\[1\]` has more than 2 tokens"):
        texts(content, max_length=2, truncation=False).encode(["good", "bad bad bad"])


def test_what_does_not_go_together_is_refused_before_anything_runs(content: bytes) -> None:
    fixed = Signature((Tensor("input_ids", "INT64", (None, 8)),), (), {})
    assert "padding: max_length and max_length: 8" in refused(content, fixed)
    assert texts(content, fixed, padding="max_length", max_length=8).encode(["good"])["input_ids"].shape == (1, 8)
    other = Signature((IDS, Tensor("position_ids", "INT64", (None, None))), (), {})
    assert "does not fill the input `position_ids`" in refused(content, other)
    assert "finds no input `input_ids`" in refused(content, Signature((MASK,), (), {}))
    floats = Signature((Tensor("input_ids", "FP32", (None, None)),), (), {})
    assert "does not fit the input `input_ids`, FP32" in refused(content, floats)
    assert "has no token that fills up short texts" in refused(content.replace(b"[PAD]", b"[END]"))
    with pytest.raises(BadRequest, match="the library tokenizers cannot read"):
        read_tokenizer(content[:-40])


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("text"), inner),
    )
)
def test_any_body_is_texts_or_none_or_refused_in_words(body: object) -> None:
    try:
        found = texts_of(body)
    except BadRequest as error:
        assert "allowed" in str(error)
        return
    assert found is None or all(isinstance(text, str) for text in found[0])


def test_a_text_is_classified_alone_and_among_others(server: Server) -> None:
    alone = server.post("/predict", {"text": "good good"}).json
    assert [one["label"] for one in alone["predictions"]] == ["pleased", "angry"]
    assert alone["outputs"]["scores"] == [[4.0, -4.0]]
    several = server.post("/predict", ["awful bad", "fine"]).json
    assert [row[0]["label"] for row in several["predictions"]] == ["angry", "pleased"]
    assert server.post("/predict", {"text": ["fine"]}).json["predictions"][0][0]["label"] == "pleased"


def test_tokens_may_still_be_sent_as_they_are(server: Server) -> None:
    tokens = {"inputs": {"input_ids": [[2]], "attention_mask": [[1]]}}
    assert server.post("/predict", tokens).json["outputs"]["scores"] == [[2.0, -2.0]]


@pytest.mark.parametrize("body", [{"text": []}, {"text": 3}, {"text": ["a", 1]}, {"text": "a", "x": 1}, ["a", None]])
def test_bodies_that_are_no_texts_are_refused(server: Server, body: object) -> None:
    answer = server.post("/predict", body)
    assert answer.status == 400
    assert "allowed" in answer.json["error"]


def test_a_large_text_is_cut_and_answered_and_too_many_are_refused(server: Server) -> None:
    long = server.post("/predict", {"text": "good " * 100_000})
    assert long.json["outputs"]["scores"] == [[12.0, -12.0]]
    many = server.post("/predict", {"text": ["good"] * 5000})
    assert (many.status, "has 5000 texts" in many.json["error"]) == (400, True)


MEASURE = """
import sys
from slipway_server.steps.texts import Texts, read_tokenizer
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import TextSection

def highest():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024

names = ("input_ids", "attention_mask", "token_type_ids")
signature = Signature(tuple(Tensor(name, "INT64", (None, None)) for name in names), (), {})
section = TextSection(tokenizer="x", max_length=65536, truncation=sys.argv[2] == "cut")
texts = Texts(section, read_tokenizer(open(sys.argv[1], "rb").read()), signature)
texts.encode(["good"])
many = {"one": ["? " * 30_000], "several": ["a b" * 20] * 2000, "uneven": ["a"] * 1000 + ["a " * 4000]}[sys.argv[3]]
cost, before = texts.cost(many), highest()
texts.encode(many)
print(highest() - before, cost)
"""


@pytest.mark.parametrize("kind", ["one", "several", "uneven"])
@pytest.mark.parametrize("cut", ["cut", "whole"])
def test_no_text_takes_more_memory_than_was_reckoned(folder: Path, kind: str, cut: str) -> None:
    path = str(step_models.tokenizer(folder))
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path, cut, kind], capture_output=True, text=True, check=True, env=environment
    )
    took, cost = map(int, done.stdout.split())
    assert took <= cost
    assert cost % COST == 0

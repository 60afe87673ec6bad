"""A Dockerfile stands on images that stay the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.dockerfile.stages import refuse_moving
from slipway.reading.files import BadFile

PINNED = "reg.example.com/base@sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "args"),
    [
        (f"FROM {PINNED}", {}),
        ("from scratch", {}),
        (f"ARG BASE={PINNED}\nFROM $BASE", {}),
        ("ARG BASE\nFROM ${BASE}", {"BASE": PINNED}),
        ("ARG BASE=python:3.11\nFROM $BASE", {"BASE": PINNED}),
        (f"FROM ${{OTHER:-{PINNED}}}", {}),
        (f"FROM {PINNED} AS Tools\nRUN true\nFROM tools\nCOPY --from=tools /a /a\nCOPY --from=0 /a /b", {}),
        (f"# FROM python\n\nFROM --platform=linux/amd64 \\\n  # a comment between\n  {PINNED} \\\n  AS x", {}),
        (f"FROM {PINNED}\nARG EXTRAS=1", {"EXTRAS": "2"}),
    ],
)
def test_images_by_digest_stages_and_nothing_are_right(text: str, args: dict[str, str]) -> None:
    refuse_moving(text, args)


@pytest.mark.parametrize(
    ("text", "args", "problem"),
    [
        ("FROM python:3.11", {}, "in line 1 stands on python:3.11"),
        ("FROM python", {}, "stands on python"),
        (f"FROM {PINNED}\nFROM tools", {}, "in line 2 stands on tools"),
        (f"ARG BASE={PINNED}\nFROM $BASE", {"BASE": "python:3"}, "stands on python:3"),
        ("ARG BASE\nFROM $BASE", {}, "stands on"),
        (f"FROM {PINNED}\nCOPY --from=busybox:latest /bin/sh /sh", {}, "in line 2 stands on busybox:latest"),
        ("RUN true", {}, "without FROM"),
        ("", {}, "without FROM"),
        (f"FROM {PINNED}", {"OTHER": "1"}, "knows no ARG OTHER"),
        (f"# syntax=docker/dockerfile:1\nFROM {PINNED}", {}, "asks for a front end"),
    ],
)
def test_what_may_be_another_image_tomorrow_is_refused(text: str, args: dict[str, str], problem: str) -> None:
    with pytest.raises(BadFile, match=problem) as refused:
        refuse_moving(text, args)
    assert refused.value.todo


@given(st.text(max_size=300), st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=2))
def test_any_text_is_taken_or_refused_in_words(text: str, args: dict[str, str]) -> None:
    try:
        refuse_moving(text, args)
    except BadFile as error:
        assert error.allowed

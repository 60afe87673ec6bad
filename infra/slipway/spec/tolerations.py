"""Contains what a spec says about nodes that are kept for some models."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from slipway.values.quantities import line_of_text, refusal

TOLERATIONS_MOST = 16
_PART = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_KEY = re.compile(rf"(?:{_PART}(?:\.{_PART}){{0,8}}/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]{{0,61}}[A-Za-z0-9])?")
"""Kubernetes' rule of a qualified name: a DNS name and a slash, or neither, and 63 characters."""


def _key(value: object) -> str:
    text = line_of_text(317, "example.com/reserved")(value)
    if not _KEY.fullmatch(text):
        allowed = "the key of a taint as settings write it: [DNS NAME/]NAME, without value or effect"
        raise refusal("is not the key of a taint", allowed, "write for example example.com/reserved")
    return text


def _few_and_each_once(keys: tuple[str, ...]) -> tuple[str, ...]:
    if len(keys) > TOLERATIONS_MOST:
        raise refusal(f"has {len(keys)} keys", f"{TOLERATIONS_MOST} keys at most", "remove some")
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise refusal(f"{twice} is there twice", "each key once", "remove one of them")
    return keys


Tolerations = Annotated[
    tuple[
        Annotated[str, BeforeValidator(_key), WithJsonSchema({"type": "string", "pattern": f"^(?:{_KEY.pattern})$"})],
        ...,
    ],
    AfterValidator(_few_and_each_once),
]
"""Keys of taints."""

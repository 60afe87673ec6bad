"""Contains what a spec says about a server of others: its image, where Slipway builds none, and what it is told."""

from typing import Annotated

from pydantic import Field

from slipway.catalog.pod_contract import SERVER_USER
from slipway.spec.custom.image import USER_MOST, ImageByDigest, Word
from slipway.values.section import Section, empty, number

ARGUMENTS_MOST = 32


class Server(Section):
    """A server of others."""

    image: ImageByDigest | None = Field(
        default=None,
        description="Its image by digest, in any registry; left out, Slipway builds one where it knows how.",
        examples=["nvcr.io/nvidia/tritonserver@sha256:" + "9f86d081884c7d65" * 4],
        exclude_if=empty,
    )
    arguments: tuple[Word, ...] = Field(
        default=(),
        description="Arguments beside those that Slipway gives, which come after them.",
        examples=[["--log-verbose=1"]],
        exclude_if=empty,
        json_schema_extra={"maxItems": ARGUMENTS_MOST},
    )
    user: Annotated[int, *number(1, USER_MOST)] = Field(
        default=SERVER_USER,
        description="Number of the user and group that the server runs as; never root.",
        examples=[1000],
        exclude_if=lambda value: value == SERVER_USER,
    )

"""Contains what a server of a language model is told: how much text it takes at once, and its adapters."""

from typing import Annotated

from pydantic import Field

from slipway_server.values.section import Section

ADAPTERS_MOST = 16
CONTEXT_MOST = 1_048_576
SLOTS_MOST = 64
_Name = Annotated[str, Field(min_length=1, max_length=63)]


class AdapterSection(Section):
    """A LoRA adapter: the name that requests give as `model`, and the path of its GGUF file."""

    name: _Name
    path: Annotated[str, Field(min_length=1)]


class LanguageSection(Section):
    """How a language model is served.

    `context`: tokens of one request at most, prompt and answer together. `slots`: requests that are answered at the
    same time; each has memory for its context. `adapters`: variants of the model, beside the model itself.
    """

    context: Annotated[int, Field(ge=16, le=CONTEXT_MOST)] = 4096
    slots: Annotated[int, Field(ge=1, le=SLOTS_MOST)] = 1
    adapters: Annotated[list[AdapterSection], Field(max_length=ADAPTERS_MOST)] = Field(default_factory=list)

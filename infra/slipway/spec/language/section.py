"""Contains what a spec says about a language model: how much text it takes at once, and its adapters."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from slipway_server.values.language import ADAPTERS_MOST, CONTEXT_MOST, SLOTS_MOST

from slipway.spec.texts import file_ending
from slipway.values.quantities import DnsLabel, refusal
from slipway.values.section import Section, empty, number

_gguf = file_ending(".gguf", "is no GGUF file", "a GGUF file of the repository, *.gguf", "models/notes/formal.gguf")
CONTEXT_LEAST = 16


class Adapter(Section):
    """A LoRA adapter: a variant of the model that a request names."""

    name: DnsLabel = Field(description="What requests say in `model` to be answered by it.", examples=["formal"])
    source: Annotated[str, _gguf] = Field(
        description="GGUF file of the adapter, relative to the repository's root.",
        examples=["models/notes/formal.gguf"],
    )


class Language(Section):
    """How llama.cpp serves a language model (docs/how-to/language-models.md)."""

    context: Annotated[int, *number(CONTEXT_LEAST, CONTEXT_MOST)] = Field(
        default=4096,
        description="Tokens of one request at most, prompt and answer together; each slot has memory for so many.",
        examples=[4096],
    )
    slots: Annotated[int, *number(1, SLOTS_MOST)] = Field(
        default=1, description="Requests that a replica answers at the same time; others wait.", examples=[4]
    )
    adapters: tuple[Adapter, ...] = Field(
        default=(),
        description="LoRA adapters beside the model; each is a model of its own to those who ask.",
        examples=[[{"name": "formal", "source": "models/notes/formal.gguf"}]],
        exclude_if=empty,
        json_schema_extra={"maxItems": ADAPTERS_MOST},
    )

    @model_validator(mode="after")
    def _each_adapter_has_a_name_of_its_own(self) -> Self:
        if (found := len(self.adapters)) > ADAPTERS_MOST:
            allowed = f"{ADAPTERS_MOST} adapters at most"
            raise refusal(f"has {found} adapters", allowed, "serve some by another model", ("adapters",))
        names = [adapter.name for adapter in self.adapters]
        for index, name in enumerate(names):
            if name in names[:index]:
                at = ("adapters", index, "name")
                raise refusal("is another adapter's name", "a name of its own", "rename one of them", at)
        return self

    def server_config(self, folder: str) -> dict[str, Any]:
        """The section `language` of the server's configuration; `folder`: where the weights are in the image."""
        adapters = [{"name": one.name, "path": f"{folder}/{adapter_file(one.name)}"} for one in self.adapters]
        return {"context": self.context, "slots": self.slots, **({"adapters": adapters} if adapters else {})}


def adapter_file(name: str) -> str:
    """Where an adapter is, relative to the folder of the weights."""
    return f"adapters/{name}.gguf"

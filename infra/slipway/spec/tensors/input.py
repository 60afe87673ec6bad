"""Contains what a spec says about how requests become the model's inputs: pictures, text, a user's own function."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.spec.tensors.values import HookFile, Size, SizeOrSide
from slipway.spec.texts import RepositoryFile
from slipway.values.quantities import Truth, kind_of, refusal
from slipway.values.section import Section, left_out, number

TOKENS_MOST = 65_536
KINDS = ("image", "text", "hook")
_MOST = 1e6


def _per_channel(value: object) -> tuple[float, ...]:
    numbers: Sequence[Any] = value if isinstance(value, list | tuple) else [value]
    fit = all(type(one) in (int, float) and math.isfinite(one) and abs(one) <= _MOST for one in numbers)
    if not fit or len(numbers) not in (1, 3):
        found = f"is {kind_of(value)}" if not isinstance(value, list | tuple) else "is no list of 1 or 3 numbers"
        allowed = "a number, or a list with one for each channel, in the order of the model's channels"
        raise refusal(found, allowed, "write for example [0.485, 0.456, 0.406]")
    return tuple(float(one) for one in numbers)


_numbers_schema = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 3}
PerChannel = Annotated[
    tuple[float, ...],
    BeforeValidator(_per_channel),
    WithJsonSchema({"anyOf": [{"type": "number"}, _numbers_schema]}),
]


class Picture(Section):
    """How a picture becomes the model's input; what is left out follows from the input's shape."""

    resize: SizeOrSide | None = Field(
        default=None,
        description="Height and width that a picture gets, or the length of its shorter side where `crop` follows.",
        examples=[[224, 224]],
        exclude_if=left_out,
    )
    crop: Size | None = Field(
        default=None,
        description="Height and width of what is then taken out of its middle.",
        examples=[[224, 224]],
        exclude_if=left_out,
    )
    mean: PerChannel | None = Field(
        default=None,
        description="Is subtracted after `scale`: one number, or one for each channel.",
        examples=[[0.485, 0.456, 0.406]],
        exclude_if=left_out,
    )
    std: PerChannel | None = Field(
        default=None, description="Divides what is left then.", examples=[[0.229, 0.224, 0.225]], exclude_if=left_out
    )
    scale: Truth | None = Field(
        default=None,
        description="Whether 0 to 255 becomes 0 to 1 first; `true` for an input of fractions when left out.",
        examples=[False],
        exclude_if=left_out,
    )
    channels: Literal["rgb", "bgr", "grey"] | None = Field(
        default=None, description="Order of the channels; `grey` or `rgb` by their number.", exclude_if=left_out
    )
    layout: Literal["nchw", "nhwc"] | None = Field(
        default=None, description="Where the channels stand, if the shape leaves it open.", exclude_if=left_out
    )

    @model_validator(mode="after")
    def _divides_by_something(self) -> Self:
        if any(one <= 0 for one in self.std or ()):
            raise refusal("has a number of 0 or less, and divides", "numbers above 0", "correct it", ("std",))
        return self


class Text(Section):
    """How text becomes `input_ids` and, where the model has them, `attention_mask` and `token_type_ids`."""

    tokenizer: RepositoryFile = Field(
        description="A tokenizer.json, as the library tokenizers writes it.", examples=["models/mood/tokenizer.json"]
    )
    max_length: Annotated[int, *number(1, TOKENS_MOST)] = Field(
        default=512, description="Most tokens of a text.", examples=[128]
    )
    padding: Literal["longest", "max_length"] = Field(
        default="longest",
        description="How far short texts are filled up: to the longest of a request, or always to `max_length`.",
        examples=["max_length"],
    )
    truncation: Truth = Field(
        default=True, description="Whether longer texts are cut; else they are refused.", examples=[False]
    )


class Input(Section):
    """What comes before the model: one of the three. Tensors are taken as well, as without it."""

    image: Picture | None = Field(
        default=None,
        description="The model's only input is a picture, which is prepared so.",
        examples=[{"resize": [224, 224], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}],
        exclude_if=left_out,
    )
    text: Text | None = Field(
        default=None,
        description="The model's inputs are the tokens of texts.",
        examples=[{"tokenizer": "models/mood/tokenizer.json", "max_length": 128}],
        exclude_if=left_out,
    )
    hook: HookFile | None = Field(
        default=None,
        description="A Python file with `before(body)`, which gives the model's inputs.",
        examples=["models/digits/hooks.py"],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            problem = f"has {' and '.join(given)}" if given else "has no step"
            raise refusal(problem, f"one of {', '.join(KINDS)}", "keep one" if given else "add one, or remove input")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The files of the repository that it names."""
        named = (self.text.tokenizer if self.text is not None else None, self.hook)
        return tuple(path for path in named if path is not None)

    def section(self, file: dict[str, str]) -> dict[str, Any]:
        """The section `input` of the model server's configuration; `file`: where each file is in the image."""
        written = self.model_dump(mode="json")
        if self.text is not None:
            written["text"]["tokenizer"] = file[self.text.tokenizer]
        if self.hook is not None:
            written["hook"] = file[self.hook]
        return written

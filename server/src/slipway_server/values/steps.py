"""Contains what happens before and after the model, as the configuration says it: pictures, text, labels, hooks."""

from typing import Annotated, Literal

from pydantic import Field

from slipway_server.values.section import Section

Pixels = Annotated[int, Field(ge=1, le=8192)]
Size = Annotated[list[Pixels], Field(min_length=2, max_length=2)]
"""Height and width."""
_PerChannel = Annotated[
    list[Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]], Field(min_length=1, max_length=3)
]
Path = Annotated[str, Field(min_length=1)]

MAX_LABELS = 100_000
MAX_TOKENS = 65_536
MAX_DIGITS = 6
"""Of decimals; FP32 has hardly more."""


class PictureSection(Section):
    """How a picture becomes the model's input.

    `resize`: height and width, or the length of the shorter side; the size that the model takes when left out.
    `crop`: height and width of what is taken out of the middle after that.
    `mean`, `std`: one for all channels or one for each, in the order of the model's channels, after `scale`.
    `scale`: whether 0..255 becomes 0..1 first. `channels`, `layout`: as the model's shape says when left out.
    """

    resize: Size | Pixels | None = None
    crop: Size | None = None
    mean: _PerChannel | None = None
    std: _PerChannel | None = None
    scale: bool | None = None
    channels: Literal["rgb", "bgr", "grey"] | None = None
    layout: Literal["nchw", "nhwc"] | None = None


class TextSection(Section):
    """How text becomes the model's inputs.

    `tokenizer`: path of a tokenizer.json. `max_length`: most tokens of a text; longer ones are cut if `truncation`,
    else refused. `padding`: to the `longest` text of a request, or always to `max_length`.
    """

    tokenizer: Path
    max_length: Annotated[int, Field(ge=1, le=MAX_TOKENS)] = 512
    padding: Literal["longest", "max_length"] = "longest"
    truncation: bool = True


class InputSection(Section):
    """What comes before the model: one of the three. `hook`: path of a Python file with `before(body)`."""

    image: PictureSection | None = None
    text: TextSection | None = None
    hook: Path | None = None


class OutputSection(Section):
    """What comes after the model.

    `labels`: one for each class: a list, or the path of a file with one on each line. `top_k`: most predictions of a
    row; all when left out. `softmax`: whether the scores become shares of 1 first. `of`: the output with the scores;
    the only one that can have them when left out. `hook`: path of a Python file with `after(outputs)`, instead of the
    rest. `round`: decimals of all fractions in answers. `top_1`: the best class is all that answers tell of the scores.
    """

    labels: list[str] | Path | None = None
    top_k: Annotated[int, Field(ge=1, le=MAX_LABELS)] | None = None
    softmax: bool = False
    of: Path | None = None
    hook: Path | None = None
    round: Annotated[int, Field(ge=0, le=MAX_DIGITS)] | None = None
    top_1: bool = False

    @property
    def predicts(self) -> bool:
        """Whether answers have `predictions` that the server makes itself."""
        asked = (self.labels, self.top_k, self.of)
        return self.hook is None and (self.top_1 or self.softmax or any(one is not None for one in asked))


class QualitySection(Section):
    """What answers predict, which is told in a header of each.

    `task`: whether that are classes or numbers. `output`: which of the model's outputs says it. `positive`: the class
    whose score is told as well.
    """

    task: Literal["classification", "regression"]
    output: Path
    positive: Annotated[str, Field(min_length=1, max_length=500)] | None = None

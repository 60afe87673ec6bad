"""Contains what a spec says about the answer: labels of classes, the best of them, how much of it leaves the server."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from slipway_server.values.steps import MAX_DIGITS

from slipway.spec.tensors.values import HookFile
from slipway.spec.texts import text
from slipway.values.quantities import Truth, kind_of, refusal, repository_path
from slipway.values.section import Section, empty, left_out, number

LABELS_MOST = 100_000
LISTED_MOST = 1000
"""Of labels in the spec itself, which travel in a ConfigMap."""
LABEL_LENGTH = 500


def _labels(value: object) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return repository_path(value)
    allowed = f"a file of the repository with a label on each line, or a list of 1 to {LISTED_MOST} texts"
    todo = "write for example models/pets/labels.txt, or [cat, dog]"
    if not isinstance(value, list | tuple):
        raise refusal(f"is {kind_of(value)}", allowed, todo)
    if not 0 < len(value) <= LISTED_MOST:
        raise refusal(f"has {len(value)} labels", allowed, todo)
    for number_, label in enumerate(value, 1):
        if not isinstance(label, str):
            raise refusal(f"has {kind_of(label)} for label {number_}, not text", allowed, "put it in quotes")
        if not 0 < len(label) <= LABEL_LENGTH:
            raise refusal(f"has {len(label)} characters in label {number_}", f"1 to {LABEL_LENGTH} of them", todo)
    return tuple(value)


_label_schema = {"type": "string", "minLength": 1, "maxLength": LABEL_LENGTH}
Labels = Annotated[
    str | tuple[str, ...],
    BeforeValidator(_labels),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 512},
                {"type": "array", "items": _label_schema, "minItems": 1, "maxItems": LISTED_MOST},
            ]
        }
    ),
]


class Output(Section):
    """What answers say as `predictions` beside the model's outputs."""

    labels: Labels | None = Field(
        default=None,
        description="What the classes are called: a file with one on each line, or a list. Numbers when left out.",
        examples=["models/pets/labels.txt"],
        exclude_if=left_out,
    )
    top_k: Annotated[int, *number(1, LABELS_MOST)] | None = Field(
        default=None,
        description="How many of the best there are; all when left out.",
        examples=[3],
        exclude_if=left_out,
    )
    softmax: Truth = Field(
        default=False,
        description="Whether scores become shares of 1 first, for a model that gives logits.",
        examples=[True],
        exclude_if=empty,
    )
    of: Annotated[str, *text(200, "probabilities")] | None = Field(
        default=None,
        description="Name of the output with the scores; needed where several outputs can have them.",
        examples=["probabilities"],
        exclude_if=left_out,
    )
    hook: HookFile | None = Field(
        default=None,
        description="A Python file with `after(outputs)`, which gives the predictions instead.",
        examples=["models/digits/hooks.py"],
        exclude_if=left_out,
    )

    round: Annotated[int, *number(0, MAX_DIGITS)] | None = Field(
        default=None,
        description="Decimals of every fraction in answers, in whatever form they leave; as the model gives them when "
        "left out (docs/how-to/against-theft.md).",
        examples=[2],
        exclude_if=left_out,
    )
    top_1: Truth = Field(
        default=False,
        description="Whether the best class is all that answers tell of the scores: 1 for it, 0 for all others.",
        examples=[True],
        exclude_if=empty,
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        others = [name for name in ("labels", "top_k", "softmax", "of", "top_1") if getattr(self, name)]
        if self.hook is not None and others:
            problem = f"stands beside {', '.join(others)}, which it replaces"
            raise refusal(problem, "hook, or labels, top_k, softmax, of and top_1", "remove one of them", ("hook",))
        if self.hook is None and self.round is None and not others:
            allowed = "labels, top_k, softmax, of, round and top_1, or hook"
            raise refusal("is empty", allowed, "add one of them, or remove output")
        return self

    @model_validator(mode="after")
    def _the_best_class_has_no_numbers(self) -> Self:
        beside = [name for name in ("top_k", "softmax", "round") if getattr(self, name) not in (None, False)]
        if self.top_1 and beside:
            problem = f"is true beside {', '.join(beside)}, and leaves nothing of the scores"
            raise refusal(problem, "top_1 beside labels and of", f"remove top_1, or {', '.join(beside)}", ("top_1",))
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The files of the repository that it names."""
        labels = self.labels if isinstance(self.labels, str) else None
        return tuple(path for path in (labels, self.hook) if path is not None)

    def section(self, file: dict[str, str]) -> dict[str, Any]:
        """The section `output` of the model server's configuration; `file`: where each file is in the image."""
        written = self.model_dump(mode="json")
        if isinstance(self.labels, str):
            written["labels"] = file[self.labels]
        if self.hook is not None:
            written["hook"] = file[self.hook]
        return written

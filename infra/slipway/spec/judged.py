"""Contains what a spec says about a rollout that is judged: by what, and who gets the new release meanwhile."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway.spec.scale import Percentile
from slipway.spec.texts import text
from slipway.values.headers import HeaderName, HeaderValue
from slipway.values.percentages import Percentage, format_percentage
from slipway.values.quantities import refusal
from slipway.values.section import Section, amount, left_out, number

ERRORS = 0.01
TOLERANCE = 0.001
LEAST_REQUESTS = 500


class JudgeRules(Section):
    """What a new release may do worse than the old one, of calls in the same time; a step passes when it does not."""

    errors: Percentage = Field(
        default=ERRORS,
        description="How much larger the new release's share of calls that fail may be than the old one's.",
        examples=["1%"],
        exclude_if=lambda value: value == ERRORS,
        json_schema_extra={"default": format_percentage(ERRORS)},
    )
    p95_ms: Percentile | None = Field(
        default=None,
        description=(
            "Time in milliseconds that 95 of 100 answers of the new release take at most; 1.1 times what the old one "
            "takes, where that is more or this is left out."
        ),
        examples=[120],
        exclude_if=left_out,
    )
    agreement: Annotated[float, *amount(0.999, "0.99", least=0.5)] | None = Field(
        default=None,
        description=(
            "Share of replayed requests that both releases have to answer alike, 0.999 at most: no number of calls can "
            "show that they always do. When left out, no answers are compared."
        ),
        examples=[0.99],
        exclude_if=left_out,
    )
    tolerance: Annotated[float, *amount(1, "0.001", least=0)] = Field(
        default=TOLERANCE,
        description=(
            "Floating-point numbers are alike when they differ by no more than this times the old release's number, or "
            "times 1 where that is nearer to 0; whole numbers, texts and truth values when they are equal."
        ),
        examples=[0.001],
        exclude_if=lambda value: value == TOLERANCE,
    )
    outputs: tuple[Annotated[str, *text(255, "label")], ...] | None = Field(
        default=None,
        min_length=1,
        description="Outputs of the model that are compared; all when left out.",
        examples=[["label"]],
        exclude_if=left_out,
    )
    least_requests: Annotated[int, *number(1, 1_000_000)] = Field(
        default=LEAST_REQUESTS,
        description="Calls of the new release without which no step passes, and pairs of answers that are compared.",
        examples=[500],
        exclude_if=lambda value: value == LEAST_REQUESTS,
    )

    @model_validator(mode="after")
    def _answers_are_compared_where_it_says_how(self) -> Self:
        if self.agreement is None:
            for field in ("tolerance", "outputs"):
                if field in self.model_fields_set and getattr(self, field) is not None:
                    problem = "is given, though answers are not compared: agreement is missing"
                    todo = f"add for example agreement: 0.99, or remove {field}"
                    raise refusal(problem, f"{field} beside agreement", todo, (field,))
        return self

    @model_validator(mode="after")
    def _each_output_is_named_once(self) -> Self:
        for index, name in enumerate(self.outputs or ()):
            if name in (self.outputs or ())[:index]:
                raise refusal(f"{name} is named twice", "each output once", "remove one", ("outputs", index))
        return self


class Sticky(Section):
    """By what a caller stays with one of the two releases."""

    by: Literal["key", "header"] = Field(
        description="The caller's key (or its token's subject), or the value of a header.", examples=["key"]
    )
    name: HeaderName | None = Field(
        default=None,
        description="Name of the header, with `by: header`.",
        examples=["x-session"],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _a_header_has_a_name(self) -> Self:
        if self.by == "header" and self.name is None:
            raise refusal("is missing, though by is header", "the name of a header", "add name: x-session", ("name",))
        if self.by == "key" and self.name is not None:
            allowed = "name only beside by: header"
            raise refusal("is given, though by is key", allowed, "write by: header, or remove name", ("name",))
        return self


class VariantHeader(Section):
    """The header with which a call gets the new release, whatever the share of the step is."""

    name: HeaderName = Field(description="Name of the header.", examples=["x-variant"])
    value: HeaderValue = Field(description="Its exact value.", examples=["next"])

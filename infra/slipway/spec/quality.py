"""Contains what a spec says about how good answers are by what turns out to be right: what is kept and measured."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from slipway.runtimes.registry import LLAMA, OWN_SERVERS
from slipway.spec.texts import text
from slipway.values.quantities import refusal
from slipway.values.section import Section, amount, left_out
from slipway.values.windows import DAY_S, Window, format_window

if TYPE_CHECKING:
    from slipway.spec.model import ModelSpec

Task = Literal["classification", "regression"]
Metric = Literal["accuracy", "precision", "recall", "f1", "roc_auc", "rmse", "mae"]
LABELS_WITHIN_S, WINDOW_S = 7 * DAY_S, DAY_S
_OF_NUMBERS = ("rmse", "mae")
_ERROR_MOST = 1e12


class QualityAlert(Section):
    """The bound beyond which the model's owner is told: of a share the lowest value, of an error the highest."""

    metric: Metric = Field(description="The measure, as `slipway quality` names it.", examples=["f1"])
    below: Annotated[float, *amount(1, "0.9")] | None = Field(
        default=None,
        description="It is told of while a version's accuracy, precision, recall, F1 or area is below this.",
        examples=[0.9],
        exclude_if=left_out,
    )
    above: Annotated[float, *amount(_ERROR_MOST, "2.5", least=0)] | None = Field(
        default=None,
        description="It is told of while a version's error (rmse, mae) is above this, in the unit of the output.",
        examples=[2.5],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _a_share_has_a_floor_and_an_error_a_ceiling(self) -> Self:
        wanted, other = ("above", "below") if self.metric in _OF_NUMBERS else ("below", "above")
        if getattr(self, other) is not None:
            allowed = f"{wanted} beside metric: {self.metric}"
            raise refusal(f"is given beside metric: {self.metric}", allowed, f"write {wanted} instead", (other,))
        if getattr(self, wanted) is None:
            raise refusal("has no bound", f"{wanted} beside metric: {self.metric}", f"add {wanted}")
        return self

    @property
    def bound(self) -> float:
        """The value of `below` or `above`."""
        return next(value for value in (self.below, self.above) if value is not None)


class Quality(Section):
    """What is kept of answers, and measured by feedback: the id, the version and what was predicted, never inputs."""

    task: Task = Field(description="Whether an answer is a class or a number.", examples=["classification"])
    output: Annotated[str, *text(200, "label")] = Field(
        description="The output that says it: of classes whole numbers, texts, or scores [rows, classes], of which the "
        "highest counts; else numbers.",
        examples=["label"],
    )
    positive: Annotated[str, *text(500, "spam")] | None = Field(
        default=None,
        description="The class that precision, recall and F1 are of; their mean over all classes when left out. Where "
        "the output has scores, that of this class is kept, and the area under the ROC curve measured.",
        examples=["spam"],
        exclude_if=left_out,
    )
    labels_within: Window = Field(
        default=LABELS_WITHIN_S,
        description="For how long after an answer feedback on it is taken, from 12h to 90d.",
        examples=["7d"],
        exclude_if=lambda value: value == LABELS_WITHIN_S,
        json_schema_extra={"default": format_window(LABELS_WITHIN_S)},
    )
    window: Window = Field(
        default=WINDOW_S,
        description="The feedback that came in so long, from 12h to 90d, makes the metrics and the alert.",
        examples=["1d"],
        exclude_if=lambda value: value == WINDOW_S,
        json_schema_extra={"default": format_window(WINDOW_S)},
    )
    alert: QualityAlert | None = Field(
        default=None,
        description="When the owner is told; never when left out.",
        examples=[{"metric": "f1", "below": 0.9}],
        exclude_if=left_out,
    )

    @model_validator(mode="after")
    def _measures_are_those_of_the_task(self) -> Self:
        if self.task == "regression" and self.positive is not None:
            problem = "is given beside task: regression, which has no classes"
            raise refusal(problem, "positive beside task: classification", "remove it", ("positive",))
        if self.alert is None:
            return self
        of_numbers = self.alert.metric in _OF_NUMBERS
        if of_numbers != (self.task == "regression"):
            allowed = "rmse, mae" if self.task == "regression" else "accuracy, precision, recall, f1, roc_auc"
            problem = f"is {self.alert.metric}, which task: {self.task} has not"
            raise refusal(problem, allowed, "write one of them", ("alert", "metric"))
        if self.alert.metric == "roc_auc" and self.positive is None:
            problem = "is roc_auc, which is of one class, and positive is missing"
            raise refusal(problem, "roc_auc beside positive", "add positive", ("alert", "metric"))
        return self


def refuse_misfits(spec: "ModelSpec") -> None:
    """Raise the first of what `quality` says and nobody can measure; see `slipway.values.quantities.refusal`."""
    for error in _misfits(spec):
        raise error


def _misfits(spec: "ModelSpec") -> Iterator[PydanticCustomError]:
    if spec.quality is None:
        return
    if spec.runtime in (*OWN_SERVERS, LLAMA):
        problem = f"is told by Slipway's own model server, and runtime: {spec.runtime} does not"
        yield refusal(problem, "quality beside another runtime", "remove quality", ("quality",))
    if not spec.endpoint.public:
        problem = "is measured of calls through the gateway, and the model has no route there"
        yield refusal(problem, "quality beside endpoint.public", "add endpoint: {public: true}", ("quality",))

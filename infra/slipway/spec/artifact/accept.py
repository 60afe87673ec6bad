"""Contains what a spec accepts: how well what serves has to answer a data set, beside the trained weights."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from slipway.spec.artifact.values import ArraysFile
from slipway.spec.texts import text
from slipway.values.quantities import refusal
from slipway.values.section import Section, amount, left_out

METRIC_MOST = 10**12
"""Beyond it no metric of finite answers is."""
LOWER_IS_BETTER = ("log_loss", "mse", "rmse")
_RULES = ("min", "max", "max_drop", "robustness", "agreement")
_OF_METRIC = ("min", "max", "max_drop")
_PROBES = ("noise", "blur", "shift", "fgsm")


class Robustness(Section):
    """By how much the metric may fall when the inputs are disturbed."""

    noise: Annotated[float, *amount(10, "0.1")] | None = Field(
        default=None,
        description="Standard deviation of noise, in standard deviations of the input.",
        examples=[0.1],
        exclude_if=left_out,
    )
    blur: Annotated[float, *amount(20, "1")] | None = Field(
        default=None,
        description="Standard deviation of a Gaussian blur over pictures, in pixels.",
        examples=[1],
        exclude_if=left_out,
    )
    shift: Annotated[float, *amount(100, "1", least=1)] | None = Field(
        default=None,
        description="Pixels by which pictures are moved, in each direction.",
        examples=[1],
        exclude_if=left_out,
    )
    fgsm: Annotated[float, *amount(10, "0.05")] | None = Field(
        default=None,
        description="Step of the fast gradient sign method, in units of the input.",
        examples=[0.05],
        exclude_if=left_out,
    )
    max_drop: Annotated[float, *amount(METRIC_MOST, "0.05", least=0)] = Field(
        default=0.05,
        description="By how much the metric may be worse than the original's, under each of them.",
        examples=[0.05],
        exclude_if=lambda value: value == 0.05,
    )

    @model_validator(mode="after")
    def _something_is_disturbed(self) -> Self:
        if all(getattr(self, probe) is None for probe in _PROBES):
            raise refusal("disturbs nothing", f"at least one of {', '.join(_PROBES)}", "add for example noise: 0.1")
        return self


class Accept(Section):
    """What serves has to answer a data set this well; else `slipway lock` refuses it and the lock stays as it is."""

    dataset: ArraysFile = Field(
        description=(
            "An .npz file without pickles: arrays by the names of the inputs, and of the outputs that they are held "
            "against; the first dimension of each is rows."
        ),
        examples=["models/digits/test.npz"],
    )
    output: Annotated[str, *text(255, "label")] | None = Field(
        default=None,
        description="Output that is judged; the only one that the data set has when left out.",
        examples=["label"],
        exclude_if=left_out,
    )
    metric: Literal["accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "mse", "rmse", "cosine"] | None = (
        Field(default=None, description="How it is judged.", examples=["accuracy"], exclude_if=left_out)
    )
    min: Annotated[float, *amount(1, "0.95", least=-1)] | None = Field(
        default=None,
        description="Least value of a metric of which more is better.",
        examples=[0.95],
        exclude_if=left_out,
    )
    max: Annotated[float, *amount(METRIC_MOST, "0.2", least=0)] | None = Field(
        default=None,
        description=f"Largest value of a metric of which less is better: {', '.join(LOWER_IS_BETTER)}.",
        examples=[0.2],
        exclude_if=left_out,
    )
    max_drop: Annotated[float, *amount(METRIC_MOST, "0.01", least=0)] | None = Field(
        default=None,
        description="By how much the metric may be worse than that of the trained weights.",
        examples=[0.01],
        exclude_if=left_out,
    )
    robustness: Robustness | None = Field(
        default=None,
        description="How much worse it may be when the inputs are disturbed.",
        examples=[{"noise": 0.1, "max_drop": 0.05}],
        exclude_if=left_out,
    )
    agreement: Annotated[float, *amount(1, "0.98", least=0)] | None = Field(
        default=None,
        description="Share of rows on which it has to answer as the trained weights do.",
        examples=[0.98],
        exclude_if=left_out,
    )

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the metric is better."""
        return self.metric not in LOWER_IS_BETTER

    @model_validator(mode="after")
    def _something_decides(self) -> Self:
        if all(getattr(self, rule) is None for rule in _RULES):
            problem = "accepts everything: no rule decides"
            raise refusal(problem, f"at least one of {', '.join(_RULES)}", "add for example max_drop: 0.01")
        if self.metric is None:
            for rule in (*_OF_METRIC, "robustness"):
                if getattr(self, rule) is not None:
                    problem = f"is missing, though {rule} is given"
                    raise refusal(problem, "the name of a metric", "add for example metric: accuracy", ("metric",))
        return self

    @model_validator(mode="after")
    def _bounds_are_on_the_side_that_is_worse(self) -> Self:
        wrong, right = ("max", "min") if self.higher_is_better else ("min", "max")
        if self.metric is not None and getattr(self, wrong) is not None:
            better = "more" if self.higher_is_better else "less"
            problem = f"bounds the better side: {better} of {self.metric} is better"
            raise refusal(problem, f"{right} beside metric: {self.metric}", f"write {right} instead", (wrong,))
        return self

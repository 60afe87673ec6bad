"""Contains what a spec says about a pipeline: models that are deployed apart and answer as one."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from slipway.spec.texts import text
from slipway.values.quantities import ModelName, refusal
from slipway.values.section import Section

STAGES_MOST = 16
MODELS_MOST = 16
"""In all: a pass names each of them, and is a header of a call."""
ValueName = Annotated[str, *text(255, "label")]


class Stage(Section):
    """One step of a pipeline: a model, an ensemble of models, or a switch between models."""

    model: ModelName | None = Field(default=None, description="The model that is asked.", examples=["digits"])
    ensemble: tuple[ModelName, ...] | None = Field(
        default=None,
        min_length=2,
        max_length=MODELS_MOST,
        description=(
            "Models that are all asked, side by side. Of their answers, floating-point numbers are averaged; whole "
            "numbers, texts and truth values are what most of them say, or the first of them where as many differ."
        ),
        examples=[["digits-a", "digits-b", "digits-c"]],
    )
    switch: ValueName | None = Field(
        default=None,
        description="The value that decides, for each row, which model is asked: an earlier output, or an input.",
        examples=["language"],
    )
    cases: dict[Annotated[str, *text(255, "de")], ModelName] | None = Field(
        default=None,
        min_length=1,
        max_length=MODELS_MOST,
        description="Of a switch: the model for each value, which is written as text.",
        examples=[{"de": "sentiment-de", "en": "sentiment-en"}],
    )
    default: ModelName | None = Field(
        default=None,
        description="Of a switch: the model for all other values; left out, such a request is refused.",
        examples=["sentiment-en"],
    )
    inputs: dict[ValueName, ValueName] = Field(
        default_factory=dict,
        description=(
            "Where inputs of the stage's models come from: the name of an earlier output, or of an input of the "
            "pipeline. One that is left out is the earlier output of its own name, or else an input of the pipeline."
        ),
        examples=[{"image": "crop"}],
    )
    outputs: dict[ValueName, ValueName] = Field(
        default_factory=dict,
        description="New names of outputs, so that later stages and the answer can tell two of one name apart.",
        examples=[{"label": "digit"}],
    )

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that the stage may ask, each once, in the order of the spec."""
        named = (self.model, *(self.ensemble or ()), *(self.cases or {}).values(), self.default)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        given = [key for key in ("model", "ensemble", "switch") if getattr(self, key) is not None]
        if len(given) != 1:
            problem = f"has {' and '.join(given)}" if given else "names no model"
            todo = "write for example {model: digits}; two of them are two stages"
            raise refusal(problem, "exactly one of model, ensemble, switch", todo)
        for key in ("cases", "default"):
            if self.switch is None and getattr(self, key) is not None:
                raise refusal("is given without switch", f"{key} beside switch", f"remove {key}", (key,))
        if self.switch is not None and self.cases is None:
            todo = "add for example cases: {de: sentiment-de}"
            raise refusal("is missing beside switch", "the model for each value", todo, ("cases",))
        if self.ensemble is not None and len(set(self.ensemble)) < len(self.ensemble):
            twice = next(name for name in self.ensemble if self.ensemble.count(name) > 1)
            problem = f"has {twice} twice, which would answer the same twice"
            raise refusal(problem, "each model once", "remove one of them", ("ensemble",))
        return self


class Pipeline(Section):
    """Models that are deployed and versioned apart, and answer as one."""

    stages: tuple[Stage, ...] = Field(
        min_length=1,
        max_length=STAGES_MOST,
        description="What is asked, one after another; every stage may use what all before it answered.",
        examples=[[{"model": "detect"}, {"model": "digits", "inputs": {"image": "crop"}}]],
    )
    outputs: tuple[ValueName, ...] | None = Field(
        default=None,
        min_length=1,
        description="Values that are the answer; all outputs of the last stage when left out.",
        examples=[["digit", "probabilities"]],
    )

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that may be asked, each once, in the order of the stages."""
        return tuple(dict.fromkeys(name for stage in self.stages for name in stage.models))

    @model_validator(mode="after")
    def _is_of_a_reasonable_size(self) -> Self:
        if len(self.models) > MODELS_MOST:
            problem = f"asks {len(self.models)} models"
            raise refusal(problem, f"at most {MODELS_MOST} models", "divide it into pipelines", ("stages",))
        return self

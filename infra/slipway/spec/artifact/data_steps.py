"""Contains the steps that need more than the graph: other weights, data, a person's script."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.spec.artifact.step import StepSection, refuse_more, refuse_twice
from slipway.spec.artifact.values import FILES_MOST, ArraysFile, OnnxFile, ScriptFile
from slipway.spec.texts import RepositoryFile, text
from slipway.values.quantities import line_of_text, refusal
from slipway.values.section import amount, empty, number

TRIALS, TRIALS_MOST = 20, 1000


def _file_name(value: object) -> str:
    name = line_of_text(200, "model.onnx")(value)
    if "/" in name or "\\" in name or name in (".", ".."):
        raise refusal("is no file name", "the name of a file, without a folder", "write for example model.onnx")
    return name


class Average(StepSection):
    """Average the weights with those of other checkpoints of the same architecture."""

    kind = "average"

    average: tuple[RepositoryFile, ...] = Field(
        min_length=1,
        description="The other checkpoints, of the same format.",
        examples=[["models/digits/epoch9.onnx", "models/digits/epoch10.onnx"]],
        json_schema_extra={"maxItems": FILES_MOST},
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The other checkpoints."""
        return self.average

    @model_validator(mode="after")
    def _each_checkpoint_counts_once(self) -> Self:
        refuse_more(len(self.average), FILES_MOST, "checkpoints", ("average",))
        refuse_twice(self.average, "average")
        return self


class Merge(StepSection):
    """Append another graph, whose inputs are outputs of this one."""

    kind = "merge"

    merge: OnnxFile = Field(description="ONNX file of the graph that comes after.", examples=["models/digits/top.onnx"])
    map: dict[Annotated[str, *text(255, "probabilities")], Annotated[str, *text(255, "scores")]] = Field(
        min_length=1,
        max_length=FILES_MOST,
        description="Which output of this graph is which input of the other.",
        examples=[{"probabilities": "scores"}],
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The other graph."""
        return (self.merge,)


class Distill(StepSection):
    """Train a smaller network to answer as the teacher does."""

    kind = "distill"

    distill: ScriptFile = Field(
        description="Script with the student's network (docs/how-to/optimise-and-lock.md).",
        examples=["models/digits/distill.py"],
    )
    teacher: RepositoryFile = Field(description="Weights of the teacher.", examples=["models/digits/model.onnx"])
    alpha: Annotated[float, *amount(1, "0.5", least=0)] = Field(
        default=0.5,
        description="Weight of the teacher's answers against the right ones, from 0 to 1.",
        examples=[0.5],
        exclude_if=lambda value: value == 0.5,
    )
    data: ArraysFile = Field(
        description="Rows to learn from: arrays by the names of inputs and outputs.",
        examples=["models/digits/train.npz"],
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The script, the teacher and the data."""
        return tuple(dict.fromkeys((self.distill, self.teacher, self.data)))


class Search(StepSection):
    """Look for a smaller network that still answers well enough."""

    kind = "search"

    search: ScriptFile = Field(
        description="Script that makes and trains one candidate (docs/how-to/search.md).",
        examples=["models/digits/search.py"],
        json_schema_extra={"since": "0.2"},
    )
    trials: Annotated[int, *number(1, TRIALS_MOST)] = Field(
        default=TRIALS,
        description="Candidates that are tried.",
        examples=[TRIALS],
        exclude_if=lambda value: value == TRIALS,
        json_schema_extra={"since": "0.2"},
    )
    data: ArraysFile = Field(
        description="Rows to learn from, a quarter of which is kept apart to judge candidates on.",
        examples=["models/digits/train.npz"],
        json_schema_extra={"since": "0.2"},
    )
    min: Annotated[float, *amount(1, "0.97", least=0)] = Field(
        description="Share of those rows that a candidate has to answer rightly; the smallest that does is taken.",
        examples=[0.97],
        json_schema_extra={"since": "0.2"},
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The script and the data."""
        return tuple(dict.fromkeys((self.search, self.data)))


class Script(StepSection):
    """Run a script of the repository, in an environment of its own."""

    kind = "script"

    script: ScriptFile = Field(
        description="Python script that makes the new weights (docs/how-to/optimise-and-lock.md).",
        examples=["models/digits/step.py"],
    )
    reads: tuple[RepositoryFile, ...] = Field(
        default=(),
        description="Every file of the repository that it reads; it is given no other.",
        examples=[["models/digits/calibration.npz"]],
        exclude_if=empty,
        json_schema_extra={"maxItems": FILES_MOST},
    )
    writes: Annotated[
        str, BeforeValidator(_file_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200})
    ] = Field(
        default="model.onnx",
        description="Name of the main file that it writes.",
        examples=["model.onnx"],
        exclude_if=lambda value: value == "model.onnx",
    )
    requirements: RepositoryFile | None = Field(
        default=None,
        description="What it imports: a file of pinned requirements with hashes (`uv pip compile --generate-hashes`).",
        examples=["models/digits/requirements.txt"],
        exclude_if=empty,
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The script, its requirements and what it reads."""
        more = () if self.requirements is None else (self.requirements,)
        return tuple(dict.fromkeys((self.script, *more, *self.reads)))

    @model_validator(mode="after")
    def _each_file_is_read_once(self) -> Self:
        refuse_more(len(self.reads), FILES_MOST, "files", ("reads",))
        refuse_twice(self.reads, "reads")
        return self

"""Read the section `pipeline` of the server's configuration: stages, and what goes from one to the next."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from slipway_server.values.signature import Signature, Tensor

_Name = Annotated[str, Field(min_length=1, max_length=255)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class TensorSection(_Section):
    """A tensor: its name, its datatype in the Open Inference Protocol, and its shape, where null is free."""

    name: _Name
    dtype: _Name
    shape: list[Annotated[int, Field(ge=0)] | None]

    @property
    def tensor(self) -> Tensor:
        """The same, as the rest of the server has it."""
        return Tensor(self.name, self.dtype, tuple(self.shape))


class ValueSection(TensorSection):
    """An input or output of a stage's models, and the value of the pipeline that it takes or gives."""

    value: _Name


class StageSection(_Section):
    """One stage: `models` are all asked, or, with `switch`, one of `cases` for each row, else `default`."""

    models: list[_Name]
    inputs: list[ValueSection]
    outputs: list[ValueSection]
    switch: _Name | None = None
    cases: dict[str, _Name] = {}
    default: _Name | None = None


class PipelineSection(_Section):
    """Models that answer as one. `services`: URL of a model's Service, with `{model}` in it."""

    services: Annotated[str, Field(pattern=r"^http://[^/]*\{model\}[^/]*$")]
    inputs: list[TensorSection]
    outputs: list[TensorSection]
    stages: Annotated[list[StageSection], Field(min_length=1)]

    @model_validator(mode="after")
    def _every_value_is_given(self) -> "PipelineSection":
        known = {tensor.name for tensor in self.inputs}
        for stage in self.stages:
            wanted = {one.value for one in stage.inputs} | ({stage.switch} if stage.switch else set())
            if not wanted <= known:
                raise ValueError(f"nothing gives {', '.join(sorted(wanted - known))}")
            known |= {one.value for one in stage.outputs}
        if missing := {tensor.name for tensor in self.outputs} - known:
            raise ValueError(f"nothing gives {', '.join(sorted(missing))}")
        return self

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that may be asked, each once."""
        named = ([*stage.models, *stage.cases.values(), stage.default] for stage in self.stages)
        return tuple(dict.fromkeys(name for stage in named for name in stage if name is not None))

    @property
    def signature(self) -> Signature:
        """What the pipeline takes and gives."""
        return Signature(tuple(one.tensor for one in self.inputs), tuple(one.tensor for one in self.outputs), {})

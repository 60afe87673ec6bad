"""Contains the steps that change a graph: its format, its size, its precision."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.spec.artifact.step import StepSection, refuse_more
from slipway.spec.artifact.values import FILES_MOST, ArraysFile, Module, TensorShape, module_file
from slipway.spec.texts import text
from slipway.values.quantities import Truth, refusal
from slipway.values.section import amount, empty, number

EXCLUDE_MOST = 1000
OPSET = 17
"""What every ONNX Runtime since 1.16 loads, and what the converters write without rewriting anything."""
SHARE_MOST = 0.95
CONVERTED = ("onnx", "tflite")
"""The formats that weights can be converted to."""
_STATIC = ("int8-static", "uint8-static")


def _true(value: object) -> bool:
    if value is not True:
        raise refusal("is not true", "true", "write true, or remove the step")
    return True


class Convert(StepSection):
    """Convert the weights to another format."""

    kind = "convert"

    convert: Literal["onnx", "tflite"] = Field(description="Format to convert to.", examples=["onnx"])
    opset: Annotated[int, *number(7, 25)] = Field(
        default=OPSET,
        description="Version of ONNX's operators, with `convert: onnx`.",
        examples=[OPSET],
        exclude_if=lambda value: value == OPSET,
    )
    inputs: dict[Annotated[str, *text(255, "image")], TensorShape] = Field(
        default_factory=dict,
        max_length=FILES_MOST,
        description="What the model takes, by the names that the inputs get, where its format does not say it.",
        examples=[{"image": {"dtype": "FP32", "shape": [None, 1, 8, 8]}}],
        exclude_if=empty,
    )
    module: Module | None = Field(
        default=None,
        description="Class or function that makes the network, where the format holds numbers only (safetensors).",
        examples=["models/digits/net.py:Net"],
        exclude_if=empty,
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The file of the network."""
        return () if self.module is None else (module_file(self.module),)

    @model_validator(mode="after")
    def _opset_is_of_onnx(self) -> Self:
        if self.convert != "onnx" and "opset" in self.model_fields_set:
            raise refusal("is given, though convert is tflite", "opset beside convert: onnx", "remove it", ("opset",))
        return self


class Simplify(StepSection):
    """Fold constants, and remove what computes nothing."""

    kind = "simplify"

    simplify: Annotated[bool, BeforeValidator(_true), WithJsonSchema({"const": True})] = Field(
        description="Whether to simplify the graph; always true.", examples=[True]
    )


class Quantize(StepSection):
    """Store, and where the method computes so too, compute with fewer bits."""

    kind = "quantize"

    quantize: Literal["int8-dynamic", "int8-static", "uint8-static", "fp16", "bf16", "int4-weights"] = Field(
        description=(
            "Method: whole numbers of 8 bits, whose range is found while it answers (`int8-dynamic`) or before, on "
            "data (`int8-static`, `uint8-static`); numbers of 16 bits; weights of 4 bits."
        ),
        examples=["int8-dynamic"],
    )
    calibration: ArraysFile | None = Field(
        default=None,
        description="Data of a static method: an .npz file with an array for each input, rows in its first dimension.",
        examples=["models/digits/calibration.npz"],
        exclude_if=empty,
    )
    range: Literal["minmax", "entropy", "percentile"] = Field(
        default="minmax",
        description="How a static method finds the range of values.",
        examples=["entropy"],
        exclude_if=lambda value: value == "minmax",
    )
    per_channel: Truth = Field(
        default=False,
        description="Whether each channel of the weights has a range of its own.",
        examples=[True],
        exclude_if=empty,
    )
    exclude: tuple[Annotated[str, *text(500, "/conv1/Conv")], ...] = Field(
        default=(),
        description="Names of nodes that keep their precision.",
        examples=[["/conv1/Conv"]],
        exclude_if=empty,
        json_schema_extra={"maxItems": EXCLUDE_MOST},
    )

    @property
    def files(self) -> tuple[str, ...]:
        """The data that the range is found on."""
        return () if self.calibration is None else (self.calibration,)

    @model_validator(mode="after")
    def _data_are_of_a_static_method(self) -> Self:
        static = self.quantize in _STATIC
        if static and self.calibration is None:
            allowed = "an .npz file of the repository, with rows like those that the model will be asked"
            todo = "add for example calibration: models/digits/calibration.npz"
            raise refusal(f"is missing, though quantize is {self.quantize}", allowed, todo, ("calibration",))
        for field in () if static else ("calibration", "range"):
            if field in self.model_fields_set:
                problem = f"is given, though {self.quantize} finds no range before it answers"
                raise refusal(problem, f"{field} beside {' or '.join(_STATIC)}", "remove it", (field,))
        refuse_more(len(self.exclude), EXCLUDE_MOST, "nodes", ("exclude",))
        return self


class Prune(StepSection):
    """Take away the weights that matter least."""

    kind = "prune"

    prune: Literal["magnitude", "structured"] = Field(
        description="`magnitude`: the smallest weights become 0; `structured`: whole neurons or channels go.",
        examples=["magnitude"],
    )
    share: Annotated[float, *amount(SHARE_MOST, "0.5", least=0.01)] = Field(
        description=f"Share that goes, from 0.01 to {SHARE_MOST}.", examples=[0.5]
    )

"""Contains the values that the sections about weights share: arrays of data, tensors, and the steps' own files."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from slipway.spec.texts import file_ending
from slipway.values.quantities import kind_of, line_of_text, refusal, repository_path
from slipway.values.section import Section

DIMENSION_MOST = 2**31 - 1
RANK_MOST = 8
FILES_MOST = 64
"""Of one step: a list that a person wrote, which no machine has to bound otherwise."""
_MODULE = re.compile(r"(?P<file>[^:]+\.py):(?P<name>[A-Za-z_][A-Za-z0-9_.]{0,199})")
_DATA_ALLOWED = "an .npz file of the repository, without pickles: numpy.savez_compressed writes one"


def _module(value: object) -> str:
    text = line_of_text(700, "models/digits/net.py:Net")(value)
    found = _MODULE.fullmatch(text)
    if found is None:
        allowed = "FILE.py:NAME, a file of the repository and the class or function in it that makes the network"
        raise refusal("names no class in a file", allowed, "write for example models/digits/net.py:Net")
    repository_path(found["file"])
    return text


def _dimension(value: object) -> int | None:
    if value is None or (type(value) is int and 0 < value <= DIMENSION_MOST):
        return value
    problem = f"is {kind_of(value)}, no length" if type(value) is not int else "is out of range"
    allowed = f"a length from 1 to {DIMENSION_MOST}, or null for any"
    raise refusal(problem, allowed, "write null for the number of rows")


_path_schema = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512})
_arrays = file_ending(".npz", "is no .npz file", _DATA_ALLOWED, "models/digits/test.npz")
ArraysFile = Annotated[str, _arrays, _path_schema]
"""An .npz file of the repository."""
_script = file_ending(".py", "is no Python script", "a Python script of the repository, *.py", "models/digits/step.py")
ScriptFile = Annotated[str, _script, _path_schema]
"""A Python script of the repository."""
_onnx = file_ending(".onnx", "is no ONNX file", "an ONNX file of the repository, *.onnx", "models/x/a.onnx")
OnnxFile = Annotated[str, _onnx, _path_schema]
"""An ONNX file of the repository."""
Module = Annotated[str, BeforeValidator(_module), WithJsonSchema({"type": "string", "pattern": f"^{_MODULE.pattern}$"})]
"""A class or function in a Python file of the repository, written `models/digits/net.py:Net`."""
Dimension = Annotated[
    int | None,
    BeforeValidator(_dimension),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": DIMENSION_MOST}, {"type": "null"}]}),
]
"""The length of one dimension of a tensor; None for any."""


def module_file(module: str) -> str:
    """The file of a `Module`."""
    return module.rpartition(":")[0]


class TensorShape(Section):
    """What an input of the model is, where its file does not say it."""

    dtype: Literal[
        "FP32", "FP16", "BF16", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
        "BOOL", "BYTES",
    ] = Field(description="Type of its values, as the v2 protocol names it.", examples=["FP32"])  # fmt: skip
    shape: tuple[Dimension, ...] = Field(
        max_length=RANK_MOST,
        description="Length of each dimension; null for any, which the first one, of the rows, usually is.",
        examples=[[None, 1, 8, 8]],
    )

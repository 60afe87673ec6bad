"""Find where the weights of an ONNX file are, and refuse those whose bytes are not what their shapes and types need."""

from math import prod
from pathlib import PurePosixPath

from onnx import ModelProto, TensorProto, helper

from slipway.onnx_file.parts import initializers, tensors
from slipway.reading.files import BadFile

_BITS = {"INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2}
"""Types of less than a byte, which are packed; of all others numpy knows the size."""
_KEYS = ("location", "offset", "length", "checksum", "basepath")
_AGAIN = "export the model again"


def external_ends(model: ModelProto) -> dict[str, int]:
    """Find the files of external data.

    Returns:
        For each by its path relative to the ONNX file's folder: how many bytes it must have at least.

    Raises:
        BadFile: a weight has more or fewer bytes than its shape and type need, or names no file below that folder.
    """
    for tensor in initializers(model):
        if tensor.data_location != TensorProto.EXTERNAL:
            _refuse_wrong_size(tensor)
    ends: dict[str, int] = {}
    for tensor in tensors(model):
        if tensor.data_location == TensorProto.EXTERNAL:
            name, end = _range(tensor)
            ends[name] = max(ends.get(name, 0), end)
    return ends


def _refuse_wrong_size(tensor: TensorProto) -> None:
    """Of bytes that are in the ONNX file itself."""
    if tensor.HasField("raw_data"):
        has, needed, unit = len(tensor.raw_data), _needed(tensor), "bytes"
    elif _packed(tensor) or tensor.data_type in (TensorProto.COMPLEX64, TensorProto.COMPLEX128):
        return
    else:
        _type(tensor)
        has = len(getattr(tensor, helper.tensor_dtype_to_field(tensor.data_type)))
        needed, unit = _elements(tensor), "elements"
    if has != needed:
        problem = f"has {has} {unit} for the weight {tensor.name!r}, whose shape {list(tensor.dims)} needs {needed}"
        raise BadFile(problem, "an ONNX file with all its weights", _AGAIN)


def _range(tensor: TensorProto) -> tuple[str, int]:
    """The file that a tensor's bytes are in, and where in it they end."""
    if tensor.data_type == TensorProto.STRING:
        raise _bad(tensor, "is text", "numbers")
    entries: dict[str, str] = {}
    for item in tensor.external_data:
        key, value = _utf8(tensor, item.key), _utf8(tensor, item.value)
        if key not in _KEYS and not key.startswith("prepacked"):
            raise _bad(tensor, f"has the entry {key!r}", ", ".join(_KEYS))
        entries[key] = value
    offset, needed = _number(tensor, entries, "offset") or 0, _needed(tensor)
    length = _number(tensor, entries, "length")
    if length and length != needed:
        problem = f"has a length of {length} bytes, and its shape {list(tensor.dims)} needs {needed}"
        raise _bad(tensor, problem, f"a length of {needed}")
    return _location(entries.get("location", "")), offset + needed


def _location(text: str) -> str:
    path = PurePosixPath(text)
    if not path.name or text.endswith("/") or path.is_absolute() or ".." in path.parts or "\0" in text:
        problem = f"has external data at {text!r}"
        raise BadFile(problem, "external data below the ONNX file's folder", "export it into the same folder")
    return str(path)


def _number(tensor: TensorProto, entries: dict[str, str], key: str) -> int | None:
    text = entries.get(key)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise _bad(tensor, f"has {text!r} for its {key}", "a number of bytes")
    return int(text)


def _needed(tensor: TensorProto) -> int:
    """Bytes of a tensor by its shape and type."""
    name = _type(tensor)
    bits = _BITS.get(name) or 8 * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return -(-_elements(tensor) * bits // 8)


def _packed(tensor: TensorProto) -> bool:
    return _type(tensor) in _BITS


def _type(tensor: TensorProto) -> str:
    try:
        name: str = TensorProto.DataType.Name(tensor.data_type)
    except ValueError:
        name = "UNDEFINED"
    if name == "UNDEFINED":
        problem = f"has the weight {tensor.name!r} of type {tensor.data_type}"
        raise BadFile(problem, "element types that ONNX defines", _AGAIN)
    return name


def _elements(tensor: TensorProto) -> int:
    if any(size < 0 for size in tensor.dims):
        problem = f"has the weight {tensor.name!r} with the shape {list(tensor.dims)}"
        raise BadFile(problem, "sizes of 0 or more", _AGAIN)
    return prod(tensor.dims)


def _bad(tensor: TensorProto, problem: str, allowed: str) -> BadFile:
    return BadFile(f"has external data for {tensor.name!r} that {problem}", f"external data with {allowed}", _AGAIN)


def _utf8(tensor: TensorProto, value: str | bytes) -> str:
    """A string of the file; protobuf gives bytes where it is not UTF-8."""
    if isinstance(value, bytes):
        raise _bad(tensor, f"has {value!r} for a text", "texts in UTF-8")
    return value

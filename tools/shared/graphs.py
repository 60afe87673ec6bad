"""ONNX files as the steps see them: read without their weights, signatures held against each other, results written."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort
from onnx import external_data_helper
from step import Refused, shortened

MAIN = "model.onnx"
DATA = "model.onnx.data"
LARGEST_IN_ONE_FILE = 1_900_000_000
"""Bytes of weights above which they go into a file of their own: protobuf ends at 2 GiB."""


def outline(path: Path) -> onnx.ModelProto:
    """The graph of a file, without weights that lie in files beside it; Refused if it is no ONNX file."""
    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:
        raise Refused(
            f"{path.name} is no ONNX file: {shortened(error)}",
            "an ONNX file",
            "Give `convert: onnx` before this step, or another source.",
        ) from error


def whole(path: Path) -> onnx.ModelProto:
    """The graph of a file with all its weights in memory; Refused if one of its files is missing or broken."""
    outline(path)
    try:
        return onnx.load(path)
    except Exception as error:
        raise Refused(
            f"the weights beside {path.name} cannot be read: {shortened(error)}",
            "every file that the ONNX file names, whole",
            "Name the files in `artifact.external_data`.",
        ) from error


def weights_apart(model: onnx.ModelProto) -> bool:
    """Whether weights of the graph lie in files beside it."""
    return any(external_data_helper.uses_external_data(tensor) for tensor in model.graph.initializer)


def files(path: Path) -> list[Path]:
    """The file and those beside it that hold its weights."""
    apart = [tensor for tensor in outline(path).graph.initializer if external_data_helper.uses_external_data(tensor)]
    names = {external_data_helper.ExternalDataInfo(tensor).location for tensor in apart}
    return [path, *(path.parent / name for name in sorted(names))]


def save(model: onnx.ModelProto, folder: Path, *, apart: bool) -> Path:
    """Write model.onnx, and beside it model.onnx.data if the weights lie apart or are too large for one file."""
    path = folder / MAIN
    if apart or model.ByteSize() > LARGEST_IN_ONE_FILE:
        onnx.save_model(model, path, save_as_external_data=True, all_tensors_to_one_file=True, location=DATA)
    else:
        path.write_bytes(model.SerializeToString(deterministic=True))
    return path


def made(
    settings: Mapping[str, Any], tools: Mapping[str, str], notes: Sequence[str], *, deterministic: bool = True
) -> dict[str, Any]:
    """The result of a step that wrote model.onnx. `settings` has everything that decided it, defaults included.

    `deterministic`: two runs in two processes write the same bytes; tests/unit/optimize shows it.
    """
    return {
        "main": MAIN,
        "format": "onnx",
        "tools": dict(tools),
        "settings": dict(settings),
        "deterministic": deterministic,
        "notes": [note for note in notes if note],
    }


def keep_signature(source: onnx.ModelProto, path: Path) -> list[str]:
    """Hold the result at `path` against the graph that it came from, and give it that one's names and metadata.

    Tools rename symbolic dimensions and drop metadata, such as how a picture becomes a tensor; neither is a change that
    a caller should see. Any other difference is one. An input that has a default in the file may become a constant;
    a note that says so is returned.

    Raises:
        Refused: inputs or outputs differ in name, type or shape; or ONNX Runtime does not load the result.
    """
    result = outline(path)
    must_keep(source, result)
    weights = {tensor.name for tensor in result.graph.initializer}
    given = {value.name for value in inputs(source)}
    dropped = [value.name for value in source.graph.input if value.name not in given | weights]
    kept = [value for value in source.graph.input if value.name in given | weights]
    _replace(result.graph.input, kept)
    _replace(result.graph.output, list(source.graph.output))
    _replace(result.metadata_props, list(source.metadata_props))
    path.write_bytes(result.SerializeToString(deterministic=True))
    must_load(path)
    return [f"constants now, no longer inputs that may be left out: {', '.join(dropped)}"] if dropped else []


def must_keep(source: onnx.ModelProto, result: onnx.ModelProto) -> None:
    """Refuse a graph whose inputs or outputs differ from the source's in name, type or shape."""
    differences = [*_differences(source, result)]
    if differences:
        raise Refused(
            "the step changes the signature: " + "; ".join(differences),
            "a step keeps names, types and shapes of inputs and outputs, unless it is convert, merge, or a script that "
            'returns "signature": "changed"',
            "Leave the step out, or exclude the nodes next to these tensors where the step has `exclude`.",
        )


def must_load(path: Path) -> None:
    """Refuse a file that the model server's ONNX Runtime does not load, with its reason."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise Refused(
            f"ONNX Runtime {ort.__version__} does not load the result: {shortened(error)}",
            "operators and types that ONNX Runtime has on a CPU",
            "Exclude the node that it names, or leave the step out.",
        ) from error


def inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """What a caller sends: inputs of the graph that are no weights."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in weights]


def described(value: onnx.ValueInfoProto) -> str:
    """An input or output in words, such as `image FLOAT [N, 1, 8, 8]`."""
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return f"{value.name} {kind}"
    return f"{value.name} {onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)} {shape_text(value)}"


def shape_text(value: onnx.ValueInfoProto) -> str:
    """The shape in words; `?` for a dimension without name and size."""
    dims = dimensions(value)
    return "of any shape" if dims is None else "[" + ", ".join(map(str, dims)) + "]"


def dimensions(value: onnx.ValueInfoProto) -> list[int | str] | None:
    """Sizes, or names of the symbolic dimensions; None where the file states no shape."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "?" for dim in tensor.shape.dim]


def feeds(output: onnx.ValueInfoProto, taken: onnx.ValueInfoProto) -> bool:
    """Whether an output may be an input: of the same type, and no dimension has two sizes."""
    (kind, sizes), (its_kind, its_sizes) = _comparable(output), _comparable(taken)
    if kind != its_kind or sizes is None or its_sizes is None:
        return kind == its_kind
    pairs = list(zip(sizes, its_sizes, strict=False))
    return len(sizes) == len(its_sizes) and all(size == its or None in (size, its) for size, its in pairs)


def near(name: str, names: Iterable[str]) -> str:
    """The names that come nearest to a wrong one, in words."""
    known = sorted(filter(None, names))
    found = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:3]
    return ", ".join(found) if found else "none"


def _differences(source: onnx.ModelProto, result: onnx.ModelProto) -> Iterable[str]:
    for side, before, after in (
        ("input", inputs(source), inputs(result)),
        ("output", list(source.graph.output), list(result.graph.output)),
    ):
        there = {value.name: value for value in after}
        for value in before:
            other = there.pop(value.name, None)
            if other is None:
                yield f"{side} {described(value)} is gone"
            elif _comparable(value) != _comparable(other):
                yield f"{side} {described(value)} became {described(other)}"
        yield from (f"{side} {described(value)} is new" for value in there.values())


def _comparable(value: onnx.ValueInfoProto) -> tuple[object, list[int | None] | None]:
    """What two values must share. A symbolic dimension has no size, whatever it is called."""
    if value.type.WhichOneof("value") != "tensor_type":
        return value.type.SerializeToString(deterministic=True), None
    dims = dimensions(value)
    sizes = None if dims is None else [dim if isinstance(dim, int) else None for dim in dims]
    return value.type.tensor_type.elem_type, sizes


def _replace(field: Any, values: Sequence[Any]) -> None:
    del field[:]
    field.extend(values)

"""The step `quantize`: weights, or weights and activations, in fewer bits, by ONNX Runtime's own quantizers."""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import calibration
import floats
import graphs
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.shape_inference import quant_pre_process
from step import Refused, Request, progress, shortened, versions

RANGES = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
PERCENTILE = 99.999
BLOCK = 32
"""Weights that share one scale in `int4-weights`: small enough for the kernels, and an eighth more than 4 bits each."""
PER_CHANNEL = ("int8-dynamic", "int8-static", "uint8-static")
QUANTIZED = frozenset(
    (
        *("DequantizeLinear", "DynamicQuantizeLinear", "DynamicQuantizeLSTM", "QuantizeLinear"),
        *("ConvInteger", "DynamicQuantizeMatMul", "MatMulInteger", "MatMulIntegerToFloat", "MatMulNBits"),
        *("GatherBlockQuantized", "QAttention", "QEmbedLayerNormalization"),
    )
)

Settings = dict[str, Any]


def run(request: Request) -> dict[str, Any]:
    """Quantize the model in the way that the step's `quantize` names.

    Raises:
        Refused: unknown nodes are excluded, calibration does not fit the inputs, nothing can be quantized, the
            signature would change, or ONNX Runtime does not load the result.
    """
    way = request.step["quantize"]
    source = graphs.outline(request.source)
    exclude = _excluded(request.step, source)
    if not any(entry.domain in ("", "ai.onnx") for entry in source.opset_import):
        raise _nothing()
    if request.step.get("per_channel") and way not in PER_CHANNEL:
        raise Refused(f"per_channel means nothing for {way}", ", ".join(PER_CHANNEL), "Leave per_channel out.")
    try:
        settings, note = WAYS[way](request, source, exclude)
    except (AssertionError, KeyError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        raise Refused(
            f"ONNX Runtime's quantizer does not take the graph: {type(error).__name__}: {shortened(error)}",
            "a graph whose operators the quantizer knows",
            "Exclude the node that it names, try `simplify: true` before this step, or quantize in another way.",
        ) from error
    result = request.output / graphs.MAIN
    dropped = graphs.keep_signature(source, result)
    changed = "" if way in floats.WAYS else _changed(result)
    return graphs.made(
        {"quantize": way, "exclude": exclude, **settings}, versions("onnx", "onnxruntime"), [changed, note, *dropped]
    )


def _dynamic(request: Request, source: onnx.ModelProto, exclude: list[str]) -> tuple[Settings, str]:
    per_channel = bool(request.step.get("per_channel", False))
    with tempfile.TemporaryDirectory(dir=request.output.parent) as folder:
        prepared, optimized = _prepared(request, source, exclude, Path(folder))
        progress("quantizing weights to int8")
        quantize_dynamic(
            prepared,
            request.output / graphs.MAIN,
            per_channel=per_channel,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=exclude,
            use_external_data_format=_apart(request.source, source),
        )
    settings = {"per_channel": per_channel, "weights": "int8", "reduce_range": False, "fused": optimized}
    return settings, "activations are quantized at run time, from the range of each request"


def _static(activations: QuantType) -> Callable[[Request, onnx.ModelProto, list[str]], tuple[Settings, str]]:
    def quantized(request: Request, source: onnx.ModelProto, exclude: list[str]) -> tuple[Settings, str]:
        per_channel = bool(request.step.get("per_channel", False))
        ranges = request.step.get("range", "minmax")
        rows = calibration.read(request.file(request.step["calibration"]), request.step["calibration"], source)
        options = {"CalibPercentile": PERCENTILE} if ranges == "percentile" else {}
        with tempfile.TemporaryDirectory(dir=request.output.parent) as folder:
            prepared, optimized = _prepared(request, source, exclude, Path(folder))
            progress(f"measuring the ranges of activations ({ranges})")
            quantize_static(
                prepared,
                request.output / graphs.MAIN,
                rows,
                quant_format=QuantFormat.QDQ,
                per_channel=per_channel,
                activation_type=activations,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=exclude,
                calibrate_method=RANGES[ranges],
                use_external_data_format=_apart(request.source, source),
                extra_options=options,
            )
        settings = {
            "activations": "int8" if activations is QuantType.QInt8 else "uint8",
            "fused": optimized,
            "nodes": "QDQ",
            "per_channel": per_channel,
            "range": ranges,
            "reduce_range": False,
            "runs": rows.count,
            "weights": "int8",
            **({"percentile": PERCENTILE} if options else {}),
        }
        return settings, f"ranges of activations come from {rows.count} runs of the calibration"

    return quantized


def _four_bits(request: Request, source: onnx.ModelProto, exclude: list[str]) -> tuple[Settings, str]:
    model = ONNXModel(graphs.whole(request.source))
    # A fully connected layer is a Gemm in many exports; the kernel with four bits is one of MatMul.
    model.replace_gemm_with_matmul()
    progress("rounding weights to 4 bits")
    quantizer = MatMulNBitsQuantizer(model.model, bits=4, block_size=BLOCK, is_symmetric=True, nodes_to_exclude=exclude)
    quantizer.process()
    graphs.save(quantizer.model.model, request.output, apart=graphs.weights_apart(source))
    settings = {"bits": 4, "block_size": BLOCK, "symmetric": True, "algorithm": "round to nearest"}
    return settings, "only constant weights of MatMul and Gemm are rounded; activations stay as they are"


def _float(kind: str) -> Callable[[Request, onnx.ModelProto, list[str]], tuple[Settings, str]]:
    def converted(request: Request, source: onnx.ModelProto, exclude: list[str]) -> tuple[Settings, str]:
        progress(f"converting to {kind}")
        model = graphs.whole(request.source)
        result, settings, note = floats.WAYS[kind](model, exclude)
        graphs.save(result, request.output, apart=graphs.weights_apart(source))
        return settings, note

    return converted


WAYS: Mapping[str, Callable[[Request, onnx.ModelProto, list[str]], tuple[Settings, str]]] = {
    "int8-dynamic": _dynamic,
    "int8-static": _static(QuantType.QInt8),
    "uint8-static": _static(QuantType.QUInt8),
    "fp16": _float("fp16"),
    "bf16": _float("bf16"),
    "int4-weights": _four_bits,
}


def _excluded(step: Mapping[str, Any], source: onnx.ModelProto) -> list[str]:
    """The nodes that stay as they are, sorted; Refused for a name that no node has."""
    names = {node.name for node in source.graph.node}
    for name in step.get("exclude", ()):
        if name not in names or not name:
            raise Refused(
                f"exclude names {name!r}, but no node is called so",
                f"a node of the graph, near: {graphs.near(name, names)}",
                "Take the name from the graph; `simplify` before this step gives names to nodes without one."
                if "" in names
                else "Take the name from the graph.",
            )
    return sorted(step.get("exclude", ()))


def _prepared(request: Request, source: onnx.ModelProto, exclude: list[str], folder: Path) -> tuple[Path, bool]:
    """The model with the shapes of its tensors inferred, and nodes fused, as ONNX Runtime advises before quantizing.

    Fusing may take away a node that is excluded by name; then nothing is fused.
    """
    progress("inferring shapes and fusing nodes")
    prepared = folder / "prepared.onnx"
    for fuse in (True, False):
        try:
            quant_pre_process(
                request.source,
                prepared,
                skip_optimization=not fuse,
                # It knows more graphs than ONNX's own, but fails on some; those have shapes enough without it.
                skip_symbolic_shape=not fuse,
                auto_merge=True,
                save_as_external_data=_apart(request.source, source),
                all_tensors_to_one_file=True,
                external_data_location="prepared.onnx.data",
            )
        except Exception as error:
            if not fuse:
                raise Refused(
                    f"ONNX Runtime cannot prepare the graph: {shortened(error)}",
                    "a graph whose shapes can be inferred",
                    "Try `simplify: true` before this step.",
                ) from error
            continue
        if set(exclude) <= {node.name for node in graphs.outline(prepared).graph.node}:
            return prepared, fuse
    return prepared, False


def _apart(path: Path, source: onnx.ModelProto) -> bool:
    return graphs.weights_apart(source) or path.stat().st_size > graphs.LARGEST_IN_ONE_FILE


def _changed(result: Path) -> str:
    """Which kinds of nodes of the result work with fewer bits, in words; Refused if none does."""
    kinds = Counter(node.op_type for node in graphs.outline(result).graph.node if node.op_type in QUANTIZED)
    if not kinds:
        raise _nothing()
    return "nodes with fewer bits: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _nothing() -> Refused:
    return Refused(
        "nothing was quantized: the graph has no node that this way of quantizing knows",
        "a graph with matrix products or convolutions of constant weights that are not excluded; trees have none",
        "Quantize in another way, exclude less, or leave the step out.",
    )

"""Convert scikit-learn, XGBoost and LightGBM to ONNX, and hold the result against the original."""

import numpy as np
import onnx_answers
import same_answers
import signatures
import step
from lightgbm import Booster as LightGbmBooster
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common import data_types as of_boosters
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm as of_lightgbm
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost as of_xgboost
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common import data_types as of_sklearn
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.base import is_classifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from xgboost import Booster as XGBoostBooster
from xgboost import XGBClassifier, XGBRegressor

import models

_BOOSTERS_OPSET = 15
"""The newest that onnxmltools writes."""
_ML_OPSET = 3
"""The version of ONNX's operators for trees that both converters write."""
_TENSORS = {
    "float32": "FloatTensorType",
    "float64": "DoubleTensorType",
    "int64": "Int64TensorType",
    "int32": "Int32TensorType",
    "bool": "BooleanTensorType",
    "object": "StringTensorType",
}
_LOCALE = "C.UTF-8"
"""That of lower-casing texts: images have it, and not skl2onnx's own choice, en_US."""
_ROWS = 200
_SCALES = (1.0, 16.0, 100.0, 1000.0)
"""Thresholds of trees are of the size of the features; random rows of every size meet some."""


def run(request):
    """See the module."""
    if request.step["convert"] != "onnx":
        raise step.Refused(
            f"{request.format} is not converted to {request.step['convert']}", "convert: onnx", "write that"
        )
    model = models.load(request)
    inputs = signatures.written(request) or models.inputs(request, model)
    opset = request.step.get("opset", 17)
    step.progress(f"converting {type(model).__name__} to ONNX")
    path = request.output / "model.onnx"
    path.write_bytes(_converted(model, inputs, opset).SerializeToString(deterministic=True))
    step.progress("asking both")
    return {
        "main": path.name,
        "format": "onnx",
        "tools": step.versions("scikit-learn", "skl2onnx", "onnxmltools", "xgboost-cpu", "lightgbm", "onnx", "skops"),
        "settings": signatures.settings(inputs, opset=opset, zipmap=False),
        "deterministic": True,
        "notes": [_compared(request, model, inputs, path)],
    }


def _converted(model, inputs, opset):
    try:
        if isinstance(model, XGBoostBooster):
            return convert_xgboost(
                model, "model", _types(of_boosters, inputs), target_opset=min(opset, _BOOSTERS_OPSET)
            )
        if isinstance(model, LightGbmBooster):
            types = _types(of_boosters, inputs)
            return convert_lightgbm(model, "model", types, target_opset=min(opset, _BOOSTERS_OPSET), zipmap=False)
        _register()
        options = {kind: {"locale": _LOCALE} for kind in (CountVectorizer, TfidfVectorizer)}
        if is_classifier(model):
            options[id(model)] = {"zipmap": False}
        opsets = {"": opset, "ai.onnx.ml": _ML_OPSET}
        types = _types(of_sklearn, inputs)
        return to_onnx(model, initial_types=types, name="model", options=options, target_opset=opsets)
    except Exception as error:
        raise step.Refused(
            f"{type(model).__name__} is not converted: {type(error).__name__}: {step.shortened(error)}",
            "what skl2onnx and onnxmltools convert (https://onnx.ai/sklearn-onnx/supported.html)",
            "write inputs with other types, another opset, or a script of your own that exports it",
        ) from error


def _types(library, inputs):
    """Each converter has classes of its own by the same names."""
    return [(name, getattr(library, _TENSORS[str(dtype)])(list(shape))) for name, (dtype, shape) in inputs.items()]


def _register():
    """Let pipelines of scikit-learn hold estimators of the other two."""
    classes = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
    shapes = (calculate_linear_classifier_output_shapes, calculate_linear_regressor_output_shapes)
    update_registered_converter(XGBClassifier, "XGBoostXGBClassifier", shapes[0], of_xgboost, options=classes)
    update_registered_converter(XGBRegressor, "XGBoostXGBRegressor", shapes[1], of_xgboost)
    update_registered_converter(LGBMClassifier, "LightGbmLGBMClassifier", shapes[0], of_lightgbm, options=classes)
    update_registered_converter(LGBMRegressor, "LightGbmLGBMRegressor", shapes[1], of_lightgbm, options={"split": None})


def _compared(request, model, inputs, path):
    rows = _rows(request, model, inputs)
    asked = next(iter(rows.values()))
    asked = asked.ravel() if models.reads_text(model) else asked
    if len(rows) > 1:
        return "not held against the original: it has several inputs"
    expected = models.ask(model, asked)
    answered = onnx_answers.answers(path, rows)
    known = dict(list(answered.items())[: len(expected)])
    return same_answers.check(expected, known, request.format)


def _rows(request, model, inputs):
    generator = np.random.default_rng(request.seed)
    rows = {}
    for name, (dtype, shape) in inputs.items():
        size = [_ROWS if entry is None else entry for entry in shape]
        if dtype.kind == "O":
            known = models.words(model)
            texts = [" ".join(generator.choice(known, 5)) for _ in range(int(np.prod(size)))]
            rows[name] = np.array(texts, dtype=object).reshape(size)
        else:
            scale = generator.choice(_SCALES, [size[0]] + [1] * (len(size) - 1))
            rows[name] = (generator.uniform(-0.3, 1, size) * scale).astype(dtype)
    return rows

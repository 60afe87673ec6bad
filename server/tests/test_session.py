"""What ONNX Runtime says of a model that it does not load reaches a person to its end, where the reason is."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper
from slipway_server.backends.base import ModelError
from slipway_server.backends.onnx.session import OnnxSession


def saved(folder: Path, ir_version: int, operator: str) -> Path:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 2]) for name in "xy"]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "g", value[:1], value[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=ir_version)
    path = folder / ("long" * 40) / "model.onnx"
    path.parent.mkdir()
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("ir_version", "operator", "reason"),
    [
        (20, "Relu", "Unsupported model IR version: 20"),
        (8, "Bar", "No Op registered for Bar with domain_version of 17"),
    ],
)
def test_the_reason_why_a_model_is_not_loaded_is_not_cut_off(
    tmp_path: Path, ir_version: int, operator: str, reason: str
) -> None:
    with pytest.raises(ModelError) as refused:
        OnnxSession(saved(tmp_path, ir_version, operator), 1)
    said = str(refused.value)
    assert reason in said
    assert "\n" not in said
    assert len(said) < 1100

"""What `slipway validate` reads of a file is what the model server says of it, for types and shapes that few have."""

import sys
from pathlib import Path

import pytest
from slipway_server.backends.onnx.session import OnnxSession

from slipway.artifacts.onnx import read_artifact

sys.path.insert(0, str(Path(__file__).parents[3] / "server/tests"))

import step_models

MODELS = (
    step_models.brief,
    step_models.zipmap,
    step_models.pieces,
    step_models.with_default,
    step_models.optional,
    step_models.pairs,
    step_models.one_row,
    step_models.bag,
    step_models.outside,
)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_the_signature_in_the_file_is_the_one_that_the_server_sees(make: object, tmp_path: Path) -> None:
    path: Path = make(tmp_path)  # type: ignore[operator]
    offline, running = read_artifact(path, tmp_path).signature, OnnxSession(path, 1).signature
    assert offline == running
    assert offline.shared_sizes == running.shared_sizes


def test_all_external_data_is_found_wherever_in_the_graph_it_belongs(tmp_path: Path) -> None:
    files = read_artifact(step_models.outside(tmp_path), tmp_path).files
    expected = ["outside.onnx", "weights/a.bin", "weights/deep/b.bin", "weights/deep/er/c.bin"]
    assert [file.name for file in files] == expected

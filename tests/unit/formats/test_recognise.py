"""Formats told by their bytes, whatever the file is called."""

import gzip
import io
import json
import pickle
import struct
import zipfile
from pathlib import Path

import pytest

from slipway import installation
from slipway.formats.recognise import checked, recognise
from slipway.reading.files import BadFile


def zip_with(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"{}")
    return stream.getvalue()


def safetensors(size: int = 8, told: int = 8) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, told]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(size)


FILES = {
    "keras": zip_with("metadata.json", "config.json", "model.weights.h5"),
    "h5": b"\x89HDF\r\n\x1a\n" + bytes(500) + b"model_config" + b"keras_version",
    "torch-export": zip_with("m/archive_format", "m/models/model.json", "m/data/weights/weight_0"),
    "tflite": struct.pack("<I", 28) + b"TFL3" + bytes(100),
    "safetensors": safetensors(),
    "gguf": b"GGUF" + struct.pack("<IQQ", 3, 0, 0),
    "skops": zip_with("schema.json"),
    "xgboost": b'{"learner":{"attributes":{},"gradient_booster":{}},"version":[3,0,0]}',
    "lightgbm": b"tree\nversion=v4\nnum_class=1\n",
    "pickle": pickle.dumps({"weights": [1.0, 2.0, 3.0]}),
    "joblib": pickle.dumps({"joblib.numpy_pickle": [1.0]}),
    "savedmodel": zip_with("m/saved_model.pb", "m/variables/variables.index"),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_format_is_told_by_the_content_under_any_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "weights"
    path.write_bytes(FILES[name])
    assert recognise(path) == name


def test_onnx_is_told_by_reading_it() -> None:
    assert recognise(installation.resource("models/digits/model.onnx")) == "onnx"


def test_a_zip_of_pytorch_is_torchscript_with_code_and_a_pickle_without(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(zip_with("m/data.pkl", "m/constants.pkl", "m/code/__torch__.py"))
    assert recognise(path) == "torchscript"
    path.write_bytes(zip_with("m/data.pkl", "m/version"))
    assert recognise(path) == "pickle"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_every_protocol_is_told(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(pickle.dumps({"weights": list(range(10_000))}, protocol))
    assert recognise(path) == "pickle"


def test_a_compressed_pickle_is_a_joblib_dump(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(gzip.compress(pickle.dumps(list(range(1000)))))
    assert recognise(path) == "joblib"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<html><body>Sign in</body></html>", "no format that Slipway knows"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\n" + b"layer_names", "not its architecture"),
        (b'{"name":"tree","tree_info":[]}', "a dump of LightGBM"),
        (b'{"class_name": "Functional", "config": {}}', "architecture of a Keras model without weights"),
        (safetensors(size=4), "its header tells of"),
        (b"CBM1" + bytes(10), "a CatBoost model"),
        (zip_with("readme.txt"), "without a model that Slipway knows"),
        (zip_with("MAR-INF/MANIFEST.json"), "an archive of TorchServe"),
        (zip_with("a")[:-10], "a broken zip file"),
    ],
    # Not by the bytes: those of a zip file have the time in them, and two workers must find tests of the same name.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_model_is_named(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=says):
        recognise(path)


def test_a_wrong_format_under_a_right_suffix_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(FILES["tflite"])
    with pytest.raises(BadFile, match=r"is TFLite \(LiteRT\) by its content, and ONNX by its name"):
        checked(path, None)
    assert checked(path, "tflite") == "tflite"


def test_a_format_that_the_content_contradicts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(FILES["gguf"])
    with pytest.raises(BadFile, match="is GGUF, not safetensors") as refused:
        checked(path, "safetensors")
    assert refused.value.allowed == "format: gguf"


def test_folders_are_saved_models_or_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="a folder without saved_model"):
        recognise(tmp_path)
    (tmp_path / "MLmodel").touch()
    with pytest.raises(BadFile, match="a folder of MLflow"):
        recognise(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    assert recognise(tmp_path) == "savedmodel"

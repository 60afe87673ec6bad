"""Name the formats: as the spec writes them, as people say, and by which suffixes files usually tell them."""

from typing import Final

WORDS: Final = {
    "onnx": "ONNX",
    "savedmodel": "a TensorFlow SavedModel",
    "keras": "a Keras archive (.keras)",
    "h5": "a Keras model in HDF5",
    "torchscript": "TorchScript",
    "torch-export": "a torch.export archive (.pt2)",
    "tflite": "TFLite (LiteRT)",
    "safetensors": "safetensors",
    "gguf": "GGUF",
    "skops": "a skops archive of scikit-learn",
    "xgboost": "an XGBoost model",
    "lightgbm": "a LightGBM model",
    "pickle": "a Python pickle",
    "joblib": "a joblib dump, which is a Python pickle",
}
"""All formats, and what people call them."""

PICKLES: Final = frozenset({"pickle", "joblib"})
"""Those that run code when they are loaded."""

_SUFFIXES: Final = {
    ".onnx": {"onnx"},
    ".pb": {"savedmodel"},
    ".keras": {"keras"},
    ".h5": {"h5"},
    ".hdf5": {"h5"},
    ".pt": {"torchscript", "torch-export", "pickle"},
    ".pth": {"torchscript", "pickle"},
    ".pt2": {"torch-export"},
    ".tflite": {"tflite"},
    ".safetensors": {"safetensors"},
    ".gguf": {"gguf"},
    ".skops": {"skops"},
    ".ubj": {"xgboost"},
    ".pkl": {"pickle", "joblib"},
    ".pickle": {"pickle", "joblib"},
    ".joblib": {"joblib", "pickle"},
}


def told_by(suffix: str) -> frozenset[str]:
    """The formats that files with a suffix have; none for a suffix that tells nothing."""
    return frozenset(_SUFFIXES.get(suffix.lower(), ()))

"""The model server that Slipway puts into images: one ONNX model behind the Open Inference Protocol."""

__version__ = "0.1.0"

"""Read an ONNX file without a runtime: its parts, its signature, and what ONNX Runtime would refuse in it."""

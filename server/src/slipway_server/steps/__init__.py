"""What a spec puts before and after the model: pictures, text, labels, hooks. Knows no HTTP and no ONNX Runtime."""

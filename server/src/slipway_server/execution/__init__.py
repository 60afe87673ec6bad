"""Runs the model on ONNX Runtime: session, batcher, and the trials that decide whether requests share a run."""

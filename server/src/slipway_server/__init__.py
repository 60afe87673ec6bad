"""The model server that Slipway puts into images: one ONNX model behind the Open Inference Protocol."""

import os

__version__ = "0.1.0"

# Before anything imports ONNX Runtime, which reads it once: otherwise it reports to Microsoft what is run, looks the
# address up every few seconds, and warns when it cannot write a file that identifies the machine. (Its function
# `disable_telemetry_events` ends none of this.)
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

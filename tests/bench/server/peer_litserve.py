"""LitServe's side of the benchmark: the same ONNX model behind a LitAPI. Runs in LitServe's own venv."""

import sys
from typing import Any

import litserve  # type: ignore[import-not-found]
import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]


class OnnxApi(litserve.LitAPI):  # type: ignore[misc]
    """Decode, predict and encode as LitServe's documentation shows them."""

    def setup(self, device: str) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    # No annotations: LitServe would take the request's for a FastAPI parameter.
    def decode_request(self, request):  # type: ignore[no-untyped-def]
        return np.asarray(request["inputs"]["image"], dtype=np.float32)

    def batch(self, inputs: Any) -> Any:
        return np.concatenate(inputs)

    def predict(self, image: Any) -> Any:
        return self.session.run(self.names, {"image": image})

    def unbatch(self, output: Any) -> Any:
        label, probabilities = output
        return [(label[i : i + 1], probabilities[i : i + 1]) for i in range(len(label))]

    def encode_response(self, output: Any) -> Any:
        return {"outputs": {name: array.tolist() for name, array in zip(self.names, output, strict=True)}}


if __name__ == "__main__":
    port, _, batch = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    api = OnnxApi(max_batch_size=batch, batch_timeout=0.002 if batch > 1 else 0.0)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1, timeout=30)
    server.run(host="127.0.0.1", port=port, num_api_servers=1, log_level="error", generate_client_file=False)

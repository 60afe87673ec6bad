"""MLServer's side of the benchmark: a custom runtime around the same ONNX model. Runs in MLServer's own venv."""

import onnxruntime as ort  # type: ignore[import-untyped]
from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]


class OnnxModel(MLModel):  # type: ignore[misc]
    """Runs the model named by the settings' uri, as MLServer's guide to custom runtimes shows."""

    async def load(self) -> bool:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        uri = self.settings.parameters.uri
        self.session = ort.InferenceSession(uri, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        results = self.session.run(self.names, inputs)
        outputs = [NumpyCodec.encode_output(name, result) for name, result in zip(self.names, results, strict=True)]
        return InferenceResponse(model_name=self.name, outputs=outputs)

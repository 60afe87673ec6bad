"""Run an ONNX model in MLServer, which has runtimes of many libraries and none of ONNX Runtime."""

import onnxruntime  # type: ignore[import-untyped]
from mlserver import MLModel  # type: ignore[import-not-found]
from mlserver.codecs import NumpyCodec  # type: ignore[import-not-found]
from mlserver.types import InferenceRequest, InferenceResponse  # type: ignore[import-not-found]
from mlserver.utils import get_model_uri  # type: ignore[import-not-found]


class OnnxModel(MLModel):  # type: ignore[misc]
    """A runtime of MLServer's: model-settings.json names it in `implementation`."""

    async def load(self) -> bool:
        """Load the weights that `parameters.uri` names."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(self._settings.parameters.extra["threads"])
        path = await get_model_uri(self._settings)
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._outputs = [one.name for one in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Answer a request, or several that MLServer's adaptive batching put together."""
        feeds = {one.name: NumpyCodec.decode_input(one) for one in payload.inputs}
        arrays = self._session.run(self._outputs, feeds)
        outputs = [NumpyCodec.encode_output(name, array) for name, array in zip(self._outputs, arrays, strict=True)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

"""What a server is asked, in each protocol, and how its answer is read."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tritonclient.grpc import service_pb2

INFER = "/inference.GRPCInferenceService/ModelInfer"


@dataclass(frozen=True)
class Request:
    """Bytes that are sent, and what reads the label in an answer. `http`: the whole request, or a message of gRPC."""

    data: bytes
    label: Callable[[bytes], object]
    http: bool = True


def json_request(path: str, body: bytes) -> Request:
    """Return a POST with a JSON body."""
    return Request(_posted(path, body, "Content-Type: application/json"), _label_of_json)


def binary_request(path: str, pixels: bytes) -> Request:
    """Return a POST of V2 with the tensor, and that of the answer, as bytes behind the JSON."""
    size = {"binary_data_size": len(pixels)}
    tensor = {"name": "image", "shape": [1, 1, 8, 8], "datatype": "FP32", "parameters": size}
    wanted = {"inputs": [tensor], "parameters": {"binary_data_output": True}}
    head = json.dumps(wanted, separators=(",", ":")).encode()
    length = f"Inference-Header-Content-Length: {len(head)}"
    return Request(_posted(path, head + pixels, "Content-Type: application/octet-stream", length), _label_of_bytes)


def grpc_request(pixels: bytes) -> Request:
    """Return a message of V2 with the tensor as bytes."""
    message = service_pb2.ModelInferRequest(model_name="digits", raw_input_contents=[pixels])
    tensor = message.inputs.add()
    tensor.name, tensor.datatype = "image", "FP32"
    tensor.shape.extend([1, 1, 8, 8])
    return Request(message.SerializeToString(), _label_of_message, http=False)


def _posted(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def _label_of_json(answer: bytes) -> object:
    outputs = json.loads(answer)["outputs"]
    if isinstance(outputs, list):
        outputs = {output["name"]: output["data"] for output in outputs}
    return outputs["label"]


def _label_of_bytes(answer: bytes) -> object:
    decoder, text = json.JSONDecoder(), answer.decode("latin-1")
    head, at = decoder.raw_decode(text)
    for output in head["outputs"]:
        size = output["parameters"]["binary_data_size"]
        if output["name"] == "label":
            return np.frombuffer(answer[at : at + size], np.int64).tolist()
        at += size
    return None


def _label_of_message(answer: bytes) -> object:
    message = service_pb2.ModelInferResponse.FromString(answer)
    for number, output in enumerate(message.outputs):
        if output.name == "label":
            raw = message.raw_output_contents
            return np.frombuffer(raw[number], np.int64).tolist() if raw else list(output.contents.int64_contents)
    return None

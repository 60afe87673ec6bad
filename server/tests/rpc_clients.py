"""Talk gRPC to a real server: with tritonclient, and with the bare library to send what that does not."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import processes
import tritonclient.grpc as triton
from processes import Server
from tritonclient.grpc import service_pb2

INFER = "/inference.GRPCInferenceService/ModelInfer"
LIMIT_S = 60


@contextlib.contextmanager
def running(config: dict[str, Any], folder: Path) -> Iterator[tuple[Server, str]]:
    """Run a server that speaks gRPC as well; yield it and its address for that."""
    port = processes.free_port()
    with processes.running({**config, "grpc": {"port": port}}, folder) as server:
        yield server, f"127.0.0.1:{port}"


def client(address: str) -> triton.InferenceServerClient:
    return triton.InferenceServerClient(address)


def given(name: str, datatype: str, array: np.ndarray[Any, Any]) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array)
    return tensor


def request(model: str, **fields: Any) -> Any:
    return service_pb2.ModelInferRequest(model_name=model, **fields)


def ask(address: str, message: Any, path: str = INFER, **metadata: str) -> Any:
    """Send one message, bytes as they are, and return the answer; `grpc.RpcError` says why there is none."""
    raw = message if isinstance(message, bytes) else message.SerializeToString()
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(path)
        pairs = [(name.replace("_", "-"), value) for name, value in metadata.items()]
        answer = call(raw, timeout=LIMIT_S, metadata=pairs)
    return service_pb2.ModelInferResponse.FromString(answer) if path == INFER else answer


def refusal(address: str, message: Any, path: str = INFER, **metadata: str) -> tuple[str, str]:
    """Return the code and the words with which a message is refused."""
    try:
        answer = ask(address, message, path, **metadata)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    raise AssertionError(f"not refused: {answer}")


def silent(channel: grpc.Channel, path: str = INFER) -> Any:
    """Begin a call and never send its message; whoever keeps the result keeps the call."""
    return channel.stream_stream(path)(_never())


def _never() -> Iterator[bytes]:
    threading.Event().wait(LIMIT_S)
    yield b""

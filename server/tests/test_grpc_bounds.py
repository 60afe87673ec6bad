"""Nobody gets more of the server over gRPC than over HTTP: the gate, memory, time, connections, and the way down."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnx_models
import processes
import pytest
import rpc_clients
from rpc_clients import INFER, ask, client, given, refusal, request, silent
from slipway_server.http.lifecycle import State
from slipway_server.memory.budget import Budget
from slipway_server.rpc.calls import Calls
from slipway_server.rpc.cost import read_cost
from slipway_server.rpc.port import Port
from slipway_server.telemetry.metrics import Metrics
from test_gate import KEY, pem, signed
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

MIB = 2**20
LIMIT_S = 60
Speaking = tuple[processes.Server, str]
SEVEN = np.array(json.loads((processes.DIGITS / "check.json").read_text())["inputs"]["image"], np.float32)


def seven() -> Any:
    tensor = service_pb2.ModelInferRequest.InferInputTensor(name="image", datatype="FP32", shape=SEVEN.shape)
    return request("digits", inputs=[tensor], raw_input_contents=[SEVEN.tobytes()])


@pytest.fixture(scope="module")
def gated(folder: Path) -> Iterator[Speaking]:
    key = folder / "grpc-gate.pem"
    key.write_bytes(pem(KEY))
    config = processes.digits_config(max_body_bytes=200_000, timeout_s=5.0, gate={"public_key": str(key)})
    with rpc_clients.running(config, folder) as speaking:
        yield speaking


def test_who_shows_a_pass_is_answered(gated: Speaking) -> None:
    answer = ask(gated[1], seven(), x_slipway_pass=signed())
    assert np.frombuffer(answer.raw_output_contents[0], np.int64).tolist() == [7]


@pytest.mark.parametrize("method", ["ModelInfer", "ModelReady", "ServerMetadata", "ModelMetadata"], ids=str)
@pytest.mark.parametrize("token", [None, "", "a.b.c", "another model's"])
def test_every_method_but_health_is_closed(gated: Speaking, method: str, token: str | None) -> None:
    shown = signed(aud="model/speech") if token == "another model's" else token
    metadata = {} if shown is None else {"x_slipway_pass": shown}
    code, words = refusal(gated[1], b"", f"/inference.GRPCInferenceService/{method}", **metadata)
    assert (code, words.startswith("`x-slipway-pass` ")) == ("PERMISSION_DENIED", True)
    assert not shown or shown not in words


def test_health_is_open(gated: Speaking) -> None:
    assert client(gated[1]).is_server_live()
    assert client(gated[1]).is_server_ready()
    assert ask(gated[1], b"", "/grpc.health.v1.Health/Check") == b"\x08\x01"


def test_a_call_without_a_pass_is_refused_before_its_message_comes(gated: Speaking) -> None:
    with grpc.insecure_channel(gated[1]) as channel:
        call = silent(channel)
        assert call.code() is grpc.StatusCode.PERMISSION_DENIED


def test_without_a_key_nobody_is_let_in_and_is_told_to_try_again(folder: Path) -> None:
    config = processes.digits_config(gate={"public_key": str(folder / "never.pem")})
    with rpc_clients.running(config, folder) as (_, address), grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(INFER).future(b"", metadata=[("x-slipway-pass", signed())], timeout=LIMIT_S)
        assert call.code() is grpc.StatusCode.UNAVAILABLE
        assert "so nobody is let in" in call.details()
        assert ("grpc-retry-pushback-ms", "1000") in [tuple(pair) for pair in call.trailing_metadata()]


@pytest.fixture(scope="module")
def small(folder: Path) -> Iterator[Speaking]:
    """A server with as little memory as bodies of 2 MiB need."""
    check = {"request": ["a"], "expect": {"y": "a"}}
    model = onnx_models.echo_text(folder)
    config = processes.config_for(model, check, max_body_bytes=2 * MIB, memory_bytes=300 * MIB, timeout_s=20.0)
    with rpc_clients.running(config, folder) as speaking:
        yield speaking


def echo(*texts: str) -> Any:
    tensor = service_pb2.ModelInferRequest.InferInputTensor(name="x", datatype="BYTES", shape=[len(texts)])
    raw = b"".join(len(text).to_bytes(4, "little") + text.encode() for text in texts)
    return request("echo_text", inputs=[tensor], raw_input_contents=[raw])


def test_a_message_is_as_large_as_a_body_may_be_and_no_larger(small: Speaking) -> None:
    text = "x" * (2 * MIB - 100)
    assert len(ask(small[1], echo(text)).raw_output_contents[0]) == len(text) + 4
    code, words = refusal(small[1], echo("x" * 2 * MIB))
    assert code == "RESOURCE_EXHAUSTED"
    assert f"vs. {2 * MIB}" in words


@pytest.mark.parametrize(
    "piece",
    [b"\x2a\x00", b"\x32\x00", b"\x22\x00", b"\x2a\x04\x2a\x02\x42\x00", b"\x2a\x02\x22\x00"],
    ids=["inputs", "outputs", "parameters", "texts", "parameters of inputs"],
)
def test_a_message_of_very_many_parts_is_refused_unread(small: Speaking, piece: bytes) -> None:
    server, address = small
    before = server.metric("process_resident_memory_bytes")
    code, words = refusal(address, piece * (2 * MIB // len(piece) - 64))
    assert code == "RESOURCE_EXHAUSTED"
    assert "of so many parts that reading them takes" in words
    assert server.metric("process_resident_memory_bytes") - before < 30 * MIB


def test_many_large_messages_at_once_stay_within_the_memory(small: Speaking) -> None:
    server, address = small
    text = "x" * (2 * MIB - 100)
    codes: list[str] = []

    def send() -> None:
        try:
            ask(address, echo(text))
            codes.append("OK")
        except grpc.RpcError as error:
            codes.append(error.code().name)

    threads = [threading.Thread(target=send) for _ in range(40)]
    for thread in threads:
        thread.start()
    most = 0.0
    while any(thread.is_alive() for thread in threads):
        most = max(most, server.metric("process_resident_memory_bytes"))
    assert set(codes) <= {"OK", "UNAVAILABLE"}
    assert len(codes) == 40
    assert codes.count("OK") >= 10
    assert most < 300 * MIB


def test_who_begins_calls_and_sends_nothing_keeps_nobody_out(small: Speaking) -> None:
    server, address = small
    with grpc.insecure_channel(address) as channel:
        calls = [silent(channel) for _ in range(60)]
        end = time.monotonic() + LIMIT_S
        while server.metric("slipway_requests_in_flight") < 3:
            assert time.monotonic() < end
            time.sleep(0.05)
        answers = 0
        while not answers:
            assert time.monotonic() < end, "no call came through"
            try:
                ask(address, echo("a"))
                answers += 1
            except grpc.RpcError as error:
                assert error.code() is grpc.StatusCode.UNAVAILABLE, error
        for call in calls:
            call.cancel()
    end = time.monotonic() + LIMIT_S
    while server.metric("slipway_requests_in_flight") > 1:
        assert time.monotonic() < end
        time.sleep(0.05)


class OneMethod:
    """Stands for all methods: says who asks."""

    def __init__(self) -> None:
        self.peers: set[str] = set()

    def handlers(self, _calls: Calls) -> Iterator[Any]:
        async def serve(messages: Any, context: Any) -> None:
            self.peers.add(context.peer())
            await context.write(await anext(messages))

        served = {"Method": grpc.stream_stream_rpc_method_handler(serve)}
        yield grpc.method_handlers_generic_handler("test.Service", served)


def open_port(methods: OneMethod, connections: int, age_s: float) -> tuple[Port, str]:
    number = processes.free_port()
    calls = Calls(Budget(64 * MIB), None, None, State(), Metrics("m", "1", "r"), MIB, 5.0)
    port = Port("127.0.0.1", number, methods, calls, MIB, connections, age_s)  # type: ignore[arg-type]
    return port, f"127.0.0.1:{number}"


def test_there_are_so_many_connections_and_no_more() -> None:
    async def try_out() -> list[bool]:
        port, address = open_port(OneMethod(), 8 * 3, 60.0)
        await port.open()
        own = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.aio.insecure_channel(address, options=own) for _ in range(6)]
        ready = await asyncio.gather(*(is_ready(channel) for channel in channels))
        for channel in channels:
            await channel.close()
        await port.close(1.0)
        return ready

    assert asyncio.run(try_out()).count(True) == 3


async def is_ready(channel: Any) -> bool:
    try:
        async with asyncio.timeout(3):
            await channel.channel_ready()
    except TimeoutError:
        return False
    return True


def test_a_client_that_goes_on_asking_connects_anew_now_and_then_and_loses_no_call() -> None:
    async def try_out() -> tuple[int, int]:
        methods, asked = OneMethod(), 0
        port, address = open_port(methods, 80, 0.3)
        await port.open()
        async with grpc.aio.insecure_channel(address) as channel:
            call = channel.unary_unary("/test.Service/Method")
            end = time.monotonic() + LIMIT_S
            while len(methods.peers) < 4 and time.monotonic() < end:
                assert await call(b"x", timeout=30) == b"x"
                asked += 1
        await port.close(1.0)
        return len(methods.peers), asked

    peers, asked = asyncio.run(try_out())
    assert peers == 4
    assert asked > 4


def test_what_reading_a_message_costs_is_known_before_it_is_read() -> None:
    numbers = service_pb2.InferTensorContents(int64_contents=[1] * 10_000)
    floats = service_pb2.InferTensorContents(fp32_contents=[1] * 10_000)
    tensor = service_pb2.ModelInferRequest.InferInputTensor
    raw = read_cost(request("m", raw_input_contents=[b"x" * MIB]).SerializeToString())
    packed = read_cost(request("m", inputs=[tensor(contents=numbers)]).SerializeToString())
    floating = read_cost(request("m", inputs=[tensor(contents=floats)]).SerializeToString())
    assert 2 * MIB <= raw <= 4 * MIB
    assert 16 * 10_000 <= packed <= 40 * 10_000
    assert 8 * 10_000 <= floating <= 30 * 10_000
    assert read_cost(b"\xff" * MIB) == read_cost(b"\x2a\x00" * (MIB // 2)) == 64 * MIB


def test_a_run_without_end_is_given_up_at_the_time_out_and_at_the_client_s(folder: Path) -> None:
    check = {"request": [1], "expect": {"y": 128}}
    config = processes.config_for(onnx_models.slow(folder), check, timeout_s=2.0)
    with rpc_clients.running(config, folder) as (server, address):
        described = server.ask("GET", "/v2/models/slow").json["inputs"][0]
        dtype = {"INT64": np.int64, "FP32": np.float32}[described["datatype"]]
        endless = [given(described["name"], described["datatype"], np.array([50_000_000], dtype))]
        brief = [given(described["name"], described["datatype"], np.array([1], dtype))]
        for own_s, words in ((None, "the model did not answer within 2.0 s"), (0.5, "Deadline Exceeded")):
            with pytest.raises(Exception, match=words) as refused:
                client(address).infer("slow", endless, client_timeout=own_s)
            assert "DEADLINE_EXCEEDED" in str(refused.value)
        assert client(address).infer("slow", brief).as_numpy("y") == 128


class ClosedLoop(threading.Thread):
    """Asks again as soon as it is answered, until it is turned away or nobody listens any more."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address = address
        self.answered = 0
        self.lost: list[str] = []

    def run(self) -> None:
        """Count answers; whatever is neither an answer nor a refused connection is a lost call."""
        asking, inputs = client(self.address), [given("image", "FP32", SEVEN)]
        while True:
            try:
                assert asking.infer("digits", inputs).as_numpy("label").tolist() == [7]
                self.answered += 1
            except Exception as error:
                if "Connection refused" not in str(error) and "the server is stopping" not in str(error):
                    self.lost.append(str(error))
                return


def test_a_graceful_stop_under_load_loses_no_call(folder: Path) -> None:
    with rpc_clients.running(processes.digits_config(drain_s=1.0, linger_s=1.0), folder) as (server, address):
        clients = [ClosedLoop(address) for _ in range(8)]
        for one in clients:
            one.start()
        time.sleep(0.5)
        before = sum(one.answered for one in clients)
        server.terminate()
        for one in clients:
            one.join(LIMIT_S)
            assert not one.is_alive()
        assert server.process.wait(LIMIT_S) == 0
    assert [one.lost for one in clients] == [[]] * 8
    assert sum(one.answered for one in clients) > before > 0


def test_a_stopping_server_says_so_to_probes_and_goes_on_answering(folder: Path) -> None:
    with rpc_clients.running(processes.digits_config(drain_s=3.0), folder) as (server, address):
        asking = client(address)
        assert asking.is_server_ready()
        server.terminate()
        end = time.monotonic() + LIMIT_S
        while asking.is_server_ready():
            assert time.monotonic() < end
            time.sleep(0.02)
        assert ask(address, b"", "/grpc.health.v1.Health/Check") == b"\x08\x02"  # NOT_SERVING
        assert asking.is_server_live()
        assert not asking.is_model_ready("digits")
        assert asking.infer("digits", [given("image", "FP32", SEVEN)]).as_numpy("label").tolist() == [7]
        assert server.process.wait(LIMIT_S) == 0


def test_what_was_accepted_is_finished_while_the_port_is_closed(folder: Path) -> None:
    check = {"request": [1], "expect": {"y": 128}}
    with rpc_clients.running(processes.config_for(onnx_models.slow(folder), check), folder) as (server, address):
        described = server.ask("GET", "/v2/models/slow").json["inputs"][0]
        dtype = {"INT64": np.int64, "FP32": np.float32}[described["datatype"]]
        answers: list[Any] = []
        inputs = [given(described["name"], described["datatype"], np.array([150_000], dtype))]
        asking = threading.Thread(target=lambda: answers.append(client(address).infer("slow", inputs)))
        asking.start()
        end = time.monotonic() + LIMIT_S
        while server.metric("slipway_requests_in_flight") < 2:
            assert time.monotonic() < end
        server.terminate()
        assert server.process.wait(LIMIT_S) == 0
        asking.join(LIMIT_S)
        assert len(answers) == 1
    with pytest.raises(InferenceServerException, match="Connection refused"):
        client(address).is_server_live()


def test_a_server_that_speaks_http_only_does_not_load_grpc() -> None:
    code = "import slipway_server.startup.serve, sys; print('grpc' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == "False"

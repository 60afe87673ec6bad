"""Requests are traced from whoever asked to the computation; a collector that is away, slow or full loses no answer."""

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import processes
import pytest
import rpc_clients
import step_models
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from slipway_server.startup.ports import StartError, load_traces
from slipway_server.telemetry import otlp
from slipway_server.values.config import ServerConfig
from test_pipelines import member, pipeline, stage

WAIT_S = 60
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SAMPLED, UNSAMPLED = f"00-{TRACE}-{CALLER}-01", f"00-{TRACE}-{CALLER}-00"
ROW = [0.125, 0.5, 0.375]
INFER = "/v2/models/scores/infer"


class Collector:
    """Takes OTLP over HTTP as a collector does: other paths, other types and what is no such message are refused."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.spans: list[Span] = []
        self.about: dict[str, str] = {}
        self.refused: list[str] = []

    def take(self, path: str, kind: str, body: bytes) -> int:
        if path != "/v1/traces" or kind != "application/x-protobuf":
            self.refused.append(f"{path} {kind}")
            return 404
        message = ExportTraceServiceRequest.FromString(body)
        self.bodies.append(body)
        for resource in message.resource_spans:
            self.about |= {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return 200

    def named(self, name: str, count: int = 1) -> list[Span]:
        """Wait until there are so many spans of a name."""
        end = time.monotonic() + WAIT_S
        while len(found := [span for span in self.spans if span.name == name]) < count:
            assert time.monotonic() < end, f"waited {WAIT_S} s for {count} of {name}: {[s.name for s in self.spans]}"
            time.sleep(0.05)
        return found


@contextmanager
def collecting() -> Iterator[tuple[Collector, dict[str, Any]]]:
    """Run a collector; gives it, and the section of a server's configuration that names it."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            self.send_response(collector.take(self.path, self.headers["content-type"], body))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector, section(server.server_port)
    finally:
        server.shutdown()
        server.server_close()


def section(port: int, share: float = 0.0) -> dict[str, Any]:
    return {"endpoint": f"http://127.0.0.1:{port}/v1/traces", "share": share}


def config(folder: Path, traces: dict[str, Any] | None, **changes: object) -> dict[str, Any]:
    check = {"request": {"inputs": {"x": [ROW]}}, "expect": {"best": [1]}}
    made = processes.config_for(step_models.scores(folder), check, **changes)
    return made if traces is None else made | {"traces": traces}


def asked(rows: int = 1) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "datatype": "FP32", "shape": [rows, 3], "data": ROW * rows}]}


def post(server: processes.Server, document: object, path: str = INFER, **headers: str) -> processes.Reply:
    return server.ask("POST", path, json.dumps(document).encode(), content_type="application/json", **headers)


def said(span: Span) -> dict[str, Any]:
    return {one.key: one.value.int_value or one.value.string_value for one in span.attributes}


def test_a_request_is_traced_from_its_caller_to_its_computation_and_nothing_of_it_is_told(tmp_path: Path) -> None:
    with collecting() as (collector, traces), rpc_clients.running(config(tmp_path, traces), tmp_path) as (server, rpc):
        assert post(server, asked(3), traceparent=SAMPLED).status == 200
        assert post(server, {"inputs": {"secret": [ROW]}}, "/predict", traceparent=SAMPLED).status == 400
        assert post(server, asked(), traceparent=UNSAMPLED).status == 200
        assert post(server, asked(), traceparent="00-nonsense").status == 200
        assert post(server, asked()).status == 200
        tensor = rpc_clients.request("scores", inputs=[{"name": "x", "datatype": "FP32", "shape": [1, 3]}])
        tensor.inputs[0].contents.fp32_contents.extend(ROW)
        with grpc.insecure_channel(rpc) as channel:
            call: Any = channel.unary_unary(rpc_clients.INFER)
            call(tensor.SerializeToString(), timeout=60, metadata=(("traceparent", SAMPLED),))
        computed = collector.named("compute", 2)
        (request,) = collector.named("POST /v2/models/{model}/infer")
        (refused,) = collector.named("POST /predict")
        waited = collector.named("queue", 2)
        (over_grpc,) = collector.named("/v2/models/{model}/grpc/infer")
        # Nobody asked for the others: a share of none is traced.
        assert len(collector.spans) == 7
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert {span.parent_span_id.hex() for span in (request, refused, over_grpc)} == {CALLER}
    assert [span.kind for span in (request, over_grpc)] == [Span.SPAN_KIND_SERVER] * 2
    assert {span.parent_span_id for span in (*computed, *waited)} == {request.span_id, over_grpc.span_id}
    assert said(request) == said(over_grpc) == {"http.response.status_code": 200}
    assert said(refused) == {"http.response.status_code": 400}
    one, three = sorted((said(span) for span in computed), key=lambda of: int(of["slipway.rows"]))
    assert (one["slipway.rows"], three["slipway.rows"], three["slipway.batch.rows"]) == (1, 3, 3)
    assert set(three) == {"slipway.rows", "slipway.batch.rows", "slipway.batch.requests"}
    assert all(said(span) == {} for span in waited)
    for compute in computed:
        (queue,) = (one for one in waited if one.parent_span_id == compute.parent_span_id)
        assert queue.start_time_unix_nano <= queue.end_time_unix_nano == compute.start_time_unix_nano
        assert compute.start_time_unix_nano <= compute.end_time_unix_nano
    told = {"service.name": "scores", "service.version": "1.2.3", "slipway.release": "0123abcd"}
    assert told.items() <= collector.about.items()
    assert collector.refused == []
    assert not any(b"secret" in body for body in collector.bodies)


def test_of_requests_that_no_caller_decided_about_the_share_is_traced_and_probes_never(tmp_path: Path) -> None:
    with (
        collecting() as (collector, traces),
        processes.running(config(tmp_path, traces | {"share": 1}), tmp_path) as one,
    ):
        assert post(one, asked()).status == 200
        (request,) = collector.named("POST /v2/models/{model}/infer")
        assert (request.parent_span_id, collector.named("compute")[0].parent_span_id) == (b"", request.span_id)
        one.terminate()
        assert one.process.wait(processes.STOP_LIMIT_S) == 0
    assert {span.name for span in collector.spans} == {request.name, "queue", "compute"}


def test_a_pipeline_hands_the_trace_on_to_its_models(tmp_path: Path) -> None:
    with collecting() as (collector, traces), processes.running(member(tmp_path, "2", traces=traces), tmp_path):
        made = pipeline([stage("2")], {"sign": [1, -1]}, traces=traces)
        with processes.running(made, tmp_path) as server:
            answer = post(server, [[1, 2]], "/predict", traceparent=SAMPLED)
            assert answer.json["outputs"]["y"] == [[2, 4]]
            (outer,) = collector.named("POST /predict")
            (asking,) = collector.named("ask 2")
            (inner,) = collector.named("POST /v2/models/{model}/infer")
            (computed,) = collector.named("compute")
    chain = (outer, asking, inner, computed)
    assert {span.trace_id.hex() for span in chain} == {TRACE}
    assert [span.parent_span_id for span in chain] == [bytes.fromhex(CALLER), *(span.span_id for span in chain[:-1])]


def test_a_collector_that_is_away_loses_no_answer_and_what_it_did_not_take_is_counted(tmp_path: Path) -> None:
    with processes.running(config(tmp_path, section(processes.free_port(), share=1)), tmp_path) as server:
        for _ in range(20):
            assert post(server, asked()).status == 200
        end = time.monotonic() + WAIT_S
        while server.metric("slipway_spans_total") < 60:
            assert time.monotonic() < end, f"waited {WAIT_S} s for 60 spans to be dropped"
            time.sleep(0.1)
        shown = server.ask("GET", "/metrics").body.decode()
        assert 'slipway_spans_total{outcome="sent"} 0.0' in shown
        assert post(server, asked()).status == 200


class Held(SpanExporter):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.begun = threading.Event()

    def export(self, spans: Any) -> SpanExportResult:
        self.begun.set()
        assert self.let_go.wait(WAIT_S)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.let_go.set()


def test_what_finds_the_queue_full_is_dropped_and_counted_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    monkeypatch.setattr(otlp, "OTLPSpanExporter", lambda *_, **__: held)
    traces = otlp.OtlpTraces("http://127.0.0.1:1/v1/traces", 1.0, {})
    for _ in range(otlp.QUEUE + 100):
        traces.begin({}).end("POST /predict", 200)
    assert held.begun.wait(WAIT_S)
    assert traces.counts() == {"sent": 0, "dropped": 100}
    held.let_go.set()
    traces.close(WAIT_S)
    assert traces.counts() == {"sent": otlp.QUEUE, "dropped": 100}


def test_an_end_does_not_wait_for_a_collector_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held()
    monkeypatch.setattr(otlp, "OTLPSpanExporter", lambda *_, **__: held)
    traces = otlp.OtlpTraces("http://127.0.0.1:1/v1/traces", 1.0, {})
    traces.begin({}).end("POST /predict", 200)
    traces.close(0.01)
    assert held.let_go.is_set()


def test_without_the_section_nothing_of_it_is_imported() -> None:
    code = (
        "import sys, slipway_server.__main__, slipway_server.http.app, slipway_server.pipeline.members, "
        "slipway_server.rpc.calls, slipway_server.startup.language\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('opentelemetry', 'requests')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_image_without_the_library_is_told_from_one_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slipway_server.telemetry.otlp", None)
    load_traces(ServerConfig.model_validate(config(tmp_path, None)))
    with pytest.raises(StartError, match=r"server/requirements-traces\.txt"):
        load_traces(ServerConfig.model_validate(config(tmp_path, section(1))))


@pytest.mark.parametrize("endpoint", ["https://user:word@host/v1/traces", "http://a:b@host:4318/", "host:4318"])
def test_an_endpoint_with_a_password_or_without_a_scheme_is_refused(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"traces\.endpoint"):
        ServerConfig.model_validate(config(tmp_path, {"endpoint": endpoint, "share": 0.1}))

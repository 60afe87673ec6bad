"""A call over gRPC costs what the same call over HTTP does: nobody pays for what the model did not do."""

from types import SimpleNamespace
from typing import cast

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from slipway_keys.credentials.passes import Passes
from slipway_keys.otlp.records import read, settlement

BELIEVING = cast(Passes, SimpleNamespace(read_mark=lambda *_: SimpleNamespace(key="sk_1", account="a", model="digits")))


def status_of(**values: str) -> object:
    said = {"request_id": "r-1", "key": "mark", "duration_ms": "12", **values}
    attributes = [KeyValue(key=name, value=AnyValue(string_value=text)) for name, text in said.items()]
    kind, line = settlement(read(attributes), 10**18, BELIEVING)
    assert kind == "settled" and line is not None
    return line["status"]


@pytest.mark.parametrize(
    ("trailer", "refused", "status"),
    [
        ("0", "-", 200),
        ("-", "0", 200),
        ("-", "-", 200),
        ("3", "-", 400),
        ("-", "5", 404),
        ("-", "8", 507),
        ("14", "-", 503),
        ("-", "13", 500),
        ("4", "-", 504),
        ("99", "-", 500),
        ("nonsense", "-", 200),
    ],
)
def test_the_status_of_a_call_over_grpc_is_that_of_the_same_failure_over_http(
    trailer: str, refused: str, status: int
) -> None:
    assert status_of(status="200", grpc_status=trailer, grpc_refused=refused) == status


def test_what_the_gateway_itself_answered_counts_and_an_older_gateway_says_nothing_of_grpc() -> None:
    assert status_of(status="503", grpc_status="0", grpc_refused="-") == 503
    assert status_of(status="0", grpc_status="-", grpc_refused="-") == 0
    assert status_of(status="200") == 200

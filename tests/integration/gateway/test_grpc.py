"""Calls over gRPC go through the gateway by the name in their metadata, with a key, and are counted like others."""

import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from slipway.errors.reaching import ApiRefused
from tests.support.behind_gateway import Way, ledger, way_in, with_gateway
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

MODEL, SILENT = "sums", "other"
SETTLED_S = 30.0


@pytest.fixture
def gated(bench: Workbench) -> Workbench:
    """An environment with a gateway, a model that speaks gRPC and one that does not."""
    with_gateway(bench, 1)
    for name in (MODEL, SILENT):
        spoken = {"grpc": True} if name == MODEL else {}
        bench.write(name, resources={"cpu": "200m", "memory": "320Mi"}, endpoint={"public": True, **spoken})
    done = bench.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return bench


@pytest.fixture
def way(gated: Workbench) -> Way:
    return way_in(gated, MODEL, SILENT)


@pytest.fixture
def client(way: Way) -> Iterator[triton.InferenceServerClient]:
    """Triton's, which dials the loopback, since `grpc.localhost` is a name to few resolvers."""
    made = triton.InferenceServerClient(
        f"127.0.0.1:{way.port}",
        ssl=True,
        root_certificates=str(way.authority),
        channel_args=[
            ("grpc.ssl_target_name_override", "grpc.localhost"),
            ("grpc.default_authority", "grpc.localhost"),
        ],
    )
    yield made
    made.close()


def inputs() -> list[Any]:
    tensors = []
    for name, value in (("a", [[1, 1, 1]]), ("b", [[0, 0, 0]])):
        array = np.array(value, np.float32)
        tensor = triton.InferInput(name, list(array.shape), "FP32")
        tensor.set_data_from_numpy(array)
        tensors.append(tensor)
    return tensors


def refused(client: triton.InferenceServerClient, **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with pytest.raises(InferenceServerException) as error:
        client.infer(MODEL, inputs(), headers=named, client_timeout=20)
    return str(error.value.status())


def test_a_model_is_called_by_metadata_with_a_key_and_the_ledger_has_each_call(
    gated: Workbench, way: Way, client: triton.InferenceServerClient
) -> None:
    headers = {"model-name": MODEL, "authorization": f"Bearer {way.key}"}
    for _ in range(5):
        answer = client.infer(MODEL, inputs(), headers=headers, client_timeout=20)
        assert answer.as_numpy("y").tolist() == [[2.0, 2.0, 2.0]]
    assert client.get_model_metadata(MODEL, headers=headers).name == MODEL
    assert refused(client, model_name=MODEL) == "StatusCode.UNAUTHENTICATED"
    assert refused(client, authorization=f"Bearer {way.key}") == "StatusCode.UNIMPLEMENTED"
    assert refused(client, model_name=SILENT, authorization=f"Bearer {way.key}") == "StatusCode.UNIMPLEMENTED"
    with pytest.raises(InferenceServerException, match="is no input of this model"):
        odd = triton.InferInput("c", [1], "FP32")
        odd.set_data_from_numpy(np.zeros(1, np.float32))
        client.infer(MODEL, [odd], headers=headers, client_timeout=20)
    until = time.monotonic() + SETTLED_S
    while True:
        rows = [row for row in ledger(gated) if row["model"] == MODEL]
        if (len(rows) == 7 and all(row["status"] for row in rows)) or time.monotonic() > until:
            break
        time.sleep(0.5)
    assert sorted(row["status"] for row in rows) == [200] * 6 + [400]
    assert sum(row["compute_s"] is not None for row in rows) == 5


def test_a_server_takes_no_call_over_grpc_that_did_not_come_by_the_gateway(gated: Workbench) -> None:
    (pod,) = gated.cluster.list("Pod", f"app.kubernetes.io/name={MODEL}")
    client = triton.InferenceServerClient(f"{pod['status']['podIP']}:8081")
    assert client.is_server_ready()
    with pytest.raises(InferenceServerException, match="`x-slipway-pass` is missing") as error:
        client.infer(MODEL, inputs(), client_timeout=10)
    assert error.value.status() == "StatusCode.PERMISSION_DENIED"


def test_a_spec_that_no_longer_speaks_grpc_takes_its_route_away(gated: Workbench) -> None:
    gated.write(MODEL, resources={"cpu": "200m", "memory": "320Mi"}, endpoint={"public": True}, version="1.0.1")
    done = gated.up()
    assert done.returncode == 0, done.stdout + done.stderr
    service = gated.cluster.read("Service", MODEL)
    assert service is not None
    assert [port["name"] for port in service["spec"]["ports"]] == ["http"]
    try:
        assert gated.cluster.read("GRPCRoute", MODEL) is None
    except ApiRefused as error:
        pytest.fail(f"the API server does not know the kind: {json.dumps(str(error))}")

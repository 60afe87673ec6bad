"""An environment with a gateway, from `up` to `down`: calls over TLS with a key, and what becomes of its secrets."""

import base64
import json
import os
import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from slipway_server.page.document import document

from slipway.cluster.envoy import envoy_of
from slipway.cluster.gateway_secrets import Wanted
from slipway.errors.reaching import ApiRefused
from slipway.render.environment_objects import ENVIRONMENT_OBJECTS
from slipway.values.names import environment_labels
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

PORTS = range(30700, 31700)
"""Another for each test: Envoy of the one before may still hold its own."""
BODY = json.dumps({"inputs": {"a": [[1, 2, 3]], "b": [[1, 1, 1]]}}).encode()
OUTPUTS = {"y": [[4.0, 6.0, 8.0]]}
SETTLED_S = 30.0


@pytest.fixture
def gated(bench: Workbench) -> Workbench:
    """An environment with a gateway, a public model `sums` and another, `other`."""
    settings = bench.settings["config"]["slipway:environment"]
    for field in ("service_type", "node_address"):
        settings.pop(field, None)
    database = {"image": "127.0.0.1:5000/slipway/postgres:15", "storage": "1Gi", "storage_class": "local"}
    bench.write_settings(
        gateway={
            "domain": "localhost",
            "certificate": "self-signed",
            "service_type": "NodePort",
            "port": random.choice(PORTS),
            "replicas": 1,
            "envoy_image": "127.0.0.1:5000/slipway/envoy:1.39.1",
            "database": {"in_cluster": database},
        }
    )
    for name, page in (("sums", {"page": True}), ("other", {})):
        bench.write(name, resources={"cpu": "100m", "memory": "256Mi"}, endpoint={"public": True, **page})
    return bench


def port_of(bench: Workbench) -> int:
    return int(bench.settings["config"]["slipway:environment"]["gateway"]["port"])


def caller(bench: Workbench) -> Callable[..., tuple[int, Any]]:
    """What calls the gateway as a client does who trusts its authority alone."""
    authority = bench.folder / "ca.crt"
    authority.write_text(bench.well("gateway-ca", bench.environment))
    trusting = ssl.create_default_context(cafile=str(authority))

    def call(model: str, path: str = "/predict", **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = f"https://localhost:{port_of(bench)}/models/{model}{path}"
        request = urllib.request.Request(url, BODY, {"content-type": "application/json"} | named)
        try:
            with urllib.request.urlopen(request, timeout=20, context=trusting) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers

    return call


def look(bench: Workbench, path: str, method: str = "GET", **headers: str) -> tuple[int, str, bytes]:
    """Status, type and body of what a browser gets at a path of the gateway; `caller` has written the authority."""
    trusting = ssl.create_default_context(cafile=str(bench.folder / "ca.crt"))
    url = f"https://localhost:{port_of(bench)}{path}"
    try:
        request = urllib.request.Request(url, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=20, context=trusting) as answer:
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read()


def ledger(bench: Workbench, key: str) -> list[dict[str, Any]]:
    """What the ledger has of a key, summed by model; asked for until every line that it has is settled."""
    until = time.monotonic() + SETTLED_S
    while True:
        printed = bench.well("usage", bench.environment, "--by", "key,model", "--format", "json")
        rows = [row for row in json.loads(printed)["rows"] if row["key"] == key]
        if (rows and not any(row["unsettled"] for row in rows)) or time.monotonic() > until:
            return rows
        time.sleep(0.5)


def state_of(bench: Workbench) -> str:
    """Every file of the engine's state that is about the environment, as text."""
    folder = Path({**os.environ, **bench.environ}["PULUMI_BACKEND_URL"].removeprefix("file://"), ".pulumi")
    files = [path for path in folder.rglob("*") if path.is_file() and bench.environment in str(path)]
    assert files
    return "\n".join(path.read_text(errors="replace") for path in files)


def test_a_model_is_called_over_tls_with_a_key_and_every_call_is_counted_once(gated: Workbench) -> None:
    first = gated.up()
    assert first.returncode == 0, first.stdout + first.stderr
    url = f"https://localhost:{port_of(gated)}/models/sums"
    assert url in first.stdout
    assert "gateway:" in first.stderr
    live = json.loads(gated.well("status", gated.environment, "--json"))
    assert {row["model"]: row["url"] for row in live["models"]}["sums"] == url
    call = caller(gated)
    made = json.loads(gated.well(
        "keys", "create", gated.environment, "--name", "tests", "--models", "sums", "--json"
    ))  # fmt: skip
    secret = made["key"]

    for header in ({"authorization": f"Bearer {secret}"}, {"x_api_key": secret}):
        status, answer = call("sums", **header)
        assert (status, answer["outputs"]) == (200, OUTPUTS)
    status, headers = call("sums")
    assert (status, headers["www-authenticate"] is not None) == (401, True)
    assert call("sums", authorization=f"Bearer {secret[:-4]}AAAA")[0] == 401
    assert call("other", authorization=f"Bearer {secret}")[0] == 403

    # The page of `sums` opens without a key, and nothing else does: its spec says so, and that of `other` does not.
    assert f"in a browser: {url}/" in first.stdout
    for path in ("/models/sums", "/models/sums/"):
        status, kind, page = look(gated, path)
        assert (status, kind, page) == (200, "text/html; charset=utf-8", document().body)
    assert look(gated, "/models/sums/", "HEAD")[0] == 200
    for path in ("/models/sums/openapi.json", "/models/sums/graph", "/models/sums/%2e/graph", "/models/other/"):
        assert look(gated, path)[0] == 401, path
    assert look(gated, "/models/other/", "HEAD")[0] == 401
    shown = {"authorization": f"Bearer {secret}"}
    assert json.loads(look(gated, "/models/sums/openapi.json", **shown)[2])["info"]["title"] == "sums"

    (row,) = ledger(gated, made["id"])
    assert (row["model"], row["calls"], row["failed"], row["unsettled"]) == ("sums", 3, 0, 0)
    assert int(row["bytes_in"]) == 2 * len(BODY)


def test_the_pods_answer_nobody_who_comes_past_the_gateway(gated: Workbench) -> None:
    assert gated.up().returncode == 0
    with pytest.raises(ApiRefused) as refused:
        gated.cluster.through_service("sums", "/predict", BODY, "application/json", 10)
    assert refused.value.status == 403
    assert "right" in gated.well("verify", gated.environment)


def test_secrets_are_made_once_are_in_no_state_and_go_with_the_environment(gated: Workbench) -> None:
    assert gated.up().returncode == 0
    wanted = Wanted("localhost", database=True).objects
    before = {name: gated.cluster.read(kind, name) for kind, name in wanted}
    state = state_of(gated)
    for kind, name in wanted:
        item = before[name]
        assert item is not None, name
        if kind == "Secret":
            for value in item["data"].values():
                plain = base64.b64decode(value).decode()
                assert value not in state
                assert plain == "keys" or plain not in state
                # As the engine would have it inside of JSON.
                assert plain == "keys" or json.dumps(plain)[1:-1] not in state

    again = gated.up("--refresh")
    assert again.returncode == 0, again.stdout + again.stderr
    after = {name: gated.cluster.read(kind, name) for kind, name in wanted}
    assert after == before

    down = gated.run("down", gated.environment, "--yes")
    assert down.returncode == 0, down.stdout + down.stderr
    assert "keys and ledger will be deleted with their volume" in down.stderr
    assert gated.cluster.read("Namespace", gated.namespace) is None
    assert envoy_of(gated.cluster) == []


def test_a_namespace_of_others_is_left_without_anything_of_the_gateway(gated: Workbench) -> None:
    cluster = gated.cluster
    cluster.request("POST", "/api/v1/namespaces", body={"metadata": {"name": gated.namespace}})
    theirs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}, "stringData": {"a": "b"}}
    cluster.create(theirs)
    first = gated.up("--adopt", gated.namespace)
    assert first.returncode == 0, first.stdout + first.stderr
    down = gated.run("down", gated.environment, "--yes")
    assert down.returncode == 0, down.stdout + down.stderr
    labels = ",".join(f"{key}={value}" for key, value in environment_labels(gated.environment).items())
    left = {kind: cluster.names(kind, labels) for kind in (*ENVIRONMENT_OBJECTS, "Deployment", "ConfigMap")}
    assert {kind: names for kind, names in left.items() if names} == {}
    assert cluster.exists("Secret", "theirs")


def test_a_cluster_without_what_the_gateway_stands_on_is_refused_before_anything_changes(gated: Workbench) -> None:
    gateway = gated.settings["config"]["slipway:environment"]["gateway"]
    in_cluster = {**gateway["database"]["in_cluster"], "storage_class": "nowhere"}
    gated.write_settings(gateway={**gateway, "database": {"in_cluster": in_cluster}})
    result = gated.up()
    assert result.returncode == 1
    assert '"nowhere" is no StorageClass of context slipway-local' in result.stderr
    assert gated.cluster.read("Namespace", gated.namespace) is None

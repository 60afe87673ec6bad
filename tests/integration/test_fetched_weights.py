"""Weights that pods fetch from the model store: uploaded once, held against their digests, there for a rollback."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from slipway.local.model_store import server
from tests.support.large_weights import open_store
from tests.support.looking import until
from tests.support.workbench import Workbench, fresh, post

pytestmark = pytest.mark.integration

ASKED = {"inputs": {"a": [[1, 2, 3]], "b": [[0, 0, 0]]}}


@pytest.fixture
def store(bench: Workbench) -> Iterator[S3Store]:
    """The local model store as who uploads sees it; the environment's objects in it are deleted at the end."""
    store = open_store()
    yield store
    for batch in obstore.list(store, bench.environment):
        obstore.delete(store, [one["path"] for one in batch])


def test_fetched_weights_serve_roll_back_and_never_start_with_other_bytes(bench: Workbench, store: S3Store) -> None:
    bench.write_settings(
        model_store={
            "bucket": server.BUCKET,
            "endpoint": server.ENDPOINT,
            "prefix": bench.environment,
            "credentials": "model-store",
        }
    )
    spec = bench.write("sums", nodes=fresh(2.0))
    assert bench.up().returncode == 0

    def write(version: str, factor: float) -> str:
        """A version whose weights are fetched; their digest."""
        bench.write("sums", factor, nodes=fresh(factor), version=version)
        spec.write_text(spec.read_text().replace("models/sums.onnx", "models/sums.onnx\n  delivery: store", 1))
        return hashlib.sha256((bench.folder / "models/sums.onnx").read_bytes()).hexdigest()

    def answers(factor: float) -> bool:
        outputs: Any = post(bench.port("sums"), ASKED)["outputs"]
        return bool(outputs == {"y": [[factor, factor * 2, factor * 3]]})

    def will_answer(factor: float) -> None:
        # A node's proxy hears of a new pod a little later than who looks at the pod.
        until(f"the weights with {factor} answer", lambda: answers(factor), 30)

    first = write("1.1.0", 3.0)
    without = bench.up()
    assert without.returncode == 1
    assert "kubectl create secret generic model-store" in without.stderr
    of_pods = dict(line.split("=", 1) for line in Path(os.environ[server.OF_PODS]).read_text().split())
    bench.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "model-store", "namespace": bench.namespace},
            "stringData": of_pods,
        }
    )
    refused = bench.up(environ={server.SECRET_KEY: "wrong"})
    assert refused.returncode == 2
    assert "refuses the credentials of this machine" in refused.stderr
    assert answers(2.0)

    up = bench.up()
    assert up.returncode == 0, up.stderr
    will_answer(3.0)
    assert obstore.head(store, f"{bench.environment}/sha256/{first}")["size"] > 0

    # A change of the spec's text moves nothing.
    spec.write_text(spec.read_text().replace("owner: tests", "owner: others"))
    again = bench.up()
    assert again.returncode == 0, again.stderr
    assert "in the model store already" in again.stderr

    second = write("1.2.0", 4.0)
    assert bench.up().returncode == 0
    will_answer(4.0)
    plan = json.loads(bench.well("plan", bench.environment, "--json"))
    assert plan["models"][0]["delivery"]["files"]["sums.onnx"].endswith(second)
    bench.well("rollback", bench.environment, "sums", "--yes")
    will_answer(3.0)

    # What the store has under a digest is held against it, whoever put it there.
    key = f"{bench.environment}/sha256/{first}"
    bytes_of_others = bytes(obstore.head(store, key)["size"])
    obstore.put(store, key, bytes_of_others)
    for pod in bench.cluster.names("Pod", "app.kubernetes.io/name=sums"):
        bench.cluster.delete("Pod", pod)

    def refusal() -> str:
        for one in bench.cluster.list("Pod", "app.kubernetes.io/name=sums"):
            for status in one["status"].get("initContainerStatuses", ()):
                ended = status["state"].get("terminated") or status.get("lastState", {}).get("terminated") or {}
                if ended.get("exitCode") == 1:
                    return str(ended["message"])
        return ""

    until("the pod refuses the bytes of others", lambda: refusal() != "", 120)
    assert first in refusal()
    assert hashlib.sha256(bytes_of_others).hexdigest() in refusal()

"""A model whose weights are in a registry goes all the way, and is not touched when they move to a web server."""

import hashlib
import json
import uuid
from pathlib import Path

import pytest
import yaml

from slipway.local.docker.registry import ADDRESS
from tests.support.pushed_artifacts import push
from tests.support.weights_server import weights_server
from tests.support.workbench import Workbench, fresh, post

pytestmark = pytest.mark.integration


def test_weights_of_a_registry_serve_and_the_same_bytes_from_elsewhere_change_nothing(
    bench: Workbench, tmp_path: Path
) -> None:
    bench.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    spec = bench.write("sums", nodes=fresh(2.0))
    here = bench.folder / "models/sums.onnx"
    data = here.read_bytes()
    here.unlink()
    repository = f"slipway/tests/weights-{uuid.uuid4().hex[:8]}"
    push(ADDRESS, repository, "1", {"sums.onnx": data})
    written = yaml.safe_load(spec.read_text())

    def name(source: str) -> None:
        artifact = {"source": source, "sha256": hashlib.sha256(data).hexdigest()}
        spec.write_text(yaml.safe_dump(written | {"artifact": artifact}))

    name(f"oci://{ADDRESS}/{repository}:1")
    refused = bench.run("up", bench.environment, "--yes", "--offline")
    assert refused.returncode == 1
    assert "--offline fetches nothing" in refused.stderr
    first = bench.up()
    assert first.returncode == 0, first.stderr
    assert post(bench.port("sums"), {"inputs": {"a": [[1, 2, 3]], "b": [[0, 0, 0]]}})["outputs"] == {
        "y": [[2.0, 4.0, 6.0]]
    }
    (cached,) = (tmp_path / "cache/slipway/artifacts/sha256").iterdir()
    cached.unlink()
    with weights_server(tmp_path) as server:
        server.answers["/other-name.onnx"] = lambda it: it.send(data)
        bench.environ["REQUESTS_CA_BUNDLE"] = str(server.certificate)
        name(f"{server.url}/other-name.onnx")
        again = bench.up()
        assert again.returncode == 0, again.stderr
        assert "0 of 1 models to deploy" in again.stderr
        assert len(server.asked) == 1
    plan = json.loads(bench.well("plan", bench.environment, "--json", "--offline"))
    assert plan["models"][0]["image"]["files"][0].endswith("/model.onnx")

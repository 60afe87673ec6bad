"""What runs for a pod is its own: its image's weights, its ConfigMap, its gateway's key; others do not answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from slipway_server.values.config import ServerConfig

from slipway.cluster.api import Cluster
from slipway.rehearsal.pod_files import NoServer, lay_out, pod_at
from slipway.values.names import RELEASE_LABEL
from tests.support.workbench import ROOT

DIGEST = "sha256:" + "0" * 64


class OnlyReads(Cluster):
    """A cluster of which pods and ConfigMaps are asked."""

    def __init__(self, pods: list[dict[str, Any]], config_maps: dict[str, dict[str, str]]) -> None:
        self.pods, self.config_maps = pods, config_maps

    def request(self, method: str, path: str, **given: Any) -> bytes:
        assert method == "GET"
        if path == "/api/v1/pods":
            assert "status.podIP=10.246.0.7" in given["query"]["fieldSelector"]
            return json.dumps({"items": self.pods}).encode()
        return json.dumps({"data": self.config_maps[path.rpartition("/")[2]]}).encode()


def rendered(kind: str) -> dict[str, Any]:
    """The first object of a kind of the model."""
    objects: Iterator[dict[str, Any]] = yaml.safe_load_all((ROOT / "tests/golden/gateway-own/least.yaml").read_text())
    return next(one for one in objects if one["kind"] == kind)


@pytest.fixture
def cluster() -> OnlyReads:
    """The pod of a model behind a gateway, as its Deployment is rendered."""
    config, deployment = rendered("ConfigMap"), rendered("Deployment")
    pod = {"metadata": {"uid": "a-uid", "namespace": "slipway"}, "spec": deployment["spec"]["template"]["spec"]}
    maps = {config["metadata"]["name"]: config["data"], "gateway-trust": {"public.pem": "a key"}}
    return OnlyReads([pod], maps)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    weights = tmp_path / "images" / DIGEST.replace(":", "-") / "model"
    weights.mkdir(parents=True)
    (weights / "linear.onnx").write_bytes(b"weights")
    return tmp_path / "images"


def test_a_server_is_told_what_its_container_would_be_told(cluster: OnlyReads, images: Path, tmp_path: Path) -> None:
    config = ServerConfig.model_validate_json(
        lay_out(cluster, pod_at(cluster, "10.246.0.7", 8080), images, tmp_path / "pod", 4711).read_text()
    )
    assert (config.host, config.port, config.memory_bytes) == ("127.0.0.1", 4711, 256 * 2**20)
    assert config.model.path is not None and Path(config.model.path).read_bytes() == b"weights"
    assert config.gate is not None and Path(config.gate.public_key).read_text() == "a key"
    assert config.release.startswith(rendered("Deployment")["metadata"]["labels"][RELEASE_LABEL])


def test_a_model_on_a_gpu_computes_on_the_cpu(cluster: OnlyReads, images: Path, tmp_path: Path) -> None:
    (name,) = (name for name in cluster.config_maps if name != "gateway-trust")
    given = json.loads(cluster.config_maps[name]["server.json"])
    given["model"] |= {"accelerator": "gpu", "gpu_memory_bytes": 2**30}
    cluster.config_maps[name] = {"server.json": json.dumps(given)}
    written = lay_out(cluster, cluster.pods[0], images, tmp_path / "pod", 4711)
    config = ServerConfig.model_validate_json(written.read_text())
    assert (config.model.accelerator, config.model.gpu_memory_bytes) == ("cpu", None)


def test_weights_that_no_build_brought_are_said_to_be_missing(cluster: OnlyReads, tmp_path: Path) -> None:
    with pytest.raises(NoServer, match=r"/model/linear\.onnx was in the build context of no image"):
        lay_out(cluster, cluster.pods[0], tmp_path / "none", tmp_path / "pod", 4711)


def test_a_pod_that_stops_another_port_and_another_program_do_not_answer(cluster: OnlyReads) -> None:
    with pytest.raises(NoServer):
        pod_at(cluster, "10.246.0.7", 9999)
    cluster.pods[0]["metadata"]["deletionTimestamp"] = "2026-11-27T08:00:00Z"
    with pytest.raises(NoServer):
        pod_at(cluster, "10.246.0.7", 8080)
    keys = {"metadata": {}, "spec": {"containers": [{"name": "keys", "ports": [{"containerPort": 8080}]}]}}
    with pytest.raises(NoServer):
        pod_at(OnlyReads([keys], {}), "10.246.0.7", 8080)

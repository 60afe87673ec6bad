"""The objects of a batch: the pods of the Deployment, which are no servers and hold no credentials."""

import gzip
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from slipway.batches.given import Batch, Input, Output
from slipway.batches.objects import beside, config_map_of, job, work
from slipway.environments.planning.model_store import ModelStore, egress_to
from slipway.render.model import placeholder_image, render_model
from slipway.values import names
from tests.support.planned import gateway_plan

MODEL = gateway_plan("own").find("least", Path())
STORE = ModelStore("models", "us-east-1", "http://10.0.0.9:9000", "", "model-store", egress_to("http://10.0.0.9:9000"))
INPUT = Input("rows.npz", ".npz", 3 * 2**20, "digest", Path("rows.npz"), None)
BATCH = Batch("least", "0123456789abcdef", INPUT, Output("out", Path("out"), None), 3, "batch")


@pytest.fixture
def deployment() -> dict[str, Any]:
    (found,) = (one for one in render_model(MODEL, placeholder_image(MODEL)) if one["kind"] == "Deployment")
    return {**found, "metadata": {**found["metadata"], "uid": "of-the-deployment"}}


def test_a_job_has_the_deployment_s_pods_without_what_makes_them_servers(deployment: dict[str, Any]) -> None:
    before = json.dumps(deployment)
    made = job(BATCH, deployment, 2)
    assert json.dumps(deployment) == before
    pod, was = made["spec"]["template"]["spec"], deployment["spec"]["template"]["spec"]
    (container,), (server,) = pod["containers"], was["containers"]
    for same in ("serviceAccountName", "automountServiceAccountToken", "securityContext"):
        assert pod[same] == was[same]
    for same in ("image", "env", "securityContext"):
        assert container[same] == server[same]
    assert {"ports", "startupProbe", "readinessProbe", "livenessProbe", "lifecycle"} & container.keys() == set()
    assert container["resources"]["limits"]["memory"] == server["resources"]["limits"]["memory"]
    assert container["resources"]["limits"]["ephemeral-storage"] == "147Mi"
    assert (made["spec"]["suspend"], made["spec"]["completions"], made["spec"]["parallelism"]) == (True, 2, 2)
    assert made["metadata"]["ownerReferences"][0]["uid"] == "of-the-deployment"


def test_no_service_finds_the_pods_of_a_job(deployment: dict[str, Any]) -> None:
    labels = job(BATCH, deployment, 1)["spec"]["template"]["metadata"]["labels"]
    assert not MODEL.selector.items() <= labels.items()
    assert names.batch_labels("least", BATCH.id).items() <= labels.items()


def test_what_a_job_needs_goes_with_it_and_has_addresses_only(deployment: dict[str, Any]) -> None:
    made = job(BATCH, deployment, 1) | {"metadata": {"name": names.batch("least", BATCH.id), "uid": "of-the-job"}}
    said = work(BATCH, "tag", "get", ["a", "b", "c", "d"], ["e", "f", "g", "h"], 1, b"certificates")
    config, secret, fence = beside(made, BATCH, STORE, {"server.json": "{}"}, said)
    for one in (config, secret, fence):
        assert one["metadata"]["name"] == made["metadata"]["name"]
        assert [owner["uid"] for owner in one["metadata"]["ownerReferences"]] == ["of-the-job"]
    assert config_map_of({"spec": {"template": made["spec"]["template"]}}) == config["metadata"]["name"]
    read = json.loads(gzip.decompress(b64decode(secret["data"]["work.json.gz"])))
    assert read["input"] == {"get": "get", "size": 3 * 2**20, "tag": "tag"}
    assert read["parts"] == [{"head": "a", "put": "e"}, {"head": "b", "put": "f"}, {"head": "c", "put": "g"}]
    assert read["done"] == {"head": "d", "put": "h"}
    assert b64decode(secret["data"]["ca.pem"]) == b"certificates"
    assert fence["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.0.0.9/32"}}], "ports": [{"port": 9000, "protocol": "TCP"}]}
    ]


def test_another_input_release_output_or_number_of_parts_is_another_batch() -> None:
    others = [
        Batch("least", "fedcba9876543210", INPUT, BATCH.output, 3, "batch"),
        Batch("least", BATCH.release, INPUT, Output("other", Path("other"), None), 3, "batch"),
        Batch("least", BATCH.release, INPUT, BATCH.output, 4, "batch"),
        Batch("least", BATCH.release, Input("b.npz", ".npz", 1, "b", Path("b.npz"), None), BATCH.output, 3, "batch"),
    ]
    assert len({BATCH.id, *(one.id for one in others)}) == 5
    renamed = Input("same.npz", ".npz", 3 * 2**20, "digest", Path("same.npz"), None)
    assert Batch("least", BATCH.release, renamed, BATCH.output, 3, "batch").id == BATCH.id

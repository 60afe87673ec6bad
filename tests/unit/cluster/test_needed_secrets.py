"""A missing Secret for pulling images is told before anything changes."""

import json
from typing import Any

import pytest

from slipway.cluster.api import Cluster
from slipway.cluster.needed_secrets import refuse_missing_pull_secret, refuse_missing_route_secret
from slipway.errors.base import Place, UserError
from slipway.errors.reaching import ApiRefused
from tests.support.fake_cluster import FakeCluster

AT = (Place("stacks/Pulumi.cloud.yaml", 9), "config.slipway:environment.pull_secret")


def check(cluster: Cluster) -> None:
    refuse_missing_pull_secret(cluster, "registry-pull", "docker.io/team", AT)


def test_a_secret_that_is_there_is_fine() -> None:
    cluster = FakeCluster()
    cluster._put({"kind": "Secret", "metadata": {"name": "registry-pull"}})
    check(cluster)


def test_a_missing_secret_is_refused_with_the_command_that_makes_it() -> None:
    cluster = FakeCluster()
    cluster._put({"kind": "ConfigMap", "metadata": {"name": "registry-pull"}})
    with pytest.raises(UserError) as refused:
        check(cluster)
    assert refused.value.exit_code == 1
    assert str(refused.value) == (
        'stacks/Pulumi.cloud.yaml:9: config.slipway:environment.pull_secret: "registry-pull" is no Secret of namespace '
        "slipway in context fake; allowed: a Secret of type kubernetes.io/dockerconfigjson that is there before the "
        "models that pull with it; next: make it: kubectl create secret docker-registry registry-pull --context fake "
        "--namespace slipway --from-file=.dockerconfigjson=FILE, where FILE has credentials for docker.io as docker "
        "login writes them"
    )


def test_who_may_not_ask_for_secrets_is_not_refused() -> None:
    cluster = FakeCluster()
    cluster.forbidden = {"Secret"}
    check(cluster)


class Answering(Cluster):
    """An API server with one answer; it notes what is accepted."""

    def __init__(self, status: int) -> None:
        self.namespace, self.context = "models", "cloud"
        self._status = status
        self.asked: list[tuple[str, str, str]] = []

    def request(self, method: str, path: str, *, accept: str = "application/json", **_: Any) -> bytes:
        self.asked.append((method, path, accept))
        if self._status != 200:
            raise ApiRefused(method, path, self._status, "no")
        return json.dumps({"kind": "PartialObjectMetadata"}).encode()


def test_the_content_of_a_secret_is_not_asked_for() -> None:
    cluster = Answering(200)
    assert cluster.exists("Secret", "registry-pull")
    metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    assert cluster.asked == [("GET", "/api/v1/namespaces/models/secrets/registry-pull", metadata)]
    assert not Answering(404).exists("Secret", "registry-pull")


def test_an_api_server_that_fails_is_an_error_and_no_missing_secret() -> None:
    with pytest.raises(ApiRefused):
        check(Answering(500))


def test_a_missing_secret_of_a_route_is_refused_with_the_key_that_it_needs() -> None:
    with pytest.raises(UserError, match=r"kubectl create secret generic vision .* --from-file=routing-key=FILE"):
        refuse_missing_route_secret(FakeCluster(), "vision", "routing-key", AT)

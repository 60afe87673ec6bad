"""A cluster without what a gateway stands on is refused before anything changes, with what to do about it."""

import json
from typing import Any

import pytest

from slipway.catalog.platform_pins import GATEWAY_API
from slipway.cluster.gateway_needs import GatewayNeeds, NamedSecret, refuse_missing
from slipway.errors.base import Place, UserErrors
from slipway.errors.reaching import ApiRefused
from tests.support.fake_cluster import FakeCluster

AT = (Place("stacks/Pulumi.local.yaml", 9), "config.slipway:environment.gateway")
BELOW = (Place("stacks/Pulumi.local.yaml", 12), "config.slipway:environment.gateway.x")
SERVED = {
    "gateway.networking.k8s.io/v1": ["GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute"],
    "gateway.envoyproxy.io/v1alpha1": [
        "EnvoyProxy",
        "ClientTrafficPolicy",
        "BackendTrafficPolicy",
        "SecurityPolicy",
    ],
}
CRD = "httproutes.gateway.networking.k8s.io"


class Served(FakeCluster):
    """A cluster with Envoy Gateway; `served` is what its API has, `forbidden_paths` what one may not ask."""

    def __init__(self) -> None:
        super().__init__()
        self.served = {version: list(kinds) for version, kinds in SERVED.items()}
        accepted = {"conditions": [{"type": "Accepted", "status": "True"}]}
        self._put({"kind": "GatewayClass", "metadata": {"name": "slipway"}, "status": accepted})
        self.bundle("v1.6.1")

    def bundle(self, version: str) -> None:
        annotations = {"gateway.networking.k8s.io/bundle-version": version}
        self._put({"kind": "CustomResourceDefinition", "metadata": {"name": CRD, "annotations": annotations}})

    def request(self, method: str, path: str, **options: Any) -> bytes:
        kinds = self.served.get(path.removeprefix("/apis/"))
        if kinds is None:
            raise ApiRefused(method, path, 404, "the server could not find the requested resource")
        return json.dumps({"resources": [{"kind": kind} for kind in kinds]}).encode()


def refused(cluster: FakeCluster, needs: GatewayNeeds, *, namespace_there: bool = True) -> str:
    with pytest.raises(UserErrors) as error:
        refuse_missing(cluster, needs, namespace_there=namespace_there)
    assert error.value.exit_code == 1
    return str(error.value)


def claim(cluster: FakeCluster, size: str, storage_class: str = "local") -> None:
    spec = {"storageClassName": storage_class, "resources": {"requests": {"storage": size}}}
    cluster._put({"kind": "PersistentVolumeClaim", "metadata": {"name": "keys-database"}, "spec": spec})


def test_a_cluster_that_has_everything_is_not_refused() -> None:
    cluster = Served()
    cluster._put({"kind": "StorageClass", "metadata": {"name": "local"}})
    cluster._put({"kind": "Secret", "metadata": {"name": "postgres"}})
    claim(cluster, "1Gi")
    secret = NamedSecret("postgres", BELOW, "a Secret")
    needs = GatewayNeeds(AT, (secret,), None, ("local", BELOW), (2**30, BELOW))
    refuse_missing(cluster, needs, namespace_there=True)


@pytest.mark.parametrize("kind", [kind for kinds in SERVED.values() for kind in kinds])
def test_a_cluster_without_a_kind_is_told_how_envoy_gateway_is_installed(kind: str) -> None:
    cluster = Served()
    for kinds in cluster.served.values():
        if kind in kinds:
            kinds.remove(kind)
    text = refused(cluster, GatewayNeeds(AT))
    assert text.startswith(f"stacks/Pulumi.local.yaml:9: {AT[1]}: context fake does not know {kind} of ")
    assert "helm install envoy-gateway oci://docker.io/envoyproxy/gateway-helm --version " in text


def test_one_without_any_of_it_is_told_once() -> None:
    cluster = Served()
    cluster.served, cluster.objects = {}, {}
    assert len(refused(cluster, GatewayNeeds(AT)).splitlines()) == 1


def test_definitions_that_are_too_old_are_refused_and_newer_ones_are_not() -> None:
    cluster = Served()
    cluster.bundle("v1.5.0")
    assert "has version v1.5.0 of the Gateway API, which is too old" in refused(cluster, GatewayNeeds(AT))
    for version in (f"v{GATEWAY_API}", "v1.6.0", "v1.10.0", "v2.0.0"):
        cluster.bundle(version)
        refuse_missing(cluster, GatewayNeeds(AT), namespace_there=True)


def test_a_class_that_is_missing_or_not_accepted_is_refused() -> None:
    cluster = Served()
    status = {"conditions": [{"type": "Accepted", "status": "False", "message": "no such parameters"}]}
    cluster._put({"kind": "GatewayClass", "metadata": {"name": "slipway"}, "status": status})
    assert "GatewayClass slipway of context fake is not accepted: no such parameters" in refused(
        cluster, GatewayNeeds(AT)
    )
    del cluster.objects["GatewayClass", "slipway"]
    text = refused(cluster, GatewayNeeds(AT))
    assert "context fake has no GatewayClass slipway" in text
    assert "gateway.envoyproxy.io/gatewayclass-controller" in text


def test_a_storage_class_that_is_not_there_is_refused() -> None:
    text = refused(Served(), GatewayNeeds(AT, storage_class=("fast", BELOW)))
    assert text.startswith(f'stacks/Pulumi.local.yaml:12: {BELOW[1]}: "fast" is no StorageClass of context fake')


def test_an_issuer_needs_cert_manager() -> None:
    cluster = Served()
    needs = GatewayNeeds(AT, issuer=("letsencrypt", BELOW))
    assert "context fake has no cert-manager" in refused(cluster, needs)
    cluster.served["cert-manager.io/v1"] = ["Certificate"]
    refuse_missing(cluster, needs, namespace_there=True)


def test_a_secret_that_the_settings_name_has_to_be_there_once_the_namespace_is() -> None:
    needs = GatewayNeeds(AT, (NamedSecret("postgres", BELOW, "a Secret whose key `url` is an address"),))
    text = refused(Served(), needs)
    assert '"postgres" is no Secret of namespace slipway in context fake' in text
    assert "a Secret whose key `url` is an address" in text
    refuse_missing(Served(), needs, namespace_there=False)


def test_a_volume_keeps_its_size_and_its_class() -> None:
    cluster = Served()
    cluster._put({"kind": "StorageClass", "metadata": {"name": "local"}})
    claim(cluster, "1Gi", "fast")
    text = refused(cluster, GatewayNeeds(AT, storage_class=("local", BELOW), storage=(2**31, BELOW)))
    assert '"2Gi" is not the size of the volume that is there, 1Gi' in text
    assert "patch pvc keys-database" in text
    assert '"local" is not the class of the volume that is there, fast' in text


def test_who_may_not_look_is_not_refused() -> None:
    cluster = Served()
    cluster.forbidden = {"GatewayClass", "StorageClass", "CustomResourceDefinition", "Secret", "PersistentVolumeClaim"}
    secret = NamedSecret("postgres", BELOW, "a Secret")
    refuse_missing(cluster, GatewayNeeds(AT, (secret,), None, ("local", BELOW), (1, BELOW)), namespace_there=True)

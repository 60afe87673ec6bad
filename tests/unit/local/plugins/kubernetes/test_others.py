"""When a Service, Ingress, volume, quota or token is live; how long endpoints take to settle is in test_watching."""

import pytest

from slipway.local.plugins.kubernetes.waiting import judge
from slipway.local.plugins.kubernetes.waiting.verdict import Manifest, Ready, Related, Verdict, Waiting


def judged(manifest: Manifest, related: Related | None = None) -> Verdict:
    awaited = judge.how(manifest)
    assert awaited is not None
    return awaited.rule(manifest, related or Related())


def service(**spec: object) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "x"}, **spec},
    }


def endpoints(name: str = "web", *, ready: int = 1, waiting: int = 0) -> Manifest:
    subset = {
        "addresses": [{"ip": f"10.1.0.{number}"} for number in range(ready)],
        "notReadyAddresses": [{"ip": f"10.1.1.{number}"} for number in range(waiting)],
    }
    return {"metadata": {"name": name}, "subsets": [subset]}


@pytest.mark.parametrize("spec", [{"type": "ExternalName"}, {"clusterIP": "None"}, {"selector": None}])
def test_a_service_that_routes_to_no_pods_by_itself_is_live_at_once(spec: dict[str, object]) -> None:
    assert judged(service(**spec)) == Ready()


def test_a_service_is_live_when_its_endpoints_have_settled_and_all_are_ready() -> None:
    assert judged(service(), Related(endpoints=[endpoints()])) == Waiting("its endpoints settle")
    assert judged(service(), Related(endpoints=[endpoints()], settled=True)) == Ready()
    half = Related(endpoints=[endpoints(waiting=1)], settled=True)
    assert judged(service(), half) == Waiting("pods that it selects are not ready yet")
    others = Related(endpoints=[endpoints(), endpoints("other", waiting=1)], settled=True)
    assert judged(service(), others) == Ready()


def test_a_service_without_any_endpoint_is_live_once_that_has_settled() -> None:
    assert judged(service()) == Waiting("it gets endpoints")
    assert judged(service(), Related(endpoints=[endpoints(ready=0)], settled=True)) == Ready()


def test_a_load_balancer_waits_for_its_address_first() -> None:
    balancer = service(type="LoadBalancer")
    settled = Related(endpoints=[endpoints()], settled=True)
    assert judged(balancer, settled) == Waiting("the load balancer gets its address")
    balancer["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    assert judged(balancer, settled) == Ready()


def ingress(*names: str, address: bool = True) -> Manifest:
    paths = [{"backend": {"service": {"name": name}}} for name in names]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "spec": {"rules": [{"http": {"paths": paths}}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]} if address else {}},
    }


def test_an_ingress_waits_for_its_address_and_for_endpoints_of_the_services_that_it_names() -> None:
    assert judged(ingress(address=False)) == Waiting("an ingress controller gives it an address")
    assert judged(ingress("web"), Related(endpoints=[endpoints()])) == Ready()
    assert judged(ingress("web", "api"), Related(endpoints=[endpoints()])) == Waiting("the services api get endpoints")
    external = {"metadata": {"name": "api"}, "spec": {"type": "ExternalName"}}
    assert judged(ingress("api"), Related(services=[external])) == Ready()
    assert judged(ingress("api"), Related(settled=True)) == Ready(), "it may never get any"


def claim(phase: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": phase}}


def test_a_volume_claim_is_live_when_bound_or_when_it_waits_for_its_first_pod_on_purpose() -> None:
    assert judged(claim("Bound")) == Ready()
    assert judged(claim("Pending")) == Waiting("a volume is bound to it")
    assert judged(claim("Pending"), Related(events=[{"reason": "WaitForFirstConsumer"}])) == Ready()


def test_what_keeps_a_volume_from_a_claim_is_told_and_ends_no_wait() -> None:
    words = "no persistent volumes available for this claim and no storage class is set"
    related = Related(events=[{"reason": "FailedBinding", "message": words}])
    assert judged(claim("Pending"), related) == Waiting(f"a volume is bound to it: {words}")


def test_a_volume_is_live_when_it_is_free_or_bound() -> None:
    for phase, live in (("Available", True), ("Bound", True), ("Pending", False), ("Failed", False)):
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "status": {"phase": phase}}
        assert isinstance(judged(volume), Ready) is live


def test_a_quota_is_live_when_its_controller_has_taken_it_up() -> None:
    quota: Manifest = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "1"}}, "status": {}}
    assert isinstance(judged(quota), Waiting)
    assert judged({**quota, "status": {"hard": {"pods": "1"}}}) == Ready()


def test_a_token_of_a_service_account_is_waited_for() -> None:
    secret: Manifest = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"}
    assert isinstance(judged(secret), Waiting)
    assert judged({**secret, "data": {"token": "eA=="}}) == Ready()
    assert judged({**secret, "type": "Opaque"}) == Ready()


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v1", "ConfigMap"), ("v1", "ServiceAccount"), ("v1", "Namespace"), ("apps/v1", "ReplicaSet"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("example.com/v1", "Anything"),
    ],
)  # fmt: skip
def test_other_kinds_are_live_once_they_are_stored(version: str, kind: str) -> None:
    assert judge.how({"apiVersion": version, "kind": kind}) is None

"""When a Service, volume, Namespace or definition of a kind is live."""

import pytest

from local.provider import judge, others
from local.provider.verdict import Failed, Manifest, Ready, Related, Waiting

from . import shapes


def service(**spec: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "x"}, **spec}}


def endpoint(*, ready: bool) -> Manifest:
    return {"endpoints": [{"addresses": ["10.1.0.1"], "conditions": {"ready": ready}}]}


@pytest.mark.parametrize("spec", [{"type": "ExternalName"}, {"clusterIP": "None"}, {"selector": None}])
def test_a_service_that_routes_to_no_pods_by_itself_is_ready_at_once(spec: dict[str, object]) -> None:
    assert judge.judge(service(**spec), Related()) == Ready()


def test_a_service_waits_for_a_ready_endpoint() -> None:
    assert judge.judge(service(), Related(slices=[endpoint(ready=False)])) == Waiting("no pod matches its selector yet")
    assert judge.judge(service(), Related(slices=[endpoint(ready=True)])) == Ready()


def test_a_service_fails_with_its_pods_when_none_of_them_can_serve() -> None:
    broken = shapes.pod(container=shapes.waiting("ErrImagePull", shapes.NOT_FOUND))
    verdict = judge.judge(service(), Related(pods=[broken]))
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith("no pod serves it: pod digits-1")
    starting = shapes.pod("digits-2", container=shapes.running())
    assert isinstance(judge.judge(service(), Related(pods=[broken, starting])), Waiting)


def test_a_load_balancer_waits_for_its_address_first() -> None:
    balancer = service(type="LoadBalancer")
    assert judge.judge(balancer, Related(slices=[endpoint(ready=True)])) == Waiting(
        "the load balancer gets its address"
    )
    balancer["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    assert judge.judge(balancer, Related(slices=[endpoint(ready=True)])) == Ready()


def claim(phase: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": {"phase": phase}}


def test_a_volume_claim_is_ready_when_bound_or_when_it_waits_for_its_first_pod_on_purpose() -> None:
    assert judge.judge(claim("Bound"), Related()) == Ready()
    assert isinstance(judge.judge(claim("Pending"), Related()), Waiting)
    assert judge.judge(claim("Pending"), Related(events=[{"reason": "WaitForFirstConsumer"}])) == Ready()


def test_a_volume_claim_that_no_volume_fits_fails_with_the_controllers_words() -> None:
    words = "no persistent volumes available for this claim and no storage class is set"
    verdict = judge.judge(claim("Pending"), Related(events=[{"reason": "FailedBinding", "message": words}]))
    assert verdict == Failed(f"no volume for it: {words}", "unbound", others.VOLUME_S)


def test_a_definition_of_a_kind_is_ready_when_the_api_server_serves_it() -> None:
    definition: Manifest = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    assert isinstance(judge.judge(definition, Related()), Waiting)
    definition["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
    assert judge.judge(definition, Related()) == Ready()
    clash = {"type": "NamesAccepted", "status": "False", "reason": "PluralConflict", "message": "widgets is taken"}
    definition["status"] = {"conditions": [clash]}
    assert isinstance(judge.judge(definition, Related()), Failed)


@pytest.mark.parametrize("kind", ["ConfigMap", "ServiceAccount", "Anything"])
def test_kinds_without_a_state_to_wait_for_are_ready_once_stored(kind: str) -> None:
    assert judge.judge({"apiVersion": "v1", "kind": kind}, Related()) == Ready()


def test_a_token_of_a_service_account_is_waited_for() -> None:
    secret: Manifest = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token"}
    assert isinstance(judge.judge(secret, Related()), Waiting)
    assert judge.judge({**secret, "data": {"token": "eA=="}}, Related()) == Ready()

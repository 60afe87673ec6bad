"""What users made in a cluster of ours is found, and deleted with what mounts it, by controllers that need a while."""

import json
from typing import Any

import pytest

from slipway.cluster.users import Made, made_by_users, remove_made
from slipway.errors.failures import LeftBehind
from slipway.errors.reaching import ApiRefused
from slipway.values.waiting import Waiting

OURS = {"app.kubernetes.io/managed-by": "slipway", "slipway.dev/environment": "dev"}
Json = dict[str, Any]


def meta(namespace: str, name: str, labels: Json | None = None, **more: Any) -> Json:
    return {"metadata": {"namespace": namespace, "name": name, "labels": labels or {}, **more}}


def path(api: str, namespace: str, plural: str, name: str) -> str:
    return f"{api}/namespaces/{namespace}/{plural}/{name}"


class Api:
    """An API server with objects by path. A finalizer keeps an object that is deleted for some looks, or for ever."""

    namespace = "slipway"

    def __init__(self, objects: dict[str, Json], *, looks: int | None = 0, unknown: tuple[str, ...] = ()) -> None:
        self.objects, self.left, self.unknown = objects, looks, unknown
        self.deleted: list[str] = []

    def request(self, method: str, where: str, *, body: object = None) -> bytes:
        if any(where.startswith(api) for api in self.unknown):
            raise ApiRefused(method, where, 404, "the server could not find the requested resource")
        if method == "DELETE":
            assert body == {"propagationPolicy": "Background"}
            self.deleted.append(where)
            self._end(where)
            return b"{}"
        if where == "/api/v1/namespaces":
            spaces: tuple[tuple[str, Json], ...] = (("shop", {}), ("slipway", OURS), ("monitoring", OURS))
            return json.dumps({"items": [meta("", name, labels) for name, labels in spaces]}).encode()
        if where in self.objects:
            return json.dumps(self.objects[where]).encode()
        plural = where.rpartition("/")[2]
        if plural in ("gateways", "ingresses", "services", "persistentvolumeclaims", "pods"):
            scope = where.removesuffix(plural)
            found = [item for key, item in self.objects.items() if key.startswith(scope) and f"/{plural}/" in key]
            return json.dumps({"items": found}).encode()
        raise ApiRefused(method, where, 404, "not found")

    def _end(self, where: str) -> None:
        if where in self.objects and not self.objects[where]["metadata"].get("finalizers"):
            del self.objects[where]

    def pause(self, _: float) -> None:
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            for where in self.deleted:
                self.objects.pop(where, None)
            self.objects.pop("/api/v1/persistentvolumes/pv-1", None)


def load_balancer(namespace: str, name: str, labels: Json | None = None, kind: str = "LoadBalancer") -> Json:
    return meta(namespace, name, labels, finalizers=["service.k8s.aws/resources"]) | {"spec": {"type": kind}}


def claim(namespace: str, name: str, labels: Json | None = None) -> Json:
    return meta(namespace, name, labels) | {"spec": {"volumeName": "pv-1"}}


CORE, GATEWAY = "/api/v1", "/apis/gateway.networking.k8s.io/v1"


def objects() -> dict[str, Json]:
    of_envoy = {"gateway.envoyproxy.io/owning-gateway-namespace": "slipway"}
    owner = {"kind": "ReplicaSet", "name": "web-1", "controller": True}
    above = {"kind": "Deployment", "name": "web", "controller": True}
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "persistentVolumeClaim": {"claimName": "data"}}]
    return {
        path(CORE, "shop", "services", "web"): load_balancer("shop", "web"),
        path(CORE, "shop", "services", "inside"): load_balancer("shop", "inside", kind="ClusterIP"),
        path(CORE, "slipway", "services", "digits"): load_balancer("slipway", "digits", OURS),
        path(CORE, "envoy-gateway-system", "services", "envoy"): load_balancer(
            "envoy-gateway-system", "envoy", of_envoy
        ),
        path(GATEWAY, "shop", "gateways", "web"): meta("shop", "web"),
        path(GATEWAY, "slipway", "gateways", "gateway"): meta("slipway", "gateway", OURS),
        path("/apis/networking.k8s.io/v1", "shop", "ingresses", "web"): meta("shop", "web"),
        path(CORE, "shop", "persistentvolumeclaims", "data"): claim("shop", "data"),
        path(CORE, "monitoring", "persistentvolumeclaims", "prometheus"): claim("monitoring", "prometheus"),
        f"{CORE}/persistentvolumes/pv-1": {
            "metadata": {"name": "pv-1"},
            "spec": {"persistentVolumeReclaimPolicy": "Delete"},
        },
        path(CORE, "shop", "pods", "web-1-a"): meta("shop", "web-1-a", ownerReferences=[owner])
        | {"spec": {"volumes": volumes}},
        path(CORE, "shop", "pods", "other"): meta("shop", "other") | {"spec": {}},
        path("/apis/apps/v1", "shop", "replicasets", "web-1"): meta("shop", "web-1", ownerReferences=[above]),
        path("/apis/apps/v1", "shop", "deployments", "web"): meta("shop", "web"),
    }


FOUND = [
    Made("Gateway", "shop", "web"),
    Made("Ingress", "shop", "web"),
    Made("Service", "shop", "web"),
    Made("PersistentVolumeClaim", "shop", "data", "pv-1"),
]


def waiting(api: Api) -> Waiting:
    """900 s that pass by looks."""
    clock = {"now": 0.0}

    def pause(seconds: float) -> None:
        clock["now"] += seconds
        api.pause(seconds)

    return Waiting(900, 5, pause, lambda: clock["now"])


def test_load_balancers_gateways_ingresses_and_volumes_of_users_are_found_and_none_of_ours() -> None:
    assert made_by_users(Api(objects()), "dev") == FOUND


def test_a_cluster_without_gateways_has_none() -> None:
    assert made_by_users(Api(objects(), unknown=(GATEWAY,)), "dev") == FOUND[1:]


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_is_not_taken_for_nothing(status: int) -> None:
    class Refusing(Api):
        def request(self, method: str, where: str, *, body: object = None) -> bytes:
            raise ApiRefused(method, where, status, "no")

    with pytest.raises(ApiRefused):
        made_by_users(Refusing({}), "dev")


def test_what_users_made_is_deleted_with_what_would_mount_it_again_and_waited_for() -> None:
    api, told = Api(objects(), looks=3), list[str]()
    remove_made(api, "dev", FOUND, told.append, waiting(api))
    assert api.deleted == [
        path(GATEWAY, "shop", "gateways", "web"),
        path("/apis/networking.k8s.io/v1", "shop", "ingresses", "web"),
        path(CORE, "shop", "services", "web"),
        path("/apis/apps/v1", "shop", "deployments", "web"),
        path(CORE, "shop", "persistentvolumeclaims", "data"),
    ]
    assert path(CORE, "slipway", "services", "digits") in api.objects
    assert any("waits for service.k8s.aws/resources" in text for text in told)


def test_what_no_controller_takes_back_is_named_when_time_is_over() -> None:
    api = Api(objects(), looks=None)
    with pytest.raises(LeftBehind) as caught:
        remove_made(api, "dev", FOUND, lambda _: None, waiting(api))
    assert "Service shop/web: waits for service.k8s.aws/resources" in str(caught.value)
    assert "PersistentVolume pv-1 of PersistentVolumeClaim shop/data: waits for its disk" in str(caught.value)
    assert "environment dev is not down yet" in str(caught.value)


def test_a_volume_that_was_to_stay_is_not_waited_for() -> None:
    kept = objects()
    kept[f"{CORE}/persistentvolumes/pv-1"]["spec"]["persistentVolumeReclaimPolicy"] = "Retain"
    assert made_by_users(Api(kept), "dev")[-1] == Made("PersistentVolumeClaim", "shop", "data", None)

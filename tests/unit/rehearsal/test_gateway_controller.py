"""The stand-in for Envoy Gateway takes an object when all that it refers to is there, and says once what is missing."""

from typing import Any

from slipway.rehearsal.gateway_controller import judge

Objects = dict[str, list[dict[str, Any]]]
STANDARD, ENVOYS = "apis/gateway.networking.k8s.io/v1", "apis/gateway.envoyproxy.io/v1alpha1"


def named(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "slipway", "generation": 3}, "spec": spec}


def route(service: str = "digits", gateway: str = "gateway") -> dict[str, Any]:
    return named("digits", parentRefs=[{"name": gateway}], rules=[{"backendRefs": [{"name": service}]}])


def objects(*, routes: list[dict[str, Any]], policies: list[dict[str, Any]] | None = None) -> Objects:
    return {
        "api/v1/services": [named("digits")],
        f"{STANDARD}/gateways": [named("gateway")],
        f"{STANDARD}/httproutes": routes,
        f"{ENVOYS}/securitypolicies": policies or [],
    }


def judged(found: Objects) -> dict[str, dict[str, Any]]:
    return {path.rsplit("/", 3)[1]: body["status"] for path, body in judge(lambda path: found.get(path, []))}


def conditions(status: dict[str, Any]) -> dict[str, tuple[str, str, int]]:
    (part,) = status.get("parents") or status.get("ancestors") or [status]
    return {row["type"]: (row["status"], row["message"], row["observedGeneration"]) for row in part["conditions"]}


def test_a_gateway_and_a_route_whose_service_is_there_are_taken() -> None:
    said = judged(objects(routes=[route()]))
    assert conditions(said["httproutes"]) == {"Accepted": ("True", "", 3), "ResolvedRefs": ("True", "", 3)}
    assert conditions(said["gateways"]) == {"Accepted": ("True", "", 3), "Programmed": ("True", "", 3)}


def test_a_route_to_a_service_or_a_gateway_that_is_not_there_is_refused() -> None:
    assert conditions(judged(objects(routes=[route(service="none")]))["httproutes"])["ResolvedRefs"] == (
        "False",
        "Service slipway/none not found",
        3,
    )
    said = conditions(judged(objects(routes=[route(gateway="other")]))["httproutes"])
    assert said["Accepted"] == ("False", "Gateway slipway/other not found", 3)


def test_a_policy_without_its_route_is_refused() -> None:
    policy = named("speech", targetRefs=[{"kind": "HTTPRoute", "name": "speech"}])
    said = conditions(judged(objects(routes=[], policies=[policy]))["securitypolicies"])
    assert said["Accepted"] == ("False", "HTTPRoute slipway/speech not found", 3)


def test_what_has_its_status_is_left_alone_until_its_generation_changes() -> None:
    found = objects(routes=[route()])
    found[f"{STANDARD}/httproutes"][0]["status"] = judged(found)["httproutes"]
    assert "httproutes" not in judged(found)
    found[f"{STANDARD}/httproutes"][0]["metadata"]["generation"] = 4
    assert conditions(judged(found)["httproutes"])["Accepted"] == ("True", "", 4)

"""A stand-in for Envoy Gateway's controller: it says of each object of a gateway whether it would be taken.

It looks at what an object refers to, which no definition holds it against: the class, the Gateway, Services and routes
that have to be there. No Envoy is configured and none runs, so that nothing answers at the gateway's address.
"""

import argparse
import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from slipway.cluster.api import Cluster
from slipway.errors.base import SlipwayError
from slipway.local.plugins.protocol.server import asked_to_stop
from slipway.values.aliases import Json

CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
_POLL_S = 1.0
_STANDARD, _ENVOYS = "apis/gateway.networking.k8s.io/v1", "apis/gateway.envoyproxy.io/v1alpha1"
_ROUTES = ("httproutes", "grpcroutes")
_POLICIES = ("backendtrafficpolicies", "securitypolicies")
_PLURALS = {"Service": "services", "HTTPRoute": "httproutes", "GRPCRoute": "grpcroutes", "Gateway": "gateways"}
_Look = Callable[[str], list[Json]]


def judge(look: _Look) -> Iterator[tuple[str, Json]]:
    """Yield what has no status for its generation yet: the path of each, and the status that it gets.

    `look` lists a collection by its path.
    """
    there = {
        (plural, one["metadata"]["namespace"], one["metadata"]["name"])
        for plural, path in (
            ("services", "api/v1"),
            ("gateways", _STANDARD),
            *((route, _STANDARD) for route in _ROUTES),
        )
        for one in look(f"{path}/{plural}")
    }
    for one in look(f"{_STANDARD}/gateways"):
        conditions = _conditions(one, {"Accepted": "", "Programmed": ""})
        yield from _said(f"{_STANDARD}/namespaces", "gateways", one, {"conditions": conditions})
    for plural in _ROUTES:
        for one in look(f"{_STANDARD}/{plural}"):
            namespace = one["metadata"]["namespace"]
            parents, backends = one["spec"].get("parentRefs") or [], _backends(one)
            accepted = _missing(parents, "Gateway", namespace, there)
            resolved = _missing(backends, "Service", namespace, there)
            conditions = _conditions(one, {"Accepted": accepted, "ResolvedRefs": resolved})
            status = [{"parentRef": ref, "controllerName": CONTROLLER, "conditions": conditions} for ref in parents]
            yield from _said(f"{_STANDARD}/namespaces", plural, one, {"parents": status})
    for plural in _POLICIES:
        for one in look(f"{_ENVOYS}/{plural}"):
            targets = one["spec"].get("targetRefs") or []
            accepted = _missing(targets, "HTTPRoute", one["metadata"]["namespace"], there)
            conditions = _conditions(one, {"Accepted": accepted})
            status = [{"ancestorRef": ref, "controllerName": CONTROLLER, "conditions": conditions} for ref in targets]
            yield from _said(f"{_ENVOYS}/namespaces", plural, one, {"ancestors": status})


def _said(path: str, plural: str, one: Json, status: Json) -> Iterator[tuple[str, Json]]:
    """What has to be written about an object; nothing where it is written already."""
    if _without_times(one.get("status") or {}) != _without_times(status):
        metadata = one["metadata"]
        yield f"/{path}/{metadata['namespace']}/{plural}/{metadata['name']}/status", {"status": status}


def _without_times(status: Json) -> str:
    """A status by what it says, not when: the conditions of everything in it, with the generation of each."""
    found: list[object] = []
    for part in (status, *status.get("parents", []), *status.get("ancestors", [])):
        rows = part.get("conditions") or []
        found.append(sorted((row["type"], row["status"], row.get("observedGeneration", 0)) for row in rows))
    return json.dumps(found)


def _conditions(one: Json, problems: Mapping[str, str]) -> list[Json]:
    """Conditions of an object as it is now: of each the problem, empty where it holds."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return [
        {
            "type": name,
            "status": "False" if problem else "True",
            "reason": "Invalid" if problem else name,
            "message": problem,
            "observedGeneration": one["metadata"].get("generation", 0),
            "lastTransitionTime": now,
        }
        for name, problem in problems.items()
    ]


def _backends(route: Json) -> list[Json]:
    return [ref for rule in route["spec"].get("rules") or [] for ref in rule.get("backendRefs") or []]


def _missing(refs: list[Json], kind: str, namespace: str, there: set[tuple[str, str, str]]) -> str:
    """What of references is not there; `kind`: of those that name none. Kinds that are not looked at count as there."""
    for ref in refs:
        plural = _PLURALS.get(ref.get("kind", kind))
        place = ref.get("namespace", namespace)
        if plural is not None and (plural, place, ref["name"]) not in there:
            return f"{ref.get('kind', kind)} {place}/{ref['name']} not found"
    return ""


async def _serve(kubeconfig: Json) -> None:
    cluster = Cluster(kubeconfig["current-context"], "default", kubeconfig)
    stop = asked_to_stop()

    def look(path: str) -> list[Json]:
        return list(json.loads(cluster.request("GET", f"/{path}"))["items"])

    def once() -> None:
        for path, body in judge(look):
            cluster.request("PATCH", path, body=body, content_type="application/merge-patch+json")

    while not stop.is_set():
        try:
            await asyncio.to_thread(once)
        except SlipwayError as error:  # an object went, or the API server is not ready: the next look tells
            print(error, flush=True)
        try:
            await asyncio.wait_for(stop.wait(), _POLL_S)
        except TimeoutError:
            continue


def main() -> None:
    """Read the command line and judge until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m slipway.rehearsal.gateway_controller", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="an administrator's")
    asyncio.run(_serve(json.loads(parser.parse_args().kubeconfig.read_text())))


if __name__ == "__main__":
    main()

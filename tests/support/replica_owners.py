"""Who owns `replicas` of a Deployment, as the API server keeps it, and what becomes of the field in an apply.

Server-side apply refuses a value that another manager holds otherwise, unless it is forced; a field that its last owner
no longer names gets its default, 1.
"""

from typing import Any

from slipway.errors.reaching import ApiRefused

Json = dict[str, Any]

ENGINE = "pulumi-kubernetes-1a2b3c4d"
SCALERS = "kube-controller-manager"


def owners(deployment: Json) -> set[str]:
    return {entry["manager"] for entry in deployment["metadata"].get("managedFields", [])}


def settle(new: Json, old: Json | None, manager: str, *, force: bool = False) -> None:
    """Give `new`, which `manager` applies over `old`, the replicas and owners that the API server gives it."""
    before = owners(old) if old is not None else set()
    there = old["spec"].get("replicas", 1) if old is not None else 1
    if "replicas" in new["spec"]:
        wanted = new["spec"]["replicas"]
        others = before - {manager}
        if others and wanted != there:
            if not force:
                held = ", ".join(sorted(others))
                raise ApiRefused("PATCH", "/", 409, f'conflict with "{held}" with subresource "scale": .spec.replicas')
            before = set()
        now = before | {manager}
    else:
        now = before - {manager}
        new["spec"]["replicas"] = 1 if manager in before and not now else there
    own(new, now)


def own(deployment: Json, by: set[str]) -> None:
    fields: Json = {"f:spec": {"f:replicas": {}}}
    deployment["metadata"]["managedFields"] = [
        {"manager": manager, "operation": "Apply", "fieldsV1": fields} for manager in sorted(by)
    ]

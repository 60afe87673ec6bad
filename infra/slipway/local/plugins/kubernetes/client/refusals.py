"""Say in a sentence why the API server refused an object: which field, what is allowed, what to do."""

import re

from slipway.local.plugins.kubernetes.client.api import ApiError
from slipway.local.plugins.kubernetes.client.kinds import Kind

_MANAGER = re.compile(r'conflict with "([^"]*)"')
_UNDECLARED = re.compile(r"(\.[^\s:]+): field not declared in schema")
_STRICT = re.compile(r'unknown field "([^"]+)"')


def explain(error: ApiError, kind: Kind, identifier: str) -> str:
    """The sentence for a refusal of one object."""
    subject = f"{kind.kind} {identifier}"
    if error.code == 401:
        return f"{subject}: the API server does not accept the kubeconfig's credentials; renew them"
    if error.code == 409 and any(cause.get("reason") == "FieldManagerConflict" for cause in error.causes):
        return _conflict(error, subject)
    undeclared = _UNDECLARED.findall(str(error)) or _STRICT.findall(str(error))
    if undeclared:
        named = ", ".join(sorted({field.lstrip(".") for field in undeclared}))
        return f"{subject}: {named}: {kind} has no such field; correct its name or its place, or remove it"
    if error.code == 409 and error.reason == "AlreadyExists":
        return already_there(kind, identifier)
    if error.code == 422 and error.causes:
        told = "; ".join(f"{cause.get('field') or 'object'}: {cause.get('message', '')}" for cause in error.causes)
        return f"{subject}: the API server refused it: {told}"
    return f"{subject}: the API server refused it: {error} (HTTP {error.code})"


def already_there(kind: Kind, identifier: str) -> str:
    """The sentence for an object that is to be created but exists."""
    return (
        f"{kind.kind} {identifier} already exists and is not in this stack's state; import it "
        "(resource option import_, or `pulumi import`), delete it, or let the provider take over what exists with "
        "upsertExistingObjects"
    )


def _conflict(error: ApiError, subject: str) -> str:
    held: dict[str, list[str]] = {}
    for cause in error.causes:
        match = _MANAGER.search(cause.get("message", ""))
        held.setdefault(match[1] if match else "another manager", []).append(cause.get("field", "").lstrip("."))
    told = "; ".join(f'"{manager}" manages {", ".join(fields)}' for manager, fields in sorted(held.items()))
    return (
        f"{subject}: {told}, with another value; nothing was changed. Leave the field out of the program, or take it "
        'over with the annotation pulumi.com/patchForce: "true" on the resource (or enablePatchForce of the provider)'
    )

"""Commands that change who may call the models of an environment: create, rotate and revoke keys, decide requests."""

from dataclasses import dataclass

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.changing import key_terms
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.noting import notes_of
from slipway.errors.base import Place, WrongValue
from slipway.values.aliases import Json

_ONCE = "it is shown this once: only its hash is kept"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a key allows, as a person wrote it; None where the option was left out."""

    roles: str
    expires: str | None
    rate: str | None
    budget: str | None

    def to_json(self) -> Json:
        """As the admin API takes it; raises `WrongValue`."""
        return {
            "roles": key_terms.names(self.roles),
            "expires_at": key_terms.expiry(self.expires) if self.expires else None,
            "rate": key_terms.rate(self.rate) if self.rate else None,
            "budget": key_terms.budget(self.budget) if self.budget else None,
        }


def create_key(context: EnvironmentContext, name: str, models: str, terms: Terms, *, as_json: bool) -> None:
    """Create a key and print it, alone, on standard output."""
    body = {"name": name, "models": key_terms.names(models), **terms.to_json()}
    admin = KeysAdmin(context.cluster, context.name)
    with notes_of(context).during("key create", name, _terms(body)) as noted:
        made = admin.post("/admin/keys", body)
        noted.insert(0, f"id: {made['id']}")
        _show(made, as_json=as_json)  # before it is noted: a note may take a while, and the key is shown this once


def rotate_key(context: EnvironmentContext, key: str, grace: str, *, as_json: bool) -> None:
    """Create a key that takes the place of another, which stays valid for `grace`."""
    grace_s = int(key_terms.age("--grace", grace).total_seconds())
    path, admin = f"/admin/keys/{_id(key)}/rotate", KeysAdmin(context.cluster, context.name)
    with notes_of(context).during("key rotate", key, [f"grace: {grace}"]) as noted:
        made = admin.post(path, {"grace_s": grace_s})
        noted.insert(0, f"successor: {made['id']}")
        _show(made, as_json=as_json)
    console.message(f"key {key} is valid until {made['previous_expires_at']}")


def revoke_key(context: EnvironmentContext, key: str) -> None:
    """Revoke a key; calls with it are refused within seconds."""
    path, admin = f"/admin/keys/{_id(key)}/revoke", KeysAdmin(context.cluster, context.name)
    with notes_of(context).during("key revoke", key):
        admin.post(path, {})
    console.message(f"key {key} is revoked; calls with it are refused within seconds")


def approve_request(context: EnvironmentContext, request: str, terms: Terms) -> None:
    """Approve a request for access; who asked collects the key on the page, with the code that the page gave out."""
    path, admin = f"/admin/requests/{_id(request)}/approve", KeysAdmin(context.cluster, context.name)
    body = terms.to_json()
    with notes_of(context).during("request approve", request, _terms(body)):
        admin.post(path, body)
    console.message(
        f"request {request} is approved; who asked collects the key on the page with the code it was given there"
    )


def refuse_request(context: EnvironmentContext, request: str) -> None:
    """Refuse a request for access."""
    path, admin = f"/admin/requests/{_id(request)}/refuse", KeysAdmin(context.cluster, context.name)
    with notes_of(context).during("request refuse", request):
        admin.post(path, {})
    console.message(f"request {request} is refused")


def _terms(body: Json) -> list[str]:
    """What a key allows, a line each, for the audit trail: all that is sent about it but its name."""
    return [f"{name}: {_line(value)}" for name, value in body.items() if name != "name" and value is not None]


def _line(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {inner}" for name, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _show(made: Json, *, as_json: bool) -> None:
    if as_json:
        console.document(made)
        return
    console.result(made["key"])
    until = f"until {made['expires_at']}" if made["expires_at"] else "until it is revoked"
    console.message(f"key {made['id']} of {made['name']} for {', '.join(made['models'])}, valid {until}; {_ONCE}")


def _id(text: str) -> str:
    """An id as part of a path."""
    if not (text.isascii() and text.isalnum() and len(text) <= 40):
        allowed = "the id of a key or request, as `slipway keys list` and `slipway keys requests` show it"
        todo = "write the id, never the key itself" if text.startswith("sk_") else "write it as shown there"
        value = None if text.startswith("sk_") else text
        problem = "this is a key" if text.startswith("sk_") else "is not an id"
        raise WrongValue(Place("command line"), "ID", value, problem, allowed, todo)
    return text

"""Commands that change who may call the models of an environment: create, rotate and revoke keys, decide requests."""

from dataclasses import dataclass

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.changing import key_terms
from slipway.commands.context import EnvironmentContext
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
    _show(KeysAdmin(context.cluster, context.name).post("/admin/keys", body), as_json=as_json)


def rotate_key(context: EnvironmentContext, key: str, grace: str, *, as_json: bool) -> None:
    """Create a key that takes the place of another, which stays valid for `grace`."""
    grace_s = int(key_terms.age("--grace", grace).total_seconds())
    made = KeysAdmin(context.cluster, context.name).post(f"/admin/keys/{_id(key)}/rotate", {"grace_s": grace_s})
    _show(made, as_json=as_json)
    console.message(f"key {key} is valid until {made['previous_expires_at']}")


def revoke_key(context: EnvironmentContext, key: str) -> None:
    """Revoke a key; calls with it are refused within seconds."""
    KeysAdmin(context.cluster, context.name).post(f"/admin/keys/{_id(key)}/revoke", {})
    console.message(f"key {key} is revoked; calls with it are refused within seconds")


def approve_request(context: EnvironmentContext, request: str, terms: Terms) -> None:
    """Approve a request for access; who asked collects the key on the page, with the code that the page gave out."""
    KeysAdmin(context.cluster, context.name).post(f"/admin/requests/{_id(request)}/approve", terms.to_json())
    console.message(
        f"request {request} is approved; who asked collects the key on the page with the code it was given there"
    )


def refuse_request(context: EnvironmentContext, request: str) -> None:
    """Refuse a request for access."""
    KeysAdmin(context.cluster, context.name).post(f"/admin/requests/{_id(request)}/refuse", {})
    console.message(f"request {request} is refused")


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

"""Commands that show who may call the models of an environment, and who asks for it."""

from collections.abc import Mapping
from typing import Any

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.context import EnvironmentContext


def list_keys(context: EnvironmentContext, *, as_json: bool) -> None:
    """Print one row per key, revoked and expired ones too."""
    keys = KeysAdmin(context.cluster, context.name).get("/admin/keys")["keys"]
    if as_json:
        console.document({"environment": context.name, "keys": keys})
        return
    columns = ("ID", "NAME", "MODELS", "ROLES", "RATE", "BUDGET", "EXPIRES", "STATE")
    console.table(
        columns,
        [
            [
                str(key["id"]),
                str(key["name"]),
                ", ".join(key["models"]),
                ", ".join(key["roles"]),
                _rate(key["rate"]),
                _budget(key["budget"]),
                str(key["expires_at"] or "never"),
                str(key["state"]),
            ]
            for key in keys
        ],
    )


def list_requests(context: EnvironmentContext, *, as_json: bool) -> None:
    """Print one row per request for access that was not collected yet."""
    requests = KeysAdmin(context.cluster, context.name).get("/admin/requests")["requests"]
    if as_json:
        console.document({"environment": context.name, "requests": requests})
        return
    rows = [
        [
            str(one["id"]),
            str(one["name"]),
            str(one["contact"]),
            ", ".join(one["models"]),
            str(one["asked_at"]),
            str(one["state"]),
        ]
        for one in requests
    ]
    console.table(("ID", "NAME", "CONTACT", "MODELS", "ASKED", "STATE"), rows)


def _rate(rate: Mapping[str, Any] | None) -> str:
    return "-" if rate is None else f"{rate['count']}/{'s' if rate['per_s'] == 1 else 'min'}"


def _budget(budget: Mapping[str, Any] | None) -> str:
    if budget is None:
        return "-"
    amount = f"{budget['usd']}usd" if budget.get("usd") is not None else str(budget["calls"])
    return f"{amount}/{budget['per']}"

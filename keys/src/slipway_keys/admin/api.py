"""The admin API: keys, requests for access, usage, exports, models woken; for whoever shows a pass for `keys-admin`."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, cast

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from slipway_keys.admin import access_requests, export, statement
from slipway_keys.admin.bodies import NewKey, Rotation, Terms
from slipway_keys.admin.http import Handler, as_json, document, failure, guarded, parameter
from slipway_keys.admin.quality import measured
from slipway_keys.admin.refusals import absent, unknown, wrong
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database import keys
from slipway_keys.database.pool import Database
from slipway_keys.rules.routes import Routes
from slipway_keys.telemetry.log import log
from slipway_keys.values.keys import EVERY_MODEL, Key
from slipway_keys.waking.room import WAKE_S, Room

_MOST_DAYS = 366 * 2


class Nothing(BaseModel):
    """The body of a change that needs none."""

    model_config = ConfigDict(extra="forbid")


class AdminApi:
    """The handlers; `rules`: of all models that have a route now."""

    def __init__(self, database: Database, passes: AdminPasses, rules: Routes, room: Room) -> None:
        self._database = database
        self._passes = passes
        self._rules = rules
        self._room = room

    def routes(self) -> list[Route]:
        """The routes of the API, each behind the check of the pass."""
        table: list[tuple[str, str, Handler]] = [
            ("POST", "/admin/keys", self.create_key),
            ("GET", "/admin/keys", self.list_keys),
            ("POST", "/admin/keys/{id}/rotate", self.rotate_key),
            ("POST", "/admin/keys/{id}/revoke", self.revoke_key),
            ("GET", "/admin/requests", self.list_requests),
            ("POST", "/admin/requests/{id}/approve", self.approve),
            ("POST", "/admin/requests/{id}/refuse", self.refuse),
            ("GET", "/admin/usage", self.usage),
            ("GET", "/admin/statement", self.statement),
            ("GET", "/admin/export", self.export),
            ("GET", "/admin/ledger", self.ledger),
            ("POST", "/admin/models/{model}/wake", self.wake),
            ("GET", "/admin/models/{model}/quality", self.quality),
        ]
        return [Route(path, self._admitted(handler), methods=[method]) for method, path, handler in table]

    def _admitted(self, handler: Handler) -> Handler:
        async def run(request: Request) -> Response:
            self._passes.check_admin(request.headers.get("x-slipway-pass"))
            return await handler(request)

        return guarded(run, failure)

    async def create_key(self, request: Request) -> Response:
        """Create a key; its text is in this one answer."""
        wanted = await document(request, NewKey)
        check_models(wanted.models, self._rules.models())
        key, text = await keys.create(
            self._database,
            name=wanted.name,
            models=wanted.models,
            roles=wanted.roles,
            expires_at=wanted.expires_at,
            rate=wanted.rate.value() if wanted.rate else None,
            budget=wanted.budget.value() if wanted.budget else None,
        )
        log("key created", id=key.id)
        return as_json(key_json(key) | {"key": text}, HTTPStatus.CREATED)

    async def list_keys(self, _: Request) -> Response:
        """All keys, the newest first, without what only their owners have."""
        return as_json({"keys": [key_json(key) for key in await keys.every(self._database)]})

    async def rotate_key(self, request: Request) -> Response:
        """Create the successor of a key, which stays valid for a while."""
        wanted = await document(request, Rotation)
        old = (await find_key(self._database, request.path_params["id"])).id
        key, text = await keys.rotate(self._database, old, timedelta(seconds=wanted.grace_s))
        log("key rotated", id=old, successor=key.id)
        previous = await find_key(self._database, old)
        until = previous.expires_at.isoformat() if previous.expires_at else None
        return as_json(key_json(key) | {"key": text, "previous_expires_at": until}, HTTPStatus.CREATED)

    async def revoke_key(self, request: Request) -> Response:
        """Revoke a key; one that is revoked stays so."""
        await document(request, Nothing)
        key = await find_key(self._database, request.path_params["id"])
        key = await keys.revoke(self._database, key.id)
        log("key revoked", id=key.id)
        return as_json(key_json(key))

    async def list_requests(self, _: Request) -> Response:
        """Requests for access that were not collected yet."""
        return as_json({"requests": [one.to_json() for one in await access_requests.every(self._database)]})

    async def approve(self, request: Request) -> Response:
        """Approve a request; its client collects the key."""
        return await self._decide(request, await document(request, Terms))

    async def refuse(self, request: Request) -> Response:
        """Refuse a request."""
        await document(request, Nothing)
        return await self._decide(request, None)

    async def _decide(self, request: Request, terms: Terms | None) -> Response:
        decided = await access_requests.decide(self._database, request.path_params["id"], terms)
        log("request decided", id=decided.id, state=decided.state)
        return as_json(decided.to_json())

    async def usage(self, request: Request) -> Response:
        """Sums by key, model and day."""
        by = parameter(request, "by", "key,model").split(",")
        if not set(by) <= set(statement.GROUPS) or len(set(by)) != len(by):
            raise wrong("by", f"{','.join(by)[:60]!a} is not what usage is summed by", "key, model, day, each once")
        first, after = _period(request)
        return as_json({"rows": await statement.usage(self._database, first, after, cast(Any, by))})

    async def statement(self, request: Request) -> Response:
        """The statement of a key's account for a month."""
        key = await find_key(self._database, parameter(request, "key"))
        month = parameter(request, "month")
        return as_json((await statement.statement(self._database, key.account, key.name, month)).to_json())

    async def export(self, request: Request) -> Response:
        """Calls as events, a page at a time: `next` is to be sent as `after`, until it is null."""
        form = parameter(request, "format")
        if form not in export.FORMATS:
            raise wrong("format", f"{form[:20]!a} is not known", ", ".join(export.FORMATS))
        source = parameter(request, "source", "slipway")
        if not (source.isascii() and source.isprintable() and 0 < len(source) <= 100 and " " not in source):
            raise wrong("source", "is not a URI reference", "up to 100 printable ASCII characters without spaces")
        first, after = _period(request)
        cursor = parameter(request, "after", "")
        events, more = await export.page(self._database, first, after, form, source, cursor)
        return as_json({"events": events, "next": more})

    async def ledger(self, request: Request) -> Response:
        """One line of the ledger, by the id of its request."""
        identifier = parameter(request, "request_id")
        line = await export.line(self._database, identifier)
        if line is None:
            raise unknown("request_id", identifier)
        return as_json(line)

    async def wake(self, request: Request) -> Response:
        """Ask for a replica of a model that may have none; the wish is forgotten after a while, and may be repeated."""
        await document(request, Nothing)
        model = request.path_params["model"]
        if model not in self._room.sleepers():
            allowed = ", ".join(sorted(self._room.sleepers())) or "none scales to zero yet"
            raise absent("model", model, "does not scale to zero", allowed)
        self._room.wake(model)
        log("woken", model=model)
        return as_json({"model": model, "ready_endpoints": self._room.ready_endpoints(model), "demand_s": WAKE_S})

    async def quality(self, request: Request) -> Response:
        """How good a model's answers were, by the feedback of its window or of another: each version, or one."""
        return as_json(await measured(self._database, self._rules, request.path_params["model"], request.query_params))


async def find_key(database: Database, identifier: str) -> Key:
    """One key; raises `Refused` (404) where there is none."""
    found, _ = await keys.by_ids(database, [identifier], wait_s=5.0)
    if identifier not in found:
        raise unknown("key", identifier)
    return found[identifier]


def check_models(wanted: Collection[str], known: Collection[str]) -> None:
    """Refuse a scope that has no route: most of these are slips of the finger."""
    for name in wanted:
        if name != EVERY_MODEL and name not in known:
            allowed = ", ".join(sorted(known)) or "none is public yet"
            todo = "correct it, or deploy the model with `endpoint: {public: true}` first"
            raise wrong("models", f"{name!a} is not reached through the gateway", f"{allowed}, or *", todo)


def key_json(key: Key) -> dict[str, Any]:
    """A key as JSON values, without its hash."""
    now = datetime.now(tz=UTC)
    expired = key.expires_at is not None and key.expires_at <= now
    return {
        "id": key.id,
        "account": key.account,
        "name": key.name,
        "models": sorted(key.models),
        "roles": sorted(key.roles),
        "rate": {"count": key.rate.count, "per_s": key.rate.per_s} if key.rate else None,
        "budget": {
            "calls": key.budget.calls,
            "usd": statement.exact(key.budget.usd),
            "per": key.budget.period,
        }
        if key.budget
        else None,
        "created_at": key.created_at.isoformat(),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "rotated_from": key.rotated_from,
        "state": "revoked" if key.revoked_at else "expired" if expired else "valid",
    }


def _period(request: Request) -> tuple[datetime, datetime]:
    """`from` and `to` of a query, the second exclusive; raises `Refused`."""
    first, after = _moment(request, "from"), _moment(request, "to")
    if not timedelta() < after - first <= timedelta(days=_MOST_DAYS):
        raise wrong("to", "is not after `from`, or more than two years", f"up to {_MOST_DAYS} days after `from`")
    return first, after


def _moment(request: Request, name: str) -> datetime:
    text = parameter(request, name)
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
    except ValueError:
        allowed = "a time with its zone, for example 2026-11-01T00:00:00Z"
        raise wrong(name, f"{text[:40]!a} is not a time", allowed) from None
    return moment

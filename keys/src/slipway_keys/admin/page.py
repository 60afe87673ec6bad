"""The page: ask for access, collect a key, see usage and statement; with a key of role `admin`, decide requests.

Plain forms and no script. Nothing is kept in a cookie, so that another site has nothing to ride on: whoever shows a key
gets a session in the form of the answer, good for a quarter of an hour and as long as the key. Every text of others is
escaped.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from slipway_keys.admin import access_requests
from slipway_keys.admin.api import check_models
from slipway_keys.admin.bodies import AccessRequest, Terms
from slipway_keys.admin.http import HEADERS, form, guarded
from slipway_keys.admin.refusals import Refused, invalid, wrong
from slipway_keys.admin.statement import statement
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database import keys
from slipway_keys.database.pool import Database
from slipway_keys.telemetry.log import log
from slipway_keys.values.keys import EVERY_MODEL, Key, hashed, split

_MONTHS = 13
_NO_KEY = "the key is unknown, expired or revoked; next: check it, or ask for a new one"
_STYLE = (resources.files(__package__) / "templates" / "page.css").read_text()
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    **HEADERS,
    "content-security-policy": f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


def _known(value: int | Decimal | None) -> str:
    """A measured value with its thousands apart; what nobody measured is no zero."""
    return "-" if value is None else f"{value:,}"


class Page:
    """The handlers; `models`: the names of the models that have a route now."""

    def __init__(self, database: Database, passes: AdminPasses, models: Callable[[], Collection[str]]) -> None:
        self._database = database
        self._passes = passes
        self._models = models
        loader = jinja2.PackageLoader("slipway_keys.admin")
        self._templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
        self._templates.filters["known"] = _known
        self._templates.globals |= {"style": Markup(_STYLE), "title": "Access to models"}  # noqa: S704 - a file of ours

    def mount(self) -> Mount:
        """The page below /page: the gateway leads /keys there, and nowhere else on this port."""
        table = [("GET", "/", self.home), ("POST", "/request", self.ask), ("POST", "/collect", self.collect)]
        table += [("POST", "/usage", self.usage), ("POST", "/decide", self.decide)]
        routes = [Route(path, guarded(handler, self._refused), methods=[method]) for method, path, handler in table]
        return Mount("/page", routes=routes)

    async def home(self, request: Request) -> Response:
        """The three forms."""
        # Links of the page are relative; at https://host/keys they would lead beside it.
        original = request.headers.get("x-envoy-original-path", "/").partition("?")[0]
        if not original.endswith("/"):
            return RedirectResponse(f"{original.rpartition('/')[2]}/", HTTPStatus.PERMANENT_REDIRECT, _HEADERS)
        return self._answer("home.html", models=sorted(self._models()))

    async def ask(self, request: Request) -> Response:
        """Keep a request, and show the code to collect the key with."""
        fields = await _form(request)
        names = tuple(part.strip() for part in fields.get("models", "").split(",") if part.strip())
        try:
            asked = {"name": fields.get("name", "").strip(), "contact": fields.get("contact", "").strip()}
            wanted = AccessRequest.model_validate({**asked, "models": names})
        except ValidationError as error:
            raise invalid(error) from None
        if EVERY_MODEL in wanted.models:
            raise wrong("models", "* is not for requests", "names of models")
        check_models(wanted.models, self._models())
        identifier, code = await access_requests.ask(self._database, wanted)
        log("request made", id=identifier)
        what = (
            f"Request {identifier} waits for an operator. With this code you collect the key here once it is approved."
        )
        return self._answer("once.html", heading="You have asked for access", what=what, secret=code)

    async def collect(self, request: Request) -> Response:
        """Show the key of a request that was approved, once."""
        fields = await _form(request)
        found, key, text = await access_requests.collect(self._database, fields.get("code", ""))
        if key is None or text is None:
            said = "still waits for an operator" if found.state == "pending" else "was refused"
            return self._answer("home.html", message=f"Request {found.id} {said}.", models=sorted(self._models()))
        log("key created", id=key.id, request=found.id)
        what = f"Key {key.id} calls {', '.join(sorted(key.models))}."
        return self._answer("once.html", heading="Your key", what=what, secret=text)

    async def usage(self, request: Request) -> Response:
        """What a key used and costs, and for role `admin` the requests."""
        fields = await _form(request)
        return await self._show(await self._key(fields), fields.get("month"))

    async def decide(self, request: Request) -> Response:
        """Approve or refuse a request, for models in the scope of the key that was shown."""
        fields = await _form(request)
        key = await self._key(fields)
        if "admin" not in key.roles:
            raise Refused(HTTPStatus.FORBIDDEN, "this key has no role admin; next: ask an operator")
        asked = await access_requests.find(self._database, fields.get("request", ""))
        if not all(key.may_call(model) for model in asked.models):
            raise Refused(
                HTTPStatus.FORBIDDEN, "this key may not call all models of the request; next: ask an operator"
            )
        decision = fields.get("decision")
        if decision not in ("approve", "refuse"):
            raise wrong("decision", "is missing", "approve, refuse", "use the page's buttons")
        terms = _terms(fields) if decision == "approve" else None
        decided = await access_requests.decide(self._database, asked.id, terms)
        log("request decided", id=decided.id, state=decided.state, by=key.id)
        return await self._show(key, None, f"Request {decided.id} of {decided.name} is {decided.state}.")

    async def _show(self, key: Key, month: str | None, message: str | None = None) -> Response:
        months = _months(datetime.now(tz=UTC))
        requests = None
        if "admin" in key.roles:
            waiting = [one for one in await access_requests.every(self._database) if one.state == "pending"]
            requests = [one for one in waiting if all(key.may_call(model) for model in one.models)]
        found = await statement(self._database, key.account, key.name, month or months[0])
        session = self._passes.session(key.id)
        values: dict[str, Any] = {
            "key": key,
            "statement": found,
            "months": months,
            "requests": requests,
            "session": session,
        }
        return self._answer("usage.html", message=message, **values)

    async def _key(self, fields: Mapping[str, str]) -> Key:
        """The key that was shown now, or for which a session was given; raises `Refused`."""
        parts = split(fields.get("key", "").strip())
        identifier = (
            parts[0] if parts else self._passes.key_of_session(fields["session"]) if "session" in fields else ""
        )
        found, now = await keys.by_ids(self._database, [identifier], wait_s=5.0)
        key = found.get(identifier)
        expired = key is not None and key.expires_at is not None and key.expires_at <= now
        if key is None or expired or key.revoked_at is not None:
            raise Refused(HTTPStatus.FORBIDDEN, _NO_KEY)
        if parts and not secrets.compare_digest(key.secret_sha256, hashed(parts[1])):
            raise Refused(HTTPStatus.FORBIDDEN, _NO_KEY)
        return key

    def _refused(self, _: Request, status: HTTPStatus, message: str) -> Response:
        return self._answer("home.html", status, message=message, problem=True, models=sorted(self._models()))

    def _answer(self, template: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        text = self._templates.get_template(template).render({"message": None, "problem": False} | values)
        return Response(text, status, _HEADERS, "text/html; charset=utf-8")


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form of this page: browsers say when one was sent from elsewhere."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused(HTTPStatus.FORBIDDEN, "the form was sent from another site; next: use this page")
    return await form(request)


def _terms(fields: Mapping[str, str]) -> Terms:
    """What an operator wrote beside a request; raises `Refused`."""
    days, rate, usd = (fields.get(name, "").strip() for name in ("days", "rate", "usd"))
    for name, value in (("days", days), ("rate", rate)):
        if value and not (value.isascii() and value.isdigit() and len(value) <= 6):
            raise wrong(name, f"{value[:20]!a} is not a whole number", "a whole number")
    if not days or not 0 < int(days) <= 3660:
        raise wrong("days", "is missing or out of range", "1 to 3660")
    document: dict[str, Any] = {"expires_at": datetime.now(tz=UTC) + timedelta(days=int(days))}
    if rate:
        document["rate"] = {"count": int(rate), "per_s": 1}
    if usd:
        document["budget"] = {"usd": usd, "per": "month"}
    try:
        return Terms.model_validate(document)
    except ValidationError as error:
        raise invalid(error) from None


def _months(now: datetime) -> list[str]:
    """This month and the twelve before it, the newest first."""
    count = now.year * 12 + now.month - 1
    return [f"{(count - back) // 12:04d}-{(count - back) % 12 + 1:02d}" for back in range(_MONTHS)]

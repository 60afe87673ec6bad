"""Decide whether a call may pass, and write it down before it does."""

import hmac
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal

from slipway_keys.check import answers
from slipway_keys.check.asked import Asked
from slipway_keys.check.variants import ANY, variant
from slipway_keys.credentials.known import KnownKeys
from slipway_keys.credentials.oidc import IssuerAwayError, Issuers, TokenError
from slipway_keys.credentials.passes import Passes
from slipway_keys.database.pool import AwayError
from slipway_keys.ledger.journal import Journal, JournalError
from slipway_keys.ledger.lines import Caller, encoded, reservation
from slipway_keys.limits.deciding import Limits
from slipway_keys.limits.local import LocalRates
from slipway_keys.rules.routes import Routes
from slipway_keys.rules.watcher import Watcher
from slipway_keys.telemetry.metrics import Metrics
from slipway_keys.values.clock import Clock
from slipway_keys.values.keys import Key, hashed, split
from slipway_keys.values.route import Route
from slipway_keys.waking.room import Held, Room

_AWAY_RETRY_S = 2.0
_ASLEEP_RETRY_S = 5.0
_PAGES = 5
"""Pages of one address in a second, for all models together, in each replica."""
_FEEDBACKS = 20
"""Calls with feedback of one account in a second, for all models together, in each replica."""


@dataclass(frozen=True)
class Admission:
    """Everything that a decision needs."""

    routes: Routes
    watcher: Watcher
    keys: KnownKeys
    issuers: Issuers
    passes: Passes
    limits: Limits
    unpaid: LocalRates
    room: Room
    journal: Journal
    clock: Clock
    metrics: Metrics

    def decide(self, question: Asked) -> "bytes | Coroutine[None, None, bytes]":
        """Return the answer, or what must be awaited for it. A known key without limits waits for nothing."""
        route = self.routes.get(question.model)
        if route is None:
            return self._of_unknown_model(question)
        if route.page is not None and question.is_for_page(route.page):
            return self._page(question, route)
        if route.quality is not None and question.is_feedback(route.quality.path):
            # However others call the model: who says what is right must be known.
            return self._by_key(question, route)
        if route.auth == "none":
            return self._admit(question, route, Caller("anonymous", "anonymous"), None)
        if route.auth == "oidc":
            return self._with_token(question, route)
        return self._by_key(question, route)

    def _by_key(self, question: Asked, route: Route) -> "bytes | Coroutine[None, None, bytes]":
        parts = split(question.credential)
        if parts is None:
            return self._no_key(route)
        key = self.keys.fresh(parts[0])
        if key is None:
            return self._with_key(question, route, *parts)
        return self._of_key(question, route, key, parts[1])

    def _page(self, question: Asked, route: Route) -> bytes:
        """Let somebody without a key have the page: so often, from a model that is awake, and at nobody's expense."""
        if route.to_zero is not None and not self.room.open_for(route.model):
            problem = "the model sleeps: its page is here once a call with a key has woken it"
            return self._refuse(route, "asleep", 503, problem, _ASLEEP_RETRY_S)
        rate = {"subject": f"page {question.address}", "count": _PAGES, "per_s": 1}
        wait_s = self.unpaid.admit([rate], time.monotonic())
        if wait_s:
            return self._refuse(route, "rate", 429, "the page was asked for too often", wait_s)
        self.metrics.checked(route.model, "page")
        kept = ANY if route.sticky is not None else None
        return answers.allowed(self.passes.of(route.model), answers.NOBODY, kept)

    def _of_key(self, question: Asked, route: Route, key: Key, secret: str) -> "bytes | Coroutine[None, None, bytes]":
        if not hmac.compare_digest(hashed(secret), key.secret_sha256):
            return self._refuse(route, "unauthorized", 401, "the key is not known")
        if key.revoked_at is not None:
            return self._refuse(route, "unauthorized", 401, "the key is revoked")
        if key.expires_at is not None and key.expires_at <= self.clock.moment():
            return self._refuse(route, "unauthorized", 401, "the key is expired")
        if not key.may_call(route.model):
            return self._refuse(route, "forbidden", 403, "the key is not for this model")
        if question.role not in key.roles:
            return self._refuse(route, "forbidden", 403, f"the key lacks the role {question.role}")
        return self._admit(question, route, Caller(key.id, key.account), key)

    def _take_feedback(self, route: Route, key: Key) -> bytes:
        """Let feedback pass to this service itself: it wakes no model, costs nothing and is in no ledger."""
        rate = {"subject": f"feedback {key.account}", "count": _FEEDBACKS, "per_s": 1}
        wait_s = self.unpaid.admit([rate], time.monotonic())
        if wait_s:
            problem = f"feedback came more than {_FEEDBACKS} times a second: send a list of it"
            return self._refuse(route, "rate", 429, problem, wait_s)
        self.metrics.checked(route.model, "feedback")
        kept = ANY if route.sticky is not None else None
        return answers.allowed(self.passes.for_feedback(route.model), answers.NOBODY, kept)

    async def _with_key(self, question: Asked, route: Route, key_id: str, secret: str) -> bytes:
        try:
            key = await self.keys.find(key_id)
        except AwayError:
            return self._refuse(route, "closed", 503, "keys cannot be checked now: try again", _AWAY_RETRY_S)
        if key is None:
            return self._refuse(route, "unauthorized", 401, "the key is not known")
        return await _done(self._of_key(question, route, key, secret))

    async def _with_token(self, question: Asked, route: Route) -> bytes:
        if route.oidc is None or not question.credential:
            return self._refuse(route, "unauthorized", 401, "a token is needed: Authorization: Bearer ...")
        try:
            subject = await self.issuers.subject(question.credential, route.oidc)
        except TokenError as error:
            return self._refuse(route, "unauthorized", 401, f"the token is not good: {error}")
        except IssuerAwayError:
            return self._refuse(route, "closed", 503, "tokens cannot be checked now: try again", _AWAY_RETRY_S)
        return await _done(self._admit(question, route, Caller(subject, subject), None))

    async def _of_unknown_model(self, question: Asked) -> bytes:
        await self.watcher.look()
        route = self.routes.get(question.model)
        if route is not None:
            return await _done(self.decide(question))
        if not self.routes.known:
            self.metrics.checked("", "closed")
            return answers.refused(503, "the rules of models cannot be read now: try again", _AWAY_RETRY_S)
        self.metrics.checked("", "unknown model")
        return answers.refused(404, "there is no such model")

    def _admit(
        self, question: Asked, route: Route, caller: Caller, key: Key | None
    ) -> "bytes | Coroutine[None, None, bytes]":
        if key is not None and route.quality is not None and question.is_feedback(route.quality.path):
            return self._take_feedback(route, key)
        if route.to_zero is not None and not question.waited and not self.room.open_for(route.model):
            return self._when_awake(question, route, route.to_zero.wait_s)
        if route.rate is not None or (key is not None and (key.rate is not None or key.budget is not None)):
            return self._within_limits(question, route, caller, key)
        return self._pass(question, route, caller, reservation(question.request_id, caller, route, self.clock.now()))

    async def _when_awake(self, question: Asked, route: Route, wait_s: float) -> bytes:
        """Let the call wait for a replica, then decide anew: its key may be revoked, and a pass is short-lived."""
        began = time.monotonic()
        held = await self.room.wait(route.model, wait_s, question.asker.gone)
        question.asker.held_s = time.monotonic() - began
        self.metrics.held(route.model, held.value, question.asker.held_s)
        if held is Held.GONE:
            raise answers.Unanswered
        if held is Held.LATE:
            problem = f"the model did not start within {wait_s:g} s: try again"
            return self._refuse(route, "asleep", 503, problem, _ASLEEP_RETRY_S)
        if held is Held.FULL:
            problem = "too many calls wait for the model to start: try again"
            return self._refuse(route, "asleep", 503, problem, _ASLEEP_RETRY_S)
        return await _done(self.decide(question._replace(waited=True)))

    async def _within_limits(self, question: Asked, route: Route, caller: Caller, key: Key | None) -> bytes:
        line = reservation(question.request_id, caller, route, self.clock.now())
        budget = key.budget if key is not None else None
        hold = _upper_bound(route)
        call = {
            **line,
            "rates": _rates(question, route, caller, key),
            "budget": budget
            and {
                "calls": budget.calls,
                "usd": None if budget.usd is None else str(budget.usd),
                "period": budget.period,
                "hold": hold,
            },
        }
        try:
            verdict = await self.limits.decide(call)
        except AwayError:
            return self._refuse(
                route, "closed", 503, "the key's budget cannot be checked now: try again", _AWAY_RETRY_S
            )
        if verdict.outcome == "rate":
            return self._refuse(route, "rate", 429, "too many calls", verdict.wait_s)
        if verdict.outcome == "budget":
            return self._refuse(route, "budget", 429, "the key's budget is used up", verdict.wait_s)
        if verdict.outcome == "held":
            problem = "the rest of the key's budget is held for calls that are not over"
            return self._refuse(route, "budget", 429, problem, verdict.wait_s)
        # A budget's database has the line already.
        return self._pass(question, route, caller, None if budget else line)

    def _pass(self, question: Asked, route: Route, caller: Caller, line: dict[str, object] | None) -> bytes:
        if line is not None:
            try:
                self.journal.append(encoded(line))
            except JournalError:
                return self._refuse(route, "closed", 503, "calls cannot be recorded now: try again", _AWAY_RETRY_S)
        self.metrics.checked(route.model, "admitted")
        mark = self.passes.mark(question.request_id, caller.key, caller.account, route.model)
        kept = None if route.sticky is None else variant(route.sticky, caller, question.headers)
        return answers.allowed(self.passes.of(route.model, *route.members), mark, kept)

    def _no_key(self, route: Route) -> bytes:
        return self._refuse(
            route, "unauthorized", 401, "a key is needed: Authorization: Bearer sk_..., or x-api-key: sk_..."
        )

    def _refuse(self, route: Route, outcome: str, status: int, problem: str, retry_s: float | None = None) -> bytes:
        self.metrics.checked(route.model, outcome)
        return answers.refused(status, problem, retry_s)


async def _done(answer: "bytes | Coroutine[None, None, bytes]") -> bytes:
    return answer if isinstance(answer, bytes) else await answer


def _rates(question: Asked, route: Route, caller: Caller, key: Key | None) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if key is not None and key.rate is not None:
        found.append({"subject": f"key {key.account}", "count": key.rate.count, "per_s": key.rate.per_s})
    if route.rate is not None:
        whose = caller.account if route.auth == "api-key" else question.address
        subject = f"model {route.model} {whose}"
        found.append({"subject": subject, "count": route.rate.count, "per_s": route.rate.per_s})
    return found


def _upper_bound(route: Route) -> str:
    """Return what the call can cost at most, in dollars: the model may compute until the time-out.

    Tokens have no bound that is known before the answer; what they cost is charged when the call is over.
    """
    if route.price is None:
        return "0"
    per_second = route.price.per_second or Decimal()
    return str((route.price.per_call or Decimal()) + per_second * Decimal(str(route.timeout_s)))

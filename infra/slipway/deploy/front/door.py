"""Ask a model the way its clients do: at the gateway's own address, with a key, trusting what they trust.

The golden request by way of the API server says that a release is right. That somebody gets its answer depends on more:
the gateway's address and certificate, its route, the check of keys, and what the route makes of a path.
"""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import urllib3
import urllib3.exceptions

from slipway.artifacts.golden_request import GoldenRequest
from slipway.cluster.keys_admin import KeysAway, KeysRefused, NoKeys
from slipway.deploy.judge import verify_services
from slipway.deploy.own_judge import verify_anybody
from slipway.deploy.verdict import Verdict
from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.plan.model import ModelPlan
from slipway.values.aliases import Json, Tell

KEY_NAME = "slipway-up"
"""Of the keys that calls of `slipway up` are made with, in the list of keys and in the ledger."""
_KEY_S = 600.0
_KNOWN_S = 10.0
"""Each replica of the keys service knows a new key within a second or two."""
_RETRY_S = 0.25


class NotTrusted(SlipwayError):
    """This machine does not trust the gateway's certificate, which others issued: clients may."""

    def __init__(self, reason: object) -> None:
        super().__init__(f"this machine does not trust the gateway's certificate ({reason})")


@dataclass
class Door:
    """A model's own address at the gateway, in the shape in which the judge of golden requests asks Services.

    `authority`: PEM of the authority that the certificate is checked against, None for those that the machine trusts.
    """

    url: str
    key: str | None = field(repr=False)
    authority: str | None
    namespace: str
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def read(self, kind: str, name: str) -> Json | None:  # noqa: ARG002 - as a namespace is read
        """No object is to be had here: a pass would lead past the gateway."""
        return None

    def through_service(
        self,
        service: str,  # noqa: ARG002 - there is one at this address
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send a request to the model at the gateway; a key that is not known yet is shown again for a while."""
        sent = {"content-type": content_type, **(headers or {})}
        if self.key is not None:
            sent["authorization"] = f"Bearer {self.key}"
        until = self.clock() + _KNOWN_S
        while True:
            answer = self._ask(path, body, sent, timeout_s)
            if answer.status == HTTPStatus.UNAUTHORIZED and self.key is not None and self.clock() < until:
                self.sleep(_RETRY_S)
                continue
            if answer.status != HTTPStatus.OK:
                raise ApiRefused("POST", path, answer.status, answer.data[:500].decode(errors="replace"))
            return answer.data

    def _ask(
        self, path: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> urllib3.BaseHTTPResponse:
        trusted = ssl.create_default_context(cadata=self.authority)
        with urllib3.PoolManager(ssl_context=trusted, retries=False) as pool:
            try:
                return pool.request("POST", f"{self.url}{path}", body=body, headers=headers, timeout=timeout_s)
            except urllib3.exceptions.SSLError as error:
                if self.authority is None:
                    raise NotTrusted(error) from error
                raise ClusterUnreachable("the gateway", self.url, 0.0, error) from error
            except urllib3.exceptions.HTTPError as error:
                raise ClusterUnreachable("the gateway", self.url, 0.0, error) from error


@dataclass(frozen=True)
class Keys:
    """The two calls of the admin API that a key of a few minutes needs; `post` as that of `KeysAdmin`."""

    post: Callable[[str, Json], Json]
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @contextmanager
    def short_lived(self, model: str) -> Iterator[str]:
        """A key for one model while the block runs; it ends by itself where it cannot be revoked."""
        expires = datetime.now(UTC) + timedelta(seconds=_KEY_S)
        body = {
            "name": KEY_NAME,
            "models": [model],
            "roles": ["predict"],
            "expires_at": expires.isoformat(timespec="seconds"),
            "rate": None,
            "budget": None,
        }
        made = self._made(body)
        try:
            yield str(made["key"])
        finally:
            self.post(f"/admin/keys/{made['id']}/revoke", {})

    def _made(self, body: Json) -> Json:
        """The new key; the service knows a new model only once it has seen its route."""
        until = self.clock() + _KNOWN_S
        while True:
            try:
                return self.post("/admin/keys", body)
            except KeysRefused:
                if self.clock() >= until:
                    raise
                self.sleep(_RETRY_S)


_CANNOT = (NoKeys, KeysAway, KeysRefused, NotTrusted, ApiRefused, ClusterUnreachable)
"""Why nothing was asked; whatever the gateway itself answers is judged."""


@dataclass(frozen=True)
class FrontDoor:
    """Asks models of one environment at its gateway.

    Attributes:
        keys: makes the keys.
        authority: gives the authority's certificate as PEM, None where others issued the gateway's.
        reachable: whether an address takes connections from here.
        namespace: of the models.
    """

    keys: Keys
    authority: Callable[[], str | None]
    reachable: Callable[[str], bool]
    namespace: str

    def ask(self, model: ModelPlan, check: GoldenRequest, digest: str, tell: Tell) -> Verdict | None:
        """Judge a release by its golden request through the gateway; None where that cannot be asked, which is told.

        Raises `WrongAnswer`.
        """
        if model.traffic is None:
            return None
        url, auth = model.traffic.url, model.traffic.auth
        if auth == "oidc":
            tell(f"{url} was not asked: it takes tokens of {model.traffic.oidc and model.traffic.oidc.issuer} only")
            return None
        if not self.reachable(url):
            tell(f"{url} was not asked: it cannot be reached from this machine")
            return None
        tell(f"asking {url}")
        try:
            authority = self.authority()
            if auth == "none":
                return self._judged(url, None, authority, model.name, check, digest)
            with self.keys.short_lived(model.name) as key:
                return self._judged(url, key, authority, model.name, check, digest)
        except _CANNOT as error:
            tell(f"{url} was not asked: {error}")
            return None

    def _judged(
        self, url: str, key: str | None, authority: str | None, model: str, check: GoldenRequest, digest: str
    ) -> Verdict:
        door = Door(url, key, authority, self.namespace)
        if check.asked is not None:
            return verify_anybody(door, model, check, check.asked)
        return verify_services(door, model, check, digest)

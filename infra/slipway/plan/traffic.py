"""Contain what is planned of the way to a model: its address, who may call it, how often and at what price."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from slipway.spec.endpoint import Oidc
from slipway.values.quantities import compact_json
from slipway.values.rates import Rate, format_price


@dataclass(frozen=True, slots=True)
class Dialled:
    """Where gRPC is spoken at the gateway: the host name, and what clients dial, with the port."""

    host: str
    target: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What feedback on a model's answers is measured by.

    Attributes:
        task: `classification` or `regression`.
        positive: the class that measures are of; None for all.
        within_s: for how long after an answer it is taken, seconds.
        window_s: that of so many last seconds is measured.
    """

    task: str
    positive: str | None
    within_s: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """The route of a public model.

    Attributes:
        model: name of the model, and of its route and policies.
        host: host name of the route.
        path: its path, cut off before the model sees a request.
        url: what clients call, without `/` at its end.
        auth: what a caller shows: `api-key`, `oidc` or `none`.
        oidc: whose tokens are taken, with `oidc`.
        rate: most requests of one caller, None for any number.
        origins: web pages that may call from a browser.
        price: US dollars by what they are charged for (`per_call`, `per_second`, `per_token`, `per_month`).
        included_calls: calls of a key and month that cost nothing more.
        timeout_s: longest time that a request may take.
        wait_s: longest time that a request waits for the first replica of a model that scales to zero; None for one
            that never does.
        grpc: where its clients over gRPC find it; None for a model that does not speak it.
        members: of a pipeline, the models that it asks, for which a caller's pass is good as well.
        page: whether the page for people opens without a key.
        feedback: how its answers are measured; None for a model that takes no feedback.
    """

    model: str
    host: str
    path: str
    url: str
    auth: str
    oidc: Oidc | None
    rate: Rate | None
    origins: tuple[str, ...]
    price: Mapping[str, Decimal]
    included_calls: int | None
    timeout_s: float
    wait_s: int | None = None
    members: tuple[str, ...] = ()
    page: bool = False
    grpc: "Dialled | None" = None
    feedback: Feedback | None = None

    @property
    def feedback_path(self) -> str | None:
        """Where feedback is sent to, as clients send it; None for a model that takes none."""
        return None if self.feedback is None else f"{self.path.rstrip('/')}/v2/models/{self.model}/feedback"

    def rules(self) -> str:
        """What the keys service decides by, as JSON; prices are texts, so that none is rounded."""
        priced: dict[str, Any] = {name: format_price(usd) for name, usd in self.price.items()}
        if self.included_calls is not None:
            priced["included_calls"] = self.included_calls
        oidc = self.oidc and {"issuer": self.oidc.issuer, "audiences": list(self.oidc.audiences)}
        rules = {
            "model": self.model,
            "auth": self.auth,
            "timeout_s": self.timeout_s,
            "rate": self.rate and {"count": self.rate.count, "per_s": self.rate.per_s},
            "oidc": oidc,
            "price": priced,
        }
        rules |= {"members": list(self.members)} if self.members else {}
        rules |= {"page": self.path} if self.page else {}
        rules |= {} if self.feedback is None else {"quality": asdict(self.feedback) | {"path": self.feedback_path}}
        return compact_json(rules | ({} if self.wait_s is None else {"to_zero": {"wait_s": self.wait_s}}))

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for `slipway plan --json`."""
        return {
            "url": self.url,
            **({"grpc": self.grpc.target} if self.grpc else {}),
            "auth": self.auth,
            "rateLimit": str(self.rate) if self.rate else None,
            "origins": list(self.origins),
            "usd": {name: format_price(usd) for name, usd in self.price.items()},
            "page": f"{self.url}/" if self.page else None,
        }

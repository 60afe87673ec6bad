"""Contains what a spec says about requests to a model: their limits, and the way in through the gateway."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic.config import JsonDict

from slipway.spec.texts import text
from slipway.values.hosts import Host, Issuer, Origin, UrlPath
from slipway.values.quantities import Bytes, Seconds, Truth, format_bytes, format_seconds, refusal
from slipway.values.rates import RequestRate, Usd
from slipway.values.section import Section, empty, left_out, number

BODY_MOST = 2**30
_SINCE: JsonDict = {"since": "0.2"}


class Oidc(Section):
    """Whose tokens are taken, for `auth: oidc`."""

    issuer: Issuer = Field(
        description="Address of the OpenID provider, as `iss` of its tokens.", examples=["https://login.example.com"]
    )
    audiences: tuple[Annotated[str, *text(255, "digits")], ...] = Field(
        min_length=1, description="Values of `aud`, one of which a token must have.", examples=[["digits"]]
    )


class Cors(Section):
    """Which web pages may call the model from a browser."""

    origins: tuple[Origin, ...] = Field(
        min_length=1, description="Origins of the pages.", examples=[["https://shop.example"]]
    )


class Price(Section):
    """What a call costs its caller, in US dollars; the ledger counts it, nothing here collects it."""

    per_call: Usd | None = Field(
        default=None, description="Of each call that is answered.", examples=[0.0002], exclude_if=left_out
    )
    per_second: Usd | None = Field(
        default=None,
        description="Of each second that the model computes; from the cost of a replica when no price is given.",
        examples=[0.0001],
        exclude_if=left_out,
    )
    per_token: Usd | None = Field(
        default=None,
        description="Of each token, where the runtime counts them.",
        examples=[0.000002],
        exclude_if=left_out,
    )
    per_month: Usd | None = Field(
        default=None, description="Of each key and month, whatever it calls.", examples=[20], exclude_if=left_out
    )
    included_calls: Annotated[int, *number(1, 1_000_000_000)] | None = Field(
        default=None,
        description="Calls of a key and month that cost nothing more.",
        examples=[10000],
        exclude_if=left_out,
    )


class Expected(Section):
    """What is expected to be sent to the model and back, on the average of a month, for `price` and `advise`."""

    requests: RequestRate = Field(description="Requests, by day and night.", examples=["20/s"])
    request_size: Bytes = Field(description="Size of a request.", examples=["8Ki"])
    answer_size: Bytes = Field(description="Size of an answer.", examples=["2Ki"])


class Endpoint(Section):
    """Limits of a request, and the way in through the environment's gateway."""

    timeout: Seconds = Field(
        default=30.0,
        description="Longest time that a request may take.",
        examples=["30s"],
        json_schema_extra={"default": format_seconds(30.0)},
    )
    max_body: Bytes | None = Field(
        default=None,
        description=(
            "Largest body of a request, at most 1Gi, and no more than `resources.memory` carries; when left out, half "
            "of that, at most 10Mi."
        ),
        examples=["10Mi"],
        exclude_if=left_out,
    )
    grpc: Truth = Field(
        default=False,
        description="Whether the model speaks the Open Inference Protocol over gRPC, too, on port 8081 of its Service.",
        examples=[True],
        exclude_if=empty,
        json_schema_extra={"type": "boolean", **_SINCE},
    )
    public: Truth = Field(
        default=False,
        description="Whether a route leads to the model where the environment has a gateway.",
        examples=[True],
        exclude_if=empty,
        json_schema_extra={"type": "boolean", **_SINCE},
    )
    host: Host | None = Field(
        default=None,
        description="Host name of the route, the gateway's domain or one below it; the domain when left out.",
        examples=["digits.example.com"],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    path: UrlPath | None = Field(
        default=None,
        description="Path of the route, cut off before the model sees a request; `/models/NAME` when left out.",
        examples=["/models/digits"],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    auth: Literal["api-key", "oidc", "none"] = Field(
        default="api-key",
        description="What a caller shows: a key of `slipway keys`, a token of an OpenID provider, or nothing, which "
        "needs an exception from the rule `public-auth`.",
        examples=["api-key"],
        exclude_if=lambda value: value == "api-key",
        json_schema_extra=_SINCE,
    )
    oidc: Oidc | None = Field(
        default=None,
        description="Whose tokens are taken; needed with `auth: oidc`.",
        examples=[{"issuer": "https://login.example.com", "audiences": ["digits"]}],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    rate_limit: RequestRate | None = Field(
        default=None,
        description="Most requests of one caller: of a key, of a token's subject, or of an address without either.",
        examples=["100/s"],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    expected: Expected | None = Field(
        default=None,
        description="What is expected to be sent to the model and back, for `slipway price` and `slipway advise`; "
        "unknown when left out.",
        examples=[{"requests": "20/s", "request_size": "8Ki", "answer_size": "2Ki"}],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    cors: Cors | None = Field(
        default=None,
        description="Which web pages may call the model from a browser; none when left out.",
        examples=[{"origins": ["https://shop.example"]}],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )
    page: Truth = Field(
        default=False,
        description="Whether the model's page opens in a browser without a key, which people then type into it; until "
        "then it says nothing of the model.",
        examples=[True],
        exclude_if=empty,
        json_schema_extra={"type": "boolean", **_SINCE},
    )
    price: Price | None = Field(
        default=None,
        description="What a call costs its caller.",
        examples=[{"per_call": 0.0002}],
        exclude_if=left_out,
        json_schema_extra=_SINCE,
    )

    @model_validator(mode="after")
    def _a_body_fits_into_a_pod(self) -> Self:
        if self.max_body is not None and self.max_body > BODY_MOST:
            problem = f"{format_bytes(self.max_body)} is more than a server accepts"
            raise refusal(problem, "at most 1Gi", "write 1Gi or less", ("max_body",))
        return self

    @model_validator(mode="after")
    def _a_page_has_a_way_in(self) -> Self:
        if self.page and not self.public:
            problem = "is true, and without public no route leads to the model"
            raise refusal(problem, "page beside public: true", "write public: true, or remove page", ("page",))
        return self

    @model_validator(mode="after")
    def _tokens_have_an_issuer(self) -> Self:
        if self.auth == "oidc" and self.oidc is None:
            todo = "add oidc: {issuer: https://login.example.com, audiences: [NAME]}"
            raise refusal("is missing, though auth is oidc", "the issuer and audiences of tokens", todo, ("oidc",))
        if self.auth != "oidc" and self.oidc is not None:
            problem = f"is given, though auth is {self.auth}"
            raise refusal(problem, "oidc only beside auth: oidc", "write auth: oidc, or remove oidc", ("oidc",))
        return self

"""The rules of one model: who may call it, how often, and at what price."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Price = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


class _Section(BaseModel):
    # An annotation of a newer Slipway may say more than this version knows.
    model_config = ConfigDict(frozen=True, extra="ignore")


class RateSection(_Section):
    """At most `count` calls in `per_s` seconds, of a key or, without keys, of a client's address."""

    count: Annotated[int, Field(ge=1)]
    per_s: Literal[1, 60]


class OidcSection(_Section):
    """Whose tokens are good: the issuer's (a URL), for one of the audiences."""

    issuer: str
    audiences: Annotated[tuple[str, ...], Field(min_length=1)]


class PriceSection(_Section):
    """Dollars; what is None is not priced.

    `per_month` is an account's subscription to the model, which includes `included_calls` a month: the statement counts
    both.
    """

    per_call: Price | None = None
    per_second: Price | None = None
    per_token: Price | None = None
    per_month: Price | None = None
    included_calls: Annotated[int, Field(ge=0)] | None = None


class ToZeroSection(_Section):
    """The model has no replica while nobody calls; a call waits up to `wait_s` seconds for one."""

    wait_s: Annotated[float, Field(gt=0, le=300)]


class StickySection(_Section):
    """A caller stays with one of two releases.

    Attributes:
        header: name of the header that tells callers apart, in lower case; None: their key does.
        share: of the callers that get the new release, as the weights of the route have it.
        rollout: id of the rollout.
    """

    header: Annotated[str, Field(min_length=1)] | None = None
    share: Annotated[float, Field(ge=0, le=1)] = 0.0
    rollout: str = ""


class QualitySection(_Section):
    """What of a model's answers is kept for feedback, and how good they are by it.

    Attributes:
        task: whether answers are classes or numbers.
        positive: the class that precision, recall and F1 are of, and whose score is kept; None: the mean over classes.
        within_s: for how long after an answer feedback on it is taken, seconds.
        window_s: the feedback of so many last seconds makes the metrics.
        path: of the calls that bring feedback, as clients send it.
    """

    task: Literal["classification", "regression"]
    positive: str | None = None
    within_s: Annotated[float, Field(gt=0)]
    window_s: Annotated[float, Field(gt=0)]
    path: Annotated[str, Field(pattern=r"^/")]

    @property
    def keep_s(self) -> float:
        """For how long after an answer its row is there: the last feedback on it counts for a whole window."""
        return self.within_s + self.window_s


class Route(_Section):
    """What an HTTPRoute says of a model: its annotation `slipway.dev/route` and, of a share, its weights.

    `members`: of a pipeline, the models that it asks by the pass that it was asked with.
    `page`: the route's path, where the model's page opens without a key; the page has nothing of the model in it.
    """

    model: Annotated[str, Field(min_length=1)]
    auth: Literal["api-key", "oidc", "none"]
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0
    rate: RateSection | None = None
    oidc: OidcSection | None = None
    price: PriceSection | None = None
    to_zero: ToZeroSection | None = None
    sticky: StickySection | None = None
    members: tuple[str, ...] = ()
    page: Annotated[str, Field(pattern=r"^/")] | None = None
    quality: QualitySection | None = None

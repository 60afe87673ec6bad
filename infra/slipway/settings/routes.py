"""Define what settings say of alerts: who is told of which, and how; what is secret is in a Secret, by its name."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from slipway.settings.aws_values import Email
from slipway.settings.teams import TeamName
from slipway.settings.traces import TRACES, Traces
from slipway.settings.values import SecretName, line
from slipway.values.quantities import refusal
from slipway.values.section import Section, empty, left_out

Smarthost = Annotated[str, *line(259, "smtp.example.com:587")]


class Slack(Section):
    """A channel of Slack."""

    secret: SecretName = Field(
        description="Name of a Secret in the namespace whose key `url` is the address of an incoming webhook of Slack.",
        examples=["vision-slack"],
    )


class PagerDuty(Section):
    """A service of PagerDuty."""

    secret: SecretName = Field(
        description="Name of a Secret in the namespace whose key `routing-key` is the integration key (Events API v2).",
        examples=["vision-pagerduty"],
    )


class Webhook(Section):
    """An address that takes what Alertmanager posts."""

    secret: SecretName = Field(
        description="Name of a Secret in the namespace whose key `url` is the address.", examples=["vision-webhook"]
    )


class Mail(Section):
    """An e-mail address."""

    to: Email = Field(description="Who is told.", examples=["vision@example.com"])
    sender: Email = Field(description="Who writes.", examples=["alerts@example.com"])
    smarthost: Smarthost = Field(
        description="Host and port of the server that sends, over TLS.", examples=["smtp.example.com:587"]
    )
    username: Annotated[str, *line(255, "alerts")] = Field(description="Who logs in there.", examples=["alerts"])
    secret: SecretName = Field(
        description="Name of a Secret in the namespace whose key `password` is the password.", examples=["smtp"]
    )


WAYS = ("slack", "pagerduty", "email", "webhook")
_ONE_WAY = f"exactly one of {', '.join(WAYS)}"


class Route(Section):
    """Who is told of the alerts of an owner."""

    owner: TeamName = Field(
        description="`owner` of the models, as their specs have it; `platform` of the environment's own alerts.",
        examples=["vision"],
    )
    slack: Slack | None = Field(
        default=None, description="To Slack.", examples=[{"secret": "vision-slack"}], exclude_if=left_out
    )
    pagerduty: PagerDuty | None = Field(
        default=None, description="To PagerDuty.", examples=[{"secret": "vision-pagerduty"}], exclude_if=left_out
    )
    email: Mail | None = Field(default=None, description="By e-mail.", exclude_if=left_out)
    webhook: Webhook | None = Field(
        default=None,
        description="To an address.",
        examples=[{"secret": "vision-webhook"}],
        exclude_if=left_out,
    )

    @property
    def secret(self) -> tuple[str, str]:
        """The way that it goes, and the Secret that is needed for it."""
        for way in WAYS:
            if (one := getattr(self, way)) is not None:
                return way, one.secret
        raise LookupError(f"the route of {self.owner} leads nowhere")

    @model_validator(mode="after")
    def _goes_one_way(self) -> Self:
        given = [way for way in WAYS if getattr(self, way) is not None]
        if len(given) == 1:
            return self
        if not given:
            raise refusal("tells nobody", _ONE_WAY, "add for example slack: {secret: vision-slack}")
        raise refusal(f"is given beside {given[0]}", _ONE_WAY, "write a route of its own for each", (given[1],))


ROUTES: tuple[Route, ...] = Field(
    default=(),
    description="Who is told of alerts, by the models' owners; an owner may have several. Nobody when left out "
    "(docs/how-to/route-alerts.md).",
    exclude_if=empty,
    json_schema_extra={"since": "0.2"},
)
"""The field of every kind of environment's monitoring."""


class Alerting(Section):
    """The alerts of an environment whose Prometheus is always there, and its traces."""

    routes: tuple[Route, ...] = ROUTES
    traces: Traces | None = TRACES

"""Write who is told of which alerts, as Alertmanager's operator takes it; what is secret is named, and never here."""

from collections.abc import Sequence
from typing import Any

from slipway.settings.routes import Route

KEYS = {"slack": "url", "pagerduty": "routing-key", "email": "password", "webhook": "url"}
"""The key of a route's Secret, by the way that it goes."""
_NOBODY = "nobody"
_TEXT = "{{ range .Alerts }}{{ .Annotations.summary }} ({{ .Annotations.runbook }})\n{{ end }}"


def route_spec(routes: Sequence[Route]) -> dict[str, Any]:
    """`spec` of an AlertmanagerConfig. The operator adds that alerts are of its namespace."""
    receivers: list[dict[str, Any]] = [{"name": _NOBODY}]
    receivers += [{"name": f"route-{index}", **_receiver(route)} for index, route in enumerate(routes)]
    children = [
        {
            "receiver": f"route-{index}",
            "matchers": [{"name": "owner", "matchType": "=", "value": route.owner}],
            # The next route may be of the same owner.
            "continue": True,
        }
        for index, route in enumerate(routes)
    ]
    grouped = ["alertname", "environment", "model"]
    return {"route": {"receiver": _NOBODY, "groupBy": grouped, "routes": children}, "receivers": receivers}


def _receiver(route: Route) -> dict[str, Any]:
    if route.slack is not None:
        one = {"apiURL": _key(route.slack.secret, KEYS["slack"]), "sendResolved": True, "text": _TEXT}
        return {"slackConfigs": [one]}
    if route.pagerduty is not None:
        one = {"routingKey": _key(route.pagerduty.secret, KEYS["pagerduty"]), "sendResolved": True}
        return {"pagerdutyConfigs": [one]}
    if route.webhook is not None:
        return {"webhookConfigs": [{"urlSecret": _key(route.webhook.secret, KEYS["webhook"]), "sendResolved": True}]}
    if route.email is None:
        raise ValueError(f"a route of {route.owner} leads nowhere")
    mail = route.email
    sent = {"to": mail.to, "from": mail.sender, "smarthost": mail.smarthost, "requireTLS": True}
    login = {"authUsername": mail.username, "authPassword": _key(mail.secret, KEYS["email"])}
    return {"emailConfigs": [{**sent, **login, "sendResolved": True}]}


def _key(secret: str, key: str) -> dict[str, str]:
    return {"name": secret, "key": key}

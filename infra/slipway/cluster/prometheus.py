"""Ask the Prometheus of an environment where it is a Service of the cluster, by way of the API server's proxy.

No tunnel and no exposed port are needed for it, but the right to `get` `services/proxy` in the namespace of Prometheus.
What cannot be asked is unknown, and never taken for nothing.
"""

import json
import math
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit

from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.values.aliases import Json

_TIMEOUT_S = 5.0
_PORTS = {"http": 80, "https": 443}
_NAMED = 2
"""Labels of the host of a Service: its name and its namespace; `svc` and the cluster's domain may follow."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires. `model`: None where it is about the environment. `since`: as Prometheus writes times."""

    name: str
    model: str | None
    severity: str
    since: str
    summary: str


class Silent(Exception):
    """Prometheus gave no answer that is of use; `str()` says why, as the end of a sentence."""


class Unasked(Silent):
    """It cannot be asked from here: it is no Service of the cluster, or the caller may not."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """The Prometheus at `address`, as the settings of an environment name it."""

    cluster: Cluster
    address: str

    def check(self) -> None:
        """Ask for the simplest there is; raises `Silent`."""
        self._ask("/api/v1/query", {"query": "vector(1)"})

    def alerts(self, environment: str) -> list[Alert]:
        """What fires about an environment and its models; raises `Silent`."""
        found = []
        for alert in self._ask("/api/v1/alerts", {}).get("alerts") or []:
            labels = alert.get("labels") or {}
            if alert.get("state") == "firing" and labels.get("environment") == environment:
                summary = (alert.get("annotations") or {}).get("summary", "")
                found.append(
                    Alert(
                        labels.get("alertname", "?"),
                        labels.get("model"),
                        labels.get("severity", "?"),
                        alert.get("activeAt", "?"),
                        summary,
                    )
                )
        return sorted(found, key=lambda alert: (alert.model or "", alert.name))

    def by_label(self, query: str, label: str) -> dict[str, float]:
        """The numbers of a query's answer by one of its labels; series without a finite number are left out.

        Raises `Silent`.
        """
        found: dict[str, float] = {}
        for series in self._ask("/api/v1/query", {"query": query}).get("result") or []:
            value = float(series["value"][1])
            if math.isfinite(value):
                found[series["metric"].get(label, "")] = value
        return found

    def samples(self, query: str) -> list[tuple[dict[str, str], float]]:
        """The labels and numbers of a query's answer; series without a finite number are left out. Raises `Silent`."""
        found = [
            (dict(series["metric"]), float(series["value"][1]))
            for series in self._ask("/api/v1/query", {"query": query}).get("result") or []
        ]
        return [(labels, value) for labels, value in found if math.isfinite(value)]

    def budgets(self, environment: str, series: str) -> dict[str, dict[str, float]]:
        """The part of each budget that is left, by model and objective; negative when overspent. Raises `Silent`.

        `series`: the name that it is recorded by. What has no sample, since nobody called, is not among them.
        """
        query = f'{series}{{environment="{environment}"}}'
        found: dict[str, dict[str, float]] = {}
        for one in self._ask("/api/v1/query", {"query": query}).get("result") or []:
            labels, left = one["metric"], float(one["value"][1])
            if math.isfinite(left):
                found.setdefault(labels.get("model", "?"), {})[labels.get("slo", "?")] = left
        return found

    def _ask(self, path: str, query: dict[str, str]) -> Json:
        """The data of an answer."""
        proxied = proxied_path(self.address)
        if proxied is None:
            raise Unasked(f"{self.address} is no Service of the cluster")
        full = f"{proxied}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = json.loads(self.cluster.request("GET", full, timeout_s=_TIMEOUT_S))
        except ApiRefused as error:
            if error.status == HTTPStatus.FORBIDDEN:
                raise Unasked(f"the API server does not let you ask {self.address}: {error.message}") from error
            raise Silent(f"{self.address} answers {error.status}: {error.message}") from error
        except ClusterUnreachable as error:
            raise Silent(f"{self.address} did not answer within {_TIMEOUT_S:g} s") from error
        except ValueError as error:
            raise Silent(f"{self.address} answers what is not JSON: {error}") from error
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise Silent(f"{self.address} answers, but not as Prometheus does")
        return dict(answer.get("data") or {})


def proxied_path(address: str) -> str | None:
    """Path by which the API server passes on to a Service; None for an address outside of the cluster."""
    parts = urlsplit(address)
    labels = (parts.hostname or "").split(".")
    if len(labels) < _NAMED or (len(labels) > _NAMED and labels[_NAMED] != "svc"):
        return None
    name, namespace = labels[:_NAMED]
    scheme = "https:" if parts.scheme == "https" else ""
    service = quote(f"{scheme}{name}:{parts.port or _PORTS[parts.scheme]}", safe=":")
    return f"/api/v1/namespaces/{quote(namespace)}/services/{service}/proxy{parts.path.rstrip('/')}"

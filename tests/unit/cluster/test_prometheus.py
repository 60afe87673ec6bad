"""Prometheus is asked by way of the API server, and what cannot be asked is unknown, never nothing."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from slipway.cluster.prometheus import Prometheus, Silent, Unasked, proxied_path
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from tests.support.fake_cluster import FakeCluster

ADDRESS = "http://prometheus-operated.monitoring:9090"
PROXY = "/api/v1/namespaces/monitoring/services/prometheus-operated:9090/proxy"


class Proxied(FakeCluster):
    """Gives `answer` for each request, or raises it; notes the paths."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[str] = []

    def request(self, method: str, path: str, **options: Any) -> bytes:
        self.asked.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()


def success(**data: Any) -> dict[str, Any]:
    return {"status": "success", "data": data}


def alert(name: str, state: str = "firing", **labels: str) -> dict[str, Any]:
    of = {"alertname": name, "severity": "critical", "environment": "local"} | labels
    return {"labels": of, "annotations": {"summary": f"{name}!"}, "state": state, "activeAt": "2026-11-26T12:00:00Z"}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (ADDRESS, PROXY),
        ("http://prometheus-operated.monitoring.svc:9090/", PROXY),
        ("http://prometheus-operated.monitoring.svc.cluster.local:9090", PROXY),
        ("https://p.team.svc", "/api/v1/namespaces/team/services/https:p:443/proxy"),
        ("http://p.team/prometheus", "/api/v1/namespaces/team/services/p:80/proxy/prometheus"),
        ("https://prometheus.example.com", None),
        ("http://prometheus:9090", None),
        ("http://10.0.0.7:9090", None),
    ],
)
def test_a_service_of_the_cluster_is_asked_by_way_of_the_api_server(address: str, path: str | None) -> None:
    assert proxied_path(address) == path


def test_a_prometheus_that_answers_is_not_silent() -> None:
    cluster = Proxied(success(resultType="vector", result=[]))
    Prometheus(cluster, ADDRESS).check()
    assert cluster.asked == [f"{PROXY}/api/v1/query?query=vector%281%29"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ApiRefused("GET", "/", 503, "no endpoints available"), "answers 503: no endpoints available"),
        (ApiRefused("GET", "/", 404, 'services "p" not found'), 'answers 404: services "p" not found'),
        (ClusterUnreachable("fake", "https://nowhere", 5, "timed out"), "did not answer within 5 s"),
        (b"<html>", "answers what is not JSON"),
        ({"status": "error"}, "answers, but not as Prometheus does"),
        ([], "answers, but not as Prometheus does"),
    ],
)
def test_one_that_gives_no_answer_of_use_is_silent_and_says_why(answer: object, reason: str) -> None:
    with pytest.raises(Silent, match=reason) as silent:
        Prometheus(Proxied(answer), ADDRESS).check()
    assert not isinstance(silent.value, Unasked)


@pytest.mark.parametrize(
    ("address", "answer"), [(ADDRESS, ApiRefused("GET", "/", 403, "forbidden")), ("https://far.example.com", {})]
)
def test_one_that_cannot_be_asked_from_here_is_unknown(address: str, answer: object) -> None:
    with pytest.raises(Unasked):
        Prometheus(Proxied(answer), address).alerts("local")


def test_what_fires_about_the_environment_is_told_and_nothing_else() -> None:
    found = [
        alert("SlipwayScaledToMax", model="speech", severity="warning"),
        alert("SlipwayMetricsMissing", model="digits"),
        alert("SlipwayMetricsMissing", "pending", model="speech"),
        alert("KedaErrs"),
        alert("Watchdog", environment="other"),
    ]
    told = Prometheus(Proxied(success(alerts=found)), ADDRESS).alerts("local")
    assert [(one.name, one.model, one.severity) for one in told] == [
        ("KedaErrs", None, "critical"),
        ("SlipwayMetricsMissing", "digits", "critical"),
        ("SlipwayScaledToMax", "speech", "warning"),
    ]
    assert told[1].summary == "SlipwayMetricsMissing!"


def test_the_numbers_of_an_answer_are_known_by_a_label_and_what_is_no_number_is_left_out() -> None:
    series = [
        {"metric": {"model": "digits"}, "value": [1764000000, "12.5"]},
        {"metric": {"model": "speech"}, "value": [1764000000, "NaN"]},
    ]
    cluster = Proxied(success(resultType="vector", result=series))
    assert Prometheus(cluster, ADDRESS).by_label("sum by (model) (a)", "model") == {"digits": 12.5}


def sample(value: str, **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1790000000, value]}


def test_what_is_left_of_budgets_is_told_by_model_and_objective() -> None:
    found = [
        sample("0.25", model="digits", slo="availability"),
        sample("-1.5", model="digits", slo="latency"),
        sample("NaN", model="speech", slo="availability"),
    ]
    cluster = Proxied(success(resultType="vector", result=found))
    left = Prometheus(cluster, ADDRESS).budgets("local", "left")
    assert left == {"digits": {"availability": 0.25, "latency": -1.5}}
    assert 'left{environment="local"}' in unquote(cluster.asked[0])

"""What the gateway answered for a model is added up from Envoy's counters, whatever becomes of Envoys and clusters."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from slipway.deploy.front import counted as module
from slipway.deploy.front.counted import GatewayCounts
from slipway.errors.reaching import ApiRefused, ClusterUnreachable

PLAIN, NEW = "httproute/slipway/digits/rule/0", "httproute/slipway/digits/rule/0/backend/1"


@dataclass
class Envoys:
    """Envoys by name, each with counters by cluster and answer; as the API server and Envoy's metrics show them."""

    namespace: str = "slipway"
    counters: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)
    fails: Exception | None = None

    def request(self, method: str, path: str, *, query: Mapping[str, str] | None = None) -> bytes:
        if self.fails is not None:
            raise self.fails
        if path == "/api/v1/pods":
            assert query == {"labelSelector": "gateway.envoyproxy.io/owning-gateway-namespace=slipway"}
            pods = [
                {
                    "metadata": {"namespace": "gateways", "name": name, "uid": name},
                    "status": {"phase": "Running", "containerStatuses": [{"restartCount": 0}]},
                }
                for name in self.counters
            ]
            return json.dumps({"items": pods}).encode()
        found = re.fullmatch(r"/api/v1/namespaces/gateways/pods/(.+):19001/proxy/stats/prometheus", path)
        assert found is not None
        assert query is not None
        wanted = re.compile(query["filter"])
        return "\n".join(
            f'envoy_cluster_upstream_rq{{envoy_response_code="{code}",envoy_cluster_name="{cluster}"}} {number}'
            for (cluster, code), number in self.counters[found[1]].items()
            if wanted.search(f"cluster.{cluster}.upstream_rq_{code}")
        ).encode()


@pytest.fixture(autouse=True)
def _only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read at the beginning and the end, and in between only where a test asks."""
    monkeypatch.setattr(module, "READ_S", 3600)


def test_what_the_counters_grew_by_is_counted_and_answers_of_nobody_are_lost() -> None:
    envoys = Envoys(counters={"a": {(PLAIN, "200"): 1000, (PLAIN, "503"): 7}, "b": {(PLAIN, "200"): 10}})
    with GatewayCounts(envoys).counting("digits") as counted:
        envoys.counters["a"] |= {(PLAIN, "200"): 1100, (PLAIN, "503"): 9, (PLAIN, "504"): 1, (PLAIN, "400"): 4}
        envoys.counters["b"] |= {(NEW, "200"): 50, (NEW, "502"): 1}
    assert (counted.requests, counted.lost) == (100 + 2 + 1 + 4 + 50 + 1, 4)
    assert counted.text() == "4 of 158 requests lost"


def test_another_model_is_not_counted_nor_are_calls_that_are_replayed() -> None:
    envoys = Envoys(counters={"a": {}})
    with GatewayCounts(envoys).counting("digits") as counted:
        envoys.counters["a"] = {
            ("httproute/slipway/digits-2/rule/0", "200"): 5,
            ("httproute/other/digits/rule/0", "503"): 5,
        }
    assert counted.text() == "0 of 0 requests lost"


def test_an_envoy_that_ended_is_said_and_the_next_one_counts_from_nothing() -> None:
    envoys = Envoys(counters={"a": {(PLAIN, "200"): 1000}})
    with GatewayCounts(envoys).counting("digits") as counted:
        del envoys.counters["a"]
        envoys.counters["b"] = {(PLAIN, "200"): 30}
    assert counted.text().startswith("0 of 30 requests lost; an Envoy ended meanwhile")


def test_who_may_not_read_envoys_pods_is_told_so() -> None:
    envoys = Envoys(fails=ApiRefused("GET", "/api/v1/pods", 403, "pods is forbidden"))
    with GatewayCounts(envoys).counting("digits") as counted:
        envoys.fails = None
    assert counted.text() == (
        "what the gateway answered was not counted: no right to read Envoy's pods (pods is forbidden)"
    )


def test_an_outage_of_the_api_server_is_passed_over() -> None:
    envoys = Envoys(counters={"a": {(PLAIN, "200"): 1}})
    with GatewayCounts(envoys).counting("digits") as counted:
        envoys.fails = ClusterUnreachable("fake", "https://nowhere", 1, "refused")
    assert counted.text() == "0 of 0 requests lost"

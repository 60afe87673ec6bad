"""What went through the gateway is read from its own counters, by model; what they do not say is unknown."""

import json
from fractions import Fraction
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote_plus

from slipway.commands.inspecting.volumes import measure
from slipway.environments.running.protocol import Metered
from slipway.errors.reaching import ClusterUnreachable
from slipway.plan.model import Plan
from slipway.planner.environment import plan
from slipway.settings.aws import AwsSettings
from tests.support.planned import CODE
from tests.support.pools import loaded, spec
from tests.unit.planner.test_price import SETTINGS
from tests.unit.planner.test_volumes import GATEWAY

DAY = 24 * 3600
MONTH = 730 * 3600
COUNTED = {
    "tx": {"httproute/slipway/digits/rule/0": 5000.0, "httproute/slipway/digits/rule/1": 1000.0},
    "rx": {"httproute/slipway/digits/rule/0": 300.0, "httproute/other/digits/rule/0": 9e9},
}


class FakeCluster:
    """A cluster whose Prometheus answers with `counted`, or is not reached, when None."""

    def __init__(self, counted: dict[str, dict[str, float]] | None) -> None:
        self.counted = counted

    def request(self, _: str, path: str, **__: Any) -> bytes:
        if self.counted is None:
            raise ClusterUnreachable("slipway-prod", "https://example.com", 5.0, "timed out")
        asked = unquote_plus(path)
        assert 'envoy_cluster_name=~"(http|grpc)route/slipway/.*"}[1d]' in asked
        way = "tx" if "_tx_bytes_total" in asked else "rx"
        result = [
            {"metric": {"envoy_cluster_name": name}, "value": [0, str(count)]}
            for name, count in self.counted[way].items()
        ]
        return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()


def planned(*, public: bool = True) -> Plan:
    models = [loaded(spec(name, endpoint={"public": public})) for name in ("digits", "speech")]
    return plan("prod", AwsSettings.model_validate(SETTINGS | {"gateway": GATEWAY}), models, CODE)


def measured(counted: dict[str, dict[str, float]] | None, *, public: bool = True, **metered: Any) -> Any:
    running = SimpleNamespace(metered=lambda: Metered(**metered))
    context = SimpleNamespace(plan=planned(public=public), cluster=FakeCluster(counted), running=running)
    return measure(context)  # type: ignore[arg-type]


def test_a_day_of_all_rules_of_a_models_route_becomes_a_month_and_others_namespaces_are_not_its() -> None:
    found = measured(COUNTED, nat=Fraction(7))
    assert set(found.sent) == {"digits"}
    assert found.sent["digits"].requests == Fraction(6000) * MONTH / DAY
    assert found.sent["digits"].answers == Fraction(300) * MONTH / DAY
    assert found.nat == 7


def test_a_model_that_nothing_was_counted_of_is_named_and_not_taken_for_quiet() -> None:
    assert measured(COUNTED).unmeasured == ("traffic of models: Prometheus has counted nothing of speech",)


def test_a_prometheus_that_does_not_answer_leaves_what_the_account_counted() -> None:
    found = measured(None, flow_logs=Fraction(3), unmeasured=("nat: no",))
    assert (found.sent, found.flow_logs) == ({}, 3)
    assert found.unmeasured[0] == "nat: no"
    assert "did not answer within" in found.unmeasured[1]


def test_without_public_models_no_prometheus_is_asked() -> None:
    assert measured(None, public=False).unmeasured == ()

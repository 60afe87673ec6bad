"""Every query of a dashboard is PromQL over metrics that something exposes; the files are what Grafana's SDK reads."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from slipway_keys.telemetry.metrics import Metrics as KeysMetrics
from slipway_server.telemetry.metrics import Metrics as ServerMetrics

from slipway.monitoring import budget
from slipway.monitoring.dashboards import dashboards
from slipway.monitoring.panels import Panel, environment_panels, model_panels
from slipway.render.model import render_alerts
from tests.support.planned import fleet_plan, slo_plan
from tests.support.prometheus import programs

DCGM = {"DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE", "DCGM_FI_DEV_XID_ERRORS"}
"""Of the default counters of NVIDIA's exporter, by its documentation: there was no GPU to ask."""
RECORDED = {budget.CALLS, budget.MISSED, budget.BURN, budget.LEFT}
_NAME = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{")


def exposed() -> set[str]:
    """Names of all series that the model server and the keys service expose once they were asked; Prometheus' own."""
    server, keys = ServerMetrics("digits", "1.0.0", "0" * 16), KeysMetrics()
    server.observe("/predict", 200, 0.01)
    server.batch_rows.observe(1)
    server.inference_seconds.observe(0.01)
    keys.checked("digits", "allowed")
    keys.holding("digits", 1)
    keys.ready_endpoints({"digits": 1})
    texts = (generate_latest(one.registry).decode() for one in (server, keys))
    families = (family for text in texts for family in text_string_to_metric_families(text))
    return {sample.name for family in families for sample in family.samples} | {"up"}


def panels() -> list[Panel]:
    found = [*environment_panels("slipway", gateway=True)]
    for plan in (slo_plan(), fleet_plan()):
        found += [panel for model in plan.models for panel in model_panels(model)]
    return found


def test_every_query_is_understood_by_prometheus(tmp_path: Path) -> None:
    queries = sorted({query.expression for panel in panels() for query in panel.queries})
    assert len(queries) > 50
    rules = [{"record": f"query:{index}", "expr": query} for index, query in enumerate(queries)]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run(
        [programs() / "promtool", "check", "rules", file], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_metric_of_dashboards_is_exposed() -> None:
    asked = {name for panel in panels() for query in panel.queries for name in _NAME.findall(query.expression)}
    assert {"slipway_requests_total", "slipway_keys_checks_total", "up"} < asked
    assert asked - exposed() - DCGM - RECORDED == set()


def test_every_metric_of_promises_is_exposed() -> None:
    manifests = [one for model in slo_plan().models for one in render_alerts(model)]
    rules = [rule for one in manifests for group in one["spec"]["groups"] for rule in group["rules"]]
    asked = {name for rule in rules for name in _NAME.findall(rule["expr"])}
    assert asked - exposed() - DCGM - RECORDED == set()
    assert {rule["record"] for rule in rules if "record" in rule} == RECORDED


def test_a_metric_that_nothing_exposes_is_seen() -> None:
    assert set(_NAME.findall("sum(rate(slipway_request_total{a='b'}[1m]))")) - exposed() == {"slipway_request_total"}


@pytest.mark.parametrize("name", ["slipway-watched.json", "slipway-watched-month.json", "slipway-watched-on-gpu.json"])
def test_grafanas_sdk_reads_what_was_written(name: str) -> None:
    written = json.loads(dashboards(slo_plan(), gateway=True)[name])
    read = Dashboard.from_json(written)
    assert (read.title or "").startswith("watched: ")
    assert len(read.panels or []) == len(written["panels"]) > 5
    assert all(panel["targets"] and panel["gridPos"]["w"] == 12 for panel in written["panels"])


def test_an_environment_has_a_dashboard_and_each_model_has_its_own_id() -> None:
    plan = slo_plan()
    found = {name: json.loads(text) for name, text in dashboards(plan, gateway=True).items()}
    assert len({one["uid"] for one in found.values()}) == len(plan.models) + 1


def test_what_a_model_lacks_is_not_shown() -> None:
    month = [panel.title for panel in model_panels(slo_plan().find("month", Path()))]
    assert "SLO budget left" in month
    assert not {"GPU use", "Cost of 1,000 requests"} & set(month)
    assert any(
        panel.title == "Cost of 1,000 requests" for model in fleet_plan().models for panel in model_panels(model)
    )

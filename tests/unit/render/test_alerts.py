"""The alerts fire for what they are about and for nothing else: Prometheus' own tests of rules, over made-up series."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway.render.scraping import rule_groups
from tests.support.planned import scaling_plan
from tests.support.prometheus import programs

NAMESPACE = "by-hand"
KEDA = {"keda_build_info": "1+0x100"}


def pods(model: str, count: int, queue: str = "0+0x100", of: str = "1+0x100") -> dict[str, str]:
    """Series of so many pods of a model, each with a queue; `of`: when they have any."""
    values = {"slipway_requests_in_flight": of, "slipway_queue_depth": queue, "slipway_inference_seconds_sum": of}
    return {
        f'{name}{{namespace="{NAMESPACE}",model="{model}",pod="{model}-{pod}"}}': samples
        for name, samples in values.items()
        for pod in range(count)
    }


def endpoints(model: str, count: int) -> dict[str, str]:
    return {f'slipway_keys_ready_endpoints{{namespace="{NAMESPACE}",model="{model}",pod="keys-0"}}': f"{count}+0x100"}


def errors(model: str, samples: str) -> dict[str, str]:
    return {f'keda_scaler_detail_errors_total{{namespace="{NAMESPACE}",scaledObject="{model}"}}': samples}


def check(folder: Path, model: str, series: dict[str, str], at: str, alert: str, *, fires: bool) -> None:
    """Hold an alert about a model against series that have a sample every 15 s."""
    groups = rule_groups(scaling_plan("manual").select([model]))
    (folder / "rules.yaml").write_text(yaml.safe_dump(groups))
    (rule,) = [rule for group in groups["groups"] for rule in group["rules"] if rule["alert"] == alert]
    whole = yaml.safe_dump(rule).replace("{{ $labels.scaledObject }}", model).replace("{{ $value }}", "13")
    expected: Any = yaml.safe_load(whole)
    if "scaledObject" in rule["expr"]:
        expected["labels"]["scaledObject"] = model
    wanted = [{"exp_labels": expected["labels"], "exp_annotations": expected["annotations"]}]
    one = {
        "interval": "15s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": at, "alertname": alert, "exp_alerts": wanted if fires else []}],
    }
    test = folder / "test.yaml"
    test.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "15s", "tests": [one]}))
    done = subprocess.run(
        [programs() / "promtool", "test", "rules", test], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("at", "fires"), [("6m", False), ("8m", True)])
def test_metrics_that_end_are_told_two_minutes_later(tmp_path: Path, at: str, fires: bool) -> None:
    series = pods("by-queue", 2, of="1+0x20 stale")
    check(tmp_path, "by-queue", series, at, "SlipwayMetricsMissing", fires=fires)


def test_pods_without_a_single_series_are_told(tmp_path: Path) -> None:
    check(tmp_path, "by-queue", KEDA, "5m", "SlipwayMetricsMissing", fires=True)


@pytest.mark.parametrize(("ready", "fires"), [(0, False), (1, True)])
def test_a_model_that_sleeps_lacks_no_metrics_and_one_that_is_awake_does(
    tmp_path: Path, ready: int, fires: bool
) -> None:
    check(tmp_path, "asleep", endpoints("asleep", ready), "10m", "SlipwayMetricsMissing", fires=fires)


@pytest.mark.parametrize(
    ("count", "queue", "at", "fires"),
    [
        (8, "3+0x100", "20m", True),
        (8, "3+0x100", "10m", False),
        (7, "3+0x100", "20m", False),
        (8, "1+0x100", "20m", False),
    ],
)
def test_a_model_that_stays_above_its_target_with_all_its_replicas_is_told(
    tmp_path: Path, count: int, queue: str, at: str, fires: bool
) -> None:
    """At most 8 replicas with 1.5 requests waiting for each are 12 in all."""
    check(tmp_path, "by-queue", pods("by-queue", count, queue), at, "SlipwayScaledToMax", fires=fires)


@pytest.mark.parametrize(("samples", "fires"), [("0+1x100", True), ("7+0x100", False)])
def test_a_scaler_that_goes_on_failing_is_told_and_one_that_failed_once_is_not(
    tmp_path: Path, samples: str, fires: bool
) -> None:
    series = KEDA | errors("by-queue", samples)
    check(tmp_path, "by-queue", series, "10m", "SlipwayScalerErrors", fires=fires)


@pytest.mark.parametrize(("series", "fires"), [({}, True), (KEDA, False)])
def test_a_keda_that_nobody_hears_of_is_told(tmp_path: Path, series: dict[str, str], fires: bool) -> None:
    check(tmp_path, "by-queue", series, "10m", "SlipwayScalerGone", fires=fires)


def certificates(days: int, job: str) -> dict[str, str]:
    series = f'envoy_server_days_until_first_cert_expiring{{job="{job}/gateway",namespace="envoy-gateway-system"}}'
    return {series: f"{days}+0x100"}


@pytest.mark.parametrize(
    ("days", "job", "fires"),
    [(13, NAMESPACE, True), (13, f"slipway/{NAMESPACE}", True), (14, NAMESPACE, False), (2, "of-others", False)],
)
def test_a_certificate_that_ends_soon_is_told(tmp_path: Path, days: int, job: str, fires: bool) -> None:
    series = certificates(days, job)
    check(tmp_path, "by-queue", series, "15m", "SlipwayCertificateExpires", fires=fires)


def test_every_alert_says_who_answers_for_it_and_what_to_do() -> None:
    for group in rule_groups(scaling_plan("manual"))["groups"]:
        for rule in group["rules"]:
            assert {"severity", "owner", "environment", "namespace"} <= rule["labels"].keys()
            assert rule["annotations"].keys() == {"summary", "runbook"}
            assert (Path(__file__).parents[3] / rule["annotations"]["runbook"]).exists()


def test_every_alert_is_explained_on_its_page() -> None:
    rules = [rule for group in rule_groups(scaling_plan("manual"))["groups"] for rule in group["rules"]]
    root = Path(__file__).parents[3]
    pages = {rule["alert"]: (root / rule["annotations"]["runbook"]).read_text() for rule in rules}
    assert [alert for alert, page in pages.items() if f"| `{alert}` |" not in page] == []


def test_an_owner_is_shown_as_it_is_written_though_prometheus_reads_labels_as_templates() -> None:
    groups = rule_groups(scaling_plan("manual").select(["by-concurrency"]))["groups"]
    owners = {rule["labels"]["owner"] for group in groups for rule in group["rules"]}
    (owner,) = owners - {"platform"}
    assert owner == "vision & {{`{{`}} friends }}"

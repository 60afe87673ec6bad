"""What is told of a model's pods, and when it is not any more; Prometheus' own tests of rules."""

from pathlib import Path

import pytest

from tests.support.planned import ROOT, slo_plan
from tests.support.promtool import Told, groups_of, hold

UNKNOWN: set[Told] = {
    ("SlipwaySloUnknown", "slipway_requests_total"),
    ("SlipwaySloUnknown", "slipway_request_seconds_bucket"),
}
READ = ("slipway_requests_total", "slipway_request_seconds_bucket")


def of(model: str, pod: int = 0) -> str:
    return f'namespace="slipway",model="{model}",pod="{model}-{pod}"'


def check(folder: Path, model: str, series: dict[str, str], told: dict[str, set[Told]]) -> None:
    """Hold the alerts about a model's pods against series with a sample every 15 s."""
    groups = [one for one in groups_of(slo_plan().find(model, Path())) if one["name"].endswith("-health")]
    hold(folder, groups, "15s", series, told)


def up(model: str, values: str, pods: int = 1) -> dict[str, str]:
    return {f"up{{{of(model, pod)}}}": values for pod in range(pods)}


def reads(model: str, values: str) -> dict[str, str]:
    return {f"{name}{{{of(model)}}}": values for name in READ}


@pytest.mark.parametrize("gone", ["1+0x40 stale _x20 1+0x80", "1+0x40 0+0x20 1+0x80"])
def test_a_model_without_a_replica_is_down_until_it_has_one(tmp_path: Path, gone: str) -> None:
    series = up("month", gone) | reads("month", "1+0x200")
    told: dict[str, set[Told]] = {"9m": set(), "12m": {("SlipwayModelDown", "")}, "18m": set()}
    check(tmp_path, "month", series, told)


def test_a_model_that_nobody_ever_saw_is_down(tmp_path: Path) -> None:
    check(tmp_path, "month", {}, {"5m": {("SlipwayModelDown", "")}})


def test_each_series_that_is_missing_is_told_of_a_model_that_is_up(tmp_path: Path) -> None:
    check(tmp_path, "month", up("month", "1+0x100"), {"1m": set(), "5m": UNKNOWN})


@pytest.mark.parametrize(("held", "told"), [(0, set()), (2, {("SlipwayModelDown", "")})])
def test_a_model_that_sleeps_is_down_when_calls_wait_in_vain(tmp_path: Path, held: int, told: set[Told]) -> None:
    waiting = 'slipway_keys_held{namespace="slipway",model="asleep",pod="keys-0"}'
    check(tmp_path, "asleep", {waiting: f"{held}+0x200"}, {"1m": set(), "40m": told})


@pytest.mark.parametrize(("starts", "told"), [(2, set()), (3, {("SlipwayModelRestarts", "")})])
def test_a_pod_that_restarts_again_and_again_is_told(tmp_path: Path, starts: int, told: set[Told]) -> None:
    started = " ".join(f"{100 * start}+0x9" for start in range(starts + 1)) + f" {100 * starts}+0x200"
    series = {f"process_start_time_seconds{{{of('month')}}}": started}
    series |= up("month", "1+0x300") | reads("month", "1+0x300")
    check(tmp_path, "month", series, {"12m": told, "50m": set()})


@pytest.mark.parametrize(("pods", "told"), [(3, set()), (4, {("SlipwayScalerAtBound", "")})])
def test_an_autoscaler_that_has_no_replica_left_to_add_is_told_after_an_hour(
    tmp_path: Path, pods: int, told: set[Told]
) -> None:
    series = up("month", "1+0x300", pods) | reads("month", "1+0x300")
    check(tmp_path, "month", series, {"50m": set(), "65m": told})


@pytest.mark.parametrize(
    ("xid", "used", "told"),
    [
        (0, 20_000, set()),
        (79, 20_000, {("SlipwayGpuErrors", "")}),
        (0, 23_500, {("SlipwayGpuMemoryFull", "")}),
    ],
)
def test_a_gpu_that_fails_or_is_full_is_told(tmp_path: Path, xid: int, used: int, told: set[Told]) -> None:
    gpu = 'namespace="slipway",pod="on-gpu-5d9c7b6f4-x2x9z",gpu="0",UUID="GPU-1"'
    series = {
        f"DCGM_FI_DEV_XID_ERRORS{{{gpu}}}": f"{xid}+0x100",
        f"DCGM_FI_DEV_FB_USED{{{gpu}}}": f"{used}+0x100",
        f"DCGM_FI_DEV_FB_FREE{{{gpu}}}": f"{24_000 - used}+0x100",
    }
    series |= up("on-gpu", "1+0x100") | reads("on-gpu", "1+0x100")
    check(tmp_path, "on-gpu", series, {"15m": told})


def test_every_alert_is_explained_on_its_page_and_says_whose_it_is() -> None:
    rules = [rule for model in slo_plan().models for group in groups_of(model) for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    assert len({rule["alert"] for rule in alerts}) == 10
    for rule in alerts:
        assert {"severity", "owner", "model", "environment", "namespace"} <= rule["labels"].keys()
        assert f"| `{rule['alert']}` |" in (ROOT / rule["annotations"]["runbook"]).read_text()

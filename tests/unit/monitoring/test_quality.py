"""Who is told of bad answers, and when not: of each version by itself, and not of a handful; Prometheus' own tests."""

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.support.planned import ROOT, feedback_plan
from tests.support.promtool import Told, groups_of, hold

TOLD: set[Told] = {("SlipwayQuality", "")}


def measured(
    model: str, metric: str, value: float, labels: int, version: str = "1.0.0", pod: int = 0
) -> dict[str, str]:
    of = f'namespace="slipway",model="{model}",version="{version}",pod="keys-{pod}"'
    return {
        f'slipway_keys_quality{{{of},metric="{metric}"}}': f"{value}+0x60",
        f"slipway_keys_quality_labels{{{of}}}": f"{labels}+0x60",
    }


def groups(model: str, version: str) -> list[dict[str, Any]]:
    """The rules of a model; promtool is to find the version on the alert, which it has of the series."""
    found = copy.deepcopy(groups_of(feedback_plan().find(model, Path())))
    found[0]["rules"][0]["labels"]["version"] = version
    return found


def check(folder: Path, model: str, series: dict[str, str], told: set[Told], version: str = "1.0.0") -> None:
    hold(folder, groups(model, version), "1m", series, {"3m": set(), "20m": told})


@pytest.mark.parametrize(
    ("value", "labels", "told"), [(0.89, 100, TOLD), (0.9, 100, set()), (0.1, 99, set())], ids=["bad", "good", "few"]
)
def test_a_share_below_its_bound_is_told_once_there_are_labels_enough(
    tmp_path: Path, value: float, labels: int, told: set[Told]
) -> None:
    check(tmp_path, "classes", measured("classes", "f1", value, labels), told)


@pytest.mark.parametrize(("value", "told"), [(2.51, TOLD), (2.5, set())], ids=["bad", "good"])
def test_an_error_above_its_bound_is_told(tmp_path: Path, value: float, told: set[Told]) -> None:
    check(tmp_path, "errors-of-numbers", measured("errors-of-numbers", "rmse", value, 500), told)


def test_other_measures_and_other_models_are_nothing_to_it(tmp_path: Path) -> None:
    series = measured("classes", "accuracy", 0.1, 500) | measured("scores", "f1", 0.1, 500)
    check(tmp_path, "classes", series, set())


def test_without_feedback_nobody_is_told(tmp_path: Path) -> None:
    check(tmp_path, "classes", {}, set())


def test_a_bad_version_is_told_beside_a_good_one_whichever_replica_measured(tmp_path: Path) -> None:
    series = measured("classes", "f1", 0.99, 5000) | measured("classes", "f1", 0.5, 200, "1.1.0", pod=1)
    check(tmp_path, "classes", series, TOLD, version="1.1.0")


def test_the_alert_is_explained_on_its_page_and_a_spec_without_a_bound_has_none() -> None:
    (rule,) = groups_of(feedback_plan().find("classes", Path()))[0]["rules"]
    assert {"severity", "owner", "model", "environment", "namespace"} <= rule["labels"].keys()
    assert f"| `{rule['alert']}` |" in (ROOT / rule["annotations"]["runbook"]).read_text()
    assert not feedback_plan().find("quiet", Path()).has_rules

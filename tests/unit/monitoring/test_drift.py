"""Drift by Prometheus' own tests of rules: the distances are the library's, and who is told of what, and when not."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
import yaml
from slipway_server.drift.watch import Watch
from slipway_server.values.drift import DriftSection, FeatureSection, ProfileSection

from slipway.gate.distances import STATISTICS, scale
from slipway.monitoring.drift import FIRST, LEAST_PSI, PROFILE
from tests.support.planned import ROOT, drift_plan
from tests.support.prometheus import programs
from tests.support.promtool import groups_of

EVERY, IN_AN_HOUR, LIMIT_S = "5m", 12, 120
MODEL = drift_plan().find("digits", Path())
FEATURES = ProfileSection.model_validate(MODEL.locked.lock.reference["drift"]).features if MODEL.locked else []
MEAN = next(feature for feature in FEATURES if feature.name == "image.mean")
OF = 'namespace="slipway",model="digits"'
LIKE = [0, *[5] * 10, 0, 0]
OTHER = [30, *[2] * 10, 0, 0]
"""Rows of five minutes by bin: as they were, and darker than any of the profile's."""


def series(
    feature: FeatureSection, phases: Sequence[tuple[Sequence[int], int]], version: str = "1.1.0", pod: str = "a"
) -> dict[str, str]:
    """What Prometheus has of a feature: in each phase so many rows more of each bin at each of so many scrapes."""
    found: dict[str, str] = {}
    for name, sums in (("rows", False), ("rows_up_to", True))[: 1 if feature.edges is None else 2]:
        begun = np.zeros(len(feature.bins), dtype=int)
        values = [["0"] for _ in feature.bins]
        for steps, scrapes in phases:
            more = np.cumsum(steps) if sums else np.asarray(steps)
            for place, one in enumerate(more.tolist()):
                values[place].append(f"{begun[place] + one}+{one}x{scrapes - 1}")
            begun += more * scrapes
        for place, bin_ in enumerate(feature.bins):
            labels = f'{OF},pod="{pod}",version="{version}",feature="{feature.name}",bin="{bin_}"'
            found[f"slipway_drift_{name}_total{{{labels}}}"] = " ".join(values[place])
            of_profile = np.cumsum(feature.rows) if sums else np.asarray(feature.rows)
            found[f"slipway_drift_profile_{name}{{{labels}}}"] = f"{of_profile[place]}x400"
    for statistic, bound in feature.bounds.model_dump(exclude_none=True).items():
        labels = f'{OF},pod="{pod}",version="{version}",feature="{feature.name}",statistic="{statistic}"'
        found[f"slipway_drift_bound{{{labels}}}"] = f"{bound}x400"
    return found


def told(feature: str, reference: str, version: str = "1.1.0") -> dict[str, Any]:
    """The alert as it fires about a feature."""
    rule = groups_of(MODEL)[0]["rules"][-1]
    labels = rule["labels"] | {"version": version, "feature": feature, "reference": reference}
    return {"exp_labels": labels, "exp_annotations": rule["annotations"]}


def hold(folder: Path, given: Mapping[str, str], alerts: Mapping[str, list[Any]], ones: Mapping[str, str]) -> None:
    """Assert which alerts fire at each time, and that the expressions of `ones` are 1 at theirs."""
    one = {
        "interval": EVERY,
        "input_series": [{"series": name, "values": values} for name, values in given.items()],
        "alert_rule_test": [
            {"eval_time": at, "alertname": "SlipwayDrift", "exp_alerts": fires} for at, fires in alerts.items()
        ],
        "promql_expr_test": [
            {"expr": expression, "eval_time": at, "exp_samples": [{"labels": "{}", "value": 1}]}
            for expression, at in ones.items()
        ],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups_of(MODEL)}))
    test = folder / "test.yaml"
    test.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": EVERY, "tests": [one]}))
    command = [str(programs() / "promtool"), "test", "rules", str(test)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def near(name: str, reference: str, statistic: str, wanted: float) -> str:
    """PromQL that is 1 where what is recorded is this number."""
    of = f'{OF},feature="{MEAN.name}",reference="{reference}",statistic="{statistic}"'
    return f"count(abs(slipway:drift:{name}{{{of}}} - {wanted:.15g}) < 1e-9)"


def test_what_is_recorded_is_what_the_library_computes(tmp_path: Path) -> None:
    given = series(MEAN, [(LIKE, 24), (OTHER, 24)])
    first, window = np.array(LIKE) * IN_AN_HOUR, np.array(OTHER) * IN_AN_HOUR
    ones = {}
    for reference, other in ((PROFILE, np.array(MEAN.rows)), (FIRST, first)):
        for statistic, distance in STATISTICS.items():
            ones[near("distance", reference, statistic, float(distance(window, other)))] = "4h"
            by = scale(statistic, float(window.sum()), float(other.sum()))
            ones[near("bound", reference, statistic, getattr(MEAN.bounds, statistic) * by)] = "4h"
    hold(tmp_path, given, {}, ones)


def test_two_pods_are_added_up(tmp_path: Path) -> None:
    given = series(MEAN, [(LIKE, 24)]) | series(MEAN, [(OTHER, 24)], pod="b")
    window = (np.array(LIKE) + np.array(OTHER)) * IN_AN_HOUR
    wanted = float(STATISTICS["psi"](window, np.array(MEAN.rows)))
    hold(tmp_path, given, {}, {near("distance", PROFILE, "psi", wanted): "90m"})


def test_other_inputs_are_told_against_both_references_and_end_with_them(tmp_path: Path) -> None:
    given = series(MEAN, [(LIKE, 36), (OTHER, 24), (LIKE, 36)])
    both = [told(MEAN.name, PROFILE), told(MEAN.name, FIRST)]
    hold(tmp_path, given, {"3h": [], "4h30m": both, "8h": []}, {})


def test_traffic_that_was_never_like_the_profile_is_told_against_it_alone(tmp_path: Path) -> None:
    hold(tmp_path, series(MEAN, [(OTHER, 60)]), {"5h": [told(MEAN.name, PROFILE)]}, {})


def test_of_few_rows_nothing_is_said(tmp_path: Path) -> None:
    few = [8, *[0] * 12]
    hold(tmp_path, series(MEAN, [(few, 60)]), {"5h": []}, {"absent(slipway:drift:distance)": "5h"})


def test_a_little_is_not_told_however_sure_it_is(tmp_path: Path) -> None:
    many, more = [0, *[500] * 10, 0, 0], [0, 700, *[500] * 9, 0, 0]
    of = f'{OF},reference="{FIRST}",statistic="psi"'
    beyond = f"count(slipway:drift:distance{{{of}}} > slipway:drift:bound{{{of}}})"
    hold(tmp_path, series(MEAN, [(many, 24), (more, 24)]), {"4h": []}, {beyond: "4h"})


def test_each_version_is_held_against_its_own_first_window_and_an_old_one_is_forgotten(tmp_path: Path) -> None:
    given = series(MEAN, [(LIKE, 24)]) | {
        name: values if "bound" in name or "profile" in name else f"_x23 {values}"
        for name, values in series(MEAN, [(OTHER, 36)], version="1.2.0").items()
    }
    mine = [told(MEAN.name, PROFILE, "1.2.0")]
    gone = 'count(absent(slipway:drift_first_rows:increase{version="1.1.0"}))'
    hold(tmp_path, given, {"4h": mine}, {gone: "4h", "count(slipway:drift_first_rows:increase) > bool 12": "4h"})


@pytest.mark.parametrize("statistic", ["psi", "js"])
def test_classes_have_no_order_and_are_held_all_the_same(tmp_path: Path, statistic: str) -> None:
    label = next(feature for feature in FEATURES if feature.name == "label")
    steps = [40, *[2] * 9, 0]
    wanted = float(STATISTICS[statistic](np.array(steps) * IN_AN_HOUR, np.array(label.rows)))
    of = f'{OF},feature="label",reference="{PROFILE}",statistic="{statistic}"'
    exact = f"count(abs(slipway:drift:distance{{{of}}} - {wanted:.15g}) < 1e-9)"
    ones = {exact: "90m", 'count(absent(slipway:drift:distance{statistic="ks"}))': "90m"}
    hold(tmp_path, series(label, [(steps, 24)]), {"90m": [told("label", PROFILE)]}, ones)


def test_the_alert_is_explained_on_its_page() -> None:
    rule = groups_of(MODEL)[0]["rules"][-1]
    assert {"severity", "owner", "model", "environment", "namespace"} <= rule["labels"].keys()
    assert f"| `{rule['alert']}` |" in (ROOT / rule["annotations"]["runbook"]).read_text()


def test_inverted_digits_are_beyond_the_bound_and_the_digits_of_the_lock_are_not() -> None:
    """The model itself answers, and what pods count with counts, by the profile of the lock."""
    session = onnxruntime.InferenceSession(ROOT / "models/digits/model.onnx", providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    images = np.load(ROOT / "models/digits/test.npz")["image"]
    drifted = {}
    for what, given in (("as before", images), ("inverted", 1 - images)):
        watch = Watch(DriftSection.model_validate(MODEL.server_config["drift"]))
        for image in np.split(given, len(given)):
            watch.saw({"image": image}, dict(zip(names, session.run(None, {"image": image}), strict=True)))
        drifted[what] = {
            feature.name
            for feature, counts in watch.counted()
            if STATISTICS["psi"](counts, feature.rows)
            > max(LEAST_PSI, feature.bounds.psi * scale("psi", counts.sum(), sum(feature.rows)))
        }
    assert drifted["as before"] == set()
    assert {"image.mean", "probabilities.top"} <= drifted["inverted"]

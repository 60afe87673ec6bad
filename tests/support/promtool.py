"""Hold the rules of a model against made-up series, by Prometheus' own tests of rules."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from slipway.plan.model import ModelPlan
from slipway.render.model import render_alerts
from tests.support.prometheus import programs

_LIMIT_S = 120
Told = tuple[str, str]
"""An alert, and its label `range` or `series`, empty where it has none."""


def groups_of(model: ModelPlan) -> list[dict[str, Any]]:
    """The groups of rules of a model."""
    (manifest,) = render_alerts(model)
    groups: list[dict[str, Any]] = manifest["spec"]["groups"]
    return groups


def hold(
    folder: Path,
    groups: list[dict[str, Any]],
    every: str,
    series: Mapping[str, str],
    told: Mapping[str, set[Told]],
    sampled: str = "",
) -> None:
    """Assert that at each time exactly these alerts fire, and no others of the groups.

    Args:
        folder: an empty one.
        groups: of rules.
        every: from one evaluation to the next, as Prometheus writes times.
        series: samples, in the notation of promtool.
        told: what fires, by the time since the first sample.
        sampled: from one sample to the next; `every` when left out.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    known = {_told(rule) for rule in alerts}
    assert all(wanted <= known for wanted in told.values()), f"no rule is one of {told}"
    cases = [
        {
            "eval_time": at,
            "alertname": name,
            "exp_alerts": [
                {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
                for rule in alerts
                if rule["alert"] == name and _told(rule) in wanted
            ],
        }
        for at, wanted in told.items()
        for name in sorted({rule["alert"] for rule in alerts})
    ]
    one = {
        "interval": sampled or every,
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": cases,
    }
    test = folder / "test.yaml"
    test.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": every, "tests": [one]}))
    done = subprocess.run(
        [programs() / "promtool", "test", "rules", test], capture_output=True, text=True, check=False, timeout=_LIMIT_S
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def _told(rule: Mapping[str, Any]) -> Told:
    labels = rule["labels"]
    return rule["alert"], labels.get("range", labels.get("series", ""))

"""An alert tells of a key that may be copying a model, and of nobody else: Prometheus' own tests of rules."""

import subprocess
from pathlib import Path

import pytest
import yaml

from slipway.render.monitoring import extraction_alerts
from slipway.render.scraping import rule_groups
from tests.support.planned import scaling_plan
from tests.support.prometheus import programs

NAMESPACE = "by-hand"
MUCH, UNUSUAL = "SlipwayKeyCallsMuch", "SlipwayKeyCallsUnusual"


def series(day: int, usual: int, namespace: str = NAMESPACE) -> dict[str, str]:
    """What two replicas of the keys service show of one key."""
    values = {"slipway_keys_day_calls": day, "slipway_keys_usual_day_calls": usual}
    return {
        f'{name}{{namespace="{namespace}",account="abc",model="digits",pod="keys-{pod}"}}': f"{value}+0x100"
        for name, value in values.items()
        for pod in range(2)
    }


@pytest.mark.parametrize(
    ("shown", "alert", "fires"),
    [
        (series(1001, 900), MUCH, True),
        (series(1000, 900), MUCH, False),
        (series(5000, 0, "another"), MUCH, False),
        (series(401, 40), UNUSUAL, True),
        (series(400, 40), UNUSUAL, False),
        (series(101, 0), UNUSUAL, True),
        (series(100, 0), UNUSUAL, False),
        (series(5000, 4000), UNUSUAL, False),
    ],
    ids=["above", "at-it", "of-others", "ten-times", "nine-times", "new", "new-and-few", "as-ever"],
)
def test_a_key_is_told_of_when_it_asks_much_or_unusually_much(
    tmp_path: Path, shown: dict[str, str], alert: str, fires: bool
) -> None:
    groups = {"groups": [extraction_alerts(1000, "manual", NAMESPACE)]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(groups))
    (rule,) = [one for one in groups["groups"][0]["rules"] if one["alert"] == alert]
    day = next(iter(shown.values())).split("+")[0]
    said = yaml.safe_dump(rule["annotations"])
    for name, value in (("$labels.account", "abc"), ("$labels.model", "digits"), ("$value", day)):
        said = said.replace(f"{{{{ {name} }}}}", value)
    labels = {**rule["labels"], "account": "abc", "model": "digits"}
    wanted = [{"exp_labels": labels, "exp_annotations": yaml.safe_load(said)}]
    one = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in shown.items()],
        "alert_rule_test": [
            {"eval_time": "9m", "alertname": alert, "exp_alerts": []},
            {"eval_time": "12m", "alertname": alert, "exp_alerts": wanted if fires else []},
        ],
    }
    test = tmp_path / "test.yaml"
    test.write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [one]}))
    done = subprocess.run(
        [programs() / "promtool", "test", "rules", test], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_are_there_where_the_settings_ask_for_them() -> None:
    def alerts(environment: str) -> list[str]:
        return [one["alert"] for group in rule_groups(scaling_plan(environment))["groups"] for one in group["rules"]]

    asked = [name for name in alerts("manual") if name.startswith("SlipwayKey")]
    assert asked == [MUCH, UNUSUAL]
    assert not any(name.startswith("SlipwayKey") for name in alerts("measured"))

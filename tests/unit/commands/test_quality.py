"""`slipway quality`, over what the keys service says: tables for people, and windows that are none."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.cluster.keys_admin import KeysAdmin
from slipway.environments.running.kubernetes import KubernetesRunning
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import FIXTURES

SETTINGS = str(FIXTURES / "feedback/settings")
FOUND = {
    "model": "digits",
    "task": "classification",
    "positive": None,
    "window": {"seconds": 86400, "labels": None},
    "versions": [
        {
            "version": "1.0.0", "feedbacks": 5, "labels": 4, "ratings": 1, "outcomes": 0,
            "measures": {"accuracy": 0.75, "precision": 0.8333333, "recall": 0.75, "f1": 0.7333333, "rating": 4.0},
            "classes": [
                {"label": "1", "precision": 0.6666667, "recall": 1.0, "f1": 0.8, "support": 2},
                {"label": "7", "precision": 1.0, "recall": 0.5, "f1": 0.6666667, "support": 2},
            ],
            "confusion": [
                {"label": "1", "predicted": "1", "times": 2},
                {"label": "7", "predicted": "1", "times": 1},
                {"label": "7", "predicted": "7", "times": 1},
            ],
        }
    ],
}  # fmt: skip
Command = Callable[..., Result]


@pytest.fixture
def asked() -> list[tuple[str, Any]]:
    return []


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, Any]]) -> Command:
    monkeypatch.setattr(KubernetesRunning, "connect", lambda _: FakeCluster())

    def run(*arguments: str, found: Any = FOUND) -> Result:
        def get(_: KeysAdmin, path: str, query: Any = None) -> Any:
            asked.append((path, query))
            return found

        monkeypatch.setattr(KeysAdmin, "get", get)
        return CliRunner().invoke(cli, ["quality", *arguments, "--settings", SETTINGS])

    return run


def test_measures_classes_and_what_was_taken_for_what_are_shown(command: Command, asked: list[Any]) -> None:
    done = command("heard", "digits")
    assert done.exit_code == 0, done.output
    assert asked == [("/admin/models/digits/quality", {})]
    lines = [line.split() for line in done.stdout.splitlines() if line]
    assert lines[:2] == [
        ["VERSION", "FEEDBACKS", "LABELS", "ACCURACY", "PRECISION", "RECALL", "F1", "RATING"],
        ["1.0.0", "5", "4", "0.7500", "0.8333", "0.7500", "0.7333", "4.0000"],
    ]
    assert ["7", "2", "1.0000", "0.5000", "0.6667"] in lines
    assert lines[-1] == ["7", "1", "1"]


@pytest.mark.parametrize(
    ("window", "query"),
    [("12h", {"seconds": "43200"}), ("2w", {"seconds": "1209600"}), ("1000", {"labels": "1000"})],
    ids=["hours", "weeks", "number"],
)
def test_a_window_is_a_time_or_a_number(command: Command, asked: list[Any], window: str, query: dict[str, str]) -> None:
    done = command("heard", "digits", "--window", window, "--version", "1.0.0", "--json")
    assert asked == [("/admin/models/digits/quality", query | {"version": "1.0.0"})]
    assert json.loads(done.stdout) == {"environment": "heard", **FOUND}


@pytest.mark.parametrize("window", ["", "0", "12m", "-1", "1.5h"])
def test_a_window_that_is_none_is_refused_before_anybody_is_asked(
    command: Command, asked: list[Any], window: str
) -> None:
    done = command("heard", "digits", "--window", window)
    assert (done.exit_code, asked) == (1, [])
    assert "write for example 7d" in str(done.exception)


def test_no_feedback_is_said_and_is_no_table(command: Command) -> None:
    done = command("heard", "digits", found={**FOUND, "versions": []})
    assert done.stdout == "no feedback on answers of digits came in the last 24 hours\n"

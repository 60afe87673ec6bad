"""`slipway adapt`: what it decides by Prometheus, the cluster and the audit trail, and what it does then."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.cluster.prometheus import Prometheus, Silent
from slipway.commands.versions import adapt
from slipway.deploy.record import Live
from slipway.environments.running.kubernetes import KubernetesRunning
from slipway.errors.base import DeployError, SlipwayError, UserError
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import FIXTURES, ROOT

ALERT = {"alertname": "SlipwayDrift", "model": "digits", "version": "1.1.0", "feature": "image.mean"}
FIRES = [(ALERT, 1.0)]
FEATURE = {"model": "digits", "version": "1.1.0", "feature": "image.mean"}
Command = Callable[..., Result]


class Acts:
    """What going back was asked for; `error` makes it fail."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.error: SlipwayError | None = None

    def __call__(self, _: Any, name: str, to: str | None, reason: str, options: Any) -> None:
        assert (name, to, options.yes) == ("digits", None, True)
        if self.error is not None:
            raise self.error
        self.reasons.append(reason)


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> Acts:
    made = Acts()
    monkeypatch.setattr(adapt, "roll_model_back", made)
    return made


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, acts: Acts) -> Command:
    """Run it on a project whose one model does `do`; `found`: what Prometheus says fires, None: it is silent."""
    shutil.copytree(FIXTURES / "drift/spec", tmp_path / "models")
    shutil.copytree(FIXTURES / "drift/settings", tmp_path / "stacks")
    shutil.copytree(ROOT / "models/digits", tmp_path / "models/digits")
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "states").mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'states'}")
    monkeypatch.setattr(KubernetesRunning, "connect", lambda _: FakeCluster())
    live = Live("digits", "1.1.0", "a" * 16, "a" * 16, touched=False, wanted=1, ready=1)
    monkeypatch.setattr(adapt, "live_model", lambda _, name: live if name == "digits" else None)
    spec = (tmp_path / "models/digits.yaml").read_text()

    def run(*arguments: str, do: str | None = "rollback", found: list[Any] | None = FIRES) -> Result:
        line = "" if do is None else f"adapt: {{when: [drift], do: {do}}}\n"
        (tmp_path / "models/digits.yaml").write_text(spec + line)

        def samples(_: Prometheus, query: str) -> list[Any]:
            if found is None:
                raise Silent("it did not answer within 5 s")
            if query.startswith("slipway:drift_rows"):
                return [({**FEATURE, "bin": "1"}, 200.0)]
            if query.startswith("slipway:"):
                return []
            assert query == ('ALERTS{environment="seen",alertstate="firing",alertname=~"SlipwayDrift|SlipwayQuality"}')
            return found

        monkeypatch.setattr(Prometheus, "samples", samples)
        return CliRunner().invoke(cli, ["adapt", "seen", *arguments])

    return run


def became(done: Result) -> str:
    assert done.exit_code == 0, done.output + str(done.exception)
    (row,) = json.loads(done.stdout)["models"]
    return str(row["became"])


def test_an_alert_rolls_back_once_and_then_waits_for_the_cool_down(command: Command, acts: Acts) -> None:
    assert became(command("--yes", "--json")) == "done"
    assert acts.reasons == ["adapt: SlipwayDrift (image.mean) fires about 1.1.0"]
    again = command("--yes", "--json")
    assert became(again) == "nothing"
    assert "cool-down of 1d until" in again.stdout
    assert len(acts.reasons) == 1
    shown = json.loads(CliRunner().invoke(cli, ["audit", "seen", "--json"]).stdout)
    (event,) = [one for one in shown["records"] if one["action"] == "adapt"]
    assert (event["subject"], event["outcome"]) == ("digits", "done")
    assert event["details"] == ["rollback", "SlipwayDrift (image.mean) fires about 1.1.0"]


def test_a_dry_run_does_and_notes_nothing(command: Command, acts: Acts) -> None:
    assert became(command("--dry-run", "--json")) == "would be done"
    assert became(command("--yes", "--json")) == "done"
    assert len(acts.reasons) == 1


def test_nobody_is_there_to_ask_and_nothing_is_done(command: Command, acts: Acts) -> None:
    done = command()
    assert isinstance(done.exception, UserError)
    assert acts.reasons == []


def test_what_failed_is_said_and_not_tried_again_at_once(command: Command, acts: Acts) -> None:
    acts.error = DeployError("rollback of digits to 1.0.0 failed")
    done = command("--yes")
    assert isinstance(done.exception, SlipwayError)
    assert "failed: digits" in str(done.exception)
    assert "rollback of digits to 1.0.0 failed" in done.stderr
    acts.error = None
    assert became(command("--yes", "--json")) == "nothing"


def test_quiet_prometheus_means_nothing_is_done_and_a_silent_one_is_an_error(command: Command, acts: Acts) -> None:
    assert became(command("--yes", "--json", found=[])) == "nothing"
    done = command("--yes", found=None)
    assert isinstance(done.exception, SlipwayError)
    assert done.exception.exit_code == 3
    assert "nothing is done, since no alert is known: it did not answer within 5 s" in str(done.exception)
    assert acts.reasons == []


def test_a_workflow_that_trains_gets_what_drifted(command: Command, tmp_path: Path) -> None:
    done = command("--yes", "--requests", "retraining", do="retrain")
    assert done.exit_code == 0, str(done.exception)
    inputs = json.loads((tmp_path / "retraining/digits.json").read_text())
    assert all(isinstance(value, str) for value in inputs.values())
    assert (inputs["environment"], inputs["model"], inputs["version"]) == ("seen", "digits", "1.1.0")
    (feature,) = json.loads(inputs["profile"])
    assert (feature["feature"], feature["rows"], inputs["left_out"]) == ("image.mean", 200.0, "0")


def test_a_folder_for_the_request_is_asked_for_before_anything_is_done(command: Command, tmp_path: Path) -> None:
    done = command("--yes", do="retrain")
    assert isinstance(done.exception, UserError)
    assert "--requests: is missing, and digits is to be trained anew" in str(done.exception)
    (tmp_path / "retraining").write_text("a file")
    done = command("--yes", "--requests", "retraining/x", do="retrain")
    assert done.exit_code != 0
    assert became(command("--yes", "--json", "--requests", "other", do="retrain")) == "nothing"


@pytest.mark.parametrize(("name", "said"), [("digits", "is not in its spec"), ("digit", "digits")])
def test_a_model_without_adapt_or_that_is_not_there_is_refused(command: Command, name: str, said: str) -> None:
    done = command(name, do=None)
    assert isinstance(done.exception, UserError)
    assert said in str(done.exception)


def test_an_environment_in_which_nothing_adapts_says_so(command: Command) -> None:
    assert command(do=None).stdout == "no model of seen has adapt in its spec\n"

"""`slipway drift`, over what Prometheus recorded: a table for people, and what is unknown is said to be so."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.cluster.prometheus import Prometheus, Silent
from slipway.environments.running.kubernetes import KubernetesRunning
from slipway.errors.base import SlipwayError, UserError
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import FIXTURES, ROOT

OF = {"model": "digits", "version": "1.1.0", "feature": "image.mean"}
ROWS = [({**OF, "bin": bin_}, rows) for bin_, rows in (("low", 10.0), ("1", 180.0), ("missing", 10.0))]
HELD = [
    ({**OF, "reference": "profile", "statistic": statistic}, value)
    for statistic, value in (("psi", 0.5), ("js", 0.06), ("ks", 0.25))
]
BOUND = [({**OF, "reference": "profile", "statistic": "psi"}, 0.2)]
Command = Callable[..., Result]
Samples = list[tuple[dict[str, str], float]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the fixture's model, and a second without drift."""
    shutil.copytree(FIXTURES / "drift/spec", tmp_path / "models")
    shutil.copytree(FIXTURES / "drift/settings", tmp_path / "stacks")
    shutil.copytree(ROOT / "models/digits", tmp_path / "models/digits")
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    lines = (tmp_path / "models/digits.yaml").read_text().replace("name: digits", "name: quiet").splitlines(True)
    kept = [line for line in lines if not line.startswith(("drift", "accept"))]
    (tmp_path / "models/quiet.yaml").write_text("".join(kept))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Command:
    monkeypatch.setattr(KubernetesRunning, "connect", lambda _: FakeCluster())

    def run(*arguments: str, found: tuple[Samples, Samples, Samples] | None = (ROWS, HELD, BOUND)) -> Result:
        def samples(_: Prometheus, query: str) -> Samples:
            if found is None:
                raise Silent("it did not answer within 5 s")
            name, _brace, selector = query.partition("{")
            assert selector == 'environment="seen",model=~"digits"}'
            names = ("slipway:drift_rows:increase", "slipway:drift:distance", "slipway:drift:bound")
            return found[names.index(name)]

        monkeypatch.setattr(Prometheus, "samples", samples)
        return CliRunner().invoke(cli, ["drift", *arguments])

    return run


def test_each_feature_is_shown_against_both_references(command: Command) -> None:
    done = command("seen")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    whose = ["digits", "1.1.0", "image.mean", "200"]
    assert lines[1] == [*whose, "profile", "0.5000", "0.2000", "0.0600", "0.2500", "5.0%", "5.0%", "drifted"]
    assert lines[2] == [*whose, "first", "-", "-", "-", "-", "5.0%", "5.0%", "not", "known"]


@pytest.mark.parametrize(
    ("psi", "bound", "says"),
    [(0.5, 0.6, False), (0.09, 0.01, False), (0.1, 0.01, True)],
    ids=["chance", "small", "both"],
)
def test_it_says_drifted_where_the_alert_would(command: Command, psi: float, bound: float, says: bool) -> None:
    held: Samples = [({**OF, "reference": "first", "statistic": "psi"}, psi)]
    bounds: Samples = [({**OF, "reference": "first", "statistic": "psi"}, bound)]
    (row,) = json.loads(command("seen", "digits", "--json", found=(ROWS, held, bounds)).stdout)["features"]
    assert row["first"]["drifted"] is says
    assert row["profile"]["drifted"] is None
    assert (row["outside"], row["missing"], row["rows"]) == (0.05, 0.05, 200)


def test_nothing_counted_yet_is_said_and_is_no_table(command: Command) -> None:
    assert command("seen", found=([], [], [])).stdout == "digits: nothing was counted yet\n"


def test_a_silent_prometheus_is_no_answer_that_all_is_well(command: Command) -> None:
    done = command("seen", found=None)
    assert isinstance(done.exception, SlipwayError)
    assert done.exception.exit_code == 3
    assert "drift is not known: it did not answer within 5 s" in str(done.exception)


@pytest.mark.parametrize(("model", "said"), [("quiet", "has no drift in its spec"), ("digit", "digits")])
def test_a_model_that_is_not_watched_or_not_there_is_refused(command: Command, model: str, said: str) -> None:
    done = command("seen", model)
    assert isinstance(done.exception, UserError)
    assert done.exception.exit_code == 1
    assert said in str(done.exception)

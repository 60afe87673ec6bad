"""`slipway controls` as a person and an auditor run it, on a fake cluster."""

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slipway.cli import cli
from slipway.commands.context import EnvironmentContext, Folders
from slipway.deploy.record import save
from slipway.errors.base import FileRefused, UserErrors
from slipway.render.environment import render_environment
from tests.support.fake_cluster import FakeCluster
from tests.support.releases import deployed, release_of
from tests.unit.commands import test_changes as live
from tests.unit.commands.test_changes import edit

folders = live.folders


@pytest.fixture
def cluster(folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCluster:
    """Where the one model of the folders is deployed as it is planned, beside a state without a trail."""
    context = EnvironmentContext("local", folders)
    (model,) = context.plan.models
    fake = deployed(model)
    for manifest in render_environment(context.plan):
        fake._put(manifest)
    save(fake, release_of(model), fake.objects["Deployment", "least"])
    monkeypatch.setattr(EnvironmentContext, "cluster", fake)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    return fake


def run(folders: Folders, *arguments: str) -> Result:
    named = ("--models", str(folders.models), "--settings", str(folders.settings))
    return CliRunner().invoke(cli, ("controls", "local", *arguments, *named))


def test_a_table_says_what_is_proven_and_why_the_rest_is_not(folders: Folders, cluster: FakeCluster) -> None:
    before = json.dumps(list(cluster.objects.values()))
    done = run(folders)
    assert done.exit_code == 0, done.output
    assert "images-by-digest" in done.stdout
    assert "audit-trail: there is no record yet: the next change begins it\n" in done.stdout
    assert "to fill in: the controller" in done.stdout
    assert "not legal advice" in done.stderr
    assert json.dumps(list(cluster.objects.values())) == before


def test_json_names_the_object_and_the_field_of_each_piece_of_evidence(folders: Folders, cluster: FakeCluster) -> None:
    document = json.loads(run(folders, "--json").stdout)
    found = {one["id"]: one for one in document["controls"]}
    (live_image,) = [one for one in found["images-by-digest"]["evidence"] if "as judged" in one["says"]]
    assert live_image["what"] == "Deployment least"
    assert live_image["field"] == "spec.template.spec.containers[*].image"
    assert document["counts"]["failed"] == 0
    assert sum(document["counts"].values()) == len(found)
    (model,) = document["processing"]["models"]
    assert model["purpose"] == "not known here: fill it in"
    assert model["callers"] == "whoever reaches its Service of type NodePort: it asks for no key"
    assert model["kept"][0]["howLong"] == "in memory, until the call is answered"


def test_csv_has_a_line_for_each_thing_that_was_read_and_no_formula(folders: Folders, cluster: FakeCluster) -> None:
    edit(folders, "owner: vision", 'owner: "=1+1"')
    rows = list(csv.DictReader(io.StringIO(run(folders, "--csv").stdout)))
    assert {row["control"] for row in rows} >= {"encryption-inside", "pods-restricted"}
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_what_somebody_removed_ends_with_1_after_all_was_shown(folders: Folders, cluster: FakeCluster) -> None:
    cluster.delete("NetworkPolicy", "least")
    done = run(folders)
    assert isinstance(done.exception, UserErrors)
    assert done.exception.exit_code == 1
    (error,) = done.exception.findings
    assert "environment local: control network-closed:" in str(error)
    assert "Deployment slipway/least" in str(error)
    assert "network-closed" in done.stdout
    assert "to fill in:" in done.stdout


def test_a_cluster_that_does_not_answer_is_said_once_and_proves_nothing(folders: Folders, cluster: FakeCluster) -> None:
    cluster.down = True
    done = run(folders)
    assert done.exit_code == 0, done.output
    assert "  proven  " not in done.stdout
    assert done.stdout.count("connection refused") == 1


class Outside(HTMLParser):
    """Notes what a page would load, or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [f"{tag} {name}={value}" for name, value in attrs if name in ("src", "href", "action")]
        self.found += [tag] if tag in ("script", "iframe", "link") else []
        self.headings += [str(value) for name, value in attrs if tag == "h2" and name == "id"]


def test_a_page_needs_nothing_else(folders: Folders, cluster: FakeCluster, tmp_path: Path) -> None:
    page = tmp_path / "controls.html"
    done = run(folders, "--html", str(page))
    assert (done.exit_code, done.stdout) == (0, "")
    parser = Outside()
    parser.feed(page.read_text())
    assert parser.found == []
    assert parser.headings == ["controls", "what-was-read", "what-models-process", "what-is-kept"]
    assert "This is evidence, not legal advice" in page.read_text()


def test_a_page_that_cannot_be_written_is_refused(folders: Folders, cluster: FakeCluster, tmp_path: Path) -> None:
    done = run(folders, "--html", str(tmp_path / "nowhere" / "page.html"))
    assert isinstance(done.exception, FileRefused)
    assert "next: name another with --html" in str(done.exception)

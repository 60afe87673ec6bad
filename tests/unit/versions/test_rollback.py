"""Going back, on an engine and a cluster in memory: what is applied, judged, held back, noted, and when it fails."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.deploy.models import Deployer
from slipway.deploy.record import saved
from slipway.deploy.record_format import packed
from slipway.deploy.update.route import share_of_candidate
from slipway.deploy.update.state import judged_models
from slipway.errors.base import FileRefused
from slipway.errors.failures import WrongAnswer
from slipway.history.entry import Entry, Who
from slipway.history.held_back import HeldBack
from slipway.plan.model import ModelPlan
from slipway.versions.recorder import BEGAN, Recorder, held_back_after
from slipway.versions.rollback import Rolled, release_of, roll_back
from tests.support.deploy_bench import Bench, live, planned
from tests.support.histories import BEGAN as MOMENT
from tests.unit.deploy.update.test_judged import JudgedBench, canary


class Versions:
    """A bench whose deployments are noted in a folder."""

    def __init__(self, folder: Path) -> None:
        self.bench: Bench = Bench()
        self.warned: list[str] = []
        environ = {"PULUMI_BACKEND_URL": f"file://{folder}"}
        self.recorder = Recorder("local", folder, self.warned.append, environ)

    @property
    def deployer(self) -> Deployer:
        return self.bench.deployer(noted=self.recorder.deployed)

    def up(self, number: int) -> Any:
        (done,) = self.deployer.deploy([planned(number)])
        return done

    def up_plan(self, plan: ModelPlan) -> None:
        (done,) = self.deployer.deploy([plan])
        assert done.error is None, done.error

    def entries(self) -> list[Entry]:
        return list(self.recorder.store.entries("local", "digits"))

    def entry(self, number: int) -> Entry:
        return next(one for one in self.entries() if one.version == f"1.{number}.0" and one.kept)

    def back(self, number: int, plan: ModelPlan, reason: str = "") -> Rolled:
        """Roll back to release `number`, with today's plan."""
        release = release_of(self.entry(number), "file", plan)
        now = live(self.bench)

        def held(there: Any, gone: tuple[str, ...]) -> HeldBack | None:
            return held_back_after(there, gone, release.digest, Who(user="mia", host="h"), MOMENT, reason)

        rolled = roll_back(self.deployer, plan, release, now, held)
        if rolled.done.began:
            self.recorder.rolled_back(rolled.done, release, self.entry(number), reason, rolled.lines, rolled.held_back)
        return rolled


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path)


def test_every_deployment_is_noted_with_its_release(versions: Versions) -> None:
    for number in (1, 2):
        assert versions.up(number).error is None
    second, first = versions.entries()
    assert (first.version, first.action, first.verdict, first.replaced) == ("1.1.0", "deploy", "passed", None)
    assert second.replaced is not None
    assert second.replaced.version == "1.1.0"
    assert second.release == planned(2).release_digest
    assert second.image is not None and "@sha256:" in second.image
    assert release_of(second, "file", planned(2)) == saved(versions.bench.cluster, "digits")
    assert versions.warned == []


def test_a_failure_is_noted_with_its_reason_and_that_the_release_before_was_restored(versions: Versions) -> None:
    versions.up(1)
    versions.bench.behave(planned(2), label=8)
    assert versions.up(2).error is not None
    restore, failed, _ = versions.entries()
    assert (failed.version, failed.verdict, failed.kept) == ("1.2.0", "failed", False)
    assert "output `label`" in failed.reason
    assert (restore.version, restore.action, restore.verdict) == ("1.1.0", "restore", "passed")


def test_what_was_live_before_the_history_began_can_be_gone_back_to(versions: Versions) -> None:
    versions.bench.well(planned(1))
    assert versions.entries() == []
    versions.up(2)
    _, first = versions.entries()
    assert (first.version, first.reason, first.kept) == ("1.1.0", BEGAN, True)
    assert versions.back(1, planned(2)).done.error is None
    assert versions.bench.serving() == planned(1).release


def test_going_back_deploys_what_the_entry_holds_and_holds_the_other_back(versions: Versions) -> None:
    for number in (1, 2, 3):
        versions.up(number)
    rolled = versions.back(1, planned(3), "wrong labels")
    assert rolled.done.error is None
    assert versions.bench.serving() == planned(1).release
    here = live(versions.bench)
    assert here.serves_verified
    held = here.holds_back(planned(3).release)
    assert held is not None
    assert "wrong labels" in held.said()
    assert here.holds_back(planned(2).release) is None
    assert rolled.held_back == (planned(3).release_digest,)
    newest = versions.entries()[0]
    assert (newest.action, newest.version, newest.kept) == ("rollback", "1.1.0", True)
    assert newest.held_back == rolled.held_back


def test_what_is_held_back_is_left_alone_also_by_a_run_that_waited_for_the_lock(versions: Versions) -> None:
    for number in (1, 2):
        versions.up(number)
    versions.back(1, planned(2))
    done = versions.up(2)
    assert "leaves release" in str(done.error) and "--again" in str(done.error)
    assert versions.bench.serving() == planned(1).release
    assert versions.entries()[0].action == "rollback"


def test_it_is_deployed_when_it_is_asked_for_again_and_held_back_no_more(versions: Versions) -> None:
    for number in (1, 2):
        versions.up(number)
    versions.back(1, planned(2))
    (done,) = versions.bench.deployer(noted=versions.recorder.deployed, again=True).deploy([planned(2)])
    assert done.error is None
    assert live(versions.bench).held_back is None
    assert versions.bench.serving() == planned(2).release


def test_when_it_fails_again_it_stays_held_back(versions: Versions) -> None:
    for number in (1, 2):
        versions.up(number)
    versions.back(1, planned(2))
    versions.bench.behave(planned(2), label=8)
    (done,) = versions.bench.deployer(again=True).deploy([planned(2)])
    assert done.error is not None
    assert live(versions.bench).holds_back(planned(2).release) is not None


def test_another_release_is_deployed_as_usual(versions: Versions) -> None:
    for number in (1, 2):
        versions.up(number)
    versions.back(1, planned(2))
    assert versions.up(3).error is None
    assert live(versions.bench).held_back is None


def test_a_rollback_that_fails_brings_back_what_served_and_holds_nothing_back(versions: Versions) -> None:
    for number in (1, 2):
        versions.up(number)
    versions.bench.behave(planned(1), label=8)
    rolled = versions.back(1, planned(2))
    assert rolled.done.error is not None
    assert rolled.done.restored == "1.2.0 serves again"
    assert versions.bench.serving() == planned(2).release
    assert live(versions.bench).held_back is None
    restore, failed = versions.entries()[:2]
    assert (failed.action, failed.verdict, failed.kept) == ("rollback", "failed", False)
    assert (restore.action, restore.version) == ("restore", "1.2.0")


def test_what_another_run_deployed_meanwhile_is_not_rolled_back(versions: Versions) -> None:
    for number in (1, 2):
        versions.up(number)
    release = release_of(versions.entry(1), "file", planned(2))
    before = live(versions.bench)
    versions.up(3)
    rolled = roll_back(versions.deployer, planned(3), release, before, lambda *_: None)
    assert "another run was at work" in str(rolled.done.error)
    assert not rolled.done.began
    assert versions.bench.serving() == planned(3).release


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"packed": {"release.json.gz": "AAAA"}}, "cannot be unpacked"),
        ({"packed": {}}, "contains neither"),
        ({"version": "9.9.9"}, "and says another"),
        ({"release": "f" * 64}, "and says another"),
    ],
)
def test_an_entry_that_holds_no_release_of_the_model_is_refused_by_its_file(
    versions: Versions, change: dict[str, Any], said: str
) -> None:
    versions.up(1)
    bad = versions.entry(1).model_copy(update=change)
    with pytest.raises(FileRefused, match=said) as raised:
        release_of(bad, "s3://states/slipway-history/local/digits/x.json", planned(1))
    assert str(raised.value).startswith("s3://states/slipway-history/local/digits/x.json")


def test_an_entry_with_a_foreign_object_is_refused(versions: Versions) -> None:
    versions.up(1)
    release = release_of(versions.entry(1), "file", planned(1))
    foreign = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "digits"}}
    bad = versions.entry(1).model_copy(
        update={"packed": packed(replace(release, manifests=(*release.manifests, foreign)))}
    )
    with pytest.raises(FileRefused, match="Secret of v1 does not belong to a model"):
        release_of(bad, "file", planned(1))


def test_a_history_that_cannot_be_written_fails_nothing_and_is_said(versions: Versions, tmp_path: Path) -> None:
    versions.up(1)
    folder = tmp_path / "slipway-history" / "local" / "digits"
    folder.rename(tmp_path / "away")
    folder.write_text("")
    assert versions.up(2).error is None
    warning = versions.warned[-1]
    assert "the history was not written" in warning
    assert "next: " in warning


def test_a_reason_that_no_file_can_hold_is_kept_as_far_as_it_can_be(versions: Versions) -> None:
    versions.up(1)
    release = release_of(versions.entry(1), "file", planned(1))
    versions.recorder.restarted(release, "", WrongAnswer("digits", "odd \udcff byte"))
    assert versions.entries()[0].reason.endswith("odd ? byte")
    assert versions.warned == []


def test_a_backend_without_a_place_for_it_is_said_once(tmp_path: Path) -> None:
    bench = Bench()
    warned: list[str] = []
    recorder = Recorder("local", tmp_path, warned.append, {"PULUMI_BACKEND_URL": "https://api.pulumi.com"})
    deployer = bench.deployer(noted=recorder.deployed)
    assert [done.error for done in deployer.deploy([planned(1), planned(1, "speech")])] == [None, None]
    assert len(warned) == 1
    assert "Pulumi Cloud has no place" in warned[0]


def test_going_back_in_the_middle_of_a_rollout_ends_it_and_holds_the_new_release_back(
    versions: Versions, tmp_path: Path
) -> None:
    bench = JudgedBench()
    versions.bench = bench
    versions.up_plan(canary(1))
    (judged_on,) = bench.deployer(noted=versions.recorder.deployed, detach=True).deploy([canary(2)])
    assert judged_on.judged_on
    while not share_of_candidate(bench.cluster, "digits"):
        bench._pause(1.0)
    rolled = versions.back(1, canary(2), "looks wrong")
    assert rolled.done.error is None, rolled.done.error
    assert judged_models(bench.cluster) == set()
    assert share_of_candidate(bench.cluster, "digits") == 0
    here = live(bench)
    assert here.release == canary(1).release
    assert here.serves_verified
    assert here.holds_back(canary(2).release) is not None
    back, begun = versions.entries()[:2]
    assert (back.action, back.held_back) == ("rollback", (canary(2).release_digest,))
    assert (begun.version, begun.verdict) == ("1.2.0", "interrupted")
    assert "judged on in the cluster" in begun.reason


def test_what_a_judged_rollout_measured_is_noted(versions: Versions) -> None:
    versions.bench = JudgedBench()
    versions.up_plan(canary(1))
    versions.up_plan(canary(2))
    newest = versions.entries()[0]
    assert (newest.version, newest.verdict, newest.kept) == ("1.2.0", "passed", True)
    assert newest.rollout is not None
    assert newest.rollout["phase"] == "passed"

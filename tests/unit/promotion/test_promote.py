"""What is promoted, and what is refused before anything is copied (on fake clusters and registries)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.commands.changing.deploying import recorder_of
from slipway.commands.changing.session import Options
from slipway.commands.context import EnvironmentContext
from slipway.commands.versions import promote as command
from slipway.deploy.record import save
from slipway.errors.base import UserError
from slipway.errors.failures import PromotionUnproven
from slipway.errors.images import CopyFailed, TagTaken
from slipway.history.entry import Commit, Entry, Who, new_id
from slipway.history.held_back import HeldBack
from slipway.plan.model import ModelPlan
from slipway.registry.copying import copy_image
from tests.support.fake_cluster import FakeCluster
from tests.support.fake_registry import FakeRegistry, digest_of, registry
from tests.support.releases import deployed, release_of
from tests.unit.planner.test_others import SETTINGS, Project

YES = Options(yes=True, jobs=1)


@dataclass
class Two:
    """Two environments of one project, `staging` and `prod`, each with a registry and a cluster of its own.

    `deployed`: the images that deployments of `prod` were to copy.
    """

    project: Project
    staging: FakeRegistry
    prod: FakeRegistry
    clusters: dict[str, FakeCluster]
    deployed: list[str | None]
    manifest: bytes
    opened: list[EnvironmentContext] = field(default_factory=list)

    def settings(self, environment: str, **changes: str) -> None:
        text = SETTINGS.format(digest="a" * 64, models="# all").replace(
            "namespace: slipway", f"namespace: {environment}"
        )
        host = {"staging": self.staging, "prod": self.prod}[environment].host
        text = text.replace("registry: 127.0.0.1:5000", f"registry: {host}")
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (self.project.folder / "stacks" / f"Pulumi.{environment}.yaml").write_text(text)

    def context(self, environment: str, only: tuple[str, ...] | None = ("ours",)) -> EnvironmentContext:
        context = self.project.context("ours")
        opened = EnvironmentContext(environment, context.folders, only)
        opened.__dict__["cluster"] = self.clusters[environment]
        self.opened.append(opened)
        return opened

    def plan(self, environment: str) -> ModelPlan:
        (model,) = self.context(environment).models(["ours"])
        return model

    def serve(self, environment: str, digest: str) -> None:
        """Have the planned release serve, judged right, with an image."""
        model = self.plan(environment)
        release = release_of(model)
        image = f"{model.image.repository}@{digest}"
        cluster = deployed(model)
        save(cluster, replace(release, image=image), cluster.objects["Deployment", "ours"])
        self.clusters[environment] = cluster

    def promote(self, second: str = "prod", names: tuple[str, ...] = ("ours",), options: Options = YES) -> None:
        command.promote_models("staging", second, names, self.context, options)

    @property
    def in_prod(self) -> dict[str, bytes]:
        """Manifests of the repository there, by tag and digest."""
        return {name: data for (_, name), (_, data) in self.prod.manifests.items()}


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Two]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    folder = tmp_path / "project"
    folder.mkdir()
    with registry() as staging, registry() as prod:
        manifest = staging.image("slipway/ours", layers=(b"weights",))
        both = Two(Project(folder), staging, prod, {}, [], manifest)
        both.clusters = {"staging": FakeCluster(), "prod": FakeCluster()}
        for environment in ("staging", "prod"):
            both.settings(environment)
        both.serve("staging", digest_of(manifest))

        def bring_up(context: EnvironmentContext, names: Any, options: Options) -> None:
            assert (context.name, list(names), options.yes) == ("prod", ["ours"], True)
            (model,) = context.models(names)
            both.deployed.append(model.image.copied_from)
            if not both.prod.creates:  # the model's stack makes the repository, and its image's component copies
                both.prod.creates = True
                copy_image(str(model.image.copied_from), model.image.reference, lambda _: None)
            both.serve("prod", digest_of(both.in_prod[model.image.tag]))
            context.__dict__["cluster"] = both.clusters["prod"]

        monkeypatch.setattr(command, "bring_up", bring_up)
        yield both


def test_the_image_is_copied_and_deployed_as_it_is(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    two.promote()
    assert two.in_prod[two.plan("prod").image.tag] == two.manifest
    assert two.deployed == [f"{two.staging.host}/slipway/ours@{digest_of(two.manifest)}"]
    said = capsys.readouterr()
    assert f"both run {digest_of(two.manifest)}" in said.out
    assert "prod differs from staging in names only" in said.err


def test_settings_that_differ_are_shown_before(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    two.settings("prod", **{"namespace: prod": "namespace: prod\n    pull_secret: registry-pull"})
    two.promote()
    assert "imagePullSecrets[registry-pull].name: nothing -> (not shown)" in capsys.readouterr().err


def test_what_is_there_already_is_left_alone(two: Two, capsys: pytest.CaptureFixture[str]) -> None:
    two.serve("prod", digest_of(two.manifest))
    two.promote()
    assert "nothing to do" in capsys.readouterr().out
    assert (two.deployed, two.in_prod) == ([], {})


def refused(two: Two, second: str = "prod") -> str:
    with pytest.raises(UserError) as error:
        two.promote(second)
    assert (two.deployed, two.in_prod, two.prod.made) == ([], {}, set())
    return str(error.value)


def test_the_same_environment_twice_is_refused(two: Two) -> None:
    assert 'command line: ENV2: "staging" is ENV1, too' in refused(two, "staging")


def test_an_unknown_environment_is_refused(two: Two) -> None:
    two.clusters["produ"] = FakeCluster()
    assert "did you mean prod?" in refused(two, "produ")


def test_a_model_that_the_next_environment_has_not_is_refused(two: Two) -> None:
    two.project.spec("theirs")
    two.settings("prod", **{"# all": "models: [theirs]"})
    assert '"ours" is not known' in refused(two)


def test_a_model_that_is_not_live_is_refused(two: Two) -> None:
    two.clusters["staging"] = FakeCluster()
    assert "environment staging: model ours: is not live" in refused(two)


def touch(cluster: FakeCluster) -> None:
    cluster.objects["Deployment", "ours"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "9"


def stop(cluster: FakeCluster) -> None:
    cluster.objects["Deployment", "ours"]["status"]["availableReplicas"] = 0


@pytest.mark.parametrize("change", [touch, stop])
def test_what_was_not_judged_right_as_it_is_now_is_refused(two: Two, change: Callable[[FakeCluster], None]) -> None:
    change(two.clusters["staging"])
    assert "does not serve, or was not judged right as it is now" in refused(two)


def test_a_release_without_a_record_is_refused(two: Two) -> None:
    del two.clusters["staging"].objects["ConfigMap", "ours-verified"]
    assert "has no record" in refused(two)


def test_files_that_plan_something_else_than_what_was_judged_are_refused(two: Two) -> None:
    live = two.plan("staging").release
    two.project.spec("ours", version="1.1.0")
    assert f"release {live} serves and was judged right, and the files here plan" in refused(two)


def noted(two: Two, sha: str, *, dirty: bool) -> Entry:
    """Note in the history of `staging` that its release was deployed from a commit."""
    now = datetime.now(UTC)
    entry = Entry(
        schema=1,
        id=new_id(now),
        time=now,
        environment="staging",
        model="ours",
        action="deploy",
        verdict="passed",
        release=two.plan("staging").release_digest,
        who=Who(user="anna", host="here"),
        commit=Commit(sha=sha, dirty=dirty),
        slipway="0.2.0",
    )
    recorder_of(two.context("staging")).store.write(entry)
    return entry


@pytest.mark.parametrize(
    ("dirty", "said"), [(False, "git checkout aaaaaaaaaaaa, or"), (True, "there were changes that are not in it")]
)
def test_the_commit_to_check_out_is_named_where_the_history_knows_it(two: Two, said: str, *, dirty: bool) -> None:
    noted(two, "a" * 40, dirty=dirty)
    two.project.spec("ours", version="1.1.0")
    assert said in refused(two)


def test_the_history_of_the_next_environment_names_the_entry_that_it_came_from(two: Two) -> None:
    entry = noted(two, "a" * 40, dirty=False)
    two.promote()
    (promotion,) = (one.promotion for one in two.opened if one.promotion is not None)
    assert promotion.source == f"staging/{entry.id}"


def held_back(two: Two) -> None:
    """Have `prod` serve another release, to which somebody rolled the planned one back."""
    planned = two.plan("prod").release
    two.project.spec("ours", version="0.9.0")
    two.serve("prod", digest_of(two.manifest))
    held = HeldBack(
        to=two.plan("prod").release, releases=(planned,), who="anna@here", when="2026-11-26T10:00:00Z", reason="slow"
    )
    annotations = two.clusters["prod"].objects["Deployment", "ours"]["metadata"]["annotations"]
    annotations |= held.annotation()
    two.project.spec("ours")


def test_what_was_rolled_back_there_is_promoted_only_when_asked_for_again(two: Two) -> None:
    held_back(two)
    assert "was rolled back: anna@here rolled it back on 2026-11-26 10:00 UTC: slow" in refused(two)
    two.promote(options=replace(YES, again=True))
    assert len(two.deployed) == 1


def test_a_release_that_runs_there_with_an_image_of_its_own_is_refused(two: Two) -> None:
    two.serve("prod", f"sha256:{'b' * 64}")
    assert "with an image that was built there from the same sources" in refused(two)


def test_an_environment_that_needs_another_image_is_refused_with_the_field(two: Two) -> None:
    two.settings("prod", **{"a" * 64: "b" * 64})
    said = refused(two)
    assert "Pulumi.prod.yaml:7: config.slipway:environment.base_image" in said
    assert "makes another base image than in staging, whose image was judged" in said


def test_a_copy_that_fails_deploys_nothing(two: Two) -> None:
    two.staging.blobs.clear()
    with pytest.raises(CopyFailed, match="does not have blob"):
        two.promote()
    assert two.deployed == []
    assert two.plan("prod").image.tag not in two.in_prod


def test_an_image_that_was_built_there_is_not_replaced(two: Two) -> None:
    two.prod.image("slipway/ours", two.plan("prod").image.tag, layers=(b"built there",))
    with pytest.raises(TagTaken):
        two.promote()
    assert two.deployed == []


def test_where_the_registry_makes_no_repository_the_models_stack_does_first(two: Two) -> None:
    two.prod.creates = False
    two.promote()
    assert two.in_prod[two.plan("prod").image.tag] == two.manifest


def test_another_image_in_the_end_is_no_promotion(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "bring_up", lambda *_: two.serve("prod", f"sha256:{'e' * 64}"))
    with pytest.raises(PromotionUnproven, match="another run deployed at the same time"):
        two.promote()


def test_without_names_every_model_is_promoted_that_both_environments_have(two: Two) -> None:
    two.project.spec("theirs")
    two.settings("staging", **{"# all": "models: [ours]"})
    two.promote(names=())
    assert two.in_prod[two.plan("prod").image.tag] == two.manifest


def test_without_names_a_release_that_was_taken_back_is_left_alone_and_that_is_said(
    two: Two, capsys: pytest.CaptureFixture[str]
) -> None:
    held_back(two)
    two.promote(names=())
    assert two.deployed == []
    assert "left alone: environment prod: model ours: release" in capsys.readouterr().err


def test_without_names_a_model_with_an_image_of_its_own_is_left_alone(
    two: Two, capsys: pytest.CaptureFixture[str]
) -> None:
    two.serve("prod", f"sha256:{'b' * 64}")
    two.promote(names=())
    assert two.deployed == []
    assert "built there from the same sources" in capsys.readouterr().err


def test_one_model_that_is_refused_keeps_all_others_from_being_copied(two: Two) -> None:
    two.project.spec("theirs")
    with pytest.raises(UserError, match="model theirs: is not live"):
        two.promote(names=())
    assert (two.deployed, two.in_prod) == ([], {})

"""What a preview says of one change each, byte for byte, as the comment of a pull request."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import onnx
import pytest

from slipway.deploy.changes import changes, removed
from slipway.deploy.models import needs_update
from slipway.deploy.record import live_models, recorded_models, save, saved
from slipway.engine.previewed import PlannedStep, StackPreview
from slipway.history.held_back import HeldBack
from slipway.loading.settings import read_settings
from slipway.loading.specs import load_environment
from slipway.plan.model import ModelPlan, Plan
from slipway.planner.compliance import comply
from slipway.planner.environment import plan
from slipway.planner.price import price
from slipway.preview.cells import cells
from slipway.preview.compare import changed_model, removed_model, rooms
from slipway.preview.markdown import markdown
from slipway.preview.model import AskedStack, ModelPreview, Preview
from slipway.preview.serving import usd
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import CODE, FIXTURES
from tests.support.releases import deployed, release_of

HERE = FIXTURES.parent / "golden" / "previews"
DAY = date(2026, 11, 27)
GPU = ("resources: {cpu: 1, memory: 2Gi}", "resources: {cpu: 1, memory: 2Gi, gpu: {count: 1, memory: 20Gi}}")
Edit = tuple[str, str]
TRITON = (
    ("runtime: onnxruntime", f"runtime: triton\nserver: {{image: example.com/triton@sha256:{'ab' * 32}, user: 1000}}"),
    ("checks/linear.json", "checks/linear-v2.json"),
)


class Repository:
    """A folder of specs and settings that a test edits; `planned` plans it as it is now."""

    def __init__(self, folder: Path, environment: str, *edits: Edit) -> None:
        self.folder, self.environment = folder, environment
        shutil.copytree(FIXTURES / "repo", folder)
        shutil.copytree(FIXTURES / "preview/spec", folder / "models")
        shutil.copytree(FIXTURES / "preview/settings", folder / "stacks")
        self.edit(*edits)

    @property
    def settings(self) -> Path:
        return self.folder / "stacks" / f"Pulumi.{self.environment}.yaml"

    def edit(self, *edits: Edit, file: Path | None = None) -> None:
        path = file or self.folder / "models/digits.yaml"
        text = path.read_text()
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def retrain(self) -> None:
        """Other weights of the same form."""
        path = self.folder / "weights/linear.onnx"
        model = onnx.load(path)
        model.doc_string = "trained again"
        onnx.save(model, path)

    def planned(self) -> Plan:
        settings, specs = load_environment(
            self.folder / "stacks", self.environment, self.folder / "models", self.folder
        )
        whole = plan(self.environment, settings, specs, CODE)
        # The tag is a digest of what Slipway puts into an image, too.
        masked = tuple(replace(model, image=replace(model.image, tag="tag")) for model in whole.models)
        return replace(whole, models=masked)


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Repository]:
    return lambda *edits, environment="shop": Repository(tmp_path / "repo", environment, *edits)


def there(*models: ModelPlan, slipway: str | None = None, held: HeldBack | None = None) -> FakeCluster:
    """A cluster in which models are live, judged right and recorded; `slipway`: the version that did it."""
    cluster = FakeCluster()
    for model in models:
        made = deployed(model)
        cluster.namespace = made.namespace
        for one in made.objects.values():
            cluster._put(one)
        origin = replace(model.origin, slipway=slipway) if slipway else model.origin
        save(cluster, replace(release_of(model), origin=origin), cluster.objects["Deployment", model.name], held=held)
    return cluster


def previewed(cluster: FakeCluster, whole: Plan) -> Preview:
    """As the command does it, without an engine."""
    live, recorded = live_models(cluster), recorded_models(cluster)
    changing = [
        model for model in whole.models if needs_update(model, live.get(model.name), recorded=model.name in recorded)
    ]
    found = [
        changed_model(model, change, live.get(model.name), saved(cluster, model.name), whole)
        for model, change in zip(changing, changes(cluster, changing, live), strict=True)
    ]
    planned = {model.name for model in whole.models}
    gone = sorted(live.keys() - planned)
    found += [removed_model(removed(live[name]), saved(cluster, name), whole.pools) for name in gone]
    priced = price(whole, DAY)
    return Preview(
        whole.environment,
        tuple(found),
        len(whole.models) - len(changing),
        rooms=rooms(whole),
        usd=usd(priced.total.at_min, priced.total.at_max) if priced else None,
        budget_usd=priced.budget_usd if priced else None,
    )


def only(preview: Preview) -> ModelPreview:
    (one,) = preview.models
    return one


def row(preview: Preview) -> dict[str, str]:
    """The cells that tests look at."""
    names = ("change", "model", "version", "image", "replicas", "pool", "gpus", "downtime", "usd", "rollout")
    return dict(zip(names, cells(only(preview)), strict=True))


def test_where_nothing_changed_no_model_is_shown(shop: Callable[..., Repository], golden: Callable[..., None]) -> None:
    whole = shop().planned()
    found = previewed(there(*whole.models), whole)
    assert (found.models, found.unchanged) == ((), 1)
    golden(HERE / "nothing.md", markdown(found))


def test_other_weights_are_another_image(shop: Callable[..., Repository], golden: Callable[..., None]) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    repository.retrain()
    repository.edit(("version: 1.0.0", "version: 1.1.0"))
    found = previewed(cluster, repository.planned())
    assert row(found) | {"image": "new", "version": "1.0.0 -> 1.1.0"} == row(found)
    golden(HERE / "weights.md", markdown(found))


def test_more_replicas_cost_more_and_keep_the_image(
    shop: Callable[..., Repository], golden: Callable[..., None]
) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    repository.edit(("max: 4", "max: 6"))
    found = previewed(cluster, repository.planned())
    assert (row(found)["image"], row(found)["replicas"], row(found)["downtime"]) == ("same", "2-4 -> 2-6", "none")
    now, then = only(found).now, only(found).then
    assert now and then and now.usd and then.usd
    assert now.usd.least == then.usd.least
    # Half as many again, each rounded to a cent.
    assert abs(now.usd.most * 3 - then.usd.most * 2) < Decimal("0.05")
    golden(HERE / "replicas.md", markdown(found))


def test_more_memory_leads_to_another_pool(shop: Callable[..., Repository], golden: Callable[..., None]) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    repository.edit(("memory: 2Gi", "memory: 20Gi"))
    found = previewed(cluster, repository.planned())
    assert row(found)["pool"] == "compute -> memory"
    golden(HERE / "pool.md", markdown(found))


def test_the_number_of_gpus_changes_pool_and_price(
    shop: Callable[..., Repository], golden: Callable[..., None]
) -> None:
    repository = shop(GPU, ("min: 2, max: 4, target: {cpu_percent: 70}", "min: 1, max: 1"))
    cluster = there(*repository.planned().models)
    repository.edit(("count: 1", "count: 4"))
    found = previewed(cluster, repository.planned())
    assert (row(found)["gpus"], row(found)["pool"]) == ("1 -> 4", "gpu -> gpus")
    # The only node of that pool has four GPUs.
    assert row(found)["downtime"] == "yes"
    golden(HERE / "gpus.md", markdown(found))


def test_a_new_model_has_nothing_to_be_compared_with(
    shop: Callable[..., Repository], golden: Callable[..., None]
) -> None:
    found = previewed(FakeCluster(), shop().planned())
    assert (row(found)["change"], row(found)["version"], row(found)["image"]) == ("new", "1.0.0", "new")
    golden(HERE / "new.md", markdown(found))


def test_a_model_without_a_spec_goes_on_serving_until_it_is_pruned(
    shop: Callable[..., Repository], golden: Callable[..., None]
) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    repository.edit(("name: digits", "name: letters"))
    found = previewed(cluster, repository.planned())
    assert [(one.name, one.change.does) for one in found.models] == [("letters", "new"), ("digits", "removed")]
    golden(HERE / "rename.md", markdown(found))
    golden(HERE / "delete.md", markdown(replace(found, models=found.models[1:])))


def test_what_the_policy_refuses_comes_first(shop: Callable[..., Repository], golden: Callable[..., None]) -> None:
    repository = shop()
    repository.edit(("monthly_usd: 20000", "monthly_usd: 100"), file=repository.settings)
    file = read_settings(repository.folder / "stacks", "shop")
    _, specs = load_environment(repository.folder / "stacks", "shop", repository.folder / "models", repository.folder)
    refused = comply(repository.planned(), specs, file.document, DAY).refused
    assert len(refused) == 1
    text = str(refused[0]).replace(f"{repository.folder}/", "")
    found = replace(previewed(FakeCluster(), repository.planned()), refused=(text,))
    golden(HERE / "budget.md", markdown(found))


def test_a_canary_is_shown_with_its_steps_and_its_judge(
    shop: Callable[..., Repository], golden: Callable[..., None]
) -> None:
    repository = shop(
        ("rollout: {downtime: allowed}", "endpoint: {public: true}\nrollout: {strategy: canary}"), environment="judged"
    )
    cluster = there(*repository.planned().models)
    repository.edit(("memory: 2Gi", "memory: 3Gi"))
    found = previewed(cluster, repository.planned())
    assert (row(found)["rollout"], row(found)["downtime"], row(found)["usd"]) == ("canary", "none", "-")
    golden(HERE / "canary.md", markdown(found))


def test_a_canary_of_a_first_release_is_no_canary(shop: Callable[..., Repository]) -> None:
    repository = shop(
        ("rollout: {downtime: allowed}", "endpoint: {public: true}\nrollout: {strategy: canary}"), environment="judged"
    )
    one = only(previewed(FakeCluster(), repository.planned()))
    assert one.rollout[0] == "rolling"
    assert one.rollout[1][0].startswith("canary from its next release on")


def test_another_runtime_is_another_image(shop: Callable[..., Repository], golden: Callable[..., None]) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    repository.edit(*TRITON)
    found = previewed(cluster, repository.planned())
    assert row(found)["image"] == "new"
    golden(HERE / "runtime.md", markdown(found))


def test_a_newer_slipway_alone_is_told(shop: Callable[..., Repository], golden: Callable[..., None]) -> None:
    whole = shop().planned()
    (model,) = whole.models
    older = replace(model, timing=replace(model.timing, grace_s=7), release_digest="0" * 64)
    older = replace(older, labels=model.labels | {"slipway.dev/release": "0" * 16})
    older = replace(older, server_config=model.server_config | {"release": "0" * 64})
    newer = replace(model, origin=replace(model.origin, slipway="9.9.9"))
    found = previewed(there(older, slipway="0.0.9"), replace(whole, models=(newer,)))
    assert only(found).newer_alone is True
    golden(HERE / "newer-slipway.md", markdown(found))


def test_recreate_stops_every_replica(shop: Callable[..., Repository], golden: Callable[..., None]) -> None:
    repository = shop(("rollout: {downtime: allowed}", "rollout: {strategy: recreate, downtime: allowed}"))
    cluster = there(*repository.planned().models)
    repository.edit(("memory: 2Gi", "memory: 3Gi"))
    found = previewed(cluster, repository.planned())
    assert (row(found)["downtime"], row(found)["rollout"]) == ("yes", "recreate")
    golden(HERE / "recreate.md", markdown(found))


def test_a_newer_kubernetes_is_a_step_of_the_environments_own_stack(
    shop: Callable[..., Repository], golden: Callable[..., None]
) -> None:
    whole = shop().planned()
    step = PlannedStep(
        "update", "Cluster shop", "urn:pulumi:shop::slipway::aws:eks/cluster:Cluster::shop", ("version",)
    )
    own = AskedStack("shop", StackPreview("shop", (step,), 151))
    golden(HERE / "kubernetes.md", markdown(replace(previewed(there(*whole.models), whole), own=own)))


def test_what_somebody_rolled_back_is_left_alone(shop: Callable[..., Repository]) -> None:
    repository = shop()
    before = repository.planned().models[0]
    repository.edit(("max: 4", "max: 6"))
    whole = repository.planned()
    held = HeldBack(to=before.release, releases=(whole.models[0].release,), who="somebody", when="2026-11-27T12:00:00Z")
    found = previewed(there(before, held=held), whole)
    assert (row(found)["change"], only(found).downtime.happens, only(found).verified) == ("held back", False, ())


def test_without_a_record_all_that_is_live_is_unknown(shop: Callable[..., Repository]) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    del cluster.objects["ConfigMap", "digits-verified"]
    repository.edit(("max: 4", "max: 6"))
    found = previewed(cluster, repository.planned())
    assert row(found) | {"image": "unknown", "replicas": "unknown -> 2-6", "pool": "unknown -> compute"} == row(found)
    assert only(found).unknown == "there is no record of what is live"
    assert (only(found).manifests, only(found).newer_alone) == (None, None)


def test_what_was_changed_by_hand_has_drifted(shop: Callable[..., Repository]) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    cluster.objects["Deployment", "digits"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "4"
    found = previewed(cluster, repository.planned())
    assert row(found)["change"] == "again"
    assert only(found).drift == ("somebody changed the template of its pods since it was judged right",)


def test_the_same_preview_is_the_same_text(shop: Callable[..., Repository]) -> None:
    repository = shop()
    cluster = there(*repository.planned().models)
    repository.edit(("max: 4", "max: 6"))
    assert markdown(previewed(cluster, repository.planned())) == markdown(previewed(cluster, repository.planned()))

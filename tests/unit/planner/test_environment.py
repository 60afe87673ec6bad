"""The plan: which pool, how an update rolls, what makes a release and what makes an image."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slipway_server.values.config import ServerConfig

from slipway.capacity.placement import Rollout, place
from slipway.catalog.pod_contract import LINGER_S
from slipway.delivery.ways import Delivery
from slipway.errors.base import UserError, each
from slipway.loading.specs import LoadedSpec, load_settings, load_spec_file
from slipway.plan.code_digests import CodeDigests
from slipway.planner import environment as plan_module
from slipway.planner.environment import ModelPlan, plan, release_digest
from slipway.planner.images import image_of
from slipway.render.model import placeholder_image, render_model
from slipway.settings.kubernetes import NodePool, Settings
from slipway.spec.endpoint import Endpoint
from tests.support.planned import CODE, FIXTURES, fixture_plan, fleet_plan
from tests.support.pools import CPU, loaded, spec

ROOT = FIXTURES.parents[1]
GOOD = (FIXTURES / "spec/ok/least.yaml").read_text()


def spec_file(folder: Path, *edits: tuple[str, str]) -> LoadedSpec:
    text = GOOD
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "least.yaml"
    path.write_text(text)
    return load_spec_file(path, FIXTURES / "repo")


def pools(*wanted: dict[str, object]) -> Settings:
    settings = load_settings(FIXTURES / "settings/ok", "cloud")
    assert isinstance(settings, Settings)
    return settings.model_copy(update={"node_pools": tuple(NodePool.model_validate(pool) for pool in wanted)})


def planned(settings: Settings, *specs: LoadedSpec) -> tuple[ModelPlan, ...]:
    return plan("cloud", settings, specs, CODE).models


SMALL = {"name": "small", "max_nodes": 4, "cpu": "2", "memory": "8Gi"}
LARGE = {"name": "large", "max_nodes": 4, "cpu": "16", "memory": "64Gi"}
GPU = {"name": "gpu", "max_nodes": 2, "cpu": "8", "memory": "32Gi"} | {
    "gpu": {"count": 2, "memory": "24Gi", "model": "A10G"}
}


def gpus(count: int, least: int, most: int, name: str = "least") -> tuple[tuple[str, str], ...]:
    return (
        ("memory: 256Mi}", f"memory: 256Mi, gpu: {{count: {count}, memory: 16Gi}}}}\nscale: SCALE"),
        ("SCALE", f"{{min: {least}, max: {most}, target: {{cpu_percent: 50}}}}"),
        ("name: least", f"name: {name}"),
    )


def test_the_smallest_pool_that_fits_is_taken_whatever_their_order(tmp_path: Path) -> None:
    for order in ((SMALL, LARGE, GPU), (GPU, LARGE, SMALL)):
        (model,) = planned(pools(*order), spec_file(tmp_path))
        assert model.pool.name == "small"
    (model,) = planned(pools(GPU, LARGE, SMALL), spec_file(tmp_path, ("256Mi", "16Gi")))
    assert model.pool.name == "large"
    assert "small is not eligible (a node has 8Gi memory)" in model.pool_reason


def test_a_model_with_a_gpu_goes_to_a_pool_with_gpus_and_is_warned_of_a_runtime_that_ran_on_none(
    tmp_path: Path,
) -> None:
    (model,) = planned(pools(LARGE, GPU), spec_file(tmp_path, *gpus(1, 1, 2)))
    assert model.pool.name == "gpu"
    assert "has never run on a GPU" in model.warnings[0]
    assert planned(pools(LARGE), spec_file(tmp_path))[0].warnings == ()


def test_an_update_starts_a_new_pod_first_while_there_is_room(tmp_path: Path) -> None:
    (model,) = planned(pools(GPU), spec_file(tmp_path, *gpus(1, 1, 3)))
    assert model.rollout == Rollout(max_surge=1, max_unavailable=0)


def test_an_update_without_room_stops_one_of_several_pods_first(tmp_path: Path) -> None:
    (model,) = planned(pools(GPU), spec_file(tmp_path, *gpus(1, 2, 4)))
    assert model.rollout == Rollout(max_surge=0, max_unavailable=1)


def test_an_update_without_room_of_what_may_be_a_single_pod_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"scale.max: 4 replicas and the extra one .* need 5 GPUs: .* capacity for 4"):
        planned(pools(GPU), spec_file(tmp_path, *gpus(1, 1, 4)))


def test_gpus_that_another_model_may_get_are_not_there(tmp_path: Path) -> None:
    first = spec_file(tmp_path, *gpus(1, 1, 2, "first"))
    second = spec_file(tmp_path, *gpus(1, 1, 2, "second"))
    planned(pools(GPU), first)
    planned(pools(GPU), second)
    with pytest.raises(UserError) as refused:
        planned(pools(GPU), first, second)
    assert [finding.problem for finding in each(refused.value)] == [
        "2 replicas and the extra one that a rolling update starts need 3 GPUs: pool gpu has capacity for 2 "
        "beside second replicas",
        "2 replicas and the extra one that a rolling update starts need 3 GPUs: pool gpu has capacity for 2 "
        "beside first replicas",
    ]


def test_the_plan_is_the_same_every_time_and_in_any_order_of_specs() -> None:
    settings = load_settings(FIXTURES / "settings/ok", "cloud")
    specs = [load_spec_file(path, FIXTURES / "repo") for path in (FIXTURES / "spec/ok").glob("*.yaml")]
    assert plan("cloud", settings, specs, CODE) == plan("cloud", settings, specs[::-1], CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1.0.0", "1.0.1"),
        ("vision", "audio"),
        ("cpu: 0.25", "cpu: 0.5"),
        ("memory: 256Mi", "memory: 257Mi"),
        ("{label: 1}", "{label: 2}"),
    ],
)
def test_a_change_of_the_spec_is_a_new_release_of_the_same_image(tmp_path: Path, old: str, new: str) -> None:
    (before,) = planned(pools(LARGE), spec_file(tmp_path))
    (after,) = planned(pools(LARGE), spec_file(tmp_path, (old, new)))
    assert before.release_digest != after.release_digest
    assert before.image == after.image


def test_a_comment_or_an_override_of_elsewhere_is_no_new_release(tmp_path: Path) -> None:
    (before,) = planned(pools(LARGE), spec_file(tmp_path))
    elsewhere = "runtime: onnxruntime # really\nenvironments: {local: {scale: {min: 2, max: 2}}}"
    (after,) = planned(pools(LARGE), spec_file(tmp_path, ("runtime: onnxruntime", elsewhere)))
    assert before == after


def test_a_pool_that_a_model_does_not_use_is_no_part_of_its_release(tmp_path: Path) -> None:
    (before,) = planned(pools(SMALL), spec_file(tmp_path))
    (after,) = planned(pools(SMALL, LARGE, GPU), spec_file(tmp_path))
    assert before.release_digest == after.release_digest


def test_settings_that_reach_a_model_are_a_new_release(tmp_path: Path) -> None:
    settings, loaded = pools(SMALL), spec_file(tmp_path)
    changes = {"namespace": "other", "registry": "other", "base_image": "other/base:2", "service_type": "NodePort"}
    digests = {planned(settings, loaded)[0].release_digest}
    for key, value in changes.items():
        digests.add(planned(settings.model_copy(update={key: value}), loaded)[0].release_digest)
    tainted = SMALL | {"taints": [{"key": "a", "effect": "NoSchedule"}]}
    digests.add(planned(pools(tainted), loaded)[0].release_digest)
    assert len(digests) == len(changes) + 2


def _code(**changes: Any) -> dict[str, CodeDigests]:
    return {runtime: replace(digests, **changes) for runtime, digests in CODE.items()}


def test_new_weights_new_server_code_and_new_requirements_are_a_new_image_and_a_new_release(tmp_path: Path) -> None:
    settings, loaded = pools(SMALL), spec_file(tmp_path)
    before = planned(settings, loaded)[0]
    server = plan("cloud", settings, [loaded], _code(server={"app.py": "other"})).models[0]
    requirements = plan("cloud", settings, [loaded], _code(requirements="other")).models[0]
    artifact = loaded.base.artifact
    files = tuple(replace(file, sha256="other") for file in artifact.files)
    weights = replace(loaded, base=replace(loaded.base, artifact=replace(artifact, files=files)))
    changed = planned(settings, weights)[0]
    models = (before, server, requirements, changed)
    assert len({model.image.tag for model in models}) == 4
    assert len({model.image.runtime.tag for model in models}) == 2
    assert len({model.release_digest for model in models}) == 4


@pytest.mark.parametrize("model", [*fixture_plan("cloud").models, *fleet_plan().models], ids=lambda model: model.name)
def test_what_changes_no_manifest_is_no_part_of_a_release(model: ModelPlan) -> None:
    other = replace(
        model, pool_reason=("why not",), warnings=("careful",), floor_on_spot=model.floor_on_spot + 1,
        estimates=fixture_plan("local").models[0].estimates,
    )  # fmt: skip
    assert release_digest(other) == release_digest(model) == model.release_digest


def test_a_new_field_of_the_spec_that_nobody_uses_is_no_part_of_a_release() -> None:
    class Newer(Endpoint):
        public: bool = False

    model = fixture_plan("local").models[0]
    newer = model.spec.model_copy(update={"endpoint": Newer(**model.spec.endpoint.model_dump(), public=False)})
    assert "public" in newer.endpoint.model_dump()
    assert release_digest(replace(model, spec=newer)) == model.release_digest


def changed_values(value: Any) -> Iterator[Any]:
    """The same JSON value with one scalar of it changed, for each of its scalars."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from ({**value, key: other} for other in changed_values(inner))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in changed_values(inner))
    else:
        yield "another" if value != "another" else "yet another"


def test_whatever_changes_in_a_manifest_is_a_new_release(monkeypatch: pytest.MonkeyPatch) -> None:
    model = next(model for model in fixture_plan("cloud").models if model.autoscaled)
    manifests = render_model(replace(model, release_digest=""), placeholder_image(model))
    digests = set()
    for other in changed_values(manifests):
        monkeypatch.setattr(plan_module, "render_model", lambda *_, other=other: other)
        digests.add(release_digest(model))
    assert len(digests) == sum(1 for _ in changed_values(manifests)) > 100
    assert model.release_digest not in digests


def test_comments_of_slipway_itself_are_no_part_of_a_release(tmp_path: Path) -> None:
    copied = tmp_path / "slipway"
    for name in ("infra", "templates", "stacks", "models", "server/src", "upstream/src", "weights/src", "policy"):
        shutil.copytree(ROOT / name, copied / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    of_images = (path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/requirements*.txt"))
    for name in ("keys", "judge", "edge"):
        (copied / name).mkdir()
    for name in (*of_images, "Pulumi.yaml"):
        shutil.copy(ROOT / name, copied / name)

    sources = ("infra", "server/src", "upstream/src", "weights/src")

    def releases() -> dict[str, str]:
        command = [
            sys.executable,
            "-P",
            "-c",
            "from slipway.cli import main; main()",
            "plan",
            "local",
            "digits",
            "--json",
        ]
        environ = {
            **os.environ,
            "PYTHONPATH": ":".join(str(copied / name) for name in sources),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        run = subprocess.run(command, cwd=copied, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert run.returncode == 0, run.stderr
        return {model["name"]: model["release"] + model["image"]["tag"] for model in json.loads(run.stdout)["models"]}

    before = releases()
    for path in copied.glob("infra/**/*.py"):
        path.write_text(path.read_text() + "# planted\n")
    for path in copied.glob("templates/**/*.j2"):
        path.write_text(path.read_text() + "# planted\n")
    assert releases() == before
    server = next(copied.glob("server/src/slipway_server/http/app.py"))
    server.write_text(server.read_text() + "# planted\n")
    assert releases() != before, "the server's own files are in the image"


def test_another_architecture_is_another_image_on_another_runtime() -> None:
    free = replace(CPU, hourly_usd=None)
    models = [loaded(spec()), loaded(spec(resources={"architecture": "arm64"}))]
    there = [free, replace(free, name="arm", architecture="arm64")]
    amd64, arm64 = (
        image_of("cloud", pools(SMALL), one.variant, CODE, Delivery("image", "small", 1))
        for one in place("cloud", there, models)
    )
    assert (amd64.runtime.architecture, arm64.runtime.architecture) == ("amd64", "arm64")
    assert amd64.tag != arm64.tag
    assert amd64.runtime.tag != arm64.runtime.tag


def test_an_exception_from_the_policy_is_applied_and_so_a_new_release() -> None:
    excepted = spec(exceptions={"spot-floor": "nobody minds when it is gone"})
    before, after = (planned(pools(SMALL), loaded(one))[0] for one in (spec(), excepted))
    assert before.release_digest != after.release_digest
    assert after.spec.exceptions


def test_a_pool_of_another_size_restarts_no_pod(tmp_path: Path) -> None:
    small, more = (planned(pools(SMALL | {"max_nodes": nodes}), spec_file(tmp_path))[0] for nodes in (4, 9))
    assert small.release_digest == more.release_digest


def test_a_stopping_pod_has_longer_than_draining_and_the_longest_request_take(tmp_path: Path) -> None:
    (model,) = planned(pools(SMALL), spec_file(tmp_path, ("check:", "endpoint: {timeout: 2m}\ncheck:")))
    assert model.timing.grace_s > model.timing.drain_s + LINGER_S + 120


def test_an_override_of_the_expectation_replaces_it(tmp_path: Path) -> None:
    override = "{check: {expect: {label: {min: 0}}}}"
    edit = ("{label: 1}}", "{label: {value: 1, tolerance: 0}}}\nenvironments: {cloud: " + override + "}")
    (model,) = planned(pools(SMALL), spec_file(tmp_path, edit))
    assert model.server_config["check"]["expect"] == {"label": {"min": 0}}


def test_an_override_reaches_only_its_environment() -> None:
    local = {model.name: model for model in fixture_plan("local").models}
    cloud = {model.name: model for model in fixture_plan("cloud").models}
    assert sorted(local) == ["least"]  # `models` of its settings
    assert cloud["all-fields"].spec.scale.max == 6
    assert cloud["all-fields"].spec.scale.min == 2
    assert cloud["all-fields"].spec.resources.memory == 2**30


@pytest.mark.parametrize(
    ("section", "batch"),
    [
        ("{enabled: false}", {"enabled": False, "max_size": 32, "max_wait_ms": 2.0}),
        ("{enabled: true, max_rows: 64}", {"enabled": True, "max_size": 64, "max_wait_ms": 2.0}),
        ("{max_wait: 500ms}", {"max_size": 32, "max_wait_ms": 500.0}),
    ],
)
def test_the_server_is_told_of_batching_and_it_is_another_release(
    section: str, batch: dict[str, object], tmp_path: Path
) -> None:
    (plain,) = planned(pools(SMALL), spec_file(tmp_path))
    assert plain.server_config["batch"] == {"max_size": 32, "max_wait_ms": 2.0}
    (told,) = planned(pools(SMALL), spec_file(tmp_path, ("runtime:", f"batching: {section}\nruntime:")))
    assert told.server_config["batch"] == batch
    assert told.release_digest != plain.release_digest
    ServerConfig.model_validate(told.server_config)


def test_a_spec_that_writes_the_defaults_of_batching_is_the_same_release(tmp_path: Path) -> None:
    (plain,) = planned(pools(SMALL), spec_file(tmp_path))
    written = "batching: {max_rows: 32, max_wait: 2ms}\nruntime:"
    (same,) = planned(pools(SMALL), spec_file(tmp_path, ("runtime:", written)))
    assert same.release_digest == plain.release_digest

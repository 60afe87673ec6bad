"""Every bad input that we know of is refused with exactly the message beside its fixture."""

import os
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from slipway.artifacts.golden_request import REQUEST_LIMIT
from slipway.errors.base import UserError, each
from slipway.loading.specs import environments, load_environment, load_settings, load_spec_file, load_specs
from slipway.planner.environment import plan
from slipway.render.model import placeholder_image, render_model
from tests.support.planned import CODE

FIXTURES = Path(__file__).parents[2] / "fixtures"
ENVIRONMENTS = ["cloud", "local"]
TODAY = date(2026, 11, 21)
"""Of versions of Kubernetes, 1.30 is past its support then."""
Golden = Callable[[Path, str], None]


def named(folder: str) -> list[str]:
    return sorted(path.stem for path in (FIXTURES / folder).glob("*.yaml"))


@pytest.fixture(autouse=True)
def in_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as the user did; here relative to the fixtures, the same on every machine."""
    monkeypatch.chdir(FIXTURES)


def is_whole(error: UserError) -> bool:
    """Every finding has a file, what is allowed, and what to do."""
    return all(f.place.file and f.problem and f.allowed and f.todo for f in each(error))


@pytest.mark.parametrize("name", named("spec/error"))
def test_a_bad_spec_is_refused_with_its_message(name: str, golden: Golden) -> None:
    path = Path("spec/error") / f"{name}.yaml"
    with pytest.raises(UserError) as refused:
        load_spec_file(path, Path("repo"), ENVIRONMENTS)
    assert refused.value.exit_code == 1
    assert is_whole(refused.value)
    golden(path.with_suffix(".txt"), f"{refused.value}\n")


@pytest.mark.parametrize("name", named("settings/error"))
def test_bad_settings_are_refused_with_their_message(name: str, golden: Golden, tmp_path: Path) -> None:
    source = Path("settings/error") / f"{name}.yaml"
    (tmp_path / "Pulumi.local.yaml").write_text(source.read_text())
    with pytest.raises(UserError) as refused:
        load_settings(tmp_path, "local", TODAY)
    assert is_whole(refused.value)
    golden(source.with_suffix(".txt"), f"{refused.value}\n".replace(f"{tmp_path}/", ""))


@pytest.mark.parametrize("name", named("plan/error"))
def test_a_model_that_cannot_be_scheduled_is_refused_with_its_message(name: str, golden: Golden) -> None:
    path = Path("plan/error") / f"{name}.yaml"
    spec = load_spec_file(path, Path("repo"), ENVIRONMENTS)
    settings = load_settings(Path("settings/ok"), "cloud")
    with pytest.raises(UserError) as refused:
        plan("cloud", settings, [spec], CODE)
    assert is_whole(refused.value)
    golden(path.with_suffix(".txt"), f"{refused.value}\n")


@pytest.mark.parametrize("name", named("spec/ok"))
def test_a_good_spec_is_accepted(name: str) -> None:
    assert load_spec_file(Path("spec/ok") / f"{name}.yaml", Path("repo"), ENVIRONMENTS).name == name


def test_findings_of_all_files_are_reported_together(tmp_path: Path) -> None:
    models, settings = tmp_path / "models", tmp_path / "stacks"
    models.mkdir()
    settings.mkdir()
    good = Path("spec/ok/least.yaml").read_text()
    (models / "a.yaml").write_text(good.replace("1.0.0", "one"))
    (models / "b.yaml").write_text(good.replace("256Mi", "256"))
    (settings / "Pulumi.local.yaml").write_text("config: {}\n")
    with pytest.raises(UserError) as refused:
        load_environment(settings, "local", models, Path("repo"))
    files = [Path(finding.place.file).name for finding in each(refused.value)]
    assert files == ["a.yaml", "b.yaml", "Pulumi.local.yaml"]


def test_a_name_used_twice_names_both_files(tmp_path: Path) -> None:
    good = Path("spec/ok/least.yaml").read_text()
    (tmp_path / "a.yaml").write_text(good)
    (tmp_path / "b.yaml").write_text(good)
    with pytest.raises(UserError) as refused:
        load_specs(tmp_path, Path("repo"))
    assert str(refused.value) == (
        f'{tmp_path}/b.yaml:2: name: "least" is already the name of the model in {tmp_path}/a.yaml:2; '
        "allowed: a name that no other spec has; next: rename one of them"
    )


def test_settings_of_model_stacks_are_no_environments(tmp_path: Path) -> None:
    for name in (
        "Pulumi.cloud.yaml",
        "Pulumi.cloud.digits.yaml",
        "Pulumi.yaml",
        "notes.cloud.yaml",
        "Pulumi.x.yml",
        "Pulumi.y.yaml.bak",
    ):
        (tmp_path / name).write_text("")
    assert environments(tmp_path) == ["cloud"]


def beside_local(folder: Path, **changes: str) -> None:
    """The good environment `local`, and `team` beside it, which is the same but for the changes."""
    text = Path("settings/ok/Pulumi.local.yaml").read_text()
    (folder / "Pulumi.local.yaml").write_text(text)
    for field, value in changes.items():
        text = re.sub(rf"\b{field}: \S+", f"{field}: {value}", text)
    (folder / "Pulumi.team.yaml").write_text(text)
    (folder / "models").mkdir()
    (folder / "models/least.yaml").write_text(Path("spec/ok/least.yaml").read_text())


def test_two_environments_in_one_namespace_are_refused_each_with_the_others_line(tmp_path: Path) -> None:
    beside_local(tmp_path)
    line = 'Pulumi.{}.yaml:5: config.slipway:environment.namespace: "slipway" is also the namespace of environment {}'
    for environment, other in (("local", "team"), ("team", "local")):
        with pytest.raises(UserError) as refused:
            load_environment(tmp_path, environment, tmp_path / "models", Path("repo"))
        said = str(refused.value).replace(f"{tmp_path}/", "")
        assert said.startswith(f"{line.format(environment, other)}, in the same context (Pulumi.{other}.yaml:5); ")
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("change", [{"namespace": "team"}, {"context": "elsewhere"}])
def test_environments_in_other_namespaces_or_contexts_stand_beside_each_other(
    tmp_path: Path, change: dict[str, str]
) -> None:
    beside_local(tmp_path, **change)
    load_environment(tmp_path, "local", tmp_path / "models", Path("repo"))


def test_settings_of_another_environment_that_cannot_be_read_are_its_own_trouble(tmp_path: Path) -> None:
    beside_local(tmp_path)
    (tmp_path / "Pulumi.team.yaml").write_text("config: [")
    load_environment(tmp_path, "local", tmp_path / "models", Path("repo"))


def test_an_unknown_environment_names_the_nearest_known() -> None:
    with pytest.raises(
        UserError, match=r'environment: "cluod" is not known; allowed: cloud, eks, local; next: .*cloud'
    ):
        load_settings(Path("settings/ok"), "cluod")


def test_an_unknown_model_of_the_settings_names_line_and_nearest_known(tmp_path: Path) -> None:
    text = Path("settings/ok/Pulumi.local.yaml").read_text().replace("[least]", "[laest]")
    (tmp_path / "Pulumi.local.yaml").write_text(text)
    (tmp_path / "Pulumi.cloud.yaml").write_text(Path("settings/ok/Pulumi.cloud.yaml").read_text())
    with pytest.raises(UserError, match=r"local.yaml:10: .*models\[0\]: \"laest\" is not known; .*mean least\?"):
        load_environment(tmp_path, "local", Path("spec/ok"), Path("repo"))


def test_ten_megabytes_of_yaml_are_refused_without_being_parsed(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("- x\n" * 2_500_000)
    with pytest.raises(UserError, match=r"is larger than 1048576 bytes"):
        load_spec_file(path, Path("repo"))


def test_a_golden_request_that_no_config_map_holds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks/linear.json").write_text('{"input": [' + "[0.0, 2.0, 1.0, 0.0]," * 60_000 + "[0, 2, 1, 0]]}")
    shutil.copytree(FIXTURES / "repo/weights", tmp_path / "weights")
    with pytest.raises(UserError, match=r"check.request: .*is larger than 921600 bytes"):
        load_spec_file(Path("spec/ok/least.yaml"), tmp_path)


def large_request(folder: Path, row: str, rows: int) -> None:
    (folder / "checks").mkdir()
    (folder / "checks/linear.json").write_text('{"input":[' + ",".join([row] * rows) + "]}")
    shutil.copytree(FIXTURES / "repo/weights", folder / "weights")


def test_a_golden_request_that_grows_beyond_a_config_map_when_it_is_written_there_is_refused(tmp_path: Path) -> None:
    large_request(tmp_path, "[1e9,1e9,1e9,1e9]", 50_000)
    with pytest.raises(UserError, match=r"check.request: .*takes \d+ bytes .*; allowed: 1000Ki, of the 1Mi"):
        load_spec_file(FIXTURES / "spec/ok/least.yaml", tmp_path)


def test_a_golden_request_of_the_documented_size_fits_into_a_config_map(tmp_path: Path) -> None:
    large_request(tmp_path, "[0,2,1,0]", 92_000)
    assert 919_000 < (tmp_path / "checks/linear.json").stat().st_size < REQUEST_LIMIT
    loaded = load_spec_file(FIXTURES / "spec/ok/least.yaml", tmp_path)
    planned = plan("local", load_settings(FIXTURES / "settings/ok", "local"), [loaded], CODE)
    (model,) = planned.models
    (config_map,) = [m for m in render_model(model, placeholder_image(model)) if m["kind"] == "ConfigMap"]
    assert sum(len(key) + len(value.encode()) for key, value in config_map["data"].items()) < 2**20


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    (tmp_path / "latin.yaml").write_bytes(b"apiVersion: slipway/v1\nowner: caf\xe9\n")
    with pytest.raises(UserError) as refused:
        load_specs(tmp_path, Path("repo"))
    problems = [f"{f.place}: {f.problem}".removeprefix(f"{tmp_path}/") for f in each(refused.value)]
    assert problems == [
        "dangling.yaml: is a link to a file that is not there",
        "folder.yaml: is a folder",
        "latin.yaml:2: byte 33 is not UTF-8",
    ]


def test_a_file_without_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)  # root may read everything, so the refusal itself is simulated
    with pytest.raises(UserError, match=r"least.yaml: cannot be read: Permission denied; allowed: .*; next: "):
        load_spec_file(Path("spec/ok/least.yaml"), Path("repo"))


def test_a_folder_of_models_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"nowhere: cannot be read: No such file or directory"):
        load_specs(Path("nowhere"), Path("repo"))


def test_the_other_suffix_of_yaml_is_refused_rather_than_passed_over(tmp_path: Path) -> None:
    (tmp_path / "digits.yml").write_text("")
    with pytest.raises(UserError, match=r"digits.yml: ends in .yml; .*rename it to digits.yaml"):
        load_specs(tmp_path, Path("repo"))
